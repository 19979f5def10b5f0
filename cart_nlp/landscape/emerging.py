"""What is new: technology by disease and place, autoimmune disease, in vivo, editing tools, first trials."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from functools import cache

from cart_nlp.landscape.cohort import GROUPS, Cohort
from cart_nlp.landscape.diseases import AUTOIMMUNE, COLUMNS, columns_of
from cart_nlp.landscape.growth import FIELD, NAME, by_end, first_start, known, length, starts
from cart_nlp.landscape.intervals import growth_interval
from cart_nlp.landscape.phases import phase_of
from cart_nlp.landscape.regions import DATA, REGIONS
from cart_nlp.landscape.table import SHARE, Cell, Ids, Table, count, share
from cart_nlp.landscape.technology import NON_VIRAL

SECTION = "Emerging"
KINDS: tuple[tuple[str, str, frozenset[str] | None], ...] = (
    ("in vivo, any", "cell_source", frozenset({"in_vivo"})),
    ("off the shelf", "cell_source", frozenset({"off_the_shelf"})),
    (
        "allogeneic, any donor",
        "cell_source",
        frozenset({"off_the_shelf", "donor_derived", "cord_blood", "ipsc", "cell_line"}),
    ),
    ("non-viral vector", "vector", NON_VIRAL),
    ("gene-edited", "edits", None),
    ("armored", "armoring", None),
    ("NK cells", "cell_type", frozenset({"NK"})),
    ("gamma-delta T, NKT, macrophages", "cell_type", frozenset({"gamma_delta_T", "NKT", "macrophage"})),
)
TOOLS: dict[str, tuple[str, ...]] = {
    "CRISPR": ("crispr", "cas9", "cas12"),
    "base editing": ("base edit", "base-edit"),
    "TALEN": ("talen",),
    "ZFN": ("zinc finger", "zfn"),
    "meganuclease": ("meganuclease", "arcus"),
    "Cas-CLOVER": ("cas-clover",),
}
"""Editing tools, and the words that name one."""


def tables(cohort: Cohort) -> list[Table]:
    """Autoimmune disease; technology by disease and place; in vivo by vector; editing tools; new targets."""
    products = cohort.products
    return [
        _periods(products),
        _autoimmune(cohort),
        _crossed(products),
        _in_vivo(products),
        _tools(products),
        _first(products),
    ]


def _ids(cohort: Cohort, field: str, wanted: frozenset[str] | None) -> Ids:
    return cohort.pick([any(wanted is None or v in wanted for v in values) for values in cohort.df[field]])


def _periods(cohort: Cohort) -> Table:
    """Features in the two periods of --growth, by the year, with the interval of the growth."""
    early, late = cohort.options.growth
    axis = cohort.options.axis
    years = by_end(cohort, axis)
    spans = [length(cohort, period, axis) for period in (early, late)]
    note = (
        f"Product trials by year of {NAME[axis]} in the two periods of --growth ({spans[0]:.2f} and "
        f"{spans[1]:.2f} "
        "years that the data cover); growth is that of trials a year, with the 95 % interval of a "
        "ratio of "
        "rates. A feature that is told more often grows as one that is used more often does."
    )
    columns = (
        "feature",
        str(early),
        str(late),
        f"{early} a year",
        f"{late} a year",
        "growth %",
        "low",
        "high",
    )
    table = Table(
        "emerging_by_period",
        "What grew between two periods",
        columns,
        note=note,
        section=SECTION,
        rests=(FIELD[axis],),
    )
    sides = [set(cohort.pick([p.holds(y) for y in years])) for p in (early, late)]
    for name, ids in _features(cohort):
        found = [tuple(i for i in ids if i in side) for side in sides]
        change = growth_interval(len(found[0]), len(found[1]), *spans)
        rates = [
            Cell(round(len(f) / span, 2), f) if span else Cell(None)
            for f, span in zip(found, spans, strict=True)
        ]
        grown = [Cell(change[0], found[1]), Cell(change[1]), Cell(change[2])] if change else [Cell(None)] * 3
        counts = [known(cohort, p, count(f)) for p, f in zip((early, late), found, strict=True)]
        table.add(name, counts, rates, grown)
    return table


def _features(cohort: Cohort) -> list[tuple[str, Ids]]:
    """What may have grown, with its trials."""
    tools = dict(zip(cohort.df["trial_id"], _tools_of(cohort), strict=True))
    groups: list[tuple[str, Ids]] = [("all product trials", cohort.pick())]
    groups += [(name, _ids(cohort, field, wanted)) for name, field, wanted in KINDS]
    edited = _ids(cohort, "edits", None)
    groups += [(f"edited by {name}", tuple(i for i in edited if name in tools[i])) for name in TOOLS]
    of = [columns_of(names) for names in cohort.df["indications"]]
    groups += [(name, cohort.pick([name in one for one in of])) for name in (*AUTOIMMUNE, "infection")]
    return groups


def _autoimmune(cohort: Cohort) -> Table:
    at = cohort.where(["autoimmune" in g for g in cohort.df["disease_group"]])
    every = at.pick()
    note = f"Of the {len(every)} autoimmune trials; a trial counts in each of its diseases."
    columns = (
        "disease",
        "trials",
        *SHARE,
        "China",
        "United States",
        "phase II and later",
        "first start",
        "targets",
    )
    rests = {
        "China": ("countries",),
        "United States": ("countries",),
        "phase II and later": ("phase",),
        "first start": ("start_date",),
    }
    table = Table(
        "autoimmune",
        "Autoimmune trials by disease",
        columns,
        note=note,
        section=SECTION,
        column_rests=dict(rests),
    )
    df = at.df.set_index("trial_id")
    region, late, targets = (df[c].to_dict() for c in ("region", "late", "targets"))
    years = starts(at)
    for name, ids in at.by("indications").items():
        names = sorted({t for i in ids for t in targets[i]})
        table.add(
            name,
            count(ids),
            share(ids, every),
            [count(i for i in ids if place in region[i]) for place in ("China", "United States")],
            count(i for i in ids if late[i]),
            first_start(at, ids, years),
            ", ".join(names[:12]) + (" …" if len(names) > 12 else ""),
        )
    return table


def _crossed(cohort: Cohort) -> Table:
    note = (
        "Product trials that state the feature or name a product of which it is known; a trial counts in "
        "each of its "
        "groups and regions. Silent trials are not counted as without it."
    )
    columns = ("technology", "trials", *GROUPS, *REGIONS, "phase II and later", "first start")
    rests: dict[str, tuple[str, ...]] = dict.fromkeys(REGIONS, ("countries",))
    rests |= {"phase II and later": ("phase",), "first start": ("start_date",)}
    table = Table(
        "technology_by_disease_and_place",
        "Technology by disease and place",
        columns,
        note=note,
        section=SECTION,
        column_rests=rests,
    )
    df = cohort.df.set_index("trial_id")
    region, group, late = (df[c].to_dict() for c in ("region", "disease_group", "late"))
    years = starts(cohort)
    for name, field, wanted in KINDS:
        ids = _ids(cohort, field, wanted)
        table.add(
            name,
            count(ids),
            [count(i for i in ids if g in group[i]) for g in GROUPS],
            [count(i for i in ids if r in region[i]) for r in REGIONS],
            count(i for i in ids if late[i]),
            first_start(cohort, ids, years),
        )
    return table


def _in_vivo(cohort: Cohort) -> Table:
    at = cohort.where(["in_vivo" in c for c in cohort.df["cell_source"]])
    every = at.pick()
    note = f"Of the {len(every)} product trials that make CAR cells in the body, by what carries the gene."
    table = Table(
        "in_vivo",
        "In vivo products by vector",
        ("vector", "trials", *SHARE, *GROUPS),
        note=note,
        section=SECTION,
    )
    group = dict(zip(at.df["trial_id"], at.df["disease_group"], strict=True))
    for name, ids in at.by("vector").items():
        table.add(
            str(name).replace("_", " "),
            count(ids),
            share(ids, every),
            [count(i for i in ids if g in group[i]) for g in GROUPS],
        )
    silent = at.pick([not v for v in at.df["vector"]])
    table.add(
        "vector not stated",
        count(silent),
        share(silent, every),
        [count(i for i in silent if g in group[i]) for g in GROUPS],
    )
    return table


@cache
def tools_of_products() -> dict[str, str]:
    """Product -> editing tool, from data/editing-tools.csv."""
    with (DATA / "editing-tools.csv").open(encoding="utf-8", newline="") as lines:
        return {row["product"]: row["tool"] for row in csv.DictReader(lines)}


def tool_of(words: str, products: Iterable[str] = ()) -> tuple[str, ...]:
    """Editing tools that words name, and those that products are known to be made with."""
    known = {tools_of_products().get(one) for one in products}
    said = {
        name for name, marks in TOOLS.items() if re.search(rf"\b(?:{'|'.join(marks)})", words, re.IGNORECASE)
    }
    return tuple(name for name in TOOLS if name in known | said)


def _tools_of(cohort: Cohort) -> list[tuple[str, ...]]:
    df = cohort.df
    stated_only = cohort.options.basis == "text"
    return [
        tool_of(
            " ".join([title, *(e.text for e in evidence if e.field in ("edits", "vector", "cell_source"))]),
            () if stated_only else products,
        )
        for title, evidence, products in zip(df["title"], df["evidence"], df["products"], strict=True)
    ]


def _tools(cohort: Cohort) -> Table:
    at = cohort.where([bool(e) for e in cohort.df["edits"]])
    of = _tools_of(at)
    told = at.pick([bool(one) for one in of])
    note = (
        f"Of the {len(at)} product trials with an edited gene (stated, or known of the product), "
        f"{len(told)} tell the tool: in the title, in the words that give the edit, vector or source of "
        "the cells, or by a product whose tool is known (data/editing-tools.csv; not with --basis text). "
        "Share of these; a trial counts for each tool."
    )
    columns = ("tool", "trials", *SHARE, "edited genes")
    table = Table("editing_tools", "Gene editing by tool", columns, note=note, section=SECTION)
    edits = dict(zip(at.df["trial_id"], at.df["edits"], strict=True))

    def genes(ids: Ids) -> str:
        return ", ".join(sorted({gene for i in ids for gene in edits[i]}))

    for name in TOOLS:
        ids = at.pick([name in one for one in of])
        table.add(name, count(ids), share(ids, told), genes(ids))
    silent = at.pick([not one for one in of])
    table.add("tool not stated", count(silent), (None, None, None), genes(silent))
    return table


def _first(cohort: Cohort) -> Table:
    note = (
        "The first trial of each target by registration, and how far the target has come: early I and I "
        "alone are first-in-human stages. Targets known only from trials without a date, or registered "
        f"after the end of the data ({cohort.end.isoformat()}), are not shown. A sample misses first trials"
        + (", and with --since none of them is known." if cohort.options.since else ".")
    )
    columns = ("target", "first registered", "first trial", "trials", "highest phase", "reporting columns")
    table = Table(
        "first_in_human",
        "New targets and their first trials",
        columns,
        note=note,
        section=SECTION,
        rests=("registered",),
        column_rests={
            "highest phase": ("phase",),
            "first registered": ("registered",),
            "first trial": ("registered",),
        },
    )
    df = cohort.df.set_index("trial_id")
    day, phase, names = (df[c].to_dict() for c in ("registered", "phase", "indications"))
    inside = str(cohort.end)
    rows = []
    for target, ids in cohort.by("targets").items():
        dated = sorted((day[i], i) for i in ids if day[i] and day[i] <= inside)
        top, _ = phase_of(ids, phase)
        places = {c for i in ids for c in columns_of(names[i])}
        if dated and not cohort.options.since:
            rows.append((dated[0][0][:7], dated[0][1], target, ids, top, places))
    for first, trial, target, ids, top, places in sorted(rows, key=lambda r: (r[0], r[2]), reverse=True):
        shown = ", ".join([c for c in COLUMNS if c in places][:4])
        table.add(target, first, Cell(trial, (trial,)), count(ids), top, shown)
    return table
