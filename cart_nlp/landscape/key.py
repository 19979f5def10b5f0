"""Single figures that reviews print: each with its trials, its denominator and its interval."""

from __future__ import annotations

from dataclasses import dataclass

from cart_nlp.landscape.cohort import GROUPS, Cohort, Period
from cart_nlp.landscape.diseases import ORGANS, columns_of, under
from cart_nlp.landscape.growth import FIELD, by_end
from cart_nlp.landscape.table import Cell, Ids, Table, share
from cart_nlp.landscape.technology import NON_VIRAL

SECTION = "Key figures"
NAMED = {"hematological": GROUPS[0], "solid": GROUPS[1]}


@dataclass(frozen=True)
class Figure:
    """A value with what it rests on; `of` makes it a percentage, `low` and `high` its interval."""

    label: str
    value: Cell
    unit: str
    rests: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None


def poisson(n: int, scale: float = 1.0) -> tuple[float, float]:
    """Exact 95 % interval of a count (scipy), times a scale."""
    from scipy.stats import chi2

    low = float(chi2.ppf(0.025, 2 * n)) / 2 if n else 0.0
    return round(low * scale, 2), round(float(chi2.ppf(0.975, 2 * n + 2)) / 2 * scale, 2)


def growth_interval(
    before: int, after: int, first: float, second: float
) -> tuple[float, float, float] | None:
    """Growth of a rate in percent with its 95 % interval (log of the ratio of two Poisson rates)."""
    import math

    if not before or not after or not first or not second:
        return None
    ratio = (after / second) / (before / first)
    half = 1.959964 * math.sqrt(1 / before + 1 / after)
    return tuple(round(100 * (ratio * math.exp(sign * half) - 1), 2) for sign in (0, -1, 1))  # type: ignore[return-value]


def table(cohort: Cohort, results: frozenset[str]) -> Table:
    """The figures, one a row; `results` are the trials with published results."""
    note = (
        "Counts carry exact Poisson intervals, shares Wilson's, growth that of a ratio of rates (all 95 "
        "%): the "
        "sampling error if the trials were a random sample."
    )
    columns = ("figure", "value", "unit", "95 % low", "95 % high")
    made = Table("key_figures", "Single figures", columns, note=note, section=SECTION)
    for one in _figures(cohort, results):
        made.add(one.label, one.value, one.unit, one.low, one.high, rests=one.rests)
    return made


def _count(label: str, ids: Ids, rests: tuple[str, ...] = (), unit: str = "trials") -> Figure:
    low, high = poisson(len(ids))
    return Figure(label, Cell(len(ids), ids), unit, rests, low, high)


def _share(label: str, ids: Ids, of: Ids, rests: tuple[str, ...] = ()) -> Figure:
    percent, low, high = share(ids, of)
    return Figure(label, percent, "%", rests, low.value, high.value)  # type: ignore[arg-type]


def _figures(cohort: Cohort, results: frozenset[str]) -> list[Figure]:
    out = [one for make in (_time, _rates, _phases, _diseases, _targets, _money) for one in make(cohort)]
    return out + _results(cohort, results)


def _time(cohort: Cohort) -> list[Figure]:
    axis = cohort.options.axis
    rests = (FIELD[axis],)
    years = by_end(cohort, axis)
    ids = list(cohort.df["trial_id"])
    dated = [(y, i) for y, i in zip(years, ids, strict=True) if y is not None]
    first = min((y for y, _ in dated), default=None)
    out = [
        Figure(
            "first year with a trial", Cell(first, tuple(i for y, i in dated if y == first)), "year", rests
        )
    ]
    for period in (Period(None, 2016), Period(2017, 2021)):
        inside = tuple(i for y, i in dated if period.holds(y))
        length = period.span(first or 0, cohort.end) if first else 0
        low, high = poisson(len(inside), 1 / length) if length else (None, None)
        value = Cell(round(len(inside) / length, 1), inside) if length else Cell(None)
        out.append(Figure(f"trials a year, {period}", value, "trials a year", rests, low, high))
    for year in (2021, 2022, 2023):
        out.append(_count(f"trials of {year}", tuple(i for y, i in dated if y == year), rests))
    china = set(cohort.pick(["China" in r for r in cohort.df["region"]]))
    counts = [sum(i in china for y, i in dated if y == year) for year in (2021, 2023)]
    change = growth_interval(counts[0], counts[1], 1, 1)
    after = tuple(i for y, i in dated if y == 2023 and i in china)
    out.append(
        Figure(
            "China, 2023 against 2021",
            Cell(change[0] if change else None, after if change else None),
            "% growth",
            (*rests, "countries"),
            *(change[1:] if change else ()),
        )
    )
    auto = {i for i, g in zip(ids, cohort.df["disease_group"], strict=True) if "autoimmune" in g}
    first = min((y for y, i in dated if i in auto), default=None)
    out.append(
        Figure(
            "first autoimmune trial",
            Cell(first, tuple(i for y, i in dated if y == first and i in auto)),
            "year",
            rests,
        )
    )
    return out


def _rates(cohort: Cohort) -> list[Figure]:
    axis = cohort.options.axis
    years = by_end(cohort, axis)
    df = cohort.df
    outside = cohort.pick([bool(r) and not {"China", "United States"} & set(r) for r in df["region"]])
    groups = {
        "neither China nor United States": (outside, ("countries",)),
        "solid tumors": (cohort.pick(["solid" in g for g in df["disease_group"]]), ()),
        "hematological": (cohort.pick(["hematological" in g for g in df["disease_group"]]), ()),
        "multiple myeloma": (under(cohort, "multiple myeloma"), ()),
    }
    out = []
    pairs = [
        *((cohort.options.growth,)),
        (Period(2020, 2020), Period(2023, 2023)),
        (Period(2018, 2018), Period(2023, 2023)),
    ]
    for name, (ids, rests) in groups.items():
        for early, late in pairs:
            sides = [
                tuple(
                    i for i, y in zip(df["trial_id"], years, strict=True) if period.holds(y) and i in set(ids)
                )
                for period in (early, late)
            ]
            spans = [period.span(period.first or 0, cohort.end) for period in (early, late)]
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
    to_two = cohort.pick(df["phase"].isin(["EARLY_PHASE1", "PHASE1", "PHASE1|PHASE2"]))
    early = cohort.pick(df["phase"].isin(["EARLY_PHASE1", "PHASE1"]))
    late = cohort.pick(df["late"].astype(bool))
    return [
        _count("phase I or early I", early, ("phase",)),
        _count("phase II and later", late, ("phase",)),
        _share("phase I or early I, of all trials", early, every, ("phase",)),
        _share("phase II and later, of all trials", late, every, ("phase",)),
        _share("up to phase I/II, of all trials", to_two, every, ("phase",)),
        _count("trials in China", cohort.pick(["China" in r for r in df["region"]]), ("countries",)),
        _share(
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
        _count("autoimmune trials", cohort.pick(["autoimmune" in g for g in df["disease_group"]])),
        _count("treatment as main purpose", cohort.pick(df["focus"] == "treatment")),
        _count("on adverse events", cohort.pick(df["focus"] == "toxicity_management")),
    ]
    for name in ("hematological", "solid", "autoimmune"):
        alone = cohort.pick([g == (name,) for g in df["disease_group"]])
        out.append(_share(f"{name}, of trials of one group", alone, one_group))
    neither = cohort.pick([bool(g) and not set(g) & set(GROUPS[:3]) for g in df["disease_group"]])
    stated = cohort.pick([bool(g) for g in df["disease_group"]])
    out.append(_share("neither hematological, solid nor autoimmune", neither, stated))
    tumors = cohort.pick([bool(set(g) & set(GROUPS[:2])) for g in df["disease_group"]])
    out.append(_share("tumors", tumors, stated))
    solid = cohort.where(["solid" in g for g in df["disease_group"]])
    of = [columns_of(names) for names in solid.df["indications"]]
    for organ in (ORGANS[0], ORGANS[1], ORGANS[2], "glioma"):
        out.append(
            _share(f"{organ}, of solid tumor trials", solid.pick([organ in one for one in of]), solid.pick())
        )
    return out


def _targets(cohort: Cohort) -> list[Figure]:
    products = cohort.products
    df = products.df
    out = [Figure("distinct targets", *_distinct(products))]
    for label, group in NAMED.items():
        at = products.where([group in g for g in df["disease_group"]])
        out.append(Figure(f"distinct targets, {label}", *_distinct(at)))
    solid = products.where(["solid" in g for g in df["disease_group"]])
    out += [
        _count("mesothelin in solid tumors", solid.pick(["MSLN" in t for t in solid.df["targets"]])),
        _count("gene-edited products", products.pick([bool(e) for e in df["edits"]])),
        _count("universal products", products.pick(["off_the_shelf" in c for c in df["cell_source"]])),
    ]
    silent = [
        bool(NON_VIRAL & set(v)) and p == "PHASE2" for v, p in zip(df["vector"], df["phase"], strict=True)
    ]
    out.append(_count("non-viral products in phase II", products.pick(silent), ("phase",)))
    us = products.where(
        [
            "United States" in r and (y or 9999) <= 2018
            for r, y in zip(df["region"], df["registration_year"], strict=True)
        ]
    )
    with_one = us.pick([bool(t) for t in us.df["targets"]])
    for target in ("CD19", "BCMA"):
        ids = us.pick([target in t for t in us.df["targets"]])
        out.append(_share(f"{target}, United States to 2018", ids, with_one, ("countries", "registered")))
    out.append(_count("United States to 2018", us.pick(), ("countries", "registered")))
    return out + _making(products)


def _making(products: Cohort) -> list[Figure]:
    at = products.where(
        [
            t == ("CD19",) and "B-cell acute lymphoblastic leukemia" in i
            for t, i in zip(products.df["targets"], products.df["indications"], strict=True)
        ]
    )
    df = at.df
    vector = at.pick([bool(set(v) & {"lentiviral", "retroviral"}) for v in df["vector"]])
    costim = at.pick([bool(set(c) & {"4-1BB", "CD28"}) for c in df["costim"]])
    both = at.pick([{"4-1BB", "CD28"} <= set(c) for c in df["costim"]])
    return [
        _share(
            "lentiviral, CD19 B-ALL with a viral vector",
            at.pick(["lentiviral" in v for v in df["vector"]]),
            vector,
        ),
        _share(
            "retroviral, CD19 B-ALL with a viral vector",
            at.pick(["retroviral" in v for v in df["vector"]]),
            vector,
        ),
        _share(
            "4-1BB alone, CD19 B-ALL with costimulation",
            tuple(i for i in at.pick(["4-1BB" in c for c in df["costim"]]) if i not in both),
            costim,
        ),
        _share(
            "CD28 alone, CD19 B-ALL with costimulation",
            tuple(i for i in at.pick(["CD28" in c for c in df["costim"]]) if i not in both),
            costim,
        ),
        _share("both, CD19 B-ALL with costimulation", both, costim),
    ]


def _distinct(cohort: Cohort) -> tuple[Cell, str]:
    by = cohort.by("targets")
    return Cell(
        len(by), tuple(dict.fromkeys(i for ids in by.values() for i in ids)) if len(by) != 1 else None
    ), "targets"


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
            out.append(_share(f"{label}, {place}", at.pick(at.df["funding"] == kind), known, rests))
    every = cohort.pick([f is not None for f in df["funding"]])
    out.append(
        _share(
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
        _count("trials with published results", has, rests),
        _count(
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
            out.append(_share(f"{which} participants, {label}", found, known, (*rests, "enrollment")))
    return out
