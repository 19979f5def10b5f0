"""Doc → Record: every value with the words, product row or registry field that it came from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from cart_nlp.followup import planned
from cart_nlp.registries.normalize import funding
from cart_nlp.schema import INCLUDED, TAGGED_FIELDS, Record, Trial
from cart_nlp.signals.reading import text_of

if TYPE_CHECKING:
    from spacy.tokens import Doc

MAX_EVIDENCE = 5
"""Text evidence kept for one value: the surest, one a section, in reading order; the rest is counted."""

COPIED = (
    "registry", "url", "phase", "status", "study_type", "enrollment", "start_date", "completion_date",
    "first_posted", "sponsor", "sponsor_class", "collaborators", "countries", "pmids", "references",
    "has_results", "why_stopped", "secondary_ids", "raw",
)  # fmt: skip
_copied = attrgetter(*COPIED)
_ORDER = {field: i for i, field in enumerate(("car_trial", *TAGGED_FIELDS, "follow_up_years", "constructs"))}
Value = Sequence[Any]
"""A value as the components leave it: concept, start, end, rule, basis, probability."""


class Place:
    """Finds the section of a character, and turns offsets of the Doc into the section's own."""

    def __init__(self, text: str, sections: Sequence[Sequence[Any]]) -> None:
        self.text = text
        self.sections = sections or [["text", 0, len(text)]]
        self._starts = [section[1] for section in self.sections]

    def section(self, offset: int) -> Sequence[Any]:
        """Key, start and end of the section that holds a character."""
        return self.sections[bisect_right(self._starts, offset) - 1]

    def evidence(self, field: str, value: Value) -> dict[str, Any]:
        """The fields of a value's Evidence; offsets count from the start of its section."""
        concept, start, end, rule, basis, probability = value
        key, first, _ = self.section(start)
        return {
            "field": field, "value": concept, "basis": basis, "section": key, "start": start - first,
            "end": end - first, "text": self.text[start:end], "rule": rule,
            "score": round(float(probability), 3),
        }  # fmt: skip


def place_of(doc: Doc) -> Place:
    """The sections of a Doc."""
    return Place(text_of(doc), doc._.cart_sections or ())


def kept(place: Place, values: Iterable[Value]) -> list[Value]:
    """At most MAX_EVIDENCE entries a value, text before product, at most one a section and basis."""
    found: dict[str, dict[tuple[str, str], Value]] = {}
    for value in sorted(values, key=lambda v: (v[4] != "text", -v[5])):
        same = found.setdefault(value[0], {})
        if len(same) < MAX_EVIDENCE:
            same.setdefault((place.section(value[1])[0], value[4]), value)
    return [value for same in found.values() for value in same.values()]


def filled(state: Mapping[str, Any], field: str) -> list[Value]:
    """A field's values: what the text states, and what is known of the product where the text is silent.

    Known targets count beside stated ones: the words may leave one of a product's antigens out.
    """
    stated = list(state.get("values", {}).get(field, ()))
    known = state.get("known", {}).get(field, ())
    return [*stated, *known] if field == "targets" or not stated else stated


def constructs(
    place: Place, entries: Iterable[Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The constructs of a record, and the evidence of their formats."""
    found, evidence = [], []
    for entry in sorted(entries, key=lambda e: (e["targets"], e["format"])):
        names = ("targets", "format", "basis", "products", "costim")
        found.append({name: entry[name] for name in names})
        label = f"{'+'.join(entry['targets'])} ({entry['format']})"
        if entry["words"]:
            start, end = entry["words"]
            evidence.append(
                place.evidence("constructs", (label, start, end, entry["rule"], entry["basis"], 1.0))
            )
        else:
            evidence.append(
                {"field": "constructs", "value": label, "basis": entry["basis"], "rule": entry["rule"]}
            )
    return found, evidence


def record(doc: Doc, trial: Trial | None = None) -> Record:
    """The record of a tagged Doc. Fields of a trial that is not about CAR cells stay empty."""
    state: Mapping[str, Any] = doc._.cart or {}
    place = place_of(doc)
    if trial is None:
        sections = {key: place.text[start:end] for key, start, end in place.sections}
        trial = Trial(id=(doc._.cart_trial or {}).get("id", "text"), sections=sections)
    level = state.get("car_trial", "no")
    included = level in INCLUDED
    values: dict[str, Any] = {}
    entries: list[dict[str, Any]] = []
    for field in TAGGED_FIELDS:
        found = filled(state, field) if included else []
        values[field] = sorted({value[0] for value in found})
        entries += [place.evidence(field, value) for value in kept(place, found)]
    values["generation"] = sorted(int(g) for g in values["generation"])
    values["focus"] = values["focus"][0] if values["focus"] else None
    entries += [place.evidence("car_trial", value) for value in state.get("values", {}).get("car_trial", ())]
    follow_up = planned(trial.sections) if included else None
    if follow_up:
        entries.append(follow_up.evidence())
    entries.sort(key=lambda e: (_ORDER[e["field"]], e["value"], e["start"], e["section"], e["basis"]))
    built, stated = constructs(place, state.get("constructs", ()) if included else ())
    return Record.model_validate(
        {
            "trial_id": trial.id,
            "title": trial.title(),
            "car_trial": level,
            "car_score": round(float(state.get("car_score", 0.0)), 3),
            "target_ids": target_ids(doc, values["targets"]),
            "indication_ids": state.get("indication_ids", ()) if values["indications"] else (),
            "multi_target": len(values["targets"]) > 1,
            "constructs": built,
            "follow_up_years": follow_up and follow_up.years,
            "confidence": state.get("confidence", {}),
            "funding": funding(
                trial.sponsor_class, trial.collaborator_classes, trial.sponsor, trial.collaborators
            ),
            "evidence": [*entries, *stated],
            **dict(zip(COPIED, _copied(trial), strict=True)),
            **values,
        }
    )


def target_ids(doc: Doc, targets: Iterable[str]) -> list[str]:
    """The HGNC ids of the targets that are gene products, by number."""
    ids: Mapping[str, Sequence[str]] = (doc._.cart or {}).get("ids", {})
    found = {i for name in targets for i in ids.get(name, ())}
    return [i for _, i in sorted((int(i.split(":")[1]), i) for i in found)]


__all__ = ["COPIED", "MAX_EVIDENCE", "Place", "place_of", "record"]
