"""Which of the diseases that a trial names are those of its participants.

A record names diseases in many roles: what the participants have, what they must not have, what the field has
cured before. The registry's conditions and the title say what the study is about; prose and eligibility count
only where these are silent or broad.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from cart_nlp.ontology import Ontology

TITLES = frozenset(
    ["brief_title", "official_title", "acronym", "brief_title_zh", "official_title_zh", "text"]
)
LISTS = frozenset(["conditions", "keywords"])
"""Sections that are lists of names."""
SUMMARY = frozenset(["brief_summary", "keywords", "study_design"])
NAMES = frozenset(["interventions.name", "interventions.other_names", "arms.label"])
DETAILS = frozenset(["interventions.description", "arms.description", "detailed_description"])
TIERS = (TITLES | {"conditions"}, SUMMARY | NAMES, DETAILS, frozenset({"eligibility"}))
"""Kinds of sections in the order in which they are asked."""
TUMOR_VIRUS = "tumor virus"
"""Organ system of the infections that name a kind of tumor when they stand beside one."""


class Named(NamedTuple):
    """A disease that a section names; `start` and `end` are characters of the whole text."""

    start: int
    end: int
    concept: str
    kind: str
    guarded: bool = False


def _never(one: Named) -> bool:
    return False


def population(
    named: Sequence[Named], ontology: Ontology, aside: Callable[[Named], bool] = _never
) -> list[Named]:
    """What the participants have, most specific concepts alone, in the order of `named`.

    `aside` tells whether the words around a disease say that participants need not have it.

    The first tier of sections that names a disease decides. Where it names none or only a broad one (cancer,
    solid tumor, autoimmune disease), the summary may say more precisely what of that is meant.
    """
    broad: list[Named] = []
    for tier in TIERS:
        here = [one for one in named if one.kind in tier and not aside(one)]
        told = _without_asides([one for one in here if ontology.group(one.concept) != "other"], ontology)
        if broad:
            told = [one for one in told if any(_narrows(one, wide, ontology) for wide in broad)]
        elif here and not told and tier is TIERS[0]:
            return _most_specific(here, ontology)
        if told and not _all_broad(told, ontology):
            return _most_specific([*broad, *told], ontology)
        broad += told
        if tier is not TIERS[0] and groups((one.concept for one in broad), ontology):
            break
    return _most_specific(broad, ontology)


def groups(concepts: Iterable[str], ontology: Ontology) -> tuple[str, ...]:
    """The disease groups of some concepts; a concept that fits several (cancer) adds none."""
    return tuple(sorted({group for concept in concepts if (group := ontology.group(concept))}))


def _without_asides(named: list[Named], ontology: Ontology) -> list[Named]:
    """Infections left out that only say what kind of tumor it is, or that participants must not have."""
    kinds = [ontology.group(one.concept) for one in named]
    if not any(kind and kind != "infectious" for kind in kinds):
        return named
    pairs = zip(named, kinds, strict=True)
    return [one for one, kind in pairs if kind != "infectious" or _is_condition(one, ontology)]


def _is_condition(infection: Named, ontology: Ontology) -> bool:
    if ontology.organ_system(infection.concept) == TUMOR_VIRUS:
        return False
    return infection.kind == "conditions" or not infection.guarded


def _all_broad(named: Iterable[Named], ontology: Ontology) -> bool:
    """Whether none of the concepts belongs to an organ system, so that the summary may narrow them."""
    return not any(ontology.organ_system(one.concept) for one in named)


def _narrows(one: Named, wide: Named, ontology: Ontology) -> bool:
    return ontology.rolls_up_to(one.concept, wide.concept)


def _most_specific(named: Sequence[Named], ontology: Ontology) -> list[Named]:
    kept = set(ontology.most_specific(one.concept for one in named))
    return [one for one in named if one.concept in kept]
