"""Strings without which a regular expression cannot match, so that it need not be tried."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SHORTEST = 3
_EVERYWHERE = frozenset(
    ["therapy", "treatment", "immunotherapy", "cell", "cells", "cart", "car-t", "chimeric", "chimeric ",
     "chimeric antigen receptor", "receptor", "antigen", "patient", "patients", "after", "with", "and",
     " the ", "this ", "will ", "are ", "have ", "era", "therap", "study", "clinical", "safety",
     "dose", "dose ", "stud", "other"]
)  # fmt: skip
"""Strings that nearly every text on CAR cells holds: to look for them costs more than it spares."""
_QUANTIFIER = re.compile(r"[?*+]|\{(\d*)(?:,\d*)?\}")
_GROUP = re.compile(r"\?(?::|P<\w+>|[=!]|<[=!])")
Needs = frozenset[str] | None


def needs(pattern: str) -> Needs:
    """Strings one of which is part of every match of a pattern; None where there is no telling.

    Reads the syntax that the cues use: literals, escapes, classes, groups, look-arounds, quantifiers and
    alternatives. What it does not know makes it answer None, never a wrong set.

    >>> sorted(needs("real[ -]world|observ(?:ed|ing)"))
    ['observ', 'world']
    """
    reader = _Reader(pattern)
    try:
        found = reader.alternatives()
    except _UnknownSyntax:
        return None
    return found if reader.at == len(pattern) else None


class _UnknownSyntax(Exception):
    """Syntax that the cues do not use, such as flags or characters by their number."""


def _worth(found: frozenset[str]) -> int:
    """How seldom some strings stand in a text, judged by the shortest of them; one Chinese sign is enough."""
    return 0 if found & _EVERYWHERE else min((len(string.encode()) for string in found), default=0)


@dataclass
class _Reader:
    """Walks over a pattern once."""

    pattern: str
    at: int = 0

    def alternatives(self) -> Needs:
        """The needs up to the closing bracket or the end: all branches', if each has some."""
        together: set[str] = set()
        complete = True
        while True:
            branch = self.sequence()
            complete = complete and branch is not None
            together |= branch or frozenset()
            if not self.pattern.startswith("|", self.at):
                return frozenset(together) if complete else None
            self.at += 1

    def sequence(self) -> Needs:
        """The best needs of a branch: those of its longest run of literals, or of one of its groups."""
        choices: list[frozenset[str]] = []
        run = ""
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            literal, inner, width = self.item()
            once, only = self.quantifier()
            if not width:
                continue  # a look-around or an anchor: what stands on both sides of it touches
            if literal and once:
                run += literal
                if only:
                    continue
            if run:
                choices.append(frozenset((run,)))
                run = literal if literal and once and not only else ""
            if inner is not None and once:
                choices.append(inner)
        choices.append(frozenset((run,)))
        best = max(choices, key=_worth)
        return best if _worth(best) >= _SHORTEST else None

    def item(self) -> tuple[str, Needs, bool]:
        """One unit: its literal character, or a group's needs; and whether it takes up any text."""
        char = self.pattern[self.at]
        self.at += 1
        if char == "(":
            kind = _GROUP.match(self.pattern, self.at)
            if kind is None and self.pattern.startswith("?", self.at):
                raise _UnknownSyntax
            self.at = kind.end() if kind else self.at
            inner = self.alternatives()
            self.at += 1
            around = kind is not None and kind[0] in ("?=", "?!", "?<=", "?<!")
            return "", None if around else inner, not around
        if char == "[":
            self.at += self.pattern.startswith("^", self.at)
            self.at += self.pattern.startswith("]", self.at)
            while self.pattern[self.at] != "]":
                self.at += 2 if self.pattern[self.at] == "\\" else 1
            self.at += 1
            return "", None, True
        if char == "\\":
            escaped = self.pattern[self.at]
            self.at += 1
            if escaped in "xuUN" or escaped.isdigit():
                raise _UnknownSyntax  # a character by its number or name, or what a group found
            if escaped in "bBAZ":
                return "", None, False
            return ("", None, True) if escaped.isalnum() else (escaped, None, True)
        if char in "^$":
            return "", None, False
        return ("", None, True) if char == "." else (char, None, True)

    def quantifier(self) -> tuple[bool, bool]:
        """Whether the unit before must occur, and whether it occurs just once."""
        found = _QUANTIFIER.match(self.pattern, self.at)
        if found is None:
            return True, True
        self.at = found.end()
        self.at += self.pattern.startswith(("?", "+"), self.at)
        if found[0] in ("?", "*"):
            return False, False
        return found[1] is None or int(found[1] or 0) > 0, False
