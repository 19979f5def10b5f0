"""The methods paragraphs: facts of the run, measured accuracy, and honesty where they lack."""

import json

import pytest

from cart_nlp.landscape import Options, cohort, frame, methods
from cart_nlp.landscape.report import build
from cart_nlp.registries.entry import InputError
from cart_nlp.schema import Record

RUN = {
    "version": "9.8.7",
    "lexicons": "abc123",
    "model": "def456",
    "inputs": [{"path": "somewhere/dump.jsonl.gz", "sha256": "0123456789abcdef0123"}],
    "options": {"all": False, "dedupe": True},
    "counts": {"read": 5, "written": 1},
    "finished": "2026-01-02T03:04:05Z",
}


@pytest.fixture
def accuracy_file(tmp_path, monkeypatch):
    gold = tmp_path / "gold"
    monkeypatch.setattr(methods.paths, "gold", lambda: gold)
    (tmp_path / "results").mkdir()
    return tmp_path / "results" / "accuracy.json"


def text(run):
    return " ".join(
        methods.paragraphs(cohort(frame([Record(trial_id="A", car_trial="product")])), run, "r.jsonl")
    )


def test_facts_of_the_run_are_told():
    told = text(RUN)
    for fact in (
        "9.8.7",
        "abc123",
        "def456",
        "dump.jsonl.gz (SHA-256 0123456789abcdef…)",
        "dedupe True",
        "read 5",
    ):
        assert fact in told
    assert "somewhere" not in told, "a path of one's own machine is nobody's business"


def test_no_run_file_is_told():
    assert "There is no run file" in text({}) and "carry no evidence" in text({})


def test_measured_accuracy_is_in_the_report(accuracy_file, tmp_path):
    accuracy_file.write_text(
        json.dumps(
            [
                {"version": "1.1", "sets": {}},
                {
                    "version": "1.2",
                    "sets": {"gold dev": {"scores": {"targets.f1": 0.98765, "targets.exact": 1}}},
                },
            ]
        )
    )
    assert methods.accuracy_rows(methods.accuracy()) == [("targets", "f1 0.988, exact 1")]
    records = tmp_path / "r.jsonl"
    records.write_text("")
    page = build(records, tmp_path / "out", Options(), image_files=False).page.read_text(encoding="utf-8")
    assert "f1 0.988, exact 1" in page and "(version 1.2)" in page


def test_unmeasured_accuracy_is_told(accuracy_file, tmp_path):
    assert methods.accuracy() == {}
    records = tmp_path / "r.jsonl"
    records.write_text("")
    page = build(records, tmp_path / "out", Options(), image_files=False).page.read_text(encoding="utf-8")
    assert "No measured accuracy is at hand" in page


def test_broken_accuracy_is_one_line(accuracy_file):
    accuracy_file.write_text("{")
    with pytest.raises(InputError, match=r"accuracy\.json: not JSON"):
        methods.accuracy()
