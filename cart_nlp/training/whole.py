"""All that a model is made of, fitted on labeled trials: its weights, and how sure they are of each field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cart_nlp.training import build, doubts, report
from cart_nlp.training.data import Example


def train(
    examples: Sequence[Example], roles: Mapping[str, list[dict[str, Any]]]
) -> tuple[build.Outcome, dict[str, Any]]:
    """The scorers of every component, and the quality of the confidences in cross-validation."""
    outcome = build.train(examples, roles)
    calibration, quality = report.calibration(examples, outcome)
    outcome.add("cart_confidence", "calibration", calibration)
    return outcome, quality | doubts.add(examples, outcome)
