"""NCI's Clinical Trials Search API, versions 1 and 2: one trial, or a list of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cart_nlp.registries.values import shapes
from cart_nlp.registries.values.shapes import dig, fields, items, line, lines
from cart_nlp.registries.values.trials import built
from cart_nlp.schema import Trial

REGISTRY = "NCI CTRP"
_SOURCES = {
    "industrial": "INDUSTRY",
    "national": "NIH",
    "institutional": "OTHER",
    "externally peer-reviewed": "OTHER",
}
_OPEN = {"active": "Recruiting"}
"""NCI calls a trial active while it is open to accrual."""
_NUMBERS = ("nci_id", "protocol_id", "ctep_id", "ccr_id", "dcp_id")


def recognizes(data: Mapping[str, Any]) -> bool:
    """Whether a JSON record is a trial of this API."""
    return "nci_id" in data


def identify(data: Mapping[str, Any]) -> str:
    """NCT number of a trial, or its NCI number; raises Rejected if it has neither."""
    return shapes.checked_id(data.get("nct_id") or data.get("nci_id"), "an nct_id or nci_id")


def _own(each: Mapping[str, Any]) -> bool:
    """Whether the trial names a term itself; the API adds all its ancestors in the thesaurus."""
    return each.get("inclusion_indicator") in (None, "TRIAL")


def _interventions(arms: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for arm in arms:
        for each in filter(_own, map(fields, items(arm.get("interventions")))):
            name = line(each.get("name") or each.get("intervention_name"))
            described = each.get("description") or each.get("intervention_description")
            if name:
                found.setdefault(
                    name, {"name": name, "description": described, "other_names": lines(each.get("synonyms"))}
                )
    return list(found.values())


def _criteria(data: Mapping[str, Any]) -> str:
    told: dict[bool, list[str]] = {True: [], False: []}
    for each in map(fields, items(dig(data, "eligibility", "unstructured"))):
        if said := line(each.get("description")):
            told[each.get("inclusion_indicator") is not False].append(said)
    return "\n\n".join(
        f"{label} criteria:\n" + "\n".join(told[kind])
        for label, kind in (("Inclusion", True), ("Exclusion", False))
        if told[kind]
    )


def _outcomes(data: Mapping[str, Any], kind: str) -> list[str]:
    return [
        line(each.get("name"))
        for each in map(fields, items(data.get("outcome_measures")))
        if line(each.get("type_code")).upper() == kind
    ]


def parse(data: Mapping[str, Any]) -> Trial:
    """Build the trial of a record."""
    number = identify(data)
    arms = list(map(fields, items(data.get("arms"))))
    diseases = [each for each in map(fields, items(data.get("diseases"))) if _own(each)]
    state, source = line(data.get("current_trial_status")), line(data.get("study_source"))
    others = [line(each) or line(fields(each).get("value")) for each in items(data.get("other_ids"))]
    return built(
        number,
        REGISTRY,
        "",
        shapes.sections(
            brief_title=data.get("brief_title"),
            official_title=data.get("official_title"),
            acronym=data.get("acronym"),
            brief_summary=data.get("brief_summary"),
            detailed_description=data.get("detail_description"),
            conditions=[line(each.get("name") or each.get("preferred_name")) for each in diseases],
            keywords=lines(data.get("keywords")),
            interventions=_interventions(arms),
            arms=[
                {
                    "label": arm.get("name") or arm.get("arm_name"),
                    "description": arm.get("description") or arm.get("arm_description"),
                }
                for arm in arms
            ],
            eligibility=_criteria(data),
            primary_outcomes=_outcomes(data, "PRIMARY"),
            secondary_outcomes=_outcomes(data, "SECONDARY"),
            why_stopped=data.get("why_study_stopped"),
        ),
        secondary_ids=(said for said in [line(data.get(key)) for key in _NUMBERS] + others if said != number),
        phase=line(data.get("phase")) or line(dig(data, "phase", "phase")),
        status=_OPEN.get(state.lower(), state),
        study_type=line(data.get("study_protocol_type")),
        enrollment=line(data.get("minimum_target_accrual_number")),
        start_date=line(data.get("start_date")),
        completion_date=line(data.get("completion_date")),
        sponsor=line(data.get("lead_org")),
        sponsor_class=_SOURCES.get(source.lower(), ""),
        collaborators=shapes.unique(
            line(each) or line(fields(each).get("name")) for each in items(data.get("collaborators"))
        ),
        countries=(line(fields(each).get("org_country")) for each in items(data.get("sites"))),
        has_results=bool(line(data.get("results_posted"))),
        why_stopped=line(data.get("why_study_stopped")),
        raw={"status": state, "sponsor_class": source},
    )
