"""Short forms of diseases that a record defines: is MM a myeloma or a metastatic melanoma here?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

_BRACKETED = re.compile(r"\s?[(\[]\s?(?P<short>[A-Za-z][A-Za-z0-9/-]{1,8})\s?[)\]]")
_LONGEST = 40
"""Characters before a disease that may belong to what is abbreviated ("metastatic melanoma (MM)")."""


class Span(Protocol):
    """What names a disease at a place of a text."""

    @property
    def start(self) -> int:
        """Its first character."""
        ...

    @property
    def end(self) -> int:
        """The character after its last one."""
        ...

    @property
    def concept(self) -> str:
        """The disease."""
        ...


def definitions(text: str, found: Iterable[Span]) -> dict[str, str]:
    """Short form -> concept, for names that a text abbreviates in brackets right behind them.

    >>> from collections import namedtuple
    >>> name = namedtuple("Name", "start end concept")(11, 19, "melanoma")
    >>> definitions("metastatic melanoma (MM)", [name])
    {'MM': 'melanoma'}
    """
    defined: dict[str, str] = {}
    for name in found:
        match = _BRACKETED.match(text, name.end)
        if match is None or "CAR" in match["short"]:
            continue
        if abbreviates(match["short"], text[max(0, name.start - _LONGEST) : name.end]):
            defined.setdefault(match["short"], name.concept)
    return defined


def occurrences(text: str, defined: Mapping[str, str]) -> Iterator[tuple[int, int, str]]:
    """Where a text uses defined short forms: start, end and concept."""
    for short, concept in defined.items():
        if short not in text:
            continue
        for match in re.finditer(rf"(?<!\w){re.escape(short)}(?!\w)", text):
            yield (*match.span(), concept)


def is_own_abbreviation(text: str, start: int, end: int) -> bool:
    """Whether a word stands alone in brackets and abbreviates what stands before them."""
    if ")" not in text[end : end + 2] or text[start - 1 : start] not in ("(", " "):
        return False
    before = text[max(0, start - 3 * _LONGEST) : start].rstrip()
    if not before.endswith("(") or not text[end : end + 2].lstrip().startswith(")"):
        return False
    return abbreviates(text[start:end], before[:-1].rstrip())


def abbreviates(short: str, before: str) -> bool:
    """Whether the words before hold its letters in this order, the first one at the start of a word."""
    if sum(c.isupper() for c in short) < 2:
        return False
    at, lowered = len(before), before.lower()
    for letter in reversed([c for c in short.lower() if c.isalnum()]):
        at = lowered.rfind(letter, 0, at)
        if at < 0:
            return False
    return at == 0 or not lowered[at - 1].isalnum()
