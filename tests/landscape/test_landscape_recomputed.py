"""Every number of the tables, computed a second time with plain pandas."""

import math

import landscape_recomputed as again
import pandas as pd
import pytest

from cart_nlp.landscape import Options, cohort, read_records, tables
from cart_nlp.landscape.table import Table


def same(got, expected, where):
    assert len(got) == len(expected), where
    for n, (a, b) in enumerate(zip(got, expected, strict=True)):
        if a is None or b is None or isinstance(a, str) or isinstance(b, str):
            assert a == b, (where, n, got, expected)
        else:
            assert math.isclose(a, b, abs_tol=0.011), (where, n, got, expected)


def rows(table: Table):
    return [[cell.value for cell in row] for row in table.rows]


def check(table, expected):
    assert len(table.rows) == len(expected), table.name
    for got, row in zip(rows(table), expected, strict=True):
        same(got, row, table.name)


@pytest.fixture
def frames(records_file):
    return again.load(records_file)


def every_table(found, df, products):
    """Compare every table that has one row a group; returns the names that were compared."""
    check(found["trials_by_year"], again.growth(df))
    check(found["countries"], again.countries(df))
    check(found["growth_rates"], again.rates(df))
    check(found["phases"], again.phases(df))
    check(found["targets"], again.targets(products))
    for group in ("hematological", "solid", "autoimmune"):
        check(found[f"targets_{group}"], again.targets(products, group))
    check(found["multi_target"], again.multi(products))
    check(found["technology"], again.technology(products))
    check(found["transparency_all"], again.visible(df))
    completed = df[df["status"] == "COMPLETED"]
    check(found["transparency"], again.visible(completed))
    check(found["stopped"], again.stopped(df))
    for name, size in (("combinations", None), ("pairs", 2), ("triples", 3)):
        assert {r[0].text(): r[2].value for r in found[name].rows} == again.parts(products, size), name
    for row, expected in zip(rows(found["long_term"]), again.long_term(df), strict=True):
        same(row[1:], expected, "long_term")
    for name, expected in again.stated(products).items():
        label = {"costim": "costimulation", "cell_source": "cell source"}.get(name, name)
        row = dict(
            zip(found["technology_stated"].columns, rows_of(found["technology_stated"], label), strict=True)
        )
        assert [row["stated"], row["from the product only"], row["silent"]] == expected, name
        same([row["silent %"]], [100 * expected[2] / len(products)], name)


def rows_of(table, label):
    return [cell.value for cell in table.find(label)]


def test_tables_from_made_up_records(found, frames):
    every_table(found, *frames)


def test_groups_of_all_trials(found, frames):
    df, _products = frames
    placed = int((df["regions"].map(len) > 0).sum())
    for row in rows(found["regions"])[:-2]:
        part = df[again.has(df["regions"], row[0])]
        alone = int((part["regions"].map(len) == 1).sum())
        same(row[1:], [len(part), *again.wilson(len(part), placed), alone], row[0])
    outside = int(df["regions"].map(lambda r: bool(r) and not {"China", "United States"} & set(r)).sum())
    assert rows(found["regions"])[-2][:2] == ["neither China nor United States", outside]
    assert rows(found["regions"])[-1][1:] == [len(df) - placed, None, None, None, None]
    for row in rows(found["periods"])[:3]:
        years = {"to 2016": range(0, 2017), "2017–2021": range(2017, 2022), "2022–": range(2022, 2100)}[
            row[0]
        ]
        part = df[df["year"].isin(years)]
        part = part[[pd.Timestamp(d) <= again.END for d in part["start_date"]]]
        first = min(
            pd.Timestamp(d) for d, y in zip(df["start_date"], df["started"], strict=True) if y == y and y
        )
        span = {"to 2016": (first, 2016), "2017–2021": (2017, 2021), "2022–": (2022, 2099)}[row[0]]
        length = again.years_until_end(*span)
        by = [int(again.has(part["regions"], r).sum()) for r in again.REGIONS]
        same(
            row,
            [
                row[0],
                "start",
                f"{length:.2f}",
                len(part),
                round(len(part) / length, 1),
                *by,
                int((part["regions"].map(len) == 0).sum()),
            ],
            row[0],
        )
    grouped = int((df["disease_group"].map(len) > 0).sum())
    for row in rows(found["disease_groups"])[:-1]:
        part = df[again.has(df["disease_group"], row[0])]
        first = part["started"].dropna()
        alone = int((part["disease_group"].map(len) == 1).sum())
        year = str(int(first.min())) if len(first) else None
        same(row[1:], [len(part), *again.wilson(len(part), grouped), alone, year], row[0])
    assert rows(found["disease_groups"])[-1][1] == len(df) - grouped
    for row in rows(found["disease_groups_by_year"]):
        part = df[df["started"] == int(row[0])]
        by = [int(again.has(part["disease_group"], g).sum()) for g in again.GROUPS]
        same(row[1:], [*by, int((part["disease_group"].map(len) == 0).sum())], row[0])
    expected = again.tally(df["indications"])
    stated = int((df["indications"].map(len) > 0).sum())
    assert [(r[0], r[1]) for r in rows(found["indications"])] == expected
    for row in rows(found["indications"]):
        part = df[again.has(df["indications"], row[0])]
        by = [int(again.has(part["disease_group"], g).sum()) for g in again.GROUPS]
        same(row[2:], [*again.wilson(len(part), stated), *by], row[0])


def test_phases_funding_focus(found, frames):
    df, _ = frames
    for name, columns in (
        ("phases_by_country", ("countries", "regions")),
        ("phases_by_disease", ("disease_group",)),
    ):
        for row in rows(found[name]):
            if row[0] == "in several regions":
                same(row[1:], again.phases_of(df[df["regions"].map(len) > 1]), row[0])
                continue
            column = next(c for c in columns if again.has(df[c], row[0]).any())
            same(row[1:], again.phases_of(df[again.has(df[column], row[0])]), (name, row[0]))
    known = int(df["paid"].notna().sum())
    for row in rows(found["funding"]):
        if row[0] == "not stated":
            same(row[1:], [len(df) - known, None, None, None], row[0])
            continue
        kinds = {"any industry (industry or mixed)": ["industry", "mixed"]}.get(row[0], [row[0]])
        kinds = ["academic", "government", "individual"] if row[0] == "no industry" else kinds
        n = int(df["paid"].isin(kinds).sum())
        same(row[1:], [n, *again.wilson(n, known)], row[0])
    for row in rows(found["focus"])[:-1]:
        n = int((df["focus"] == row[0].replace(" ", "_").replace("long_term", "long_term")).sum())
        same(row[1:], [n, *again.wilson(n, len(df))], row[0])
    places = {
        "China": df[again.has(df["regions"], "China")],
        "United States": df[again.has(df["regions"], "United States")],
        "outside China": df[df["regions"].map(lambda r: bool(set(r) - {"China"}))],
    }
    for row in rows(found["funding_by_place"]):
        part = places[row[0]]
        expected = [len(part)]
        for name in ("academic", "industry", "government", "individual", "mixed"):
            n = int((part["paid"] == name).sum())
            expected += [n, 100 * n / part["paid"].notna().sum()]
        same(row[1:], [*expected, int(part["paid"].isna().sum())], row[0])


def test_sponsors_reasons_and_new_targets(found, frames):
    df, products = frames
    expected = again.sponsors(df)
    got = {("Acme" if r[0].startswith("Acme") else r[0]): r[3:] for r in rows(found["sponsors"])}
    assert got == expected
    got = {r[0]: r[1] for r in rows(found["stop_reasons"])}
    assert got == {name: n for name, n in again.reasons(df).items() if n}
    first = (
        products.explode("targets").dropna(subset=["targets", "started"]).groupby("targets")["started"].min()
    )
    by_year = first.astype(int).value_counts().sort_index()
    got = [(r[0], r[1]) for r in rows(found["new_targets"])]
    assert got == [(str(year), int(n)) for year, n in by_year.items()]
    assert rows(found["new_targets"])[-1][2] == len(first)


def test_target_indication_phase(found, frames):
    _, products = frames
    order = [k for k in again.PHASES if k != "NA"]
    long = products.explode("targets").explode("indications").dropna(subset=["targets", "indications"])
    for row in rows(found["target_indication_phase"]):
        part = long[(long["targets"] == row[0]) & (long["indications"] == row[1])]
        ranks = [order.index(p) for p in part["phase"] if p in order]
        year = part["started"].dropna()
        phase = again.PHASES[order[max(ranks)]] if ranks else None
        at = ranks.count(max(ranks)) if ranks else 0
        same(row[2:], [len(part), phase, at, str(int(year.max())) if len(year) else None], row[:2])
    assert len(found["target_indication_phase"].rows) == long.groupby(["targets", "indications"]).ngroups


def test_technology_by_year_and_classes(found, frames):
    _, products = frames
    fields = {
        "costimulation": "costim",
        "cell source": "cell_source",
        "cell type": "cell_type",
        "safety switch": "safety_switch",
    }
    seen = 0
    for field, value, year, n, speaking, percent in rows(found["technology_by_year"]):
        part = products[products["started"] == int(year)]
        column = part[fields.get(field, field)]
        has = int(column.map(lambda v, value=value: value in map(str, v)).sum())
        same(
            [n, speaking, percent],
            [has, int((column.map(len) > 0).sum()), 100 * has / (column.map(len) > 0).sum()],
            (field, value, year),
        )
        seen += n
    dated = products.dropna(subset=["started"])
    names = (
        "costim",
        "generation",
        "vector",
        "cell_source",
        "cell_type",
        "edits",
        "armoring",
        "safety_switch",
    )
    assert seen == sum(int(dated[c].map(len).sum()) for c in names)
    viral = products["vector"].map(lambda v: bool({"lentiviral", "retroviral"} & set(v)))
    other = products["vector"].map(lambda v: bool({"mrna", "lnp"} & set(v)))
    masks = {
        "vector: viral": viral & ~other,
        "vector: non-viral": other & ~viral,
        "vector: both": viral & other,
        "gene-edited": products["edits"].map(len) > 0,
        "off the shelf (universal)": again.has(products["cell_source"], "off_the_shelf"),
        "in vivo": again.has(products["cell_source"], "in_vivo"),
        "armored": products["armoring"].map(len) > 0,
        "safety switch": products["safety_switch"].map(len) > 0,
    }
    for row in rows(found["technology_classes"]):
        part = products[masks[row[0]]]
        late = int(part["phase"].isin(again.LATE).sum())
        second = int((part["phase"] == "PHASE2").sum())
        same(row[1:5], [len(part), *again.wilson(len(part), len(products))], row[0])
        assert row[5] + row[6] == row[1] and row[7:] == [second, late], row[0]


def test_each_count_is_the_number_of_its_trials(found, frames):
    """What a reader gets who follows a number: as many trials as the number says, all of them included."""
    included = set(frames[0]["trial_id"])
    followed = 0
    for table in found.values():
        for row in table.rows:
            for column, cell in zip(table.columns, row, strict=True):
                if cell.ids is None or table.name in ("flow", "excluded"):
                    continue
                assert len(set(cell.ids)) == len(cell.ids) and set(cell.ids) <= included, (table.name, column)
                if isinstance(cell.value, int) and column not in ("new targets", "value", "links"):
                    assert cell.value == len(cell.ids), (table.name, column, row[0].value)
                if isinstance(cell.value, float) and cell.of is not None and column != "growth %":
                    assert math.isclose(cell.value, 100 * len(cell.ids) / len(cell.of), abs_tol=0.006), (
                        table.name,
                        column,
                    )
                followed += 1
    assert followed > 2000


def test_flow_adds_up(found, df, frames):
    value = found["flow"].value
    out = [row[3].value for row in found["flow"].rows if row[2].value == "out"]
    assert value("records analyzed", "records") == len(df) == 162
    assert value("trials included", "records") == 162 - sum(out) == len(frames[0])
    assert value("duplicate of another record", "records") == 2


@pytest.mark.corpus
def test_tables_from_real_records(car_records):
    """The same on records tagged from real registry text."""
    out, _ = car_records
    df = read_records(out)
    found = tables(df, Options())
    df, products = again.load(out, pd.Timestamp(cohort(df, Options()).end))
    assert found["flow"].value("trials included", "records") == len(df)
    for group in ("hematological", "solid", "autoimmune"):
        check(found[f"targets_{group}"], again.targets(products, group))
    check(found["targets"], again.targets(products))
    check(found["phases"], again.phases(df))
    check(found["technology"], again.technology(products))
    check(found["multi_target"], again.multi(products))
    leading = [row[0].value for row in found["targets_hematological"].rows[:5]]
    assert leading == ["CD19", "BCMA", "CD22", "CD20", "CD7"]
    assert {row[0].value for row in found["targets_solid"].rows[:9]} >= {
        "MSLN",
        "GPC3",
        "GD2",
        "CLDN18.2",
        "HER2",
    }


def test_frame_is_plain_pandas(found):
    frame = found["targets"].frame
    assert frame["trials"].dtype == pd.Int64Dtype()
    assert list(frame.columns) == list(found["targets"].columns)
    assert found["targets"].ids("CD19", "trials") == found["targets"].find("CD19")[1].ids
