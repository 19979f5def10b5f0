"""A linear scorer: the sum of the weights of the signals that hold, as a probability."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import accumulate, chain, repeat
from operator import neg
from typing import Any

import numpy as np


class Linear:
    """Weights over named signals for two classes or several.

    `weights` maps a class to signal → weight, with the intercept under "". A scorer of two classes has one
    entry, for the positive one.
    """

    def __init__(self, weights: Mapping[str, Mapping[str, float]]) -> None:
        self.weights = {name: dict(table) for name, table in weights.items()}
        self.classes = tuple(self.weights)
        self._first = self.weights[self.classes[0]]
        self._after: dict[str, frozenset[str]] = {}

    @cached_property
    def _rows(self) -> tuple[Mapping[str, int], Any]:
        """Signal → number of its row in a table of its weights for each class.

        The first row has the intercepts, the last one nothing.
        """
        tables = list(self.weights.values())
        names = sorted({"", *(signal for table in tables for signal in table)})
        rows = [[table.get(name, 0.0) for table in tables] for name in names]
        rows.append([0.0] * len(tables))
        return {name: number for number, name in enumerate(names)}, np.array(rows)

    def after(self, head: str) -> frozenset[str]:
        """What follows a head in the signals that have a weight."""
        if head not in self._after:
            signals = (signal for table in self.weights.values() for signal in table)
            self._after[head] = frozenset(s.removeprefix(head) for s in signals if s.startswith(head))
        return self._after[head]

    def logit(self, signals: Iterable[str], extra: float = 0.0) -> float:
        """The sum of the weights of the positive class, intercept included.

        Rounded, so that the order in which signals come cannot carry it over a step: 0.1 + 0.2 - 0.3 is 0.
        """
        weight = self._first.get
        return round(sum(map(weight, signals, repeat(0.0)), weight("", 0.0) + extra), 9)

    def probability(self, signals: Iterable[str]) -> float:
        """The probability of the positive class of a scorer of two classes."""
        return sigmoid(self.logit(signals))

    def logits(
        self, many: Sequence[Iterable[str]], starts: Sequence[Sequence[float]] | None = None
    ) -> list[list[float]]:
        """For each of several the sums of weights by class, on top of others or of the intercepts.

        Rounded as in `logit`: the order of the signals of a set differs from process to process.
        """
        if not many:
            return []
        numbers, rows = self._rows
        first = 0 if starts is None else -1
        held = [[first, *filter(None, map(numbers.get, signals))] for signals in many]
        edges = list(accumulate(map(len, held[:-1]), initial=0))
        sums = np.add.reduceat(rows.take(list(chain.from_iterable(held)), 0), edges, 0)
        found: list[list[float]] = (sums if starts is None else sums + starts).round(9).tolist()
        return found

    def likeliest(self, logits: Sequence[float]) -> str:
        """The class of the highest sum; of equals the first by name."""
        return min(zip(map(neg, logits), self.classes, strict=True))[1]

    def chances(self, logits: Sequence[float]) -> dict[str, float]:
        """The probability of each class, of its sums."""
        top = max(logits)
        odds = [math.exp(logit - top) for logit in logits]
        total = sum(odds)
        return {name: value / total for name, value in zip(self.classes, odds, strict=True)}

    def probabilities(self, signals: Iterable[str]) -> dict[str, float]:
        """The probability of each class of a scorer of several classes."""
        return self.chances(self.logits([signals])[0])

    def reasons(self, signals: Iterable[str], name: str = "") -> list[tuple[str, float]]:
        """The signals that hold and count, with their weights, the strongest first."""
        table = self.weights[name or self.classes[0]]
        held = [(signal, table[signal]) for signal in set(signals) if table.get(signal)]
        return sorted(held, key=lambda item: (-abs(item[1]), item[0]))

    def strongest(self, signals: Iterable[str], name: str = "") -> str:
        """The signal that speaks most for a class, empty if none does."""
        table = self.weights[name or self.classes[0]]
        held = [(-weight, signal) for signal in signals if (weight := table.get(signal, 0.0)) > 0]
        return min(held)[1] if held else ""

    def to_json(self) -> dict[str, Any]:
        """Sorted, rounded weights as they are written to a file."""
        return {name: dict(sorted(table.items())) for name, table in self.weights.items()}


def sigmoid(logit: float) -> float:
    """The logistic function, safe at both ends."""
    if logit >= 0:
        return 1.0 / (1.0 + math.exp(-min(logit, 500.0)))
    odds = math.exp(max(logit, -500.0))
    return odds / (1.0 + odds)
