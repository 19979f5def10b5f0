"""Every wrong value with its evidence and a guess at why it is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cart_nlp.evaluation.gold import GoldRecord
from cart_nlp.evaluation.labels import LIST_FIELDS
from cart_nlp.evaluation.matching import FieldMatch, TrialMatch, name_key
from cart_nlp.schema import INCLUDED, Evidence, Record
from cart_nlp.text import construct_text

_CUES = (
    ("prior therapy", r"prior|previous(?:ly)?|history of|after failure|received|既往|曾", None),
    ("disease marker", r"positive|express(?:es|ing|ion)?|\+|negative|阳性|阴性|表达", "targets"),
    ("background", r"has been|have been|studies|shown|reported|success|such as", None),
)
"""Kind, words near a wrong value that speak for it, and the one field that it is asked of, if any."""
_QUOTED = ("targets", "constructs", "car_trial")
"""Fields that the labelers' quotes are about."""
_WINDOW = 50


def show(value: Any) -> str:
    """A value as people write it: `CD19+CD22 (tandem)` for a construct."""
    if isinstance(value, tuple):
        return construct_text(sorted(value[0]) or "?", value[1])
    return str(value)


def find(
    gold: Iterable[GoldRecord], records: Mapping[str, Record], matches: Iterable[TrialMatch]
) -> list[dict[str, Any]]:
    """All errors, grouped: by field, then by the guessed kind, then by trial."""
    outcomes = {m.id: m for m in matches}
    found = [
        error
        for g in gold
        if g.id in outcomes
        for error in _trial_errors(g, records.get(g.id) or Record(trial_id=g.id), outcomes[g.id])
    ]
    return sorted(found, key=lambda e: (e["field"], e["kind"], e["id"], e["error"], e["value"]))


def _trial_errors(gold: GoldRecord, record: Record, outcome: TrialMatch) -> Iterator[dict[str, Any]]:
    if outcome.gold_car is not None and outcome.gold_car != outcome.predicted_car:
        kind = (
            "level" if (outcome.gold_car in INCLUDED) == (outcome.predicted_car in INCLUDED) else "screening"
        )
        yield _error(gold, record, "car_trial", "wrong", outcome.predicted_car, outcome.gold_car, kind)
    if outcome.focus is not None and outcome.focus[0] != outcome.focus[1]:
        kind = "screening" if outcome.predicted_car not in INCLUDED else "focus"
        yield _error(gold, record, "focus", "wrong", outcome.focus[1] or "nothing", outcome.focus[0], kind)
    for name, pair in outcome.fields.items():
        if name == "targets_all":
            continue
        shown = ", ".join(sorted(map(show, pair.gold))) or "nothing"
        for value in sorted(pair.predicted - pair.gold, key=show):
            kind = _why_wrong(name, value, gold, record, outcome)
            yield _error(gold, record, name, "wrong", value, shown, kind)
        for value in sorted(pair.gold - pair.predicted, key=show):
            kind = _why_missed(name, value, gold, outcome)
            yield _error(gold, record, name, "missed", value, shown, kind)


def _error(
    gold: GoldRecord, record: Record, name: str, error: str, value: Any, wanted: str, kind: str
) -> dict[str, Any]:
    evidence = _evidence(record, name, value) if error == "wrong" else []
    return {
        "id": gold.id,
        "field": name,
        "error": error,
        "value": show(value),
        "gold": wanted,
        "kind": kind,
        "rules": sorted({e.rule for e in evidence if e.rule}),
        "evidence": [e.model_dump(mode="json") for e in dict.fromkeys(evidence)],
        "gold_evidence": list(gold.labels.get("target_evidence", ())) if name in _QUOTED else [],
        "note": gold.labels.get("note", ""),
    }


def _evidence(record: Record, name: str, value: Any) -> list[Evidence]:
    if isinstance(value, tuple):
        own = [e for e in record.evidence if e.field == "constructs"]
        return own or [e for e in record.evidence if e.field == "targets" and e.value in value[0]]
    if name == "products":
        return [e for e in record.evidence if e.field == name and name_key(e.value) == value]
    return [e for e in record.evidence if e.field == name and e.value == str(value)]


def _why_wrong(name: str, value: Any, gold: GoldRecord, record: Record, outcome: TrialMatch) -> str:
    if not gold.included:
        return "screening"
    pair = outcome.fields[name]
    if isinstance(value, tuple):
        return _construct_kind(value, pair, outcome, "wrong")
    if _twin(value, pair.gold - pair.predicted):
        return "canonical name"
    for other in LIST_FIELDS:
        if other != name and str(value) in map(str, gold.labels.get(other, ())):
            return f"belongs to {other}"
    if name == "targets" and value in gold.labels.get("product_targets", ()):
        return "product knowledge taken for stated"
    evidence = _evidence(record, name, value)
    for item in evidence:
        text = gold.trial.sections.get(item.section, "")
        around = text[max(0, item.start - _WINDOW) : item.end + _WINDOW]
        for kind, cue, field in _CUES:
            if field in (None, name) and re.search(cue, around, re.IGNORECASE):
                return f"{kind}, it seems"
    if evidence and all(item.section == "eligibility" for item in evidence):
        return "eligibility only"
    return "over-reading"


def _why_missed(name: str, value: Any, gold: GoldRecord, outcome: TrialMatch) -> str:
    if outcome.predicted_car not in INCLUDED and outcome.gold_car is not None:
        return "screening"
    pair = outcome.fields[name]
    if isinstance(value, tuple):
        return _construct_kind(value, pair, outcome, "missed")
    if _twin(value, pair.predicted - pair.gold):
        return "canonical name"
    text = "\n".join(gold.trial.sections.values()).casefold()
    if str(value).replace("_", " ").casefold() in text:
        return "in the text, not taken"
    return "not under this name: synonym or implied"


def _twin(value: Any, others: Iterable[Any]) -> bool:
    def plain(v: Any) -> str:
        return re.sub(r"\W", "", str(v)).casefold()

    return any(plain(value) == plain(other) for other in others)


def _construct_kind(value: Any, pair: FieldMatch, outcome: TrialMatch, error: str) -> str:
    others = pair.gold if error == "wrong" else pair.predicted
    if any(targets == value[0] for targets, _ in others):
        return "format"
    targets = outcome.fields.get("targets")
    if targets is not None and not targets.exact:
        return "follows from targets"
    return "grouping"
