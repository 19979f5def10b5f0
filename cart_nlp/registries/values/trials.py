"""Where what a reader found becomes a trial: normalized, and what the registry wrote kept beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from cart_nlp.registries.values import normalize, shapes
from cart_nlp.registries.values.identifiers import url_of
from cart_nlp.schema import Trial


def built(
    number: str,
    registry: str,
    url: str,
    sections: Mapping[str, str],
    *,
    secondary_ids: Iterable[str] = (),
    phase: str = "",
    status: str = "",
    study_type: str = "",
    enrollment: str = "",
    start_date: str = "",
    completion_date: str = "",
    first_posted: str = "",
    sponsor: str = "",
    sponsor_class: str = "",
    collaborators: Iterable[str] = (),
    collaborator_classes: Iterable[str] = (),
    countries: Iterable[str] = (),
    pmids: Iterable[str] = (),
    references: Iterable[tuple[str, str]] = (),
    has_results: bool = False,
    why_stopped: str = "",
    raw: Mapping[str, Any] | None = None,
) -> Trial:
    """A trial of values as a registry writes them; an empty text is one that it has not.

    `raw` has further values to keep, or others than those given here, empty for none; one that has them all
    is kept in its order. Of the other dates and of countries `raw` has the words that were changed. To
    `pmids` those of the references (PubMed id, type) are added. A collaborator's class stays with its name.
    """
    pairs, further = list(references), raw or {}
    places = shapes.unique(countries)
    partners, partner_classes = shapes.partners(
        collaborators, (normalize.sponsor_class(each) or "" for each in collaborator_classes)
    )
    dates = {"completion_date": completion_date, "first_posted": first_posted}
    normalized = {name: normalize.date(said) for name, said in dates.items()}
    changed: dict[str, Any] = {name: said for name, said in dates.items() if said != normalized[name]}
    if not set(places) <= set(known := normalize.countries(places)):
        changed["countries"] = places
    told = {
        "phase": phase,
        "status": status,
        "study_type": study_type,
        "enrollment": enrollment,
        "start_date": start_date,
        "sponsor_class": sponsor_class,
    }
    return Trial(
        id=number,
        registry=registry,
        url=url or url_of(number),
        sections=dict(sections),
        secondary_ids=tuple(sorted(shapes.unique(secondary_ids))),
        phase=normalize.phase(phase),
        status=normalize.status(status),
        study_type=normalize.study_type(study_type),
        enrollment=normalize.enrollment(enrollment),
        start_date=normalize.date(start_date),
        **normalized,
        sponsor=sponsor or None,
        sponsor_class=normalize.sponsor_class(sponsor_class),
        collaborators=partners,
        collaborator_classes=partner_classes,
        countries=known,
        pmids=tuple(sorted(shapes.unique(chain(pmids, (pmid for pmid, _ in pairs))))),
        references=shapes.references(pairs),
        has_results=has_results,
        why_stopped=why_stopped or None,
        raw=shapes.raw({**({} if further.keys() >= told.keys() else told), **further, **changed}),
    )
