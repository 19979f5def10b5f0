"""The compiled lexicons: every term and every cue of a text in one pass each of an automaton."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import ahocorasick_rs

from cart_nlp import kept
from cart_nlp import lexicon as lexicons
from cart_nlp.lexicon import Cue, Lexicon
from cart_nlp.text import lower, spellings

if TYPE_CHECKING:
    from spacy.tokens import Span

_WORD_LEFT = re.compile(r"[a-z]+$")
_WORD_RIGHT = re.compile(r"[a-z]+")
_SWALLOWS = frozenset(
    ["antigen", "ligand", "safety_switch", "product", "costim", "armoring", "edit", "stop", "cell_type"]
)
"""Labels whose longer hit hides an antigen or domain inside it."""
_UNGLUED = frozenset(["armoring", "edit", "disease", "vector", "cell_source"])
"""Labels whose terms stand alone: "IL7R" is no IL-7, "ATLCAR" no leukemia."""
_SOFT = frozenset(" \n,;:()[]/\"'+-|*<>=&?!~#")
"""Neighbors that can never make a match a piece of a longer word or number."""
_SPEAKS = 3
"""Letters of an antigen's name that can be glued to CAR: "PSMACART"."""
GUARDED = "?"
"""Ends the row of a term that is ambiguous by itself."""
RULER = "ruler"
"""Row of what a ruler has found, by a pattern that is no term."""


class Mention(NamedTuple):
    """A name in a text: characters `start` to `end`, what it names, and the row or rule that says so."""

    start: int
    end: int
    label: str
    concept: str
    row: str

    @classmethod
    def of(cls, span: Span) -> Mention:
        """The mention that a span of spaCy is."""
        return cls(span.start_char, span.end_char, span.label_, span.kb_id_, span.id_)

    @property
    def guarded(self) -> bool:
        """Whether the name is ambiguous by itself."""
        return self.row.endswith(GUARDED)


class _Owner(NamedTuple):
    """What a spelling stands for: a term of a concept, or a stop (then `concept` is what it blocks)."""

    label: str
    concept: str
    row: str
    guarded: bool


_Found = tuple[int, int, bool, bool, int, _Owner]
"""A spelling in the text, in the order in which they are resolved: start, end (negative: longer first),
guarded, whether it is no stop, number, and what it stands for."""


Mark = tuple[str, str, int, tuple[str, ...]]
"""What a cue says on one side of a mention: its category with the side's sign and without, how far it
reaches (a number of BUCKETS), and the signal for each of these."""
BUCKETS = ("adj", "near", "clause", "sent")
"""How far from a mention a cue stands: fillers between, up to four words, in its clause, in its sentence."""


class Said(NamedTuple):
    """What the cues of one spelling say together."""

    left: tuple[Mark, ...]
    """Of mentions that follow (`category<`)."""
    right: tuple[Mark, ...]
    """Of mentions that stand before (`category>`)."""
    trial: tuple[str, ...]
    """Categories for which they count wherever in the trial they stand."""
    categories: frozenset[str]


class CueHit(NamedTuple):
    """A cue in a text: characters `start` to `end`, and what it says."""

    start: int
    end: int
    said: Said

    @property
    def trial(self) -> tuple[str, ...]:
        """Categories for which it counts wherever in the trial it stands."""
        return self.said.trial


_SCOPES = {"adjacent": 0, "near": 1, "clause": 2, "sentence": 3}


@cache
def _mark(category: str, sign: str, scope: int) -> Mark:
    key = category + sign
    return key, category, scope, tuple(key + bucket for bucket in BUCKETS)


def _said(cues: Iterable[Cue]) -> Said:
    """What the cues of one spelling say together."""
    left, right, trial, categories = [], [], [], set()
    for cue in cues:
        categories.add(cue.category)
        if cue.scope == "trial":
            trial.append(cue.category)
            continue
        scope = _SCOPES[cue.scope]
        if cue.direction in ("left", "both"):
            left.append(_mark(cue.category, "<", scope))
        if cue.direction in ("right", "both"):
            right.append(_mark(cue.category, ">", scope))
    return Said(tuple(left), tuple(right), tuple(trial), frozenset(categories))


class CueFinder:
    """Finds cues in folded text; each is a word or phrase of its own, but where it has a `*`."""

    def __init__(self, cues: Iterable[Cue]) -> None:
        table: dict[str, list[Cue]] = {}
        for cue in cues:
            table.setdefault(cue.text.strip("*"), []).append(cue)
        self._automaton = ahocorasick_rs.AhoCorasick(list(table))
        self._said = [said for text, rows in table.items() for said in _by_edges(text, rows)]
        """What each spelling says, four entries each, see _by_edges."""

    def find(self, low: str) -> list[CueHit]:
        """All cues of a folded text in lower case, by place."""
        matches, said = self._automaton.find_matches_as_indexes(low, overlapping=True), self._said
        plain = _plain(low)
        found = [
            (start, end, one)
            for number, start, end in matches
            if (one := said[4 * number + 2 * plain[start] + plain[end + 1]]) is not None
        ]
        found.sort()  # no two begin and end at the same places
        return list(map(CueHit._make, found))


class Stems:
    """Finds beginnings of words as they are written, of those that begin at one place the longest.

    `find(text)` gives number, start and end of each.
    """

    def __init__(self, stems: Iterable[str]) -> None:
        self._stems = sorted(stems)
        automaton = ahocorasick_rs.AhoCorasick(self._stems, ahocorasick_rs.MatchKind.LeftmostLongest)
        self.find: Callable[[str], list[tuple[int, int, int]]] = automaton.find_matches_as_indexes

    def __reduce__(self) -> tuple[type[Stems], tuple[list[str]]]:
        # The automaton is compiled anew in another process.
        return Stems, (self._stems,)


def _plain(low: str) -> bytes:
    """1 for each character that is a letter or digit of a plain word, not CJK, else 0; a 0 at both ends."""
    return f" {low} ".encode("ascii", "cart_nlp.plain").translate(_ASCII)


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    """For what is not ASCII a letter where it is one of a plain word, else a blank."""
    assert isinstance(error, UnicodeEncodeError)
    piece = error.object[error.start : error.end]
    return "".join("a" if one.isalnum() and one < "\u2e80" else " " for one in piece), error.end


codecs.register_error("cart_nlp.plain", _stand_in)
_ASCII = bytes(chr(code).isalnum() and code < 128 for code in range(256))


def _by_edges(text: str, rows: Sequence[Cue]) -> list[Said | None]:
    """What a spelling says, by whether a plain word goes on: not, after it, before it, at both."""
    first, last = _plain(text[0])[1], _plain(text[-1])[1]
    found = []
    for left, right in ((0, 0), (0, last), (first, 0), (first, last)):
        fitting = [
            cue for cue in rows if (not left or cue.text[0] == "*") and (not right or cue.text[-1] == "*")
        ]
        found.append(_said(fitting) if fitting else None)
    return found


def _owner(term: lexicons.Term) -> _Owner:
    concept = term.concept
    return _Owner(concept.label, concept.name, concept.row + GUARDED * term.guarded, term.guarded)


def _automaton(
    table: tuple[Sequence[str], Iterable[int]], groups: Sequence[list[_Owner]]
) -> tuple[ahocorasick_rs.AhoCorasick, list[list[_Owner]]]:
    """What finds the spellings of a table, and what each of them stands for."""
    spelled, numbers = table
    return ahocorasick_rs.AhoCorasick(spelled), [groups[number] for number in numbers]


_Table = dict[str, list[int]]
_MODULES = (__name__, "cart_nlp.lexicon", "cart_nlp.text")


def _spelled(lexicon: Lexicon) -> dict[str, Any]:
    """Every spelling of a lexicon, and the group of those that it may stand for, as plain values.

    Terms are told by their number, stops by theirs after the last term. Names that count only in one case
    ("RA", "T") are looked for in that case: they stand in many words.
    """
    table: _Table = {}
    cased: _Table = {}
    for number, term in enumerate(lexicon.terms):
        for spelling in spellings(term.text if term.exact else lower(term.text)):
            (cased if term.exact else table).setdefault(spelling, []).append(number)
    for number, stop in enumerate(lexicon.stops, len(lexicon.terms)):
        for spelling in (stop.text,) if stop.exact else spellings(lower(stop.text)):
            (cased if stop.exact else table).setdefault(spelling, []).append(number)
    numbers: dict[tuple[int, ...], int] = {}
    plain, exact = (
        [sorted(each), [numbers.setdefault(tuple(each[s]), len(numbers)) for s in sorted(each)]]
        for each in (table, cased)
    )
    return {"plain": plain, "cased": exact, "groups": list(numbers)}


class Vocabulary:
    """Finds terms and cues in folded text, with boundaries that fit symbols glued to words."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.glue_left = lexicon.words("glue_left")
        self.glue_right = lexicon.words("glue_right")
        antigens = (lower(term.text) for term in lexicon.terms if term.concept.label == "antigen")
        self.glue_car = lexicon.words("glue_car").union(
            name for name in antigens if name.isalpha() and len(name) >= _SPEAKS
        )
        tables = kept.kept("spellings", lexicon.key, _MODULES, lambda: _spelled(lexicon))
        owners = [_owner(term) for term in lexicon.terms]
        owners += (_Owner("stop", stop.blocks, stop.row, False) for stop in lexicon.stops)
        groups = [[owners[number] for number in group] for group in tables["groups"]]
        self._terms, self._owners = _automaton(tables["plain"], groups)
        self._cased, self._cased_owners = _automaton(tables["cased"], groups)
        self._cues = CueFinder(cue for cue in lexicon.cue_rows if cue.scope != "inside")

    def __reduce__(self) -> tuple[type[Vocabulary], tuple[Lexicon]]:
        # The automata are compiled anew in another process.
        return Vocabulary, (self.lexicon,)

    def cues(self, low: str) -> list[CueHit]:
        """All cues of a folded text in lower case, by place."""
        return self._cues.find(low)

    def terms(self, text: str, low: str) -> list[Mention]:
        """All terms, sorted by place, longer before shorter; those inside a longer name are dropped."""
        found: list[_Found] = []
        self._collect(
            text, low, self._terms.find_matches_as_indexes(low, overlapping=True), self._owners, found
        )
        self._collect(
            text, low, self._cased.find_matches_as_indexes(text, overlapping=True), self._cased_owners, found
        )
        return [
            Mention(start, -end, owner.label, owner.concept, owner.row)
            for start, end, _, _, _, owner in _resolve(found)
        ]

    def _collect(
        self,
        text: str,
        low: str,
        matches: list[tuple[int, int, int]],
        owners: list[list[_Owner]],
        found: list[_Found],
    ) -> None:
        """Add what is found where it is a unit of its own."""
        size = len(low)
        for index, start, end in matches:
            before = low[start - 1] if start else " "
            after = low[end] if end < size else " "
            refused = _NONE
            if before not in _SOFT or after not in _SOFT:
                # The commonest case, decided here: a piece of a plain word, as "antimesothelin" is not.
                plain = (
                    before.isalpha() and low[start].isalpha() and text[start] == low[start] < "\x7f" > before
                )
                if plain and not low.endswith("anti", 0, start):
                    continue
                if after == "s" and before in _SOFT and not low[end + 1 : end + 2].isalpha():
                    end += low[end - 1].isalpha()  # "receptors": the plural is part of the name
                elif self._bounded(owners[index][0].label, low, text, start, end):
                    refused = _refused(low, start, end, before, after)
                else:
                    continue
            for owner in owners[index]:
                if owner.label not in refused:
                    found.append((start, -end, owner.guarded, owner.label != "stop", len(found), owner))

    def _bounded(self, label: str, low: str, text: str, start: int, end: int) -> bool:
        """Whether a match that something touches is a unit of its own."""
        if label == "car":
            return self._bounded_car(low, text, start, end)
        return self._free_left(low, text, start, end) and self._free_right(low, text, start, end)

    def _bounded_car(self, low: str, text: str, start: int, end: int) -> bool:
        """Whether a CAR word stands free, or glued to what may stand before one ("huCART", "MSLN-CAR19")."""
        if start and "a" <= low[start] <= "z" and "a" <= low[start - 1] <= "z":
            run = _WORD_LEFT.search(low, max(0, start - 12), start)
            if run is None or (
                self.glue_car.isdisjoint((run[0], run[0].rpartition("x")[2]))
                and not (text[start - 1].islower() and text[start].isupper())
            ):
                return False
        if end < len(low) and "a" <= low[end] <= "z" and "a" <= low[end - 1] <= "z":
            if text[end - 1].isupper() and text[end].islower() and low[end] != "t":
                return low[end : end + 1] == "s" and not low[end + 1 : end + 2].isalpha()
            return False
        return True

    def _free_left(self, low: str, text: str, start: int, end: int) -> bool:
        """Whether the left edge of a match is that of a unit, not a place within a word or number."""
        if not start:
            return True
        before, first = low[start - 1], low[start]
        if first.isdigit():
            if before.isdigit():
                return False
            if before == "." and low[start - 2 : start - 1].isdigit() and low[start:end].isdigit():
                return False
            return not ("a" <= before <= "z") or self._glued_left(low, start)
        if "a" <= first <= "z":
            if "a" <= before <= "z":
                changes = text[start - 1].islower() and text[start].isupper()
                return changes or self._glued_left(low, start)
            return not before.isdigit() or (text[start].isupper() and end - start >= 3)
        return True

    def _glued_left(self, low: str, start: int) -> bool:
        run = _WORD_LEFT.search(low, max(0, start - 12), start)
        if run is None:
            return False
        return run[0] in self.glue_left or (run[0][-1] == "x" and run[0][:-1] in self.glue_car)

    def _free_right(self, low: str, text: str, start: int, end: int) -> bool:
        """The same for the right edge."""
        if end >= len(low):
            return True
        last, after = low[end - 1], low[end]
        if last.isdigit():
            if after.isdigit() or after == "%":
                return False
            if after == "." and low[end + 1 : end + 2].isdigit() and end - start < 4:
                return False
        letter = "a" <= last <= "z"
        if letter and after.isdigit() and end - start < 4:
            return False
        if not ("a" <= after <= "z") or not (letter or last.isdigit()):
            return True
        if last != after and text[end - 1].islower() and text[end].isupper():
            return True
        if text[end] == "x" and (text[end + 1 : end + 2].isupper() or text[end + 1 : end + 2].isdigit()):
            return True  # "BCMAxCD19", "PSMA×5T4"
        return self._glued_right(low, end, letter)

    def _glued_right(self, low: str, end: int, letter: bool) -> bool:
        """Whether letters that touch a name on its right may stand there."""
        if letter:
            ends = low[end] in "zs" and not "a" <= low[end + 1 : end + 2] <= "z"
            return ends or low.startswith(("car", "zeta"), end)
        run = _WORD_RIGHT.match(low, end)
        word = run[0] if run else ""
        return word in self.glue_right or word.startswith("car") or (word.startswith("x") and len(word) > 2)


_NONE, _DISEASE = frozenset[str](), frozenset(["disease"])


def _refused(low: str, start: int, end: int, before: str, after: str) -> frozenset[str]:
    """The labels that may not be glued to what touches a match: "IL7R" is no IL-7."""
    if "a" <= before <= "z" and "a" <= low[start] <= "z":
        return _UNGLUED
    if low[end - 1] >= "\u2e80":
        return _NONE  # "自体CD19": no word goes on from a CJK character into Latin letters
    if low.startswith("car", end):
        return _DISEASE
    return _UNGLUED if "a" <= after <= "z" and after != "s" and not low.startswith("ko", end) else _NONE


def _resolve(found: list[_Found]) -> list[_Found]:
    """Apply stops, drop what a longer name hides, keep one hit of a label and concept for a place."""
    found.sort()
    kept: list[_Found] = []
    around: list[_Found] = []
    reach = -1
    for entry in found:
        start, minus_end, _, _, _, _ = entry
        if start >= reach:
            around = []
        for other in around:
            if other[1] <= minus_end and _hides(other, entry):
                break
        else:
            kept.append(entry)
            around = [other for other in around if -other[1] > start] if around else []
            around.append(entry)
            if -minus_end > reach:
                reach = -minus_end
    return [entry for entry in kept if entry[3]]


def _hides(other: _Found, entry: _Found) -> bool:
    """Whether a hit that holds another one makes it void."""
    holder, held = other[5], entry[5]
    if holder.label == "stop":
        return held.label != "stop" and holder.concept in ("*", held.concept)
    longer = other[0] < entry[0] or other[1] < entry[1]
    if longer:
        return (holder.label in _SWALLOWS and held.label in _SWALLOWS) or holder.label == held.label
    return holder.label == held.label and holder.concept == held.concept


def vocabulary(layers: tuple[str, ...] = ()) -> Vocabulary:
    """The vocabulary of the shipped lexicons with a user's folders on top; compiled anew once they change."""
    return _compiled(layers, kept.state_of(layers))


@lru_cache(maxsize=4)
def _compiled(layers: tuple[str, ...], state: str) -> Vocabulary:
    return Vocabulary(lexicons.load(*layers))
