"""Dictionary tagging: every term of the lexicons in one pass of an Aho-Corasick automaton over the text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import ahocorasick_rs
from spacy.language import Language

from cart_nlp.components.literals import CueLiterals
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


def _ascii_alpha(char: str) -> bool:
    return "a" <= char <= "z"


class _Owner(NamedTuple):
    """What a spelling stands for: a term of a concept, or a stop (then `concept` is what it blocks)."""

    label: str
    concept: str
    row: str
    source: Concept | None
    guarded: bool


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
        self.owners = [tuple(owners) for owners in table.values()]
        self.automaton = ahocorasick_rs.AhoCorasick(list(table))
        self.cased_owners = [tuple(owners) for owners in cased.values()]
        self.cased = ahocorasick_rs.AhoCorasick(list(cased))
        self.hints = CueLiterals(lexicon.patterns_of_cues)

    def find(self, doc: State) -> list[Hit]:
        """All hits, sorted by place, longer before shorter; those inside a longer name are dropped."""
        hits: list[Hit] = []
        self._collect(
            doc, self.automaton.find_matches_as_indexes(doc.low, overlapping=True), self.owners, hits
        )
        self._collect(
            doc, self.cased.find_matches_as_indexes(doc.text, overlapping=True), self.cased_owners, hits
        )
        return _resolve(hits)

    def _collect(
        self,
        doc: State,
        matches: list[tuple[int, int, int]],
        owners: list[tuple[_Owner, ...]],
        hits: list[Hit],
    ) -> None:
        """Add the hits of the matches that are units of their own."""
        low, text = doc.low, doc.text
        size = len(low)
        for index, start, end in matches:
            before = low[start - 1] if start else " "
            after = low[end] if end < size else " "
            glued = car_glued = False
            plural = after == "s" and before in _SOFT and not low[end + 1 : end + 2].isalpha()
            if not plural and (before not in _SOFT or after not in _SOFT):
                # The commonest case, decided here: a piece of a plain lower-case word.
                if before.isalpha() and low[start].isalpha() and text[start] == low[start] < "\x7f" > before:
                    continue
                if not _bounded(doc, low, text, start, end):
                    continue
                car_glued = low.startswith("car", end)
                glued = (
                    _ascii_alpha(after) and not car_glued and after != "s" and not low.startswith("ko", end)
                )
                glued = glued or (_ascii_alpha(before) and _ascii_alpha(low[start]))
            for label, concept, row, source, guarded in owners[index]:
                if (glued and label in _UNGLUED) or (car_glued and label == "disease"):
                    continue
                hits.append(Hit(start, end, label, concept, row, source, guarded))


def _bounded(view: State, low: str, text: str, start: int, end: int) -> bool:
    """Whether the match is a unit of its own, not a piece of a longer word or number."""
    if start:
        before, first = low[start - 1], low[start]
        if first.isdigit() and (
            before.isdigit()
            or (before == "." and low[start - 2 : start - 1].isdigit() and low[start:end].isdigit())
        ):
            return False
        if _ascii_alpha(first):
            if _ascii_alpha(before):
                changes = text[start - 1].islower() and text[start].isupper()
                if not changes:
                    run = _WORD_LEFT.search(low, max(0, start - 12), start)
                    if run is None or run[0] not in _GLUED_LEFT:
                        return False
            elif before.isdigit() and (not text[start].isupper() or end - start < 4):
                return False
        elif first.isdigit() and _ascii_alpha(before):
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
        if _ascii_alpha(after) and (last.isdigit() or _ascii_alpha(last)):
            changes = last != after and text[end - 1].islower() and text[end].isupper()
            if not changes and not view.cue("edge.right").match(low, end):
                return False
            if (
                _ascii_alpha(last)
                and not changes
                and not (
                    low.startswith(("car", "zeta"), end)
                    or (after == "z" and not low[end + 1 : end + 2].isalpha())
                    or (after == "s" and not low[end + 1 : end + 2].isalpha())
                )
            ):
                return False
        if _ascii_alpha(last) and after.isdigit() and end - start < 4:
            return False
    return True


def _resolve(hits: Iterable[Hit]) -> list[Hit]:
    """Apply stops, drop what a longer name hides, keep one hit of a label and concept for a place."""
    ordered = sorted(hits, key=lambda h: (h.start, -h.end, h.guarded, h.label != "stop"))
    kept: list[Hit] = []
    open_hits: list[Hit] = []
    reach = -1
    for hit in ordered:
        if hit.start >= reach:
            reach = hit.end
            kept.append(hit)
            open_hits = [hit]
            continue
        open_hits = [o for o in open_hits if o.end > hit.start]
        hidden = False
        for other in open_hits:
            longer = other.start <= hit.start and other.end >= hit.end
            strictly = longer and other.end - other.start > hit.end - hit.start
            if (
                (
                    other.label == "stop"
                    and longer
                    and other.concept in ("*", hit.concept)
                    and hit.label != "stop"
                )
                or (
                    strictly and other.label in _SWALLOWS and hit.label in _SWALLOWS and other.label != "stop"
                )
                or (strictly and other.label == hit.label)
                or (other.label, other.concept, other.start, other.end)
                == (hit.label, hit.concept, hit.start, hit.end)
            ):
                hidden = True
        if not hidden:
            kept.append(hit)
            open_hits.append(hit)
            reach = max(reach, hit.end)
    return [hit for hit in kept if hit.label != "stop"]


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
        view.hints = self.finder.hints.of(view.low)
        view.cues = view.hints.cues
        view.hits = self.finder.find(view)
