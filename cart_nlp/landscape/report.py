"""The whole report into a folder: page, Markdown, tables, workbook and figures."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

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
from cart_nlp.landscape.dataframe import frame
from cart_nlp.landscape.export import Sets, markdown, write_tables, write_workbook
from cart_nlp.landscape.pagedata import page_of
from cart_nlp.landscape.table import Table
from cart_nlp.places import STANDARD
from cart_nlp.records import record_list
from cart_nlp.registries.entry import InputError
from cart_nlp.writers.flat import escaped

MARK = "cart-nlp landscape"
MADE = ("report.html", "report.md", "landscape.xlsx", "run.json", "tables", "figures")
"""What a report folder holds; nothing else in it is ours to remove."""


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
    be read or written over, EmptyReport where no trial is included. Writes report.html, report.md,
    landscape.xlsx, tables/, figures/ and run.json into `folder`; what an earlier report left there goes,
    anything else stays.
    """
    begun = time.perf_counter()
    asked = asked or Asked()
    ours = _owned(folder)
    if asked.reference:
        published.facts(asked.reference)  # an unknown name or file is told before the work, not after it
    measured = methods.accuracy(asked.accuracy)
    say("reading records")
    older = cohort(read_records(asked.compare), options) if asked.compare else None
    run = run_facts(records)
    df = frame(laid(record_list(records), opened(asked.corrections), note=note))
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
    text = methods.paragraphs(chosen, run, records.name)
    say("drawing figures")
    _clean(folder, ours)
    for place in (folder / "tables", folder / "figures"):
        place.mkdir(parents=True, exist_ok=True)
    drawn = {name: (plots.draw(name, found, chosen), plots.FIGURES[name].section) for name in asked.figures}
    if asked.image_files:
        for plot, _ in drawn.values():
            plot.save(folder / "figures", asked.formats)
    say("writing tables")
    write_tables(found, folder / "tables", Sets())
    write_workbook(found, folder / "landscape.xlsx")
    named = [(plot.name, plot.caption) for plot, _ in drawn.values()]
    (folder / "report.md").write_text(
        markdown(options.title, [*text, *measured.lines()], found, named), encoding="utf-8"
    )
    say("writing the page")
    page = folder / "report.html"
    page.write_text(page_of(chosen, found, drawn, text, measured), encoding="utf-8")
    (folder / "run.json").write_bytes(
        escaped(orjson.dumps(_provenance(records, chosen, asked), option=orjson.OPT_INDENT_2))
    )
    return Built(found, folder, page, time.perf_counter() - begun, len(chosen))


def _owned(folder: Path) -> bool:
    """Whether the folder holds an earlier report; raises InputError for such files of another origin."""
    if str(folder) == STANDARD:
        raise InputError(f"{folder}: a report is a folder, not standard output; name one")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; name a folder for the report")
    there = [name for name in MADE if (folder / name).exists()]
    if not there:
        return False
    try:
        facts = orjson.loads((folder / "run.json").read_bytes())
        ours = isinstance(facts, dict) and facts.get("made_by") == MARK
    except (OSError, orjson.JSONDecodeError):
        ours = False
    if not ours:
        raise InputError(
            f"{folder / there[0]}: is there already and no report of ours; name another folder, or remove it"
        )
    return True


def _clean(folder: Path, ours: bool) -> None:
    """Remove what an earlier report wrote, by its own list: nothing stale stays, nothing of others goes."""
    if not ours:
        return
    for place, kinds in (("tables", (".csv",)), ("figures", (".csv", ".svg", ".png", ".pdf", ".tiff"))):
        if (folder / place).is_dir():
            for file in (folder / place).iterdir():
                if file.is_file() and file.suffix in kinds:
                    file.unlink()
    for name in MADE[:4]:
        (folder / name).unlink(missing_ok=True)


def _provenance(records: Path, chosen: Cohort, asked: Asked) -> dict[str, Any]:
    options, compare = chosen.options, asked.compare
    return {
        "made_by": MARK,
        "version": __version__,
        "records": {"file": records.name, "sha256": hashlib.sha256(records.read_bytes()).hexdigest()},
        "compare": compare
        and {"file": compare.name, "sha256": hashlib.sha256(compare.read_bytes()).hexdigest()},
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
