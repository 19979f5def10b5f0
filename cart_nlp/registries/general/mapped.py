"""Records of unknown make: columns or keys named by the user, or guessed from their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from cart_nlp.registries.containers.feeds import shown
from cart_nlp.registries.entry import InputError, Rejected
from cart_nlp.registries.general import native
from cart_nlp.registries.general.jsonshape import Shape
from cart_nlp.registries.values import shapes
from cart_nlp.schema import Trial

GUESSES: dict[str, tuple[str, ...]] = {
    "id": ("id", "trial_id", "nct_id", "nct_number", "nctid", "nct", "trialid", "registration_number",
           "registry_id", "study_id", "trial_number", "eudract_number", "main_id", "registration_id"),
    "registry": ("registry", "source_register", "register", "source_registry"),
    "url": ("url", "study_url", "web_address", "link", "weblink"),
    "brief_title": ("brief_title", "title", "public_title", "study_title", "trial_title", "name"),
    "official_title": ("official_title", "scientific_title", "full_title"),
    "acronym": ("acronym", "study_acronym"),
    "brief_title_zh": ("brief_title_zh", "title_zh", "public_title_zh"),
    "official_title_zh": ("official_title_zh", "scientific_title_zh"),
    "brief_summary": ("brief_summary", "summary", "abstract", "description", "study_summary"),
    "detailed_description": ("detailed_description", "full_description", "details"),
    "conditions": ("conditions", "condition", "disease", "diseases", "indication", "indications",
                   "health_condition", "target_disease"),
    "keywords": ("keywords", "keyword"),
    "interventions": ("interventions", "intervention", "treatment", "treatments", "drug", "product"),
    "arms": ("arms", "arm_groups"),
    "eligibility": ("eligibility", "eligibility_criteria", "criteria", "inclusion_criteria"),
    "primary_outcomes": ("primary_outcomes", "primary_outcome", "primary_outcome_measures"),
    "secondary_outcomes": ("secondary_outcomes", "secondary_outcome", "secondary_outcome_measures"),
    "why_stopped": ("why_stopped",),
    "phase": ("phase", "phases", "trial_phase", "study_phase"),
    "status": ("status", "overall_status", "study_status", "recruitment_status", "recruiting_status"),
    "study_type": ("study_type", "type_of_study"),
    "enrollment": ("enrollment", "target_size", "enrolment", "sample_size", "number_enrolled",
                   "participants"),
    "start_date": ("start_date", "date_enrollment", "date_enrollement", "study_start", "study_start_date"),
    "completion_date": ("completion_date", "end_date", "study_completion_date"),
    "first_posted": ("first_posted", "registration_date", "date_registration", "study_first_posted_date",
                     "date_of_registration"),
    "sponsor": ("sponsor", "lead_sponsor", "primary_sponsor", "sponsor_name"),
    "sponsor_class": ("sponsor_class", "agency_class", "source_class", "sponsor_type", "funder_type"),
    "collaborators": ("collaborators", "collaborator", "secondary_sponsor"),
    "collaborator_classes": ("collaborator_classes",),
    "countries": ("countries", "country", "locations_countries", "location_countries"),
    "secondary_ids": ("secondary_ids", "secondary_id", "other_ids", "other_id"),
    "pmids": ("pmids", "pmid", "pubmed_ids"),
    "has_results": ("has_results", "hasresults", "study_results"),
}  # fmt: skip
"""Field of a trial -> column names that are taken for it, in order of preference."""
OWN_KEYS = ({"trial_id", "car_trial"}, {"trial_id", "number", "basis"})
"""What a record of this project has, or a part of one in a table of its own, and no registry's."""
OWN_PARTS: dict[str, frozenset[str]] = {
    "the constructs": frozenset(("trial_id", "targets", "format", "basis")),
    "the evidence": frozenset(("trial_id", "field", "value", "basis")),
    "the raw values": frozenset(("trial_id", "field", "value")),
    "the trials without a record": frozenset(("trial_id", "stage", "reason")),
}
"""What this project writes beside its records -> the keys that tell it."""
SHORT_NAMES = {
    "title": "brief_title",
    "summary": "brief_summary",
    "description": "detailed_description",
    "condition": "conditions",
    "intervention": "interventions",
    "country": "countries",
}
"""What --map also takes for a field."""


def key(column: str) -> str:
    """A column name without case, spaces and punctuation."""
    return re.sub(r"[\W_]+", "_", column[:200].strip().lower()).strip("_")


def checked(mapping: Mapping[str, str]) -> dict[str, str]:
    """Field -> column of a user's mapping; raises InputError for a field that trials do not have, and for
    what names no column."""
    if not isinstance(mapping, Mapping):
        raise InputError(f"--map {mapping!r}: give fields and their columns, not a {type(mapping).__name__}")
    found = {SHORT_NAMES.get(field, field): column for field, column in mapping.items()}
    for field, column in found.items():
        if field not in GUESSES:
            raise InputError(
                f"--map {field}=…: no such field; there are {', '.join((*SHORT_NAMES, *GUESSES))}"
            )
        if not isinstance(column, str) or not column:
            raise InputError(f"--map {field}={column}: names no column")
    return found


def columns_of(columns: Iterable[str], mapping: Mapping[str, str] | None, name: str) -> dict[str, str]:
    """Field -> column: the user's mapping, then guesses for fields that it does not name.

    Raises InputError if a named column is not there, or if there is nothing to take for the id.
    """
    present = [column for column in columns if column]
    by_key: dict[str, str] = {}
    for column in present:
        by_key.setdefault(key(column), column)
    found: dict[str, str] = {}
    checked(mapping or {})
    for said, column in (mapping or {}).items():
        if column not in present:
            raise InputError(f"{name}: --map {said}={column}: no such column; there are {listed(present)}")
        found[SHORT_NAMES.get(said, said)] = column
    for field, guesses in GUESSES.items():
        if field not in found:
            column = next((by_key[guess] for guess in guesses if guess in by_key), "")
            if column and column not in found.values():
                found[field] = column
    if "id" not in found:
        raise InputError(
            f"{name}: no column for the trial's id; name it with --map id=COLUMN; there are {listed(present)}"
        )
    return found


def listed(columns: Sequence[str]) -> str:
    return ", ".join(shown(column[:40]) for column in columns[:12]) + (" …" if len(columns) > 12 else "")


def record(row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """A row as a record with this project's field names."""
    return {field: row.get(column) for field, column in columns.items()}


def parse(row: Mapping[str, Any], columns: Mapping[str, str]) -> Trial:
    """Build the trial of a row by the columns chosen for its fields."""
    return native.parse(record(row, columns))


def _shape(
    columns: Mapping[str, str], recognizes: Callable[[Mapping[str, Any]], bool] = lambda data: True
) -> Shape:
    def identify(data: Mapping[str, Any]) -> str:
        if not isinstance(data, Mapping):
            raise Rejected(f"a JSON {type(data).__name__}, not an object")
        return shapes.checked_id(data.get(columns["id"]))

    return Shape("mapped", recognizes, identify, lambda data: parse(data, columns))


def own_part(keys: Collection[str | None]) -> str:
    """What of this project stands under some keys beside its records, or the empty string.

    Records may have further columns, a user's own.
    """
    if "car_trial" in keys and "targets" in keys:
        return ""
    return next((part for part, needed in OWN_PARTS.items() if needed <= set(keys)), "")


def is_own(keys: Collection[str]) -> bool:
    """Whether it is this project that writes records or parts of them under such keys."""
    return any(own <= set(keys) for own in OWN_KEYS)


def json_shape(mapping: Mapping[str, str]) -> Shape:
    """The record format that a user's mapping makes; fields that it leaves out keep their own names."""
    named = checked(mapping)
    return _shape({field: field for field in GUESSES if field not in named} | named)


def json_guess(data: Mapping[str, Any]) -> Shape | None:
    """A record format guessed from the keys of a record, or None if there is no id or no text in it."""
    try:
        columns = columns_of([column for column in data if isinstance(column, str)], None, "")
    except InputError:
        return None
    if not columns.keys() & {"brief_title", "official_title", "brief_summary"}:
        return None
    # A guess holds for records with the same keys only: another one may have more of its own to say.
    return _shape(columns, lambda other: other.keys() == data.keys())
