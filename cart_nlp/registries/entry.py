"""What a reader yields: a trial not built yet, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, TypeVar

from cart_nlp.schema import Trial
from cart_nlp.text import named_twice


class InputError(Exception):
    """An input that cannot be read at all: one line with the file, the fault and the remedy."""


def refuse_twice(place: str, columns: Iterable[str], read: Collection[str] | None = None) -> None:
    """Raise InputError where a header names a column twice, of all columns or of those that are `read`."""
    if fault := named_twice(columns, read):
        raise InputError(f"{place}: {fault}")


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
    """A record that was read and could not be used: where it stands and why.

    `id` is its number as far as that can be told. With `lost`, more records may be missing where it stands.
    """

    source: str
    place: str
    id: str | None
    reason: str
    lost: bool = False


_Found = TypeVar("_Found")


class Ending:
    """Marks a reject as `lost` that nothing sound follows: there, a text may have been cut off."""

    def __init__(self) -> None:
        self._sound = True

    def watched(self, settled: Callable[[bytes, bool], Settled]) -> Callable[[bytes, bool], Settled]:
        """The same function; what it knows is sound, though its reader does not hand it on."""

        def watched(raw: bytes, may_keep: bool) -> Settled:
            told = settled(raw, may_keep)
            self._sound = self._sound or told != "new"
            return told

        return watched

    def told(self, found: Iterator[_Found | Reject]) -> Iterator[_Found | Reject]:
        """What a reader finds, each reject when it is known what follows it."""
        held: Reject | None = None
        try:
            for each in found:
                if held is not None:
                    yield held
                held = each if isinstance(each, Reject) else None
                self._sound = held is None
                if held is None:
                    yield each
        except InputError:
            if held is not None:
                yield held
            raise
        if held is not None:
            yield held if self._sound else replace(held, lost=True)


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
