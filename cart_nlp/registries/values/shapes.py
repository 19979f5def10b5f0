"""Take values of unknown shape apart: a dump may hold anything anywhere, and none of it may raise."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import chain, repeat
from numbers import Number
from typing import Any

from cart_nlp.registries.entry import Rejected
from cart_nlp.text import whole

_MAX_ID = 100
_EXACT = 2**53
"""From here on a float stands for several integers; those of 65 bits and more in JSON are read as one."""
_DATES = ("Period", "datetime64")
"""Types of dates that are not the standard library's: of pandas and numpy, which need not be there."""
_NONE = ("nan", "snan", "nat")
"""How a date or number prints, in lower case, that is missing."""


def text(value: Any) -> str:
    """A string, number or date as text; anything else, and missing values, as the empty string.

    Of a moment the day is taken, as its own time zone has it.
    """
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int) and abs(value) >= 10**300:  # str() of a monster integer is quadratic
        return ""
    if isinstance(value, int | float):
        return "" if value != value else str(value)
    if isinstance(value, date | Number) or type(value).__name__ in _DATES:
        said = str(value)
        return "" if said.lower() in _NONE else re.split("[ T]", said)[0]
    return ""


def line(value: Any) -> str:
    """Text of a short field: no space around it, one blank between its words, wherever lines were broken."""
    return " ".join(text(value).split())


def fields(value: Any) -> Mapping[str, Any]:
    """A mapping as it is, anything else as an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    """A list as it is, a missing value as an empty list, a single value as a list of one."""
    if isinstance(value, list | tuple):
        return list(value)
    return [] if value is None or value == "" else [value]


def lines(value: Any) -> list[str]:
    """The short texts of a list, empty ones left out."""
    return [found for item in items(value) if (found := line(item))]


def dig(value: Any, *path: str) -> Any:
    """What stands at a path of nested mappings, or None."""
    for key in path:
        value = fields(value).get(key)
    return value


def unique(values: Iterable[str]) -> tuple[str, ...]:
    """Values in the order of their first appearance, empty ones left out."""
    return tuple(dict.fromkeys(value for value in values if value))


def partners(names: Iterable[str], classes: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names sorted, each once, with the first class that is told of each; no classes where none is told.

    Classes beyond the names come last: somebody pays whom no name is told of.
    """
    found: dict[str, str] = {}
    given, kinds = list(names), list(classes)
    for name, kind in zip(given, chain(kinds, repeat("")), strict=False):
        if name:
            found[name] = found.get(name) or kind
    told = sorted(found.items())
    ordered = (*(kind for _, kind in told), *kinds[len(given) :])
    return tuple(name for name, _ in told), ordered if any(ordered) else ()


_REFERENCES = {
    "result": "RESULT", "results_reference": "RESULT", "derived": "DERIVED",
    "background": "BACKGROUND", "reference": "BACKGROUND",
}  # fmt: skip


def references(pairs: Iterable[tuple[str, str]]) -> tuple[dict[str, str], ...]:
    """PubMed ids with their types in one vocabulary, each id once, the first type that is told."""
    found: dict[str, str] = {}
    for pmid, kind in pairs:
        if pmid and not found.get(pmid):
            found[pmid] = _REFERENCES.get(kind.strip().lower(), "")
    return tuple({"pmid": pmid, "type": kind} for pmid, kind in found.items())


def checked_id(value: Any, what: str = "an id") -> str:
    """A registration number fit to be written; raises Rejected if there is none."""
    if type(value) is str and value.isalnum() and value.isascii() and len(value) <= _MAX_ID:
        return value
    if isinstance(value, float) and abs(value) >= _EXACT:
        raise Rejected(f"the id {value} is a number too long to be read digit by digit; write it in quotes")
    found = line(value)
    if not found:
        raise Rejected(f"record without {what}")
    if len(found) > _MAX_ID or not found.isprintable():
        raise Rejected(f"the id {found[:40]!r} is too long or holds control characters")
    return found


def sections(
    *,
    brief_title: Any = "",
    official_title: Any = "",
    acronym: Any = "",
    brief_title_zh: Any = "",
    official_title_zh: Any = "",
    brief_summary: Any = "",
    detailed_description: Any = "",
    conditions: Any = (),
    keywords: Any = (),
    interventions: Any = (),
    arms: Any = (),
    eligibility: Any = "",
    primary_outcomes: Any = (),
    secondary_outcomes: Any = (),
    why_stopped: Any = "",
) -> dict[str, str]:
    """Section key -> text in reading order; keys count every item of a list, empty texts are left out.

    `interventions` holds mappings with name, description and other_names (or plain names), `arms` mappings
    with label and description, the other lists plain texts.
    """
    found: dict[str, Any] = {
        "brief_title": line(brief_title),
        "official_title": line(official_title),
        "acronym": acronym,
        "brief_title_zh": line(brief_title_zh),
        "official_title_zh": line(official_title_zh),
        "brief_summary": brief_summary,
        "detailed_description": detailed_description,
    }
    _list(found, "conditions", conditions)
    _list(found, "keywords", keywords)
    for at, item in enumerate(items(interventions)):
        if isinstance(item, Mapping):
            found[f"interventions[{at}].name"] = item.get("name")
            found[f"interventions[{at}].description"] = item.get("description")
            _list(found, f"interventions[{at}].other_names", item.get("other_names"))
        else:
            found[f"interventions[{at}].name"] = item
    for at, item in enumerate(items(arms)):
        if isinstance(item, Mapping):
            found[f"arms[{at}].label"] = item.get("label")
            found[f"arms[{at}].description"] = item.get("description")
        else:
            found[f"arms[{at}].label"] = item
    found["eligibility"] = eligibility
    _list(found, "primary_outcomes", primary_outcomes)
    _list(found, "secondary_outcomes", secondary_outcomes)
    found["why_stopped"] = why_stopped
    return {key: said for key, value in found.items() if (said := text(value)) and not said.isspace()}


def _list(found: dict[str, Any], key: str, values: Any) -> None:
    for at, item in enumerate(items(values)):
        found[f"{key}[{at}]"] = item.get("measure", item.get("name")) if isinstance(item, Mapping) else item


def raw(values: Mapping[str, Any]) -> dict[str, str]:
    """Values as the registry wrote them, for Trial.raw; lists are joined with "; "."""
    found = {key: "; ".join(lines(value)) for key, value in values.items()}
    return {key: said for key, said in found.items() if said}
