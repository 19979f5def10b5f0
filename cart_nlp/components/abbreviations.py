"""Short forms that a trial defines: is FAP a fibroblast protein or familial polyposis here?

The pairing is that of Schwartz and Hearst (2003): scispaCy's where it is installed, else the same steps here,
since it has no release for Python 3.13. Only bracketed short forms are tried, and a pair counts only within
a sentence, with heads that agree; the linker then knows what the short form means here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache

from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

from cart_nlp.signals.doc import Component
from cart_nlp.signals.reading import Reading

_BRACKETED = re.compile(r"\(\s?(?P<short>[A-Za-z][A-Za-z0-9./-]{1,9})\s?\)")
_WORDS = re.compile(r"[^\s()\[\]\"',;:]+")


Pairing = Callable[[Vocab, Sequence[str], str], int | None]
"""From the words before a bracketed short form: which of them begins its long form, if one does."""


def paired_by_scispacy(vocab: Vocab, words: Sequence[str], short: str) -> int | None:
    """The pairing of scispaCy; raises ImportError where it is not installed."""
    from scispacy.abbreviation import find_abbreviation

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


def pairs(vocab: Vocab, reading: Reading) -> dict[str, str]:
    """Short form -> long form as written, for the pairs that the trial defines and an antigen is part of."""
    text = reading.text
    car = reading.vocabulary.lexicon.words("name_car")
    antigens = reading.of("antigen", "ligand")
    written = {text[hit.start : hit.end] for hit in antigens}
    ends = {hit.end for hit in antigens}
    found: dict[str, str] = {}
    for match in _BRACKETED.finditer(text):
        short, start = match["short"], match.start()
        if short in found or sum(map(str.isupper, short)) < 2 or any(word in short for word in car):
            continue  # what holds the letters for a CAR is no antigen's
        if short in written or not ends.isdisjoint((start, start - 1, start - 2)):
            long = _long_form(vocab, reading, short, start)
            # The same first letter, balanced brackets, and not a mere piece of a word.
            alike = long[:1].lower() == short[0].lower() and long.count("(") == long.count(")")
            if alike and len(long) > len(short):
                found[short] = long
    return found


def _long_form(vocab: Vocab, reading: Reading, short: str, start: int) -> str:
    """The words before a bracket that spell the short form in it; none: the empty string."""
    text = reading.text
    first, _ = reading.sentence(start)
    places = [word.span() for word in _WORDS.finditer(text, first, start)]
    places = places[-min(len(short) + 5, 2 * len(short)) :]
    definition = pairing()(vocab, [text[begin:end] for begin, end in places], short) if places else None
    return "" if definition is None else text[places[definition][0] : start].strip()


@Language.factory("cart_abbreviations", assigns=["doc._.cart_short_forms"], requires=["doc.spans"])
class Abbreviations(Component):
    """Writes the short forms that a Doc defines to `doc._.cart_short_forms`."""

    def __call__(self, doc: Doc) -> Doc:
        found = pairs(doc.vocab, self.reading(doc))
        if found:
            doc._.cart_short_forms = found
        return doc
