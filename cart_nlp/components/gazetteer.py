"""Dictionary tagging: every term of the lexicons in one pass of an Aho-Corasick automaton over the text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import ahocorasick_rs
from spacy.language import Language

from cart_nlp.components.linker import OPENERS
from cart_nlp.components.literals import CueLiterals, Match, places
from cart_nlp.components.state import Component, Hit, State
from cart_nlp.components.store import lexicon_of
from cart_nlp.lexicon import Concept, Lexicon
from cart_nlp.text import lower, spellings

# Letters that may touch a name on its left and on its right without making it another word.
_GLUED_LEFT = frozenset(
    [
        "car",
        "cart",
        "scar",
        "ucar",
        "ucart",
        "dcar",
        "tcar",
        "anti",
        "hu",
        "humanized",
        "tan",
        "x",
        "t",
        "bi",
        "tri",
        "dual",
        "cd",
        "fast",
        "mcar",
        "icar",
        "ccar",
    ]
)
_WORD_LEFT = re.compile(r"[a-z]+$")
_SWALLOWS = {
    "antigen",
    "ligand",
    "safety_switch",
    "product",
    "costim",
    "armoring",
    "edit",
    "stop",
    "cell_type",
}
"""Labels whose longer hit hides an antigen or domain inside it."""
_UNGLUED = {"armoring", "edit", "disease", "vector", "cell_source"}
"""Labels whose terms stand alone: "IL7R" is no IL-7, "ATLCAR" no leukemia."""


class _Owner(NamedTuple):
    """What a spelling stands for: a term of a concept, or a stop (then `concept` is what it blocks)."""

    label: str
    concept: str
    row: str
    source: Concept | None
    guarded: bool


_Owners = tuple[tuple[bool, bool, _Owner], ...]
"""What a spelling may stand for, each with its rank: guarded, and whether it is no stop."""


def _ranked(owners: list[_Owner]) -> _Owners:
    return tuple((owner.guarded, owner.label != "stop", owner) for owner in owners)


_Found = tuple[int, int, bool, bool, int, _Owner]
"""A spelling in the text, in the order in which they are resolved: start, end (negative: longer first),
guarded, whether it is no stop, number, and what it stands for."""

_SOFT = frozenset(" \n,;:()[]/\"'+-|*<>=&?!~#")
"""Neighbors that can never make a match a piece of a longer word or number."""


class Gazetteer:
    """Finds the terms of a lexicon in folded text, with boundaries that fit symbols glued to words."""

    def __init__(self, lexicon: Lexicon) -> None:
        # Names that count only in one case ("RA", "T") are looked for in that case: they stand in many words.
        table: dict[str, list[_Owner]] = {}
        cased: dict[str, list[_Owner]] = {}
        for term in lexicon.terms:
            concept = term.concept
            owner = _Owner(concept.label, concept.name, concept.row, concept, term.guarded)
            for spelling in spellings(term.text if term.exact else lower(term.text)):
                (cased if term.exact else table).setdefault(spelling, []).append(owner)
        for stop in lexicon.stops:
            owner = _Owner("stop", stop.blocks, stop.row, None, False)
            for spelling in (stop.text,) if stop.exact else spellings(lower(stop.text)):
                (cased if stop.exact else table).setdefault(spelling, []).append(owner)
        self.hints = CueLiterals(lexicon.patterns_of_cues)
        cues = {cue for pattern in lexicon.patterns for cue in pattern.cue}
        # What later components look for is found in the same pass: a second one costs as much as the first.
        self.literals = (*self.hints.strings, *sorted({*OPENERS.strings, *cues}))
        self.sought = frozenset(self.literals[len(self.hints.strings) :])
        self.owners: list[_Owners] = [*[()] * len(self.literals), *map(_ranked, table.values())]
        self.automaton = ahocorasick_rs.AhoCorasick([*self.literals, *table])
        self.cased_owners = list(map(_ranked, cased.values()))
        self.cased = ahocorasick_rs.AhoCorasick(list(cased))

    def read(self, doc: State) -> None:
        """Write what the text holds: hints for the cues, the places of the literals, and all hits."""
        found = self.automaton.find_matches_as_indexes(doc.low, overlapping=True)
        cues, names = len(self.hints.strings), len(self.literals)
        terms = [match for match in found if match[0] >= names]
        literals = [match for match in found if cues <= match[0] < names]
        hints = self.hints.of([match for match in found if match[0] < cues])
        doc.cue, doc.may, doc.places_of = hints.cues.__getitem__, hints.within, hints.places
        doc.sought, doc.places = self.sought, places(self.literals, literals)
        doc.hits = self.find(doc, terms)

    def find(self, doc: State, terms: list[Match]) -> list[Hit]:
        """All hits, sorted by place, longer before shorter; those inside a longer name are dropped."""
        found: list[_Found] = []
        self._collect(doc, terms, self.owners, found)
        self._collect(
            doc, self.cased.find_matches_as_indexes(doc.text, overlapping=True), self.cased_owners, found
        )
        return [
            Hit(start, -end, owner.label, owner.concept, owner.row, owner.source, guarded)
            for start, end, guarded, _, _, owner in _resolve(found)
        ]

    def _collect(
        self,
        doc: State,
        matches: list[Match],
        owners: list[_Owners],
        found: list[_Found],
    ) -> None:
        """Add what is found where it is a unit of its own."""
        low, text = doc.low, doc.text
        size = len(low)
        for index, start, end in matches:
            before = low[start - 1] if start else " "
            after = low[end] if end < size else " "
            glued = car_glued = False
            if before not in _SOFT or after not in _SOFT:
                # The commonest case, decided here: a piece of a plain lower-case word.
                if before.isalpha() and low[start].isalpha() and text[start] == low[start] < "\x7f" > before:
                    continue
                plural = after == "s" and before in _SOFT and not low[end + 1 : end + 2].isalpha()
                if not plural:
                    if not _bounded(doc, low, text, start, end):
                        continue
                    car_glued = low.startswith("car", end)
                    glued = (
                        "a" <= after <= "z"
                        and not car_glued
                        and after != "s"
                        and not low.startswith("ko", end)
                    ) or ("a" <= before <= "z" and "a" <= low[start] <= "z")
            for guarded, no_stop, owner in owners[index]:
                if (glued and owner.label in _UNGLUED) or (car_glued and owner.label == "disease"):
                    continue
                found.append((start, -end, guarded, no_stop, len(found), owner))


def _bounded(view: State, low: str, text: str, start: int, end: int) -> bool:
    """Whether the match is a unit of its own, not a piece of a longer word or number."""
    if start:
        before, first = low[start - 1], low[start]
        if first.isdigit() and (
            before.isdigit()
            or (before == "." and low[start - 2 : start - 1].isdigit() and low[start:end].isdigit())
        ):
            return False
        if "a" <= first <= "z":
            if "a" <= before <= "z":
                changes = text[start - 1].islower() and text[start].isupper()
                if not changes:
                    run = _WORD_LEFT.search(low, max(0, start - 12), start)
                    if run is None or run[0] not in _GLUED_LEFT:
                        return False
            elif before.isdigit() and (not text[start].isupper() or end - start < 4):
                return False
        elif first.isdigit() and "a" <= before <= "z":
            run = _WORD_LEFT.search(low, max(0, start - 12), start)
            if run is None or run[0] not in _GLUED_LEFT:
                return False
    if end < len(low):
        last, after = low[end - 1], low[end]
        if last.isdigit() and (
            after.isdigit() or (after == "." and low[end + 1 : end + 2].isdigit() and end - start < 4)
        ):
            return False
        if last.isdigit() and after == "%":
            return False
        if "a" <= after <= "z" and (last.isdigit() or "a" <= last <= "z"):
            changes = last != after and text[end - 1].islower() and text[end].isupper()
            if not changes and not view.cue("edge.right").match(low, end):
                return False
            if (
                "a" <= last <= "z"
                and not changes
                and not (
                    low.startswith(("car", "zeta"), end)
                    or (after == "z" and not low[end + 1 : end + 2].isalpha())
                    or (after == "s" and not low[end + 1 : end + 2].isalpha())
                )
            ):
                return False
        if "a" <= last <= "z" and after.isdigit() and end - start < 4:
            return False
    return True


def _resolve(found: list[_Found]) -> list[_Found]:
    """Apply stops, drop what a longer name hides, keep one hit of a label and concept for a place."""
    found.sort()
    kept: list[_Found] = []
    around: list[_Found] = []
    reach = -1
    for entry in found:
        start, minus_end, _, _, _, owner = entry
        if start >= reach:
            reach = -minus_end
            kept.append(entry)
            around = [entry]
            continue
        label, concept = owner.label, owner.concept
        around = [other for other in around if -other[1] > start]
        for other_start, other_end, _, _, _, other in around:
            if other_end > minus_end:
                continue  # it began before but does not hold this one
            longer = other_start < start or other_end < minus_end
            if (
                (other.label == "stop" and label != "stop" and other.concept in ("*", concept))
                or (longer and other.label in _SWALLOWS and label in _SWALLOWS and other.label != "stop")
                or (longer and other.label == label)
                or (not longer and other.label == label and other.concept == concept)
            ):
                break
        else:
            kept.append(entry)
            around.append(entry)
            reach = max(reach, -minus_end)
    return [entry for entry in kept if entry[3]]


@lru_cache(maxsize=4)
def gazetteer(lexicons: tuple[str, ...]) -> Gazetteer:
    """The gazetteer of the shipped lexicons with a user's folders on top; built once a process."""
    return Gazetteer(lexicon_of(lexicons))


@Language.factory("cart_gazetteer", default_config={"lexicons": []})
def make(nlp: Language, name: str, lexicons: list[str]) -> GazetteerComponent:
    """Create the component; `lexicons` are folders layered over the shipped ones."""
    return GazetteerComponent(gazetteer(tuple(lexicons)))


class GazetteerComponent(Component):
    """Writes the dictionary hits of a Doc."""

    def __init__(self, finder: Gazetteer) -> None:
        self.finder = finder

    def apply(self, view: State) -> None:
        self.finder.read(view)
