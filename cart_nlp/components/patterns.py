"""Patterns of several words from lexicons/patterns/*.toml, each tried only where one of its cues occurs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spacy.language import Language

from cart_nlp.components.state import Component, Hit, State
from cart_nlp.components.store import lexicon_of
from cart_nlp.lexicon import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable



def find(patterns: Iterable[Pattern], doc: State) -> list[Hit]:
    """The hits of the patterns; a group named `value` narrows a hit and may name its concept."""
    text, low = doc.text, doc.low
    hits = []
    for pattern in patterns:
        for start, end in _windows(doc, low, pattern.cue) if pattern.cue else [(0, len(text))]:
            for found in pattern.regex.finditer(text, start, end):
                span = found.span("value") if "value" in pattern.regex.groupindex else found.span()
                concept = pattern.concept or text[span[0] : span[1]]
                hits.append(Hit(*span, pattern.label, concept, pattern.row))
    return hits


def _windows(doc: State, low: str, cues: tuple[str, ...]) -> list[tuple[int, int]]:
    """The sentences in which a cue occurs, each with the next one, since a pattern may end there; merged."""
    spans = []
    for cue in cues:
        at = low.find(cue)
        while at >= 0:
            start, end = doc.sentence(at)
            if end < doc.section(at).end:
                end = doc.sentence(end)[1]
            spans.append((start, end))
            at = low.find(cue, max(end, at + 1))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


@Language.factory("cart_patterns", default_config={"lexicons": []})
def make(nlp: Language, name: str, lexicons: list[str]) -> Patterns:
    """Create the component; `lexicons` are folders layered over the shipped ones."""
    return Patterns(lexicon_of(tuple(lexicons)).patterns)


class Patterns(Component):
    """Adds the pattern hits to a Doc's hits."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        self.patterns = tuple(patterns)

    def apply(self, view: State) -> None:
        new = find(self.patterns, view)
        if new:
            view.hits = sorted([*view.hits, *new], key=lambda h: (h.start, -h.end))
