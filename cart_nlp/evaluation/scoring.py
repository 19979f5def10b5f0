"""The whole evaluation: gold and records in, one plain result out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cart_nlp
from cart_nlp.evaluation import metrics
from cart_nlp.evaluation.gold import Gold, GoldRecord
from cart_nlp.evaluation.matching import Basis, Mode, TrialMatch, match
from cart_nlp.schema import INCLUDED, Record

PREVALENCE = 0.002
"""Share of CAR trials in a whole registry dump, to which screening precision is projected by default."""


@dataclass(frozen=True)
class Evaluation:
    """The result as plain JSON types, and what it was made of."""

    result: dict[str, Any]
    gold: Sequence[GoldRecord]
    records: Mapping[str, Record]
    matches: Sequence[TrialMatch]


def evaluate(
    gold: Gold,
    records: Mapping[str, Record],
    *,
    mode: Mode = "end-to-end",
    basis: Basis = "both",
    prevalence: float = PREVALENCE,
    extra: Sequence[TrialMatch] = (),
    unlabeled: Sequence[GoldRecord] = (),
) -> Evaluation:
    """Score records against gold.

    `extra` are outcomes of trials that are not labeled and count as not included; they enter every score but
    the four levels of car_trial. `unlabeled` are those of them whose errors are to be listed.
    """
    matches = [match(g, records.get(g.id), mode, basis) for g in gold.records]
    everything = [*matches, *extra]
    fields = metrics.field_scores(everything)
    result: dict[str, Any] = {
        "gold": {"name": gold.name, "version": gold.version, "trials": len(gold.records)},
        "tool": {"name": "cart-nlp", "version": getattr(cart_nlp, "__version__", "0")},
        "mode": mode,
        "basis": basis,
        "trials": len(everything),
        "without_record": sum(g.id not in records for g in gold.records),
        "other_records": len(records.keys() - {g.id for g in gold.records}),
        "fields": {name: score.as_dict() for name, score in fields.items()},
        "focus": metrics.focus_score(everything),
        "screening": metrics.screening(everything, prevalence),
        "car_trial": {**metrics.car_accuracy(everything), "confusion": metrics.car_confusion(everything)},
        "outcomes": {m.id: outcome(m) for m in matches},
    }
    return Evaluation(result, [*gold.records, *unlabeled], records, everything)


def outcome(m: TrialMatch) -> dict[str, bool]:
    """Field -> whether the trial's values are right, for the comparison with another run."""
    right = {name: pair.exact for name, pair in m.fields.items()}
    if m.focus is not None:
        right["focus"] = m.focus[0] == m.focus[1]
    if m.gold_car is not None:
        right["car_trial"] = m.gold_car == m.predicted_car
        right["screening"] = (m.gold_car in INCLUDED) == (m.predicted_car in INCLUDED)
    return right
