"""Which diseases the study population has: normalized indications and their groups."""

from __future__ import annotations

from spacy.language import Language

from cart_nlp.components.context import ARMS, NAMES, PROSE, TITLES, near
from cart_nlp.components.state import Component, Hit, State

_TIERS = (
    TITLES | {"conditions"},
    PROSE - {"detailed_description"} | NAMES,
    ARMS | {"detailed_description"},
    {"eligibility"},
)


def _group(hit: Hit) -> str:
    return hit.row.fields.get("group", "") if hit.row else ""


def population(view: State) -> list[Hit]:
    """The disease hits of the first tier of sections that has some, titles and conditions first."""
    hits = [(view.section(h.start).kind, h) for h in view.of("disease")]
    for kinds in _TIERS:
        found = []
        for kind, hit in hits:
            if kind not in kinds:
                continue
            before, after = near(view, hit.start, hit.end, 60, 30)
            if view.cue("disease.aside").search(before) or view.cue("disease.aside_right").match(after):
                continue
            found.append(hit)
        known = [h for h in found if _group(h) != "other"]
        if {_group(h) for h in known} - {"infectious"}:
            # A virus beside a cancer is a specificity, a vaccine or an exclusion, unless it is a condition.
            known = [
                h
                for h in known
                if _group(h) != "infectious" or not h.guarded or view.section(h.start).kind == "conditions"
            ]
        if known:
            return known
        if found and kinds is _TIERS[0]:
            return found
    return []


@Language.factory("cart_diseases")
def make(nlp: Language, name: str) -> Diseases:
    """Create the component."""
    return Diseases()


class Diseases(Component):
    """Writes indications and disease groups of a Doc."""

    def apply(self, view: State) -> None:
        found = population(view)
        view.values["indications"] = found
        view.values["disease_group"] = [
            Hit(h.start, h.end, "disease_group", group, h.rule, h.row) for h in found if (group := _group(h))
        ]
