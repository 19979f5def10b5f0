"""The comparisons of the report: which groups, which outcome, on which fields they rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cart_nlp.landscape.cohort import GROUPS, PHASES, Cohort, Period, single
from cart_nlp.landscape.coverage import ABSENT, LABELS, STOPPED, Seen
from cart_nlp.landscape.diseases import COLUMNS, columns_of
from cart_nlp.landscape.funding import CLASSES
from cart_nlp.landscape.growth import FIELD, by_end
from cart_nlp.landscape.statistics import LEAST_EVENTS, Comparison, adjust, compare
from cart_nlp.landscape.table import Ids, Table

if TYPE_CHECKING:
    import pandas as pd


ORDER = ("China", "United States", "elsewhere", "several places", *GROUPS, "<50", "50–150", ">150")


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


STOPPED_WORDS = ("stopped", "not stopped")


PHASED = ("up to I/II", "II and later")


@dataclass(frozen=True)
class Plan:
    """One question, the values that it crosses (None: left out), and the fields that it rests on."""

    name: str
    question: str
    groups: Sequence[str | None]
    outcomes: Sequence[str | None]
    names: tuple[str, ...]
    rests: tuple[str, ...] = ()
    caution: str = ""
    products: bool = False
    """Whether the values are of the product trials, not of all."""


def place_of(regions: Iterable[tuple[str, ...]]) -> list[str | None]:
    """China, United States, elsewhere, or several of these; None without a country."""
    found: list[str | None] = []
    for one in regions:
        kinds = {r if r in ("China", "United States") else "elsewhere" for r in one}
        found.append(None if not kinds else kinds.pop() if len(kinds) == 1 else "several places")
    return found


def _plans(included: Cohort, outcome: tuple[str, frozenset[str]]) -> list[Plan]:
    name, published = outcome
    some = (f"with {name}", "without")
    df, products = included.df, included.products.df
    place = place_of(df["region"])
    disease = single(df["disease_group"], GROUPS[:3])
    ids = list(df["trial_id"])
    late = _late(df)
    funding = _texts(df["funding"])
    stopped = _stopped(df["status"])
    results: list[str | None] = [some[0] if one in published else some[1] for one in ids]
    done = [r if s == "COMPLETED" else None for r, s in zip(results, df["status"], strict=True)]
    early, later = included.options.growth
    axis = included.options.axis
    period = _period(by_end(included, axis), early, later)
    field = FIELD[axis]
    multi = _several(products)
    edited = ["edited" if e else "not stated" for e in products["edits"]]
    share = _source(products["cell_source"])
    leading = _leading(included.products, 4)
    one_group = "Trials of several disease groups are left out."
    some_place = "Trials in several of these places are a group of their own."
    money = tuple(CLASSES)
    sizes = _texts(df["size"])
    return [
        Plan(
            "phase_by_place",
            "Does the share of phase II and later differ between China, the United States, elsewhere and "
            "multi-region trials?",
            place,
            late,
            PHASED,
            ("phase", "countries"),
            some_place,
        ),
        Plan(
            "phase_by_disease",
            "Does the share of phase II and later differ between disease groups?",
            disease,
            late,
            PHASED,
            ("phase",),
            one_group,
        ),
        Plan(
            "phase_by_target",
            "Product trials of one of the four leading targets alone: does the share of phase II and later "
            "differ?",
            leading,
            _of(products, late, ids),
            PHASED,
            ("phase",),
            "Trials of several targets, and of rarer ones, are left out.",
            products=True,
        ),
        Plan(
            "indication_by_target",
            "Product trials of one of the four leading targets alone: do their disease columns differ?",
            leading,
            _column(products, leading),
            ORDERED,
            (),
            "Trials of several columns of the reporting tree are left out; columns under ten trials are "
            "pooled, or left out if they are few together.",
            products=True,
        ),
        Plan(
            "funding_by_place",
            "Does funding differ between places?",
            place,
            funding,
            money,
            ("sponsor", "countries", "collaborators"),
            some_place,
        ),
        Plan(
            "disease_by_period",
            f"Did the mix of disease groups change from {early} to {later}?",
            disease,
            period,
            (str(early), str(later)),
            (field,),
            one_group,
        ),
        Plan(
            "multi_target_by_disease",
            "Product trials with a target: do multi-target shares differ between disease groups?",
            single(products["disease_group"], GROUPS[:3]),
            multi,
            ("single", "multi-target"),
            (),
            one_group,
            products=True,
        ),
        Plan(
            "editing_by_source",
            "Product trials with a cell source: is editing told more often of off-the-shelf products?",
            share,
            edited,
            ("edited", "not stated"),
            (),
            "Silence is not absence: many products are edited without saying so.",
            products=True,
        ),
        Plan(
            "results_by_place",
            f"Completed trials: do {name} depend on the place?",
            place,
            done,
            some,
            ("status", "countries", "results"),
            some_place,
        ),
        Plan(
            "results_by_disease",
            f"Completed trials: do {name} depend on the disease group?",
            disease,
            done,
            some,
            ("status", "results"),
            one_group,
        ),
        Plan(
            "results_by_size",
            f"Completed trials: do {name} depend on enrollment?",
            sizes,
            done,
            some,
            ("status", "results", "enrollment"),
        ),
        Plan(
            "results_by_size_all",
            f"All trials: do {name} depend on enrollment?",
            sizes,
            results,
            some,
            ("results", "enrollment"),
            "Most trials are not over: this is the study's way of asking.",
        ),
        Plan(
            "stopped_by_funding",
            "Does the share of stopped trials depend on funding?",
            funding,
            stopped,
            STOPPED_WORDS,
            ("status", "sponsor"),
            "Young trials have had less time to be stopped.",
        ),
        Plan(
            "stopped_by_disease",
            "Does the share of stopped trials depend on the disease group?",
            disease,
            stopped,
            STOPPED_WORDS,
            ("status",),
            one_group,
        ),
    ]


def _texts(values: Iterable[object]) -> list[str | None]:
    return [None if value is None else str(value) for value in values]


def _late(df: pd.DataFrame) -> list[str | None]:
    up_to_two, later = PHASED
    return [
        None if phase not in PHASES else later if is_late else up_to_two
        for phase, is_late in zip(df["phase"], df["late"], strict=True)
    ]


def _stopped(statuses: Iterable[str | None]) -> list[str | None]:
    stopped, others = STOPPED_WORDS
    return [None if status is None else stopped if status in STOPPED else others for status in statuses]


def _period(years: Iterable[int | None], early: Period, later: Period) -> list[str | None]:
    return [str(early) if early.holds(y) else str(later) if later.holds(y) else None for y in years]


def _several(products: pd.DataFrame) -> list[str | None]:
    return [
        "multi-target" if several else "single" if targets else None
        for several, targets in zip(products["multi_target"], products["targets"], strict=True)
    ]


def _source(sources: Iterable[tuple[str, ...]]) -> list[str | None]:
    return [
        "off the shelf" if "off_the_shelf" in source else "autologous" if source == ("autologous",) else None
        for source in sources
    ]


ORDERED = (*COLUMNS, "rarer")
POOLED = 10
"""Columns under so many trials are tested together."""


def _leading(products: Cohort, top: int) -> list[str | None]:
    names = list(products.by("targets"))[:top]
    return [t[0] if len(t) == 1 and t[0] in names else None for t in products.df["targets"]]


def _of(products: pd.DataFrame, values: Sequence[str | None], ids: Sequence[str]) -> list[str | None]:
    at = dict(zip(ids, values, strict=True))
    return [at[i] for i in products["trial_id"]]


def _column(products: pd.DataFrame, groups: Sequence[str | None]) -> list[str | None]:
    """The one column of each trial; those that few trials of the groups have are pooled, or left out."""
    found = [columns_of(names) for names in products["indications"]]
    one = [c[0] if len(c) == 1 else None for c in found]
    tally = Counter(c for c, group in zip(one, groups, strict=True) if c is not None and group is not None)
    few = {c for c, n in tally.items() if n < POOLED}
    rarer = "rarer" if sum(tally[c] for c in few) >= LEAST_EVENTS else None
    return [None if c not in tally else rarer if c in few else c for c in one]


def comparisons(
    included: Cohort, outcome: tuple[str, frozenset[str]], seen: Mapping[str, Seen]
) -> list[Comparison]:
    """The comparisons of the report, corrected together; `outcome` names results and who has them.

    What rests on a field that the export lacks, or has an outcome that next to no trial has, is not tested
    and takes no share of the correction.
    """
    every, products = list(included.df["trial_id"]), list(included.products.df["trial_id"])
    tests = []
    for plan in _plans(included, outcome):
        absent = [LABELS[name] for name in plan.rests if not seen[name].enough]
        cells = _cross(plan.groups, plan.outcomes, products if plan.products else every)
        names = (
            plan.names
            if plan.names != ORDERED
            else tuple(n for n in ORDERED if any(n in c for c in cells.values()))
        )
        if absent:
            why = f"{' and '.join(absent)} {ABSENT}."
            empty = Table(
                f"test_{plan.name}", f"Contingency table: {plan.question}", ("group", *names, "all"), note=why
            )
            tests.append(
                Comparison(
                    plan.name, plan.question, empty, "none", None, None, None, None, None, 0, None, why
                )
            )
        else:
            tests.append(compare(plan.name, plan.question, cells, names, plan.caution))
    return adjust(tests)
