"""The comparison of two runs, the floors, and the guard against regressions."""

from __future__ import annotations

import json
import runpy

import pytest
from test_evaluation_metrics import gold, record

from cart_nlp.evaluation import baseline, breakdown, compare, layout
from cart_nlp.evaluation.gold import Gold, GoldError
from cart_nlp.evaluation.scoring import evaluate


def result(found, version="v1"):
    """The result of trials A to D, each labeled CD19, against the given targets."""
    labeled = Gold("made", version, tuple(gold(i, targets=["CD19"]) for i in "ABCD"))
    return evaluate(labeled, {i: record(i, targets=t) for i, t in zip("ABCD", found, strict=True)}).result


OLD = result([("CD19",), ("CD19",), (), ()])
NEW = result([("CD19",), (), ("CD19",), ("CD19",)])


def test_better_and_worse_by_trial():
    fields = compare.compare(OLD, NEW)["fields"]
    assert fields["targets"]["better"] == ["C", "D"]
    assert fields["targets"]["worse"] == ["B"]
    assert fields["targets"]["p"] == 1.0
    assert fields["targets"]["rates"]["exact"] == [0.5, 0.75]
    assert fields["vector"] == {
        "trials": 4,
        "better": [],
        "worse": [],
        "p": None,
        "rates": fields["vector"]["rates"],
    }


def test_comparison_as_text():
    text = "\n".join(breakdown.compare(compare.compare(OLD, NEW)))
    assert "targets (stated)       2      1      1.000  50.0 → 75.0 (exact)" in text
    assert "  targets, worse: B" in text
    assert "no trial changed" in "\n".join(breakdown.compare(compare.compare(OLD, OLD)))


def test_another_version_of_the_gold_is_told():
    assert not compare.compare(OLD, result([()] * 4, "v2"))["same_gold"]


def test_mcnemar_agrees_with_statsmodels():
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    for better, worse in ((1, 0), (3, 9), (5, 5), (12, 2)):
        expected = tables.mcnemar([[10, better], [worse, 10]], exact=True).pvalue
        assert compare.mcnemar(better, worse) == pytest.approx(expected)
    assert compare.mcnemar(0, 0) is None


@pytest.mark.parametrize(
    ("floor", "expected"),
    [
        ("targets.exact=0.7", []),
        ("targets.exact=0.8", ["targets.exact is 0.7500, under 0.8"]),
        ("fields.targets.macro.f1=0.9", ["fields.targets.macro.f1 is 0.8571, under 0.9"]),
        ("screening.recall=1", []),
        ("edits.recall=0.1", ["edits.recall is undefined, under 0.1"]),
    ],
)
def test_floors(floor, expected):
    assert compare.shortfalls(NEW, [floor]) == expected


@pytest.mark.parametrize(
    "floor", ["targets.exact", "targets=0.5", "colour.exact=0.5", "targets.exact=95", "targets.tp2=0"]
)
def test_floors_that_cannot_be_read(floor):
    with pytest.raises(GoldError) as caught:
        compare.shortfalls(NEW, [floor])
    assert len(caught.value.faults) == 1


def test_results_that_cannot_be_compared(tmp_path):
    with pytest.raises(GoldError, match="no such file"):
        compare.read_result(tmp_path / "none.json")
    path = tmp_path / "x.json"
    path.write_text("[]", "utf-8")
    with pytest.raises(GoldError, match="no outcomes by trial"):
        compare.read_result(path)
    path.write_text("{", "utf-8")
    with pytest.raises(GoldError, match="give a result of"):
        compare.read_result(path)


def test_guard_tells_what_fell_by_more_than_a_point():
    before = {"targets.f1": 0.95, "vector.f1": 0.9, "edits.f1": 0.5}
    assert baseline.fallen(before, {"targets.f1": 0.94, "vector.f1": 0.889}) == [
        "vector.f1 fell from 90.0 to 88.9",
        "edits.f1 fell from 50.0 to undefined",
    ]


def test_guarded_scores_are_defined_ones():
    share = {"n": 20, "share": 0.75}
    card = {
        "cross_validation": {
            "targets": {"f1": 0.9, "exact": share, "several": {"n": 2, "share": 0.5}, "tp": 3},
            "constructs_given_targets": share,
            "roles": {"registry": {"roles": {"target": {"n": 30, "f1": 0.8}, "switch": {"n": 3, "f1": 0.1}}}},
        }
    }
    assert baseline.card_scores(card) == {
        "targets.f1": 0.9,
        "targets.exact": 0.75,
        "constructs_given_targets": 0.75,
        "roles.registry.target.f1": 0.8,
    }


def test_guarded_scores_of_a_run():
    found = baseline.live_scores(NEW)
    assert found["targets.exact"] == 0.75
    assert found["screening.recall"] == 1.0
    assert "edits.f1" not in found


def test_a_rate_is_rounded_once_on_its_way_to_the_readme():
    tables = runpy.run_path(str(baseline.ROOT / "benchmarks" / "tables.py"))
    labeled = Gold("made", "v1", tuple(gold(f"T{n}", targets=["CD19"]) for n in range(29)))
    found = {f"T{n}": record(f"T{n}", targets=["CD19"] if n else []) for n in range(29)}
    scored = evaluate(labeled, found).result
    assert f"{100 * baseline.live_scores(scored)['targets.exact']:.1f}" == "96.6"
    assert layout.percent(scored["fields"]["targets"]["exact"]) == "96.6"
    assert tables["_share"](0.9655, 29).startswith("96.6 % (")
    assert tables["_f1"]({"f1": 0.9655, "tp": 14, "fp": 1, "fn": 0}) == "96.6 % (n = 14)"


def test_history_has_one_line_a_release(tmp_path):
    path = tmp_path / "accuracy.json"
    for version in ("0.1", "0.2", "0.1"):
        baseline.record({"version": version, "sets": {}}, path)
    assert [row["version"] for row in baseline.read(path)] == ["0.2", "0.1"]
    assert len(path.read_text("utf-8").splitlines()) == 4
    assert baseline.read(tmp_path / "none.json") == []


def test_check_names_the_set_and_a_changed_gold():
    before = {
        "sets": {"a": {"gold": "1", "scores": {"x.f1": 0.9}}, "b": {"gold": "1", "scores": {"x.f1": 1}}}
    }
    now = {"a": {"gold": "2", "scores": {"x.f1": 0.8}}}
    assert baseline.check(before, now) == ["a: x.f1 fell from 90.0 to 80.0 (the gold set has changed since)"]


def test_no_field_is_more_than_a_point_below_the_last_record():
    """In cross-validation, and on the written gold set as it is tagged now."""
    last = baseline.read()[-1]
    assert last["sets"].keys() == {baseline.SET, *baseline.HALVES}
    assert baseline.check(last, baseline.measure()) == []


def test_the_card_is_of_the_labels_that_are_here():
    from cart_nlp.training import data

    card = json.loads(baseline.CARD.read_text("utf-8"))
    taught = [
        json.loads(line)
        for line in (data.paths.gold() / data.TAUGHT / "labels.jsonl").read_text("utf-8").splitlines()
    ]
    assert card["data"]["by_source"][data.TAUGHT] == len(taught)
    assert card["data"]["by_source"]["written"] == len(list(data.written("dev")))


def test_committed_history_is_one_line_a_release():
    if not baseline.HISTORY.is_file():
        pytest.skip("benchmarks/results/accuracy.json is not here")
    lines = baseline.HISTORY.read_text("utf-8").splitlines()
    assert (lines[0], lines[-1]) == ("[", "]")
    for line in lines[1:-1]:
        entry = json.loads(line.rstrip(","))
        assert {"version", "date", "sets"} <= entry.keys()
