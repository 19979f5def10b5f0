"""The whole report into a folder: page, Markdown, tables, workbook and figures."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from cart_nlp import __version__
from cart_nlp.landscape import (
    Options,
    analyze,
    changes,
    cohort,
    methods,
    plots,
    read_records,
    reference,
    run_facts,
)
from cart_nlp.landscape.cohort import NOT_STATED, Cohort
from cart_nlp.landscape.export import Sets, markdown, write_tables, write_workbook
from cart_nlp.landscape.page import Strings, data_uri, embed, render, web
from cart_nlp.landscape.table import Cell, Table
from cart_nlp.schema import TAGGED_FIELDS

ROWS_AT_FIRST = 20
TITLE = "CAR cell therapy trials: the landscape"
GLANCE = (
    ("trials included", "flow", ("trials included",), "records", ""),
    ("give or study a CAR product", "flow", ("give or study a CAR product",), "records", ""),
    ("in China", "regions", ("China",), "%", " %"),
    ("in the United States", "regions", ("United States",), "%", " %"),
    ("phase II and later", "phases", ("II and later together",), "%", " %"),
    ("in hematological disease", "disease_groups", ("hematological",), "%", " %"),
    ("in solid tumors", "disease_groups", ("solid",), "%", " %"),
    ("in autoimmune disease", "disease_groups", ("autoimmune",), "%", " %"),
    ("aim at several targets", "multi_target", ("all",), "%", " %"),
    ("of completed trials with results", "transparency", ("all", "all"), "%", " %"),
)


@dataclass(frozen=True)
class Built:
    """What a report run made: its tables, folder, page and time in seconds."""

    tables: dict[str, Table]
    folder: Path
    page: Path
    seconds: float
    included: int


def build(
    records: Path,
    folder: Path,
    options: Options,
    reference_name: str | None = None,
    compare: Path | None = None,
    image_files: bool = True,
) -> Built:
    """Read records and write the report; the same records and options give the same bytes on the same date.

    Raises InputError for records that cannot be read. Writes report.html, report.md, landscape.xlsx,
    tables/, figures/ and run.json into `folder`, which is made if needed.
    """
    begun = time.perf_counter()
    if reference_name:
        reference.facts(reference_name)  # an unknown name or file is told before the work, not after it
    older = cohort(read_records(compare), options) if compare else None
    run = run_facts(records)
    chosen = cohort(read_records(records), options)
    found = analyze(chosen, run)
    extra: list[Table] = []
    if reference_name:
        extra += reference.tables(found, reference_name, options.until)
    if older is not None:
        extra += changes.tables(chosen, older)
    found = {**{t.name: t for t in extra}, **found}
    text = methods.paragraphs(chosen, run, records.name)
    for place in (folder / "tables", folder / "figures"):
        place.mkdir(parents=True, exist_ok=True)
    drawn = {name: (make(found), section) for name, (make, section) in plots.FIGURES.items()}
    if image_files:
        for plot, _ in drawn.values():
            plot.save(folder / "figures")
    write_tables(found, folder / "tables", Sets())
    write_workbook(found, folder / "landscape.xlsx")
    named = [(plot.name, plot.title) for plot, _ in drawn.values()]
    (folder / "report.md").write_text(markdown(TITLE, text, found, named), encoding="utf-8")
    page = folder / "report.html"
    page.write_text(_page(chosen, found, drawn, text), encoding="utf-8")
    (folder / "run.json").write_bytes(
        orjson.dumps(_provenance(records, chosen, compare, reference_name), option=orjson.OPT_INDENT_2)
    )
    return Built(found, folder, page, time.perf_counter() - begun, len(chosen))


def _provenance(
    records: Path, chosen: Cohort, compare: Path | None, reference_name: str | None
) -> dict[str, Any]:
    options = chosen.options
    return {
        "version": __version__,
        "records": {"file": records.name, "sha256": hashlib.sha256(records.read_bytes()).hexdigest()},
        "compare": compare
        and {"file": compare.name, "sha256": hashlib.sha256(compare.read_bytes()).hexdigest()},
        "reference": reference_name,
        "options": {
            "until": options.until,
            "as_of": options.as_of.isoformat(),
            "periods": [str(p) for p in options.periods],
            "growth": [str(p) for p in options.growth],
            "top": options.top,
            "pubmed": options.publications is not None,
            "sponsor_decisions": len(options.sponsor_decisions),
        },
        "counts": {
            "records": len(chosen.read),
            "included": len(chosen),
            **{k: len(v) for k, v in chosen.left_out.items()},
        },
    }


class _Sets:
    """Sets of trials as numbers; a set holds positions in the list of trials."""

    def __init__(self, ids: list[str]) -> None:
        self.at = {one: n for n, one in enumerate(ids)}
        self.numbers: dict[tuple[int, ...], int] = {}

    def number(self, ids: tuple[str, ...] | None) -> int | None:
        """The number of a set, None where there is none; ids that are not included are left out."""
        if ids is None:
            return None
        return self.numbers.setdefault(tuple(self.at[i] for i in ids if i in self.at), len(self.numbers))


def _page(chosen: Cohort, found: Mapping[str, Table], drawn: Mapping[str, Any], text: list[str]) -> str:
    sets = _Sets(list(chosen.df["trial_id"]))
    sections: dict[str, dict[str, list[Any]]] = {}
    glance = _glance(found, sets)
    for plot, section in drawn.values():
        figure = {"name": plot.name, "title": plot.title, "alt": plot.alt, "source": data_uri(plot.svg)}
        sections.setdefault(section, {"figures": [], "tables": []})["figures"].append(figure)
    rows: dict[str, Any] = {}
    for table in found.values():
        sections.setdefault(table.section, {"figures": [], "tables": []})["tables"].append(_shown(table))
        if table.rows:
            rows[table.name] = [[_packed(cell, sets) for cell in row] for row in table.rows]
    last = ("Statistics", "Appendix")
    ordered = {n: sections[n] for n in sorted(sections, key=lambda n: last.index(n) + 1 if n in last else 0)}
    measured = methods.accuracy()
    data = {"tables": rows, "sets": list(sets.numbers), **_trials(chosen)}
    return render(
        "report.html.j2",
        "report.js",
        "report.css",
        title=TITLE,
        glance=glance,
        sections=ordered,
        methods=text,
        accuracy=methods.accuracy_rows(measured),
        accuracy_version=measured.get("version"),
        data=embed(data),
        version=__version__,
        as_of=chosen.options.as_of.isoformat(),
        included=len(chosen),
        first=ROWS_AT_FIRST,
    )


def _glance(found: Mapping[str, Table], sets: _Sets) -> list[dict[str, str]]:
    out = []
    for label, name, keys, column, unit in GLANCE:
        table = found[name]
        cells = table.find(*keys)
        cell = table.cell(keys, column)
        link = (
            f"cell={name}:{table.rows.index(cells)}:{table.columns.index(column)}"
            if cells and cell.ids is not None
            else ""
        )
        out.append(
            {"label": label, "text": cell.text() + (unit if cell.value is not None else ""), "link": link}
        )
    named = [row for row in found["targets"].rows if row[0].text() != NOT_STATED]
    ids = tuple(dict.fromkeys(one for row in named for one in row[1].ids or ()))
    out.insert(8, {"label": "distinct targets", "text": str(len(named)), "link": f"set={sets.number(ids)}"})
    return out


def _shown(table: Table) -> dict[str, Any]:
    numeric = [
        all(isinstance(row[n].value, (int, float, type(None))) for row in table.rows)
        for n in range(len(table.columns))
    ]
    head = [
        {"name": c, "numeric": n and bool(table.rows)} for c, n in zip(table.columns, numeric, strict=True)
    ]
    rows = [
        [{"text": cell.text(), "linked": cell.ids is not None} for cell in row]
        for row in table.rows[:ROWS_AT_FIRST]
    ]
    return {
        "name": table.name,
        "title": table.title,
        "note": table.note,
        "head": head,
        "rows": rows,
        "size": len(table.rows),
    }


def _packed(cell: Cell, sets: _Sets) -> Any:
    """[value], [value, set] or [value, set, set of the denominator]: what the page sorts, shows and links."""
    packed = [cell.value, sets.number(cell.ids), sets.number(cell.of)]
    while len(packed) > 1 and packed[-1] is None:
        packed.pop()
    return packed


FIELDS = (
    "car_trial",
    "registry",
    "targets",
    "constructs",
    *TAGGED_FIELDS[1:],
    "phase",
    "status",
    "why_stopped",
    "enrollment",
    "start_date",
    "first_posted",
    "sponsor",
    "funding",
    "collaborators",
    "countries",
    "has_results",
    "pmids",
)


def _trials(chosen: Cohort) -> dict[str, Any]:
    strings = Strings()
    trials = []
    for row in chosen.df.to_dict("records"):
        fields = [strings.number(plain(row[name])) for name in FIELDS]
        evidence = [
            [strings.number(part) for part in (e.field, e.value, e.basis, e.section, e.text, e.rule)]
            for e in row["evidence"]
        ]
        trials.append([row["trial_id"], row["title"], web(row["url"]), fields, evidence])
    return {
        "fields": [name.replace("_", " ") for name in FIELDS],
        "trials": trials,
        "strings": strings.pool(),
    }


def plain(value: Any) -> str:
    """A field's value as text; the empty string if it says nothing."""
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return "; ".join(
            f"{'+'.join(v.targets)} ({v.format})"
            if hasattr(v, "format") and hasattr(v, "targets")
            else str(v)
            for v in value
        )
    return str(value)
