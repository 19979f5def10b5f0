"""Candidate filter over raw text: which records are worth parsing further and showing to spaCy.

What it looks for comes from the same lexicons as everything else, a user's folders included: the words for a
CAR, the names of products, and cues of the categories `screen_…`. A record without any of them cannot be
included; a record with one is only a candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cart_nlp import kept, paths
from cart_nlp.search import Engine, Needle, Search, reduced
from cart_nlp.text import fold_bytes

if TYPE_CHECKING:
    from cart_nlp.lexicon import Lexicon


class Screen:
    """Tells whether a record's raw bytes or text can name a CAR at all."""

    def __init__(self, lexicon: Lexicon, engine: Engine | None = None) -> None:
        from cart_nlp.needles import contexts, needles

        company = contexts(lexicon)
        looked_for = reduced(needles(lexicon), company)
        self.search = Search(looked_for, company, engine, fold_bytes, keep=bool(lexicon.key))
        self.hits = self.search.hits
        """True for a candidate. Bytes are UTF-8; spelling variants of a character count as that character."""

    def candidates(self, texts: Iterable[bytes]) -> list[bool]:
        """`hits` of many texts."""
        return list(map(self.hits, texts))


def hits_of(layers: Sequence[str | Path]) -> Callable[[bytes | str], bool]:
    """`Screen.hits` of the shipped lexicons with a user's folders on top.

    What it looks for is kept: that takes a tenth of the time that the lexicons take. Raises LexiconError if
    a lexicon cannot be used.
    """

    def made() -> tuple[list[tuple[Any, ...]], dict[str, list[str]]]:
        from cart_nlp.lexicon import load
        from cart_nlp.needles import contexts, needles

        lexicon = load(*layers)
        company = contexts(lexicon)
        rows = [(each.text.decode(), *each[1:]) for each in reduced(needles(lexicon), company)]
        return rows, {name: [word.decode() for word in words] for name, words in company.items()}

    folders = [paths.lexicons(), *map(Path, layers)]
    rows, company = kept.kept("needles", bytes.fromhex(kept.folders_hash(folders)), _MODULES, made)
    looked_for = [Needle(text.encode(), *asked) for text, *asked in rows]
    words = {name: [word.encode() for word in said] for name, said in company.items()}
    return Search(looked_for, words, None, fold_bytes, keep=True).hits


_MODULES = (
    __name__,
    *(f"cart_nlp.{name}" for name in ("needles", "search", "lexicon", "disease_names", "rules", "text")),
)
"""The code that what is kept depends on."""
