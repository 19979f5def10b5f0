"""What a reader yields: a trial not built yet, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from cart_nlp.schema import Trial


class InputError(Exception):
    """An input that cannot be read at all: one line with the file, the fault and the remedy."""


_AS_OPTIONS = {
    "--map id=COLUMN": "columns={'id': COLUMN}",
    "--map id=…,title=…": "columns={'id': …, 'title': …}",
    "--map ": "columns: ",
    "force one with --format": "force one with format=…",
}
"""Advice for the command line -> the same for somebody who calls a function."""


def in_a_call(said: str) -> str:
    """A fault's line with its advice in the words of a call."""
    for option, argument in _AS_OPTIONS.items():
        said = said.replace(option, argument)
    return said


OWN_RECORDS = (
    "records that cart-nlp has written, not a registry's export: give the export that they come from"
)


NAME_KEYS = "name them with --map id=…,title=…"
"""What to do about a record whose keys say nothing to us."""


Settled = Literal["new", "known", "keep"]
"""What is done with a record of known bytes: it is read, or handed on unread, or not even that."""


class Rejected(Exception):
    """A record that makes no trial; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that was read and could not be used: where it stands and why."""

    source: str
    place: str
    id: str | None
    reason: str


class Entry(NamedTuple):
    """One record of an input, parsed only as far as its format makes necessary.

    `text` is what the screen searches: the raw bytes of the record where the format has them
    (JSON lines, members of an archive), otherwise its joined strings. `id` is the number that the record
    gives itself. `trial()` does the rest of the work.
    """

    source: str
    place: str
    text: bytes | str
    data: Any
    parse: Callable[[Any], Trial]
    id: str = ""

    def trial(self) -> Trial:
        """Build the trial; raises Rejected with the reason if the record makes none."""
        return self.parse(self.data)
