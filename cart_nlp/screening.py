"""Candidate filter over raw text: which records are worth parsing further and showing to spaCy.

The strings are derived from the lexicons (every product name) and from the words without which no component
can find a CAR. A record without any of them cannot be included; a record with one is only a candidate.
"""

from __future__ import annotations

from collections.abc import Iterable

import ahocorasick_rs

from cart_nlp.lexicon import Lexicon, spellings
from cart_nlp.text import fold, lower

CAR_WORDS = (
    "chimeric", "car-", "car t", "car nk", "cart", "car)", "(car", " cars ", "car ", "car.", "car,", "car/", "car:", "car;",
    "car\"", "cars", "car1", "car2", "car3", "car7", "scar1", "scar2", "carnk", "carm", "car_", "car\\u", "car+",
    "designer t", "t-bod", "t bod", "tbod", "zetakine", "universal immune receptor", "redirected", "re-directed",
    "gene-modified", "gene modified", "genetically", "gene-engineered", "gene engineered", "engineered", "transduced",
    "嵌合", "car（", "（car", "ｃａｒ", "car细", "car修", "car-", "キメラ", "\\u5d4c\\u5408", "\\uff43\\uff41\\uff52", "\\uff23\\uff21\\uff32",
)  # fmt: skip
"""Lower-case strings one of which stands in every text in which a component can find a CAR."""


class Screen:
    """Tells whether a record's raw bytes or text can name a CAR at all."""

    def __init__(self, lexicon: Lexicon) -> None:
        words = set(CAR_WORDS)
        for term in lexicon.terms:
            if term.concept.label == "product" and len(term.text) >= 4 and not any(w in lower(term.text) for w in words):
                written = spellings(lower(term.text))
                if lower(term.text).startswith("ct"):
                    # "CT032" also ends "NCT032…": such a code needs its left edge.
                    written = {edge + word for word in written for edge in ' "(/-,'}
                words |= written
        self.automaton = ahocorasick_rs.BytesAhoCorasick(
            [word.encode() for word in sorted(words)], implementation=ahocorasick_rs.Implementation.DFA
        )

    def hits(self, text: bytes | str) -> bool:
        """True for a candidate. Bytes are UTF-8, escaped or plain; a str is folded first."""
        raw = text.lower() if isinstance(text, bytes) else lower(fold(text)).encode("utf-8", "surrogatepass")
        return bool(self.automaton.find_matches_as_indexes(raw))

    def candidates(self, texts: Iterable[bytes]) -> list[bool]:
        """`hits` of many texts."""
        return [self.hits(text) for text in texts]
