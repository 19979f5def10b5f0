"""Mention → concept where a string alone does not decide: short forms, misspellings, new names."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from rapidfuzz import fuzz, process
from spacy.language import Language
from spacy.tokens import Doc

from cart_nlp.lexicon import Lexicon
from cart_nlp.signals.doc import Component
from cart_nlp.signals.reading import Mention, Reading
from cart_nlp.spans import write_mentions
from cart_nlp.text import any_of, lower, occupied
from cart_nlp.vocabulary import Stems

# A word, with the digits that belong to it, after "anti-" and the like or before a CAR word.
_WORD_AFTER = re.compile(r"\s?(?:the )?(?P<word>[a-z]{6,14}(?:[\s-]?\d{1,2}(?:\.\s?\d)?)?)(?![a-z\d])")
_REST = r"[A-Za-z]{0,4}[A-Z0-9]-?[A-Z0-9]{0,5}[a-z]?\d?(?:\.\d)?"
_SYMBOL_AFTER = re.compile(rf"\s?(?:both |the )?(?P<word>[A-Z]{_REST})(?=[\s,/.;)\u4e00-\u9fff-]|$)")
# What stands before is looked at behind the first letter: the engine then tries capitals alone.
_SYMBOL = re.compile(
    rf"[A-Z](?<![A-Za-z0-9_-][A-Z]){_REST}"
    r"(?:(?=[\s-](?P<suffix>[A-Za-z]{6,10})(?!\w))|(?![A-Za-z0-9_-]|\.\d))"
)
Symbols = Iterable[re.Match[str]]
_JOINT = re.compile(r"\s?[/,+&、]\s?(?:(?:and|or)\s)?|\s(?:and|or)\s")
_BEFORE_CAR = re.compile(
    r"(?<![\w-])(?P<word>[A-Za-z][\w.-]{1,14}?)(?P<suffix>[\s-][A-Za-z]{6,10})?[\s-]{1,2}[A-Za-z]?$"
)
_LONGEST = 6
"""Letters of the longest symbol without a digit."""
_SHAPE = re.compile(r"[^-]+$|[^-]{1,5}-[A-Za-z]?\d")
_FIRM = frozenset(["antigen", "ligand", "product", "safety_switch"])
"""Labels of mentions that leave no room for another reading of the same words."""
_LOOSE = frozenset(["edit", "costim"])
"""Labels whose names may also be an antigen that no lexicon has as one."""
_MIN_SCORE = 85
"""Least similarity, of 100, of a misspelled word and the antigen's name that is meant."""


@Language.factory("cart_linker", requires=["doc.spans"], assigns=["doc.spans"])
class LinkerComponent(Component):
    """Rewrites the mentions of a Doc."""

    _linker: Linker | None = None

    def __call__(self, doc: Doc) -> Doc:
        reading = self.reading(doc)
        lexicon = reading.vocabulary.lexicon
        if self._linker is None or self._linker.lexicon is not lexicon:
            self._linker = Linker(lexicon)
        linked = self._linker(reading, doc._.cart_short_forms or {})
        if linked != reading.mentions:
            write_mentions(doc, linked)
        return doc


def _apart(found: Iterable[Mention], taken: Sequence[Mention]) -> list[Mention]:
    """The mentions that overlap none that is there already."""
    busy = occupied((m.start, m.end) for m in taken)
    return [m for m in found if busy.find(1, m.start, m.end) < 0]


class Linker:
    """Applies the short forms of a trial, and adds misspelled words and unknown symbols."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.known = lexicon.folded
        self.words: dict[tuple[str, str], str] = {}
        self._cells: dict[str, str] = {}
        """One-word names of CAR cells ("cart", "car-nk") → the cell type."""
        for term in lexicon.terms:
            low, concept = lower(term.text), term.concept
            if concept.label == "antigen" and not term.guarded:
                if stem := re.fullmatch(r"([a-z]{6,})[ -]?(\d{1,2}(?:\.\d)?)?", low):
                    self.words.setdefault((stem[1], stem[2] or ""), concept.name)
            elif concept.label == "cell_type" and "car" in low and " " not in low:
                self._cells[low] = concept.name
        self.stems = sorted({stem for stem, _ in self.words})
        self._openers = Stems(lexicon.stems("opener"))
        self._cell_in_name = re.compile(any_of(self._cells) + "(?![a-z])")

    def __call__(self, reading: Reading, short_forms: dict[str, str]) -> list[Mention]:
        """The mentions of a Reading as they are meant, the new ones last."""
        kept = [m for m in reading.mentions if not short_forms or self._stands(reading, m, short_forms)]
        taken = [m for m in kept if m.label in _FIRM]
        symbols = list(_SYMBOL.finditer(reading.text))
        new = _apart((*self._defined(reading, short_forms), *self._in_slots(reading, symbols)), taken)
        new += _apart(self._beside(reading, [*taken, *new], symbols), taken)
        return [*kept, *new, *self._cells_in_names(reading, kept)]

    def _stands(self, reading: Reading, mention: Mention, short_forms: dict[str, str]) -> bool:
        """Whether an antigen's short form means it here."""
        meaning = short_forms.get(reading.text[mention.start : mention.end])
        if meaning is None or not mention.guarded or mention.label not in ("antigen", "ligand"):
            return True
        concepts = self.known.get(lower(meaning), ())
        if any(c.name == mention.concept for c in concepts):
            return True
        full = lower(self.lexicon.cell("antigen", mention.concept, "full_name"))
        return not concepts and fuzz.partial_ratio(lower(meaning), full) > 80

    def _defined(self, reading: Reading, short_forms: dict[str, str]) -> Iterator[Mention]:
        """Short forms that are in no lexicon but are defined here by an antigen's long form."""
        for short, long_form in short_forms.items():
            concepts = [c for c in self.known.get(lower(long_form), ()) if c.label == "antigen"]
            if not concepts or any(c.name == concepts[0].name for c in self.known.get(lower(short), ())):
                continue
            for found in re.finditer(rf"(?<![A-Za-z0-9]){re.escape(short)}(?![A-Za-z0-9])", reading.text):
                yield Mention(*found.span(), "antigen", concepts[0].name, "abbreviation")

    def _in_slots(self, reading: Reading, symbols: Symbols) -> Iterator[Mention]:
        """Words where an antigen's name should stand: after "anti-" and the like, before a CAR word."""
        busy = bytearray(len(reading.text))
        for start, end, bound in self._slots(reading, symbols):
            if busy.find(1, start, end) >= 0:
                continue  # the "anti-XYZ1" before a CAR word holds the XYZ1 after "anti-"
            at = bisect_right(reading.car_starts, start)
            end = min([end, *reading.car_starts[at : at + 1]])  # "XYZ1CAR-T"
            if mention := self._misspelled(reading, start, end) or self._novel(reading, start, end, bound):
                busy[mention.start : mention.end] = bytes([1]) * (mention.end - mention.start)
                yield mention

    def _slots(self, reading: Reading, symbols: Symbols) -> Iterator[tuple[int, int, bool]]:
        """Start and end of each word in a slot, and whether words of binding say that it is one."""
        text, low, suffixes = reading.text, reading.low, self.lexicon.words("slot_suffix")
        for _, start, end in self._openers.find(low):
            if not "a" <= low[start - 1 : start] <= "z":
                for found in (_SYMBOL_AFTER.match(text, end), _WORD_AFTER.match(low, end)):
                    if found:
                        yield (*found.span("word"), True)
        for symbol in symbols:
            if symbol["suffix"] and symbol["suffix"].lower() in suffixes:
                yield (*symbol.span(), True)
        for car in reading.cars:
            found = _BEFORE_CAR.search(text, max(0, car.start - 30), car.start)
            acronym = re.match(r":|-\d", text[car.end : car.end + 2])  # "HEART-CAR: …", "ABC-CAR-T-01"
            if found and not acronym and (found["suffix"] is None or lower(found["suffix"][1:]) in suffixes):
                yield (*found.span("word"), found["suffix"] is not None)

    def _misspelled(self, reading: Reading, start: int, end: int) -> Mention | None:
        """A word that is one slip away from an antigen's name; its digits must be the same."""
        word = reading.low[start:end]
        letters = re.match(r"[a-z]{6,}", word)
        if letters is None or letters[0] in self.lexicon.words("confusable"):
            return None
        if word in self.known or letters[0] in self.known:
            return None
        best = process.extractOne(letters[0], self.stems, scorer=fuzz.ratio, score_cutoff=_MIN_SCORE)
        if best is None or abs(len(best[0]) - len(letters[0])) > 2:
            return None
        name = self.words.get((best[0], re.sub(r"[^\d.]", "", word)))
        return Mention(start, end, "antigen", name, "fuzzy") if name else None

    def _novel(self, reading: Reading, start: int, end: int, bound: bool) -> Mention | None:
        """A symbol that no lexicon knows; what is written as products' codes are, only where it is bound."""
        symbol = reading.text[start:end].rstrip("-.")
        low, words = lower(symbol), self.lexicon.words
        if low in words("not_symbol") or low.endswith(tuple(words("not_symbol_end"))):
            return None
        if not _is_symbol(symbol) or any(row.label not in _LOOSE for row in self.known.get(low, ())):
            return None
        if not (bound or low.startswith(tuple(words("number_of")))) and _is_code(low):
            return None
        end = start + len(symbol)
        if len(low) > 3 and low.isalpha():  # two neighboring letters may stand the other way round
            for at in range(len(low) - 1):
                for row in self.known.get(low[:at] + low[at + 1] + low[at] + low[at + 2 :], ()):
                    if row.label == "antigen":
                        return Mention(start, end, "antigen", row.name, "fuzzy")
        return Mention(start, end, "antigen", symbol, "novel")

    def _beside(self, reading: Reading, mentions: Iterable[Mention], symbols: Symbols) -> Iterator[Mention]:
        """Symbols in one list with an antigen: "TIM3/CD33", "CD33, ABC1 and CD123"."""
        text, antigens = reading.text, [m for m in mentions if m.label == "antigen"]
        starts = {m.start for m in antigens}
        joints = [_JOINT.match(text, m.end) for m in antigens]
        behind = {joint.end() for joint in joints if joint}
        for symbol in symbols:
            joint = _JOINT.match(text, symbol.end())
            listed = symbol.start() in behind and not text.startswith("-", symbol.end())
            if listed or (joint and joint.end() in starts):
                mention = self._novel(reading, *symbol.span(), True)
                if mention is not None:
                    yield mention
                    if joint := _JOINT.match(text, mention.end):
                        behind.add(joint.end())

    def _cells_in_names(self, reading: Reading, mentions: Sequence[Mention]) -> list[Mention]:
        """The CAR cells that a product's name holds: the CART of "UCART20x22"."""
        cells = [
            Mention(*found.span(), "cell_type", self._cells[found[0]], "product:" + m.concept)
            for m in mentions
            if m.label == "product" and (found := self._cell_in_name.search(reading.low, m.start, m.end))
        ]
        return _apart(cells, [m for m in mentions if m.label == "cell_type"])


def _is_symbol(text: str) -> bool:
    """Whether a word is written as an antigen's symbol, not as a name ("ATHENA-2", "EB-DUO", "SPECIFIC")."""
    if not 3 <= len(text) <= 10 or sum(c.isupper() for c in text) < 2:
        return False
    if text.isalpha() and (len(text) > _LONGEST or text.endswith("s")):
        return False
    return _SHAPE.match(text) is not None and (text[:2].isupper() or any(c.isdigit() for c in text))


def _is_code(low: str) -> bool:
    """Whether a symbol may as well be a product's code: several digits, and no letter after them."""
    if sum(c.isdigit() for c in low) < 2 or "." in low:
        return False
    return "-" in low or (re.search(r"\d{3}|\d$", low) is not None and re.search(r"\d[a-z]", low) is None)
