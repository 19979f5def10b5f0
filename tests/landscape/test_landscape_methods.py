"""The methods paragraphs: facts of the run, measured accuracy, and honesty where they lack."""

import json

import pytest

from cart_nlp.evaluation import gold, registry_labels
from cart_nlp.landscape import Options, cohort, frame, methods
from cart_nlp.landscape.report import Asked, build
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


def text(run, options=None, **values):
    records = [Record(trial_id="A", car_trial="product", **values)]
    return " ".join(methods.paragraphs(cohort(frame(records), options), run, "r.jsonl"))


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


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"registries": ("ISRCTN",)}, "Only trials at ISRCTN are included. "),
        (
            {"registries": ("ISRCTN",), "until": "2024"},
            "Only trials registered up to 2024 and at ISRCTN are included; a trial that cannot be placed in "
            "time is left out. ",
        ),
    ],
)
def test_only_a_date_limit_leaves_out_undated_trials(limits, said):
    assert said in text(RUN, Options(**limits), registry="ISRCTN")


RESULT = {
    "tool": {"name": "cart-nlp", "version": "1.2"},
    "gold": {"name": "registry-blind", "version": "1"},
    "trials": 358,
    "fields": {
        "targets": {
            "support": 400,
            "precision": 0.98765,
            "recall": 0.9,
            "exact": 0.936,
            "exact_n": 350,
            "interval": {"precision": [0.97, 0.995]},
        },
        "edits": {"support": 0, "precision": None, "recall": None},
    },
}


def measured(tmp_path, **changes):
    path = tmp_path / "evaluation.json"
    path.write_text(json.dumps(RESULT | changes))
    return path


def test_accuracy_on_unseen_labels_has_n_and_intervals(tmp_path):
    found = methods.accuracy(measured(tmp_path))
    assert found.rows == (("targets", "400", "98.8 (97.0–99.5)", "90.0", "–", "93.6 of 350"),)
    assert "358 trials (registry-blind), by cart-nlp 1.2" in found.text
    records = tmp_path / "r.jsonl"
    records.write_text(Record(trial_id="A", car_trial="product").model_dump_json() + "\n")
    asked = Asked(accuracy=measured(tmp_path), image_files=False, figures=("world",))
    page = build(records, tmp_path / "out", Options(), asked).page.read_text(encoding="utf-8")
    assert "98.8 (97.0–99.5)" in page
    assert "98.8 (97.0–99.5)" in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")


UNSEEN = {"registry-last"}
GOLD = gold.read()
SHOWN = [
    (GOLD.name, False),
    (GOLD.split("dev").name, False),
    (GOLD.split("test").name, True),
    ("training-hospital.jsonl", True),
    *((said, name in UNSEEN) for name, said in registry_labels.SETS.items()),
]


@pytest.mark.parametrize(("name", "shown"), SHOWN)
def test_figures_on_labels_that_trained_it_are_not_shown(tmp_path, name, shown):
    found = methods.accuracy(measured(tmp_path, gold={"name": name}))
    assert bool(found.rows) == shown and ("is not shown" in found.text) != shown


def test_the_accuracy_of_the_package_is_shown():
    found = methods.accuracy()
    assert "made blind" in found.text
    assert {row[0] for row in found.rows} >= {"targets", "cell source", "cell type"}


def test_unmeasured_accuracy_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(methods.paths, "results", lambda: tmp_path / "results")
    assert methods.accuracy().rows == () and "not stated here" in methods.accuracy().text


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_no_result_of_evaluate_is_one_line(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"x\.json: no result of"):
        methods.accuracy(path)
