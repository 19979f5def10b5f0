"""Indications are scored where a gold record labels them, and nowhere else."""

import pytest
from gold_lines import labels, line, save

from cart_nlp.evaluation import gold as gold_set
from cart_nlp.evaluation.labels import label_faults
from cart_nlp.evaluation.predictions import tag_gold
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


@pytest.mark.parametrize(
    ("value", "told"),
    [("lymphoma", "indications is 'lymphoma'; give a list"), ([""], "indications holds ''; give a name")],
)
def test_a_wrong_label_is_told(value: object, told: str) -> None:
    assert list(label_faults(labels(indications=value))) == [told]
    assert list(label_faults(labels(indications=["lymphoma"], uncertain=["indications"]))) == []
