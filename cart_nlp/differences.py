"""Two outputs compared: trials that are new, gone or say something else."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import orjson

from cart_nlp import readback, records
from cart_nlp.places import no_file
from cart_nlp.registries.entry import InputError
from cart_nlp.schema import UNCOMPARED, Record
from cart_nlp.writers.flat import cell

COMPARED = tuple(name for name in Record.model_fields if name not in UNCOMPARED)
"""Fields that are compared; evidence, confidence and raw values go with what they support."""
FRACTIONS = tuple(
    name
    for name in COMPARED
    if float in (Record.model_fields[name].annotation, *get_args(Record.model_fields[name].annotation))
)
"""Fields of numbers that need not be whole."""

Rows = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Change:
    """A field of a trial with its values before and after, as flat text."""

    trial_id: str
    field: str
    old: str
    new: str


@dataclass
class Differences:
    """What differs between two outputs."""

    new: list[str] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    unchanged: int = 0

    @property
    def changed(self) -> int:
        """Number of trials with at least one change."""
        return len({change.trial_id for change in self.changes})


def compare(old: Rows, new: Rows, fields: tuple[str, ...] = COMPARED) -> Differences:
    """Differences by trial id, in the order of ids; only fields that both sides have are compared."""
    found = Differences(new=sorted(new.keys() - old.keys()), vanished=sorted(old.keys() - new.keys()))
    for trial in sorted(old.keys() & new.keys()):
        before, after = old[trial], new[trial]
        changes = [
            Change(trial, name, before[name], after[name])
            for name in fields
            if name in before and name in after and before[name] != after[name]
        ]
        found.changes += changes
        found.unchanged += not changes
    return found


def read_rows(source: str, note: Callable[[str], None] | None = None) -> Rows:
    """Trial id -> field -> flat text, of any output of `cart-nlp tag`; of an id that repeats the last row.

    `STORE.duckdb@2026-01-31` (or with a time) is the state of a store at the end of that day. `note` hears,
    in one line, how many ids repeat. Raises InputError with one line if the file cannot be read.
    """
    name, _, moment = source.partition(".duckdb@")
    if moment:
        return _past(Path(f"{name}.duckdb"), moment)
    path = Path(source)
    if not path.is_file():
        raise InputError(f"{source}: {no_file(path)}; give two outputs of `cart-nlp tag`")
    rows: Rows = {}
    again: set[str] = set()
    for number, (_, row) in enumerate(records.rows(path), 1):
        trial = row.get("trial_id")
        if not isinstance(trial, str):
            raise InputError(f"{source}: a row without trial_id; is this the output of `cart-nlp tag`?")
        if trial in rows:
            again.add(trial)
        try:
            rows[trial] = {key: flat(key, value) for key, value in row.items() if key in COMPARED}
        except (AttributeError, KeyError, TypeError, ValueError) as fault:
            raise InputError(
                f"{source}: record {number}: a value of another type than `cart-nlp tag` writes: {fault}"
            ) from None
    if again and note is not None:
        ids = "id stands" if len(again) == 1 else "ids stand"
        note(f"{len(again):,} {ids} more than once in {source}; the last is compared")
    return rows


def flat_row(record: Record) -> dict[str, str]:
    """A record's compared fields as flat text."""
    return {name: flat(name, value) for name, value in record.to_json().items() if name in COMPARED}


def flat(name: str, value: Any) -> str:
    """A value of a record, as JSON has it, as flat text; null and an empty list are the empty string."""
    if name in FRACTIONS and isinstance(value, int):
        value = float(value)  # a spreadsheet makes 0 of 0.0
    found = cell(name, value)
    return ("true" if found else "false") if isinstance(found, bool) else str(found)


def _past(path: Path, moment: str) -> Rows:
    """The rows of a store as they were at a moment, from its history."""
    try:
        when = datetime.datetime.fromisoformat(moment)
    except ValueError:
        raise InputError(f"{path}@{moment}: not a date; write e.g. {path}@2026-01-31") from None
    if len(moment) == 10:
        when += datetime.timedelta(days=1, microseconds=-1)
    if when.tzinfo is not None:
        when = when.astimezone(datetime.UTC).replace(tzinfo=None)
    if not path.is_file():
        raise InputError(f"{path}: no such store")
    query = (
        "SELECT trial_id, field, value FROM main.history WHERE since <= ? AND (until IS NULL OR until > ?)"
    )
    rows: Rows = {}
    budget = readback.Budget(path)
    with readback.store(path, "history") as base:
        found = base.execute(query, [when, when])
        while some := found.fetchmany(1_000):
            for trial, name, value in some:
                budget.take(len(value), rows=0)
                row = rows.setdefault(trial, dict.fromkeys(COMPARED, ""))
                if name in COMPARED:
                    row[name] = flat(name, orjson.loads(value))
    return rows
