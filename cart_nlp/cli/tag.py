"""`cart-nlp tag`: options, progress and the closing summary; the work is in cart_nlp.batch."""

from __future__ import annotations

import signal
import sys
from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from cart_nlp import console
from cart_nlp.batch import processes
from cart_nlp.cli._commands import CORRECTIONS
from cart_nlp.cli._progress import Show, counting
from cart_nlp.lean import settle

if TYPE_CHECKING:
    from cart_nlp.batch import Options, Summary
    from cart_nlp.batch.meter import Reached
    from cart_nlp.batch.running import Progress


MERGES = 20
"""Merges told one by one; the provenance file has them all."""


class Engine(StrEnum):
    """What the work runs on."""

    LOCAL = "local"
    DASK = "dask"


def command(
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Dumps of any supported registry format, plain, .gz, .zip or .zst; - reads standard input."
        ),
    ],
    out: Annotated[
        str,
        typer.Option(
            "--out",
            "-o",
            help="Output; its suffix picks the format: "
            ".jsonl .csv .tsv (also .gz) .parquet .xlsx .duckdb; - for JSON lines.",
        ),
    ],
    all_: Annotated[
        bool,
        typer.Option("--all", help="Write every trial read, not only those that are product or related."),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=processes.MOST_WORKERS,
            help="Worker processes; 0: in this one, without --timeout. [default: one, more where it pays]",
        ),
    ] = None,
    engine: Annotated[Engine, typer.Option(help="local processes, or Dask.")] = Engine.LOCAL,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Address of a Dask scheduler, e.g. tcp://host:8786; default: one started here."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run of the same arguments that was broken off.")
    ] = False,
    rejects: Annotated[
        str | None,
        typer.Option(help="File for records that could not be used; default: OUT.rejects.jsonl, if any."),
    ] = None,
    screened: Annotated[
        str | None,
        typer.Option(
            help="List of all that was read and not written, what the text screen let go too; default: "
            "OUT.screened.ndjson, if any, of the trials that were tagged."
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            help="Input format; default: recognized by its content. There are json, ctgov-v2, ctgov-v1, "
            "ctgov-xml, ctgov-search-xml, ctgov-csv, ictrp-xml, ictrp-csv, chictr-xml, chictr-html, ctis, "
            "euctr, nci, aact, table."
        ),
    ] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", help="Columns of a table, e.g. id=NR,title=NAME,summary=TEXT; repeatable."),
    ] = None,
    lexicon: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of your own lexicon rows, layered over the shipped ones; repeatable."),
    ] = None,
    dedupe: Annotated[
        bool,
        typer.Option("--dedupe", help="Write a trial with several registrations once, their texts merged."),
    ] = False,
    formula_guard: Annotated[
        bool,
        typer.Option(
            "--formula-guard/--no-formula-guard",
            help="In CSV, TSV and XLSX, put ' before texts that a spreadsheet would run.",
        ),
    ] = True,
    corrections: Annotated[
        str | None,
        typer.Option(help=f"A curator's decisions ({CORRECTIONS}), laid over what the tool finds."),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds that one record may take before it is rejected.")
    ] = 120.0,
) -> None:
    """Read registry dumps and write one record per CAR trial, every value with its evidence."""
    if scheduler is not None and engine is not Engine.DASK:
        _stop(f"--scheduler {scheduler}: is for --engine dask only; give that too", 2)
    lexicons = tuple(map(str, lexicon or ()))
    # A store that is there may need no worker at all.
    at_once = not (out.endswith(".duckdb") and Path(out).exists())
    with _early(workers if engine is Engine.LOCAL else 0, at_once, lexicons):
        from cart_nlp.batch import Options

        code = _tag(
            Options(
                inputs=tuple(inputs),
                out=out,
                keep_all=all_,
                workers=workers,
                engine=engine.value,
                scheduler=scheduler,
                resume=resume,
                rejects=rejects,
                screened=screened,
                format=format,
                mapping=_mapping(map_),
                lexicons=lexicons,
                dedupe=dedupe,
                guard=formula_guard,
                corrections=corrections,
                timeout=timeout,
            )
        )
    raise typer.Exit(code)


def _early(workers: int | None, at_once: bool, lexicons: tuple[str, ...]) -> AbstractContextManager[None]:
    """Start what is to tag now: it loads while the run is prepared, or `at_once` false, when it gets work."""
    if workers not in (None, 1) or not processes.copyable():
        return processes.served(workers != 0 and at_once, lexicons)
    import cart_nlp.batch.running  # what both need is read once
    import cart_nlp.registries.reading  # noqa: F401
    from cart_nlp.batch.jobs import TaggerSource
    from cart_nlp.batch.pool import copied
    from cart_nlp.batch.worker import load_tagger

    return copied(TaggerSource(load_tagger, (lexicons,)), at_once)


def _tag(options: Options) -> int:
    """Run, tell what became of the records, and return the exit code."""
    from cart_nlp.batch import Interrupted, ReaderGone, run

    signal.signal(signal.SIGTERM, _terminated)
    if "duckdb" not in sys.modules:  # it would call what of it is not taken apart at the end leaked
        settle()
    try:
        with counting() as show:
            summary = run(options, progress=show and _telling(show, options.dedupe))
    except (KeyboardInterrupt, Interrupted) as stop:
        _stop(str(stop) or "interrupted", console.INTERRUPTED)
    except ReaderGone as gone:
        _stop(str(gone), console.CLOSED_PIPE)
    except _faults() as fault:
        console.stop_all("cart-nlp tag", str(fault).splitlines())
    shown = summary.merges[:MERGES]
    if len(summary.merges) > MERGES:
        shown.append(f"… and {len(summary.merges) - MERGES:,} more merges, all listed in OUT.run.json")
    for line in [*summary.notes, *shown, *summary.faults]:
        _say(line)
    if summary.read or not summary.faults:
        for line in report(summary, options):
            _say(line)
    return summary.exit_code


def _faults() -> tuple[type[Exception], ...]:
    """What is told in one line; asked only once something is raised, for the lexicons are not always read."""
    from cart_nlp.batch import BatchError
    from cart_nlp.lexicon import LexiconError
    from cart_nlp.registries.entry import InputError
    from cart_nlp.writers import OutputError

    return BatchError, OutputError, InputError, LexiconError


def report(summary: Summary, options: Options) -> list[str]:
    """The lines of the closing summary."""
    out = ", ".join(summary.files) or ("standard output" if options.out == "-" else "nothing was written")
    if summary.already:
        lines = [f"already complete: {summary.written:,} records in {out}", _numbers(summary)]
        return lines + _curated(summary)
    speed = f" in {summary.seconds:.1f} s" if summary.seconds else ""
    lines = [_numbers(summary), f"→ {out}{speed}"]
    if summary.store:
        found = summary.store
        words = ("new", "changed", "unchanged", "vanished")
        said = ", ".join(f"{found[word]:,} {word}" for word in words)
        dropped = f", {found['dropped']:,} no CAR trial any more" if found.get("dropped") else ""
        lines.append(f"store: {said}{dropped}; {found['retagged']:,} tagged in this run")
        if summary.kept:
            unused = summary.faults or summary.rejected
            why = "not every input or record could be used" if unused else "an input holds no records"
            lines.append(f"store: {summary.kept:,} not seen in this run and kept, since {why}")
    return lines + _curated(summary)


def _curated(summary: Summary) -> list[str]:
    if not summary.corrections:
        return []
    from cart_nlp.curation.ledger import lines

    return lines(summary.corrections)


def _numbers(summary: Summary) -> str:
    screened = summary.screened + summary.below
    split = f" ({summary.screened:,} by the text screen, {summary.below:,} tagged and no CAR study)"
    merged = f" + {summary.merged:,} merged" if summary.merged else ""
    return (
        f"{summary.read:,} read = {screened:,} screened out{split if summary.below else ''}"
        f" + {summary.written:,} written{merged} + {summary.rejected:,} rejected"
    )


def _mapping(pairs: list[str] | None) -> dict[str, str] | None:
    found = {}
    for pair in (part for text in pairs or () for part in text.split(",")):
        field, equals, column = pair.partition("=")
        if not equals or not field.strip() or not column.strip():
            _stop(f"--map {pair!r}: write FIELD=COLUMN, e.g. --map title=Name,summary=Text", 2)
        found[field.strip()] = column.strip()
    return found or None


def _telling(show: Show, stages: bool) -> Progress:
    """Says what a run has reached; `stages` where all is read before anything is tagged."""

    def tell(reached: Reached) -> None:
        parts = [f"{reached.read:,} read"]
        parts += [f"{reached.written:,} written"] if not stages or reached.stage == "tagging" else []
        parts += [f"{reached.rejected:,} rejected"] if reached.rejected else []
        show(", ".join(parts), reached.share)

    return tell


def _terminated(number: int, frame: Any) -> NoReturn:
    raise KeyboardInterrupt


def _say(line: str) -> None:
    console.say("cart-nlp tag", line)


def _stop(line: str, code: int) -> NoReturn:
    console.stop("cart-nlp tag", line, code)
