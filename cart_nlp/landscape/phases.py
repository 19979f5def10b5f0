"""Phases overall, by country and by disease group, and the share beyond phase I/II."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cart_nlp.landscape.cohort import EARLY, GROUPS, LATE, NOT_STATED, PHASE_NAMES, PHASES, UP_TO_TWO, Cohort
from cart_nlp.landscape.regions import REGIONS
from cart_nlp.landscape.table import SHARE, Ids, Table, count, share, share_columns

SECTION = "Phases"
SEVERAL = "in several regions"
WIDE = (*REGIONS[2:], SEVERAL)
"""Rows that are no single country."""
RULE = (
    "A phase is stated where the registry gives I to IV; “not applicable” and an empty field are none. "
    "Shares are "
    "of the trials with a phase. “Phase II and later” is II, II/III, III and IV: beyond phase I/II."
)


def tables(cohort: Cohort) -> list[Table]:
    """Overall distribution; by country and region; by disease group."""
    by = cohort.by("countries")
    countries = list(by.items())[:10]
    regions = [(name, ids) for name, ids in cohort.by("region").items() if name in WIDE]
    several = cohort.pick([len(r) > 1 for r in cohort.df["region"]])
    diseases = cohort.by("disease_group")
    groups = [(name, diseases[name]) for name in GROUPS if name in diseases]
    return [
        _overall(cohort),
        _by(
            cohort,
            "phases_by_country",
            "Phases by country (first ten) and region",
            "country or region",
            [*countries, *regions, (SEVERAL, several)],
            "A trial in several countries counts in each. ",
            ("phase", "countries"),
        ),
        _by(cohort, "phases_by_disease", "Phases by disease group", "disease group", groups, "", ("phase",)),
    ]


def phase_of(ids: Ids, phases: Mapping[Any, str | None]) -> tuple[str | None, Ids]:
    """The highest phase among the trials and the trials in it; None if none has a phase."""
    ranked = [(PHASES.index(str(phases[i])), i) for i in ids if phases[i] in PHASES]
    if not ranked:
        return None, ()
    top = max(rank for rank, _ in ranked)
    return PHASE_NAMES[PHASES[top]], tuple(i for rank, i in ranked if rank == top)


def _overall(cohort: Cohort) -> Table:
    table = Table(
        "phases", "Trials by phase", ("phase", "trials", *SHARE), note=RULE, section=SECTION, rests=("phase",)
    )
    by = cohort.by("phase")
    phased = cohort.pick(cohort.df["phased"].astype(bool))
    silent = cohort.pick([phase not in PHASE_NAMES for phase in cohort.df["phase"]])
    for phase, name in PHASE_NAMES.items():
        ids = by.get(phase, ())
        table.add(name, count(ids), (None, None, None) if phase == "NA" else share(ids, phased))
    table.add(NOT_STATED, count(silent), (None, None, None))
    early = cohort.pick(cohort.df["phase"].isin(EARLY))
    to_two = cohort.pick(cohort.df["phase"].isin(UP_TO_TWO))
    late = cohort.pick(cohort.df["late"].astype(bool))
    for label, ids in (
        ("early I and I together", early),
        ("up to I/II together", to_two),
        ("II and later together", late),
    ):
        table.add(label, count(ids), share(ids, phased))
    return table


def _by(
    cohort: Cohort,
    name: str,
    title: str,
    first: str,
    groups: Iterable[tuple[str, Ids]],
    note: str,
    rests: tuple[str, ...],
) -> Table:
    columns = (
        first,
        "trials",
        *PHASE_NAMES.values(),
        NOT_STATED,
        "with a phase",
        *share_columns("II and later"),
    )
    table = Table(name, title, columns, note=note + RULE, section=SECTION, rests=rests)
    phase = dict(zip(cohort.df["trial_id"], cohort.df["phase"], strict=True))
    phased = dict(zip(cohort.df["trial_id"], cohort.df["phased"], strict=True))
    for label, ids in groups:
        cells = [count(i for i in ids if phase[i] == key) for key in PHASE_NAMES]
        silent = count(i for i in ids if phase[i] not in PHASE_NAMES)
        of = tuple(i for i in ids if phased[i])
        late = tuple(i for i in ids if phase[i] in LATE)
        table.add(label, count(ids), cells, silent, count(of), share(late, of))
    return table
