"""Counts over trials, and the rates made of them. Undefined is None, never 0 or 1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cart_nlp.evaluation.labels import LIST_FIELDS, OPTIONAL_FIELDS
from cart_nlp.evaluation.matching import FieldMatch, TrialMatch
from cart_nlp.schema import INCLUDED

LEVELS = ("product", "related", "mention", "no")

FIELD_ORDER = ("targets", "targets_all", "constructs", *LIST_FIELDS[1:], *OPTIONAL_FIELDS)
"""Rows of the table, in its order."""


def ratio(part: float, whole: float) -> float | None:
    """part / whole, or None where there is nothing to divide by."""
    return part / whole if whole else None


def prf(tp: float, fp: float, fn: float) -> dict[str, float | None]:
    """Precision, recall and F1 of three counts."""
    return {
        "precision": ratio(tp, tp + fp),
        "recall": ratio(tp, tp + fn),
        "f1": ratio(2 * tp, 2 * tp + fp + fn),
    }


@dataclass(frozen=True, slots=True)
class FieldScore:
    """Scores of one list field over the trials where it is scored."""

    name: str
    trials: int
    support: int
    predicted: int
    tp: int
    fp: int
    fn: int
    labels: dict[Any, tuple[int, int, int]]
    """Value -> (tp, fp, fn)."""
    exact_counts: dict[str, tuple[int, int]]
    """Group of trials -> (exact sets, trials): `stated` has gold values, `included` is every included trial,
    `multi` has more than one gold target."""
    credit: float | None = None
    """Constructs only: summed partial credit."""

    def as_dict(self) -> dict[str, Any]:
        """The scores as plain JSON types."""
        exact = {group: ratio(*counts) for group, counts in self.exact_counts.items()}
        result: dict[str, Any] = {
            "trials": self.trials,
            "support": self.support,
            "predicted": self.predicted,
            "tp": self.tp,
            "fp": self.fp,
            "fn": self.fn,
            **prf(self.tp, self.fp, self.fn),
            "macro": macro(self.labels.values()),
            "exact": exact["stated"],
            "exact_n": self.exact_counts["stated"][1],
            "exact_included": exact["included"],
            "exact_included_n": self.exact_counts["included"][1],
        }
        if "multi" in exact:
            result |= {"exact_multi": exact["multi"], "exact_multi_n": self.exact_counts["multi"][1]}
        if self.credit is not None:
            result["partial"] = {
                "credit": round(self.credit, 6),
                **prf(self.credit, self.predicted - self.credit, self.support - self.credit),
            }
        return result


def macro(counts: Iterable[tuple[int, int, int]]) -> dict[str, Any]:
    """Unweighted means over the values that occur; a value without a defined rate does not enter its mean."""
    rows = [prf(*row) for row in counts]
    means: dict[str, Any] = {"values": len(rows)}
    for name in ("precision", "recall", "f1"):
        defined = [row[name] for row in rows if row[name] is not None]
        means[name] = ratio(sum(v for v in defined if v is not None), len(defined))
    return means


def field_score(name: str, matches: Sequence[TrialMatch]) -> FieldScore:
    """Score one list field over the trials that have it."""
    scored = [m for m in matches if name in m.fields]
    hits: Counter[Any] = Counter()
    wrong: Counter[Any] = Counter()
    missed: Counter[Any] = Counter()
    for m in scored:
        pair = m.fields[name]
        hits.update(pair.gold & pair.predicted)
        wrong.update(pair.predicted - pair.gold)
        missed.update(pair.gold - pair.predicted)
    values = sorted(hits.keys() | wrong.keys() | missed.keys(), key=str)
    groups: dict[str, Callable[[TrialMatch, FieldMatch], bool]] = {
        "stated": lambda _m, pair: bool(pair.gold),
        "included": lambda m, _pair: m.gold_included,
    }
    if name in ("targets", "targets_all", "constructs"):
        groups["multi"] = lambda _m, pair: gold_targets(pair) > 1
    exact: dict[str, tuple[int, int]] = {}
    for group, belongs in groups.items():
        outcomes = [m.fields[name].exact for m in scored if belongs(m, m.fields[name])]
        exact[group] = (sum(outcomes), len(outcomes))
    tp, fp, fn = hits.total(), wrong.total(), missed.total()
    return FieldScore(
        name,
        len(scored),
        tp + fn,
        tp + fp,
        tp,
        fp,
        fn,
        {v: (hits[v], wrong[v], missed[v]) for v in values},
        exact,
        sum(m.fields[name].credit for m in scored) if name == "constructs" else None,
    )


def gold_targets(pair: FieldMatch) -> int:
    """How many distinct targets the gold values hold: of a targets field or of constructs."""
    names: set[Any] = set()
    for value in pair.gold:
        names |= value[0] if isinstance(value, tuple) else {value}
    return len(names)


def screening(matches: Iterable[TrialMatch], prevalence: float) -> dict[str, Any]:
    """Include or not: recall, precision, specificity, and the precision at a stated prevalence."""
    outcomes = Counter((m.gold_car in INCLUDED, m.predicted_car in INCLUDED) for m in matches if m.gold_car)
    return screening_rates(
        outcomes[True, True], outcomes[False, True], outcomes[True, False], outcomes[False, False], prevalence
    )


def screening_rates(tp: int, fp: int, fn: int, tn: int, prevalence: float) -> dict[str, Any]:
    """The rates of a two-by-two table, and what they make of another prevalence."""
    recall, specificity = ratio(tp, tp + fn), ratio(tn, tn + fp)
    projected = None
    if recall is not None and specificity is not None:
        hit = recall * prevalence
        projected = ratio(hit, hit + (1 - specificity) * (1 - prevalence))
    return {
        "trials": tp + fp + fn + tn,
        "support": tp + fn,
        "tp": tp,
        "fp": fp,
        "fn": fn,
        "tn": tn,
        **prf(tp, fp, fn),
        "specificity": specificity,
        "prevalence": prevalence,
        "projected_precision": projected,
    }


def car_confusion(matches: Iterable[TrialMatch]) -> dict[str, dict[str, int]]:
    """Gold level -> predicted level -> trials."""
    pairs = Counter((m.gold_car, m.predicted_car) for m in matches if m.gold_car and m.labeled)
    return {gold: {found: pairs[gold, found] for found in LEVELS} for gold in LEVELS}


def accuracy(pairs: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    """Right, all and their ratio, for a field with one value a trial."""
    rows = list(pairs)
    right = sum(gold == found for gold, found in rows)
    return {"trials": len(rows), "right": right, "accuracy": ratio(right, len(rows))}


def field_scores(matches: Sequence[TrialMatch]) -> dict[str, FieldScore]:
    """Every list field that is scored, in the order of the tables."""
    present = {name for m in matches for name in m.fields}
    return {name: field_score(name, matches) for name in FIELD_ORDER if name in present}


def focus_score(matches: Iterable[TrialMatch]) -> dict[str, Any]:
    """Accuracy of the focus and its confusion, over included trials with a sure focus."""
    pairs = [m.focus for m in matches if m.focus is not None]
    return {
        **accuracy(pairs),
        "confusion": {
            gold: {
                found or "(none)": n for (g, found), n in sorted(Counter(pairs).items(), key=str) if g == gold
            }
            for gold in sorted({g for g, _ in pairs})
        },
    }


def car_accuracy(matches: Iterable[TrialMatch]) -> dict[str, Any]:
    """Accuracy over the four levels of car_trial."""
    return accuracy((m.gold_car, m.predicted_car) for m in matches if m.gold_car and m.labeled)
