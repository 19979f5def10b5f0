"""A curator's decision on one field of one trial, as a row of a corrections file holds it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, get_args

from cart_nlp.schema import TAGGED_FIELDS, Construct, Format, Record
from cart_nlp.text import construct_text

Action = Literal["set", "add", "remove", "confirm"]
ACTIONS: tuple[Action, ...] = get_args(Action)
COLUMNS = ("trial_id", "field", "action", "value", "text_sha256", "by", "date", "note")
"""Columns of a corrections file; the first four say what is decided."""
FIELDS = ("car_trial", TAGGED_FIELDS[0], "constructs", *TAGGED_FIELDS[1:])
"""Fields that can be corrected, in the order in which they are told."""
SINGLE = ("car_trial", "focus")
"""Fields with one value or none."""
NOTHING = "(none)"
"""Written as a value where the text says nothing: the field is empty, and rightly so."""
JOINT = "; "


class Correction(NamedTuple):
    """One row: of `trial_id`'s `field`, `values` are set, added, removed or confirmed.

    A confirmation without values (`open`) is of whatever the tool says; `place` is the row in its file.
    """

    trial_id: str
    field: str
    action: Action
    values: tuple[str, ...] = ()
    open: bool = False
    text_sha256: str = ""
    by: str = ""
    date: str = ""
    note: str = ""
    place: str = ""

    @property
    def value(self) -> str:
        """The cell of the values."""
        if self.open:
            return ""
        return JOINT.join(self.values) or NOTHING

    def cells(self) -> dict[str, str]:
        """The row as text, by column."""
        return {
            "trial_id": self.trial_id,
            "field": self.field,
            "action": self.action,
            "value": self.value,
            "text_sha256": self.text_sha256,
            "by": self.by,
            "date": self.date,
            "note": self.note,
        }

    @property
    def pins(self) -> bool:
        """Whether the field holds just these values from now on."""
        whole = self.field in SINGLE or not self.values
        return self.action == "set" or (self.action == "confirm" and whole and not self.open)


def construct_of(text: str) -> Construct:
    """The construct of `CD19+CD22 (tandem)`; raises ValueError with the remedy."""
    names, _, rest = text.partition("(")
    said, closed, more = rest.partition(")")
    if ")" in names or not said.strip() or not closed or more.strip():
        raise ValueError(f"construct {text!r}; write it like CD19+CD22 (tandem)")
    form = said.strip().lower().replace(" ", "_")
    if form not in get_args(Format):
        raise ValueError(f"unknown format {said.strip()!r}; there are {', '.join(get_args(Format))}")
    targets = sorted({part.strip() for part in names.split("+") if part.strip()})
    return Construct(targets=tuple(targets), format=form, basis="curator")


def shown(construct: Construct) -> str:
    """`CD19+CD22 (tandem)`."""
    return construct_text(construct.targets, construct.format)


def values_of(record: Record, field: str) -> tuple[str, ...]:
    """A record's values of a field as they are printed."""
    if field == "constructs":
        return tuple(map(shown, record.constructs))
    found: Any = getattr(record, field)
    if field in SINGLE:
        return () if found is None else (found,)
    return tuple(map(str, found))


def by_trial(rows: Iterable[Correction]) -> dict[str, list[Correction]]:
    """Rows by the id that they are written under, in their order."""
    found: dict[str, list[Correction]] = {}
    for row in rows:
        found.setdefault(row.trial_id, []).append(row)
    return found


def digest(corrections: Iterable[Correction]) -> str:
    """Hash of what is decided, whatever file it stands in."""
    rows = sorted("\x1f".join(row.cells().values()) for row in corrections)
    return hashlib.sha256("\x1e".join(rows).encode("utf-8", "surrogatepass")).hexdigest()


def text_sha256(sections: Mapping[str, str]) -> str:
    """Fingerprint of a trial's text, white space folded: tells whether a decision was made on this text."""
    found = hashlib.sha256()
    for key in sorted(sections):
        text = " ".join(sections[key].split())
        if text:
            found.update(f"{key}\x1f{text}\x1e".encode("utf-8", "surrogatepass"))
    return found.hexdigest()
