"""Candidate filter over raw text: which records are worth parsing further and showing to spaCy.

The strings are derived from the lexicons (every product name) and from the words without which no component
can find a CAR. A record without any of them cannot be included; a record with one is only a candidate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cart_nlp.lexicon import Lexicon
from cart_nlp.search import CAR, Engine, Needle, Search
from cart_nlp.text import fold, fold_bytes, lower, spellings

RECEPTOR_WORDS = (
    *(f"{how} {cell}" for how in ("targeted", "targeting", "directed", "specific") for cell in
      ("t cell", "t-cell", "t lymph", "t-lymph", "nk cell", "nk-cell", "natural killer", "immune cell")),
    "designer t", "zetakine", "artificial t", "targeted t cell", "targeted t-cell", "directed t cell",
    "directed t-cell",
    "specific t cell", "specific t-cell", "targeted nk", "bbz", "28z", "bb\\u03b6", "28\\u03b6",
    "universal immune receptor", "嵌合", "キメラ", "\\u5d4c\\u5408",
)  # fmt: skip
"""Lower-case strings that stand for a CAR by themselves, plain or as JSON escapes."""
EDGED_WORDS = ("t-bod", "t bod", "tbod")
"""The same, where no letter may stand before them."""
ENGINEERING_WORDS = (
    "chimeric", "redirected", "re-directed", "genetically", "gene-modified", "gene modified",
    "gene-engineered", "gene engineered", "engineered", "transduced", "gene transfer",
)  # fmt: skip
"""Lower-case strings that may tell of a CAR in a text that names cells or receptors."""
CELL_WORDS = (
    "t cell", "t-cell", "t lymph", "t-lymph", "lymphocyte", "nk cell", "nk-cell", "natural killer",
    "killer cell", "macrophage", "receptor", "cell therap", "immune cell", "cytotoxic", "t\\u",
    "mononuclear", "cik",
)  # fmt: skip
"""Lower-case strings, the likeliest first: each text whose engineering words tell of a CAR has one."""


CAR_COMPANY = (
    " cell", "-cell", "_cell", "tcell", "lympho", "antigen", "chimeric", "cart", "car-", "car t",
    "car\\u", "car nk", "carnk", "leuk", "myelo", "cancer", "tumo", "cd19", "bcma", "lupus", "autoimmun",
    "细胞", "細胞", "\\u7ec6\\u80de", "\\u7d30\\u80de",
)  # fmt: skip
"""Lower-case strings, the likeliest first: each text whose word CAR is a receptor, not a vehicle, has one."""


def needles(lexicon: Lexicon) -> Iterator[Needle]:
    """All that the screen looks for."""
    yield CAR
    for word in RECEPTOR_WORDS:
        yield Needle(word.encode())
    for word in EDGED_WORDS:
        yield Needle(word.encode(), left=True)
    for word in ENGINEERING_WORDS:
        yield Needle(word.encode(), context="cells")
    for term in lexicon.terms:
        if term.concept.label == "product" and len(term.text) >= 3:
            for spelling in spellings(lower(fold(term.text))):
                yield Needle(spelling.encode(), left=True, right=True)


def _encoded(words: Iterable[str]) -> list[bytes]:
    return [word.encode() for word in words]


class Screen:
    """Tells whether a record's raw bytes or text can name a CAR at all."""

    def __init__(self, lexicon: Lexicon, engine: Engine | None = None) -> None:
        contexts = {"cells": _encoded(CELL_WORDS), "car": _encoded(CAR_COMPANY)}
        self.search = Search(needles(lexicon), contexts, engine, fold_bytes)
        self.hits = self.search.hits
        """True for a candidate. Bytes are UTF-8; spelling variants of a character count as that character."""

    def candidates(self, texts: Iterable[bytes]) -> list[bool]:
        """`hits` of many texts."""
        return list(map(self.hits, texts))
