"""ClinicalTrials.gov studies as the v2 API and the site's JSON download give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cart_nlp.registries.values import normalize, shapes
from cart_nlp.registries.values.shapes import dig, fields, items, line, lines
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
    start = line(dig(state, "startDateStruct", "date"))
    lead_class = line(dig(sponsors, "leadSponsor", "class"))
    found = identify(data)
    return Trial(
        id=found,
        registry=REGISTRY,
        url=PAGE + found,
        sections=shapes.sections(
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
        secondary_ids=shapes.unique(
            [line(dig(naming, "orgStudyIdInfo", "id"))]
            + [line(fields(each).get("id")) for each in items(naming.get("secondaryIdInfos"))]
            + lines(naming.get("nctIdAliases"))
        ),
        phase=normalize.phase("|".join(lines(design.get("phases")))),
        status=normalize.status(line(state.get("overallStatus"))),
        study_type=normalize.study_type(line(design.get("studyType"))),
        enrollment=normalize.enrollment(line(dig(design, "enrollmentInfo", "count"))),
        start_date=normalize.date(start),
        completion_date=normalize.date(line(dig(state, "completionDateStruct", "date"))),
        first_posted=normalize.date(
            line(dig(state, "studyFirstPostDateStruct", "date")) or line(state.get("studyFirstSubmitDate"))
        ),
        sponsor=line(dig(sponsors, "leadSponsor", "name")) or None,
        sponsor_class=normalize.sponsor_class(lead_class),
        collaborators=tuple(line(each.get("name")) for each in partners),
        collaborator_classes=tuple(
            normalize.sponsor_class(line(each.get("class"))) or "" for each in partners
        ),
        countries=normalize.countries(
            line(fields(each).get("country"))
            for each in items(dig(protocol, "contactsLocationsModule", "locations"))
        ),
        pmids=shapes.unique(
            line(fields(each).get("pmid")) for each in items(dig(protocol, "referencesModule", "references"))
        ),
        references=shapes.references(
            (line(fields(each).get("pmid")), line(fields(each).get("type")))
            for each in items(dig(protocol, "referencesModule", "references"))
        ),
        has_results=data.get("hasResults") is True or bool(fields(data.get("resultsSection"))),
        why_stopped=line(state.get("whyStopped")) or None,
        raw=shapes.raw(
            {
                "phase": design.get("phases"),
                "status": state.get("overallStatus"),
                "study_type": design.get("studyType"),
                "enrollment": dig(design, "enrollmentInfo", "count"),
                "start_date": start,
                "sponsor_class": lead_class,
                "sponsor_affiliation": dig(sponsors, "responsibleParty", "investigatorAffiliation"),
            }
        ),
    )
