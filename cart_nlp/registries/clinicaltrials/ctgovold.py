"""ClinicalTrials.gov studies as the first API gave them (FullStudies JSON): the same study, other keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cart_nlp.registries.clinicaltrials import ctgov
from cart_nlp.registries.values import shapes
from cart_nlp.registries.values.shapes import dig, fields, items, line
from cart_nlp.schema import Trial


def _study(data: Mapping[str, Any]) -> Mapping[str, Any]:
    return fields(data.get("Study")) or data


def recognizes(data: Mapping[str, Any]) -> bool:
    """Whether a JSON record is a study of the first API."""
    return "ProtocolSection" in _study(data)


def identify(data: Mapping[str, Any]) -> str:
    """NCT number of a study; raises Rejected if it has none."""
    return shapes.checked_id(
        dig(_study(data), "ProtocolSection", "IdentificationModule", "NCTId"), "an NCT number (NCTId)"
    )


def _list(module: Any, name: str) -> list[Any]:
    """{"ConditionList": {"Condition": [...]}} as a plain list."""
    return items(dig(module, f"{name}List", name))


def parse(data: Mapping[str, Any]) -> Trial:
    """Build the trial of a study: its keys are those of v2 with every name spelled out."""
    return ctgov.parse(as_v2(data))


def as_v2(data: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a study that a trial needs, under the keys of the v2 API."""
    study = _study(data)
    protocol = fields(study.get("ProtocolSection"))
    naming = fields(protocol.get("IdentificationModule"))
    state = fields(protocol.get("StatusModule"))
    sponsors = fields(protocol.get("SponsorCollaboratorsModule"))
    design = fields(protocol.get("DesignModule"))
    given = protocol.get("ArmsInterventionsModule")
    outcomes = protocol.get("OutcomesModule")
    lead = fields(sponsors.get("LeadSponsor"))
    return {
        "protocolSection": {
            "identificationModule": {
                "nctId": naming.get("NCTId"),
                "briefTitle": naming.get("BriefTitle"),
                "officialTitle": naming.get("OfficialTitle"),
                "acronym": naming.get("Acronym"),
                "orgStudyIdInfo": {"id": dig(naming, "OrgStudyIdInfo", "OrgStudyId")},
                "secondaryIdInfos": [
                    {"id": fields(each).get("SecondaryId")} for each in _list(naming, "SecondaryIdInfo")
                ],
                "nctIdAliases": _list(naming, "NCTIdAlias"),
            },
            "statusModule": {
                "overallStatus": state.get("OverallStatus") or state.get("ExpandedAccessStatus"),
                "whyStopped": state.get("WhyStopped"),
                "startDateStruct": {"date": dig(state, "StartDateStruct", "StartDate")},
                "completionDateStruct": {"date": dig(state, "CompletionDateStruct", "CompletionDate")},
                "studyFirstPostDateStruct": {
                    "date": dig(state, "StudyFirstPostDateStruct", "StudyFirstPostDate")
                },
                "studyFirstSubmitDate": state.get("StudyFirstSubmitDate"),
            },
            "sponsorCollaboratorsModule": {
                "leadSponsor": {"name": lead.get("LeadSponsorName"), "class": lead.get("LeadSponsorClass")},
                "collaborators": [
                    {"name": each.get("CollaboratorName"), "class": each.get("CollaboratorClass")}
                    for each in map(fields, _list(sponsors, "Collaborator"))
                ],
            },
            "descriptionModule": {
                "briefSummary": dig(protocol, "DescriptionModule", "BriefSummary"),
                "detailedDescription": dig(protocol, "DescriptionModule", "DetailedDescription"),
            },
            "conditionsModule": {
                "conditions": _list(protocol.get("ConditionsModule"), "Condition"),
                "keywords": _list(protocol.get("ConditionsModule"), "Keyword"),
            },
            "designModule": {
                "studyType": design.get("StudyType"),
                "phases": [phase for phase in map(line, _list(design, "Phase")) if phase],
                "enrollmentInfo": {"count": dig(design, "EnrollmentInfo", "EnrollmentCount")},
            },
            "armsInterventionsModule": {
                "armGroups": [
                    {"label": each.get("ArmGroupLabel"), "description": each.get("ArmGroupDescription")}
                    for each in map(fields, _list(given, "ArmGroup"))
                ],
                "interventions": [
                    {
                        "name": each.get("InterventionName"),
                        "description": each.get("InterventionDescription"),
                        "otherNames": _list(each, "InterventionOtherName"),
                    }
                    for each in map(fields, _list(given, "Intervention"))
                ],
            },
            "outcomesModule": {
                "primaryOutcomes": [
                    {"measure": fields(each).get("PrimaryOutcomeMeasure")}
                    for each in _list(outcomes, "PrimaryOutcome")
                ],
                "secondaryOutcomes": [
                    {"measure": fields(each).get("SecondaryOutcomeMeasure")}
                    for each in _list(outcomes, "SecondaryOutcome")
                ],
            },
            "eligibilityModule": {
                "eligibilityCriteria": dig(protocol, "EligibilityModule", "EligibilityCriteria")
            },
            "contactsLocationsModule": {
                "locations": [
                    {"country": fields(each).get("LocationCountry")}
                    for each in _list(protocol.get("ContactsLocationsModule"), "Location")
                ]
            },
            "referencesModule": {
                "references": [
                    {
                        "pmid": fields(each).get("ReferencePMID"),
                        "type": fields(each).get("ReferenceType"),
                    }
                    for each in _list(protocol.get("ReferencesModule"), "Reference")
                ]
            },
        },
        "hasResults": bool(study.get("ResultsSection")),
    }
