"""Records with this project's own field names: JSON lines, JSON or CSV; a gold line by its trial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cart_nlp.registries.entry import Rejected
from cart_nlp.registries.values import shapes
from cart_nlp.registries.values.identifiers import registry_of
from cart_nlp.registries.values.shapes import fields, line, lines
from cart_nlp.registries.values.trials import built
from cart_nlp.schema import Trial

_TITLES = frozenset({"brief_title", "official_title", "brief_title_zh", "official_title_zh"})
_TEXTS = (*_TITLES, "acronym", "brief_summary", "detailed_description", "eligibility", "why_stopped")
_LISTS = ("conditions", "keywords", "interventions", "arms", "primary_outcomes", "secondary_outcomes",
          "collaborators", "collaborator_classes", "countries", "secondary_ids", "pmids")  # fmt: skip
_RAW = ("phase", "status", "study_type", "start_date", "sponsor_class", "enrollment")


def recognizes(data: Mapping[str, Any]) -> bool:
    """Whether a JSON record looks like one of these."""
    return "id" in data and ("trial" in data or not _TITLES.isdisjoint(data))


def identify(data: Mapping[str, Any]) -> str:
    """Registration number of a record; raises Rejected if it has none."""
    return shapes.checked_id(data.get("id") or shapes.dig(data, "trial", "id"))


def parse(data: Mapping[str, Any]) -> Trial:
    """Build the trial of a record."""
    inner = data.get("trial")
    if isinstance(inner, Mapping):
        data = {"id": data.get("id"), **inner}
    found = identify(data)
    data = {**data, **{name: _joined(name, data[name]) for name in _TEXTS if name in data}}
    data |= {name: _apart(data[name]) for name in _LISTS if isinstance(data.get(name), str)}
    collaborators = lines(data.get("collaborators"))
    return built(
        found,
        line(data.get("registry")) or registry_of(found),
        line(data.get("url")),
        shapes.sections(
            brief_title=data.get("brief_title"),
            official_title=data.get("official_title"),
            acronym=data.get("acronym"),
            brief_title_zh=data.get("brief_title_zh"),
            official_title_zh=data.get("official_title_zh"),
            brief_summary=data.get("brief_summary"),
            detailed_description=data.get("detailed_description"),
            conditions=data.get("conditions"),
            keywords=data.get("keywords"),
            interventions=data.get("interventions"),
            arms=data.get("arms"),
            eligibility=data.get("eligibility"),
            primary_outcomes=data.get("primary_outcomes"),
            secondary_outcomes=data.get("secondary_outcomes"),
            why_stopped=data.get("why_stopped"),
        ),
        secondary_ids=lines(data.get("secondary_ids")),
        phase="|".join(lines(data.get("phase"))),
        status=line(data.get("status")),
        study_type=line(data.get("study_type")),
        enrollment=line(data.get("enrollment")),
        start_date=line(data.get("start_date")),
        completion_date=line(data.get("completion_date")),
        first_posted=line(data.get("first_posted") or data.get("registration_date")),
        sponsor=line(data.get("sponsor")),
        sponsor_class=line(data.get("sponsor_class")),
        collaborators=collaborators,
        collaborator_classes=_aligned(data.get("collaborator_classes"), collaborators),
        countries=lines(data.get("countries")),
        pmids=lines(data.get("pmids")),
        references=(
            (line(fields(each).get("pmid")), line(fields(each).get("type")))
            for each in shapes.items(data.get("references"))
        ),
        has_results=_is_true(data.get("has_results")),
        why_stopped=line(data.get("why_stopped")),
        raw={key: data.get(key) for key in _RAW},
    )


def _joined(name: str, value: Any) -> Any:
    """The text of a field that is one text, of a list its items below each other; raises Rejected for what
    holds none."""
    if isinstance(value, list | tuple):
        return "\n".join(str(_joined(name, each) or "") for each in value)
    if isinstance(value, Mapping | bool):
        raise Rejected(f"{name} is no text but {'a mapping' if isinstance(value, Mapping) else value}")
    return value


def _apart(value: str) -> list[str]:
    """The items of a list that is written as one text."""
    mark = "|" if "|" in value else ";"
    return [item for part in value.split(mark) if (item := part.strip())]


def _is_true(value: Any) -> bool:
    """Whether a value says yes, as a cell of a table does too."""
    return value is True or line(value).casefold() in ("true", "yes", "1", "has results")


def _aligned(classes: Any, collaborators: list[str]) -> list[str]:
    found = list(map(line, shapes.items(classes)))
    return found if len(found) == len(collaborators) else []
