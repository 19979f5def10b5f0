"""ClinicalTrials.gov studies as the v2 API and the site's JSON download give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cart_nlp.registries.values import shapes
from cart_nlp.registries.values.shapes import dig, fields, items, line, lines
from cart_nlp.registries.values.trials import built
from cart_nlp.schema import Trial

REGISTRY = "ClinicalTrials.gov"
PAGE = "https://clinicaltrials.gov/study/"


def recognizes(data: Mapping[str, Any]) -> bool:
    """Whether a JSON record is a v2 study."""
    return "protocolSection" in data


def identify(data: Mapping[str, Any]) -> str:
    """NCT number of a study; raises Rejected if it has none."""
    return shapes.checked_id(
        dig(data, "protocolSection", "identificationModule", "nctId"), "an NCT number (nctId)"
    )


def parse(data: Mapping[str, Any]) -> Trial:
    """Build the trial of a v2 study."""
    protocol = fields(data.get("protocolSection"))
    naming = fields(protocol.get("identificationModule"))
    state = fields(protocol.get("statusModule"))
    design = fields(protocol.get("designModule"))
    described = fields(protocol.get("descriptionModule"))
    sponsors = fields(protocol.get("sponsorCollaboratorsModule"))
    given = fields(protocol.get("armsInterventionsModule"))
    outcomes = fields(protocol.get("outcomesModule"))
    partners = [each for each in map(fields, items(sponsors.get("collaborators"))) if line(each.get("name"))]
    cited = list(map(fields, items(dig(protocol, "referencesModule", "references"))))
    found = identify(data)
    return built(
        found,
        REGISTRY,
        PAGE + found,
        shapes.sections(
            brief_title=naming.get("briefTitle"),
            official_title=naming.get("officialTitle"),
            acronym=naming.get("acronym"),
            brief_summary=described.get("briefSummary"),
            detailed_description=described.get("detailedDescription"),
            conditions=dig(protocol, "conditionsModule", "conditions"),
            keywords=dig(protocol, "conditionsModule", "keywords"),
            interventions=[
                {
                    "name": each.get("name"),
                    "description": each.get("description"),
                    "other_names": each.get("otherNames"),
                }
                for each in map(fields, items(given.get("interventions")))
            ],
            arms=items(given.get("armGroups")),
            eligibility=dig(protocol, "eligibilityModule", "eligibilityCriteria"),
            primary_outcomes=outcomes.get("primaryOutcomes"),
            secondary_outcomes=outcomes.get("secondaryOutcomes"),
            why_stopped=state.get("whyStopped"),
        ),
        secondary_ids=(
            [line(dig(naming, "orgStudyIdInfo", "id"))]
            + [line(fields(each).get("id")) for each in items(naming.get("secondaryIdInfos"))]
            + lines(naming.get("nctIdAliases"))
        ),
        phase="|".join(lines(design.get("phases"))),
        status=line(state.get("overallStatus")),
        study_type=line(design.get("studyType")),
        enrollment=line(dig(design, "enrollmentInfo", "count")),
        start_date=line(dig(state, "startDateStruct", "date")),
        completion_date=line(dig(state, "completionDateStruct", "date")),
        first_posted=line(dig(state, "studyFirstPostDateStruct", "date"))
        or line(state.get("studyFirstSubmitDate")),
        sponsor=line(dig(sponsors, "leadSponsor", "name")),
        sponsor_class=line(dig(sponsors, "leadSponsor", "class")),
        collaborators=(line(each.get("name")) for each in partners),
        collaborator_classes=(line(each.get("class")) for each in partners),
        countries=(
            line(fields(each).get("country"))
            for each in items(dig(protocol, "contactsLocationsModule", "locations"))
        ),
        references=((line(each.get("pmid")), line(each.get("type"))) for each in cited),
        has_results=data.get("hasResults") is True or bool(fields(data.get("resultsSection"))),
        why_stopped=line(state.get("whyStopped")),
        raw={
            "phase": design.get("phases"),
            "status": state.get("overallStatus"),
            "study_type": design.get("studyType"),
            "enrollment": dig(design, "enrollmentInfo", "count"),
            "sponsor_affiliation": dig(sponsors, "responsibleParty", "investigatorAffiliation"),
        },
    )
