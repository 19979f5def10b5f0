"""What the components share while they work on one Doc: plain objects over the folded text."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from operator import sub
from typing import TYPE_CHECKING, Any, NamedTuple

from cart_nlp.components.literals import Literals
from cart_nlp.components.store import lexicon_of
from cart_nlp.lexicon import Concept
from cart_nlp.schema import Trial
from cart_nlp.text import fold, lower

if TYPE_CHECKING:
    from spacy.tokens import Doc

_KEY = "cart_nlp"
# A sentence ends at a stop followed by a capital, a digit list mark or CJK, or at a line break or bullet.
# Here and below, what begins with one set of characters is searched for two to three times faster.
_SENTENCE_END = re.compile(
    r"[.!?;\n。；！？](?:(?<=[.!?;])['\")\]]?\s+(?=[A-Z\u4e00-\u9fff(\[*•-])|(?<=[。；！？])"
    r"|(?<=\n)(?:\s*\n|\s*(?=[-*•\d(])))"
)
_CLAUSE_END = re.compile(r"[;,:](?=\s)|but(?<=\bbut)\b|who(?<=\bwho)\b(?= will)|will(?<=\bwill)\b|\. ")
_LONGEST = 2000
"""Characters after which a sentence is cut, so that work a mention stays bounded on text without stops."""
# Abbreviations whose stop ends no sentence.
_NO_END = re.compile(r"(?:\b(?:e\. ?g|i\. ?e|vs|etc|al|approx|no|dr|inc|fig)|\b[A-Z])$", re.I)


@dataclass(slots=True, eq=False)
class Hit:
    """A stretch of the Doc's text that names a concept. Offsets are characters of `doc.text`."""

    start: int
    end: int
    label: str
    concept: str
    rule: str
    row: Concept | None = None
    guarded: bool = False
    role: str = ""
    score: float = 1.0
    spells: bool = True
    """False where the value is known of the product and not said by the words."""


class Section(NamedTuple):
    """One section of the trial within the Doc: its key, its kind (key without index) and its offsets."""

    key: str
    kind: str
    start: int
    end: int

    @classmethod
    def of(cls, key: str, start: int, end: int) -> Section:
        """A section whose kind is its key without indices and without the record that it came from."""
        return cls(key, _kind(key), start, end)


@lru_cache(maxsize=4096)
def _kind(key: str) -> str:
    return re.sub(r"\[\d+\]", "", key.rsplit("/", 1)[-1])


@dataclass(slots=True)
class Chain:
    """Antigen hits that stand in one coordination ("CD19/CD22", "BCMA and GPRC5D")."""

    hits: list[Hit]
    start: int
    end: int
    kind: str
    """The kind of the section that it stands in."""
    joint: str = ""
    role: str = ""
    slot: int = 0
    rule: str = ""


def _shipped_cue(name: str) -> re.Pattern[str]:
    return lexicon_of(()).patterns_of_cues[name]


def _always(name: str, start: int, end: int) -> bool:
    return True


def _anywhere(name: str) -> None:
    return None


@dataclass(slots=True)
class State:
    """The shared view of one Doc."""

    original: str
    sections: list[Section]
    hits: list[Hit] = field(default_factory=list)
    chains: list[Chain] = field(default_factory=list)
    short_forms: dict[str, str] = field(default_factory=dict)
    values: dict[str, list[Hit]] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    cue: Callable[[str], re.Pattern[str]] = _shipped_cue
    """The compiled cue of a name, of the lexicons that the pipeline was made with; one that cannot match
    here may be a pattern that never does."""
    may: Callable[[str, int, int], bool] = _always
    """Whether a cue can match within a stretch of the text at all: a quick test before a search."""
    places_of: Callable[[str], list[int] | None] = _anywhere
    """The places of the strings one of which every match of a cue holds; None where nothing is known."""
    sought: frozenset[str] = frozenset()
    """Strings that were looked for in the lower text; `places` has the starts of those that it holds."""
    places: dict[str, list[int]] = field(default_factory=dict)
    trial: Trial | None = None
    text: str = field(init=False)
    """The folded text, case kept."""
    low: str = field(init=False)
    """The folded text in lower case."""
    _section_starts: list[int] = field(init=False, repr=False)
    _starts: list[int] = field(init=False, repr=False)
    _ends: list[int] = field(init=False, repr=False)
    _clauses: dict[int, list[int]] = field(init=False, repr=False)
    _labeled: tuple[list[Hit], int, dict[str, list[Hit]]] = field(default=([], 0, {}), repr=False)

    def __post_init__(self) -> None:
        self.text = fold(self.original)
        self.low = lower(self.text)
        self._section_starts = [section.start for section in self.sections]
        self._starts = []  # cut when first asked for
        self._clauses = {}

    def starts_of(self, literals: Literals) -> dict[str, list[int]]:
        """The starts of each of some strings that the text in lower case holds."""
        if self.sought.issuperset(literals.known):
            return {string: starts for string, starts in self.places.items() if string in literals.known}
        return literals.places(self.low)

    def place(self, offset: int) -> int:
        """The number of the section that holds a character."""
        return bisect_right(self._section_starts, offset) - 1

    def section(self, offset: int) -> Section:
        """The section that holds a character."""
        return self.sections[bisect_right(self._section_starts, offset) - 1]

    def _cut(self) -> None:
        """Find the starts and ends of the sentences; a section always starts one and ends one."""
        original = self.original
        starts: list[int] = []
        ends: list[int] = []
        for _, _, begin, end in self.sections:
            start = begin
            for found in _SENTENCE_END.finditer(original, begin, end):
                stop, after = found.span()
                if original[stop] == "." and _NO_END.search(original, max(begin, stop - 6), stop):
                    continue
                if begin < after < end:
                    starts.append(start)
                    ends.append(after)
                    start = after
            starts.append(start)
            ends.append(end)
        if max(map(sub, ends, starts), default=0) > _LONGEST:
            parts = [
                (part, min(part + _LONGEST, end))
                for start, end in zip(starts, ends, strict=True)
                for part in range(start, max(end, start + 1), _LONGEST)
            ]
            starts, ends = [start for start, _ in parts], [end for _, end in parts]
        self._starts, self._ends = starts, ends

    def sentence(self, offset: int) -> tuple[int, int]:
        """Start and end of the sentence that holds a character."""
        if not self._starts:
            self._cut()
        at = bisect_right(self._starts, offset) - 1
        return self._starts[at], self._ends[at]

    def clause(self, offset: int) -> int:
        """Start of the clause that holds a character, within its sentence."""
        if not self._starts:
            self._cut()
        number = bisect_right(self._starts, offset) - 1
        clauses = self._clauses.get(number)
        if clauses is None:
            first = self._starts[number]
            ends = [found.end() for found in _CLAUSE_END.finditer(self.low, first, self._ends[number])]
            clauses = self._clauses[number] = [first, *ends]
        return clauses[bisect_right(clauses, offset) - 1]

    def of(self, *labels: str) -> list[Hit]:
        """The hits of some labels, in reading order."""
        hits, size, by_label = self._labeled
        if hits is not self.hits or size != len(hits):
            by_label = {}
            for hit in self.hits:
                if hit.label in by_label:
                    by_label[hit.label].append(hit)
                else:
                    by_label[hit.label] = [hit]
            self._labeled = self.hits, len(self.hits), by_label
        if len(labels) == 1:
            return list(by_label.get(labels[0], ()))
        if sum(label in by_label for label in labels) < 2:
            return [hit for label in labels for hit in by_label.get(label, ())]
        return [hit for hit in self.hits if hit.label in labels]


def attach(doc: Doc, view: State) -> State:
    """Give a Doc its state, and its sections as `doc.spans["sections"]` (widened to whole tokens)."""
    doc.user_data[_KEY] = view
    spans = (doc.char_span(s.start, s.end, label=s.key, alignment_mode="expand") for s in view.sections)
    doc.spans["sections"] = [span for span in spans if span is not None]
    return view


def state(doc: Doc) -> State:
    """The state of a Doc; one that was made without sections is one section `text`."""
    found: State | None = doc.user_data.get(_KEY)
    if found is None:
        text = doc.text
        found = attach(doc, State(text, [Section.of("text", 0, len(text))]))
    return found


class Component:
    """A step of the pipeline: it reads and writes the state alone, with a Doc around it or without."""

    def apply(self, view: State) -> None:
        """Do the step's work on one trial."""
        raise NotImplementedError

    def __call__(self, doc: Doc) -> Doc:
        """Do it for a Doc, as spaCy calls it."""
        self.apply(state(doc))
        return doc
