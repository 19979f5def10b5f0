"""A Doc as the signals read it: folded text, sections, sentences, clauses, mentions and cues by place.

A Reading holds nothing that the Doc does not: it is made anew whenever the Doc's group of spans is another
one or has another length, and can be thrown away at any time.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from cart_nlp.text import fold, lower, sentence_bounds
from cart_nlp.vocabulary import CueHit, Vocabulary
from cart_nlp.vocabulary import Mention as Mention

if TYPE_CHECKING:
    from spacy.tokens import Doc

MENTIONS = "cart"
"""Key of `doc.spans` under which all mentions are."""
# Each branch begins with a letter or sign: the engine then skips to these, and looks nowhere else.
_CLAUSE_END = re.compile(
    r";(?=\s)|,(?=\s)|:(?=\s)|but\b(?<=\bbut)|who\b(?<=\bwho)(?= will)|will\b(?<=\bwill)|\. |；|，|。"
)
_WORD = re.compile(r"[a-z0-9]+|[\u4e00-\u9fff]")


class Section(NamedTuple):
    """One section of the trial within the Doc: its key, its kind (key without index) and its offsets."""

    key: str
    kind: str
    start: int
    end: int


@lru_cache(maxsize=4096)
def kind_of(key: str) -> str:
    """A section's kind: its key without indices and without the record that it came from."""
    return re.sub(r"\[\d+\]", "", key.rsplit("/", 1)[-1])


def sentences(text: str, sections: list[Section]) -> list[tuple[int, int]]:
    """Start and end of every sentence; a section always starts one and ends one."""
    return [bound for section in sections for bound in sentence_bounds(text, section.start, section.end)]


class Page:
    """The text of a Doc, and what it tells by itself: folded, in lower case, sections and sentences."""

    def __init__(self, raw: str, sections: list[Section]) -> None:
        self.raw = raw
        self.text = fold(raw)
        self.low = lower(self.text)
        self.sections = sections
        self.sentences = sentences(raw, sections)
        self.section_starts = [section.start for section in sections]
        self.starts = [start for start, _ in self.sentences]


class Reading:
    """What the signals look at."""

    def __init__(self, page: Page, mentions: list[Mention], vocabulary: Vocabulary) -> None:
        self.raw, self.text, self.low = page.raw, page.text, page.low
        self.sections = page.sections
        self.mentions = mentions
        self.vocabulary = vocabulary
        self.told: dict[tuple[int, int], list[str]] = {}
        """Signals of units by start and end, for the fields and components that ask again."""
        self.instances: dict[str, list[Any]] = {}
        """The instances of each field that was asked for."""
        self.candidates: dict[str, tuple[Any, list[Any]]] = {}
        """Field → the scorer that was asked, and the candidates that it gave."""
        self.cues_told: dict[tuple[int, int], tuple[frozenset[str], frozenset[str]]] = {}
        """Cues that reach a unit and their categories, likewise."""
        self._word_starts: dict[int, list[int]] = {}
        self._sentences, self._starts = page.sentences, page.starts
        self._section_starts = page.section_starts

    def section(self, offset: int) -> Section:
        """The section that holds a character."""
        return self.sections[bisect_right(self._section_starts, offset) - 1]

    def sentence(self, offset: int) -> tuple[int, int]:
        """Start and end of the sentence that holds a character."""
        return self._sentences[bisect_right(self._starts, offset) - 1]

    @cached_property
    def _clauses(self) -> list[int]:
        return [match.end() for match in _CLAUSE_END.finditer(self.low)]

    def same_clause(self, left: int, right: int) -> bool:
        """Whether no clause ends between two places."""
        at = bisect_right(self._clauses, left)
        return at == len(self._clauses) or self._clauses[at] > right

    def word_starts(self, offset: int) -> list[int]:
        """Where the words begin that are no fillers, of the sentence that holds a character."""
        number = bisect_right(self._starts, offset) - 1
        found = self._word_starts.get(number)
        if found is None:
            fillers = self.vocabulary.lexicon.words("filler")
            words = _WORD.finditer(self.low, *self._sentences[number])
            found = self._word_starts[number] = [word.start() for word in words if word[0] not in fillers]
        return found

    @cached_property
    def cues(self) -> list[CueHit]:
        """All cues, by place."""
        return self.vocabulary.cues(self.low)

    @cached_property
    def trial_cues(self) -> frozenset[str]:
        """Categories of the cues that count wherever in the trial they stand."""
        return frozenset(category for hit in self.trial_hits for category in hit.trial)

    @cached_property
    def drugs(self) -> list[tuple[int, str]]:
        """Where drugs that bind an antigen are named, and the antigen of each."""
        told = ((hit.start, category) for hit in self.trial_hits for category in hit.trial)
        return [(at, category.removeprefix("drug=")) for at, category in told if category.startswith("drug=")]

    @cached_property
    def silent_products(self) -> bool:
        """Whether products are named, and nothing of what their CARs bind, as the lexicon knows, is."""
        rows = (self.vocabulary.lexicon.get("product", mention.concept) for mention in self.of("product"))
        known = {target for row in rows if row for target in row.values("targets")}
        return bool(known) and known.isdisjoint(mention.concept for mention in self.of("antigen"))

    @cached_property
    def trial_hits(self) -> list[CueHit]:
        """The cues that count wherever in the trial they stand."""
        return [hit for hit in self.cues if hit.said.trial]

    @cached_property
    def _reaching(self) -> tuple[list[int], list[CueHit]]:
        """Where the cues begin that say something of mentions around them, and these cues."""
        hits = [hit for hit in self.cues if hit.said.left or hit.said.right]
        return [hit.start for hit in hits], hits

    def cues_in(self, start: int, end: int) -> list[CueHit]:
        """The cues between two places that say something of mentions around them."""
        starts, hits = self._reaching
        return hits[bisect_left(starts, start) : bisect_left(starts, end)]

    def of(self, *labels: str) -> list[Mention]:
        """The mentions of some labels, in reading order."""
        found = [self._by_label[label] for label in labels if label in self._by_label]
        if len(found) > 1:
            return [mention for mention in self.mentions if mention.label in labels]
        return found[0] if found else []

    @cached_property
    def _by_label(self) -> dict[str, list[Mention]]:
        found: dict[str, list[Mention]] = {}
        for mention in self.mentions:
            found.setdefault(mention.label, []).append(mention)
        return found

    def inside(self, start: int, end: int) -> list[Mention]:
        """The mentions that lie between two places."""
        first = bisect_left(self.mentions, start, key=attrgetter("start"))
        last = bisect_left(self.mentions, end, first, key=attrgetter("start"))
        return [mention for mention in self.mentions[first:last] if mention.end <= end]

    @cached_property
    def cars(self) -> list[Mention]:
        """The mentions of a CAR."""
        return self.of("car")

    @cached_property
    def car_starts(self) -> list[int]:
        """Where they begin."""
        return [car.start for car in self.cars]

    def words(self, start: int, end: int) -> list[str]:
        """The words between two places, lower case; each CJK character is one."""
        return _WORD.findall(self.low, start, end)


@dataclass(slots=True)
class _Seen:
    """What was made of a Doc, for the components that follow."""

    doc: Doc
    page: Page | None = None
    spans: Any = None
    mentions: list[Mention] = field(default_factory=list)
    reading: Reading | None = None


_SEEN: OrderedDict[int, _Seen] = OrderedDict()
_KEPT = 64
"""Docs of which this is kept: as many as a batch of `nlp.pipe` has."""


def _seen(doc: Doc) -> _Seen:
    known = _SEEN.get(id(doc))
    if known is None or known.doc is not doc:
        known = _SEEN[id(doc)] = _Seen(doc)
        if len(_SEEN) > _KEPT:
            _SEEN.popitem(last=False)
    return known


def forget(doc: Doc) -> None:
    """Let go of a Doc that nobody will read again; its memory serves for the next one."""
    _SEEN.pop(id(doc), None)


def page_of(doc: Doc, text: str | None = None) -> Page:
    """The page of a Doc; `text`, if it is at hand: spaCy joins it anew from the tokens whenever it is asked.

    A Doc that was made without sections is one section, `text`.
    """
    seen = _seen(doc)
    if seen.page is None:
        text = doc.text if text is None else text
        found = doc._.cart_sections or [("text", 0, len(text))]
        seen.page = Page(text, [Section(key, kind_of(key), start, end) for key, start, end in found])
    return seen.page


def read(doc: Doc, vocabulary: Vocabulary) -> Reading:
    """The Reading of a Doc that `cart_terms` has seen; one for all components while its mentions stay."""
    seen, mentions = _seen(doc), mentions_of(doc)
    known = seen.reading
    if known is None or known.mentions is not mentions or known.vocabulary is not vocabulary:
        known = seen.reading = Reading(page_of(doc), mentions, vocabulary)
    return known


def mentions_of(doc: Doc) -> list[Mention]:
    """The mentions of a Doc, in the order of its spans; the same list while these stay."""
    seen, spans = _seen(doc), doc.spans.get(MENTIONS, ())
    if seen.spans is not spans or len(seen.mentions) != len(spans):
        keep_mentions(doc, list(map(Mention.of, spans)))
    return seen.mentions


def keep_mentions(doc: Doc, mentions: list[Mention]) -> None:
    """Note the mentions that the spans of a Doc are."""
    seen = _seen(doc)
    seen.spans, seen.mentions = doc.spans.get(MENTIONS, ()), mentions
