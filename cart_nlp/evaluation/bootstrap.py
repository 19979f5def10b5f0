"""95 % intervals of the rates: trials are drawn again with replacement, all at once in numpy."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cart_nlp.evaluation.matching import TrialMatch
from cart_nlp.evaluation.metrics import gold_targets
from cart_nlp.schema import INCLUDED

Column = tuple[Hashable, ...]
Array = NDArray[np.float64]
SEED = 20180301
RESAMPLES = 2000


def rows(matches: Sequence[TrialMatch]) -> list[dict[Column, float]]:
    """What each trial adds to every sum that a rate is made of; zeros are left out."""
    return [_row(m) for m in matches]


def _row(m: TrialMatch) -> dict[Column, float]:
    row: defaultdict[Column, float] = defaultdict(float)
    for name, pair in m.fields.items():
        for kind, values in (
            ("tp", pair.gold & pair.predicted),
            ("fp", pair.predicted - pair.gold),
            ("fn", pair.gold - pair.predicted),
        ):
            row[name, kind] += len(values)
            for value in values:
                row[name, kind, value] += 1
        groups = {"exact": bool(pair.gold), "exact_included": m.gold_included}
        if name in ("targets", "targets_all", "constructs"):
            groups["exact_multi"] = gold_targets(pair) > 1
        for group, belongs in groups.items():
            if belongs:
                row[name, group, "n"] += 1
                row[name, group, "right"] += pair.exact
        if name == "constructs":
            row[name, "credit"] += pair.credit
    if m.gold_car is not None:
        truth, found = m.gold_car in INCLUDED, m.predicted_car in INCLUDED
        row["screening", ("t" if truth == found else "f") + ("p" if found else "n")] += 1
        if m.labeled:
            row["car_trial", "n"] += 1
            row["car_trial", "right"] += m.gold_car == m.predicted_car
    if m.focus is not None:
        row["focus", "n"] += 1
        row["focus", "right"] += m.focus[0] == m.focus[1]
    return {column: value for column, value in row.items() if value}


class Resampled:
    """Sums of every column over `resamples` draws of as many trials as there are."""

    def __init__(self, table: Sequence[dict[Column, float]], resamples: int, seed: int) -> None:
        # Trials that add the same are drawn together: a dump of 50,000 trials has some hundred kinds.
        kinds = Counter(frozenset(row.items()) for row in table)
        columns = {
            column: i for i, column in enumerate(sorted({c for row in table for c in row}, key=_stable))
        }
        values = np.zeros((len(kinds), len(columns)))
        ordered = sorted(kinds, key=lambda kind: sorted(map(_stable, kind)))
        for i, kind in enumerate(ordered):
            for column, value in kind:
                values[i, columns[column]] = value
        weights = np.array([kinds[kind] for kind in ordered], dtype=float)
        draws = np.random.default_rng(seed).multinomial(len(table), weights / weights.sum(), size=resamples)
        self._sums: Array = draws @ values
        self._columns = columns
        self._zero: Array = np.zeros(resamples)

    def __call__(self, *column: Hashable) -> Array:
        """The sums of one column; zeros if no trial has it."""
        at = self._columns.get(column)
        return self._zero if at is None else self._sums[:, at]

    def values(self, name: str) -> list[Hashable]:
        """The values of a field that occur."""
        return sorted(
            {c[2] for c in self._columns if c[0] == name and c[1] in ("tp", "fp", "fn") and len(c) == 3},
            key=_stable,
        )


def _stable(value: object) -> str:
    """A value as text that is the same in every process, which the `repr` of a set is not."""
    if isinstance(value, tuple | frozenset):
        parts = list(map(_stable, value))
        return f"({','.join(sorted(parts) if isinstance(value, frozenset) else parts)})"
    return repr(value)


def divide(part: Array, whole: Array) -> Array:
    """part / whole, NaN where there is nothing to divide by."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def bounds(samples: Array) -> list[float] | None:
    """The 2.5th and 97.5th percentile of the defined samples, None if none is defined."""
    defined = samples[~np.isnan(samples)]
    if not defined.size:
        return None
    low, high = np.percentile(defined, [2.5, 97.5])
    return [float(low), float(high)]


def wilson(right: float, whole: float) -> list[float] | None:
    """Wilson's 95 % interval of a share; it does not collapse at 0 and 1 as the bootstrap does."""
    if not whole:
        return None
    z = 1.959963984540054
    p, scale = right / whole, 1 + z * z / whole
    center = (p + z * z / (2 * whole)) / scale
    half = z * math.sqrt(p * (1 - p) / whole + z * z / (4 * whole * whole)) / scale
    return [max(0.0, center - half), min(1.0, center + half)]


def add_intervals(
    result: dict[str, Any], matches: Sequence[TrialMatch], resamples: int = RESAMPLES, seed: int = SEED
) -> None:
    """Write `interval` into every score of the result: rate -> [low, high]; nothing without resamples."""
    if not matches or not resamples:
        return
    sums = Resampled(rows(matches), resamples, seed)
    for name, score in result["fields"].items():
        score["interval"] = _field_intervals(name, score, sums)
    s = result["screening"]
    tp, fp, fn, tn = (sums("screening", kind) for kind in ("tp", "fp", "fn", "tn"))
    recall, specificity = divide(tp, tp + fn), divide(tn, tn + fp)
    hit = recall * s["prevalence"]
    s["interval"] = {
        "recall": _share(recall, s["tp"], s["tp"] + s["fn"]),
        "precision": _share(divide(tp, tp + fp), s["tp"], s["tp"] + s["fp"]),
        "specificity": _share(specificity, s["tn"], s["tn"] + s["fp"]),
        "f1": bounds(divide(2 * tp, 2 * tp + fp + fn)),
        "projected_precision": _projected(divide(hit, hit + (1 - specificity) * (1 - s["prevalence"])), s),
    }
    for name in ("focus", "car_trial"):
        score = result[name]
        samples = divide(sums(name, "right"), sums(name, "n"))
        score["interval"] = {"accuracy": _share(samples, score["right"], score["trials"])}


def _field_intervals(name: str, score: dict[str, Any], sums: Resampled) -> dict[str, Any]:
    tp, fp, fn = (sums(name, kind) for kind in ("tp", "fp", "fn"))
    found: dict[str, Any] = {
        "precision": _share(divide(tp, tp + fp), score["tp"], score["predicted"]),
        "recall": _share(divide(tp, tp + fn), score["tp"], score["support"]),
        "f1": _f1(divide(2 * tp, 2 * tp + fp + fn), score),
        "macro_f1": bounds(_macro(name, sums)),
    }
    for group in ("exact", "exact_included", "exact_multi"):
        if group in score and score[group] is not None:
            n = score[f"{group}_n"]
            samples = divide(sums(name, group, "right"), sums(name, group, "n"))
            found[group] = _share(samples, score[group] * n, n)
    if "partial" in score:
        credit = sums(name, "credit")
        found["partial_f1"] = bounds(divide(2 * credit, 2 * tp + fp + fn))
    return found


def _macro(name: str, sums: Resampled) -> Array:
    values = sums.values(name)
    if not values:
        return np.full(sums("none").shape, np.nan)
    columns = []
    for value in values:
        tp, fp, fn = (sums(name, kind, value) for kind in ("tp", "fp", "fn"))
        columns.append(divide(2 * tp, 2 * tp + fp + fn))
    stacked = np.stack(columns)
    return divide(np.nansum(stacked, axis=0), (~np.isnan(stacked)).sum(axis=0).astype(float))


def _share(samples: Array, right: float, whole: float) -> list[float] | None:
    found = bounds(samples)
    return wilson(right, whole) if found and found[0] == found[1] else found


def _projected(samples: Array, s: dict[str, Any]) -> list[float] | None:
    found = bounds(samples)
    specific = wilson(s["tn"], s["tn"] + s["fp"])
    if not found or found[0] != found[1] or specific is None:
        return found
    # Without one false positive the draws say nothing of the specificity: Wilson's bounds of it do.
    hit = s["recall"] * s["prevalence"]
    low, high = (hit / (hit + (1 - x) * (1 - s["prevalence"])) for x in specific)
    return [low, high]


def _f1(samples: Array, score: dict[str, Any]) -> list[float] | None:
    found = bounds(samples)
    if not found or found[0] != found[1]:
        return found
    # F1 is 2J / (1 + J) of the share J = TP / (TP + FP + FN): its interval is that of J, transformed.
    share = wilson(score["tp"], score["tp"] + score["fp"] + score["fn"])
    return [2 * j / (1 + j) for j in share] if share else None
