"""Short forms that a trial defines: is FAP a fibroblast protein or familial polyposis here?

Only bracketed short forms are tried, and a pair counts only within a sentence, with heads that agree; the
linker then knows what the short form means here. `cart_nlp.pairing` says which words a short form stands for.
"""

from __future__ import annotations

import re

from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

from cart_nlp.pairing import pairing
from cart_nlp.signals.doc import Component
from cart_nlp.signals.reading import Reading

_BRACKETED = re.compile(r"\(\s?(?P<short>[A-Za-z][A-Za-z0-9./-]{1,9})\s?\)")
_WORDS = re.compile(r"[^\s()\[\]\"',;:]+")


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
