"""Antigens written as numbers: CART19, 4SCAR19/22/123, anti-CD19/22, CAR-20/19-T, 19-28z, CD19.20.22."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator

from spacy.language import Language

from cart_nlp.components.state import Component, Hit, State
from cart_nlp.components.store import lexicon_of
from cart_nlp.lexicon import Lexicon

# CAR or CART with a number, whatever is glued in front: huCART19, 4SCAR19, tanCART-19/20, CAR-20/19-T.
_CAR_NUMBER = re.compile(
    r"(?<![a-z])(?:hu|4s|[usdcimt]|tan|tri|bi|dual|fast|anti-|mb-|auto)?(?<!c-)car-?t?s?"
    r"(?:[- .]?(?=[1-9])|0(?=19))"
    r"(?P<first>\d{1,4})(?![\d%]|-?1-?bb)"
    r"(?!\s*(?:patient|subject|day|week|month|year|cell|x ?10|mg|ml|participant|center|trial))"
)
_NUMBERED = re.compile(r"car-?t?s?[- .]?\d")
# The number after a CD name or a number: separator, optional CD, number.
_NEXT = re.compile(r"(?:\s?[/x.&+;]\s?|-)(?:cd-?)?(?P<number>[1-9]\d{0,2}[a-z]?)(?![\da-z%])(?!\.\d+\s?%)")
# In prose lists only where further items or the CAR word follow: "4SCAR20, 22, 38, 70 or 123".
_NEXT_LISTED = re.compile(
    r"(?:,\s?|\s(?:and|or|and/or)\s)(?P<number>[1-9]\d{1,2}[a-z]?)(?![\da-z%.])"
    r"(?=,\s?\d|\s(?:and|or)\s\d|\s?-?\s?\(?(?:4?s?car|chimeric|bispecific|tri|antigen)|[.;)]|\s*$|\s+for\b|"
    r"\s+t[- ]cells?|\s+in\b)"
)
_SIGNAL_NAME = re.compile(r"(?<![\da-z-])(?P<number>\d{2,3})-?\.?(?:28|bb|4-1bb|41bb)-?z(?:eta)?(?![a-z])")
# CD numbers that a CAR has been named after; others in "CAR 168" are product numbers.
_TARGETED = frozenset(
    [
        "4",
        "5",
        "7",
        "10",
        "19",
        "20",
        "22",
        "30",
        "33",
        "37",
        "38",
        "44",
        "45",
        "56",
        "70",
        "72",
        "99",
        "117",
        "123",
        "133",
        "138",
        "147",
        "171",
        "229",
        "276",
        "371",
    ]
)
# The next of a family: "TRBC1/2".
_SIBLING = re.compile(r"/(?P<number>\d)(?![\d.])")
# Two CD numbers written as one: CAR2219, CAR2019.
_PAIRED = ("19", "20", "22", "30", "33", "38", "70")


def _car_numbers(low: str) -> Iterator[re.Match[str]]:
    done = 0
    for numbered in _NUMBERED.finditer(low):
        at = numbered.start()
        if at >= done:
            found = _CAR_NUMBER.search(low, max(done, at - 6), at + 40)
            if found and found.start() <= at:
                done = found.end()
                yield found


class Names:
    """Finds antigens written as a number next to CAR, CART or another CD name."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.numbers = lexicon.cd_numbers

    def find(self, doc: State) -> list[Hit]:
        """New hits: numbers that name a CD antigen."""
        low = doc.low
        hits: list[Hit] = []
        starts: list[int] = []
        if "car" in low:
            for found in _car_numbers(low):
                number, at = found["first"], found.start("first")
                if len(number) == 4:
                    if number[:2] in _PAIRED and number[2:] in _PAIRED:
                        hits += [
                            self._hit(at, at + 2, number[:2], "names.car-number"),
                            self._hit(at + 2, at + 4, number[2:], "names.car-number"),
                        ]
                elif (
                    number in _TARGETED and number in self.numbers and (len(number) > 1 or low[at - 1] != " ")
                ):
                    hits.append(self._hit(at, found.end(), number, "names.car-number"))
                    starts.append(found.end())
        if "z" in low and ("28" in low or "bb" in low):
            for found in _SIGNAL_NAME.finditer(low):
                if found["number"] in self.numbers:
                    hits.append(
                        self._hit(found.start("number"), found.end("number"), found["number"], "names.signal")
                    )
        starts += [
            h.end
            for h in doc.of("antigen")
            if low.startswith("cd", h.start) or low[h.start - 1 : h.start] == "/"
        ]
        hits += self._siblings(doc)
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
                hits.append(self._hit(*following.span("number"), following["number"]))
                end = following.end()
        return hits

    def _siblings(self, doc: State) -> list[Hit]:
        """The second member of a family of antigens that differ in their last digit."""
        hits = []
        for hit in doc.of("antigen"):
            if not hit.concept.startswith("CD") and hit.concept[-1].isdigit():
                found = _SIBLING.match(doc.low, hit.end)
                if found and doc.low[hit.end - 1] == hit.concept[-1]:
                    name = hit.concept[:-1] + found["number"]
                    row = self.lexicon.get("antigen", name)
                    if row is not None and name != hit.concept:
                        hits.append(Hit(*found.span("number"), "antigen", name, "names.continued", row))
        return hits

    def _hit(self, start: int, end: int, number: str, rule: str = "names.continued") -> Hit:
        return Hit(start, end, "antigen", self.numbers[number], rule)


def _told_otherwise(hit: Hit, product: Hit) -> bool:
    """Whether a number stands in the name of a product that is known to bind another antigen."""
    within = product.start <= hit.start and hit.end <= product.end
    return within and product.row is not None and hit.concept not in product.row.values("targets")


@Language.factory("cart_names", default_config={"lexicons": []})
def make(nlp: Language, name: str, lexicons: list[str]) -> NamesComponent:
    """Create the component; `lexicons` are folders layered over the shipped ones."""
    return NamesComponent(Names(lexicon_of(tuple(lexicons))))


class NamesComponent(Component):
    """Adds the numeric names to a Doc's hits."""

    def __init__(self, finder: Names) -> None:
        self.finder = finder

    def apply(self, view: State) -> None:
        taken = {(h.start, h.end) for h in view.of("antigen")}
        coded = [h for h in view.of("product") if h.row is not None and h.row.values("targets")]
        new = [
            h
            for h in self.finder.find(view)
            if (h.start, h.end) not in taken and not any(_told_otherwise(h, product) for product in coded)
        ]
        if new:
            starts: list[int] = []
            ends: list[int] = []
            for other in view.of("antigen"):
                starts.append(other.start)
                ends.append(max(other.end, ends[-1] if ends else 0))
            for hit in new:
                # `ends` holds the furthest end so far: one look says whether an earlier hit holds this one.
                at = bisect.bisect_right(starts, hit.start)
                if not at or ends[at - 1] < hit.end:
                    view.hits.append(hit)
            view.hits.sort(key=lambda h: (h.start, -h.end))
