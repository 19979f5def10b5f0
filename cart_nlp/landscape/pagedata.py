"""The report page: what its template shows, and the data behind each number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cart_nlp import __version__
from cart_nlp.landscape import methods
from cart_nlp.landscape.cohort import NOT_STATED, Cohort
from cart_nlp.landscape.table import Cell, Table
from cart_nlp.pages import Strings, data_uri, embed, render, web
from cart_nlp.schema import TAGGED_FIELDS
from cart_nlp.text import construct_text
from cart_nlp.writers.flat import clean

ROWS_AT_FIRST = 20


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


def page_of(
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
        all(isinstance(row[n].value, (int, float, type(None))) and row[n].shown is None for row in table.rows)
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
    value = cell.value if cell.shown is None else cell.shown
    value = clean(value) if isinstance(value, str) else value
    packed = [value, sets.number(cell.ids), sets.number(cell.of)]
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
    """Included trials in their order, then what was left out, the tagging run's last, each once."""
    return list(dict.fromkeys([*chosen.df["trial_id"], *chosen.everyone["trial_id"]]))


def _trials(chosen: Cohort) -> dict[str, Any]:
    strings = Strings()
    trials = []
    for row in chosen.df.to_dict("records"):
        fields = [strings.number(plain(row.get(name))) for name in FIELDS]
        evidence = [
            [strings.number(clean(part)) for part in (e.field, e.value, e.basis, e.section, e.text, e.rule)]
            for e in row["evidence"]
        ]
        trials.append([clean(row["trial_id"]), clean(row["title"]), web(row["url"]), fields, evidence])
    reasons = {one.trial_id: one.reason for one in chosen.unwritten.trials}
    reasons |= {i: reason for reason, ids in chosen.left_out.items() for i in ids}
    rest = chosen.everyone.drop_duplicates("trial_id").set_index("trial_id")
    for one in _everyone(chosen)[len(chosen) :]:
        known = {
            "car_trial": rest.at[one, "car_trial"],
            "registry": rest.at[one, "registry"],
            "left out": reasons.get(one, ""),
        }
        fields = [strings.number(plain(known.get(name))) for name in FIELDS]
        title, url = (str(rest.at[one, name]) for name in ("title", "url"))
        trials.append([clean(one), clean(title), web(url), fields, []])
    return {
        "fields": [name.replace("_", " ") for name in FIELDS],
        "trials": trials,
        "strings": strings.pool(),
    }


def plain(value: Any) -> str:
    """A field's value as text to be shown; the empty string if it says nothing."""
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        parts = (
            construct_text(v.targets, v.format) if hasattr(v, "format") and hasattr(v, "targets") else str(v)
            for v in value
        )
        return "; ".join(map(clean, parts))
    return clean(str(value))
