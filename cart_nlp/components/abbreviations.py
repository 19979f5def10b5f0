"""Short forms that a trial defines: is FAP a fibroblast protein or familial polyposis here?

The pairing is scispaCy's (Schwartz and Hearst). Only bracketed short forms are tried, and a pair counts
only within a sentence, with heads that agree; the linker then knows what the short form means here.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from spacy.language import Language

from cart_nlp.components.state import Component, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from spacy.tokens import Doc, Span
    from spacy.vocab import Vocab

_BRACKETED = re.compile(r"\(\s?(?P<short>[A-Za-z][A-Za-z0-9./-]{1,9})\s?\)")
_WORDS = re.compile(r"[^\s()\[\]\"',;:]+")


@cache
def _tools() -> tuple[type[Doc], Callable[[Span, Span], tuple[Span, Span | None]]]:
    """spaCy's Doc and scispaCy's pairing, loaded with the first text that may define a short form."""
    from scispacy.abbreviation import find_abbreviation
    from spacy.tokens import Doc

    return Doc, find_abbreviation


def pairs(vocab: Vocab, view: State) -> dict[str, str]:
    """Short form -> long form as written, for the pairs that the trial defines and an antigen is part of."""
    text = view.text
    antigens = view.of("antigen", "ligand")
    written = {text[hit.start : hit.end] for hit in antigens}
    ends = {hit.end for hit in antigens}
    found: dict[str, str] = {}
    for match in _BRACKETED.finditer(text):
        short = match["short"]
        if short in found or sum(c.isupper() for c in short) < 2 or "CAR" in short:
            continue
        start = match.start()
        if short not in written and ends.isdisjoint((start, start - 1, start - 2)):
            continue
        first, _ = view.sentence(start)
        places = [word.span() for word in _WORDS.finditer(text, first, start)]
        places = places[-min(len(short) + 5, 2 * len(short)) :]
        if not places:
            continue
        # A token a word: scispaCy counts a blank after each token, which is right only for whole words.
        new_doc, find_abbreviation = _tools()
        words = new_doc(vocab, [*(text[start:end] for start, end in places), short])
        _, definition = find_abbreviation(words[:-1], words[-1:])
        if definition is None:
            continue
        long_form = text[places[definition.start][0] : start].strip()
        if _plausible(short, long_form):
            found[short] = long_form
    return found


def _plausible(short: str, long_form: str) -> bool:
    """Same first letter at a word's start, balanced brackets, and not a mere piece of a word."""
    if not long_form or long_form.count("(") != long_form.count(")"):
        return False
    return long_form[0].lower() == short[0].lower() and len(long_form) > len(short)


@Language.factory("cart_abbreviations")
def make(nlp: Language, name: str) -> Abbreviations:
    """Create the component."""
    return Abbreviations(nlp.vocab)


class Abbreviations(Component):
    """Writes the short forms that a Doc defines to its state."""

    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab

    def apply(self, view: State) -> None:
        if "(" in view.text:
            view.short_forms = pairs(self.vocab, view)
