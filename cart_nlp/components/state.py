"""What the components share while they work on one Doc: plain objects over the folded text."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from cart_nlp.components.literals import CueHints
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


@dataclass(frozen=True, slots=True)
class Section:
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
    joint: str = ""
    role: str = ""
    slot: int = 0
    rule: str = ""


@dataclass
class State:
    """The shared view of one Doc.

    `cues` are those of the lexicons that the pipeline was made with; one that cannot match here may be
    replaced by a pattern that never does.
    """

    original: str
    sections: list[Section]
    hits: list[Hit] = field(default_factory=list)
    chains: list[Chain] = field(default_factory=list)
    short_forms: dict[str, str] = field(default_factory=dict)
    values: dict[str, list[Hit]] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    cues: Mapping[str, re.Pattern[str]] | None = None
    hints: CueHints | None = None
    trial: Trial | None = None
    _labeled: tuple[list[Hit], int, dict[str, list[Hit]]] = field(default=([], 0, {}), repr=False)

    def cue(self, name: str) -> re.Pattern[str]:
        """The compiled cue of that name."""
        if self.cues is None:
            self.cues = lexicon_of(()).patterns_of_cues
        return self.cues[name]

    def may(self, name: str, start: int, end: int) -> bool:
        """Whether a cue can match within a stretch of the text at all: a quick test before a search."""
        return self.hints is None or self.hints.within(name, start, end)

    @cached_property
    def text(self) -> str:
        """The folded text, case kept."""
        return fold(self.original)

    @cached_property
    def low(self) -> str:
        """The folded text in lower case."""
        return lower(self.text)

    @cached_property
    def _section_starts(self) -> list[int]:
        return [s.start for s in self.sections]

    def section(self, offset: int) -> Section:
        """The section that holds a character."""
        return self.sections[bisect_right(self._section_starts, offset) - 1]

    @cached_property
    def _sentences(self) -> tuple[list[int], list[int]]:
        """Starts and ends of the sentences; a section always starts one and ends one."""
        starts: list[int] = []
        ends: list[int] = []
        for section in self.sections:
            cuts = [section.start]
            for found in _SENTENCE_END.finditer(self.original, section.start, section.end):
                before = self.original[max(section.start, found.start() - 6) : found.start()]
                if self.original[found.start()] == "." and _NO_END.search(before):
                    continue
                if section.start < found.end() < section.end:
                    cuts.append(found.end())
            for start, end in pairwise([*cuts, section.end]):
                for part in range(start, max(end, start + 1), _LONGEST):
                    starts.append(part)
                    ends.append(min(part + _LONGEST, end))
        return starts, ends

    def sentence(self, offset: int) -> tuple[int, int]:
        """Start and end of the sentence that holds a character."""
        starts, ends = self._sentences
        at = bisect_right(starts, offset) - 1
        return starts[at], ends[at]

    @cached_property
    def _clauses(self) -> list[int]:
        """Ends of the signs and words that end a clause."""
        return [found.end() for found in _CLAUSE_END.finditer(self.low)]

    def clause(self, offset: int) -> int:
        """Start of the clause that holds a character, within its sentence."""
        first, _ = self.sentence(offset)
        at = bisect_right(self._clauses, offset)
        return max(first, self._clauses[at - 1]) if at else first

    def of(self, *labels: str) -> list[Hit]:
        """The hits of some labels, in reading order."""
        hits, size, by_label = self._labeled
        if hits is not self.hits or size != len(hits):
            by_label = {}
            for hit in self.hits:
                by_label.setdefault(hit.label, []).append(hit)
            self._labeled = self.hits, len(self.hits), by_label
        if len(labels) == 1:
            return list(by_label.get(labels[0], ()))
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
