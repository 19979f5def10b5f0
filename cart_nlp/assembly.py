"""Doc → Record: every value with the words, product row or registry field that it came from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cart_nlp.components.state import Hit, State, state
from cart_nlp.schema import TAGGED_FIELDS, Construct, Evidence, Record, Trial

if TYPE_CHECKING:
    from spacy.tokens import Doc

MAX_EVIDENCE = 5
"""Text evidence kept for one value: the first, one a section, reading order."""

COPIED = (
    "registry", "url", "phase", "status", "study_type", "enrollment", "start_date", "completion_date",
    "first_posted", "sponsor", "sponsor_class", "collaborators", "countries", "pmids", "has_results",
    "why_stopped", "secondary_ids", "raw",
)  # fmt: skip


def evidence(view: State, field: str, hit: Hit) -> Evidence:
    """The evidence entry of a hit; offsets count from the start of its section."""
    section = view.section(hit.start)
    return Evidence.model_construct(
        field=field,
        value=hit.concept,
        basis="text" if hit.spells else "product",
        section=section.key,
        start=hit.start - section.start,
        end=hit.end - section.start,
        text=view.original[hit.start : hit.end],
        rule=hit.rule,
        score=round(min(1.0, hit.score), 3),
    )


def _limit(view: State, hits: Iterable[Hit]) -> list[Hit]:
    """At most MAX_EVIDENCE hits a value, text before product and the surest first, at most one a section."""
    kept: dict[str, list[Hit]] = {}
    seen = set()
    for hit in sorted(hits, key=lambda h: (not h.spells, -h.score)):
        key = (hit.concept, hit.spells, view.section(hit.start).start)
        same = kept.setdefault(hit.concept, [])
        if key not in seen and len(same) < MAX_EVIDENCE:
            seen.add(key)
            same.append(hit)
    return [hit for same in kept.values() for hit in same]


def record(doc: Doc) -> Record:
    """The record of a tagged Doc. Fields of a trial that is not about CAR cells stay empty."""
    view = state(doc)
    trial: Trial = doc.user_data.get("trial") or Trial(
        id="text", sections={s.key: view.original[s.start : s.end] for s in view.sections}
    )
    values: dict[str, Any] = {}
    entries: list[Evidence] = []
    level = view.notes.get("car_trial", "no")
    for field in TAGGED_FIELDS:
        hits = view.values.get(field, []) if level in ("product", "related") else []
        found = sorted({h.concept for h in hits})
        values[field] = tuple(found)
        entries += (evidence(view, field, h) for h in _limit(view, hits))
    values["generation"] = tuple(sorted(int(g) for g in values["generation"]))
    values["focus"] = values["focus"][0] if values["focus"] else None
    entries += (evidence(view, "car_trial", h) for h in view.values.get("car_trial", [])[:3])
    order = {key: i for i, key in enumerate(("car_trial", *TAGGED_FIELDS))}
    sections = {s.key: i for i, s in enumerate(view.sections)}
    kept = sorted(
        entries, key=lambda e: (order[e.field], e.value, sections.get(e.section, 0), e.start, e.basis)
    )
    constructs = view.notes.get("constructs", ()) if level in ("product", "related") else ()
    from cart_nlp.registries.normalize import funding

    return Record(
        trial_id=trial.id,
        title=trial.title(),
        car_trial=level,
        car_score=round(float(view.notes.get("car_score", 0.0)), 3),
        target_ids=tuple(view.notes.get("target_ids", ())) if values["targets"] else (),
        multi_target=len(values["targets"]) > 1,
        constructs=tuple(
            sorted(
                (
                    Construct(targets=tuple(sorted(t)), format=f, products=p, costim=c)
                    for t, f, p, c in constructs
                ),
                key=lambda c: (c.targets, c.format),
            )
        ),
        funding=funding(trial.sponsor_class, trial.collaborator_classes, trial.sponsor, trial.collaborators),
        evidence=tuple(kept),
        **{name: getattr(trial, name) for name in COPIED},
        **values,
    )
