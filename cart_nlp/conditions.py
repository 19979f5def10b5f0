"""What diseases a registry's `conditions` string names.

Such a string is a list of names rather than a sentence: qualified ("Recurrent Grade 3 Follicular Lymphoma"),
inverted ("Lymphoma, Large B-Cell, Diffuse"), coordinated ("B-cell leukemia and lymphoma"), abbreviated in
brackets, misspelled. Reading it word by word against the names of the lexicon says which concepts it means
and where; a word that no name needs is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from cart_nlp import kept, word_trie
from cart_nlp.disease_names import inverted, key, standard, words
from cart_nlp.lexicon import Lexicon
from cart_nlp.ontology import LABEL, Ontology
from cart_nlp.short_forms import is_own_abbreviation
from cart_nlp.word_trie import Key

_HARD = re.compile(r"[;\n\r]")
"""What no name goes across."""
_GONE = "\n"
"""What stands in the place of a letter that is not to be read."""
_BREAK = re.compile(r"[;:,()/&\[\]\n\r]|\s-+\s|\.\s")
"""What sets one name of a list off from the next."""
_EXCEPT = re.compile(
    r"\b(?:(?P<behind>excluded)(?=\s*(?:[,;.)\]]|$))|exclud(?:ing|ed?)|except|other than)\b", re.IGNORECASE
)
"""What says that a name is not meant: the one after it, or the one that it stands `behind`."""
_CLOSES = re.compile(r"[);\]\n]|\.\s")
"""What an exception does not go across."""
_AND = frozenset(("and", "or"))
_PREPOSITIONS = frozenset(("in", "with", "without", "after", "at", "by", "from", "of", "to", "receiving"))
_RELATED = frozenset(("related", "associated", "induced", "driven"))
_EVERYDAY = frozenset(("ALL",))
"""Abbreviations that are everyday words in a text printed in capitals."""
_FUZZY_FROM = 7
"""Letters of a word from which one wrong letter is forgiven."""
_MOST_LEFT = 3
"""Words that may stand before "and" and share the head after it."""
_MOST_SEEN, _MOST_READ, _SHORT = 20_000, 5_000, 120
"""Words and texts (and their length) that are remembered, as registries repeat them; memory stays bounded."""


class Found(NamedTuple):
    """One disease in a text: the characters that name it and the concept."""

    start: int
    end: int
    concept: str


class _Word(NamedTuple):
    text: str
    start: int
    end: int
    form: str


class _Line(NamedTuple):
    """A text as words and what stands between them."""

    words: Sequence[_Word]
    forms: Sequence[str]
    gaps: Sequence[str]
    listed: bool
    capitals: bool

    def broken(self, at: int) -> bool:
        """Whether the word at a place is set off from the next one."""
        return _BREAK.search(self.gaps[at]) is not None

    def ends(self, at: int) -> bool:
        """Whether no name goes on after the word at a place."""
        return at < len(self.gaps) and _HARD.search(self.gaps[at]) is not None


def exceptions(text: str) -> Iterator[tuple[int, int]]:
    """The stretches of a list of names, or of a title, that tell what is not meant.

    >>> text = "Large B-cell lymphoma (excluding Burkitt lymphoma), CLL (Richter excluded)"
    >>> [text[start:end] for start, end in exceptions(text)]
    ['excluding Burkitt lymphoma', 'Richter excluded']
    """
    done = 0
    for word in _EXCEPT.finditer(text):
        start, end = word.span()
        if start < done:
            continue
        if word["behind"]:
            start = max((stop.end() for stop in _BREAK.finditer(text, done, start)), default=done)
        else:
            closing = _CLOSES.search(text, end)
            end = closing.start() if closing else len(text)
        yield start, end
        done = end


def _alone(line: _Line, at: int) -> bool:
    """Whether brackets hold a word and nothing else."""
    behind = [gap.strip() for gap in line.gaps[at : at + 1]]
    return line.gaps[at - 1].strip() in ("(", "[") and all(gap[:1] in (")", "]") for gap in behind)


class _Name(NamedTuple):
    """What a key stands for; `cased` is what must be printed exactly so, `turned` an inverted form."""

    concept: str
    cased: Sequence[str] | None
    turned: bool
    key: Sequence[str]


class _Match(NamedTuple):
    first: int
    last: int
    concept: str
    key: Key


_MODULES = (__name__, "cart_nlp.disease_names", "cart_nlp.lexicon", "cart_nlp.text", "cart_nlp.word_trie")


def _names(lexicon: Lexicon) -> dict[str, Any]:
    """Every key of the diseases of a lexicon, with its `_Name`, and their words, as plain values."""
    trie: word_trie.Trie = {}
    known: set[str] = set()
    turned: list[tuple[str, Key]] = []

    def add(concept: str, form: Key, cased: list[str] | None, other: bool) -> bool:
        known.update(form)
        return word_trie.add(trie, form, (concept, cased, other, form))

    for term in lexicon.terms:
        if term.concept.label == LABEL:
            name = term.concept.name
            cased = [word for word, _, _ in words(term.text)] if term.exact else None
            # A British or plural form has the key of its name, and its inverted forms too.
            if add(name, key(term.text), cased, False) and not term.exact:
                turned += [(name, form) for form in inverted(term.text)]
    for name, form in turned:
        add(name, form, None, True)
    return {"trie": trie, "words": sorted(known)}


class Reader:
    """Reads conditions against the diseases of one lexicon."""

    def __init__(self, lexicon: Lexicon, ontology: Ontology) -> None:
        self.ontology = ontology
        self._qualifiers = frozenset(standard(word) for word in lexicon.qualifiers)
        self._seen: dict[str, str] = {}
        self._read: dict[tuple[str, bool], tuple[Found, ...]] = {}
        names = kept.kept("diseases", lexicon.key, _MODULES, lambda: _names(lexicon))
        self._trie: word_trie.Trie = names["trie"]
        self._known = frozenset(names["words"])

    @cached_property
    def _vocabulary(self) -> Mapping[str, tuple[str, ...]]:
        """First letter -> the long words of the names, to mend a misspelled one by."""
        table: dict[str, list[str]] = {}
        for word in sorted(self._known):
            if len(word) >= _FUZZY_FROM and word.isascii() and word.isalpha():
                table.setdefault(word[0], []).append(word)
        return {letter: tuple(found) for letter, found in table.items()}

    def _form(self, word: str) -> str:
        """The word as names have it, one wrong letter of a long word mended."""
        form = self._seen.get(word)
        if form is None:
            form = self._mended(standard(word))
            if len(word) <= _SHORT and len(self._seen) < _MOST_SEEN:
                self._seen[word] = form
        return form

    def _mended(self, form: str) -> str:
        if len(form) < _FUZZY_FROM or form in self._known or form in self._qualifiers or not form.isalpha():
            return form
        choices = self._vocabulary.get(form[0], ())
        near = process.extract(form, choices, scorer=OSA.distance, score_cutoff=1, limit=2)
        return near[0][0] if len(near) == 1 else form

    def read(self, text: str, *, listed: bool = True) -> tuple[Found, ...]:
        """The diseases of a text in reading order, those that another one implies included.

        `listed`: the text is a list of names, in which names are inverted; in a title they are not.
        """
        known = self._read.get((text, listed))
        if known is None:
            known = tuple(self._parse(text, listed))
            if len(text) <= _SHORT and len(self._read) < _MOST_READ:
                self._read[text, listed] = known
        return known

    def _parse(self, text: str, listed: bool) -> list[Found]:
        for start, end in exceptions(text):
            text = text[:start] + _GONE * (end - start) + text[end:]
        found = [
            _Word(text[start:end], start, end, self._form(word) if listed else standard(word))
            for word, start, end in words(text)
            if not is_own_abbreviation(text, start, end)
        ]
        gaps = [text[one.end : other.start].replace("&#39;", "") for one, other in pairwise(found)]
        forms = [word.form for word in found]
        capitals = text.upper() == text and any(len(w.text) > 3 and w.text.isalpha() for w in found)
        line = _Line(found, forms, gaps, listed, capitals)
        matches = self._coordinated(line, self._without_short_forms(line, self._scan(line)))
        return [
            Found(found[m.first].start, found[m.last].end, m.concept)
            for m in matches
            if not self._only_qualifies(line, m)
        ]

    def concepts(self, text: str, *, listed: bool = True) -> tuple[str, ...]:
        """The most specific concepts that a text names, sorted."""
        return self.ontology.most_specific(f.concept for f in self.read(text, listed=listed))

    def _scan(self, line: _Line) -> Iterator[_Match]:
        """The longest names from left to right."""
        at, taken = 0, -1
        while at < len(line.words):
            word = line.forms[at]
            best = self._best(line, at, taken)
            # "Malignant neoplasm of stomach": a qualifier may begin a shorter name than the word after it.
            if best and word in self._qualifiers and at + 1 < len(line.words):
                later = self._best(line, at + 1, taken)
                best = later if later and later.last > best.last else best
            if best:
                yield best
                taken, at = best.last, best.last
            at += 1

    def _best(self, line: _Line, at: int, taken: int) -> _Match | None:
        """The longest name that begins with a word; `taken` is the last word of the name before it."""
        forms = line.forms
        if forms[at] not in self._trie or (at - 1 > taken and forms[at - 1] == "non"):
            return None
        best = None

        def skips(place: int) -> bool:
            # "Large B-Cell Cell Lymphoma": a word said twice says nothing more.
            return forms[place] in self._qualifiers or forms[place] == forms[place - 1]

        for last, found in word_trie.walk(self._trie, forms, at, skips, line.ends):
            name = _Name(*found)
            printed = [word.text for word in line.words[at : last + 1]]
            if name.cased is not None and (
                printed != name.cased or (line.capitals and not _EVERYDAY.isdisjoint(printed))
            ):
                continue
            if len(name.key) == 1 and name.key[0] != standard(printed[0]):
                continue  # "injection" alone is no misspelled infection
            if name.turned and not (line.listed and self._set_off(line, at, last, taken)):
                continue
            if best is None or last > best.last:
                best = _Match(at, last, name.concept, tuple(name.key))
        return best

    def _set_off(self, line: _Line, first: int, last: int, taken: int) -> bool:
        """Whether a stretch is an entry of its own in a list: nothing beside it could belong to it."""
        if first and not line.broken(first - 1):
            before = line.forms[first - 1]
            free = before in self._qualifiers or before in _AND or before not in self._known
            if taken == first - 1 or not free:
                return False
        if last + 1 >= len(line.words) or line.broken(last):
            return True
        after = line.forms[last + 1]
        return after in self._qualifiers or after in _AND or after in _PREPOSITIONS

    def _without_short_forms(self, line: _Line, matches: Iterable[_Match]) -> Iterator[_Match]:
        """A short form in brackets behind a name stands for that name, whatever else it may stand for."""
        before: _Match | None = None
        for match in matches:
            if (
                before
                and match.first == match.last == before.last + 1
                and line.words[match.first].text.isupper()
            ):
                # "Lymphoma/Leukemia (PMBCL/CNS-BCL)" says more: a short form is alone in its brackets.
                alone = _alone(line, match.first)
                if alone and not self.ontology.rolls_up_to(match.concept, before.concept):
                    continue
            yield match
            before = match

    def _only_qualifies(self, line: _Line, match: _Match) -> bool:
        """Whether an infection says of which kind the disease after it is: "HBV-related liver cancer"."""
        related = match.last + 1 < len(line.words) and line.forms[match.last + 1] in _RELATED
        return related and self.ontology.group(match.concept) == "infectious"

    def _coordinated(self, line: _Line, matches: Iterable[_Match]) -> list[_Match]:
        """Add what a coordination leaves out: "B-cell leukemia and lymphoma", "B- and T-cell lymphoma"."""
        mended: list[_Match] = []
        for match in matches:
            joint = self._joint(line, match.first)
            taken = mended[-1].last if mended else -1
            if joint is not None and len(match.key) > 1:
                mended += self._left_of(line, match, joint, taken)
            elif joint is not None and mended and taken == joint - 1:
                shared = (*mended[-1].key[:-1], *match.key)
                match = match._replace(concept=self._direct(shared) or match.concept)
            mended.append(match)
        return mended

    def _joint(self, line: _Line, at: int) -> int | None:
        """Where the coordination before a word begins: its "and", or the word itself for a slash."""
        if at and line.forms[at - 1] in _AND:
            return at - 1
        return at if at and line.gaps[at - 1].strip(" -") in ("/", "&") else None

    def _left_of(self, line: _Line, match: _Match, joint: int, taken: int) -> Iterator[_Match]:
        """The names before a coordination that share the head of the name after it."""
        end = joint
        while end > taken + 1:
            for first in range(max(taken + 1, end - _MOST_LEFT), end):
                if any(line.broken(at) for at in range(first, end - 1)):
                    continue
                left = tuple(w.form for w in line.words[first:end] if w.form not in self._qualifiers)
                shared = (match.key[-size:] for size in range(len(match.key) - 1, 0, -1))
                if left and (name := next(filter(None, (self._direct(left + s) for s in shared)), None)):
                    yield _Match(first, end - 1, name, left)
                    break
            else:
                return
            if not first or line.gaps[first - 1].strip() not in (",", "/"):
                return
            end = first

    def _direct(self, form: Key) -> str:
        """The concept of a key that is neither inverted nor bound to its case; empty if there is none."""
        found = word_trie.get(self._trie, form)
        name = _Name(*found) if found else None
        return name.concept if name and not name.turned and name.cased is None else ""
