"""How far the records carry the fields that a number rests on: what an export lacks is not zero."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from cart_nlp.landscape.cohort import Cohort
from cart_nlp.landscape.dating import BY_START
from cart_nlp.landscape.table import Cell, Ids, Table, count, ratio

SECTION = "Screening"
STOPPED = ("TERMINATED", "WITHDRAWN", "SUSPENDED")
LABELS = {
    "registered": "registration date (recorded or by number)",
    "start_date": "start date",
    "completion_date": "completion date",
    "countries": "countries",
    "phase": "phase",
    "status": "status",
    "why_stopped": "reason of stopped trials",
    "enrollment": "enrollment",
    "follow_up_years": "a length of follow-up in the text",
    "sponsor": "sponsor",
    "collaborators": "collaborators",
    "has_results": "posted results",
    "pmids": "publications with their type",
    "results": "posted results or publications",
}
FLOOR = 5.0
OPTIONAL = {"collaborators": 2.0, "follow_up_years": 1.0, "has_results": 1.0, "pmids": 1.0, "results": 1.0}
"""Percent of the records below which a field counts as not exported; lower where a whole registry has few."""
ABSENT = "not in this export"
NOBODY = "no trial could have it"
"""How a field is told that no included trial can have, as a reason to stop where none was stopped."""


@dataclass(frozen=True)
class Seen:
    """A field: trials whose record has it, and the trials that could."""

    name: str
    ids: Ids
    of: Ids
    by_registry: Mapping[str, tuple[int, int]]

    @property
    def enough(self) -> bool:
        """Whether numbers may rest on it. Of no trials at all, nothing is missing."""
        return not self.of or 100 * len(self.ids) >= OPTIONAL.get(self.name, FLOOR) * len(self.of)

    def __str__(self) -> str:
        parts = "; ".join(
            f"{name or 'unnamed registry'} {n:,} of {of:,}" for name, (n, of) in self.by_registry.items()
        )
        more = f" ({parts})" if len(self.by_registry) > 1 else ""
        return f"{LABELS[self.name]} in {len(self.ids):,} of {len(self.of):,} records{more}"


def measure(cohort: Cohort) -> dict[str, Seen]:
    """Each field with the included trials whose record has it."""
    df = cohort.df
    joined = cohort.options.publications
    stopped = [s in STOPPED for s in df["status"]]
    has = {name: [_said(v) for v in df[name]] for name in LABELS if name in df}
    has["registered"] = [
        bool(d) and how != BY_START for d, how in zip(df["registered"], df["placed_by"], strict=True)
    ]
    # An id without a type is no sign that the export tells results from background.
    has["pmids"] = [any(r.type for r in references) for references in df["references"]]
    if joined is not None:
        has["pmids"] = [True] * len(df)
    has["results"] = [bool(a) or bool(b) for a, b in zip(has["has_results"], has["pmids"], strict=True)]
    found = {}
    for name in LABELS:
        could = stopped if name == "why_stopped" else [True] * len(df)
        by: dict[str, tuple[int, int]] = {}
        for registry, a, b in zip(df["registry"], has[name], could, strict=True):
            n, of = by.get(registry, (0, 0))
            by[registry] = (n + (a and b), of + b)
        pairs = dict(sorted(by.items(), key=lambda kv: (-kv[1][1], kv[0])))
        found[name] = Seen(
            name,
            cohort.pick([a and b for a, b in zip(has[name], could, strict=True)]),
            cohort.pick(could),
            {k: v for k, v in pairs.items() if v[1]},
        )
    return found


def _said(value: object) -> bool:
    return value is not None and value == value and value != () and value != "" and value is not False


def table(cohort: Cohort, seen: Mapping[str, Seen]) -> Table:
    """Coverage of each field, by registry: what the tables may rest on."""
    registries = list(dict.fromkeys(r for one in seen.values() for r in one.by_registry))
    note = (
        f"Included trials whose record has the field. Below {FLOOR:g} % (posted results, publications and "
        "follow-up 1 %, collaborators 2 %) a field counts as not exported: what rests on it is “–”, not "
        "zero. Publications are complete where --pubmed joined an export."
    )
    columns = ("field", "records with it", "of", "%", *(r or "unnamed registry" for r in registries), "used")
    made = Table("coverage", "Fields that the records carry", columns, note=note, section=SECTION)
    registry = dict(zip(cohort.df["trial_id"], cohort.df["registry"], strict=True))
    for one in seen.values():
        by = [count(i for i in one.ids if registry[i] == r) for r in registries]
        used = NOBODY if not one.of else "yes" if one.enough else ABSENT
        made.add(LABELS[one.name], count(one.ids), count(one.of), ratio(one.ids, one.of), by, used)
    return made


def enforce(made: Table, seen: Mapping[str, Seen]) -> Table:
    """State the coverage in the note; make undefined what rests on a field that the export lacks."""
    made.missing = tuple(name for name in made.rests if not seen[name].enough)
    columns = {n for n, c in enumerate(made.columns) if _lacks(made.column_rests.get(c, ()), seen)}
    rows = {n for n, fields in made.row_rests.items() if _lacks(fields, seen)}
    if made.missing or columns or rows:
        made.rows = [
            _undefined(row, columns, bool(made.missing) or r in rows) for r, row in enumerate(made.rows)
        ]
    further = itertools.chain(made.column_rests.values(), made.row_rests.values())
    fields = [seen[name] for name in dict.fromkeys(itertools.chain(made.rests, *further))]
    absent = [str(one) for one in fields if not one.enough]
    there = [str(one) for one in fields if one.enough and one.of]
    if there:
        made.note = f"{made.note} Coverage: {'; '.join(there)}.".strip()
    if absent:
        made.note = (
            f"{ABSENT.capitalize()}: {'; '.join(absent)}; what rests on it is undefined. {made.note}".strip()
        )
    return made


def _undefined(row: tuple[Cell, ...], columns: set[int], numbers: bool) -> tuple[Cell, ...]:
    """A row without the cells of some columns, and without all its `numbers`."""
    return tuple(
        Cell(None) if n in columns or (numbers and _number(n, cell)) else cell for n, cell in enumerate(row)
    )


def _lacks(fields: tuple[str, ...], seen: Mapping[str, Seen]) -> bool:
    return any(not seen[name].enough for name in fields)


def _number(column: int, cell: Cell) -> bool:
    return column > 0 and (
        cell.ids is not None or isinstance(cell.value, (int, float)) or cell.of is not None
    )
