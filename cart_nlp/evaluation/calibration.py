"""Whether a score means what it says: of the values with score 0.8, are four in five right?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cart_nlp.evaluation.labels import LIST_FIELDS
from cart_nlp.evaluation.matching import TrialMatch, name_key
from cart_nlp.evaluation.metrics import ratio
from cart_nlp.schema import INCLUDED, Record

BINS = 10


def calibration(pairs: Iterable[tuple[float, bool]]) -> dict[str, Any]:
    """Brier score, expected calibration error, rank discrimination and the bins, of (score, right) pairs."""
    rows = list(pairs)
    bins = []
    gap = 0.0
    for i in range(BINS):
        # The last bin takes 1.0 in.
        inside = [row for row in rows if min(int(row[0] * BINS), BINS - 1) == i]
        if not inside:
            continue
        mean = math.fsum(score for score, _ in inside) / len(inside)
        right = sum(truth for _, truth in inside) / len(inside)
        gap += len(inside) * abs(mean - right)
        bins.append({"from": i / BINS, "to": (i + 1) / BINS, "n": len(inside), "score": mean, "right": right})
    return {
        "n": len(rows),
        "brier": ratio(math.fsum((score - truth) ** 2 for score, truth in rows), len(rows)),
        "ece": ratio(gap, len(rows)),
        "auc": auc(rows),
        "bins": bins,
    }


def auc(rows: Sequence[tuple[float, bool]]) -> float | None:
    """Chance that a right one scores above a wrong one, ties half; None if there is only one kind."""
    ordered = sorted(rows, key=lambda row: row[0])
    positives = sum(truth for _, truth in ordered)
    negatives = len(ordered) - positives
    if not positives or not negatives:
        return None
    total, i = 0.0, 0
    while i < len(ordered):
        j = i
        while j < len(ordered) and ordered[j][0] == ordered[i][0]:
            j += 1
        rank = (i + 1 + j) / 2
        total += rank * sum(truth for _, truth in ordered[i:j])
        i = j
    return (total - positives * (positives + 1) / 2) / (positives * negatives)


def screening_pairs(matches: Iterable[TrialMatch]) -> list[tuple[float, bool]]:
    """(car_score, belongs in) of the trials whose level is sure."""
    return [(m.car_score, m.gold_car in INCLUDED) for m in matches if m.gold_car is not None]


def evidence_pairs(
    matches: Iterable[TrialMatch], records: Mapping[str, Record]
) -> dict[str, list[tuple[float, bool]]]:
    """Field -> (best evidence score of a predicted value, whether it is in the gold)."""
    found: dict[str, list[tuple[float, bool]]] = {}
    for m in matches:
        record = records.get(m.id)
        if record is None:
            continue
        best: dict[tuple[str, Any], float] = {}
        for item in record.evidence:
            # Products are matched by their printed names too.
            names = {name_key(item.value), name_key(item.text)} if item.field == "products" else {item.value}
            for value in names:
                best[item.field, value] = max(best.get((item.field, value), 0.0), item.score)
        for name in LIST_FIELDS:
            if name not in m.fields:
                continue
            pair = m.fields[name]
            for value in pair.predicted:
                if (name, str(value)) in best:
                    found.setdefault(name, []).append((best[name, str(value)], value in pair.gold))
    return found


def add_calibration(
    result: dict[str, Any], matches: Sequence[TrialMatch], records: Mapping[str, Record]
) -> None:
    """Write `calibration` into the result: of car_score, and of evidence scores over all fields and each."""
    fields = evidence_pairs(matches, records)
    result["calibration"] = {
        "car_score": calibration(screening_pairs(matches)),
        "evidence": calibration(pair for pairs in fields.values() for pair in pairs),
        "evidence_by_field": {name: calibration(fields[name]) for name in sorted(fields)},
    }
