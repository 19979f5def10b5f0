"""A label under another name of the same concept is no error; who reads the result is told."""

from __future__ import annotations

import html
from pathlib import Path

import pytest
from gold_lines import line, save

from cart_nlp.evaluation import page, report
from cart_nlp.evaluation.run import Options, run
from cart_nlp.evaluation.scoring import Evaluation
from cart_nlp.pipeline import tag
from cart_nlp.schema import Record

TEXT = "CAR-T cells against {} in lymphoma"


def scored(folder: Path, labeled: str, found: str, **labels: object) -> Evaluation:
    """The evaluation of one trial: labeled with an antigen, tagged on a text that names one."""
    record = tag(TEXT.format(found)).model_copy(update={"trial_id": "NCT1"})
    gold = save(folder / "g.jsonl", [line("NCT1", targets=[labeled], **labels)])
    records = folder / "r.jsonl"
    records.write_text(record.model_dump_json() + "\n", "utf-8")
    return run(Options(gold=str(gold), records=records, resamples=20))


@pytest.mark.parametrize("labeled", ["BAFF-R", "BAFFR", "TNFRSF13C", "baff R"])
def test_a_label_under_another_name_is_compared_under_the_lexicons(tmp_path: Path, labeled: str) -> None:
    constructs = [{"targets": [labeled], "format": "single"}]
    result = scored(tmp_path, labeled, "BAFF-R", constructs=constructs).result
    assert (result["fields"]["targets"]["tp"], result["fields"]["targets"]["fp"]) == (1, 0)
    assert result["fields"]["constructs"]["exact"] == 1.0
    told = [{"field": "targets", "label": labeled, "name": "BAFF-R", "trials": 1}]
    assert result["gold"]["renamed"] == (told if labeled != "BAFF-R" else [])


@pytest.mark.parametrize(
    ("labeled", "name"),
    [("Her-2", "HER2"), ("CD 19", "CD19"), ("Claudin18.2", "CLDN18.2"), ("CLL-1", "CLL1")],
)
def test_hyphens_and_blanks_make_no_other_antigen(tmp_path: Path, labeled: str, name: str) -> None:
    result = scored(tmp_path, labeled, name).result
    assert (result["fields"]["targets"]["tp"], result["fields"]["targets"]["fp"]) == (1, 0)


def test_another_antigen_stays_one(tmp_path: Path) -> None:
    result = scored(tmp_path, "BCMA", "BAFF-R").result
    assert (result["fields"]["targets"]["tp"], result["fields"]["targets"]["fn"]) == (0, 1)
    assert not result["gold"]["renamed"]


def test_a_spelling_that_may_be_another_antigen_stays_one(tmp_path: Path) -> None:
    result = scored(tmp_path, "BCAM", "BCMA").result
    assert (result["fields"]["targets"]["tp"], result["fields"]["targets"]["fn"]) == (0, 1)
    assert not result["gold"]["renamed"]


def test_a_name_that_the_record_has_too_is_left_to_both(tmp_path: Path) -> None:
    record = Record(trial_id="NCT1", car_trial="product", targets=("BAFFR",))
    gold = save(tmp_path / "g.jsonl", [line("NCT1", targets=["BAFFR"])])
    (tmp_path / "r.jsonl").write_text(record.model_dump_json() + "\n", "utf-8")
    result = run(Options(gold=str(gold), records=tmp_path / "r.jsonl", resamples=20)).result
    assert result["fields"]["targets"]["tp"] == 1 and not result["gold"]["renamed"]


def test_one_label_of_two_fields_is_told_of_each(tmp_path: Path) -> None:
    renamed = scored(tmp_path, "CD3E", "BAFF-R", costim=["CD3E"]).result["gold"]["renamed"]
    told = {("targets", "CD3 epsilon"), ("costim", "CD3ε")}
    assert {(one["field"], one["name"]) for one in renamed} == told


def test_what_no_row_names_stays_as_it_is(tmp_path: Path) -> None:
    for name in ("Frizzle-9", "CD19 or CD20"):
        result = scored(tmp_path, name, "BAFF-R").result
        assert result["fields"]["targets"]["fn"] == 1 and not result["gold"]["renamed"]


def test_text_and_page_tell_which_labels_were_renamed(tmp_path: Path) -> None:
    found = scored(tmp_path, "BAFFR", "BAFF-R")
    told = "labels compared under the lexicon's name (trials): BAFFR as BAFF-R (1)"
    assert told in "\n".join(report.lines(found.result))
    assert html.escape(told) in page.render(found)
