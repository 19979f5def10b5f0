"""Where plain strings stand in a text, all of them found in one pass."""

from __future__ import annotations

from collections.abc import Iterable

import ahocorasick_rs


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
