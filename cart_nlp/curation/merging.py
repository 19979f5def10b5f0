"""Two curators' corrections as one: what both say, what only one says, and where they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cart_nlp.curation.applying import apply
from cart_nlp.curation.decisions import FIELDS, JOINT, Correction, values_of
from cart_nlp.curation.known_values import Names
from cart_nlp.schema import Record

Key = tuple[str, str]


@dataclass
class Disagreement:
    """A field of a trial on which two curators decided differently, with the rows of each."""

    trial_id: str
    field: str
    a: list[Correction]
    b: list[Correction]
    by: str = ""
    """Who settled it: `a`, `b`, `adjudicated`, or nobody yet."""

    def line(self) -> str:
        """The disagreement for a terminal."""
        settled = {"a": ": the first counts", "b": ": the second counts", "": ": left out until settled"}
        told = settled.get(self.by, ": settled by the adjudication")
        return f"{self.trial_id} {self.field}: {said(self.a)} | {said(self.b)}{told}"


@dataclass
class Merged:
    """The rows that hold now, the disagreements, and the agreement of each field.

    `agreement` has, per field: how many trials both decided on, on how many they said the same, and Cohen's
    kappa of that, None where it is undefined.
    """

    rows: list[Correction] = field(default_factory=list)
    disagreements: list[Disagreement] = field(default_factory=list)
    agreement: dict[str, dict[str, Any]] = field(default_factory=dict)
    only: tuple[int, int] = (0, 0)


def said(rows: Sequence[Correction]) -> str:
    """What some rows of one field say: `set CD19; remove CD22`."""
    return ", ".join(f"{row.action} {row.value or 'as it stands'}" for row in rows)


def merge(
    a: Sequence[Correction],
    b: Sequence[Correction],
    known: Names,
    *,
    adjudicated: Sequence[Correction] = (),
    prefer: str = "",
    records: Mapping[str, Record] | None = None,
) -> Merged:
    """Lay two files together, field by field of each trial.

    Two decisions are the same if they say the same, or, with `records` (by id), if they leave the field with
    the same values. `adjudicated` decisions count before both; `prefer` (a, b or newest) settles the rest.
    """
    sides: list[dict[Key, list[Correction]]] = [{}, {}, {}]
    for side, rows in zip(sides, (a, b, adjudicated), strict=True):
        for row in rows:
            side.setdefault((row.trial_id, row.field), []).append(row)
    first, second, last = sides
    found = Merged(only=(len(first.keys() - second.keys()), len(second.keys() - first.keys())))
    labels: dict[str, list[tuple[str, str]]] = {}
    for key in sorted(first.keys() | second.keys() | last.keys(), key=_order):
        mine, theirs = first.get(key, []), second.get(key, [])
        if mine and theirs:
            pair = _effect(key, mine, records, known), _effect(key, theirs, records, known)
            labels.setdefault(key[1], []).append(pair)
            if pair[0] == pair[1]:
                found.rows += last.get(key) or _signed(mine, theirs)
                continue
            difference = Disagreement(*key, mine, theirs)
            found.disagreements.append(difference)
            found.rows += _settled(difference, last.get(key, []), prefer)
        else:
            found.rows += last.get(key) or mine or theirs
    found.agreement = {name: _agreement(labels[name]) for name in FIELDS if name in labels}
    return found


def _order(key: Key) -> tuple[str, int]:
    return key[0], FIELDS.index(key[1])


def _effect(key: Key, rows: Sequence[Correction], records: Mapping[str, Record] | None, known: Names) -> str:
    """What the rows of a field come to: its values with the record at hand, else the decisions themselves."""
    if all(row.pins for row in rows):
        return "; ".join(rows[0].values)
    record = (records or {}).get(key[0])
    if record is not None:
        return "; ".join(values_of(apply(record, rows, known), key[1]))
    signs = {"add": "+", "confirm": "=", "remove": "-", "set": "!"}
    parts = {f"{signs[row.action]}{value}" for row in rows for value in row.values or ("",)}
    return "; ".join(sorted(parts))


def _signed(mine: Sequence[Correction], theirs: Sequence[Correction]) -> list[Correction]:
    """The rows of two sides that agree: one in the name of both for what both decided on the same text.

    Any other row stays as it is: fingerprint, date and note belong to the one decision that they came with.
    """
    alike: dict[tuple[object, ...], list[Correction]] = {}
    for row in (*mine, *theirs):
        alike.setdefault((row.action, row.values, row.open, row.text_sha256), []).append(row)
    return [
        rows[0]._replace(
            by=" + ".join(dict.fromkeys(row.by for row in rows if row.by)),
            date=max(row.date for row in rows),
            note=JOINT.join(dict.fromkeys(row.note for row in rows if row.note)),
        )
        for rows in alike.values()
    ]


def _settled(found: Disagreement, last: list[Correction], prefer: str) -> list[Correction]:
    if last:
        found.by = "adjudicated"
        return last
    if prefer == "newest":
        dates = [max(row.date for row in side) for side in (found.a, found.b)]
        prefer = "" if dates[0] == dates[1] else "a" if dates[0] > dates[1] else "b"
    found.by = prefer
    return {"a": found.a, "b": found.b}.get(prefer, [])


def _agreement(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    from sklearn.metrics import cohen_kappa_score

    left, right = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    one = len({*left, *right}) == 1  # chance alone would agree always
    same = sum(x == y for x, y in pairs)
    kappa = None if one else float(cohen_kappa_score(left, right))
    return {"trials": len(pairs), "same": same, "kappa": kappa}
