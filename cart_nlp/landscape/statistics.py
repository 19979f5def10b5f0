"""Comparisons between groups: scipy and statsmodels do the arithmetic, each with its contingency table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cart_nlp.landscape.table import Ids, Table, count, number, p_value

CHI_SQUARE = "chi-square"
SEED = 20240401
RESAMPLES = 9999
CANNOT = (
    "A test says how surprising a difference would be if the groups did not differ and every trial were "
    "independent. Trials of one sponsor or product are not independent, a registry is no "
    "random sample, and the "
    "groups differ in age, disease and country at once: no test here shows a cause. A "
    "p-value that is not small "
    "is no proof of equality, and with many trials a small p-value may go with a negligible difference: read "
    "Cramér's V (about 0.1 small, 0.3 medium, 0.5 large) and the table."
)


@dataclass(frozen=True)
class Comparison:
    """One question put to one contingency table; None where it could not be tested."""

    name: str
    question: str
    contingency: Table
    method: str
    statistic: float | None
    dof: int | None
    p: float | None
    p_adjusted: float | None
    v: float | None
    n: int
    smallest_expected: float | None
    caution: str

    @property
    def statistic_is(self) -> str | None:
        """What the statistic is: Fisher's test of a 2 by 2 table has an odds ratio, no chi-square."""
        if self.statistic is None:
            return None
        return CHI_SQUARE if self.method == CHI_SQUARE else "odds ratio"

    def reading(self) -> str:
        """What the result says, in one or two sentences."""
        if self.p is None or self.v is None:
            return f"Not tested: {self.caution}"
        strength = (
            "negligible"
            if self.v < 0.1
            else "small"
            if self.v < 0.3
            else "medium"
            if self.v < 0.5
            else "large"
        )
        adjusted = self.p if self.p_adjusted is None else self.p_adjusted
        verdict = "the groups differ" if adjusted < 0.05 else "no difference shown"
        return f"{verdict[0].upper()}{verdict[1:]} (association {strength}). {self.caution}".strip()


def compare(
    name: str,
    question: str,
    groups: Mapping[str, Mapping[str, Ids]],
    outcomes: Sequence[str],
    caution: str = "",
) -> Comparison:
    """Test whether the outcome depends on the group.

    `groups` maps group -> outcome -> trial ids; a trial must occur in one cell only (ValueError otherwise).
    Chi-square without continuity correction where all expected counts reach 5; otherwise Fisher's exact test,
    for tables larger than 2x2 by Monte Carlo with a fixed seed. Empty rows and columns are left out; an
    outcome of fewer than five trials is not tested.
    """
    import numpy as np
    from scipy.stats.contingency import association, expected_freq

    every = [one for cells in groups.values() for outcome in outcomes for one in cells.get(outcome, ())]
    if len(every) != len(set(every)):
        raise ValueError(f"comparison {name}: a trial is counted in two cells")
    table = Table(f"test_{name}", f"Contingency table: {question}", ("group", *outcomes, "all"), note=caution)
    for group, cells in groups.items():
        table.add(
            group,
            [count(cells.get(o, ())) for o in outcomes],
            count(i for o in outcomes for i in cells.get(o, ())),
        )
    counts = np.array([[len(cells.get(o, ())) for o in outcomes] for cells in groups.values()], dtype=int)
    counts = counts.reshape(len(groups), len(outcomes))
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    n = int(counts.sum())
    if min(counts.shape) < 2:
        why = "fewer than two groups or outcomes have trials."
        return Comparison(name, question, table, "none", None, None, None, None, None, n, None, why)
    if counts.sum(axis=0).min() < LEAST_EVENTS:
        totals = ((o, sum(len(cells.get(o, ())) for cells in groups.values())) for o in outcomes)
        few = next(o for o, total in totals if 0 < total < LEAST_EVENTS)
        why = f"fewer than {LEAST_EVENTS} trials are “{few}”."
        return Comparison(name, question, table, "none", None, None, None, None, None, n, None, why)
    expected = float(expected_freq(counts).min())
    v = float(association(counts, method="cramer"))
    method, statistic, dof, p = _tested(counts, expected)
    if n < 30:
        caution = f"{caution} Only {n} trials: a real difference may well stay unseen.".strip()
    return Comparison(name, question, table, method, statistic, dof, p, None, v, n, expected, caution)


def _tested(counts: Any, expected: float) -> tuple[str, float | None, int | None, float]:
    """The test that suits a table of counts: its name, statistic, degrees of freedom and p."""
    import numpy as np
    from scipy import stats

    if expected >= 5:
        result = stats.chi2_contingency(counts, correction=False)
        return CHI_SQUARE, _finite(result.statistic), int(result.dof), float(result.pvalue)
    if counts.shape == (2, 2):
        odds, p = stats.fisher_exact(counts)
        return "Fisher exact", _finite(odds), None, float(p)
    chance = stats.MonteCarloMethod(n_resamples=RESAMPLES, rng=np.random.default_rng(SEED))
    p = float(np.ravel(stats.fisher_exact(counts, method=chance).pvalue)[0])
    return f"Fisher exact, Monte Carlo ({RESAMPLES} tables)", None, None, p


def _finite(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


def adjust(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Correct the p-values of one report for their number (Holm); untested ones stay as they are."""
    from statsmodels.stats.multitest import multipletests

    tested = [one for one in comparisons if one.p is not None]
    if not tested:
        return list(comparisons)
    adjusted = dict(
        zip((c.name for c in tested), multipletests([c.p for c in tested], method="holm")[1], strict=True)
    )
    return [replace(c, p_adjusted=float(adjusted[c.name])) if c.name in adjusted else c for c in comparisons]


def summary(comparisons: Sequence[Comparison]) -> Table:
    """All comparisons, one row each."""
    columns = (
        "comparison",
        "question",
        "trials",
        "test",
        "statistic",
        "statistic is",
        "df",
        "p",
        "p (Holm)",
        "Cramér's V",
        "smallest expected count",
        "reading",
    )
    table = Table("tests", "Statistical comparisons", columns, note=CANNOT, section="Statistics")
    for c in comparisons:
        ids = [one for row in c.contingency.rows for one in row[-1].ids or ()]
        ps = [p_value(c.p), p_value(c.p_adjusted)]
        numbers = [number(c.statistic, 3), c.statistic_is, c.dof, *ps, number(c.v, 3)]
        table.add(
            c.name,
            c.question,
            count(ids) if ids or c.p is not None else None,
            c.method,
            *numbers,
            number(c.smallest_expected, 1),
            c.reading(),
        )
    return table


LEAST_EVENTS = 5
"""An outcome that fewer trials have is not tested: a test on two events says nothing."""
