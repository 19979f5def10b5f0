"""EU trials as CTIS, the Clinical Trials Information System, gives them in JSON (both layouts so far)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cart_nlp.registries.values import normalize, shapes
from cart_nlp.registries.values.shapes import dig, fields, items, line, lines
from cart_nlp.registries.values.trials import built
from cart_nlp.schema import Trial

REGISTRY = "CTIS"
_STATUS_CODES = {
    "1": "Under evaluation",
    "2": "Authorised, recruitment pending",
    "3": "Authorised, recruiting",
    "4": "Ongoing, recruiting",
    "5": "Ongoing, recruitment ended",
    "6": "Temporarily halted",
    "7": "Suspended",
    "8": "Ended",
    "9": "Expired",
    "10": "Revoked",
    "11": "Not authorised",
    "12": "Cancelled",
}
"""What the register's numeric public status means."""


def recognizes(data: Mapping[str, Any]) -> bool:
    """Whether a JSON record is a CTIS trial."""
    return "ctNumber" in data


def identify(data: Mapping[str, Any]) -> str:
    """EU CT number of a trial; raises Rejected if it has none."""
    return shapes.checked_id(data.get("ctNumber"), "an EU CT number (ctNumber)")


def _part_one(data: Mapping[str, Any]) -> Mapping[str, Any]:
    return (
        fields(dig(data, "authorizedApplication", "authorizedPartI"))
        or fields(data.get("authorizedPartI"))
        or next(
            (part for each in items(data.get("applications")) if (part := fields(dig(each, "partI")))), {}
        )
    )


def _products(part: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for each in map(fields, items(part.get("products"))):
        known = fields(each.get("productDictionaryInfo"))
        names = shapes.unique(
            line(value)
            for value in (
                each.get("productName"),
                known.get("prodName"),
                known.get("activeSubstanceName"),
                each.get("sponsorProductCode"),
                known.get("sponsorSubstanceCode"),
                each.get("otherMedicinalProduct"),
            )
        )
        if names:
            found.setdefault(names[0], {"name": names[0], "description": each.get("productDescription"),
                                        "other_names": list(names[1:])})  # fmt: skip
    return list(found.values())


def _secondary(identifiers: Mapping[str, Any]) -> list[str]:
    """Numbers of other registries, each in a mapping of its own or in a list of them."""
    numbers = []
    for value in fields(identifiers.get("secondaryIdentifyingNumbers")).values():
        for each in items(value):
            numbers += [line(fields(each).get("number")), line(fields(each).get("additionalRegistryNumber"))]
    return [number for number in numbers if number]


def _transitioned(data: Mapping[str, Any]) -> list[str]:
    """The EudraCT number that a trial had before it came to CTIS, in every place where layouts put it."""
    application = fields(data.get("authorizedApplication"))
    return [
        line(fields(holder.get(name)).get("eudraCtCode"))
        for holder in (data, application, _part_one(data))
        for name in ("eudraCt", "eudraCtInfo")
    ]


def _countries(data: Mapping[str, Any], parts_two: list[Any]) -> list[str]:
    named = [
        line(dig(part, "mscInfo", "countryName") or dig(part, "mscInfo", "mscName")) for part in parts_two
    ]
    named += [line(fields(each).get("countryName") or fields(each).get("mscName"))
              for each in items(data.get("memberStatesConcerned"))]  # fmt: skip
    named += [line(fields(each).get("countryName")) for each in
              items(dig(_part_one(data), "rowCountriesInfo")) or []]  # fmt: skip
    if not any(named):
        for said in lines(data.get("trialCountries")):
            named += [part.split(":")[0].strip() for part in said.split(",") if ":" in part]
    return [name for name in named if name]


def _endpoints(about: Mapping[str, Any], kind: str) -> list[Any]:
    return [fields(each).get("endPoint") for each in items(dig(about, "endPoint", kind))]


def _criteria(wanted: Mapping[str, Any]) -> str:
    found = []
    for label, key in (
        ("Inclusion", "principalInclusionCriteria"),
        ("Exclusion", "principalExclusionCriteria"),
    ):
        told = [line(fields(each).get(key)) for each in items(wanted.get(key))]
        if any(told):
            found.append(f"{label} criteria:\n" + "\n".join(filter(None, told)))
    return "\n\n".join(found)


def _sections(data: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, str]:
    details = fields(part.get("trialDetails"))
    naming = fields(details.get("clinicalTrialIdentifiers"))
    about = fields(details.get("trialInformation"))
    goals = fields(about.get("trialObjective"))
    conditions = items(dig(about, "medicalCondition", "partIMedicalConditions")) or items(
        part.get("medicalConditions")
    )
    title = line(naming.get("fullTitle")) or line(data.get("title"))
    public = line(naming.get("publicTitle"))
    further = [
        line(fields(each).get("secondaryObjective")) for each in items(goals.get("secondaryObjectives"))
    ]
    return shapes.sections(
        brief_title=public or title,
        official_title=title if public else "",
        acronym=naming.get("shortTitle"),
        brief_summary=goals.get("mainObjective"),
        detailed_description="\n".join(filter(None, further)),
        conditions=[line(fields(each).get("medicalCondition")) for each in conditions],
        interventions=_products(part),
        eligibility=_criteria(fields(about.get("eligibilityCriteria"))),
        primary_outcomes=_endpoints(about, "primaryEndPoints"),
        secondary_outcomes=_endpoints(about, "secondaryEndPoints"),
    )


class _Sponsors(NamedTuple):
    """The lead sponsor and the others, each with what kind of body it is."""

    lead: str
    lead_class: str
    others: tuple[str, ...]
    classes: tuple[str, ...]


def _sponsors(data: Mapping[str, Any], part: Mapping[str, Any]) -> _Sponsors:
    sponsors = [fields(each) for each in items(part.get("sponsors")) or items(data.get("primarySponsor"))]
    partners = list(map(fields, items(data.get("coSponsors")))) + sponsors
    lead = next((each for each in sponsors if each.get("primary") is True), (sponsors or [{}])[0])
    name = line(dig(lead, "organisation", "name"))
    kinds = {
        line(dig(each, "organisation", "name")): line(dig(each, "organisation", "type")) for each in partners
    }
    others = shapes.unique(other for other in kinds if other and other != name)
    return _Sponsors(
        name,
        line(dig(lead, "organisation", "type")) or line(data.get("sponsorType")).split(", ")[0],
        others,
        tuple(normalize.sponsor_class(kinds[other]) or "" for other in others),
    )


def _start(data: Mapping[str, Any], parts_two: list[Any], span: Mapping[str, Any]) -> str:
    """The first day in any member state, or else the one that was planned."""
    said = [line(data.get("startDateEU"))] + [
        line(dig(each, "mscInfo", "activeTrialPeriod", "trialStartDate")) for each in parts_two
    ]
    first = min(filter(None, said), key=lambda day: normalize.date(day) or "9", default="")
    return first or line(span.get("estimatedRecruitmentStartDate"))


def _posted(data: Mapping[str, Any]) -> str:
    names = ("decisionDateOverall", "authorizationDate", "publishDate", "submissionDate")
    return next((said for name in names if (said := line(data.get(name)))), "")


def parse(data: Mapping[str, Any]) -> Trial:
    """Build the trial of a record."""
    number = identify(data)
    part = _part_one(data)
    parts_two = items(
        dig(data, "authorizedApplication", "authorizedPartsII") or data.get("authorizedPartsII")
    )
    details = fields(part.get("trialDetails"))
    span = fields(fields(details.get("trialInformation")).get("trialDuration"))
    sponsors = _sponsors(data, part)
    state = line(data.get("ctStatus"))
    return built(
        number,
        REGISTRY,
        "",
        _sections(data, part),
        secondary_ids=[*_secondary(fields(details.get("clinicalTrialIdentifiers"))), *_transitioned(data)],
        phase=line(data.get("trialPhase")),
        status=_STATUS_CODES.get(state, state),
        study_type="INTERVENTIONAL",
        enrollment=line(data.get("totalNumberEnrolled")),
        start_date=_start(data, parts_two, span),
        completion_date=line(data.get("endDateEU")) or line(span.get("estimatedEndDate")),
        first_posted=_posted(data),
        sponsor=sponsors.lead,
        sponsor_class=sponsors.lead_class,
        collaborators=sponsors.others,
        collaborator_classes=sponsors.classes,
        countries=_countries(data, parts_two),
        has_results=line(data.get("resultsFirstReceived")) not in ("", "No", "no"),
        raw={"status": state, "study_type": ""},
    )
