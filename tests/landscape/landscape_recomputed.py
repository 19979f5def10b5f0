"""The tables once more, with plain pandas from the JSON lines: no code of the package is used here."""

import itertools
import json
import re

import numpy as np
import pandas as pd
from scipy.stats import norm

REGION = {
    "China": "China",
    "United States": "United States",
    "Japan": "Asia-Pacific, other",
    "Brazil": "Other regions",
    "Germany": "Europe",
}
REGIONS = ["China", "United States", "Europe", "Asia-Pacific, other", "Other regions"]
GROUPS = ["hematological", "solid", "autoimmune", "infectious", "other"]
PHASES = {
    "EARLY_PHASE1": "early I",
    "PHASE1": "I",
    "PHASE1|PHASE2": "I/II",
    "PHASE2": "II",
    "PHASE2|PHASE3": "II/III",
    "PHASE3": "III",
    "PHASE4": "IV",
    "NA": "not applicable",
}
END = pd.Timestamp("2024-05-01")
"""The newest registration of the made-up records."""
KIND = {
    "Example University": "academic",
    "Example University Hospital": "academic",
    "Kite, A Gilead Company": "industry",
    "Acme Bio Co., Ltd.": "industry",
    "Acme Bio Co Ltd": "industry",
    "First People's Hospital": "academic",
    "Second People's Hospital": "academic",
    "National Cancer Institute (NCI)": "government",
}
LATE = ["PHASE2", "PHASE2|PHASE3", "PHASE3", "PHASE4"]


def load(path, end=END):
    """Included trials, and those that give a product, as DataFrames of JSON values."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    df = pd.DataFrame(rows).astype(object).where(lambda f: f.notna(), None)
    df["nct"] = df["trial_id"].str.startswith("NCT")
    df = df.sort_values("nct", ascending=False, kind="stable").drop_duplicates("trial_id")
    ids = set(df["trial_id"])
    df = df[[not (set(s) & ids) for s in df["secondary_ids"]]].sort_index()
    df = df[df["car_trial"].isin(["product", "related"])].reset_index(drop=True)
    df["year"] = [int(d[:4]) if d else None for d in df["start_date"]]
    inside = [bool(d) and pd.Timestamp(d) <= end for d in df["start_date"]]
    df["started"] = df["year"].where(inside)
    df["regions"] = [sorted({REGION.get(c, "Other regions") for c in cs}) for cs in df["countries"]]
    df["paid"] = [payer(s, cs) for s, cs in zip(df["sponsor"], df["collaborators"], strict=True)]
    return df, df[df["car_trial"] == "product"].reset_index(drop=True)


def payer(sponsor, collaborators):
    kinds = [KIND[c] for c in collaborators if c in KIND]
    everyone = set(kinds) | ({KIND[sponsor]} if sponsor in KIND else set())
    if "industry" in everyone and len(everyone) > 1:
        return "mixed"
    if sponsor in KIND:
        return KIND[sponsor]
    return next((k for k in ("academic", "industry", "government") if k in everyone), None)


def years_until_end(first, last):
    """Length of a period in years from a year or day on, up to the end of the data."""
    stop = min(pd.Timestamp(f"{last}-12-31"), END)
    start = first if isinstance(first, pd.Timestamp) else pd.Timestamp(f"{first}-01-01")
    return ((stop - start).days + 1) / 365.25


def wilson(k, n):
    """Percentage and interval by Wilson's formula."""
    if not n:
        return [None, None, None]
    z, p = norm.ppf(0.975), k / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return [round(100 * p, 2), round(100 * max(0, middle - half), 2), round(100 * min(1, middle + half), 2)]


def has(column, value):
    return column.map(lambda values: value in values)


def tally(column):
    """Values of a list column with their counts, most frequent first, then by name."""
    counts = column.explode().dropna().value_counts()
    return sorted(((str(k), int(v)) for k, v in counts.items()), key=lambda kv: (-kv[1], kv[0]))


def growth(df):
    years = df["started"].dropna().astype(int)
    rows, total = [], 0
    for year in range(years.min(), years.max() + 1):
        part = df[df["started"] == year]
        total += len(part)
        by = [int(has(part["regions"], r).sum()) if len(part) else 0 for r in REGIONS]
        rows.append(
            [
                str(year),
                len(part),
                total,
                *by,
                int((part["regions"].map(len) == 0).sum()),
                "yes" if year < END.year else "no",
            ]
        )
    part = df[df["year"].isna()]
    by = [int(has(part["regions"], r).sum()) for r in REGIONS]
    rows.append(["not stated", len(part), None, *by, int((part["regions"].map(len) == 0).sum()), None])
    return rows


def countries(df):
    rows, placed = [], int((df["countries"].map(len) > 0).sum())
    for name, n in tally(df["countries"]):
        part = df[has(df["countries"], name)]
        first = part["started"].dropna()
        alone = int((part["countries"].map(len) == 1).sum())
        rows.append(
            [name, REGION[name], n, *wilson(n, placed), str(int(first.min())) if len(first) else None, alone]
        )
    return rows


def rates(df):
    early, late = df[df["year"].isin(range(2015, 2020))], df[df["year"].isin(range(2020, 2025))]
    plans = [("all trials", lambda f: f["year"].notna())]
    plans += [(r, lambda f, r=r: has(f["regions"], r)) for r in REGIONS]
    plans += [
        (
            "neither China nor United States",
            lambda f: f["regions"].map(lambda r: bool(r) and not {"China", "United States"} & set(r)),
        )
    ]
    plans += [
        (g, lambda f, g=g: has(f["disease_group"], g)) for g in GROUPS if has(df["disease_group"], g).any()
    ]
    plans += [("multiple myeloma (with all below it)", lambda f: has(f["indications"], "multiple myeloma"))]
    plans += [("lymphoma (with all below it)", lambda f: has(f["indications"], "lymphoma"))]
    plans += [("leukemia (with all below it)", lambda f: has(f["indications"], "leukemia"))]
    plans += [(i, lambda f, i=i: has(f["indications"], i)) for i, _ in tally(df["indications"])[:10]]
    first, second = years_until_end(2015, 2019), years_until_end(2020, 2024)
    rows = []
    for name, mask in plans:
        a, b = int(mask(early).sum()), int(mask(late).sum())
        rate = round(100 * ((b / second) / (a / first) - 1), 1) if a else None
        rows.append([name, a, b, round(a / first, 1), round(b / second, 1), rate])
    return rows


def phases(df):
    phased = int(df["phase"].isin([k for k in PHASES if k != "NA"]).sum())
    rows = [
        [name, n := int((df["phase"] == key).sum()), *(wilson(n, phased) if key != "NA" else [None] * 3)]
        for key, name in PHASES.items()
    ]
    for label, keys in (
        ("not stated", [None]),
        ("early I and I together", ["EARLY_PHASE1", "PHASE1"]),
        ("up to I/II together", ["EARLY_PHASE1", "PHASE1", "PHASE1|PHASE2"]),
        ("II and later together", LATE),
    ):
        n = int(df["phase"].isna().sum()) if keys == [None] else int(df["phase"].isin(keys).sum())
        rows.append([label, n, *(wilson(n, phased) if keys != [None] else [None] * 3)])
    return rows


def phases_of(part):
    stated = part[part["phase"].isin([k for k in PHASES if k != "NA"])]
    late = int(part["phase"].isin(LATE).sum())
    counts = [int((part["phase"] == key).sum()) for key in PHASES]
    return [len(part), *counts, int(part["phase"].isna().sum()), len(stated), *wilson(late, len(stated))]


def targets(products, group=None):
    df = products if group is None else products[has(products["disease_group"], group)]
    stated = df[df["targets"].map(len) > 0]
    mentions = int(df["targets"].map(len).sum())
    order = [k for k in PHASES if k != "NA"]
    rows = []
    for name, n in tally(df["targets"]):
        part = df[has(df["targets"], name)]
        if group:
            rows.append([name, n, *wilson(n, len(stated)), round(100 * n / mentions, 2)])
            continue
        first, ranks = part["started"].dropna(), [order.index(p) for p in part["phase"] if p in order]
        told = part["evidence"].map(
            lambda es, name=name: any(
                (e["field"], e["value"]) == ("targets", name) and e["basis"] != "product" for e in es
            )
        )
        row = [name, n, int(told.sum()), *wilson(n, len(stated))]
        row += [int(has(part["disease_group"], g).sum()) for g in GROUPS]
        row += [int((part["targets"].map(len) > 1).sum())]
        row += [str(int(first.min())) if len(first) else None]
        row += [PHASES[order[max(ranks)]] if ranks else None]
        rows.append(row)
    if not group:
        rows.append(["not stated", len(df) - len(stated), *[None] * 12])
    return rows


def multi(products):
    rows = []
    for name in ["all", *GROUPS]:
        part = products if name == "all" else products[has(products["disease_group"], name)]
        stated = int((part["targets"].map(len) > 0).sum())
        several = int((part["targets"].map(len) > 1).sum())
        told = part["constructs"].map(lambda cs: [c for c in cs if c["basis"] != "default"])
        together = told.map(lambda cs: any(len(c["targets"]) > 1 for c in cs)).astype(bool)
        one = int(together.sum())
        apart = told.map(
            lambda cs: (
                len(
                    {
                        t
                        for c in cs
                        if c["format"] in ("cocktail", "sequential", "selectable")
                        for t in c["targets"]
                    }
                )
                > 1
            )
        ).astype(bool)
        silent = int(((part["targets"].map(len) > 1) & ~together & ~apart).sum())
        row = [name, stated, several, *wilson(several, stated), one, *wilson(one, stated), int(apart.sum())]
        rows.append([*row, int((together & apart).sum()), silent, *wilson(silent, stated)])
    return rows


def parts(products, size=None):
    """Counts of trials for each exact combination (size None) or each pair or triple inside one."""
    found = {}
    for row in products.itertuples():
        together = {}
        for c in row.constructs:
            if c["format"] in ("cocktail", "sequential", "selectable"):
                together.setdefault(c["format"], set()).update(c["targets"])
            elif len(c["targets"]) > 1:
                together[c["format"] + str(c["targets"])] = set(c["targets"])
        for members in [m for m in together.values() if len(m) > 1]:
            for key in (
                [tuple(sorted(members))] if size is None else itertools.combinations(sorted(members), size)
            ):
                found.setdefault(key, set()).add(row.trial_id)
    return {" + ".join(k): len(v) for k, v in found.items()}


def technology(products):
    rows = []
    names = {
        "costim": "costimulation",
        "cell_source": "cell source",
        "cell_type": "cell type",
        "safety_switch": "safety switch",
    }
    for field in (
        "costim",
        "generation",
        "vector",
        "cell_source",
        "cell_type",
        "edits",
        "armoring",
        "safety_switch",
    ):
        speaking = int((products[field].map(len) > 0).sum())
        for value, n in tally(products[field]):
            part = products[products[field].map(lambda v, value=value: value in map(str, v))]
            bases = part["evidence"].map(
                lambda es, f=field, v=value: {e["basis"] for e in es if (e["field"], e["value"]) == (f, v)}
            )
            stated = int(bases.map(lambda b: bool(b - {"product"})).sum())
            rows.append([names.get(field, field), value, n, stated, n - stated, *wilson(n, speaking)])
    return rows


def stated(products):
    rows = {}
    for field in ("targets", "costim", "vector", "cell_source"):

        def kinds(row, field=field):
            bases = {}
            for e in row["evidence"]:
                if e["field"] == field:
                    bases.setdefault(e["value"], set()).add(e["basis"])
            return (
                "silent"
                if not row[field]
                else "stated"
                if any(b - {"product"} for b in bases.values())
                else "product"
            )

        found = products.apply(kinds, axis=1)
        rows[field] = [int((found == k).sum()) for k in ("stated", "product", "silent")]
    return rows


def visible(df):
    """group, value -> trials, posted, linked, either, and the interval."""
    size = df["enrollment"].map(
        lambda n: "not stated" if n is None else "<50" if n < 50 else "50–150" if n <= 150 else ">150"
    )
    masks = {("all", "all"): df["trial_id"].notna()}
    masks |= {("region", r): has(df["regions"], r) for r in REGIONS}
    masks |= {("disease group", g): has(df["disease_group"], g) for g in GROUPS}
    masks |= {("enrollment", s): size == s for s in ("<50", "50–150", ">150", "not stated")}
    masks |= {("country", c): has(df["countries"], c) for c, _ in tally(df["countries"])[:10]}
    rows = []
    for key, mask in masks.items():
        part = df[mask.astype(bool)]
        posted = part["has_results"].astype(bool)
        linked = part["references"].map(lambda refs: any(r["type"] == "RESULT" for r in refs)).astype(bool)
        n = int((posted | linked).sum())
        papers = int(linked.sum())
        share = wilson(papers, len(part))
        rows.append([*key, len(part), int(posted.sum()), papers, *share, n, *wilson(n, len(part))])
    return rows


def stopped(df):
    df = df[df["status"].notna()]
    statuses = ("TERMINATED", "WITHDRAWN", "SUSPENDED")
    masks = {("all", "all"): df["trial_id"].notna()}
    masks |= {("disease group", g): has(df["disease_group"], g) for g in GROUPS}
    masks |= {("region", r): has(df["regions"], r) for r in REGIONS}
    masks |= {
        ("funding", f): df["paid"] == f for f in ("academic", "industry", "government", "individual", "mixed")
    }
    rows = []
    for key, mask in masks.items():
        part = df[mask.astype(bool)]
        counts = [int((part["status"] == s).sum()) for s in statuses]
        rows.append([*key, len(part), *counts, sum(counts), *wilson(sum(counts), len(part))])
    return rows


def reasons(df):
    part = df[df["status"].isin(["TERMINATED", "WITHDRAWN", "SUSPENDED"])]
    text = part["why_stopped"].map(lambda t: t or "")
    return {
        "accrual": int(text.str.contains("accrual").sum()),
        "funding": int(text.str.contains("funding").sum()),
        "business or sponsor decision": int(text.str.contains("sponsor").sum()),
        "other": int((text == "xyz").sum()),
        "not stated": int((text == "").sum()),
    }


def sponsors(df):
    """either, lead, collaborator for names after the merges that the made-up names call for."""
    same = {"Kite, A Gilead Company": "Gilead/Kite", "Acme Bio Co Ltd": "Acme", "Acme Bio Co., Ltd.": "Acme"}
    rows = {}
    for row in df.itertuples():
        lead = same.get(row.sponsor, row.sponsor)
        for name in {lead, *(same.get(c, c) for c in row.collaborators)} - {None}:
            counts = rows.setdefault(name, [0, 0, 0])
            counts[0] += 1
            counts[1] += name == lead
            counts[2] += name in {same.get(c, c) for c in row.collaborators}
    return rows


def long_term(df):
    def years(row):
        days = []
        for text in (row["start_date"], row["completion_date"]):
            if not text:
                return None
            days.append(pd.Timestamp(re.sub(r"^(\d{4})$", r"\1-01", text)))
        return (days[1] - days[0]).days / 365.25

    spans = df.apply(years, axis=1).dropna().astype(float)
    spans = spans[spans >= 0]
    follow = int((df["focus"] == "long_term_follow_up").sum())
    purposed = int(df["focus"].notna().sum())
    rows = [[follow, purposed, *wilson(follow, purposed)]]
    for least in (5, 15):
        n = int((df["follow_up_years"].astype(float) >= least).sum())
        rows += [[n, of, *wilson(n, of)] for of in (int(df["follow_up_years"].notna().sum()), len(df))]
    return rows + [[n := int((spans >= y).sum()), len(spans), *wilson(n, len(spans))] for y in (5, 15)]
