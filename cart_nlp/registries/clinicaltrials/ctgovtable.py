"""CSV exports of ClinicalTrials.gov: the new site's and the classic one's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cart_nlp.registries.clinicaltrials.ctgov import PAGE, REGISTRY
from cart_nlp.registries.values import normalize, shapes
from cart_nlp.registries.values.trials import built
from cart_nlp.schema import Trial

COLUMNS = frozenset((
    "NCT Number", "Study Title", "Title", "Acronym", "Brief Summary", "Conditions", "Interventions",
    "Primary Outcome Measures", "Outcome Measures", "Secondary Outcome Measures", "Other IDs", "Phases",
    "Study Status", "Status", "Study Type", "Enrollment", "Start Date", "Completion Date", "First Posted",
    "Sponsor/Collaborators", "Funded Bys", "Sponsor", "Collaborators", "Funder Type", "Locations",
    "Study Results", "Results First Posted",
))  # fmt: skip
"""Every column that is read of an export."""
_TYPED = re.compile(
    r"(?:drug|device|biological|procedure|radiation|behavioral|genetic|dietary[ _]supplement|"
    r"combination[ _]product|diagnostic[ _]test|other): ",
    re.IGNORECASE,
)


def recognizes(columns: Sequence[str]) -> bool:
    """Whether a header is one of these exports'."""
    return "NCT Number" in columns and ("Study Title" in columns or "Title" in columns)


def identify(row: Mapping[str, str]) -> str:
    """NCT number of a row; raises Rejected if it has none."""
    return shapes.checked_id(row.get("NCT Number"), "an NCT Number")


def _split(said: str) -> list[str]:
    return [part for part in said.split("|") if part.strip()]


def _intervention(said: str) -> str:
    found = _TYPED.match(said)
    return said[found.end() :] if found else said


def _said(row: Mapping[str, str], *columns: str) -> str:
    """The first of some columns that says something; the classic site writes "null" for nothing."""
    for column in columns:
        value = row.get(column, "").strip()
        if value and value != "null":
            return value
    return ""


def _sponsors(row: Mapping[str, str]) -> tuple[str, list[str], str, list[str]]:
    """Lead sponsor, collaborators, class of the lead, classes of the collaborators (or none)."""
    if "Sponsor/Collaborators" in row:
        names = _split(row["Sponsor/Collaborators"]) or [""]
        first, *rest = normalize.classes_of(names, _split(_said(row, "Funded Bys"))) or [""]
        return names[0], names[1:], first, rest
    return _said(row, "Sponsor"), _split(_said(row, "Collaborators")), _said(row, "Funder Type"), []


def parse(row: Mapping[str, str]) -> Trial:
    """Build the trial of a row."""
    lead, partners, lead_class, classes = _sponsors(row)
    results = _said(row, "Study Results").casefold()
    found = identify(row)
    return built(
        found,
        REGISTRY,
        PAGE + found,
        shapes.sections(
            brief_title=_said(row, "Study Title", "Title"),
            acronym=_said(row, "Acronym"),
            brief_summary=row.get("Brief Summary"),
            conditions=_split(_said(row, "Conditions")),
            interventions=[_intervention(said) for said in _split(_said(row, "Interventions"))],
            primary_outcomes=_split(_said(row, "Primary Outcome Measures", "Outcome Measures")),
            secondary_outcomes=_split(_said(row, "Secondary Outcome Measures")),
        ),
        secondary_ids=(part.strip() for part in _split(_said(row, "Other IDs"))),
        phase=_said(row, "Phases"),
        status=_said(row, "Study Status", "Status"),
        study_type=_said(row, "Study Type"),
        enrollment=_said(row, "Enrollment"),
        start_date=_said(row, "Start Date"),
        completion_date=_said(row, "Completion Date"),
        first_posted=_said(row, "First Posted"),
        sponsor=lead,
        sponsor_class=lead_class,
        collaborators=partners,
        collaborator_classes=classes,
        countries=(
            normalize.country_of_place(place) for place in _split(_said(row, "Locations")) if "," in place
        ),
        has_results=results in ("yes", "has results") or bool(_said(row, "Results First Posted")),
        raw={"sponsor_class": _said(row, "Funder Type", "Funded Bys")},
    )
