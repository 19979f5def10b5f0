"""Which words are the study's own: evidence points to them where a value is also told as background."""

from __future__ import annotations

import re

from cart_nlp.components.context import TOLD, elsewhere
from cart_nlp.components.state import Hit, State

_HEADING = re.compile(
    r"(?<![a-z])(?:(?P<background>backgrounds?|rationale|introduction)|objectives?|eligibility|"
    r"(?:study )?designs?|methods?|outline|treatment|purpose|aims?):"
)


def background(view: State, start: int) -> bool:
    """Whether a mention stands in words about the field, other studies or the laboratory."""
    section = view.section(start)
    if section.kind not in TOLD:
        return False
    known: dict[int, bool] = view.notes.setdefault("background", {})
    first, last = view.sentence(start)
    told = known.get(first)
    if told is None:
        low = view.low[first:last]
        told = known[first] = view.cue("evidence.own").search(low) is None and (
            elsewhere(view, first, first)
            or (
                view.may("evidence.background", first, last)
                and view.cue("evidence.background").search(low) is not None
            )
            or _under_background(view, section.start, start)
        )
    return told


def _under_background(view: State, begin: int, start: int) -> bool:
    """Whether the last heading before a mention is that of a background paragraph."""
    if "background:" not in view.low and "rationale:" not in view.low and "introduction:" not in view.low:
        return False
    headings = list(_HEADING.finditer(view.low, begin, start))
    return bool(headings) and headings[-1]["background"] is not None


def prefer_own(view: State, hits: list[Hit]) -> list[Hit]:
    """The hits without those of the background, wherever the same value is stated in the study's own words.

    No value is lost: one that only the background tells keeps its words.
    """
    concepts = [h.concept for h in hits]
    if len(set(concepts)) == len(concepts):
        return hits
    told = [concepts.count(h.concept) > 1 and background(view, h.start) for h in hits]
    if not any(told):
        return hits
    own = {h.concept for h, aside in zip(hits, told, strict=True) if h.spells and not aside}
    return [h for h, aside in zip(hits, told, strict=True) if not (aside and h.spells and h.concept in own)]
