"""Disease groups and indications."""

from __future__ import annotations

from cart_nlp.landscape.cohort import GROUPS, NOT_STATED, Cohort
from cart_nlp.landscape.growth import by_end, covered, first_start, starts
from cart_nlp.landscape.table import SHARE, Table, count, share

SECTION = "Diseases"


def tables(cohort: Cohort) -> list[Table]:
    """Disease groups, indications, and new indications by year."""
    return [_groups(cohort), _indications(cohort), _by_year(cohort)]


def _groups(cohort: Cohort) -> Table:
    note = (
        "Share of the trials that state a disease group; a trial of several groups counts in "
        "each, so shares may add up to more than 100."
    )
    columns = ("disease group", "trials", *SHARE, "this group only", "first start")
    table = Table(
        "disease_groups",
        "Trials by disease group",
        columns,
        note=note,
        section=SECTION,
        column_rests={"first start": ("start_date",)},
    )
    by = cohort.by("disease_group")
    stated = cohort.pick([bool(g) for g in cohort.df["disease_group"]])
    years = starts(cohort)
    for name in GROUPS:
        ids = by.get(name, ())
        alone = cohort.pick([g == (name,) for g in cohort.df["disease_group"]])
        table.add(name, count(ids), share(ids, stated), count(alone), first_start(cohort, ids, years))
    silent = cohort.pick([not g for g in cohort.df["disease_group"]])
    table.add(NOT_STATED, count(silent), (None, None, None), None, None)
    return table


def _indications(cohort: Cohort) -> Table:
    stated = cohort.pick([bool(i) for i in cohort.df["indications"]])
    note = (
        f"Share of the {len(stated)} trials that state an indication; a trial counts in each. Each "
        f"indication is "
        "counted as stated, without those below it: the reporting tree adds them up. An indication's "
        "groups are "
        "those of its trials."
    )
    columns = ("indication", "trials", *SHARE, *GROUPS)
    table = Table("indications", "Trials by indication", columns, note=note, section=SECTION)
    groups = dict(zip(cohort.df["trial_id"], cohort.df["disease_group"], strict=True))
    for name, ids in cohort.by("indications").items():
        table.add(
            name, count(ids), share(ids, stated), [count(i for i in ids if g in groups[i]) for g in GROUPS]
        )
    return table


def _by_year(cohort: Cohort) -> Table:
    note = f"Trials by start year; a trial of several groups counts in each. {covered(cohort)}"
    table = Table(
        "disease_groups_by_year",
        "Disease groups by start year",
        ("year", *GROUPS, NOT_STATED),
        note=note,
        section=SECTION,
        rests=("start_date",),
    )
    years = by_end(cohort, "start")
    for year in sorted({y for y in years if y is not None}):
        at = cohort.where([y == year for y in years])
        by = at.by("disease_group")
        table.add(
            str(year),
            [count(by.get(g, ())) for g in GROUPS],
            count(at.pick([not g for g in at.df["disease_group"]])),
        )
    return table
