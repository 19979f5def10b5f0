"""Where plain strings stand in a text, all of them found in one pass."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping

import ahocorasick_rs

from cart_nlp.prefilter import needs


class Literals:
    """Finds a fixed set of strings, however many, at the cost of reading the text once."""

    def __init__(self, literals: Iterable[str]) -> None:
        self._literals = list(literals)
        self._automaton = ahocorasick_rs.AhoCorasick(self._literals)

    def places(self, text: str) -> dict[str, list[int]]:
        """The starts of each string that occurs, in reading order; the others are left out."""
        found: dict[str, list[int]] = {}
        for index, start, _ in self._automaton.find_matches_as_indexes(text, overlapping=True):
            found.setdefault(self._literals[index], []).append(start)
        return found


_NEVER = re.compile(r"(?!)")


class CueHints:
    """Where in one text the strings stand without which a cue cannot match."""

    __slots__ = ("_places", "_told", "cues")

    def __init__(
        self, told: frozenset[str], places: dict[str, list[int]], cues: dict[str, re.Pattern[str]]
    ) -> None:
        self._told = told
        self._places = places
        self.cues = cues
        """Every cue; in place of one that cannot match here, a pattern that never does."""

    def within(self, cue: str, start: int, end: int) -> bool:
        """Whether a cue can match within a stretch."""
        if cue not in self._told:
            return True
        places = self._places.get(cue)
        if places is None:
            return False
        at = bisect_left(places, start)
        return at < len(places) and places[at] < end


class CueLiterals:
    """The strings without which the cues cannot match, all of them found in one pass over a text."""

    def __init__(self, cues: Mapping[str, re.Pattern[str]]) -> None:
        self._users: dict[str, list[str]] = {}
        self._cues = cues
        told = set()
        for name, pattern in cues.items():
            strings = needs(pattern.pattern)
            # A cue with capitals is tried on the text as written, not in lower case.
            if strings is not None and all(string == string.lower() for string in strings):
                told.add(name)
                for string in strings:
                    self._users.setdefault(string, []).append(name)
        self._told = frozenset(told)
        self._without = {name: _NEVER if name in told else pattern for name, pattern in cues.items()}
        self._literals = Literals(self._users)

    def of(self, low: str) -> CueHints:
        """The hints of one text in lower case."""
        places: dict[str, list[int]] = {}
        for string, starts in self._literals.places(low).items():
            for cue in self._users[string]:
                places.setdefault(cue, []).extend(starts)
        cues = self._without.copy()
        for cue, found in places.items():
            found.sort()
            cues[cue] = self._cues[cue]
        return CueHints(self._told, places, cues)
