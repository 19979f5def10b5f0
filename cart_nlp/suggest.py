"""Candidates for new lexicon rows: antigens and product codes that a corpus prints and no table knows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cart_nlp.schema import INCLUDED
from cart_nlp.text import bare, lower

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from cart_nlp.lexicon import Lexicon
    from cart_nlp.schema import Trial
    from cart_nlp.signals.reading import Reading
    from cart_nlp.vocabulary import Vocabulary

WIDTH = 40
"""Characters of text on each side of an example."""
COLUMNS = ("term", "kind", "trials", "mentions", "nearest", "example_id", "example")

# A code such as QT-019C, ET140203, MB-CART2019.1, LCAR-B38M: letters, then digits, with at most a few parts.
_CODE = re.compile(
    r"(?<![\w.-])(?P<code>[A-Z][A-Za-z]{0,7}(?:[ -][A-Z]{1,4})?[ -]?\d{2,6}(?:[.-]?[A-Z0-9]{1,4})?)(?![\w-])"
)
# What stands beside a product's code: a CAR word, or what a vial is called.
_BESIDE_RIGHT = (
    r"[\s\-(,]{0,3}(?:(?:<<code_source>>|<<name_says>>-\w+)\s)?(?:<<code_right>>|<<code_right_word>>\b)"
)
_BESIDE_LEFT = (
    r"\b(?:<<name_car>>(?:[ -]?<<name_cells>>)?s?(?: <<name_cell_word>>)?|<<code_left>>)"
    r"(?: <<code_therapy>>)?[\s,:(]{1,3}(?:named |called |code:? )?$"
)
# A head of letters and nothing but a number behind it: "week 12", "IL-15", "NCT012".
_NUMBERED = re.compile(r"(?P<head>[a-z]+(?:[ -][a-z]+)?)[ -]?\d[\d.\-]*[a-z]?$")
_MARKER = r"<<number_of>>\d"


@dataclass(slots=True)
class Candidate:
    """A term that no lexicon knows: `kind` is antigen or product."""

    term: str
    kind: str
    trials: set[str] = field(default_factory=set)
    mentions: int = 0
    spellings: Counter[str] = field(default_factory=Counter)
    example_id: str = ""
    example: str = ""
    nearest: str = ""

    def row(self) -> tuple[str, ...]:
        """The cells of COLUMNS."""
        counts = (str(len(self.trials)), str(self.mentions))
        return (self.term, self.kind, *counts, self.nearest, self.example_id, self.example)


@dataclass(frozen=True, slots=True)
class Survey:
    """What was read and found."""

    read: int
    tagged: int
    rejected: int
    candidates: list[Candidate]


def suggest(
    corpora: Sequence[str | Path],
    layers: Sequence[Path] = (),
    minimum: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Survey:
    """Candidates of dumps, by falling number of trials; only trials that are about CAR cells count.

    Raises InputError if a dump cannot be read, LexiconError if a lexicon cannot be used.
    """
    from cart_nlp.pipeline import load, make_doc
    from cart_nlp.registries import read
    from cart_nlp.registries.entry import Reject, Rejected
    from cart_nlp.screening import Screen
    from cart_nlp.signals.doc import vocabulary_of

    nlp = load(layers)
    known = vocabulary_of(nlp, "suggest")
    screen = Screen(known.lexicon)
    found: dict[tuple[str, str], Candidate] = {}
    count = tagged = rejected = 0
    for corpus in corpora:
        for entry in read(corpus):
            count += 1
            if progress is not None:
                progress(count)
            if isinstance(entry, Reject):
                rejected += 1
                continue
            if not screen.hits(entry.text):
                continue
            try:
                trial = entry.trial()
            except Rejected:
                rejected += 1
                continue
            tagged += _collect(nlp(make_doc(nlp, trial)), trial, known, found)
    candidates = [each for each in found.values() if len(each.trials) >= minimum]
    for each in candidates:
        each.term = max(each.spellings, key=lambda s: (each.spellings[s], s))
        each.nearest = _nearest(each, known.lexicon)
    candidates.sort(key=lambda c: (-len(c.trials), -c.mentions, c.kind, c.term))
    return Survey(count, tagged, rejected, candidates)


def _collect(doc: Doc, trial: Trial, known: Vocabulary, found: dict[tuple[str, str], Candidate]) -> bool:
    """Add the candidates of one tagged trial; says whether it is about CAR cells."""
    from cart_nlp.signals.reading import read

    if doc._.cart.get("car_trial") not in INCLUDED:
        return False
    view = read(doc, known)
    novel = ((m.start, m.end, "antigen") for m in view.of("antigen") if m.row == "novel")
    for start, end, kind in (*novel, *codes(view)):
        written = view.raw[start:end]
        candidate = found.setdefault((kind, bare(written)), Candidate(written, kind))
        candidate.trials.add(trial.id)
        candidate.mentions += 1
        candidate.spellings[written] += 1
        if not candidate.example:
            candidate.example_id, candidate.example = trial.id, _example(view.raw, view, start, end)
    return True


def codes(view: Reading) -> Iterator[tuple[int, int, str]]:
    """Product-like codes beside CAR words, in titles, interventions and prose, that no lexicon knows."""
    from cart_nlp.signals.names import COINED

    known = view.vocabulary.lexicon
    apart = ("cell_type", "cell_source", "disease", "car")
    hits = [(m.start, m.end) for m in view.mentions if m.label not in apart and m.row not in COINED]
    for match in _CODE.finditer(view.text):
        start, end = match.span("code")
        code = lower(match["code"])
        kind = view.section(start).kind
        if kind in ("eligibility", "primary_outcomes", "secondary_outcomes", "conditions"):
            continue
        if _is_no_code(code, known) or code in known.folded or bare(code) in _squeezed(known):
            continue
        if any(s < end and e > start for s, e in hits):
            continue
        first, last = view.sentence(start)
        right = known.expression(_BESIDE_RIGHT, low=True).match(view.low, end, min(last, end + 40))
        left = known.expression(_BESIDE_LEFT, low=True).search(view.low, max(first, start - 60), start)
        alone = kind in ("interventions.name", "interventions.other_names") and end - start > 4
        if right or left or alone:
            yield start, end, "product"


def _is_no_code(code: str, known: Lexicon) -> bool:
    """Whether it is a registration's number, a marker, a dose or the like, as the cues have it."""
    numbered = _NUMBERED.match(code)
    head = numbered["head"] if numbered else ""
    # "CAR011" is a code to ask a curator about, though too bare for the tagger to take it for one.
    named_so = any(concept.label == "car" for concept in known.folded.get(head, ()))
    marker = known.expression(_MARKER, low=True).match(code) is not None
    return marker or (head in known.words("not_code") and not named_so)


_keys: dict[str, frozenset[str]] = {}


def _squeezed(known: Lexicon) -> frozenset[str]:
    """Every known spelling without its separators."""
    if known.digest not in _keys:
        _keys.clear()
        _keys[known.digest] = frozenset(map(bare, known.folded))
    return _keys[known.digest]


def _example(text: str, view: Reading, start: int, end: int) -> str:
    """The words around, in one line."""
    section = view.section(start)
    words = text[max(section.start, start - WIDTH) : min(section.end, end + WIDTH)]
    return re.sub(r"\s+", " ", words).strip()


def _nearest(candidate: Candidate, known: Lexicon) -> str:
    """A known name of that kind that a curator might have meant, if one is near."""
    from rapidfuzz import fuzz, process

    names = _names(known, candidate.kind)
    best = process.extractOne(bare(candidate.term), names, scorer=fuzz.ratio, score_cutoff=75)
    return best[0] if best else ""


def _names(known: Lexicon, kind: str) -> Iterable[str]:
    return sorted({term.text for term in known.terms if term.concept.label == kind})
