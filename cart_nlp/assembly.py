"""Doc → Record: every value with the words, product row or registry field that it came from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from cart_nlp.followup import planned
from cart_nlp.registries.values.normalize import funding
from cart_nlp.schema import INCLUDED, TAGGED_FIELDS, UNREAD, Record, Trial
from cart_nlp.signals.reading import page_of
from cart_nlp.text import construct_text

if TYPE_CHECKING:
    from spacy.tokens import Doc

MAX_EVIDENCE = 5
"""Evidence listed for one value: the surest, one a section; the other places are counted in `more`."""

COPIED = (
    "registry", "url", "phase", "status", "study_type", "enrollment", "start_date", "completion_date",
    "first_posted", "sponsor", "sponsor_class", "collaborators", "countries", "pmids", "references",
    "has_results", "why_stopped", "secondary_ids", "raw",
)  # fmt: skip
STUDY_TYPE = "study_type"
"""The only field of a registry that decides on a value, the focus; evidence of basis `registry` names it."""
_copied = attrgetter(*COPIED)
Value = Sequence[Any]
"""A value as the components leave it: concept, start, end, rule, basis, probability."""


class Place:
    """Finds the section of a character, and turns offsets of the Doc into the section's own."""

    def __init__(self, text: str, sections: Sequence[Sequence[Any]], study_type: str = "") -> None:
        self.text = text
        self.study_type = study_type
        self.sections = sections
        self._starts = [section[1] for section in self.sections]

    def section(self, offset: int) -> Sequence[Any]:
        """Key, start and end of the section that holds a character."""
        return self.sections[bisect_right(self._starts, offset) - 1]

    def evidence(self, field: str, value: Value) -> dict[str, Any]:
        """The fields of a value's Evidence; offsets count from the start of its section."""
        concept, start, end, rule, basis, probability = value
        said = {"field": field, "value": concept, "basis": basis, "rule": rule,
                "score": round(float(probability), 3)}  # fmt: skip
        if basis == "registry":
            said["section"], said["text"] = STUDY_TYPE, self.study_type
        else:
            key, first, _ = self.section(start)
            said["section"], said["text"] = key, self.text[start:end]
            said["start"], said["end"] = start - first, end - first
        return said


def place_of(doc: Doc) -> Place:
    """The sections of a Doc."""
    page = page_of(doc)
    sections = [(section.key, section.start, section.end) for section in page.sections]
    return Place(page.raw, sections, (doc._.cart_trial or {}).get(STUDY_TYPE, ""))


def kept(
    place: Place, values: Iterable[Value], every_name: bool = False
) -> tuple[list[Value], dict[str, int]]:
    """At most MAX_EVIDENCE entries a value, text before product, at most one a section and basis.

    With `every_name`, one of each of the names that the text prints comes first, wherever it stands: those
    of a product are what a reader looks it up by. And for each value the number of places that are left out.
    """
    by_concept: dict[str, list[Value]] = {}
    for value in values:
        by_concept.setdefault(value[0], []).append(value)
    chosen: list[Value] = []
    left: dict[str, int] = {}
    for concept, told in by_concept.items():
        ordered = sorted(told, key=lambda v: (v[4] != "text", -v[5]))
        best: dict[tuple[str, str], Value] = {}
        for value in ordered if every_name else ():
            best.setdefault(("", place.text[value[1] : value[2]].casefold()), value)
        for value in ordered:
            best.setdefault((place.section(value[1])[0], value[4]), value)
        listed = list({(v[1], v[2], v[4]): v for v in best.values()}.values())[:MAX_EVIDENCE]
        chosen += listed
        if len(told) > len(listed):
            left[concept] = len({(v[1], v[2]) for v in told} - {(v[1], v[2]) for v in listed})
    return chosen, left


def filled(state: Mapping[str, Any]) -> dict[str, Sequence[Value]]:
    """Each field's values: what the text states, and what is known of the product where the text is silent.

    Known targets count beside stated ones: the words may leave one of a product's antigens out.
    """
    values, known = state.get("values", {}), state.get("known", {})
    found = {field: values.get(field) or known.get(field, ()) for field in TAGGED_FIELDS}
    found["targets"] = [*values.get("targets", ()), *known.get("targets", ())]
    return found


def constructs(
    place: Place, entries: Iterable[Mapping[str, Any]], targets: Sequence[Value]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The constructs of a record, and the evidence of their formats.

    That of a single target is the word that names it, that of a known product the product's name, each
    as the evidence of `targets` has it.
    """
    found, evidence = [], []
    for entry in sorted(entries, key=lambda e: (e["targets"], e["format"])):
        names = ("targets", "format", "basis", "products", "costim")
        found.append({name: entry[name] for name in names})
        label = construct_text(entry["targets"], entry["format"])
        basis, rule = entry["basis"], entry["rule"]
        same = [value for value in targets if value[0] in entry["targets"] and value[4] == basis]
        if entry["words"]:
            start, end = entry["words"]
        elif same:
            _, start, end, row, *_ = same[0]
            rule = rule or row
        else:
            evidence.append({"field": "constructs", "value": label, "basis": basis, "rule": rule})
            continue
        evidence.append(place.evidence("constructs", (label, start, end, rule, basis, 1.0)))
    return found, evidence


def listed(
    place: Place, state: Mapping[str, Any], found: Mapping[str, Sequence[Value]]
) -> list[dict[str, Any]]:
    """The evidence of the level and of every value; the first entry of each counts what is not listed."""
    named = state.get("values", {}).get("car_trial", ())
    told = {"car_trial": (named, {value[0]: state.get("car_left", 0) for value in named[:1]})}
    told |= {field: kept(place, values, field == "products") for field, values in found.items() if values}
    entries = []
    for field, (chosen, left) in told.items():
        of_field = [place.evidence(field, value) for value in chosen]
        of_field.sort(key=lambda e: (e["value"], e.get("start", 0), e["section"], e["basis"]))
        for entry in of_field:
            entry["more"] = left.pop(entry["value"], 0)
        entries += of_field
    return entries


def record(doc: Doc, trial: Trial | None = None) -> Record:
    """The record of a tagged Doc. Fields of a trial that is not about CAR cells stay empty."""
    state: Mapping[str, Any] = doc._.cart or {}
    known: Mapping[str, Any] = doc._.cart_trial or {}
    place = place_of(doc)
    if trial is None:
        sections = {key: place.text[start:end] for key, start, end in place.sections}
        trial = Trial(id=known.get("id", "text"), sections=sections)
    level = state.get("car_trial", "no")
    included = level in INCLUDED
    found = filled(state if included else {})
    values: dict[str, Any] = {field: sorted({value[0] for value in found[field]}) for field in found}
    values["generation"] = sorted(int(g) for g in values["generation"])
    values["focus"] = values["focus"][0] if values["focus"] else None
    follow_up = planned(trial.sections) if included else None
    entries = listed(place, state, found)
    if follow_up:
        entries.append(follow_up.evidence())
    built, stated = constructs(place, state.get("constructs", ()) if included else (), found["targets"])
    return Record.model_validate(
        {
            "trial_id": trial.id,
            "title": trial.title(),
            "car_trial": level,
            "car_score": round(float(state.get("car_score", 0.0)), 3),
            "target_ids": target_ids(state.get("ids", {}), values["targets"]),
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
            "raw": {**trial.raw, UNREAD: known[UNREAD]} if UNREAD in known else trial.raw,
            **values,
        }
    )


def target_ids(ids: Mapping[str, Sequence[str]], targets: Iterable[str]) -> list[str]:
    """The HGNC ids of the targets that are gene products, by number."""
    found = {i for name in targets for i in ids.get(name, ())}
    return [i for _, i in sorted((int(i.split(":")[1]), i) for i in found)]


__all__ = ["COPIED", "MAX_EVIDENCE", "Place", "place_of", "record"]
