"""Comparisons between groups: scipy and statsmodels do the arithmetic, each with its contingency table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cart_nlp.landscape.cohort import GROUPS, PHASES, Cohort, single
from cart_nlp.landscape.table import Cell, Ids, Table, count

SEED = 20240401
RESAMPLES = 9999
ORDER = ("China", "United States", "elsewhere", *GROUPS, "<50", "50–150", ">150")
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
    for tables larger than 2x2 by Monte Carlo with a fixed seed. Empty rows and columns are left out.
    """
    import numpy as np
    from scipy import stats
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
    expected = float(expected_freq(counts).min())
    v = float(association(counts, method="cramer"))
    statistic: float | None
    if expected >= 5:
        result = stats.chi2_contingency(counts, correction=False)
        method, statistic, dof, p = (
            "chi-square",
            float(result.statistic),
            int(result.dof),
            float(result.pvalue),
        )
    elif counts.shape == (2, 2):
        odds, p = stats.fisher_exact(counts)
        method, statistic, dof = "Fisher exact", float(odds), None
    else:
        chance = stats.MonteCarloMethod(n_resamples=RESAMPLES, rng=np.random.default_rng(SEED))
        method, statistic, dof = f"Fisher exact, Monte Carlo ({RESAMPLES} tables)", None, None
        p = float(np.ravel(stats.fisher_exact(counts, method=chance).pvalue)[0])
    if statistic is not None and not math.isfinite(statistic):
        statistic = None
    if n < 30:
        caution = f"{caution} Only {n} trials: a real difference may well stay unseen.".strip()
    return Comparison(name, question, table, method, statistic, dof, float(p), None, v, n, expected, caution)


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
        numbers = [_rounded(c.statistic, 3), c.dof, _small(c.p), _small(c.p_adjusted), _rounded(c.v, 3)]
        table.add(
            c.name, c.question, count(ids), c.method, *numbers, _rounded(c.smallest_expected, 1), c.reading()
        )
    return table


def _rounded(value: float | None, digits: int) -> Cell:
    return Cell(None if value is None else f"{value:.{digits}f}")


def _small(p: float | None) -> Cell:
    return Cell(None if p is None else "<0.0001" if p < 0.0001 else f"{p:.4f}")


def _cross(
    groups: Sequence[str | None], outcomes: Sequence[str | None], ids: Sequence[str]
) -> dict[str, dict[str, Ids]]:
    cells: dict[str, dict[str, list[str]]] = {}
    for group, outcome, one in zip(groups, outcomes, ids, strict=True):
        if group is not None and outcome is not None:
            cells.setdefault(group, {}).setdefault(outcome, []).append(one)
    return {
        g: {o: tuple(i) for o, i in by.items()}
        for g, by in sorted(cells.items(), key=lambda kv: _rank(kv[0]))
    }


def _rank(group: str) -> tuple[int, str]:
    return (ORDER.index(group) if group in ORDER else len(ORDER), group)


def comparisons(included: Cohort, published: frozenset[str]) -> list[Comparison]:
    """The comparisons of the report, corrected together; `published` are trials with results."""
    df, products = included.df, included.products.df
    place = ["several" if len(r) > 1 else r[0] if r else None for r in df["region"]]
    place = [
        p if p in ("China", "United States") else None if p in (None, "several") else "elsewhere"
        for p in place
    ]
    disease = single(df["disease_group"], GROUPS[:3])
    ids = list(df["trial_id"])
    late = [
        None if phase not in PHASES else "II and later" if is_late else "up to I/II"
        for phase, is_late in zip(df["phase"], df["late"], strict=True)
    ]
    funding = [None if f is None else str(f) for f in df["funding"]]
    stopped = [
        None if s is None else "stopped" if s in ("TERMINATED", "WITHDRAWN", "SUSPENDED") else "not stopped"
        for s in df["status"]
    ]
    results: list[str | None] = ["with results" if one in published else "without" for one in ids]
    if not published and included.options.publications is None:
        results = [None for _ in results]  # no record tells: see conduct.UNKNOWN
    done = [r if s == "COMPLETED" else None for r, s in zip(results, df["status"], strict=True)]
    early, later = included.options.growth
    period = [str(early) if early.holds(y) else str(later) if later.holds(y) else None for y in df["year"]]
    multi = [
        "multi-target" if m else "single" if t else None
        for m, t in zip(products["multi_target"], products["targets"], strict=True)
    ]
    one_place = "Trials in several of these places are left out."
    one_group = "Trials of several disease groups are left out."
    some = ("with results", "without")
    plan = [
        (
            "phase_by_place",
            ("Does the share of phase II and later differ between China, the United States and elsewhere?"),
            place,
            late,
            ("up to I/II", "II and later"),
            one_place,
        ),
        (
            "phase_by_disease",
            "Does the share of phase II and later differ between disease groups?",
            disease,
            late,
            ("up to I/II", "II and later"),
            one_group,
        ),
        (
            "funding_by_place",
            "Does funding differ between China, the United States and elsewhere?",
            place,
            funding,
            ("academic", "industry", "government", "mixed"),
            one_place,
        ),
        (
            "disease_by_period",
            f"Did the mix of disease groups change from {early} to {later}?",
            disease,
            period,
            (str(early), str(later)),
            one_group,
        ),
        (
            "results_by_place",
            "Completed trials: do posted or published results depend on the place?",
            place,
            done,
            some,
            one_place,
        ),
        (
            "results_by_disease",
            "Completed trials: do posted or published results depend on the disease group?",
            disease,
            done,
            some,
            one_group,
        ),
        (
            "results_by_size",
            "Completed trials: do posted or published results depend on enrollment?",
            list(df["size"]),
            done,
            some,
            "",
        ),
        (
            "stopped_by_funding",
            "Does the share of stopped trials depend on funding?",
            funding,
            stopped,
            ("stopped", "not stopped"),
            "Young trials have had less time to be stopped.",
        ),
        (
            "stopped_by_disease",
            "Does the share of stopped trials depend on the disease group?",
            disease,
            stopped,
            ("stopped", "not stopped"),
            one_group,
        ),
    ]
    tests = [compare(n, q, _cross(g, o, ids), names, why) for n, q, g, o, names, why in plan]
    groups = single(products["disease_group"], GROUPS[:3])
    cells = _cross(groups, multi, list(products["trial_id"]))
    question = "Product trials with a stated target: do multi-target shares differ between disease groups?"
    tests.insert(
        3, compare("multi_target_by_disease", question, cells, ("single", "multi-target"), one_group)
    )
    return adjust(tests)
