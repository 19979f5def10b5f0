"""Comparisons: the right test, the right numbers, honest refusals."""

import datetime

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from cart_nlp.landscape.export import Sets, markdown, write_tables, write_workbook
from cart_nlp.landscape.pagedata import _packed, _Sets, _shown
from cart_nlp.landscape.statistics import adjust, compare, summary
from cart_nlp.landscape.table import share


def groups(counts, outcomes=("yes", "no")):
    number = iter(range(10**6))
    return {
        f"g{n}": {o: tuple(f"t{next(number)}" for _ in range(k)) for o, k in zip(outcomes, row, strict=True)}
        for n, row in enumerate(counts)
    }


def test_chi_square_as_scipy_has_it():
    counts = [[30, 70], [50, 50], [20, 80]]
    made = compare("x", "?", groups(counts), ("yes", "no"))
    expected = stats.chi2_contingency(counts, correction=False)
    assert made.method == "chi-square" and made.dof == 2
    assert made.statistic == pytest.approx(expected.statistic) and made.p == pytest.approx(expected.pvalue)
    assert made.v == pytest.approx(np.sqrt(expected.statistic / 300))
    assert made.contingency.value("g1", "yes") == 50 and made.contingency.value("g1", "all") == 100


def test_fisher_where_counts_are_small():
    made = compare("x", "?", groups([[8, 2], [1, 5]]), ("yes", "no"))
    assert made.method == "Fisher exact"
    assert made.p == pytest.approx(0.0350, abs=1e-4), "Fisher's textbook table"


def test_monte_carlo_for_larger_small_tables_is_repeatable_and_near_the_exact_value():
    counts = [[4, 1], [1, 4], [0, 3]]
    one = compare("x", "?", groups(counts), ("yes", "no"))
    two = compare("x", "?", groups(counts), ("yes", "no"))
    assert one.p == two.p and "Monte Carlo" in one.method
    assert one.p == pytest.approx(0.0987, abs=0.01), "sum over all tables with these margins"


@pytest.mark.parametrize(
    "counts", [[[0, 0], [0, 0]], [[5, 0], [7, 0]], [[5, 3]], [], [[6, 1], [5, 0]], [[60, 2], [50, 2]]]
)
def test_what_cannot_be_tested_is_not(counts):
    made = compare("x", "?", groups(counts), ("yes", "no"))
    assert made.p is None and made.v is None and made.reading().startswith("Not tested")


def test_a_trial_in_two_cells_is_refused():
    with pytest.raises(ValueError, match="two cells"):
        compare("x", "?", {"a": {"yes": ("t1",)}, "b": {"no": ("t1",)}}, ("yes", "no"))


def test_holm_over_the_tested_ones():
    tables = [[[30, 70], [50, 50]], [[30, 70], [31, 69]], [[5, 0], [7, 0]]]
    made = adjust([compare(f"c{n}", "?", groups(t), ("yes", "no")) for n, t in enumerate(tables)])
    expected = multipletests([made[0].p, made[1].p], method="holm")[1]
    assert [made[0].p_adjusted, made[1].p_adjusted] == pytest.approx(list(expected))
    assert made[2].p_adjusted is None
    assert "differ" in made[0].reading() and made[1].reading().startswith("No difference shown")


def test_summary_has_a_row_each_and_says_what_a_test_cannot(found):
    assert len(found["tests"].rows) == 14
    assert "no test here shows a cause" in found["tests"].note
    for row in found["tests"].rows:
        assert f"test_{row[0].value}" in found
    assert summary([]).rows == []


def test_p_values_and_statistics_are_numbers_in_tables_and_short_in_the_report(tmp_path):
    made = adjust([
        compare("large", "?", groups([[900, 100], [100, 900]]), ("yes", "no")),
        compare("small", "?", groups([[8, 2], [1, 5]]), ("yes", "no")),
        compare("none", "?", groups([[5, 0], [7, 0]]), ("yes", "no")),
    ])  # fmt: skip
    table = summary(made)
    write_tables({"tests": table}, tmp_path, Sets())
    written = pd.read_csv(tmp_path / "tests.csv", index_col="comparison")
    write_workbook({"tests": table}, tmp_path / "t.xlsx", datetime.date(2026, 1, 1))
    book = pd.read_excel(tmp_path / "t.xlsx", sheet_name="tests", index_col="comparison")
    columns = {"statistic": "statistic", "p": "p", "p (Holm)": "p_adjusted", "Cramér's V": "v",
               "smallest expected count": "smallest_expected"}  # fmt: skip
    for kept in (written, book):
        for column, name in columns.items():
            assert kept[column].dtype == float, column
            for one in made[:2]:
                assert kept[column][one.name] == pytest.approx(getattr(one, name), rel=1e-12), column
        assert 0 < kept["p"]["large"] < 1e-100 and np.isnan(kept["p"]["none"])
        assert list(kept["statistic is"][:2]) == ["chi-square", "odds ratio"]
    assert made[1].statistic == 20.0, "the sample odds ratio, 8 × 5 to 2 × 1"
    report = markdown("x", [], {"tests": table}, [])
    assert "&lt;0.0001 | &lt;0.0001" in report and f"| {made[1].p:.4f} |" in report


def test_the_page_sorts_as_numbers_only_what_it_prints_as_numbers(found):
    """It subtracts these, and “<0.0001” is no number."""
    seen = 0
    for table in found.values():
        for n, head in enumerate(_shown(table)["head"]):
            printed = [_packed(row[n], _Sets([]))[0] for row in table.rows]
            assert not head["numeric"] or not any(isinstance(one, str) for one in printed), (table.name, head)
            seen += head["numeric"]
    assert seen > 100


def test_other_tables_of_statistics_hold_numbers(found):
    text = {"comparison", "one", "other", "test", "reading", "share", "years", "first years", "last years",
            "term", "question", "statistic is"}  # fmt: skip
    for name in ("tests", "trends", "pairs_post_hoc", "late_phase_model"):
        for column in set(found[name].columns) - text:
            values = [row[found[name].columns.index(column)].value for row in found[name].rows]
            assert all(v is None or isinstance(v, (int, float)) for v in values), (name, column)


@pytest.mark.parametrize("k, n", [(0, 10), (10, 10), (3, 17)])
def test_share_is_wilson(k, n):
    ids = [f"t{i}" for i in range(n)]
    low, high = proportion_confint(k, n, method="wilson")
    percent, lowest, highest = (cell.value for cell in share(ids[:k], ids))
    assert (percent, lowest, highest) == pytest.approx((100 * k / n, 100 * low, 100 * high), abs=0.006)


def test_share_of_nothing_is_undefined():
    assert [cell.value for cell in share([], [])] == [None, None, None]
