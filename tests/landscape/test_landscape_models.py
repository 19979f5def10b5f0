"""Chi-squares, the adjusted model, trends and pairs, against direct calls of scipy and statsmodels."""

import json
import random

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from landscape_data import made
from scipy import stats
from statsmodels.stats.contingency_tables import Table as Contingency
from statsmodels.stats.multitest import multipletests

from cart_nlp.landscape import Options, frame, tables
from cart_nlp.landscape.models import cochran_armitage
from cart_nlp.schema import Record

PHASED = ["EARLY_PHASE1", "PHASE1", "PHASE1|PHASE2", "PHASE2", "PHASE2|PHASE3", "PHASE3", "PHASE4"]
LATE = PHASED[3:]
STOPPED = ["TERMINATED", "WITHDRAWN", "SUSPENDED"]


@pytest.fixture(scope="module")
def many():
    """1,200 records, 2015 to 2022, whose phase depends on the place and the year."""
    rng = random.Random(5)
    found = []
    for n in range(1200):
        record = made(n % 150, rng)
        year = rng.randint(2015, 2022)
        country = rng.choice(["China", "United States", "Germany"])
        chance = {"China": 0.15, "United States": 0.35, "Germany": 0.3}[country] + 0.03 * (year - 2015)
        group = rng.choice([("hematological",), ("solid",), ("autoimmune",), ("hematological", "solid")])
        found.append(
            record.model_copy(
                update={
                    "trial_id": f"NCT{2_500_000 + 2_000 * n:08d}",
                    "car_trial": "product",
                    "start_date": str(year),
                    "first_posted": None,
                    "countries": (country,),
                    "phase": rng.choice(LATE) if rng.random() < chance else rng.choice(PHASED[:3]),
                    "disease_group": group,
                    "sponsor": rng.choice(["Example University", "Acme Bio Co., Ltd."]),
                    "collaborators": (),
                    "status": rng.choice(["COMPLETED", "RECRUITING", "TERMINATED"]),
                }
            )
        )
    return found


@pytest.fixture(scope="module")
def counted(many):
    # A record that is not included ends the data after the last start: the plain tables have no plans.
    return tables(frame([*many, Record(trial_id="NCT05000000", first_posted="2022-12-31")]), Options())


@pytest.fixture(scope="module")
def plain(many):
    """The records as plain pandas."""
    df = pd.DataFrame([json.loads(r.model_dump_json()) for r in many])
    df["place"] = df["countries"].map(lambda c: c[0] if c[0] != "Germany" else "elsewhere")
    df["late"] = df["phase"].isin(LATE)
    df["year"] = df["start_date"].astype(int)
    df["group"] = df["disease_group"].map(lambda g: g[0] if len(g) == 1 else None)
    df["funding"] = df["sponsor"].map({"Example University": "academic", "Acme Bio Co., Ltd.": "industry"})
    df["stopped"] = df["status"].isin(STOPPED)
    result = df["references"].map(lambda refs: any(r["type"] == "RESULT" for r in refs))
    df["results"] = df["has_results"] | result
    df["size"] = df["enrollment"].map(
        lambda n: None if n != n or n is None else "<50" if n < 50 else "50–150" if n <= 150 else ">150"
    )
    return df


@pytest.mark.parametrize(
    ("name", "group", "outcome", "only"),
    [
        ("phase_by_place", "place", "late", None),
        ("phase_by_disease", "group", "late", None),
        ("stopped_by_funding", "funding", "stopped", None),
        ("stopped_by_disease", "group", "stopped", None),
        ("results_by_place", "place", "results", "COMPLETED"),
        ("results_by_size", "size", "results", "COMPLETED"),
        ("results_by_size_all", "size", "results", None),
    ],
)
def test_chi_squares_as_scipy_has_them(counted, plain, name, group, outcome, only):
    df = plain if only is None else plain[plain["status"] == only]
    expected = stats.chi2_contingency(pd.crosstab(df[group], df[outcome]), correction=False)
    row = dict(zip(counted["tests"].columns, counted["tests"].find(name), strict=True))
    assert row["test"].value == "chi-square" and row["df"].value == expected.dof
    assert float(row["statistic"].value) == pytest.approx(expected.statistic, abs=0.001)
    assert row["statistic is"].value == "chi-square"
    assert row["p"].value == pytest.approx(expected.pvalue, rel=1e-6)


def test_the_logit_as_statsmodels_has_it(counted, plain):
    df = plain[plain["group"].notna()]
    terms = pd.DataFrame(
        {
            "const": 1.0,
            "place: United States": (df["place"] == "United States").astype(float),
            "place: elsewhere": (df["place"] == "elsewhere").astype(float),
            "disease: solid": (df["group"] == "solid").astype(float),
            "disease: autoimmune": (df["group"] == "autoimmune").astype(float),
            "funding: industry": (df["funding"] == "industry").astype(float),
            "year (each later)": df["year"].astype(float),
        }
    )
    fitted = sm.Logit(df["late"].astype(float), terms).fit(disp=0)
    table = counted["late_phase_model"]
    assert [row[0].value for row in table.rows] == list(terms.columns[1:])
    for name, _, ratio, low, high, p in ([c.value for c in row] for row in table.rows):
        assert float(ratio) == pytest.approx(np.exp(fitted.params[name]), abs=0.006)
        ends = np.exp(fitted.conf_int().loc[name])
        assert [float(low), float(high)] == pytest.approx(list(ends), abs=0.006)
        assert p == pytest.approx(fitted.pvalues[name], rel=1e-4)
    assert f"over {len(df):,} trials" in table.note


def test_the_trend_as_statsmodels_has_it_and_by_the_textbook(counted, plain):
    counts = plain.groupby("year")["late"].agg(["sum", "count"])
    last = counted["trends"].find("phase II and later")[1].value.split("–")[1]
    counts = counts[counts.index <= int(last)]
    table = np.column_stack([counts["sum"], counts["count"] - counts["sum"]])
    direct = Contingency(table, shift_zeros=False).test_ordinal_association(
        row_scores=counts.index.to_numpy(float), col_scores=np.array([1.0, 0.0])
    )
    row = dict(zip(counted["trends"].columns, counted["trends"].find("phase II and later"), strict=True))
    assert float(row["z"].value) == pytest.approx(direct.zscore, abs=0.006)
    assert row["trials"].value == counts["count"].sum() and row["reading"].value == "rises"
    # Cochran and Armitage: sum of (score - mean) * events over the square root of p q sum n (score - mean)^2
    n, k, x = counts["count"], counts["sum"], counts.index.to_numpy(float)
    share, mean = k.sum() / n.sum(), (n * x).sum() / n.sum()
    textbook = (k * (x - mean)).sum() / np.sqrt(share * (1 - share) * (n * (x - mean) ** 2).sum())
    assert cochran_armitage(list(k), list(n), list(x))[0] == pytest.approx(textbook, rel=0.001)


@pytest.mark.parametrize(
    ("counts", "first", "last"),
    [
        ({2010: 1, 2014: 9, 2018: 45, 2019: 20, 2020: 30, 2021: 60, 2022: 7}, "2010–2018", "2021–2022"),
        ({2018: 60, 2019: 60, 2020: 60}, "2018", "2020"),
        ({2015: 3, 2016: 3, 2017: 3, 2018: 3, 2019: 3}, "2015–2016", "2018–2019"),
    ],
)
def test_first_and_last_years_of_a_trend_have_some_trials(counts, first, last):
    """Years from either end until 50 trials are together, half of the years at most; half are solid."""
    years = [str(year) for year, size in counts.items() for _ in range(size)]
    records = [
        Record(
            trial_id=f"NCT{3_000_000 + n:08d}",
            car_trial="product",
            start_date=year,
            disease_group=("solid",) if n % 2 else ("hematological",),
        )
        for n, year in enumerate(years)
    ]
    end = Record(trial_id="NCT05000000", first_posted="2022-12-31")
    table = tables(frame([*records, end]), Options())["trends"]
    row = dict(zip(table.columns, table.find("solid tumors"), strict=True))
    assert [row["first years"].value, row["last years"].value] == [first, last]
    for side, said in (("first", first), ("last", last)):
        years = range(int(said[:4]), int(said[-4:]) + 1)
        pooled = [r for r in records if int(r.start_date) in years]
        solid = [r for r in pooled if r.disease_group == ("solid",)]
        share = row[f"{side} years %"]
        assert share.value == pytest.approx(100 * len(solid) / len(pooled), abs=0.006)
        assert set(share.of) == {r.trial_id for r in pooled}
    assert "as many from either end as have 50 trials together" in table.note


def test_pairs_are_corrected_within_their_comparison(counted, plain):
    rows = [r for r in counted["pairs_post_hoc"].rows if r[0].value == "phase_by_place"]
    expected = {}
    for one, other in (("China", "United States"), ("China", "elsewhere"), ("United States", "elsewhere")):
        df = plain[plain["place"].isin([one, other])]
        expected[one, other] = stats.chi2_contingency(
            pd.crosstab(df["place"], df["late"]), correction=False
        ).pvalue
    adjusted = dict(zip(expected, multipletests(list(expected.values()), method="holm")[1], strict=True))
    assert {(r[1].value, r[2].value) for r in rows} == set(expected)
    for row in rows:
        wanted = adjusted[row[1].value, row[2].value]
        assert row[7].value == pytest.approx(wanted, rel=1e-6)


def test_a_level_without_events_is_left_out_and_told(many):
    changed = [
        r.model_copy(update={"phase": "PHASE1"}) if r.disease_group == ("autoimmune",) else r for r in many
    ]
    table = tables(frame(changed), Options())["late_phase_model"]
    assert "disease: autoimmune" not in [row[0].value for row in table.rows]
    assert "autoimmune (0 of " in table.note


def test_too_few_events_are_no_model_and_no_test():
    records = [
        Record(trial_id=f"NCT{3_000_000 + n:08d}", car_trial="product", phase="PHASE2" if n < 2 else "PHASE1",
               countries=("China",) if n % 2 else ("Japan",), start_date="2020", sponsor="Example University",
               sponsor_class="OTHER", disease_group=("solid",))
        for n in range(60)
    ]  # fmt: skip
    made = tables(frame(records), Options())
    assert made["late_phase_model"].rows == [] and "too few" in made["late_phase_model"].note
    row = made["tests"].find("phase_by_place")
    assert row[7].value is None and "fewer than 5 trials are “II and later”" in row[-1].value


@pytest.mark.parametrize(("rare", "tested"), [(0, 85), (2, 85), (7, 92)])
def test_columns_that_few_trials_of_the_leading_targets_have_are_pooled_or_left_out(rare, tested):
    plan = [("CD19", "lymphoma", 20), ("CD19", "multiple myeloma", 3), ("BCMA", "multiple myeloma", 20),
            ("MSLN", "glioma", 12), ("HER2", "breast cancer", 30), ("GD2", "neuroblastoma", 11),
            ("CD19", "acute myeloid leukemia", rare)]  # fmt: skip
    records = [
        Record(trial_id=f"NCT{3_000_000 + 100 * n + k:08d}", car_trial="product", targets=(target,),
               indications=(name,))
        for n, (target, name, size) in enumerate(plan)
        for k in range(size)
    ]  # fmt: skip
    row = tables(frame(records), Options())["tests"].find("indication_by_target")
    assert row[2].value == tested and row[7].value is not None, row[-1].value
