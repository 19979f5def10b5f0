"""What changed between two sets of records of different dates."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from cart_nlp.differences import COMPARED, flat
from cart_nlp.landscape.cohort import Cohort
from cart_nlp.landscape.table import Cell, Ids, Table, count

SECTION = "What changed"
Change = tuple[str, str, str, str]
"""A trial, a field, and its text before and now."""


def tables(new: Cohort, old: Cohort) -> list[Table]:
    """Counts of new, gone and changed trials, targets that are new, and each change."""
    now = {row["trial_id"]: row for row in new.df.to_dict("records")}
    before = {row["trial_id"]: row for row in old.df.to_dict("records")}
    added = tuple(i for i in now if i not in before)
    gone = tuple(i for i in before if i not in now)
    changed = [
        (i, field, was, told)
        for i in now
        if i in before
        for field in COMPARED
        if (was := _text(field, before[i][field])) != (told := _text(field, now[i][field]))
    ]
    return [
        _summary(now, before, added, gone, changed),
        _status(changed),
        _names(new, old),
        _list(added, gone, changed),
    ]


def _summary(
    now: dict[str, Any],
    before: dict[str, Any],
    added: Ids,
    gone: Ids,
    changed: list[Change],
) -> Table:
    note = (
        "Included trials of both files, after duplicates and exclusions. A gone trial was "
        "withdrawn from the file or is no longer included. Every field that `cart-nlp diff` compares is "
        "compared, sponsors and funding as this report has them; one without a row here changed in no trial."
    )
    table = Table(
        "changes_summary",
        "What changed since the older records",
        ("what", "trials"),
        note=note,
        section=SECTION,
    )
    table.add("included then", Cell(len(before), tuple(i for i in before if i in now)))
    table.add("included now", count(now))
    table.add("new", count(added))
    table.add("gone", Cell(len(gone)))
    for field in COMPARED:
        if ids := [i for i, name, _, _ in changed if name == field]:
            table.add(f"other {field.replace('_', ' ')}", count(ids))
    return table


def _status(changed: list[Change]) -> Table:
    table = Table("changes_status", "Changes of status", ("from", "to", "trials"), section=SECTION)
    moves: dict[tuple[str, str], list[str]] = {}
    for i, field, old, new in changed:
        if field == "status":
            moves.setdefault((old, new), []).append(i)
    for (old, new), ids in sorted(moves.items(), key=lambda kv: (-len(kv[1]), kv[0])):
        table.add(old, new, count(ids))
    return table


def _names(new: Cohort, old: Cohort) -> Table:
    note = "Targets, indications and countries that no older record had."
    table = Table(
        "changes_names", "First seen since then", ("field", "name", "trials"), note=note, section=SECTION
    )
    for field in ("targets", "indications", "countries"):
        known = old.by(field)
        for name, ids in new.by(field).items():
            if name not in known:
                table.add(field, name, count(ids))
    return table


def _list(added: Ids, gone: Ids, changed: list[Change]) -> Table:
    table = Table("changes", "Each change", ("trial", "what", "before", "now"), section=SECTION)
    for i in added:
        table.add(Cell(i, (i,)), "new", None, None)
    for i in gone:
        table.add(i, "gone", None, None)
    for i, field, old, new in changed:
        table.add(Cell(i, (i,)), field, old, new)
    return table


def _text(field: str, value: Any) -> str:
    """A value as `cart-nlp diff` tells it."""
    if isinstance(value, tuple):
        value = [one.model_dump() if isinstance(one, BaseModel) else one for one in value]
    return flat(field, value) or "none"
