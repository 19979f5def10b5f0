"""Patterns of several words from lexicons/patterns/*.toml, each tried only where one of its cues occurs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spacy.language import Language

from cart_nlp.components.state import Hit, State, state
from cart_nlp.components.store import lexicon_of
from cart_nlp.lexicon import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spacy.tokens import Doc


def find(patterns: Iterable[Pattern], doc: State) -> list[Hit]:
    """The hits of the patterns; a group named `value` narrows the hit and names the concept if there is none."""
    text, low = doc.text, doc.low
    hits = []
    for pattern in patterns:
        if pattern.cue and not any(cue in low for cue in pattern.cue):
            continue
        for found in pattern.regex.finditer(text):
            span = found.span("value") if "value" in pattern.regex.groupindex else found.span()
            concept = pattern.concept or text[span[0] : span[1]]
            hits.append(Hit(*span, pattern.label, concept, pattern.row))
    return hits


@Language.factory("cart_patterns", default_config={"lexicons": []})
def make(nlp: Language, name: str, lexicons: list[str]) -> Patterns:
    """Create the component; `lexicons` are folders layered over the shipped ones."""
    return Patterns(lexicon_of(tuple(lexicons)).patterns)


class Patterns:
    """Adds the pattern hits to a Doc's hits."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        self.patterns = tuple(patterns)

    def __call__(self, doc: Doc) -> Doc:
        view = state(doc)
        new = find(self.patterns, view)
        if new:
            view.hits = sorted([*view.hits, *new], key=lambda h: (h.start, -h.end))
        return doc
