"""Antigens written as numbers: CART19, 4SCAR19/22/123, anti-CD19/22, CAR-20/19-T, 19-28z, CD19.20.22."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate

from cart_nlp.lexicon import Lexicon
from cart_nlp.signals.reading import Mention

# CAR or CART with a number, whatever is glued in front: huCART19, 4SCAR19, tanCART-19/20, CAR-20/19-T.
_CAR_NUMBER = re.compile(
    r"(?<![a-z])(?:hu|4s|[usdcimt]|tan|tri|bi|dual|fast|anti-|mb-|auto)?(?<!c-)car-?t?s?"
    r"(?:[- .]?(?=[1-9])|0(?=19))"
    r"(?P<first>\d{1,4})(?![\d%]|-?1-?bb)"
    r"(?!\s*(?:patient|subject|day|week|month|year|cell|x ?10|mg|ml|participant|center|trial))"
)
_NUMBERED = re.compile(r"car-?t?s?[- .]?\d")
# The number after a CD name or a number: separator, optional CD, number.
_NEXT = re.compile(
    r"(?:\s?[/\\x.&+;]\s?|-)(?:cd-?)?(?P<number>[1-9]\d{0,2}[a-z]?)(?![\da-z%]|-?1-?bb)(?!\.\d+\s?%)"
)
# In prose lists only where further items or the CAR word follow: "4SCAR20, 22, 38, 70 or 123".
_NEXT_LISTED = re.compile(
    r"(?:,\s?|\s(?:and|or|and/or)\s)(?P<number>[1-9]\d{1,2}[a-z]?)(?![\da-z%.])"
    r"(?=,\s?\d|\s(?:and|or)\s\d|\s?-?\s?\(?(?:4?s?car|chimeric|bispecific|tri|antigen)|[.;)]|\s*$|\s+for\b|"
    r"\s+t[- ]cells?|\s+in\b)"
)
_SIGNAL_NAME = re.compile(r"(?<![\da-z-])m?(?P<number>\d{2,3})-?\.?(?:28|bb|4-1bb|41bb)-?z(?:eta)?(?![a-z])")
# The next of a family: "TRBC1/2".
_SIBLING = re.compile(r"/(?P<number>\d)(?![\d.])")


def _outside(mentions: Iterable[Mention], others: Iterable[Mention]) -> list[Mention]:
    """The mentions that are part of none of the others."""
    inner = sorted(others, key=lambda other: other.start)
    starts = [other.start for other in inner]
    # The furthest end of all that start so early.
    ends = [0, *accumulate((other.end for other in inner), max)]
    return [m for m in mentions if m.end > ends[bisect_right(starts, m.start)]]


def _may_go_on(low: str, antigen: Mention) -> bool:
    """Whether numbers after an antigen's name may be further ones: "CD19/22", "…/CD20/22"."""
    return low.startswith("cd", antigen.start) or low[antigen.start - 1 : antigen.start] in ("/", "\\")


class Numbers:
    """Finds antigens written as a number next to CAR, CART or another CD name."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.numbers = lexicon.cd_numbers
        self.targeted = lexicon.words("car_number")
        """CD numbers that a CAR has been named after; others in "CAR 168" are product numbers."""

    def find(self, low: str, mentions: Iterable[Mention]) -> list[Mention]:
        """New mentions: numbers that name a CD antigen. Those inside a known antigen's name are left out."""
        antigens = [m for m in mentions if m.label == "antigen"]
        found = [*self._beside_car(low), *self._construct_names(low)]
        starts = [m.end for m in found if m.row == "number:car"]
        starts += [m.end for m in antigens if _may_go_on(low, m)]
        found += self._siblings(low, antigens)
        found += self._continued(low, starts)
        return _outside(found, antigens)

    def _beside_car(self, low: str) -> Iterator[Mention]:
        done = 0
        for numbered in _NUMBERED.finditer(low):
            at = numbered.start()
            if at < done:
                continue
            found = _CAR_NUMBER.search(low, max(done, at - 6), at + 40)
            if found is None or found.start() > at:
                continue
            done = found.end()
            yield from self._of_number(low, found.start("first"), found["first"])

    def _of_number(self, low: str, start: int, number: str) -> Iterator[Mention]:
        """What a number after CAR names: one antigen, two in four digits ("CAR2219"), or none."""
        if len(number) == 4:
            pair = (number[:2], number[2:])
            if self.targeted.issuperset(pair):
                yield self._mention(start, start + 2, pair[0], "number:car")
                yield self._mention(start + 2, start + 4, pair[1], "number:car")
        elif self._names_target(number) and (len(number) > 1 or low[start - 1] != " "):
            yield self._mention(start, start + len(number), number, "number:car")

    def _names_target(self, number: str) -> bool:
        """Whether a number after CAR is that of a CD antigen, not of a product."""
        return number in self.targeted and number in self.numbers

    def _construct_names(self, low: str) -> Iterator[Mention]:
        for found in _SIGNAL_NAME.finditer(low):
            if found["number"] in self.numbers:
                yield self._mention(*found.span("number"), found["number"], "number:construct")

    def _continued(self, low: str, starts: Iterable[int]) -> Iterator[Mention]:
        seen: set[int] = set()
        for end in starts:
            while end not in seen:
                seen.add(end)
                following = _NEXT.match(low, end) or _NEXT_LISTED.match(low, end)
                if following is None or following["number"] not in self.numbers:
                    break
                if "-" in low[end : following.start("number")] and not low.startswith(
                    ("/", "-car", " car"), following.end()
                ):
                    break
                yield self._mention(*following.span("number"), following["number"], "number:continued")
                end = following.end()

    def _siblings(self, low: str, antigens: Iterable[Mention]) -> Iterator[Mention]:
        """The second member of a family of antigens that differ in their last digit."""
        for mention in antigens:
            if mention.concept.startswith("CD") or not mention.concept[-1].isdigit():
                continue
            found = _SIBLING.match(low, mention.end)
            if found and low[mention.end - 1] == mention.concept[-1]:
                name = mention.concept[:-1] + found["number"]
                if name != mention.concept and self.lexicon.get("antigen", name) is not None:
                    yield Mention(*found.span("number"), "antigen", name, "number:continued")

    def _mention(self, start: int, end: int, number: str, rule: str) -> Mention:
        return Mention(start, end, "antigen", self.numbers[number], rule)
