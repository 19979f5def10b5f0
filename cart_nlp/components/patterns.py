"""Names of several words with gaps or alternatives: token patterns, run by spaCy's SpanRuler."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.pipeline import SpanRuler
from spacy.tokens import Doc

from cart_nlp.signals.reading import page_of
from cart_nlp.text import lower
from cart_nlp.vocabulary import vocabulary

KEY = "cart_patterns"
"""Key of `doc.spans` under which the ruler leaves what it found; cart_terms takes it over."""


@Language.factory("cart_patterns", assigns=["doc.spans"], default_config={"lexicons": []})
def make(nlp: Language, name: str, lexicons: list[str]) -> Patterns:
    """Create the component; `lexicons` are folders layered over the shipped ones."""
    ruler = Patterns(nlp, name, spans_key=KEY, annotate_ents=False)
    ruler.layers = tuple(lexicons)
    return ruler


class Patterns(SpanRuler):
    """spaCy's SpanRuler with the patterns of the lexicons.

    It runs where a text has one of the words without which none of its patterns can match: token patterns
    cost as much as all other finding together.
    """

    layers: tuple[str, ...] | None = None
    """Folders of lexicons whose patterns are still to be read; a saved model has its own instead."""

    def _read(self) -> None:
        if self.layers is not None:
            layers, self.layers = self.layers, None
            self.add_patterns([dict(pattern.entry) for pattern in vocabulary(layers).lexicon.patterns])

    @property
    def patterns(self) -> list[Any]:
        """All patterns, as spaCy's rulers give them."""
        self._read()
        return list(super().patterns)

    def __call__(self, doc: Doc) -> Doc:
        low = lower(page_of(doc).raw)
        near = [(words, whole) for words, whole in self.anchors if all(word in low for word in words)]
        held = {lower(token.text) for token in doc} if near else set()
        if any(not whole or held.issuperset(words) for words, whole in near):
            return super().__call__(doc)
        doc.spans[KEY] = []
        return doc

    @cached_property
    def anchors(self) -> list[tuple[list[str], bool]]:
        """For each pattern the plain words of all texts that it matches; whether each is a token there."""
        found = []
        for pattern in (entry["pattern"] for entry in self.patterns):
            tokens = [{"LOWER": pattern}] if isinstance(pattern, str) else pattern
            needed = [token for token in tokens if token.get("OP", "1") in ("1", "+")]
            words = (token.get(key) for token in needed for key in ("LOWER", "ORTH"))
            plain = {lower(word) for word in words if isinstance(word, str)}
            rarest_first = sorted(plain, key=len, reverse=True)
            found.append((rarest_first, pattern is tokens))
        return found

    def add_patterns(self, patterns: Sequence[Any]) -> None:
        """Add patterns as spaCy's SpanRuler does."""
        self._read()
        self.__dict__.pop("anchors", None)
        super().add_patterns(list(patterns))

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> SpanRuler:
        """Read saved patterns; a folder without any leaves those of the lexicons."""
        if not Path(path).exists():
            return self
        self.layers = None
        return super().from_disk(path, exclude=tuple(exclude))

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> SpanRuler:
        """Read what `to_bytes` gave."""
        self.layers = None
        return super().from_bytes(data, exclude=tuple(exclude))
