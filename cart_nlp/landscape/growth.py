"""Trials by start year, period, region and country, and growth between two periods."""

from __future__ import annotations

from cart_nlp.landscape.cohort import GROUPS, NOT_STATED, REGIONS, Cohort, region
from cart_nlp.landscape.table import SHARE, Cell, Ids, Table, count, share

SECTION = "Growth and geography"
LONGEST_GAP = 60


def tables(cohort: Cohort) -> list[Table]:
    """Years, periods, countries, regions, growth rates."""
    return [_years(cohort), _periods(cohort), _regions(cohort), _countries(cohort), _rates(cohort)]


def _years(cohort: Cohort) -> Table:
    df, today = cohort.df, cohort.options.as_of.year
    note = (
        "By start date. A trial with sites in several regions counts once in each, so "
        "regions may add up to more "
        f"than the row's trials. {today} is not over: its count will grow; later years are plans."
    )
    table = Table(
        "trials_by_year",
        "Trials by start year and region",
        ("year", "trials", "cumulative", *REGIONS, NOT_STATED, "year over"),
        note=note,
        section=SECTION,
    )
    years = sorted({y for y in df["year"] if y is not None})
    if years and years[-1] - years[0] <= LONGEST_GAP:
        years = list(range(years[0], years[-1] + 1))
    so_far: Ids = ()
    for year in years:
        at = cohort.where(df["year"] == year)
        so_far = (*so_far, *at.pick())
        over = "yes" if year < today else "no"
        table.add(str(year), count(at.pick()), count(so_far), _by_region(at), over)
    undated = cohort.where([y is None for y in df["year"]])
    if len(undated):
        table.add(NOT_STATED, count(undated.pick()), Cell(None), _by_region(undated), None)
    return table


def _by_region(cohort: Cohort) -> list[Cell]:
    by = cohort.by("region")
    silent = cohort.pick([not r for r in cohort.df["region"]])
    return [*(count(by.get(name, ())) for name in REGIONS), count(silent)]


def _periods(cohort: Cohort) -> Table:
    note = (
        "Phases of growth. Trials a year: over the years from the first trial (or the period's "
        "begin) to its end, to today where it is open."
    )
    table = Table(
        "periods",
        "Phases of growth",
        ("period", "trials", "trials a year", *REGIONS, NOT_STATED),
        note=note,
        section=SECTION,
    )
    years = [y for y in cohort.df["year"] if y is not None]
    for period in cohort.options.periods:
        at = cohort.where([period.holds(y) for y in cohort.df["year"]])
        first = period.first or min(years, default=None)
        last = period.last or cohort.options.as_of.year
        length = last - first + 1 if first is not None and last >= first else None
        table.add(
            str(period),
            count(at.pick()),
            Cell(round(len(at) / length, 1) if length else None, at.pick()),
            _by_region(at),
        )
    return table


def _regions(cohort: Cohort) -> Table:
    note = "Share of all included trials; a trial in several regions counts in each."
    table = Table(
        "regions",
        "Trials by region",
        ("region", "trials", *SHARE, "in this region only"),
        note=note,
        section=SECTION,
    )
    by, every = cohort.by("region"), cohort.pick()
    for name in REGIONS:
        ids = by.get(name, ())
        table.add(
            name,
            count(ids),
            share(ids, every),
            count(cohort.pick([r == (name,) for r in cohort.df["region"]])),
        )
    silent = cohort.pick([not r for r in cohort.df["region"]])
    table.add(NOT_STATED, count(silent), share(silent, every), Cell(None))
    return table


def _countries(cohort: Cohort) -> Table:
    note = (
        "Share of all included trials; a trial in several countries counts in each. Names as "
        "the registry prints them."
    )
    table = Table(
        "countries",
        "Trials by country",
        ("country", "region", "trials", *SHARE, "first year", "in this country only"),
        note=note,
        section=SECTION,
    )
    every = cohort.pick()
    year = dict(zip(cohort.df["trial_id"], cohort.df["year"], strict=True))
    for name, ids in cohort.by("countries").items():
        years = [year[one] for one in ids if year[one] is not None]
        alone = cohort.pick([c == (name,) for c in cohort.df["countries"]])
        table.add(
            name,
            region(name),
            count(ids),
            share(ids, every),
            Cell(str(min(years)) if years else None),
            count(alone),
        )
    return table


def _rates(cohort: Cohort) -> Table:
    early, late = cohort.options.growth
    note = (
        f"Trials that started in {late} against {early}, in percent of the earlier number; "
        "undefined where that is "
        "zero. Groups overlap where a trial belongs to several. A registry's backlog and a "
        "sample's make-up move these rates."
    )
    table = Table(
        "growth_rates",
        f"Growth from {early} to {late}",
        ("group", str(early), str(late), "growth %"),
        note=note,
        section=SECTION,
    )
    groups: list[tuple[str, Ids]] = [("all trials", cohort.pick())]
    regions, diseases = cohort.by("region"), cohort.by("disease_group")
    groups += [(name, regions[name]) for name in REGIONS if name in regions]
    outside = cohort.pick([bool(r) and not {"China", "United States"} & set(r) for r in cohort.df["region"]])
    groups.append(("neither China nor United States", outside))
    groups += [(name, diseases[name]) for name in GROUPS if name in diseases]
    groups += list(cohort.by("indications").items())[:10]
    in_early = set(cohort.pick([early.holds(y) for y in cohort.df["year"]]))
    in_late = set(cohort.pick([late.holds(y) for y in cohort.df["year"]]))
    for name, ids in groups:
        before, after = tuple(i for i in ids if i in in_early), tuple(i for i in ids if i in in_late)
        rate = round(100 * (len(after) - len(before)) / len(before), 1) if before else None
        table.add(name, count(before), count(after), Cell(rate, after, before or None))
    return table
