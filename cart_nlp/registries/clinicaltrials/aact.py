"""AACT, the relational copy of ClinicalTrials.gov: its tables, and a study's rows made a trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cart_nlp.registries.clinicaltrials.ctgov import PAGE, REGISTRY
from cart_nlp.registries.values import shapes
from cart_nlp.registries.values.trials import built
from cart_nlp.schema import Trial

TABLES: dict[str, tuple[str, ...]] = {
    "studies": ("brief_title", "official_title", "acronym", "overall_status", "phase", "enrollment",
                "study_type", "start_month_year", "start_date", "completion_month_year", "completion_date",
                "study_first_posted_date", "study_first_submitted_date", "source", "source_class",
                "why_stopped", "results_first_posted_date", "results_first_submitted_date"),
    "brief_summaries": ("description",),
    "detailed_descriptions": ("description",),
    "conditions": ("name",),
    "keywords": ("name",),
    "interventions": ("id", "name", "description"),
    "intervention_other_names": ("intervention_id", "name"),
    "design_groups": ("title", "description"),
    "eligibilities": ("criteria",),
    "design_outcomes": ("outcome_type", "measure"),
    "sponsors": ("agency_class", "lead_or_collaborator", "name"),
    "countries": ("name", "removed"),
    "id_information": ("id_value",),
    "study_references": ("pmid", "reference_type"),
    "responsible_parties": ("affiliation",),
}  # fmt: skip
"""Table -> columns that a trial needs; any of them may be missing in an old or partial copy."""

Row = Mapping[str, str]


class Study(NamedTuple):
    """One study: its row in `studies`, and its rows in the other tables, in their order of ids."""

    number: str
    own: Row
    rows: Mapping[str, Sequence[Row]]


def text(study: Study) -> str:
    """All text of a study, for the screen."""
    parts = [study.number, *study.own.values()]
    parts += [value for rows in study.rows.values() for row in rows for value in row.values()]
    return "\n".join(filter(None, parts))


def _column(study: Study, table: str, column: str) -> list[str]:
    return [row.get(column, "") for row in study.rows.get(table, ())]


def _first(row: Row, *columns: str) -> str:
    """The first value of some columns that is not empty."""
    return next((value for column in columns if (value := row.get(column))), "")


def _outcomes(study: Study, kind: str) -> list[str]:
    rows = study.rows.get("design_outcomes", ())
    return [row.get("measure", "") for row in rows if row.get("outcome_type", "").casefold() == kind]


def _interventions(study: Study) -> list[dict[str, object]]:
    aliases: dict[str, list[str]] = {}
    for row in study.rows.get("intervention_other_names", ()):
        aliases.setdefault(row.get("intervention_id", ""), []).append(row.get("name", ""))
    return [
        {
            "name": row.get("name"),
            "description": row.get("description"),
            "other_names": aliases.get(row.get("id", "?")),
        }
        for row in study.rows.get("interventions", ())
    ]


def _sections(study: Study) -> dict[str, str]:
    own = study.own
    return shapes.sections(
        brief_title=own.get("brief_title"),
        official_title=own.get("official_title"),
        acronym=own.get("acronym"),
        brief_summary="\n".join(_column(study, "brief_summaries", "description")),
        detailed_description="\n".join(_column(study, "detailed_descriptions", "description")),
        conditions=_column(study, "conditions", "name"),
        keywords=_column(study, "keywords", "name"),
        interventions=_interventions(study),
        arms=[
            {"label": row.get("title"), "description": row.get("description")}
            for row in study.rows.get("design_groups", ())
        ],
        eligibility="\n".join(_column(study, "eligibilities", "criteria")),
        primary_outcomes=_outcomes(study, "primary"),
        secondary_outcomes=_outcomes(study, "secondary"),
        why_stopped=own.get("why_stopped"),
    )


def _sponsors(study: Study) -> tuple[Row, list[Row]]:
    """The row of the lead sponsor, empty if there is none, and those of its collaborators."""
    rows = study.rows.get("sponsors", ())
    lead: Row = next((row for row in rows if row.get("lead_or_collaborator") == "lead"), {})
    return lead, [
        row for row in rows if row.get("lead_or_collaborator") == "collaborator" and row.get("name")
    ]


def parse(study: Study) -> Trial:
    """Build the trial of a study."""
    number, own = study.number, study.own
    lead, partners = _sponsors(study)
    affiliation = next(iter(_column(study, "responsible_parties", "affiliation")), "")
    return built(
        number,
        REGISTRY,
        PAGE + number,
        _sections(study),
        secondary_ids=_column(study, "id_information", "id_value"),
        phase=own.get("phase", ""),
        status=own.get("overall_status", ""),
        study_type=own.get("study_type", ""),
        enrollment=own.get("enrollment", ""),
        start_date=_first(own, "start_month_year", "start_date"),
        completion_date=_first(own, "completion_month_year", "completion_date"),
        first_posted=_first(own, "study_first_posted_date", "study_first_submitted_date"),
        sponsor=lead.get("name") or own.get("source", ""),
        sponsor_class=lead.get("agency_class") or own.get("source_class", ""),
        collaborators=(row.get("name", "") for row in partners),
        collaborator_classes=(row.get("agency_class", "") for row in partners),
        countries=(
            row.get("name", "")
            for row in study.rows.get("countries", ())
            if row.get("removed", "")[:1] != "t"
        ),
        references=(
            (row.get("pmid", ""), row.get("reference_type", ""))
            for row in study.rows.get("study_references", ())
        ),
        has_results=bool(_first(own, "results_first_posted_date", "results_first_submitted_date")),
        why_stopped=own.get("why_stopped", ""),
        raw={"sponsor_affiliation": affiliation},
    )
