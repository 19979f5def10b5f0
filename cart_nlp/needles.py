"""What the screen looks for: words and names of the lexicons, each with the company that it needs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from cart_nlp.lexicon import BLANK, Lexicon, Term
from cart_nlp.search import CAR, Needle, names_car
from cart_nlp.text import fold, lower, spellings

_SHORT = 4
"""Letters and digits of a name that needs company: so few stand in the names of other things as well."""
_REACH = 160
"""Bytes between a word of engineering and the cells that it makes: about a sentence."""


def needles(lexicon: Lexicon) -> Iterator[Needle]:
    """All that the screen looks for."""
    yield CAR
    for word in _written(lexicon.words("screen_receptor")):
        yield Needle(word, unless="native")
    for word in _written(lexicon.words("screen_receptor_edged")):
        yield Needle(word, left=True)
    for word in _written(lexicon.words("screen_engineering")):
        yield Needle(word, context="cells", reach=_REACH, unless="changed")
    for term in lexicon.terms:
        if term.concept.label in ("car", "product"):
            yield from _of_term(term)


def _of_term(term: Term) -> Iterator[Needle]:
    """What finds a name in raw text; a short one, or one that is ambiguous by itself, needs company."""
    text = lower(fold(term.text))
    alone = not term.guarded and sum(sign.isalnum() for sign in text) > _SHORT
    if term.exact and not alone and names_car(fold(term.text).encode()):
        return  # what its small letters say is no name: a car, a cart
    car = term.concept.label == "car"  # whatever follows it, "receptors" and "receptor-T" alike
    for word in _written(spellings(text)):
        yield Needle(word, left=True, right=not (car and alone), context="" if alone else "car")


def _written(words: Iterable[str]) -> Iterator[bytes]:
    """Words as UTF-8, and as JSON escapes where they are not ASCII; `\u2423` at an end stands for a blank.

    The search knows the capitals of ASCII alone: those of other letters are words of their own, at the start
    and throughout. A word that asks for its exact case elsewhere is found in any.
    """
    for word in words:
        plain = lower(word.replace(BLANK, " "))
        if plain.isascii():
            yield plain.encode()
        else:
            for form in sorted({plain, _raised(plain[:1]) + plain[1:], _raised(plain)}):
                yield form.encode()
                yield json.dumps(form)[1:-1].encode()


def _raised(word: str) -> str:
    """A word with the letters that are not ASCII as capitals."""
    return "".join(sign if sign.isascii() or len(sign.upper()) > 1 else sign.upper() for sign in word)


def _by_likelihood(words: Iterable[str]) -> list[bytes]:
    """The words of a context: short ones that name cells are the likeliest, and come first."""
    return list(
        _written(sorted(words, key=lambda word: ("cell" not in word, len(word), word.replace(BLANK, " "))))
    )


def contexts(lexicon: Lexicon) -> dict[str, list[bytes]]:
    """The company that a needle may need, by its name."""
    return {
        "cells": _by_likelihood(lexicon.words("screen_cells")),
        "car": _by_likelihood(lexicon.words("screen_company")),
        "native": _by_likelihood(lexicon.words("screen_native")),
        "native_after": _by_likelihood(lexicon.words("screen_native_after")),
        "changed_after": _by_likelihood(lexicon.words("screen_changed_after")),
    }
