"""What is added to or taken from the CAR cell: edits, armoring and safety switches."""

from __future__ import annotations

import re

from spacy.language import Language

from cart_nlp.components.attributes import joined
from cart_nlp.components.context import near, of_study
from cart_nlp.components.own_words import prefer_own
from cart_nlp.components.state import Component, Hit, State

_GRAFT = re.compile(
    r"[\s-]*(?:ko|(?:base|gene)[\s-]edited|edited|deleted)?[\s-]*"
    r"(?:hspcs?|hsct|hsc|ha?ematopoietic|stem|graft|donor graft)"
)


def edit(view: State, hit: Hit) -> bool:
    """Whether a gene is said to be knocked out or down in the product."""
    if not of_study(view, hit.start):
        return False
    before, after = near(view, hit.start, hit.end, 50, 45)
    first, last = view.sentence(hit.start)
    if re.search(
        r"mutation|rearrange|gene fusion|fusion gene|/fusion|translocation|karyotyp|cytogen|del\(",
        view.low[first:last],
    ):
        return False
    if hit.concept == "TRAC" and view.cue("edit.kept").search(view.low):
        return False
    if not hit.guarded and view.cue("edit.knock").search(view.low[hit.start : hit.end]):
        return True
    if _GRAFT.match(after):
        # The graft that lacks the target, not the CAR cells.
        return False
    if hit.guarded and re.match(r"[\s-]*(?:car\b|car-|cart|chimeric|targeted|specific)", after):
        return False
    if hit.concept == "TRAC" and re.search(
        r"knock(?:ed|ing)?[\s-]?in|insert\w+|integrat\w+", before[-40:] + after
    ):
        return True
    right = re.match(
        r"[\s\-/(),和与及、]*(?:(?:gene|locus|and|or|genes|protein|expression|receptor|chain|alpha|is|are|was|were|been|has|have|itself|(?!knock|ko\b|del|dis|abl|edit|null|lack)(?:[a-z]{2,5}\d{0,3}[a-z]?|[a-z]{1,3}\d[a-z]\d{1,3}[a-z]?))\b[\s\-/(),]*){0,5}",
        after,
    )
    tail = after[right.end() :] if right else after
    if view.cue("edit.knock").match(tail) or view.cue("edit.knock").match(after.lstrip(" -(")):
        return True
    return view.cue("edit.knock_left").search(before) is not None


def _is_target(view: State, hit: Hit) -> bool:
    """Whether the same words name what a CAR binds."""
    return any(h.role == "target" and h.start <= hit.start < h.end for h in view.of("antigen", "ligand"))


def armoring(view: State, hit: Hit) -> bool:
    """Whether something is said to be added to the CAR cell beyond its signaling."""
    if not of_study(view, hit.start):
        return False
    if _is_target(view, hit):
        return False
    first, last = view.sentence(hit.start)
    if re.search(r"feeder|k562|artificial antigen", view.low[first:last]):
        return False
    if not hit.guarded:
        return True
    before, after = near(view, hit.start, hit.end, 60, 50)
    if view.cue("armoring.drug").search(before[-30:]) or view.cue("armoring.drug").search(after[:20]):
        return False
    return (
        view.cue("armoring.words").search(before[-45:]) is not None
        or view.cue("armoring.words").match(after.lstrip(" -,/().")) is not None
    )


def safety_switch(view: State, hit: Hit) -> bool:
    """Whether a hit names a suicide gene or depletion marker of the product."""
    return of_study(view, hit.start)


def _named_switches(view: State, hits: list[Hit]) -> list[Hit]:
    """The switches that the trial names; a "stop switch" is one of no name.

    What the product is known to carry says more than a switch of no name.
    """
    if hits or view.values.get("safety_switch"):
        return hits
    unnamed = view.cue("switch.unnamed").search(view.low)
    if unnamed is None or not of_study(view, unnamed.start()):
        return []
    return [Hit(*unnamed.span(), "safety_switch", "other", "attributes.unnamed-switch")]


@Language.factory("cart_payloads")
def make(nlp: Language, name: str) -> Payloads:
    """Create the component."""
    return Payloads()


class Payloads(Component):
    """Writes edits, armoring and safety switches of a Doc."""

    def apply(self, view: State) -> None:
        judges = (
            ("edits", "edit", edit),
            ("armoring", "armoring", armoring),
            ("safety_switch", "safety_switch", safety_switch),
        )
        for field, label, judge in judges:
            hits = [h for h in view.of(label) if judge(view, h)]
            if label == "safety_switch":
                hits = _named_switches(view, hits)
            if label == "armoring":
                hits += [
                    h
                    for h in joined(view, label, hits)
                    if of_study(view, h.start) and not _is_target(view, h)
                ]
            view.values[field] = prefer_own(view, hits) + view.values.get(field, [])
