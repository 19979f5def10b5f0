"""`cart-nlp fetch`: options and printing; the work is in cart_nlp.fetch."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from cart_nlp import console
from cart_nlp.cli._bounds import DAY, MOST
from cart_nlp.cli._progress import counting


def command(
    query: Annotated[
        str, typer.Argument(help='Search terms, as in the search box of the site, e.g. "CAR-T".')
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write, .jsonl or .jsonl.gz.")],
    limit: Annotated[int | None, typer.Option(min=1, max=MOST, help="Stop after so many studies.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only studies that changed on this day or later, e.g. 2026-01-31.")
    ] = None,
    page_size: Annotated[int, typer.Option(min=1, max=1000, help="Studies a request.")] = 1000,
    base_url: Annotated[
        str, typer.Option(help="Address of the API, for a mirror or a proxy.")
    ] = "https://clinicaltrials.gov/api/v2",
    timeout: Annotated[
        float,
        typer.Option(
            min=1,
            max=DAY,
            help="Seconds to wait for a sign of the server; five times as long for a whole answer.",
        ),
    ] = 60.0,
    pause: Annotated[
        float, typer.Option(min=0, max=DAY, help="Seconds between requests; the site asks for this.")
    ] = 1.2,
) -> None:
    """Download studies from ClinicalTrials.gov's v2 API, one JSON line a study."""
    import httpx

    from cart_nlp import __version__
    from cart_nlp.fetch import Api, FetchError, fetch

    if not out.name.endswith((".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")):
        _stop(f"{out}: studies are written as JSON lines; name the file .jsonl or .jsonl.gz", 2)
    if since is not None and not _is_day(since):
        _stop(f"--since {since}: write a day as 2026-01-31", 2)
    signal.signal(signal.SIGTERM, _terminated)
    try:
        with (
            counting() as show,
            httpx.Client(timeout=timeout, headers={"User-Agent": f"cart-nlp/{__version__}"}) as client,
        ):
            api = Api(client, base_url, pause, timeout=timeout, say=_say)

            def progress(done: int, total: int | None) -> None:
                whole = min(limit or total, total) if total else limit
                if show is not None:
                    show(f"{done:,} studies", done / whole if whole else None)

            found = fetch(query, out, api, page_size=page_size, limit=limit, since=since, progress=progress)
    except FetchError as fault:
        _stop(str(fault), 2)
    except (ValueError, httpx.InvalidURL, ImportError) as fault:  # of a proxy that the environment names
        _stop(f"the client cannot be set up: {fault}; look at HTTP_PROXY and the like", 2)
    except KeyboardInterrupt:
        _stop("interrupted; nothing was written", 130)
    of = f" of {found.total:,}" if found.total is not None else ""
    _say(f"{found.studies:,}{of} studies → {out}")
    if found.nameless:
        _say(f"{found.nameless:,} entries have no NCT number and were left out")
    # One that came twice is only one: pages shift while they are read, and another study fell between them.
    missing = (found.total or 0) - found.studies - found.nameless
    if limit is None and missing > 0:
        studies = "study" if missing == 1 else "studies"
        twice = f" and {found.again:,} twice" if found.again else ""
        _say(f"the API gave {missing:,} {studies} less than it announced{twice}; run again")
        raise typer.Exit(1)
    raise typer.Exit(1 if found.nameless else 0)


def _terminated(number: int, frame: Any) -> NoReturn:
    raise KeyboardInterrupt


def _say(line: str) -> None:
    console.say("cart-nlp fetch", line)


def _stop(line: str, code: int) -> NoReturn:
    console.stop("cart-nlp fetch", line, code)


def _is_day(text: str) -> bool:
    import datetime

    try:
        return len(text) == 10 and bool(datetime.date.fromisoformat(text))
    except ValueError:
        return False
