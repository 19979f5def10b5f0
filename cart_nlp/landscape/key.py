"""Single figures that reviews print: each with its trials, its denominator and its interval."""

from __future__ import annotations

from cart_nlp.landscape.cohort import EARLY, GROUPS, UP_TO_TWO, Cohort, Period
from cart_nlp.landscape.diseases import ORGANS, columns_of, under
from cart_nlp.landscape.growth import FIELD, OUTSIDE, by_end, length, outside
from cart_nlp.landscape.intervals import growth_interval, poisson
from cart_nlp.landscape.keyfigure import Figure, counted, counted_in, shared
from cart_nlp.landscape.keyproducts import targets
from cart_nlp.landscape.published import asked
from cart_nlp.landscape.table import Cell, Ids, Table

SECTION = "Key figures"
Dated = list[tuple[int, str]]
"""Years with their trials."""


def table(cohort: Cohort, results: frozenset[str]) -> Table:
    """The figures, one a row; `results` are the trials with published results."""
    note = (
        "Counts carry exact Poisson intervals, shares Wilson's, growth that of a ratio of rates (all 95 "
        "%): the "
        "sampling error if the trials were a random sample. Of a time outside the data nothing is "
        "known (–), nor, with --since, what was first."
    )
    columns = ("figure", "value", "unit", "95 % low", "95 % high")
    made = Table("key_figures", "Single figures", columns, note=note, section=SECTION)
    for one in _figures(cohort, results):
        made.add(one.label, one.value, one.unit, one.low, one.high, rests=one.rests)
    return made


def _figures(cohort: Cohort, results: frozenset[str]) -> list[Figure]:
    out = [one for make in (_time, _rates, _phases, _diseases, targets, _money) for one in make(cohort)]
    return out + _results(cohort, results)


def _time(cohort: Cohort) -> list[Figure]:
    axis = cohort.options.axis
    rests = (FIELD[axis],)
    years = by_end(cohort, axis)
    ids = list(cohort.df["trial_id"])
    dated = [(y, i) for y, i in zip(years, ids, strict=True) if y is not None]
    auto = set(cohort.pick(["autoimmune" in g for g in cohort.df["disease_group"]]))
    china = set(cohort.pick(["China" in r for r in cohort.df["region"]]))
    early, late = asked()["china"]
    return [
        _first("first year with a trial", dated, cohort, rests),
        *(_a_year(period, dated, cohort, rests) for period in map(Period.parse, asked()["periods"])),
        *(
            counted_in(Period(year, year), cohort, f"trials of {year}", _of(year, dated), rests)
            for year in asked()["years"]
        ),
        _change("China", early, late, [(y, i) for y, i in dated if i in china], cohort, rests),
        _first("first autoimmune trial", [(y, i) for y, i in dated if i in auto], cohort, rests),
    ]


def _of(year: int | None, dated: Dated) -> Ids:
    return tuple(i for y, i in dated if y == year)


def _first(label: str, dated: Dated, cohort: Cohort, rests: tuple[str, ...]) -> Figure:
    """The year of the first of some trials; unknown where those before a day were not read."""
    first = None if cohort.options.since else min((y for y, _ in dated), default=None)
    return Figure(label, Cell(first, _of(first, dated)), "year", rests)


def _a_year(period: Period, dated: Dated, cohort: Cohort, rests: tuple[str, ...]) -> Figure:
    """Trials a year in a period, over what the data cover of it."""
    label, unit = f"trials a year, {period}", "trials a year"
    long = length(cohort, period, cohort.options.axis)
    if not (dated and long):
        return Figure(label, Cell(None), unit, rests)
    inside = tuple(i for y, i in dated if period.holds(y))
    return Figure(
        label, Cell(round(len(inside) / long, 1), inside), unit, rests, *poisson(len(inside), 1 / long)
    )


def _change(what: str, early: int, late: int, dated: Dated, cohort: Cohort, rests: tuple[str, ...]) -> Figure:
    """Growth of what began in one year against another, by the time that the data cover of each."""
    before, after = _of(early, dated), _of(late, dated)
    spans = [length(cohort, Period(year, year), cohort.options.axis) for year in (early, late)]
    label, rests = f"{what}, {late} against {early}", (*rests, "countries")
    change = growth_interval(len(before), len(after), *spans)
    if change is None:
        return Figure(label, Cell(None), "% growth", rests)
    return Figure(label, Cell(change[0], after), "% growth", rests, *change[1:])


def _rates(cohort: Cohort) -> list[Figure]:
    axis = cohort.options.axis
    years = by_end(cohort, axis)
    df = cohort.df
    groups = {
        OUTSIDE: (outside(cohort), ("countries",)),
        "solid tumors": (cohort.pick(["solid" in g for g in df["disease_group"]]), ()),
        "hematological": (cohort.pick(["hematological" in g for g in df["disease_group"]]), ()),
        "multiple myeloma": (under(cohort, "multiple myeloma"), ()),
    }
    out = []
    # The periods that publications ask about stand here whatever --growth says, each pair once.
    published = [(Period.parse(a), Period.parse(b)) for a, b in asked()["growth"]]
    pairs = list(dict.fromkeys([cohort.options.growth, *published]))
    for name, (ids, rests) in groups.items():
        of = set(ids)
        dated = [(i, y) for i, y in zip(df["trial_id"], years, strict=True) if i in of]
        for early, late in pairs:
            sides = [tuple(i for i, y in dated if period.holds(y)) for period in (early, late)]
            spans = [length(cohort, period, axis) for period in (early, late)]
            found = growth_interval(len(sides[0]), len(sides[1]), *spans)
            value = Cell(found[0], sides[1], None) if found else Cell(None)
            out.append(
                Figure(
                    f"growth, {name}, {early} to {late}",
                    value,
                    "% growth",
                    (FIELD[axis], *rests),
                    *(found[1:] if found else ()),
                )
            )
    return out


def _phases(cohort: Cohort) -> list[Figure]:
    df, every = cohort.df, cohort.pick()
    to_two = cohort.pick(df["phase"].isin(UP_TO_TWO))
    early = cohort.pick(df["phase"].isin(EARLY))
    late = cohort.pick(df["late"].astype(bool))
    return [
        counted("phase I or early I", early, ("phase",)),
        counted("phase II and later", late, ("phase",)),
        shared("phase I or early I, of all trials", early, every, ("phase",)),
        shared("phase II and later, of all trials", late, every, ("phase",)),
        shared("up to phase I/II, of all trials", to_two, every, ("phase",)),
        counted("trials in China", cohort.pick(["China" in r for r in df["region"]]), ("countries",)),
        shared(
            "in China, of all trials",
            cohort.pick(["China" in r for r in df["region"]]),
            every,
            ("countries",),
        ),
    ]


def _diseases(cohort: Cohort) -> list[Figure]:
    df = cohort.df
    one_group = cohort.pick([len(g) == 1 for g in df["disease_group"]])
    out = [
        counted("autoimmune trials", cohort.pick(["autoimmune" in g for g in df["disease_group"]])),
        counted("treatment as main purpose", cohort.pick(df["focus"] == "treatment")),
        counted("on adverse events", cohort.pick(df["focus"] == "toxicity_management")),
    ]
    for name in ("hematological", "solid", "autoimmune"):
        alone = cohort.pick([g == (name,) for g in df["disease_group"]])
        out.append(shared(f"{name}, of trials of one group", alone, one_group))
    neither = cohort.pick([bool(g) and not set(g) & set(GROUPS[:3]) for g in df["disease_group"]])
    stated = cohort.pick([bool(g) for g in df["disease_group"]])
    out.append(shared("neither hematological, solid nor autoimmune", neither, stated))
    tumors = cohort.pick([bool(set(g) & set(GROUPS[:2])) for g in df["disease_group"]])
    out.append(shared("tumors", tumors, stated))
    solid = cohort.where(["solid" in g for g in df["disease_group"]])
    of = [columns_of(names) for names in solid.df["indications"]]
    for organ in asked()["organs"]:
        single = [organ in one and not set(one) & (set(ORGANS) - {organ}) for one in of]
        out += [
            shared(f"{organ}, of solid tumor trials", solid.pick([organ in one for one in of]), solid.pick()),
            shared(f"{organ} alone, of solid tumor trials", solid.pick(single), solid.pick()),
        ]
    return out


def _money(cohort: Cohort) -> list[Figure]:
    df = cohort.df
    china = [bool(r) and "China" in r for r in df["region"]]
    other = [bool(r) and "China" not in r for r in df["region"]]
    out = []
    for place, mask in (("China", china), ("elsewhere", other)):
        at = cohort.where(mask)
        known = at.pick([f is not None for f in at.df["funding"]])
        for kind, label in (("academic", "academic funding"), ("mixed", "mixed funding")):
            rests = ("countries", "sponsor", *(("collaborators",) if kind == "mixed" else ()))
            out.append(shared(f"{label}, {place}", at.pick(at.df["funding"] == kind), known, rests))
    every = cohort.pick([f is not None for f in df["funding"]])
    out.append(
        shared(
            "academic or individual funding",
            cohort.pick(df["funding"].isin(["academic", "individual"])),
            every,
            ("sponsor",),
        )
    )
    return out


def _results(cohort: Cohort, results: frozenset[str]) -> list[Figure]:
    ids = cohort.pick()
    has = tuple(i for i in ids if i in results)
    china = cohort.pick(["China" in r for r in cohort.df["region"]])
    rests = ("pmids",)
    out = [
        counted("trials with published results", has, rests),
        counted(
            "trials with published results, China",
            tuple(i for i in china if i in results),
            (*rests, "countries"),
        ),
    ]
    size = dict(zip(cohort.df["trial_id"], cohort.df["size"], strict=True))
    for label, part in (
        ("published", has),
        ("unpublished", tuple(i for i in ids if i not in results)),
    ):
        known = tuple(i for i in part if size[i] is not None)
        for which in ("<50", ">150"):
            found = tuple(i for i in known if size[i] == which)
            out.append(shared(f"{which} participants, {label}", found, known, (*rests, "enrollment")))
    return out
