"""Trials by year, period, region and country, and growth a year between two periods."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from cart_nlp.landscape import dating
from cart_nlp.landscape.cohort import GROUPS, NOT_STATED, Cohort, Period
from cart_nlp.landscape.diseases import under
from cart_nlp.landscape.regions import REGIONS, region
from cart_nlp.landscape.table import SHARE, Cell, Ids, Table, count, share

SECTION = "Growth and geography"
LONGEST_GAP = 60
FIELD = {"start": "start_date", "registration": "registered"}
NAME = {"start": "start", "registration": "registration"}
OUTSIDE = "neither China nor United States"
PLACES = dict.fromkeys((*REGIONS, NOT_STATED), ("countries",))


def tables(cohort: Cohort) -> list[Table]:
    """Years, periods, countries, regions, growth rates."""
    return [
        _placed(cohort),
        _years(cohort, "registration", "trials_by_registration_year"),
        _years(cohort, "start", "trials_by_year"),
        _periods(cohort),
        _regions(cohort),
        _countries(cohort),
        _rates(cohort),
    ]


def by_end(cohort: Cohort, axis: str) -> list[int | None]:
    """Year of each trial on an axis; None where it has none, or lies outside the time of the analysis."""
    return [None if day is None else int(day[:4]) for day in days_of(cohort, axis)]


def days_of(cohort: Cohort, axis: str) -> list[str | None]:
    """Day of each trial on an axis, month or year where it is all that is known; None as in `by_end`."""
    return [day if day is not None and _covered(cohort, day) else None for day in _days_of_axis(cohort, axis)]


def later(cohort: Cohort, axis: str) -> Ids:
    """Trials whose day on an axis lies after the end of the data: plans, or not yet registered."""
    days = _days_of_axis(cohort, axis)
    return cohort.pick([day is not None and dating.first_day(day) > cohort.end for day in days])


def _days_of_axis(cohort: Cohort, axis: str) -> list[str | None]:
    return [
        None if year is None else dating.day(day)
        for year, day in zip(cohort.df[f"{axis}_year"], cohort.df[FIELD[axis]], strict=True)
    ]


def _covered(cohort: Cohort, day: str) -> bool:
    return cohort.begin <= dating.last_day(day) and dating.first_day(day) <= cohort.end


def starts(cohort: Cohort) -> dict[str, int | None]:
    """Trial -> the year of its start; None where it has none, or lies outside the time of the analysis."""
    return dict(zip(cohort.df["trial_id"], by_end(cohort, "start"), strict=True))


def first_start(cohort: Cohort, ids: Ids, years: Mapping[str, int | None]) -> Cell:
    """The first of the years of some trials, with those that have it.

    Undefined with a date from which trials are read: the first one may be before it.
    """
    found = [(year, i) for i in ids if (year := years[i]) is not None]
    if cohort.options.since or not found:
        return Cell(None)
    first = min(year for year, _ in found)
    return Cell(str(first), tuple(i for year, i in found if year == first))


def covered(cohort: Cohort) -> str:
    """A sentence for tables of years: those outside the data have no row, the ends may be no whole years."""
    begin = f"begin with {cohort.options.since} and " if cohort.options.since else ""
    return f"The data {begin}end on {cohort.end.isoformat()}: years outside have no row."


def outside(cohort: Cohort) -> Ids:
    """Trials whose record names countries, neither China nor the United States among them."""
    return cohort.pick([bool(r) and not {"China", "United States"} & set(r) for r in cohort.df["region"]])


def _placed(cohort: Cohort) -> Table:
    note = (
        "How the date of registration was found; a date before registries opened (1999) is none. An NCT "
        "number without a recorded date is placed by the order in which "
        f"ClinicalTrials.gov gives numbers out, between dated ones ({cohort.placed.error}; "
        f"{cohort.placed.dated_here:,} of them from these records, the others come with the package). "
        f"{cohort.placed.beyond}{after_end(cohort)}"
    )
    table = Table(
        "placed",
        "How trials were placed in time",
        ("placed by", "trials", *SHARE),
        note=note,
        section=SECTION,
    )
    every = cohort.pick()
    for how in (dating.RECORDED, dating.BY_NUMBER, dating.EXTRAPOLATED, dating.BY_START):
        ids = cohort.pick(cohort.df["placed_by"] == how)
        table.add(how, count(ids), share(ids, every))
    none = cohort.pick([how is None for how in cohort.df["placed_by"]])
    table.add("no date", count(none), share(none, every))
    return table


def _years(cohort: Cohort, axis: str, name: str) -> Table:
    note = (
        f"By year of {NAME[axis]}. A trial with sites in several regions counts once in each, so regions "
        f"may add "
        f"up to more than the row's trials. The data end on {cohort.end.isoformat()}: a year that is not "
        "over by then is cut short, and marked."
    )
    if axis == "start":
        note += (
            f" Plans, with a start after that day, stand in no row ({len(later(cohort, axis)):,} trials)."
            " A trial starts after it was registered, often months: the last year has starts still to come."
        )
    else:
        note += after_end(cohort)
    if since := cohort.options.since:
        note += f" The data begin with {since}: a year that began before is marked cut."
    table = Table(
        name,
        f"Trials by {NAME[axis]} year and region",
        ("year", "trials", "cumulative", *REGIONS, NOT_STATED, "year over"),
        note=note,
        section=SECTION,
        rests=(FIELD[axis],),
        column_rests=PLACES,
    )
    column = by_end(cohort, axis)
    years = sorted({y for y in column if y is not None})
    if years and years[-1] - years[0] <= LONGEST_GAP:
        years = list(range(years[0], years[-1] + 1))
    so_far: Ids = ()
    for year in years:
        at = cohort.where([y == year for y in column])
        so_far = (*so_far, *at.pick())
        table.add(str(year), count(at.pick()), count(so_far), _by_region(at), _over(year, cohort))
    undated = cohort.where([y is None for y in cohort.df[f"{axis}_year"]])
    if len(undated):
        table.add(NOT_STATED, count(undated.pick()), Cell(None), _by_region(undated), None)
    return table


def after_end(cohort: Cohort) -> str:
    """A sentence on the trials registered after the end of the data, if there are any."""
    n = len(later(cohort, "registration"))
    if not n:
        return ""
    were = "trial was" if n == 1 else "trials were"
    return (
        f" {n:,} {were} registered after the end of the data ({cohort.end.isoformat()}), by their "
        "record or number: no count by registration holds them."
    )


def _over(year: int, cohort: Cohort) -> str:
    """Whether the data cover a year."""
    if datetime.date(year, 12, 31) > cohort.end:
        return "no"
    return "yes" if datetime.date(year, 1, 1) >= cohort.begin else "cut"


def _by_region(cohort: Cohort) -> list[Cell]:
    by = cohort.by("region")
    silent = cohort.pick([not r for r in cohort.df["region"]])
    return [*(count(by.get(name, ())) for name in REGIONS), count(silent)]


def length(cohort: Cohort, period: Period, axis: str) -> float:
    """Years of a period that the analysis covers; 0 if none.

    An open one begins with the data where --since tells their first day, else with the first trial: the first
    day of its month or year, where only that is known.
    """
    days = [dating.first_day(day) for day in days_of(cohort, axis) if day is not None]
    if not days and period.first is None:
        return 0.0
    first = cohort.begin if cohort.options.since else min(days, default=datetime.date.max)
    return period.span(first, cohort.begin, cohort.end)


def known(cohort: Cohort, period: Period, cell: Cell) -> Cell:
    """A count of a period; undefined where the data do not reach it."""
    return cell if cohort.reaches(period) else Cell(None)


def _periods(cohort: Cohort) -> Table:
    note = (
        "Trials a year: over the time from the period's begin (the day of the first trial, where it is open; "
        "the first of its month, or year, where only that is known; with --since the begin of the data) "
        f"to its end or the end of the data, {cohort.end.isoformat()}, whichever is first. Trials that start "
        "or were registered after that are not counted; of a period outside the data nothing is known (–)."
    )
    if since := cohort.options.since:
        note += (
            f" Nor are those before {since}, where the data begin, and the time before divides nothing; of "
            "the starts soon after it some are missing, since the trial was registered before."
        )
    columns: list[str] = ["period", "axis", "years", "trials", "trials a year", *REGIONS, NOT_STATED]
    table = Table(
        "periods", "Phases of growth", tuple(columns), note=note, section=SECTION, column_rests=PLACES
    )
    for axis in ("start", "registration"):
        years = by_end(cohort, axis)
        for period in cohort.options.periods:
            at = cohort.where([period.holds(y) for y in years])
            long = length(cohort, period, axis)
            table.add(
                str(period),
                NAME[axis],
                f"{long:.2f}" if long else None,
                known(cohort, period, count(at.pick())),
                Cell(round(len(at) / long, 1) if long else None, at.pick()),
                [known(cohort, period, cell) for cell in _by_region(at)],
                rests=(FIELD[axis],),
            )
    return table


def _regions(cohort: Cohort) -> Table:
    note = "Share of the trials whose record names a country; a trial in several regions counts in each."
    table = Table(
        "regions",
        "Trials by region",
        ("region", "trials", *SHARE, "in this region only"),
        note=note,
        section=SECTION,
        rests=("countries",),
    )
    by = cohort.by("region")
    placed = cohort.pick([bool(r) for r in cohort.df["region"]])
    for name in REGIONS:
        ids = by.get(name, ())
        alone = cohort.pick([r == (name,) for r in cohort.df["region"]])
        table.add(name, count(ids), share(ids, placed), count(alone))
    ids = outside(cohort)
    table.add(OUTSIDE, count(ids), share(ids, placed), count(ids))
    table.add(NOT_STATED, count(cohort.pick([not r for r in cohort.df["region"]])), (None, None, None), None)
    return table


def _countries(cohort: Cohort) -> Table:
    note = (
        "Share of the trials whose record names a country; a trial in several counts in each. Names as "
        "the registry prints them."
    )
    table = Table(
        "countries",
        "Trials by country",
        ("country", "region", "trials", *SHARE, "first start", "in this country only"),
        note=note,
        section=SECTION,
        rests=("countries",),
        column_rests={"first start": ("start_date",)},
    )
    placed = cohort.pick([bool(c) for c in cohort.df["countries"]])
    years = starts(cohort)
    for name, ids in cohort.by("countries").items():
        alone = cohort.pick([c == (name,) for c in cohort.df["countries"]])
        first = first_start(cohort, ids, years)
        table.add(name, region(name), count(ids), share(ids, placed), first, count(alone))
    return table


def rates_between(early: tuple[int, float], late: tuple[int, float]) -> float | None:
    """Growth in percent of trials a year from one period (trials, years) to another; None if undefined."""
    (before, first), (after, second) = early, late
    if not before or not first or not second:
        return None
    return round(100 * ((after / second) / (before / first) - 1), 1)


def _groups(cohort: Cohort) -> list[tuple[str, Ids, tuple[str, ...]]]:
    place = ("countries",)
    groups: list[tuple[str, Ids, tuple[str, ...]]] = [("all trials", cohort.pick(), ())]
    regions, diseases = cohort.by("region"), cohort.by("disease_group")
    groups += [(name, regions.get(name, ()), place) for name in REGIONS]
    groups.append((OUTSIDE, outside(cohort), place))
    groups += [(name, diseases[name], ()) for name in GROUPS if name in diseases]
    known = {name for name, _, _ in groups}
    for concept in ("multiple myeloma", "lymphoma", "leukemia"):
        groups.append((f"{concept} (with all below it)", under(cohort, concept), ()))
    groups += [(k, v, ()) for k, v in list(cohort.by("indications").items())[:10] if k not in known]
    return groups


def _rates(cohort: Cohort) -> Table:
    early, late = cohort.options.growth
    axis = cohort.options.axis
    years = by_end(cohort, axis)
    lengths = [length(cohort, period, axis) for period in (early, late)]
    spans = [
        f"{period} ({long:.2f} years)" if long else str(period)
        for period, long in zip((early, late), lengths, strict=True)
    ]
    note = (
        f"Trials a year in {spans[1]} against {spans[0]}, by {NAME[axis]}, up to {cohort.end.isoformat()}: "
        f"periods "
        "of different length are compared by the year. Undefined where the earlier number is zero. Groups "
        "overlap "
        "where a trial belongs to several. A registry's backlog and a sample's make-up move these rates."
    )
    table = Table(
        "growth_rates",
        f"Growth from {early} to {late}",
        ("group", str(early), str(late), f"{early} a year", f"{late} a year", "growth %"),
        note=note,
        section=SECTION,
        rests=(FIELD[axis],),
    )
    sides = [set(cohort.pick([p.holds(y) for y in years])) for p in (early, late)]
    for name, ids, rests in _groups(cohort):
        found = [tuple(i for i in ids if i in side) for side in sides]
        a_year: list[Any] = [
            Cell(round(len(f) / long, 1), f) if long else Cell(None)
            for f, long in zip(found, lengths, strict=True)
        ]
        rate = rates_between((len(found[0]), lengths[0]), (len(found[1]), lengths[1]))
        counts = [known(cohort, p, count(f)) for p, f in zip((early, late), found, strict=True)]
        table.add(name, counts, a_year, Cell(rate, found[1], found[0] or None), rests=rests)
    return table
