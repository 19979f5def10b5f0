"""Plain strings by which a search is spared: those that a cue needs, and those that open a pattern."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping

import ahocorasick_rs

from cart_nlp.prefilter import needs

Match = tuple[int, int, int]
"""A string that was found: its number, its start and its end."""


class Literals:
    """Finds a fixed set of strings, however many, at the cost of reading the text once."""

    def __init__(self, strings: Iterable[str]) -> None:
        self.strings = tuple(strings)
        self.known = frozenset(self.strings)
        self._automaton = ahocorasick_rs.AhoCorasick(self.strings)

    def places(self, text: str) -> dict[str, list[int]]:
        """The starts of each string that occurs, in reading order; the others are left out."""
        return places(self.strings, self._automaton.find_matches_as_indexes(text, overlapping=True))


def places(strings: tuple[str, ...], found: Iterable[Match]) -> dict[str, list[int]]:
    """The starts of each string that was found."""
    starts: dict[str, list[int]] = {}
    for number, start, _ in found:
        starts.setdefault(strings[number], []).append(start)
    return starts


# A character that no text holds: the search ends before it begins, where "(?!)" would try every place.
_NEVER = re.compile("\U0010ffff(?!)")


class CueHints:
    """Where in one text the strings stand without which a cue cannot match."""

    __slots__ = ("_found", "_needed", "_places", "cues")

    def __init__(
        self, needed: Mapping[str, frozenset[int]], found: list[Match], here: dict[str, re.Pattern[str]]
    ) -> None:
        self._needed = needed
        self._found = found
        self._places: dict[str, list[int]] = {}
        self.cues = here
        """Every cue; in place of one that cannot match here, a pattern that never does."""

    def within(self, cue: str, start: int, end: int) -> bool:
        """Whether a cue can match within a stretch."""
        if self.cues[cue] is _NEVER:
            return False
        places = self.places(cue)
        if places is None:
            return True
        at = bisect_left(places, start)
        return at < len(places) and places[at] < end

    def places(self, cue: str) -> list[int] | None:
        """The starts of the strings one of which the cue needs; None for a cue that may match anywhere."""
        places = self._places.get(cue)
        if places is None and cue in self._needed:
            needed = self._needed[cue]
            places = self._places[cue] = [at for string, at, _ in self._found if string in needed]
            places.sort()
        return places


class CueLiterals:
    """The strings without which the cues cannot match."""

    def __init__(self, cues: Mapping[str, re.Pattern[str]]) -> None:
        strings: dict[str, int] = {}
        self.needed: dict[str, frozenset[int]] = {}
        """Cue -> the numbers of the strings one of which it needs; left out where nothing is known."""
        for name, pattern in cues.items():
            needed = needs(pattern.pattern)
            # A cue with capitals is tried on the text as written, not in lower case.
            if needed is not None and all(string == string.lower() for string in needed):
                self.needed[name] = frozenset(strings.setdefault(string, len(strings)) for string in needed)
        self.strings = tuple(strings)
        self._without = {name: _NEVER if name in self.needed else cue for name, cue in cues.items()}
        self._users = [
            {name: cues[name] for name, needed in self.needed.items() if number in needed}
            for number in strings.values()
        ]

    def of(self, found: list[Match]) -> CueHints:
        """The hints of a text in lower case in which these of the strings were found, by their ends."""
        here = self._without.copy()
        for string in {string for string, _, _ in found}:
            here.update(self._users[string])
        return CueHints(self.needed, found, here)
