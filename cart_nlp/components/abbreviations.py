"""Short forms that a trial defines: is FAP a fibroblast protein or familial polyposis here?

The pairing is scispaCy's (Schwartz and Hearst). Only bracketed short forms are tried, and a pair counts
only within a sentence, with heads that agree; the linker then knows what the short form means here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spacy.language import Language

from cart_nlp.components.state import Component, State

if TYPE_CHECKING:
    from spacy.vocab import Vocab

_BRACKETED = re.compile(r"\(\s?(?P<short>[A-Za-z][A-Za-z0-9./-]{1,9})\s?\)")
_WORDS = re.compile(r"[^\s()\[\]\"',;:]+")


def pairs(vocab: Vocab, view: State) -> dict[str, str]:
    """Short form -> long form as written, for the pairs that the trial defines and an antigen is part of."""
    from scispacy.abbreviation import find_abbreviation
    from spacy.tokens import Doc

    text = view.text
    antigens = view.of("antigen", "ligand")
    written = {text[hit.start : hit.end] for hit in antigens}
    ends = {hit.end for hit in antigens}
    found: dict[str, str] = {}
    for match in _BRACKETED.finditer(text):
        short = match["short"]
        if short in found or sum(c.isupper() for c in short) < 2 or "CAR" in short:
            continue
        first, _ = view.sentence(match.start())
        places = [word.span() for word in _WORDS.finditer(text, first, match.start())]
        places = places[-min(len(short) + 5, 2 * len(short)) :]
        if not places or not (short in written or any(0 <= match.start() - end < 3 for end in ends)):
            continue
        # A token a word: scispaCy counts a blank after each token, which is right only for whole words.
        words = Doc(vocab, [*(text[start:end] for start, end in places), short])
        _, definition = find_abbreviation(words[:-1], words[-1:])
        if definition is None:
            continue
        long_form = text[places[definition.start][0] : match.start()].strip()
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
