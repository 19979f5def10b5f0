"""What is added to or taken from the CAR cell: edits, armoring and safety switches."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spacy.language import Language

from cart_nlp.components.context import near, of_study
from cart_nlp.components.state import Hit, State, state

if TYPE_CHECKING:
    from spacy.tokens import Doc

_KNOCK = re.compile(
    r"knock(?:ed|ing)?[\s-]?(?:out|down)|ko(?![a-z])|delet(?:ed|ion)|disrupt\w*|ablat\w+|edit(?:ed|ing)?\b|silenc\w+|\bnull\b|lacking|deficien\w+|-/-|inactivat\w+|"
    r"eliminat\w+|remov(?:es|ed|ing|al)|\blos(?:e|ing)\b|\blower(?:s|ing)?\b|敲除|敲减|base[\s-]edit"
)
_ARMED = re.compile(
    r"secret(?:ing|ed|es|e)\b|\badd(?:ed|ition)\b|fusion|receptor alpha fusion|express\w*|co-?express\w*|armou?red|produc\w+|encod\w+|releas\w+|enhanced|enabled|transgen\w+|integrated|modified|car\b|cart\b|car-?t|chimeric|switch|dominant|\+"
)
_DRUG = re.compile(
    r"inhibitor|blockade|\bmab\b|combin\w+|antagonist|administ\w+|mg/kg|injection of|levels?|serum|plasma|cytokines? (?:such|includ)|concentration|release syndrome|culture|in the presence of|stimulat"
)


def edit(view: State, hit: Hit) -> bool:
    """Whether a gene is said to be knocked out or down in the product."""
    if not of_study(view, hit.start):
        return False
    before, after = near(view, hit.start, hit.end, 50, 45)
    first, last = view.sentence(hit.start)
    if re.search(r"mutation|rearrange|fusion|translocation|karyotyp|cytogen|del\(", view.low[first:last]):
        return False
    if not hit.guarded and _KNOCK.search(view.low[hit.start : hit.end]):
        return True
    if hit.guarded and re.match(r"[\s-]*(?:car\b|car-|cart|chimeric|targeted|specific)", after):
        return False
    if hit.concept == "TRAC" and re.search(
        r"knock(?:ed|ing)?[\s-]?in|insert\w+|integrat\w+", before[-40:] + after
    ):
        return True
    right = re.match(
        r"[\s\-/(),]*(?:(?:gene|locus|and|or|genes|protein|expression|receptor|chain|alpha|is|are|was|were|been|has|have|itself|[a-z]{2,5}\d?[a-z]?)\b[\s\-/(),]*){0,5}",
        after,
    )
    tail = after[right.end() :] if right else after
    if _KNOCK.match(tail) or _KNOCK.match(after.lstrip(" -(")):
        return True
    return (
        re.search(
            _KNOCK.pattern
            + r"(?:[\s\-(),]|\b(?:of|the|for|in|endogenous|genes?|both|and|to|or|human|expression|out|[a-z]{2,6}\d{0,3}[a-z]?)\b)*$",
            before,
        )
        is not None
    )


def armoring(view: State, hit: Hit) -> bool:
    """Whether something is said to be added to the CAR cell beyond its signaling."""
    if not of_study(view, hit.start):
        return False
    if any(h.role == "target" and h.start <= hit.start < h.end for h in view.of("antigen", "ligand")):
        return False
    first, last = view.sentence(hit.start)
    if re.search(r"feeder|k562|artificial antigen", view.low[first:last]):
        return False
    if not hit.guarded:
        return True
    before, after = near(view, hit.start, hit.end, 60, 50)
    if _DRUG.search(before[-30:]) or _DRUG.search(after[:20]):
        return False
    return _ARMED.search(before[-45:]) is not None or _ARMED.match(after.lstrip(" -,/().")) is not None


def safety_switch(view: State, hit: Hit) -> bool:
    """Whether a hit names a suicide gene or depletion marker of the product."""
    return of_study(view, hit.start)


@Language.factory("cart_payloads")
def make(nlp: Language, name: str) -> Payloads:
    """Create the component."""
    return Payloads()


class Payloads:
    """Writes edits, armoring and safety switches of a Doc."""

    def __call__(self, doc: Doc) -> Doc:
        view = state(doc)
        judges = (
            ("edits", "edit", edit),
            ("armoring", "armoring", armoring),
            ("safety_switch", "safety_switch", safety_switch),
        )
        for field, label, judge in judges:
            view.values[field] = [h for h in view.of(label) if judge(view, h)] + view.values.get(field, [])
        return doc
