"""What else statistics can say: an adjusted model of late phase, trends over years, post-hoc pairs."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cart_nlp.landscape.cohort import GROUPS, PHASES, Cohort, Period, single
from cart_nlp.landscape.comparisons import place_of
from cart_nlp.landscape.coverage import ABSENT, LABELS, Seen
from cart_nlp.landscape.growth import FIELD, NAME, by_end
from cart_nlp.landscape.statistics import Comparison, compare
from cart_nlp.landscape.table import Cell, Table, count, number, p_value, ratio

SECTION = "Statistics"
FEW = 10
"""Events that each term of the model needs, and trials that a level needs to be a term."""
POOLED = 50
"""Trials that the first and the last years of a trend have together: a share of a few says nothing."""
TERMS = (
    ("place", "China", ("United States", "elsewhere", "several places")),
    ("disease", "hematological", ("solid", "autoimmune")),
    ("funding", "academic", ("industry", "government", "individual", "mixed")),
)


def tables(cohort: Cohort, seen: Mapping[str, Seen], tests: Sequence[Comparison]) -> list[Table]:
    """The adjusted model, trends, and pairs of the comparisons that showed a difference."""
    return [late_phase(cohort, seen), trends(cohort, seen), pairs(tests)]


def design(cohort: Cohort) -> pd.DataFrame:
    """One row a trial that has all: late (0/1), place, one disease group, funding, year inside the data."""
    df = cohort.df
    frame = pd.DataFrame(
        {
            "trial_id": list(df["trial_id"]),
            "late": [
                None if p not in PHASES else int(late)
                for p, late in zip(df["phase"], df["late"], strict=True)
            ],
            "place": place_of(df["region"]),
            "disease": single(df["disease_group"], GROUPS[:3]),
            "funding": list(df["funding"]),
            "year": by_end(cohort, cohort.options.axis),
        },
        dtype=object,
    )
    rows = frame.itertuples(index=False)
    complete = np.fromiter((all(v is not None for v in row) for row in rows), dtype=bool)
    return frame.loc[complete].reset_index(drop=True)


def usable(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Without the trials of levels that are too rare, or of which all or none are late; and what went."""
    gone: list[str] = []
    for name, _, levels in TERMS:
        for level in levels:
            at = frame[name] == level
            n, late = int(at.sum()), int(frame["late"][at].sum())
            if n and (n < FEW or late in (0, n)):
                gone.append(f"{level} ({late} of {n} late)")
                frame = frame[~at]
    return frame.reset_index(drop=True), gone


def matrix(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of the model: a constant, 0/1 for each level that occurs, and years since the mean year."""
    columns: dict[str, Any] = {"const": np.ones(len(frame))}
    for name, _, levels in TERMS:
        for level in levels:
            is_one = (frame[name] == level).astype(float)
            if is_one.any():
                columns[f"{name}: {level}"] = is_one
    years = frame["year"].astype(float)
    columns["year (each later)"] = years - round(years.mean())
    return pd.DataFrame(columns)


def late_phase(cohort: Cohort, seen: Mapping[str, Seen]) -> Table:
    """Logit of phase II and later on place, disease, year and funding (statsmodels)."""
    table = Table(
        "late_phase_model",
        "Adjusted model: which trials are in phase II or later",
        ("term", "trials", "odds ratio", "95 % low", "95 % high", "p"),
        section=SECTION,
    )
    axis = cohort.options.axis
    rests = ("phase", "countries", "sponsor", FIELD[axis])
    if absent := [LABELS[f] for f in rests if not seen[f].enough]:
        table.note = f"Not fitted: {', '.join(absent)} {ABSENT}."
        return table
    frame, gone = usable(design(cohort))
    late, terms = frame["late"].astype(float), matrix(frame) if len(frame) else pd.DataFrame()
    events = int(min(late.sum(), len(late) - late.sum())) if len(frame) else 0
    if events < FEW * max(terms.shape[1] - 1, 1):
        table.note = (
            f"Not fitted: {events} trials in the smaller outcome are too few for "
            f"{max(terms.shape[1] - 1, 0)} terms "
            f"({FEW} a term are the rule)."
        )
        return table
    fitted = fit(late, terms)
    if fitted is None:
        table.note = "Not fitted: a term separates the outcomes completely."
        return table
    low, high = fitted.conf_int()[0], fitted.conf_int()[1]
    for term in terms.columns:
        if term == "const":
            continue
        ids = [] if term.startswith("year") else list(frame["trial_id"][terms[term] == 1])
        values = [float(np.exp(v)) for v in (fitted.params[term], low[term], high[term])]
        table.add(
            term,
            count(frame["trial_id"]) if term.startswith("year") else count(ids),
            [number(v, 2) for v in values],
            p_value(float(fitted.pvalues[term])),
        )
    left = len(cohort) - len(frame)
    table.note = (
        f"Logistic regression (statsmodels) over {len(frame):,} trials with a phase, one disease group, a "
        f"place, "
        f"funding and a year of {NAME[axis]} inside the data; {int(late.sum())} of them late; {left:,} "
        "trials lack one of these or have "
        "several disease groups. Odds ratios against China, hematological disease and academic funding, each "
        f"adjusted for the others; pseudo R² {fitted.prsquared:.3f}. "
        + (f"Left out, too few or all alike: {', '.join(gone)}. " if gone else "")
        + "Phases of a registry are those of today: an old trial had more time to move on. No cause is shown."
    )
    return table


def fit(late: Any, terms: pd.DataFrame) -> Any:
    """statsmodels' Logit, or None where it has no finite solution."""
    from statsmodels.discrete.discrete_model import Logit
    from statsmodels.tools.sm_exceptions import ConvergenceWarning, PerfectSeparationWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        warnings.simplefilter("error", PerfectSeparationWarning)
        try:
            return Logit(late, terms).fit(disp=0)
        except (np.linalg.LinAlgError, ConvergenceWarning, PerfectSeparationWarning):
            return None


def cochran_armitage(
    events: Sequence[int], totals: Sequence[int], scores: Sequence[float]
) -> tuple[float, float]:
    """z and two-sided p of a linear trend in proportions (statsmodels' test of ordinal association)."""
    from statsmodels.stats.contingency_tables import Table as Contingency

    counts = np.array([[e, t - e] for e, t in zip(events, totals, strict=True)], dtype=float)
    result = Contingency(counts, shift_zeros=False).test_ordinal_association(
        row_scores=np.asarray(scores, dtype=float), col_scores=np.array([1.0, 0.0])
    )
    return float(result.zscore), float(result.pvalue)


def trends(cohort: Cohort, seen: Mapping[str, Seen]) -> Table:
    """Trends of shares over years, each share among the trials that could have it."""
    axis = cohort.options.axis
    note = (
        f"Cochran–Armitage tests over the years of {NAME[axis]} up to the last full year (statsmodels), "
        f"Holm's correction over these. First and last years: as many from either end as have {POOLED} "
        "trials together, half of the years at most; their trials are pooled, the test takes each year by "
        "itself. Shares of trials that have the field; a trend of what trials state may be one of stating."
    )
    columns = (
        "share",
        "years",
        "trials",
        "first years",
        "first years %",
        "last years",
        "last years %",
        "z",
        "p",
        "p (Holm)",
        "reading",
    )
    table = Table("trends", "Trends over the years", columns, note=note, section=SECTION)
    last = cohort.end.year if (cohort.end.month, cohort.end.day) == (12, 31) else cohort.end.year - 1
    years = by_end(cohort, axis)
    found: list[_Trend] = []
    for name, values, rests in _shares(cohort):
        absent = [LABELS[f] for f in (*rests, FIELD[axis]) if not seen[f].enough]
        why = f"Not tested: {', '.join(absent)} {ABSENT}."
        trend = _Trend(name, why) if absent else _trend(name, cohort.df, years, values, last)
        found.append(trend)
    tested = {one.name: one.p for one in found if one.p is not None}
    corrected = dict(zip(tested, holm(list(tested.values())), strict=True))
    for one in found:
        table.add(*one.cells(corrected.get(one.name)))
    return table


@dataclass(frozen=True)
class _Trend:
    """A share over years; without `z` and `p` where it is not tested, and then with the reason."""

    name: str
    why: str = ""
    years: str | None = None
    trials: Cell | None = None
    ends: tuple[Cell | None, ...] = (None,) * 4
    """The first years and their share, the last years and theirs."""
    z: float | None = None
    p: float | None = None

    def cells(self, corrected: float | None) -> list[Any]:
        """The row of the table, with p after Holm's correction."""
        reading = self.why
        if self.z is not None and corrected is not None:
            reading = "no trend shown" if corrected >= 0.05 else "rises" if self.z > 0 else "falls"
        numbers = (number(self.z, 2), p_value(self.p), p_value(corrected))
        return [self.name, self.years, self.trials, *self.ends, *numbers, reading]


def _shares(cohort: Cohort) -> Iterator[tuple[str, list[bool | None], tuple[str, ...]]]:
    """What may have a trend: for each trial whether it has it, None where it cannot; the fields behind it."""
    df = cohort.df
    phases, groups = df["phase"], df["disease_group"]
    late = [bool(x) if p in PHASES else None for p, x in zip(phases, df["late"], strict=True)]
    yield "phase II and later", late, ("phase",)
    yield "in China", _holding("China", df["region"]), ("countries",)
    yield "solid tumors", _holding("solid", groups), ()
    yield "autoimmune disease", _holding("autoimmune", groups), ()
    product = df["car_trial"] == "product"
    several = [len(t) > 1 if t and own else None for t, own in zip(df["targets"], product, strict=True)]
    yield "several targets (products)", several, ()
    industry = [None if f is None else f in ("industry", "mixed") for f in df["funding"]]
    yield "industry alone or with others", industry, ("sponsor",)
    sources = [c if own else () for c, own in zip(df["cell_source"], product, strict=True)]
    yield "off the shelf (products that state a source)", _holding("off_the_shelf", sources), ()


def _holding(value: str, of: Iterable[tuple[str, ...]]) -> list[bool | None]:
    """Whether each of some lists holds a value; None for an empty one."""
    return [value in one if one else None for one in of]


def holm(ps: Sequence[float]) -> list[float]:
    """P-values corrected for their number."""
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(ps, method="holm")[1]] if ps else []


def _trend(name: str, df: pd.DataFrame, at: list[int | None], values: list[bool | None], last: int) -> _Trend:
    by: dict[int, list[tuple[str, bool]]] = {}
    for i, year, value in zip(df["trial_id"], at, values, strict=True):
        if year is not None and value is not None and year <= last:
            by.setdefault(year, []).append((i, value))
    years = sorted(by)
    totals = [len(by[y]) for y in years]
    events = [sum(v for _, v in by[y]) for y in years]
    everyone = count(i for y in years for i, _ in by[y])
    if len(years) < 3 or not 5 <= sum(events) <= sum(totals) - 5:
        why = "Not tested: fewer than three years or five trials."
        return _Trend(name, why, _span(years) if years else None, everyone)
    z, p = cochran_armitage(events, totals, years)
    ends: list[Cell] = []
    for pooled in (_pooled(years, by), sorted(_pooled(years[::-1], by))):
        trials = [one for year in pooled for one in by[year]]
        ends += [Cell(_span(pooled)), ratio([i for i, has in trials if has], [i for i, _ in trials])]
    return _Trend(name, "", _span(years), everyone, tuple(ends), z, p)


def _span(years: Sequence[int]) -> str:
    return str(Period(years[0], years[-1]))


def _pooled(years: Sequence[int], by: Mapping[int, Sequence[object]]) -> list[int]:
    """The fewest years from the begin of a list that have enough trials together, half of them at most."""
    found: list[int] = []
    for year in years[: len(years) // 2]:
        found.append(year)
        if sum(len(by[one]) for one in found) >= POOLED:
            break
    return found


def pairs(tests: Sequence[Comparison]) -> Table:
    """Post-hoc: each pair of groups of the comparisons that showed a difference, Holm within each."""
    note = (
        "Pairs of groups of those comparisons that showed a difference, by the same tests; p is corrected "
        "(Holm) over "
        "the pairs of one comparison. A comparison without a difference has no pairs here."
    )
    columns = ("comparison", "one", "other", "trials", "test", "Cramér's V", "p", "p (Holm)", "reading")
    table = Table("pairs_post_hoc", "Which groups differ", columns, note=note, section=SECTION)
    for test in tests:
        if test.p_adjusted is None or test.p_adjusted >= 0.05 or len(test.contingency.rows) < 3:
            continue
        for row in _pairs(test):
            table.add(test.name, *row)
    return table


def _pairs(test: Comparison) -> Iterator[list[Any]]:
    """A row for each pair of groups of a comparison, corrected together."""
    outcomes = test.contingency.columns[1:-1]
    groups = {
        row[0].text(): dict(zip(outcomes, (c.ids or () for c in row[1:-1]), strict=True))
        for row in test.contingency.rows
    }
    made = [
        (one, other, compare(test.name, test.question, {one: groups[one], other: groups[other]}, outcomes))
        for one, other in itertools.combinations(groups, 2)
    ]
    adjusted = iter(holm([pair.p for _, _, pair in made if pair.p is not None]))
    for one, other, pair in made:
        p = None if pair.p is None else next(adjusted)
        ids = [i for row in pair.contingency.rows for i in row[-1].ids or ()]
        reading = (
            f"Not tested: {pair.caution}" if p is None else "differ" if p < 0.05 else "no difference shown"
        )
        yield [one, other, count(ids), pair.method, number(pair.v, 3), p_value(pair.p), p_value(p), reading]
