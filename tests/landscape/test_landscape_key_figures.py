"""Single figures, organs, the reporting tree, periods, first trials: computed again with plain pandas."""

import csv
from pathlib import Path

import landscape_recomputed as again
import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from statsmodels.stats.rates import confint_poisson
from test_landscape_recomputed import rows, same

from cart_nlp.landscape import Options, frame, tables
from cart_nlp.landscape.regions import DATA

REAL = {"lymphoma": "lymphoma", "myeloma": "multiple myeloma", "lupus": "systemic lupus erythematosus",
        "glioma": "glioma", "leukemia": "B-cell acute lymphoblastic leukemia"}  # fmt: skip
COLUMN = {
    "lymphoma": "other or unstated hematological",
    "multiple myeloma": "multiple myeloma and plasma cells",
    "systemic lupus erythematosus": "lupus",
    "glioma": "glioma",
    "B-cell acute lymphoblastic leukemia": "acute lymphoblastic leukemia",
}
ORDER = [k for k in again.PHASES if k != "NA"]
NON_VIRAL = {"mrna", "lnp"}


@pytest.fixture(scope="module")
def named(records):
    """The records with diseases that the ontology knows, and some CD19 products in B-ALL."""
    found = []
    for n, record in enumerate(records):
        told = tuple(sorted(REAL[name] for name in record.indications))
        if n % 3 == 0:
            told = ("B-cell acute lymphoblastic leukemia",)
            record = record.model_copy(update={"targets": ("CD19",), "multi_target": False})
        found.append(record.model_copy(update={"indications": told}))
    return found


@pytest.fixture(scope="module")
def made(named):
    return tables(frame(named), Options(as_of=pd.Timestamp("2026-06-30").date()))


@pytest.fixture(scope="module")
def plain(named, tmp_path_factory):
    path = tmp_path_factory.mktemp("named") / "r.jsonl"
    path.write_text("".join(r.model_dump_json() + "\n" for r in named), encoding="utf-8")
    df, _ = again.load(path)
    with (Path(DATA) / "nct-dates.csv").open(encoding="utf-8") as lines:
        known = [
            (int(r["number"][3:]), pd.Timestamp(r["first_posted"]).toordinal()) for r in csv.DictReader(lines)
        ]
    numbers, days = np.array(known, dtype=float).T
    df["by"] = ["registration date" if d else "registration number" for d in df["first_posted"]]
    df["day"] = [
        posted or pd.Timestamp.fromordinal(round(np.interp(int(i[3:]), numbers, days))).strftime("%Y-%m-%d")
        for i, posted in zip(df["trial_id"], df["first_posted"], strict=True)
    ]
    df["columns"] = [list(dict.fromkeys(COLUMN[n] for n in names)) for names in df["indications"]]
    df["columns"] = [
        [c for c in cs if c != "other or unstated hematological" or not set(cs) & {
            "multiple myeloma and plasma cells", "acute lymphoblastic leukemia"}]
        for cs in df["columns"]
    ]  # fmt: skip
    df["started"] = [bool(d) and pd.Timestamp(d) <= again.END for d in df["start_date"]]
    return df, df[df["car_trial"] == "product"].reset_index(drop=True)


def poisson(n, years=1.0):
    low, high = confint_poisson(n, 1, method="exact-c")
    return [(0.0 if n == 0 else low) / years, high / years]


def grown(before, after, first=1.0, second=1.0):
    """Growth of a rate in percent, and its interval from the logarithm of the ratio."""
    if not before or not after:
        return [None, None, None]
    ratio, half = (after / second) / (before / first), norm.ppf(0.975) * np.sqrt(1 / before + 1 / after)
    return [100 * (ratio * np.exp(s * half) - 1) for s in (0, -1, 1)]


def published(df):
    return df["references"].map(lambda refs: any(r["type"] == "RESULT" for r in refs))


def key_figures(df, products):
    """Label -> value, low, high."""
    out = {}

    def counted(label, mask, of=df):
        n = int(mask.sum())
        out[label] = [n, *poisson(n)]

    def shared(label, mask, of):
        out[label] = again.wilson(int((mask & of).sum()), int(of.sum()))

    everything = df["trial_id"].notna()
    china, us = again.has(df["regions"], "China"), again.has(df["regions"], "United States")
    placed = df["regions"].map(len) > 0
    year = df["year"].where(df["started"]).astype(float)
    first = int(year.min())
    out["first year with a trial"] = [first, None, None]
    begun = min(pd.Timestamp(d) for d, is_in in zip(df["start_date"], df["started"], strict=True) if is_in)
    for label, a, b, since in (("to 2016", first, 2016, begun), ("2017–2021", 2017, 2021, 2017)):
        n, span = int(year.between(a, b).sum()), again.years_until_end(since, b)
        out[f"trials a year, {label}"] = [round(n / span, 1), *poisson(n, span)]
    for y in (2021, 2022, 2023):
        counted(f"trials of {y}", year == y)
    out["China, 2023 against 2021"] = grown(
        int((china & (year == 2021)).sum()), int((china & (year == 2023)).sum())
    )
    auto, solid, hema = (again.has(df["disease_group"], g) for g in ("autoimmune", "solid", "hematological"))
    out["first autoimmune trial"] = [int(year[auto].min()), None, None]
    for label, mask in (
        ("neither China nor United States", placed & ~china & ~us),
        ("solid tumors", solid),
        ("hematological", hema),
        ("multiple myeloma", again.has(df["indications"], "multiple myeloma")),
    ):
        for name, early, late in (
            ("2015–2019 to 2020–2024", (2015, 2019), (2020, 2024)),
            ("2020 to 2023", (2020, 2020), (2023, 2023)),
            ("2018 to 2023", (2018, 2018), (2023, 2023)),
        ):
            a, b = (int((mask & year.between(*p)).sum()) for p in (early, late))
            out[f"growth, {label}, {name}"] = grown(a, b, *(again.years_until_end(*p) for p in (early, late)))
    one, two = (
        df["phase"].isin(["EARLY_PHASE1", "PHASE1"]),
        df["phase"].isin(["EARLY_PHASE1", "PHASE1", "PHASE1|PHASE2"]),
    )
    late = df["phase"].isin(again.LATE)
    counted("phase I or early I", one)
    counted("phase II and later", late)
    shared("phase I or early I, of all trials", one, everything)
    shared("phase II and later, of all trials", late, everything)
    shared("up to phase I/II, of all trials", two, everything)
    counted("trials in China", china)
    shared("in China, of all trials", china, everything)
    counted("autoimmune trials", auto)
    counted("treatment as main purpose", df["focus"] == "treatment")
    counted("on adverse events", df["focus"] == "toxicity_management")
    single, some = df["disease_group"].map(len) == 1, df["disease_group"].map(len) > 0
    for name, mask in (("hematological", hema), ("solid", solid), ("autoimmune", auto)):
        shared(f"{name}, of trials of one group", mask, single)
    shared("neither hematological, solid nor autoimmune", ~(hema | solid | auto), some)
    shared("tumors", hema | solid, some)
    for organ in (
        "liver, biliary tract and pancreas",
        "stomach and intestine",
        "kidney and bladder",
        "glioma",
    ):
        has = again.has(df["columns"], organ)
        shared(f"{organ}, of solid tumor trials", has, solid)
        shared(f"{organ} alone, of solid tumor trials", has, solid)  # these records have no other organ

    p = products
    out |= distinct("distinct targets", p)
    for g in ("hematological", "solid"):
        out |= distinct(f"distinct targets, {g}", p[again.has(p["disease_group"], g)])
    counted(
        "mesothelin in solid tumors", again.has(p["disease_group"], "solid") & again.has(p["targets"], "MSLN")
    )
    counted("gene-edited products", p["edits"].map(len) > 0)
    counted("universal products", again.has(p["cell_source"], "off_the_shelf"))
    counted(
        "non-viral products in phase II",
        p["vector"].map(lambda v: bool(NON_VIRAL & set(v))) & (p["phase"] == "PHASE2"),
    )
    old = again.has(p["regions"], "United States") & (p["day"].str[:4].astype(int) <= 2018)
    for name in ("CD19", "BCMA"):
        shared(
            f"{name}, United States to 2018", again.has(p["targets"], name), old & (p["targets"].map(len) > 0)
        )
    counted("United States to 2018", old)
    making = p[
        (p["targets"].map(tuple) == ("CD19",))
        & again.has(p["indications"], "B-cell acute lymphoblastic leukemia")
    ]
    kinds = {c: {v: again.has(making[c], v) for v in vs} for c, vs in (
        ("vector", ("lentiviral", "retroviral")), ("costim", ("4-1BB", "CD28")))}  # fmt: skip
    viral, costim = (a | b for a, b in (kinds["vector"].values(), kinds["costim"].values()))
    for v in ("lentiviral", "retroviral"):
        shared(f"{v}, CD19 B-ALL with a viral vector", kinds["vector"][v], viral)
    both = kinds["costim"]["4-1BB"] & kinds["costim"]["CD28"]
    for c in ("4-1BB", "CD28"):
        shared(f"{c} alone, CD19 B-ALL with costimulation", kinds["costim"][c] & ~both, costim)
    shared("both, CD19 B-ALL with costimulation", both, costim)
    paid = df["paid"].notna()
    for place, mask in (("China", china), ("elsewhere", placed & ~china)):
        for kind in ("academic", "mixed"):
            shared(f"{kind} funding, {place}", df["paid"] == kind, mask & paid)
    shared("academic or individual funding", df["paid"].isin(["academic", "individual"]), paid)
    has = published(df)
    counted("trials with published results", has)
    counted("trials with published results, China", has & china)
    size = df["enrollment"].astype(float)
    for label, part in (("published", has), ("unpublished", ~has)):
        shared(f"<50 participants, {label}", size < 50, part & size.notna())
        shared(f">150 participants, {label}", size > 150, part & size.notna())
    return out


def distinct(label, products):
    counts = [n for _, n in again.tally(products["targets"])]
    once, twice = counts.count(1), counts.count(2)
    estimate = len(counts) + once * (once - 1) / (2 * (twice + 1))
    return {label: [len(counts), None, None], f"{label}, estimate of all": [round(estimate, 1), None, None]}


def test_key_figures(made, plain):
    expected = key_figures(*plain)
    got = {row[0]: [row[1], row[3], row[4]] for row in rows(made["key_figures"])}
    assert list(got) == list(dict.fromkeys(got)) and set(got) == set(expected)
    for label, values in expected.items():
        same(got[label], values, label)


def phase_cells(part):
    return [int((part["phase"] == key).sum()) for key in ORDER]


def test_organs_and_the_reporting_tree(made, plain):
    df, _ = plain
    solid = df[again.has(df["disease_group"], "solid")]
    for name, *values in rows(made["organ_systems"])[:-1]:
        part = solid[again.has(solid["columns"], name)]
        same(values, [len(part), *again.wilson(len(part), len(solid)), *phase_cells(part),
                      len(part) - sum(phase_cells(part))], name)  # fmt: skip
    rest = solid[~again.has(solid["columns"], "glioma")]
    assert rows(made["organ_systems"])[-1][1] == len(rest)
    stated = int((df["columns"].map(len) > 0).sum())
    for name, *values in rows(made["reporting_tree"])[:-1]:
        part = df[again.has(df["columns"], name)]
        by = [int(again.has(part["disease_group"], g).sum()) for g in again.GROUPS]
        same(values, [len(part), *again.wilson(len(part), stated), *by], name)
    assert rows(made["reporting_tree"])[-1][1] == len(df) - stated


def test_targets_by_column_and_by_year(made, plain):
    _, products = plain
    long = products.explode("targets").explode("columns").dropna(subset=["targets", "columns"])
    got = {(r[0], r[1]): r[2:] for r in rows(made["target_column_phase"])}
    assert len(got) == long.groupby(["targets", "columns"]).ngroups
    for (target, column), values in got.items():
        part = long[(long["targets"] == target) & (long["columns"] == column)]
        ranks = [ORDER.index(p) for p in part["phase"] if p in ORDER]
        top = again.PHASES[ORDER[max(ranks)]] if ranks else None
        same(
            values,
            [len(part), top, ranks.count(max(ranks)) if ranks else 0, *phase_cells(part)],
            (target, column),
        )
    told = products[products["started"] & (products["targets"].map(len) > 0)]
    for target, year, n, of, percent in rows(made["targets_by_year"]):
        at = told[told["year"] == int(year)]
        has = int(again.has(at["targets"], target).sum())
        same([n, of, percent], [has, len(at), 100 * has / len(at)], (target, year))
    assert sum(r[2] for r in rows(made["targets_by_year"])) == told["targets"].map(len).sum()


KINDS = {
    "in vivo, any": ("cell_source", {"in_vivo"}),
    "off the shelf": ("cell_source", {"off_the_shelf"}),
    "allogeneic, any donor": ("cell_source", {"off_the_shelf"}),
    "non-viral vector": ("vector", NON_VIRAL),
    "gene-edited": ("edits", {"TRAC", "B2M"}),
    "armored": ("armoring", {"IL-15"}),
    "NK cells": ("cell_type", {"NK"}),
    "gamma-delta T, NKT, macrophages": ("cell_type", set()),
}


def of_kind(products, name):
    field, wanted = KINDS[name]
    return products[products[field].map(lambda values: bool(wanted & set(values)))]


def test_what_is_new(made, plain):
    _, products = plain
    for name, *values in rows(made["technology_by_disease_and_place"]):
        part = of_kind(products, name)
        years = part["year"].dropna()
        groups = [int(again.has(part["disease_group"], g).sum()) for g in again.GROUPS]
        regions = [int(again.has(part["regions"], r).sum()) for r in again.REGIONS]
        late = int(part["phase"].isin(again.LATE).sum())
        first = str(int(years.min())) if len(years) else None
        same(values, [len(part), *groups, *regions, late, first], name)
    spans = [again.years_until_end(2015, 2019), again.years_until_end(2020, 2024)]
    groups = {"all product trials": products} | {name: of_kind(products, name) for name in KINDS}
    groups |= {"lupus": products[again.has(products["columns"], "lupus")]}
    got = {r[0]: r[1:] for r in rows(made["emerging_by_period"])}
    for name, part in groups.items():
        at = part[part["started"]]
        a, b = int(at["year"].between(2015, 2019).sum()), int(at["year"].between(2020, 2024).sum())
        same(got[name], [a, b, a / spans[0], b / spans[1], *grown(a, b, *spans)], name)
    for target, first, trial, n, phase, _ in rows(made["first_in_human"]):
        part = products[again.has(products["targets"], target)]
        ranks = [ORDER.index(p) for p in part["phase"] if p in ORDER]
        one = part.sort_values(["day", "trial_id"]).iloc[0]
        assert [first, trial, n] == [one["day"][:7], one["trial_id"], len(part)], target
        assert phase == (again.PHASES[ORDER[max(ranks)]] if ranks else None), target
    assert len(made["first_in_human"].rows) == products["targets"].explode().dropna().nunique()


def test_registration_and_sizes(made, plain):
    df, _ = plain
    for how, n, *_ in rows(made["placed"])[:2]:
        assert n == (df["by"] == how).sum(), how
    total = 0
    for year, *values in rows(made["trials_by_registration_year"]):
        part = df[df["day"].str[:4] == year]
        total += len(part)
        by = [int(again.has(part["regions"], r).sum()) for r in again.REGIONS]
        over = "yes" if int(year) < again.END.year else "no"
        same(values, [len(part), total, *by, int((part["regions"].map(len) == 0).sum()), over], year)
    assert total == len(df)
    size = df["enrollment"].astype(float)
    for (label, *values), mask in zip(
        rows(made["size_by_results"]), (published(df), ~published(df)), strict=True
    ):
        part = size[mask]
        known, cells = int(part.notna().sum()), []
        for has in (part < 50, part.between(50, 150), part > 150):
            cells += [int(has.sum()), 100 * has.sum() / known]
        same(values, [int(mask.sum()), *cells, int(part.isna().sum())], label)


def test_all_sponsors_and_their_classes(made, plain):
    df, _ = plain
    expected = again.sponsors(df)
    got = {("Acme" if r[0].startswith("Acme") else r[0]): r[3:] for r in rows(made["sponsors_all"])}
    assert got == expected
    same_name = {
        "Kite, A Gilead Company": "Gilead/Kite",
        "Acme Bio Co Ltd": "Acme",
        "Acme Bio Co., Ltd.": "Acme",
    }
    kinds = {same_name.get(name, name): kind for name, kind in again.KIND.items()}
    for kind, sponsors, trials in rows(made["top_sponsor_classes"]):
        names = {name for name in expected if kinds[name] == kind}
        of = [
            bool(names & {same_name.get(s, s) for s in (lead, *others)})
            for lead, others in zip(df["sponsor"], df["collaborators"], strict=True)
        ]
        assert [sponsors, trials] == [len(names), sum(of)], kind


def test_every_published_figure_has_its_number_of_the_tables(made):
    """Each fact of the reference points at a table that is computed again, here or in the other file."""
    from cart_nlp.landscape.published import facts

    again_computed = {
        "key_figures", "regions", "phases", "phases_by_country", "growth_rates", "disease_groups", "focus",
        "funding", "funding_by_place", "sponsors", "sponsors_all", "top_sponsor_classes", "flow", "long_term",
        "targets_hematological", "targets_solid", "multi_target", "transparency", "transparency_all",
    }  # fmt: skip
    assert {fact["table"] for fact in facts("study")["fact"]} - again_computed == set()
    told = {
        "key_figures", "focus", "regions", "disease_groups", "funding", "phases", "multi_target",
        "trials_by_registration_year", "trials_by_year", "disease_groups_by_year", "long_term",
    }  # fmt: skip
    asked = [one for fact in facts("study")["fact"] for one in (fact, *fact.get("also", ()))]
    lost = [(one["table"], one["row"]) for one in asked if one["table"] in told
            and one["row"] != ["last"] and made[one["table"]].find(*one["row"]) is None]  # fmt: skip
    assert lost == []
