"""Questions that several components ask of a mention's surroundings."""

from __future__ import annotations

import bisect
import re

from cart_nlp.components.chains import car_words
from cart_nlp.components.state import State

TITLES = frozenset(
    ["brief_title", "official_title", "acronym", "brief_title_zh", "official_title_zh", "text"]
)
NAMES = frozenset(["interventions.name", "interventions.other_names", "arms.label"])
ARMS = frozenset(["interventions.description", "arms.description"])
PROSE = frozenset(["brief_summary", "detailed_description", "keywords", "study_design"])
OUTCOMES = frozenset(["primary_outcomes", "secondary_outcomes", "why_stopped"])
NAMED = TITLES | NAMES
"""Sections that name what the study gives."""
TOLD = ARMS | PROSE
"""Sections that tell of it."""
STUDY = NAMED | TOLD
_ELSEWHERE = OUTCOMES | {"eligibility", "conditions"}


def clause_left(view: State, start: int, width: int = 90) -> str:
    """The words of the clause before a mention, lower case, at most `width` characters."""
    return view.low[max(view.clause(start), start - width) : start]


def prior(view: State, start: int, width: int = 90) -> bool:
    """Whether the clause before a mention says that it was given, tried or approved before this study."""
    return prior_in(view, max(view.clause(start), start - width), start)


def prior_in(view: State, first: int, start: int) -> bool:
    """Whether the words from `first` to a mention say that it was given, tried or approved before."""
    return view.may("context.prior", first, start) and (
        view.cue("context.prior").search(view.low[first:start]) is not None
    )


_WILL_GET = re.compile(
    r"\b(?:will|shall|would|to|then|and)\s+(?:be\s+|also\s+)?(?:receive|undergo|get|given|infused|administered)\b[^.;]*$"
)


def about_recipients(view: State, start: int, clause: str) -> bool:
    """Whether the words before a product speak of people who got it, not of people who will get it here."""
    if not view.cue("context.recipient").search(clause):
        return False
    first, _ = view.sentence(start)
    return _WILL_GET.search(view.low, max(first, start - 120), start) is None


def near(view: State, start: int, end: int, before: int, after: int) -> tuple[str, str]:
    """The text on both sides of a mention within its sentence, lower case."""
    first, last = view.sentence(start)
    return view.low[max(first, start - before) : start], view.low[end : min(last, end + after)]


def car_near(view: State, start: int, end: int) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """The nearest CAR word before and after a stretch, in its sentence; one that holds it is before."""
    low, high = view.sentence(start)
    words = car_words(view)
    before = after = None
    at = bisect.bisect_left(words, (start, -1))
    if at and words[at - 1][0] >= low:
        span = words[at - 1]
        # CART19: the number stands inside the CAR word.
        before = span if span[1] <= start else (span[0], start)
    while at < len(words) and words[at][0] < end:
        at += 1
    if at < len(words) and words[at][1] <= high:
        after = words[at]
    return before, after


def of_study(view: State, start: int) -> bool:
    """Whether a mention speaks of the study's own product, as far as section and clause tell."""
    known: dict[int, bool] = view.notes.setdefault("of_study", {})
    told = known.get(start)
    if told is None:
        kind = view.section(start).kind
        told = known[start] = kind not in _ELSEWHERE and (kind in NAMES or not prior(view, start))
    return told


_GENERAL = re.compile(r"\ba (?:patient|person)\b")


def elsewhere(view: State, start: int, end: int) -> bool:
    """Whether the sentence of a mention defines a kind of therapy, or tells of other studies or of history.

    "T cells are taken from a patient's blood" goes on from the definition in the sentence before.
    """
    if view.section(start).kind in NAMED:
        return False
    first, _ = view.sentence(start)
    if _tells_of_others(view, first):
        return True
    if not _GENERAL.search(view.low, start, end) or first <= view.section(start).start:
        return False
    return _tells_of_others(view, view.sentence(first - 1)[0])


def _tells_of_others(view: State, first: int) -> bool:
    """Whether the sentence that starts there is a definition or tells of others; decided once a sentence."""
    known: dict[int, bool] = view.notes.setdefault("elsewhere", {})
    told = known.get(first)
    if told is None:
        first, last = view.sentence(first)
        told = known[first] = view.may("context.elsewhere", first, last) and (
            view.cue("context.elsewhere").search(view.low[first:last]) is not None
        )
    return told
