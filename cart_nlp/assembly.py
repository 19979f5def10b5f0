"""Doc → Record: every value with the words, product row or registry field that it came from."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

from cart_nlp.components.state import Hit, State, state
from cart_nlp.registries.normalize import funding
from cart_nlp.schema import TAGGED_FIELDS, Record, Trial

if TYPE_CHECKING:
    from spacy.tokens import Doc

MAX_EVIDENCE = 5
"""Text evidence kept for one value: the first, one a section, reading order."""

COPIED = (
    "registry", "url", "phase", "status", "study_type", "enrollment", "start_date", "completion_date",
    "first_posted", "sponsor", "sponsor_class", "collaborators", "countries", "pmids", "references",
    "has_results", "why_stopped", "secondary_ids", "raw",
)  # fmt: skip
_copied = attrgetter(*COPIED)


def evidence(view: State, field: str, hit: Hit) -> dict[str, Any]:
    """The fields of a hit's Evidence; offsets count from the start of its section."""
    section = view.section(hit.start)
    return {
        "field": field,
        "value": hit.concept,
        "basis": "text" if hit.spells else "product",
        "section": section.key,
        "start": hit.start - section.start,
        "end": hit.end - section.start,
        "text": view.original[hit.start : hit.end],
        "rule": hit.rule,
        "score": 1.0 if hit.score >= 1.0 else round(hit.score, 3),
    }


def _limit(view: State, hits: list[Hit]) -> list[Hit]:
    """At most MAX_EVIDENCE hits a value, text before product and the surest first, at most one a section."""
    if len(hits) < 2:
        return hits
    kept: dict[str, dict[tuple[int, bool], Hit]] = {}
    score, spells = hits[0].score, hits[0].spells
    for hit in hits:
        if hit.score != score or hit.spells != spells:
            hits = sorted(hits, key=lambda h: (not h.spells, -h.score))
            break
    for hit in hits:
        same = kept.get(hit.concept)
        if same is None:
            same = kept[hit.concept] = {}
        if len(same) < MAX_EVIDENCE:
            same.setdefault((view.place(hit.start), hit.spells), hit)
    return [hit for same in kept.values() for hit in same.values()]


_ORDER = {field: i for i, field in enumerate(("car_trial", *TAGGED_FIELDS))}


def record(source: Doc | State) -> Record:
    """The record of a tagged Doc or State. Fields of a trial that is not about CAR cells stay empty."""
    view = source if isinstance(source, State) else state(source)
    trial = view.trial or Trial(
        id="text", sections={s.key: view.original[s.start : s.end] for s in view.sections}
    )
    values: dict[str, Any] = {}
    entries: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def add(field: str, hits: Iterable[Hit]) -> None:
        order = _ORDER[field]
        for hit in hits:
            entries.append(((order, hit.concept, hit.start, hit.spells), evidence(view, field, hit)))

    level = view.notes.get("car_trial", "no")
    included = level in ("product", "related")
    for field in TAGGED_FIELDS:
        hits = view.values.get(field) if included else None
        values[field] = sorted({h.concept for h in hits}) if hits else ()
        if hits:
            add(field, _limit(view, hits))
    values["generation"] = sorted(int(g) for g in values["generation"])
    values["focus"] = values["focus"][0] if values["focus"] else None
    add("car_trial", view.values.get("car_trial", [])[:3])
    entries.sort(key=itemgetter(0))
    constructs = [
        {"targets": sorted(t), "format": f, "products": p, "costim": c}
        for t, f, p, c in (view.notes.get("constructs", ()) if included else ())
    ]
    # Plain values, checked and built in one call: an object each would cost more than finding it.
    return Record.model_validate(
        {
            "trial_id": trial.id,
            "title": trial.title(),
            "car_trial": level,
            "car_score": round(float(view.notes.get("car_score", 0.0)), 3),
            "target_ids": view.notes.get("target_ids", ()) if values["targets"] else (),
            "indication_ids": view.notes.get("indication_ids", ()) if values["indications"] else (),
            "multi_target": len(values["targets"]) > 1,
            "constructs": sorted(constructs, key=lambda c: (c["targets"], c["format"])),
            "funding": funding(
                trial.sponsor_class, trial.collaborator_classes, trial.sponsor, trial.collaborators
            ),
            "evidence": [entry for _, entry in entries],
            **dict(zip(COPIED, _copied(trial), strict=True)),
            **values,
        }
    )
