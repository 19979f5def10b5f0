"""How the study's CAR cells are built: costimulation, generation, vector, cell source and cell type.

Each value is a hit of the lexicons or patterns that speaks of the study's own product. An ambiguous
("guarded") name counts only where the words around it say that it means the domain, vector or source.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from spacy.language import Language

from cart_nlp.components import carriers, sources
from cart_nlp.components.context import elsewhere, near, of_study
from cart_nlp.components.own_words import prefer_own
from cart_nlp.components.state import Component, Hit, State

_ALWAYS_DOMAIN = frozenset(["CD28", "4-1BB"])
_OFTEN_DOMAIN = frozenset(["CD27", "ICOS", "OX40", "CD40", "DAP10", "DAP12", "2B4", "MyD88"])


def costim(view: State, hit: Hit) -> bool:
    """Whether a hit names a costimulatory domain of the study's CAR."""
    if hit.row is None or hit.row.fields.get("kind") == "signaling" or not of_study(view, hit.start):
        return False
    before, after = near(view, hit.start, hit.end, 60, 60)
    if view.cue("costim.not_right").match(after) and not re.match(r"[\s-]*(?:co-?)?stimulatory", after):
        return False
    if view.cue("costim.not_left").search(before) and not re.match(
        r"[\s-]*(?:zeta|z\b|co-?\s?stim|intracell|signal|domain|:)", after
    ):
        return False
    tight = before[-40:] + " " + after[:45]
    bare = (
        re.fullmatch(
            r"cd\d+\w?|icos|ox40|4-1bb|41bb|4\.1bb|dap1[02]|2b4|myd88", view.low[hit.start : hit.end]
        )
        is not None
    )
    if hit.concept in _ALWAYS_DOMAIN or not (hit.guarded or bare):
        return (
            not re.search(r"dynabead|\bbeads?\b|okt3", tight)
            or view.cue("costim.domain").search(after[:30]) is not None
        )
    if hit.concept in _OFTEN_DOMAIN:
        return view.cue("costim.domain").search(tight) is not None
    return (
        re.search(
            r"costim|co-\s?stim|signal|endodomain|intracellular|cytoplasmic|domain",
            before[-25:] + " " + after[:30],
        )
        is not None
    )


def vector(view: State, hit: Hit) -> bool:
    """Whether a hit says how the CAR gene enters the cells."""
    if not of_study(view, hit.start) or elsewhere(view, hit.start, hit.end):
        return False
    before, after = near(view, hit.start, hit.end, 80, 80)
    first, last = view.sentence(hit.start)
    if view.cue("vector.quality").search(view.low, first, last):
        return False
    if view.cue("vector.testing_right").search(after) or view.cue("vector.testing_left").search(before):
        return False
    if hit.guarded and "electropor" in view.low[hit.start : hit.end]:
        return False
    if hit.guarded and hit.concept == "crispr_knock_in":
        return (
            re.search(r"knock(?:ed)?[\s-]?in\b|insert|integrat|locus", before[-60:] + after[:60]) is not None
        )
    if hit.guarded and hit.concept in ("adenoviral", "AAV"):
        return re.search(r"vector|transduc|deliver", before[-20:] + after[:25]) is not None
    if hit.guarded:
        return view.cue("vector.making").search(before[-50:] + after[:50]) is not None
    return True


def generation(view: State, hit: Hit) -> bool:
    """Whether a hit states the generation of the study's CAR."""
    before, _ = near(view, hit.start, hit.end, 40, 0)
    return (
        of_study(view, hit.start)
        and not view.cue("context.conventional_left").search(before)
        and not elsewhere(view, hit.start, hit.end)
    )


JUDGES: dict[str, Callable[[State, Hit], bool]] = {
    "costim": costim,
    "vector": vector,
    "cell_source": sources.cell_source,
    "cell_type": carriers.cell_type,
    "generation": generation,
}


def joined(view: State, label: str, kept: list[Hit]) -> list[Hit]:
    """Hits that stand beside a kept one: OX40 in "CD28 and OX40", IL-10 in "IL-10/IL-15 CAR-NK"."""
    found: list[Hit] = []
    if not kept:
        return found
    for hit in view.of(label):
        if hit in kept or hit.row is None or hit.row.fields.get("kind") == "signaling":
            continue
        for other in kept:
            low, high = sorted((hit, other), key=lambda h: h.start)
            gap = view.low[low.end : high.start] if low.end <= high.start else "?"
            if re.fullmatch(r"\s?[/,.+&-]\s?|\s?(?:and|or|plus|&|then)\s", gap):
                found.append(hit)
                break
    return found


@Language.factory("cart_attributes")
def make(nlp: Language, name: str) -> Attributes:
    """Create the component."""
    return Attributes()


class Attributes(Component):
    """Writes the attribute values of a Doc."""

    def apply(self, view: State) -> None:
        stated = {
            label: [hit for hit in view.of(label) if judge(view, hit)] for label, judge in JUDGES.items()
        }
        stated["costim"] += joined(view, "costim", stated["costim"])
        stated["cell_source"] = sources.resolve(view, stated["cell_source"])
        told = {hit.start for hit in stated["cell_type"] if hit.concept == "T"}
        stated["cell_type"] = carriers.resolve(view, stated["cell_type"] + carriers.named(view, told))
        if {h.concept for h in stated["vector"]} & {"sleeping_beauty", "piggybac", "transposon"}:
            # The transposase comes as mRNA and the transposon as a plasmid: the system is the vector.
            stated["vector"] = [h for h in stated["vector"] if h.concept not in ("mrna", "plasmid")]
        if any(h.concept == "lnp" for h in stated["vector"]):
            stated["vector"] = [h for h in stated["vector"] if h.concept not in ("mrna", "plasmid")]
        for label, hits in stated.items():
            known = view.values.get(label, [])
            # What is known of a product fills silence; where the text speaks, it alone counts.
            view.values[label] = prefer_own(view, hits) + [h for h in known if h.spells or not hits]
