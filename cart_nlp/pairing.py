"""Which of the words before a bracketed short form it stands for, as Schwartz and Hearst (2003) pair them.

scispaCy's where it is installed, else the same steps here, since it has no release for Python 3.13.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spacy.vocab import Vocab

Pairing = Callable[["Vocab", Sequence[str], str], int | None]
"""From the words before a bracketed short form: which of them begins its long form, if one does."""


def paired_by_scispacy(vocab: Vocab, words: Sequence[str], short: str) -> int | None:
    """The pairing of scispaCy; raises ImportError where it is not installed."""
    from scispacy.abbreviation import find_abbreviation
    from spacy.tokens import Doc

    # A token a word: scispaCy counts a blank after each token, which is right only for whole words.
    doc = Doc(vocab, [*words, short])
    _, definition = find_abbreviation(doc[:-1], doc[-1:])
    return None if definition is None else int(definition.start)


def paired_here(vocab: Vocab, words: Sequence[str], short: str) -> int | None:
    """The same without scispaCy: letters are matched from the end, the first one at a word's start."""
    long = " ".join(words)
    at = len(long)
    for place in range(len(short) - 1, -1, -1):
        wanted = short[place].lower()
        if not wanted.isalnum():
            continue
        at -= 1
        while at >= 0 and (long[at].lower() != wanted or (place == 0 and at > 0 and long[at - 1].isalnum())):
            at -= 1
        if at < 0:
            return None
    return long.count(" ", 0, at)


@cache
def pairing() -> Pairing:
    """The pairing of this installation, chosen with the first text that may define a short form."""
    try:
        import scispacy.abbreviation  # noqa: F401
    except ImportError:
        return paired_here
    return paired_by_scispacy
