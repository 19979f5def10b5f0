"""WHO ICTRP exports (XML and CSV): records of all primary registries, jRCT and ISRCTN among them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cart_nlp.registries.containers.xmlrecords import element, joined, plain, reflowed
from cart_nlp.registries.general.mapped import key
from cart_nlp.registries.values import normalize, shapes
from cart_nlp.registries.values.identifiers import registry_of
from cart_nlp.registries.values.trials import built
from cart_nlp.schema import Trial

COLUMNS = frozenset((
    "trialid", "source_register", "web_address", "public_title", "scientific_title", "acronym", "condition",
    "intervention", "inclusion_criteria", "exclusion_criteria", "primary_outcome", "secondary_outcome",
    "secondary_id", "secondary_ids", "phase", "recruitment_status", "study_type", "target_size",
    "date_enrollement", "date_enrollment", "results_date_completed", "date_registration3",
    "date_registration", "primary_sponsor", "secondary_sponsor", "countries", "results_yes_no",
))  # fmt: skip
"""Every field that is read of an export."""
_TYPED = re.compile(
    r"(?:Drug|Device|Biological|Procedure|Radiation|Behavioral|Genetic|Dietary Supplement|"
    r"Combination Product|Diagnostic Test|Other): "
)
_NOTHING = {"", "-", "n/a", "none", "nil", "not applicable", "no"}
_LONGEST_ITEM = 200


def recognizes(columns: Sequence[str]) -> bool:
    """Whether a header is that of ICTRP's CSV export."""
    keys = {key(column) for column in columns}
    return "trialid" in keys and {"public_title", "scientific_title"} <= keys


def identify(row: Mapping[str, str]) -> str:
    """Trial number of a row; raises Rejected if it has none."""
    return shapes.checked_id(
        next((value for name, value in row.items() if key(name) == "trialid"), ""), "a TrialID"
    )


def parse_xml(raw: bytes) -> Trial:
    """Build the trial of a <Trial>."""
    return _trial({key(str(each.tag)): joined(each).strip() for each in element(raw)})


def parse_row(row: Mapping[str, str]) -> Trial:
    """Build the trial of a row of the CSV export."""
    return _trial({key(name): value.strip() for name, value in row.items()})


def _items(said: str) -> list[str]:
    """Items joined by semicolons, apart; a text that only holds semicolons stays whole."""
    said = plain(said)
    parts = [part.strip() for part in said.split(";")]
    if any(len(part) > _LONGEST_ITEM for part in parts):
        return [said]
    return list(shapes.unique(parts))


def _interventions(said: str) -> list[str]:
    if _TYPED.match(said):
        return list(shapes.unique(_TYPED.sub("", part, count=1).strip() for part in plain(said).split(";")))
    return _items(said)


def _named(said: str) -> list[str]:
    return [part for part in _items(said) if part.casefold() not in _NOTHING]


def _trial(found: Mapping[str, str]) -> Trial:
    number = shapes.checked_id(found.get("trialid"), "a TrialID")

    def said(*names: str) -> str:
        return next((found[name] for name in names if found.get(name)), "")

    criteria = [
        reflowed(plain(said(name)))
        for name in ("inclusion_criteria", "exclusion_criteria")
        if plain(said(name))
    ]
    titles = [" ".join(plain(said(name)).split()) for name in ("public_title", "scientific_title")]
    acronym = said("acronym")
    days = [day for name in ("date_registration3", "date_registration") if (day := said(name))]
    return built(
        number,
        said("source_register") or registry_of(number),
        said("web_address"),
        shapes.sections(
            brief_title=titles[0] or titles[1],
            official_title=titles[1] if titles[0] else "",
            acronym="" if acronym.casefold() in _NOTHING else acronym,
            conditions=_items(said("condition")),
            interventions=_interventions(said("intervention")),
            eligibility="\n\n".join(criteria),
            primary_outcomes=_items(said("primary_outcome")),
            secondary_outcomes=_items(said("secondary_outcome")),
        ),
        secondary_ids=_named(said("secondary_id", "secondary_ids")),
        phase=plain(said("phase")),
        status=said("recruitment_status"),
        study_type=said("study_type"),
        enrollment=said("target_size"),
        start_date=said("date_enrollement", "date_enrollment"),
        completion_date=said("results_date_completed"),
        first_posted=next(filter(normalize.date, days), "".join(days[:1])),
        sponsor=said("primary_sponsor"),
        collaborators=_named(said("secondary_sponsor")),
        countries=_items(said("countries")),
        has_results=said("results_yes_no").casefold() == "yes",
    )
