"""The whole report into a folder: page, Markdown, tables, workbook and figures."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cart_nlp import __version__
from cart_nlp.curation.laying import laid, opened
from cart_nlp.landscape import (
    Options,
    analyze,
    changes,
    cohort,
    coverage,
    methods,
    plots,
    published,
    read_records,
    reference,
    run_facts,
)
from cart_nlp.landscape.cohort import Cohort
from cart_nlp.landscape.curated import Curated, curated
from cart_nlp.landscape.dataframe import frame
from cart_nlp.landscape.export import Sets, markdown, write_tables, write_workbook
from cart_nlp.landscape.folder import claim, renewed
from cart_nlp.landscape.pagedata import page_of
from cart_nlp.landscape.table import Table
from cart_nlp.records import record_list


class EmptyReport(ValueError):
    """No trial is included: a report would be a page of zeros."""


@dataclass(frozen=True)
class Built:
    """What a report run made: its tables, folder, page and time in seconds."""

    tables: dict[str, Table]
    folder: Path
    page: Path
    seconds: float
    included: int


@dataclass(frozen=True)
class Asked:
    """What a report is to hold besides its tables."""

    reference: str | None = None
    compare: Path | None = None
    accuracy: Path | None = None
    corrections: Path | None = None
    image_files: bool = True
    figures: tuple[str, ...] = tuple(plots.FIGURES)
    formats: tuple[str, ...] = ("svg", "png")
    sources: tuple[Path, ...] = ()
    """Files that the options were read from."""


def build(
    records: Path,
    folder: Path,
    options: Options,
    asked: Asked | None = None,
    say: Callable[[str], None] = lambda step: None,
    note: Callable[[str], None] = lambda line: None,
) -> Built:
    """Read records and write the report; the same records and options give the same bytes on the same date.

    `say` is told each step, `note` of corrections that met no record. Raises InputError for files that cannot
    be read, PlaceError for those that may not or cannot be written, EmptyReport where no trial is included.
    Writes report.html, report.md, landscape.xlsx, tables/, figures/ (if there are any) and run.json into
    `folder`, all of them or none; what an earlier report wrote there goes, anything else stays.
    """
    begun = time.perf_counter()
    asked = asked or Asked()
    beside = (asked.compare, asked.accuracy, asked.corrections)
    claim(folder, (records, *filter(None, beside), *asked.sources))
    if asked.reference:
        published.facts(asked.reference)  # an unknown name or file is told before the work, not after it
    measured = methods.accuracy(asked.accuracy)
    say("reading records")
    older = cohort(read_records(asked.compare), options) if asked.compare else None
    run = run_facts(records)
    rows = opened(asked.corrections)
    corrected = laid(record_list(records), rows, note=note)
    decided = curated(asked.corrections, rows, corrected) if asked.corrections else None
    df = frame(corrected)
    chosen = cohort(df, options, run.get("unwritten"))
    if not len(chosen):
        left = "; ".join(f"{len(ids)} {reason}" for reason, ids in chosen.left_out.items() if ids)
        raise EmptyReport(f"{records}: no trial is included ({len(df)} records; {left or 'none left out'})")
    say(f"counting {len(chosen):,} trials")
    found = analyze(chosen, run)
    extra: list[Table] = []
    if asked.reference:
        extra += reference.tables(found, asked.reference, coverage.measure(chosen))
    if older is not None:
        extra += changes.tables(chosen, older)
    found = {**{t.name: t for t in extra}, **found}
    text = methods.paragraphs(chosen, run, records.name, decided)
    say("drawing figures")
    drawn = {name: (plots.draw(name, found, chosen), plots.FIGURES[name].section) for name in asked.figures}
    with renewed(folder, _provenance(records, chosen, asked, decided)) as part:
        saved = _save([plot for plot, _ in drawn.values()], part / "figures", asked)
        say("writing tables")
        write_tables(found, part / "tables", Sets())
        write_workbook(found, part / "landscape.xlsx", options.as_of)
        (part / "report.md").write_text(
            markdown(options.title, [*text, *measured.lines()], found, saved), encoding="utf-8"
        )
        say("writing the page")
        (part / "report.html").write_text(page_of(chosen, found, drawn, text, measured), encoding="utf-8")
    return Built(found, folder, folder / "report.html", time.perf_counter() - begun, len(chosen))


def _save(drawn: list[plots.Plot], folder: Path, asked: Asked) -> list[tuple[str, str]]:
    """Write the files of the figures, if they are wanted; the first of each, with its caption."""
    if not (drawn and asked.image_files):
        return []
    folder.mkdir(exist_ok=True)
    return [(plot.save(folder, asked.formats)[0].name, plot.caption) for plot in drawn]


def _provenance(records: Path, chosen: Cohort, asked: Asked, decided: Curated | None) -> dict[str, Any]:
    options, compare = chosen.options, asked.compare
    return {
        "version": __version__,
        "records": {"file": records.name, "sha256": hashlib.sha256(records.read_bytes()).hexdigest()},
        "compare": compare
        and {"file": compare.name, "sha256": hashlib.sha256(compare.read_bytes()).hexdigest()},
        "corrections": None if decided is None else asdict(decided),
        "reference": asked.reference,
        "options": {
            "title": options.title,
            "since": options.since,
            "until": options.until,
            "registries": list(options.registries),
            "basis": options.basis,
            "axis": options.axis,
            "search_text": options.search_text,
            "search_date": options.search_date,
            "figures": list(asked.figures),
            "as_of": options.as_of.isoformat(),
            "periods": [str(p) for p in options.periods],
            "growth": [str(p) for p in options.growth],
            "top": options.top,
            "pubmed": options.publications is not None,
            "sponsor_decisions": len(options.sponsor_decisions),
        },
        "data_end": chosen.end.isoformat(),
        "counts": {
            "records": len(chosen.read),
            "included": len(chosen),
            **{k: len(v) for k, v in chosen.left_out.items()},
        },
    }
