"""Antigens written as numbers: CART19, 4SCAR19/22/123, anti-CD19/22, CAR-20/19-T, 19-28z, CD19.20.22."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from operator import attrgetter

from cart_nlp.lexicon import Lexicon
from cart_nlp.signals.reading import Mention

# CAR or CART with a number: huCART19, 4SCAR19, tanCART-19/20, CAR-20/19-T; no dose, and no 4-1BB.
_CAR_NUMBER = (
    r"<<name_car>>-?t?s?(?:[- .]?(?=[1-9])|0(?=19))(?!<<number_of_domain>>)"
    r"(?P<number>\d{1,4})(?![\d%])(?!\s*<<number_counts>>)"
)
_LETTERS = re.compile(r"[a-z]+$")
_LONGEST = 12
"""Letters that may be glued to the front of a CAR word."""
# The number after a CD name or a number: separator, optional CD, number.
_NEXT = (
    r"(?:\s?[/\\x.&+;]\s?|-)(?:<<number_of>>-?)?(?!<<number_of_domain>>)"
    r"(?P<number>[1-9]\d{0,2}[a-z]?)(?![\da-z%])(?!\.\d+\s?%)"
)
# In prose lists only where further items or the CAR word follow: "4SCAR20, 22, 38, 70 or 123".
_NEXT_LISTED = (
    r"(?:,\s?|\s(?:and|or|and/or)\s)(?P<number>[1-9]\d{1,2}[a-z]?)(?![\da-z%.])"
    r"(?=,\s?\d|\s(?:and|or)\s\d|\s?-?\s?\(?<<number_before>>|[.;)]|\s*$|\s+for\b|\s+in\b)"
    r"(?!(?:,?\s(?:and\s|or\s)?\d{1,4}){1,8}\s*<<number_counts>>)"
)
# What stands before is looked at behind the first digit: the engine then tries digits alone.
_CONSTRUCT = r"(?P<number>\d(?:(?<![\da-z-].)|(?<=m.)(?<![\da-z-]m.))\d{1,2})-?\.?<<number_signal>>(?![a-z])"
_GOES_ON = r"/|[ -]<<name_car>>"
# The next of a family: "TRBC1/2".
_SIBLING = re.compile(r"(?<=\d)/(?P<number>\d)(?![\d.])")


def numbered(lexicon: Lexicon, low: str, mentions: Iterable[Mention]) -> list[Mention]:
    """New mentions: numbers next to CAR, CART or a CD name that name an antigen, but inside a known name."""
    antigens = sorted((m for m in mentions if m.label == "antigen"), key=attrgetter("start"))
    families = tuple(lexicon.words("number_of"))
    found = list(_beside_car(lexicon, low))
    starts = {m.end: m.row for m in found}  # what goes on from the name of a CAR is told by it: "4SCAR19/22"
    for one in antigens:  # further ones may follow: "CD19/22", "…/CD20/22"
        own = low.startswith(families, one.start)
        if not own and (sibling := _SIBLING.match(low, one.end)):
            found += _sibling(lexicon, low, one, sibling)
        elif own or low[one.start - 1 : one.start] in ("/", "\\"):
            starts[one.end] = "number:continued"
        if one.row.startswith("product:") and one.end in starts:
            starts[one.end] = one.row
    found += [*_constructs(lexicon, low), *_continued(lexicon, low, starts)]
    # The furthest end of all that start so early.
    ends = [0, *accumulate((one.end for one in antigens), max)]
    return [m for m in found if m.end > ends[bisect_right(antigens, m.start, key=attrgetter("start"))]]


def _sibling(lexicon: Lexicon, low: str, one: Mention, after: re.Match[str]) -> Iterator[Mention]:
    name = one.concept[:-1] + after["number"]
    if low[one.end - 1] == one.concept[-1] != after["number"] and lexicon.get("antigen", name) is not None:
        yield Mention(*after.span("number"), "antigen", name, "number:continued")


def _mention(lexicon: Lexicon, start: int, number: str, rule: str) -> Mention:
    return Mention(start, start + len(number), "antigen", lexicon.cd_numbers[number], rule)


def _beside_car(lexicon: Lexicon, low: str) -> Iterator[Mention]:
    """What a number after CAR names: one antigen, two in four digits ("CAR2219"), or none."""
    glue, brands = lexicon.words("glue_car"), tuple(lexicon.words("number_of_brand"))
    # CD numbers that a CAR has been named after; others in "CAR 168" are product numbers.
    targeted = lexicon.words("car_number") & lexicon.cd_numbers.keys()
    for found in lexicon.expression(_CAR_NUMBER, low=True).finditer(low):
        start, at, number = found.start(), found.start("number"), found["number"]
        glued = _LETTERS.search(low, max(0, start - _LONGEST), start)
        if (glued is not None and glued[0] not in glue) or low.endswith(brands, 0, start):
            continue
        if len(number) == 4 and targeted.issuperset((number[:2], number[2:])):
            yield _mention(lexicon, at, number[:2], "number:car")
            yield _mention(lexicon, at + 2, number[2:], "number:car")
        elif number in targeted and (len(number) > 1 or low[at - 1] != " "):
            yield _mention(lexicon, at, number, "number:car")


def _constructs(lexicon: Lexicon, low: str) -> Iterator[Mention]:
    for found in lexicon.expression(_CONSTRUCT, low=True).finditer(low):
        if found["number"] in lexicon.cd_numbers:
            yield _mention(lexicon, found.start("number"), found["number"], "number:construct")


def _continued(lexicon: Lexicon, low: str, starts: Mapping[int, str]) -> Iterator[Mention]:
    following = [lexicon.expression(each, low=True) for each in (_NEXT, _NEXT_LISTED)]
    goes_on = lexicon.expression(_GOES_ON, low=True)
    seen: set[int] = set()
    for end, rule in starts.items():
        while end not in seen:
            seen.add(end)
            found = following[0].match(low, end) or following[1].match(low, end)
            if found is None or found["number"] not in lexicon.cd_numbers:
                break
            if "-" in low[end : found.start("number")] and not goes_on.match(low, found.end()):
                break
            yield _mention(lexicon, found.start("number"), found["number"], rule)
            end = found.end()
