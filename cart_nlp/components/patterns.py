"""Patterns of several words from lexicons/patterns/*.toml, each tried only where one of its cues occurs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spacy.language import Language

from cart_nlp.components.literals import Literals
from cart_nlp.components.state import Component, Hit, State
from cart_nlp.components.store import lexicon_of
from cart_nlp.lexicon import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable


class Patterns(Component):
    """Adds the hits of the patterns; a group named `value` narrows a hit and may name its concept."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        self.patterns = tuple(patterns)
        self._cued: dict[str, list[int]] = {}
        for number, pattern in enumerate(self.patterns):
            for cue in pattern.cue:
                self._cued.setdefault(cue, []).append(number)
        self._everywhere = [number for number, pattern in enumerate(self.patterns) if not pattern.cue]
        self._literals = Literals(self._cued)

    def find(self, doc: State) -> list[Hit]:
        """The hits of all patterns, by pattern."""
        text = doc.text
        starts: dict[int, list[int]] = {number: [] for number in self._everywhere}
        for cue, places in doc.starts_of(self._literals).items():
            for number in self._cued[cue]:
                starts.setdefault(number, []).extend(places)
        hits = []
        for number in sorted(starts):
            pattern = self.patterns[number]
            for start, end in _windows(doc, starts[number]) if pattern.cue else [(0, len(text))]:
                for found in pattern.regex.finditer(text, start, end):
                    span = found.span("value") if "value" in pattern.regex.groupindex else found.span()
                    concept = pattern.concept or text[span[0] : span[1]]
                    hits.append(Hit(*span, pattern.label, concept, pattern.row))
        return hits

    def apply(self, view: State) -> None:
        new = self.find(view)
        if new:
            view.hits = sorted([*view.hits, *new], key=lambda h: (h.start, -h.end))


def _windows(doc: State, places: list[int]) -> list[tuple[int, int]]:
    """The sentences that hold one of the places, each with the next one, since a pattern may end there."""
    merged: list[tuple[int, int]] = []
    done = -1
    for at in sorted(places):
        if at < done:
            continue
        start, done = doc.sentence(at)
        end = doc.sentence(done)[1] if done < doc.section(at).end else done
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


@Language.factory("cart_patterns", default_config={"lexicons": []})
def make(nlp: Language, name: str, lexicons: list[str]) -> Patterns:
    """Create the component; `lexicons` are folders layered over the shipped ones."""
    return Patterns(lexicon_of(tuple(lexicons)).patterns)
