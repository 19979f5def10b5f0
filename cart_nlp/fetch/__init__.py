"""Studies from ClinicalTrials.gov's v2 API, page by page, as one JSON line a study."""

from __future__ import annotations

import datetime
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import urlsplit

import orjson

from cart_nlp.fetch.client import API, PAGE, PAUSE, Api, FetchError
from cart_nlp.places import PlaceError, begun, regular
from cart_nlp.searches import note

__all__ = ["API", "PAGE", "PAUSE", "Api", "FetchError", "Fetched", "fetch"]


@dataclass(frozen=True)
class Fetched:
    """What a download brought: studies written, how many the API said there are, entries without a number.

    `again` counts studies that came twice and are written once.
    """

    studies: int
    total: int | None
    pages: int
    nameless: int = 0
    again: int = 0


def fetch(
    query: str,
    out: Path,
    api: Api,
    *,
    page_size: int = PAGE,
    limit: int | None = None,
    since: str | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> Fetched:
    """Write the studies of a query to a JSONL file (gzipped if its name ends in .gz), each id once.

    The file appears when it is complete, and OUT.fetch.json with the search and its day. `progress` is called
    with studies so far and their total. Raises FetchError if the API or the file fails; nothing is left
    behind then.
    """
    try:
        final = regular(out)
    except PlaceError as fault:
        raise FetchError(str(fault)) from None
    part = final.with_name(final.name + ".cart-nlp-part")
    try:
        with begun(part) as raw:
            if out.name.endswith(".gz"):
                with gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
                    found = _write(cast(IO[bytes], packed), query, api, page_size, limit, since, progress)
            else:
                found = _write(raw, query, api, page_size, limit, since, progress)
        note(part, final, _search(query, api, limit, since, found))
        part.replace(final)
    except OSError as fault:
        part.unlink(missing_ok=True)
        raise FetchError(f"{out}: cannot be written: {fault.strerror or fault}") from None
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return found


def _search(
    query: str, api: Api, limit: int | None, since: str | None, found: Fetched
) -> dict[str, str | int | None]:
    """What a reader of the results wants to know of their search; of the address only its host."""
    return {
        "query": query,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "source": urlsplit(api.base).hostname,
        "since": since,
        "limit": limit,
        "studies": found.studies,
        "announced": found.total,
    }


def _write(
    file: IO[bytes],
    query: str,
    api: Api,
    page_size: int,
    limit: int | None,
    since: str | None,
    progress: Callable[[int, int | None], None] | None,
) -> Fetched:
    seen: set[str] = set()
    total: int | None = None
    pages = nameless = again = 0
    for page in api.pages(query, min(page_size, limit or page_size), since):
        pages += 1
        said = page.get("totalCount")
        total = said if isinstance(said, int) and not isinstance(said, bool) else total
        for study in page["studies"]:
            found = _id(study)
            if found is None:
                nameless += 1
            elif found in seen:
                again += 1
            elif limit is None or len(seen) < limit:
                seen.add(found)
                file.write(orjson.dumps(study) + b"\n")
        if progress is not None:
            progress(len(seen), total)
        if limit is not None and len(seen) >= limit:
            break
    return Fetched(len(seen), total, pages, nameless, again)


def _id(study: Any) -> str | None:
    """The NCT number of a study, or None for what is no study."""
    try:
        found = study["protocolSection"]["identificationModule"]["nctId"]
    except (KeyError, TypeError):
        return None
    return found if isinstance(found, str) and found.strip() else None
