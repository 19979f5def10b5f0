"""Fit linear scorers: of mentions through their candidates, of candidates, and of several classes."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sparse
from scipy.optimize import minimize

from cart_nlp.scoring.candidates import FieldScorer, NameScorer
from cart_nlp.scoring.linear import Linear
from cart_nlp.signals.candidate import Instance, Scored, Table
from cart_nlp.signals.products import together

DIGITS = 3
"""Decimals of a weight: less than any of them can decide."""


def fold_of(group: str, folds: int = 5) -> int:
    """The fold of a group: the same on every machine, and all of a group in one."""
    return int(hashlib.sha256(group.encode()).hexdigest(), 16) % folds


def matrix(
    rows: Sequence[Iterable[str]], groups: Sequence[int], support: int
) -> tuple[sparse.csr_matrix, list[str]]:
    """The signals of some rows as 0/1, and their names; one with fewer than `support` groups is left out."""
    seen: dict[str, set[int]] = {}
    for row, group in zip(rows, groups, strict=True):
        for signal in row:
            seen.setdefault(signal, set()).add(group)
    names = sorted(name for name, found in seen.items() if len(found) >= support)
    number = {name: at for at, name in enumerate(names)}
    places = [(at, number[s]) for at, row in enumerate(rows) for s in set(row) if s in number]
    shape = (len(rows), len(names))
    if not places:
        return sparse.csr_matrix(shape), names
    down, across = zip(*places, strict=True)
    return sparse.csr_matrix((np.ones(len(places)), (down, across)), shape=shape), names


def _linear(names: Sequence[str], weights: np.ndarray, positive: str = "yes") -> Linear:
    return Linear({positive: _rounded(names, weights)})


def _rounded(names: Sequence[str], weights: np.ndarray, least: float = 0.0) -> dict[str, float]:
    table = {"": round(float(weights[-1]), DIGITS)}
    for name, weight in zip(names, weights[:-1], strict=True):
        if (rounded := round(float(weight), DIGITS)) and abs(rounded) >= least:
            table[name] = rounded
    return table


def fit_mentions(
    trials: Sequence[tuple[Sequence[Instance], frozenset[str]]],
    labeled: Sequence[tuple[Sequence[str], bool]] = (),
    *,
    penalty: float = 0.5,
    support: int = 4,
    weight: float = 1.0,
) -> Linear:
    """A scorer of mentions from values that trials have: a candidate is as probable as all its mentions.

    `trials` are the instances of each trial and its labeled values; `labeled` mentions with a label of
    their own, each counting `weight`. The pooled score of a candidate is the log of the sum of its mentions'
    odds, so that one clear mention is enough and no single one has to be.
    """
    rows: list[Sequence[str]] = []
    groups: list[int] = []
    bags: list[int] = []
    truth: list[bool] = []
    number: dict[tuple[int, str], int] = {}
    for trial, (instances, values) in enumerate(trials):
        for one in instances:
            bag = number.setdefault((trial, one.concept), len(number))
            if bag == len(truth):
                truth.append(one.concept in values)
            rows.append(one.signals)
            groups.append(trial)
            bags.append(bag)
    for at, (signals, holds) in enumerate(labeled, len(trials)):
        rows.append(signals)
        groups.append(at)
        bags.append(len(truth))
        truth.append(holds)
    if not any(truth):
        return Linear({"yes": {"": -3.0}})  # nothing to learn from: no mention states the value
    found, names = matrix(rows, groups, support)
    order = np.argsort(np.array(bags), kind="stable")
    found, of_bag = found[order], np.array(bags)[order]
    starts = np.searchsorted(of_bag, np.arange(len(truth)))
    sign = np.where(np.array(truth), 1.0, -1.0)
    counts = np.ones(len(truth))
    if labeled:
        counts[-len(labeled) :] = weight

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        score = found @ weights[:-1] + weights[-1]
        top = np.maximum.reduceat(score, starts)
        odds = np.exp(score - top[of_bag])
        total = np.add.reduceat(odds, starts)
        margin = sign * (top + np.log(total))
        value = (counts * np.logaddexp(0, -margin)).sum() + 0.5 * penalty * (weights[:-1] ** 2).sum()
        slope = -(counts * sign) * _sigmoid(-margin)
        each = slope[of_bag] * odds / total[of_bag]
        return value, np.append(found.T @ each + penalty * weights[:-1], each.sum())

    best = minimize(loss, np.zeros(len(names) + 1), jac=True, method="L-BFGS-B", options={"maxiter": 150})
    return _linear(names, best.x)


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(values, -60, 60)))


def fit_candidates(
    rows: Sequence[Sequence[str]],
    truth: Sequence[bool],
    groups: Sequence[int],
    *,
    strength: float = 0.3,
    support: int = 4,
    counts: Sequence[float] | None = None,
) -> Linear:
    """A scorer of candidates, by logistic regression; of one class alone, how many there are.

    `counts` is how much each one weighs.
    """
    if len(set(truth)) < 2:
        sure = round(math.log(2 * len(truth) + 1), DIGITS)
        return Linear({"yes": {"": sure if all(truth) else -sure}})
    from sklearn.linear_model import LogisticRegression

    found, names = matrix(rows, groups, support)
    model = LogisticRegression(C=strength, max_iter=1000).fit(
        found, np.array(truth, int), sample_weight=counts
    )
    return _linear(names, np.append(model.coef_[0], model.intercept_[0]))


def fit_classes(
    rows: Sequence[Sequence[str]],
    truth: Sequence[str],
    groups: Sequence[int],
    *,
    strength: float = 0.3,
    support: int = 4,
    counts: Sequence[float] | None = None,
    least: float = 0.0,
) -> Linear:
    """A scorer of several classes, by multinomial logistic regression; weights below `least` are left out."""
    from sklearn.linear_model import LogisticRegression

    found, names = matrix(rows, groups, support)
    model = LogisticRegression(C=strength, max_iter=2000).fit(found, np.array(truth), sample_weight=counts)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        coefficients = np.vstack([-coefficients[0] / 2, coefficients[0] / 2])
        intercepts = np.array([-intercepts[0] / 2, intercepts[0] / 2])
    return Linear(
        {
            str(name): _rounded(names, np.append(row, start), least)
            for name, row, start in zip(model.classes_, coefficients, intercepts, strict=True)
        }
    )


Trials = Sequence[tuple[Sequence[Instance], frozenset[str]]]


def fit_field(
    trials: Trials,
    labeled: Sequence[tuple[Sequence[str], bool]] = (),
    *,
    penalty: float = 0.5,
    strength: float = 0.3,
    inner: int = 3,
    weight: float = 1.0,
    shift: float = 0.0,
) -> FieldScorer:
    """Both scorers of a field; that of candidates learns from mention scores of unseen trials.

    `shift` is added to the log-odds of candidates: where few are positive, the penalty holds them all back.
    """
    rows: list[list[str]] = []
    truth: list[bool] = []
    groups: list[int] = []
    for part in range(inner):
        seen = [trial for at, trial in enumerate(trials) if at % inner != part]
        scorer = fit_mentions(seen, labeled, penalty=penalty, weight=weight)
        for at in range(part, len(trials), inner):
            instances, values = trials[at]
            table = Table([Scored(one, scorer.logit(one.signals)) for one in instances])
            for name, signals in table.signals().items():
                rows.append(signals)
                truth.append(name in values)
                groups.append(at)
    mention = fit_mentions(trials, labeled, penalty=penalty, weight=weight)
    if len(set(truth)) < 2:
        return FieldScorer(mention, Linear({"yes": {"": 3.0 if all(truth) else -3.0}}))
    candidate = fit_candidates(rows, truth, groups, strength=strength)
    if shift:
        weights = dict(candidate.weights["yes"])
        weights[""] = round(weights[""] + shift, DIGITS)
        candidate = Linear({"yes": weights})
    return FieldScorer(mention, candidate)


def fit_names(trials: Trials, *, strength: float = 0.1) -> NameScorer:
    """The scorer of products: each candidate once, by what all its mentions tell together."""
    rows: list[list[str]] = []
    truth: list[bool] = []
    groups: list[int] = []
    for at, (instances, values) in enumerate(trials):
        for name, signals in together(instances).items():
            rows.append(signals)
            truth.append(name in values)
            groups.append(at)
    if len(set(truth)) < 2:
        return NameScorer(Linear({"yes": {"": 3.0 if truth and all(truth) else -3.0}}))
    return NameScorer(fit_candidates(rows, truth, groups, strength=strength))


def cross(
    count: int,
    groups: Sequence[str],
    fit: Callable[[list[int]], Any],
    apply: Callable[[Any, int], Any],
    folds: int = 5,
) -> list[Any]:
    """What models say of items that they did not see; `fit` gets the numbers to learn from."""
    fold = [fold_of(group, folds) for group in groups]
    result: list[Any] = [None] * count
    for part in sorted(set(fold)):
        model = fit([at for at in range(count) if fold[at] != part])
        for at in range(count):
            if fold[at] == part:
                result[at] = apply(model, at)
    return result
