"""A trial as one text, as annotation tools want it, with offsets that lead back to its sections."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

GAP = "\n\n"
# Characters that some tool reads as a line end or drops; one space for one keeps every offset.
_BREAKS = re.compile("[\r\x0b\x0c\x1c-\x1f\x7f-\x9f\u2028\u2029\ufeff\x00-\x08\x0e-\x1b]")


@dataclass(frozen=True, slots=True)
class Layout:
    """The text, and where each section is in it: (key, start, end)."""

    text: str
    places: tuple[tuple[str, int, int], ...]

    def offset(self, section: str) -> int:
        """Where a section starts; raises KeyError if the trial has no such section."""
        for key, start, _ in self.places:
            if key == section:
                return start
        raise KeyError(section)

    def locate(self, start: int, end: int) -> tuple[str, int, int] | None:
        """Section, start and end within it of a stretch of the text; None if it crosses a border."""
        for key, first, last in self.places:
            if first <= start < end <= last:
                return key, start - first, end - first
        return None


def layout(identifier: str, sections: Mapping[str, str]) -> Layout:
    """The text of a trial: a head line with its id, then every section under its key.

    Every section's text takes as many characters as in the record.
    """
    parts = [identifier]
    at = len(identifier)
    places = []
    for key, text in sections.items():
        head = f"{GAP}[{key}]\n"
        at += len(head)
        parts += [head, _BREAKS.sub(" ", text)]
        places.append((key, at, at + len(text)))
        at += len(text)
    # A tool that trims white space at the end of a text must find none.
    parts.append("\n.")
    return Layout("".join(parts), tuple(places))
