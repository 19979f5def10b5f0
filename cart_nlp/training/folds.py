"""Labeled trials tagged end to end by models that know nothing of their sponsors, and what a review finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from spacy.language import Language

from cart_nlp import pipeline
from cart_nlp.curation.known_values import names
from cart_nlp.evaluation import review, scoring
from cart_nlp.evaluation.gold import Gold, GoldRecord
from cart_nlp.evaluation.naming import under_names
from cart_nlp.schema import INCLUDED, Record
from cart_nlp.scoring.weighted import Weighted
from cart_nlp.training import whole
from cart_nlp.training.build import Outcome
from cart_nlp.training.data import TAUGHT, UNLABELED, Example
from cart_nlp.training.fit import fold_of

FOLDS = 5
DIGITS = 4


def reviewed(examples: Sequence[Example], roles: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """What reading the least sure first finds: of the trials that are written, and of all that are tagged.

    `end_to_end` has how right the records are, as `cart-nlp evaluate` counts.
    """
    labeled = Gold("cross-validation", "", tuple(map(as_gold, filter(_measures, examples))))
    records = {record.trial_id: record for record in tagged(examples, roles)}
    gold, _ = under_names(labeled, records, names().lexicon)
    written = {trial: record for trial, record in records.items() if record.car_trial in INCLUDED}
    return {
        "trials": len(records),
        "written": _review(gold, written),
        "tagged": _review(gold, records),
        "end_to_end": _figures(scoring.evaluate(gold, records).result),
    }


def tagged(examples: Sequence[Example], roles: Mapping[str, list[dict[str, Any]]]) -> Iterator[Record]:
    """The records of the trials that measure, each by a model that was trained without its sponsor."""
    for part in range(FOLDS):
        asked = [e for e in examples if _measures(e) and fold_of(e.group, FOLDS) == part]
        if asked:
            outcome, _ = whole.train([e for e in examples if fold_of(e.group, FOLDS) != part], roles)
            nlp = pipeline.load()
            give(nlp, outcome)
            yield from (pipeline.tag_trial(nlp, example.trial) for example in asked)


def give(nlp: Language, outcome: Outcome) -> None:
    """Let a pipeline decide by the scorers of a training, and by no other."""
    for name, pipe in nlp.pipeline:
        if isinstance(pipe, Weighted):
            pipe.scorers.clear()
            pipe.scorers.update(outcome.scorers.get(name, {}))


def _measures(example: Example) -> bool:
    """Whether a trial is one of a registry with labels of its own: neither made up nor a look-alike."""
    return example.source not in ("written", TAUGHT) and example.labels["car_trial"] != "other"


def as_gold(example: Example) -> GoldRecord:
    """A labeled trial as evaluation takes it."""
    doubts = {*example.labels.get("uncertain", ())}
    doubts |= {name for name, source in UNLABELED.items() if example.source.startswith(source)}
    return GoldRecord(example.id, example.trial, {**example.labels, "uncertain": sorted(doubts)})


def _review(gold: Gold, records: Mapping[str, Record]) -> dict[str, Any]:
    scored = scoring.evaluate(gold, records)
    review.add_review(scored.result, scored.matches, scored.records, names())
    return dict(_short(scored.result["review"]))


def _figures(result: Mapping[str, Any]) -> dict[str, Any]:
    """The rates that are told: no precision of screening, since the look-alikes are not among the trials."""
    parts = {"screening": {"recall": result["screening"]["recall"]}, **result["fields"]}
    told = {
        name: {key: part[key] for key in _RATES if part.get(key) is not None} for name, part in parts.items()
    }
    return dict(_short(told))


_RATES = ("precision", "recall", "f1", "exact", "exact_n", "exact_multi", "exact_multi_n", "tp", "fp", "fn")


def _short(value: Any) -> Any:
    """The same with few decimals."""
    if isinstance(value, dict):
        return {name: _short(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_short(one) for one in value]
    return round(value, DIGITS) if isinstance(value, float) else value
