"""From a gold line's registry fields to a Trial, and the fingerprint of the text that was labeled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from cart_nlp.schema import Trial

_TITLES = ("brief_title", "official_title", "acronym", "brief_title_zh", "official_title_zh")
_SCALARS = ("phase", "status", "study_type", "enrollment", "start_date", "completion_date", "sponsor")
ELIGIBILITY = 3000
"""Characters of eligibility text that the labelers saw."""


def sections_of(data: Mapping[str, Any]) -> dict[str, str]:
    """Section key -> text of a gold line's `trial`, in reading order, empty texts left out."""
    return {key: text for key, text in _sections(data) if isinstance(text, str) and text.strip()}


def _sections(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in (*_TITLES, "brief_summary", "detailed_description"):
        yield name, data.get(name)
    for name in ("conditions", "keywords"):
        for i, value in enumerate(data.get(name) or ()):
            yield f"{name}[{i}]", value
    for i, item in enumerate(data.get("interventions") or ()):
        yield f"interventions[{i}].name", item.get("name")
        yield f"interventions[{i}].description", item.get("description")
        for j, other in enumerate(item.get("other_names") or ()):
            yield f"interventions[{i}].other_names[{j}]", other
    for i, arm in enumerate(data.get("arms") or ()):
        yield f"arms[{i}].label", arm.get("label")
        yield f"arms[{i}].description", arm.get("description")
    yield "eligibility", data.get("eligibility")
    for name in ("primary_outcomes", "secondary_outcomes"):
        for i, value in enumerate(data.get(name) or ()):
            yield f"{name}[{i}]", value
    yield "why_stopped", data.get("why_stopped")


def trial_of(data: Mapping[str, Any]) -> Trial:
    """The trial of a gold line, as the pipeline takes it; raises ValueError for values of other types."""
    try:
        return _trial(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"trial: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (AttributeError, TypeError) as error:
        raise ValueError(f"trial: a field of another type than a gold file has ({error})") from None


def _trial(data: Mapping[str, Any]) -> Trial:
    return Trial(
        id=data["id"],
        registry=data.get("registry") or ("ClinicalTrials.gov" if data["id"].startswith("NCT") else ""),
        sections=sections_of(data),
        sponsor_class=data.get("sponsor_class"),
        first_posted=data.get("registration_date"),
        collaborators=tuple(data.get("collaborators") or ()),
        countries=tuple(data.get("countries") or ()),
        pmids=tuple(data.get("pmids") or ()),
        why_stopped=data.get("why_stopped"),
        **{name: data.get(name) for name in _SCALARS},
    )


def _canonical(text: str) -> str:
    return " ".join(text.split())


def section_hashes(sections: Mapping[str, str]) -> dict[str, str]:
    """Section key -> first 16 hex digits of the SHA-256 of its text, white space folded.

    Eligibility counts up to the 3,000 characters that the labelers saw.
    """
    return {
        key: hashlib.sha256(_canonical(_seen(key, text)).encode()).hexdigest()[:16]
        for key, text in sorted(sections.items())
    }


def _seen(key: str, text: str) -> str:
    return text[:ELIGIBILITY] if key == "eligibility" else text


def sections_hash(sections: Mapping[str, str]) -> str:
    """SHA-256 of the canonical JSON of the sections: keys sorted, white space folded, no blanks between."""
    plain = {key: _canonical(_seen(key, text)) for key, text in sorted(sections.items())}
    return hashlib.sha256(json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
