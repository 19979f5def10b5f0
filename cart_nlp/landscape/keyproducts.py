"""Single figures on targets and on how products are made."""

from __future__ import annotations

from collections.abc import Iterable

from cart_nlp.landscape.cohort import GROUPS, Cohort, Period
from cart_nlp.landscape.growth import by_end
from cart_nlp.landscape.keyfigure import Figure, counted, counted_in, shared
from cart_nlp.landscape.published import asked
from cart_nlp.landscape.table import Cell
from cart_nlp.landscape.technology import NON_VIRAL

NAMED = {"hematological": GROUPS[0], "solid": GROUPS[1]}


def targets(cohort: Cohort) -> list[Figure]:
    products = cohort.products
    df = products.df
    out = [Figure("distinct targets", *_distinct(products)), _all("distinct targets", products)]
    for label, group in NAMED.items():
        at = products.where([group in g for g in df["disease_group"]])
        name = f"distinct targets, {label}"
        out += [Figure(name, *_distinct(at)), _all(name, at)]
    solid = products.where(["solid" in g for g in df["disease_group"]])
    out += [
        counted("mesothelin in solid tumors", solid.pick(["MSLN" in t for t in solid.df["targets"]])),
        counted("gene-edited products", products.pick([bool(e) for e in df["edits"]])),
        counted("universal products", products.pick(["off_the_shelf" in c for c in df["cell_source"]])),
    ]
    silent = [
        bool(NON_VIRAL & set(v)) and p == "PHASE2" for v, p in zip(df["vector"], df["phase"], strict=True)
    ]
    out.append(counted("non-viral products in phase II", products.pick(silent), ("phase",)))
    last = asked()["united_states_to"]
    us = products.where(
        [
            "United States" in r and y is not None and y <= last
            for r, y in zip(df["region"], by_end(products, "registration"), strict=True)
        ]
    )
    with_one = us.pick([bool(t) for t in us.df["targets"]])
    for target in asked()["united_states_targets"]:
        ids = us.pick([target in t for t in us.df["targets"]])
        out.append(shared(f"{target}, United States to {last}", ids, with_one, ("countries", "registered")))
    place = ("countries", "registered")
    out.append(counted_in(Period(None, last), products, f"United States to {last}", us.pick(), place))
    return out + _making(products)


def _making(products: Cohort) -> list[Figure]:
    target, disease, short = (asked()["making"][name] for name in ("target", "disease", "short"))
    at = products.where(
        [
            t == (target,) and disease in i
            for t, i in zip(products.df["targets"], products.df["indications"], strict=True)
        ]
    )
    df = at.df
    vector = at.pick([bool(set(v) & {"lentiviral", "retroviral"}) for v in df["vector"]])
    costim = at.pick([bool(set(c) & {"4-1BB", "CD28"}) for c in df["costim"]])
    both = at.pick([{"4-1BB", "CD28"} <= set(c) for c in df["costim"]])
    return [
        shared(
            f"lentiviral, {short} with a viral vector",
            at.pick(["lentiviral" in v for v in df["vector"]]),
            vector,
        ),
        shared(
            f"retroviral, {short} with a viral vector",
            at.pick(["retroviral" in v for v in df["vector"]]),
            vector,
        ),
        shared(
            f"4-1BB alone, {short} with costimulation",
            tuple(i for i in at.pick(["4-1BB" in c for c in df["costim"]]) if i not in both),
            costim,
        ),
        shared(
            f"CD28 alone, {short} with costimulation",
            tuple(i for i in at.pick(["CD28" in c for c in df["costim"]]) if i not in both),
            costim,
        ),
        shared(f"both, {short} with costimulation", both, costim),
    ]


def chao(counts: Iterable[int]) -> float:
    """Chao's lower bound of how many kinds there are, from the counts of those seen (bias-corrected)."""
    seen = list(counts)
    once, twice = seen.count(1), seen.count(2)
    return len(seen) + once * (once - 1) / (2 * (twice + 1))


def _all(name: str, cohort: Cohort) -> Figure:
    estimate = round(chao(len(ids) for ids in cohort.by("targets").values()), 1)
    return Figure(f"{name}, estimate of all", Cell(estimate), "targets")


def _distinct(cohort: Cohort) -> tuple[Cell, str]:
    by = cohort.by("targets")
    return Cell(
        len(by), tuple(dict.fromkeys(i for ids in by.values() for i in ids)) if len(by) != 1 else None
    ), "targets"
