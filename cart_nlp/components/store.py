"""The lexicons that the components of a process share, read once."""

from __future__ import annotations

from functools import lru_cache

from cart_nlp import lexicon


@lru_cache(maxsize=4)
def lexicon_of(layers: tuple[str, ...]) -> lexicon.Lexicon:
    """The shipped lexicons with a user's folders on top."""
    return lexicon.load(*layers)
