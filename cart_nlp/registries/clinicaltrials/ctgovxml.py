"""ClinicalTrials.gov's classic XML: whole studies, and the list of a search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cart_nlp.registries.clinicaltrials.ctgov import PAGE, REGISTRY
from cart_nlp.registries.containers.xmlrecords import all_said, element, reflowed, said
from cart_nlp.registries.values import normalize, shapes
from cart_nlp.registries.values.trials import built
from cart_nlp.schema import Trial

if TYPE_CHECKING:
    from lxml.etree import _Element as Element


def _intervention(found: Element) -> dict[str, Any]:
    return {
        "name": said(found, "intervention_name"),
        "description": reflowed(said(found, "description")),
        "other_names": all_said(found, "other_name"),
    }


def parse(raw: bytes) -> Trial:
    """Build the trial of a <clinical_study>."""
    study = element(raw)
    if study.find("brief_title") is None and study.find("title") is not None:
        return _found(study)
    number = shapes.checked_id(said(study, "id_info/nct_id"), "an NCT number (nct_id)")
    partners = study.findall("sponsors/collaborator")
    places = all_said(study, "location_countries/country") or all_said(
        study, "location/facility/address/country"
    )
    return built(
        number,
        REGISTRY,
        PAGE + number,
        shapes.sections(
            brief_title=said(study, "brief_title"),
            official_title=said(study, "official_title"),
            acronym=said(study, "acronym"),
            brief_summary=reflowed(said(study, "brief_summary")),
            detailed_description=reflowed(said(study, "detailed_description")),
            conditions=all_said(study, "condition"),
            keywords=all_said(study, "keyword"),
            interventions=[_intervention(found) for found in study.iterfind("intervention")],
            arms=[
                {"label": said(arm, "arm_group_label"), "description": reflowed(said(arm, "description"))}
                for arm in study.iterfind("arm_group")
            ],
            eligibility=reflowed(said(study, "eligibility/criteria")),
            primary_outcomes=all_said(study, "primary_outcome/measure"),
            secondary_outcomes=all_said(study, "secondary_outcome/measure"),
            why_stopped=said(study, "why_stopped"),
        ),
        secondary_ids=[
            said(study, "id_info/org_study_id"),
            *all_said(study, "id_info/secondary_id"),
            *all_said(study, "id_info/nct_alias"),
        ],
        phase=said(study, "phase"),
        status=said(study, "overall_status"),
        study_type=said(study, "study_type"),
        enrollment=said(study, "enrollment"),
        start_date=said(study, "start_date"),
        completion_date=said(study, "completion_date"),
        first_posted=said(study, "study_first_posted") or said(study, "study_first_submitted"),
        sponsor=said(study, "sponsors/lead_sponsor/agency"),
        sponsor_class=said(study, "sponsors/lead_sponsor/agency_class"),
        collaborators=(said(each, "agency") for each in partners),
        collaborator_classes=(said(each, "agency_class") for each in partners),
        countries=places,
        references=(
            (pmid, kind)
            for place, kind in (("reference", "BACKGROUND"), ("results_reference", "RESULT"))
            for pmid in all_said(study, f"{place}/PMID")
        ),
        has_results=study.find("clinical_results") is not None,
        why_stopped=said(study, "why_stopped"),
        raw={"sponsor_affiliation": said(study, "responsible_party/investigator_affiliation")},
    )


def parse_found(raw: bytes) -> Trial:
    """Build the trial of a <study> of <search_results>."""
    return _found(element(raw))


def _found(study: Element) -> Trial:
    number = shapes.checked_id(said(study, "nct_id"), "an NCT number (nct_id)")
    summary = [part.strip() for part in said(study, "condition_summary").split(";")]
    lead, partners = said(study, "sponsors/lead_sponsor"), all_said(study, "sponsors/collaborator")
    funded = all_said(study, "funded_bys/funded_by")
    first, *rest = normalize.classes_of([lead, *partners], funded) or [""]
    return built(
        number,
        REGISTRY,
        PAGE + number,
        shapes.sections(
            brief_title=said(study, "title"),
            acronym=said(study, "acronym"),
            conditions=all_said(study, "conditions/condition") or summary,
            interventions=all_said(study, "interventions/intervention"),
            primary_outcomes=all_said(study, "outcome_measures/outcome_measure"),
        ),
        secondary_ids=all_said(study, "other_ids/other_id"),
        phase="|".join(all_said(study, "phases/phase")) or said(study, "phase"),
        status=said(study, "status"),
        study_type=said(study, "study_types") or said(study, "study_type"),
        enrollment=said(study, "enrollment"),
        start_date=said(study, "start_date"),
        completion_date=said(study, "completion_date"),
        first_posted=said(study, "first_posted"),
        sponsor=lead,
        sponsor_class=first,
        collaborators=partners,
        collaborator_classes=rest,
        countries=map(normalize.country_of_place, all_said(study, "locations/location")),
        has_results=said(study, "study_results").casefold() in ("has results", "yes"),
        raw={"sponsor_class": "|".join(funded)},
    )
