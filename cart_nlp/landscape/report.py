"""The whole report into a folder: page, Markdown, tables, workbook and figures."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
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
    read_records,
    reference,
    run_facts,
)
from cart_nlp.landscape.cohort import NOT_STATED, Cohort
from cart_nlp.landscape.export import Sets, markdown, write_tables, write_workbook
from cart_nlp.landscape.records import frame, record_list
from cart_nlp.landscape.table import Cell, Table
from cart_nlp.landscape.texts import with_follow_up
from cart_nlp.pages import Strings, data_uri, embed, render, web
from cart_nlp.registries.entry import InputError
from cart_nlp.schema import TAGGED_FIELDS

ROWS_AT_FIRST = 20
MARK = "cart-nlp landscape"
MADE = ("report.html", "report.md", "landscape.xlsx", "run.json", "tables", "figures")
"""What a report folder holds; nothing else in it is ours to remove."""
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
    texts: tuple[Path, ...] = ()
    image_files: bool = True
    figures: tuple[str, ...] = tuple(plots.FIGURES)
    formats: tuple[str, ...] = ("svg", "png")


def build(
    records: Path,
    folder: Path,
    options: Options,
    asked: Asked | None = None,
    say: Callable[[str], None] = lambda step: None,
) -> Built:
    """Read records and write the report; the same records and options give the same bytes on the same date.

    `say` is told each step. Raises InputError for files that cannot be read or written over,
    EmptyReport where no trial is included. Writes report.html, report.md, landscape.xlsx, tables/, figures/ and run.json into
    `folder`; what an earlier report left there goes, anything else stays.
    """
    begun = time.perf_counter()
    asked = asked or Asked()
    ours = _owned(folder)
    if asked.reference:
        reference.facts(asked.reference)  # an unknown name or file is told before the work, not after it
    measured = methods.accuracy(asked.accuracy)
    say("reading records")
    older = cohort(read_records(asked.compare), options) if asked.compare else None
    run = run_facts(records)
    df = frame(laid(record_list(records), opened(asked.corrections)))
    if asked.texts:
        say("reading the text for planned follow-up")
        df = with_follow_up(df, asked.texts)
    chosen = cohort(df, options)
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
    page.write_text(_page(chosen, found, drawn, text, measured), encoding="utf-8")
    (folder / "run.json").write_bytes(
        orjson.dumps(_provenance(records, chosen, asked), option=orjson.OPT_INDENT_2)
    )
    return Built(found, folder, page, time.perf_counter() - begun, len(chosen))


def _owned(folder: Path) -> bool:
    """Whether the folder holds an earlier report; raises InputError for such files of another origin."""
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


class _Sets:
    """Sets of trials as numbers; a set holds positions in the list of trials."""

    def __init__(self, ids: list[str]) -> None:
        self.at = {one: n for n, one in enumerate(ids)}
        self.numbers: dict[tuple[int, ...], int] = {}

    def number(self, ids: tuple[str, ...] | None) -> int | None:
        """The number of a set, None where there is none."""
        if ids is None:
            return None
        return self.numbers.setdefault(tuple(self.at[i] for i in ids if i in self.at), len(self.numbers))


def _page(
    chosen: Cohort,
    found: Mapping[str, Table],
    drawn: Mapping[str, Any],
    text: list[str],
    measured: methods.Accuracy,
) -> str:
    sets = _Sets(_everyone(chosen))
    sections: dict[str, dict[str, list[Any]]] = {}
    glance = _glance(found, sets)
    for plot, section in drawn.values():
        figure = {
            "name": plot.name,
            "title": plot.title,
            "alt": plot.alt,
            "caption": plot.caption,
            "source": data_uri(plot.svg),
        }
        sections.setdefault(section, {"figures": [], "tables": []})["figures"].append(figure)
    rows: dict[str, Any] = {}
    for table in found.values():
        sections.setdefault(table.section, {"figures": [], "tables": []})["tables"].append(_shown(table))
        if table.rows:
            rows[table.name] = [[_packed(cell, sets) for cell in row] for row in table.rows]
    last = ("Statistics", "Appendix")
    ordered = {n: sections[n] for n in sorted(sections, key=lambda n: last.index(n) + 1 if n in last else 0)}
    data = {"tables": rows, "sets": list(sets.numbers), **_trials(chosen)}
    return render(
        "report",
        title=chosen.options.title,
        glance=glance,
        sections=ordered,
        methods=text,
        accuracy=measured,
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
        absent = " (not in this export)" if cell.value is None else ""
        out.append(
            {
                "label": label + absent,
                "text": cell.text() + (unit if cell.value is not None else ""),
                "link": link,
            }
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
    "registered",
    "placed_by",
    "left out",
)


def _everyone(chosen: Cohort) -> list[str]:
    """Included trials in their order, then what was left out, each once."""
    return list(dict.fromkeys([*chosen.df["trial_id"], *chosen.everyone["trial_id"]]))


def _trials(chosen: Cohort) -> dict[str, Any]:
    strings = Strings()
    trials = []
    for row in chosen.df.to_dict("records"):
        fields = [strings.number(plain(row.get(name))) for name in FIELDS]
        evidence = [
            [strings.number(part) for part in (e.field, e.value, e.basis, e.section, e.text, e.rule)]
            for e in row["evidence"]
        ]
        trials.append([row["trial_id"], row["title"], web(row["url"]), fields, evidence])
    reasons = {i: reason for reason, ids in chosen.left_out.items() for i in ids}
    rest = chosen.everyone.drop_duplicates("trial_id").set_index("trial_id")
    for one in _everyone(chosen)[len(chosen) :]:
        known = {
            "car_trial": rest.at[one, "car_trial"],
            "registry": rest.at[one, "registry"],
            "left out": reasons.get(one, ""),
        }
        fields = [strings.number(plain(known.get(name))) for name in FIELDS]
        trials.append([one, str(rest.at[one, "title"]), web(str(rest.at[one, "url"])), fields, []])
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
