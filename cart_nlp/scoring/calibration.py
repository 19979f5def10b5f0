"""From a raw certainty to the probability that a field is right: Platt's scaling, two numbers a field."""

from __future__ import annotations

import math

from cart_nlp.scoring.linear import Linear, sigmoid

_EDGE = 1e-6


def logit(value: float) -> float:
    """The log-odds of a probability, kept finite at both ends."""
    kept = min(max(value, _EDGE), 1 - _EDGE)
    return math.log(kept / (1 - kept))


def calibrated(table: Linear | None, field: str, raw: float) -> float:
    """The calibrated probability; `table` has for each field a slope and, under "", a start."""
    weights = table.weights.get(field) if table else None
    if weights is None:
        return raw
    return sigmoid(weights.get("", 0.0) + weights.get("slope", 1.0) * logit(raw))
