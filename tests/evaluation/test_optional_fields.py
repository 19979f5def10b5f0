"""What nobody labeled is not scored: indications trial by trial, every other field set by set."""

import pytest
from gold_lines import labels, line, save

from cart_nlp.evaluation import agreement, report
from cart_nlp.evaluation import gold as gold_set
from cart_nlp.evaluation.compare import shortfalls
from cart_nlp.evaluation.gold import GoldError
from cart_nlp.evaluation.labels import label_faults
from cart_nlp.evaluation.predictions import tag_gold
from cart_nlp.evaluation.run import Options, run
from cart_nlp.evaluation.scoring import evaluate


def test_trials_without_the_label_are_left_out(tmp_path) -> None:
    lines = [
        line("T1", "CD19 CAR-T in mantle cell lymphoma", indications=["mantle cell lymphoma"]),
        line("T2", "CD19 CAR-T in follicular lymphoma", indications=["multiple myeloma"]),
        line("T3", "CD19 CAR-T in melanoma"),
    ]
    gold = gold_set.read(save(tmp_path / "gold.jsonl", lines))
    records, _ = tag_gold(gold.records)
    field = evaluate(gold, records).result["fields"]["indications"]
    assert (field["trials"], field["tp"], field["fp"], field["fn"]) == (2, 1, 1, 1)


def test_no_label_no_row(tmp_path) -> None:
    gold = gold_set.read(save(tmp_path / "gold.jsonl", [line()]))
    records, _ = tag_gold(gold.records)
    assert "indications" not in evaluate(gold, records).result["fields"]


def test_a_field_that_no_trial_labels_is_not_scored_and_told(tmp_path) -> None:
    """Targets alone are labeled: what the tool finds of cells and constructs is neither right nor wrong."""
    lines = [line("T1", "CD19 CAR-T in lymphoma"), line("T2", "BCMA CAR-NK cells in myeloma")]
    for one, targets in zip(lines, (["CD19"], ["BCMA"]), strict=True):
        one["labels"] = {"car_trial": "product", "targets": targets}
        del one["mentions"]
    result = run(Options(gold=str(save(tmp_path / "gold.jsonl", lines)), resamples=10)).result
    assert result["fields"].keys() == {"targets"}
    assert result["fields"]["targets"]["exact"] == 1.0
    assert {"targets_all", "constructs", "cell_type", "vector", "indications"} <= set(result["unlabeled"])
    assert "targets" not in result["unlabeled"]
    told = [text for text in report.lines(result) if text.startswith("not labeled in this set")]
    assert len(told) == 1
    assert "cell_type" in told[0]
    with pytest.raises(GoldError, match=r"no rate 'vector\.f1': vector is not labeled in this set"):
        shortfalls(result, ["targets.exact=1", "vector.f1=0.5"])


def test_two_labelings_are_compared_where_both_have_the_label(tmp_path) -> None:
    sides = []
    for name, second in (("a", ["melanoma"]), ("b", ["mantle cell lymphoma"])):
        lines = [line("T1", indications=["melanoma"]), line("T2", indications=second), line("T3"), line("T4")]
        if name == "b":
            lines[2]["labels"]["indications"] = []
        sides.append(gold_set.read(save(tmp_path / f"{name}.jsonl", lines)))
    result = agreement.agree(*sides)
    assert result["sets"]["indications"] == {"n": 4, "f1": 0.5, "same": 0.5, "trials": 2, "one_sided": 1}
    assert result["disagreements"] == [
        {"id": "T2", "field": "indications", "a": ["melanoma"], "b": ["mantle cell lymphoma"]}
    ]
    told = list(agreement.lines(result))
    assert "indications: compared in 2 trials, labeled in one alone in 1 more" in told
    bare = gold_set.read(save(tmp_path / "bare.jsonl", [line("T4")]))
    assert "indications" not in agreement.agree(bare, bare)["sets"]


@pytest.mark.parametrize(
    ("told", "scored"),
    [
        ({"targets": []}, {"targets": 0}),
        ({"product_targets": ["CD19"]}, {}),
        ({"targets": [], "product_targets": ["CD19"]}, {"targets": 0, "targets_all": 0}),
        ({"targets": [], "product_targets": []}, {"targets": 0, "targets_all": 1}),
    ],
)
def test_all_targets_take_labels_of_those_known_of_a_product(told, scored, tmp_path) -> None:
    """A label that is there and empty is one; a label that is absent is none."""
    one = line("T1", "Tisagenlecleucel in DLBCL")
    one["labels"] = {"car_trial": "product", **told}
    gold = gold_set.read(save(tmp_path / "gold.jsonl", [one]))
    records, _ = tag_gold(gold.records)
    assert records["T1"].targets == ("CD19",)
    fields = evaluate(gold, records).result["fields"]
    assert {name: field["fp"] for name, field in fields.items()} == scored


def test_constructs_alone_are_scored_and_look_alikes_alone_leave_nothing_out(tmp_path) -> None:
    only = line("T1", "CD19 CAR-T in lymphoma")
    only["labels"] = {"car_trial": "product", "constructs": [{"targets": ["CD19"], "format": "single"}]}
    gold = gold_set.read(save(tmp_path / "gold.jsonl", [only]))
    records, _ = tag_gold(gold.records)
    assert evaluate(gold, records).result["fields"].keys() == {"constructs"}
    other = line("T2", "Rituximab in lymphoma")
    other["labels"] = {"car_trial": "no"}
    assert gold_set.read(save(tmp_path / "no.jsonl", [other])).records[0].unlabeled == frozenset()


def test_a_field_that_one_trial_labels_is_empty_in_the_others(tmp_path) -> None:
    lines = [line("T1", "CD19 CAR-T in lymphoma", cell_type=["T"]), line("T2", "CD19 CAR-T in leukemia")]
    del lines[1]["labels"]["cell_type"]
    gold = gold_set.read(save(tmp_path / "gold.jsonl", lines))
    records, _ = tag_gold(gold.records)
    field = evaluate(gold, records).result["fields"]["cell_type"]
    assert (field["tp"], field["fp"], field["fn"]) == (1, 1, 0)


@pytest.mark.parametrize(
    ("value", "told"),
    [("lymphoma", "indications is 'lymphoma'; give a list"), ([""], "indications holds ''; give a name")],
)
def test_a_wrong_label_is_told(value: object, told: str) -> None:
    assert list(label_faults(labels(indications=value))) == [told]
    assert list(label_faults(labels(indications=["lymphoma"], uncertain=["indications"]))) == []
