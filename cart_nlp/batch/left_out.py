"""What a run says of a trial that it read and did not write: where it fell out, and the reason."""

from __future__ import annotations

from typing import Any

from cart_nlp.registries.entry import Entry
from cart_nlp.schema import Evidence, Record

TEXT, STUDY = "text screen", "study decision"
"""Stages: the search for words of CAR cells, and what was decided of the trials that have some."""
NO_WORD = "no word of CAR cells in the text"
UNNAMED = "no CAR cells, product or target are named in what is read"
_WORDS = 80
"""Characters of the words that a reason quotes."""


def of_entry(entry: Entry) -> dict[str, Any]:
    """Of a record that the text screen let go: it is not parsed, so there is little to say."""
    return {"trial_id": entry.id or entry.place, "stage": TEXT, "reason": NO_WORD}


def of_record(record: Record) -> dict[str, Any]:
    """Of a trial that was tagged and is neither product nor related."""
    return {
        "trial_id": record.trial_id,
        "stage": STUDY,
        "reason": reason(record),
        "car_trial": record.car_trial,
        "score": record.car_score,
        "confidence": record.confidence.get("car_trial"),
        "registry": record.registry,
        "title": record.title,
        "url": record.url,
    }


def reason(record: Record) -> str:
    """Why a trial is neither product nor related, with the words that came nearest."""
    said = next((one for one in record.evidence if one.field == "car_trial"), None)
    if said is None:
        return UNNAMED
    if said.basis == "curator":
        by = " ".join(part for part in (said.by, said.date) if part)
        told = f"a curator's decision{f' ({by})' if by else ''}"
        return f"{told}: {said.note}" if said.note else told
    words = _quoted(said)
    if record.car_trial == "mention":
        return f"CAR cells are mentioned, neither given nor studied: {words}"
    if said.rule == "study.target":
        return f"a target is named, but no CAR cells: {words}"
    return f"what could name CAR cells does not: {words}"


def _quoted(said: Evidence) -> str:
    words = " ".join(said.text.split())
    return f"“{words if len(words) <= _WORDS else words[:_WORDS] + '…'}” in {said.section}"
