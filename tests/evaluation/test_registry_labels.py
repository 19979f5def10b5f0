"""Labels by id: without text, joined with a dump, and what differs is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from gold_lines import line, save

from cart_nlp import paths
from cart_nlp.evaluation import gold as gold_set
from cart_nlp.evaluation import registry_labels
from cart_nlp.evaluation.gold import GoldError
from cart_nlp.evaluation.predictions import Dump, Seen
from cart_nlp.schema import Trial

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
NOTHING = {"brief_title": "Aspirin in headache"}


@pytest.fixture
def labels(tmp_path):
    """Labels of three trials, the third uncertain; they cover a dump of five."""
    rows = [line("NCT1"), line("NCT2"), line("NCT3", car_trial="no", uncertain=["car_trial"])]
    labeled = gold_set.read(save(tmp_path / "g.jsonl", rows))
    registry_labels.write(labeled, tmp_path / "r", ["NCT1", "NCT2", "NCT3", "NCT8", "NCT9"])
    found, version = registry_labels.read(tmp_path / "r")
    return found, version, registry_labels.completeness(tmp_path / "r"), labeled


def pairs(labeled, *ids, change=()):
    """A dump: labeled trials with their text, others with none of a CAR."""
    by_id = {g.id: g.trial for g in labeled.records}
    for identifier in ids:
        trial = by_id.get(identifier) or Trial(id=identifier, sections=NOTHING)
        if identifier in change:
            trial = Trial(id=identifier, sections={"brief_title": "CD19 CAR-T, amended"})
        yield Seen(trial, identifier in by_id)


def test_published_line_holds_no_text(labels):
    *_, labeled = labels
    row = registry_labels.label_line(labeled.records[0])
    text = json.dumps(row)
    assert "CAR-T" not in text
    assert "B-ALL" not in text
    assert "target_evidence" not in row["labels"]
    assert "note" not in row["labels"]
    assert len(row["sha256"]) == 64


def test_whole_dump_is_recognized_and_its_others_count(labels):
    found, version, known, labeled = labels
    joined = registry_labels.join(
        found, version, pairs(labeled, "NCT9", "NCT2", "NCT1", "NCT3", "NCT8"), known
    )
    assert joined.complete
    assert joined.others == ("NCT9", "NCT8")
    assert [g.id for g in joined.gold.records] == ["NCT1", "NCT2", "NCT3"]
    assert joined.missing == 0
    assert joined.changed == {}


def test_another_dump_is_not_taken_for_the_whole(labels):
    found, version, known, labeled = labels
    joined = registry_labels.join(found, version, pairs(labeled, "NCT1", "NCT7"), known)
    assert not joined.complete
    assert joined.missing == 2
    assert joined.candidates == {"NCT1"}


def test_changed_text_is_told_by_section(labels):
    found, version, known, labeled = labels
    joined = registry_labels.join(found, version, pairs(labeled, "NCT1", "NCT2", change=["NCT2"]), known)
    assert joined.changed == {"NCT2": ["brief_title"]}


def test_more_sections_than_were_labeled_are_no_change(labels):
    found, version, known, labeled = labels
    trial = labeled.records[0].trial
    more = Trial(id="NCT1", sections={**trial.sections, "eligibility": "Adults"})
    assert registry_labels.join(found, version, [Seen(more, True)], known).changed == {}


def test_faults_of_the_labels_file(tmp_path):
    with pytest.raises(GoldError, match="no such file"):
        registry_labels.read(tmp_path)
    (tmp_path / "labels.jsonl").write_text('{"id": "NCT1"}\nx\n', "utf-8")
    with pytest.raises(GoldError) as caught:
        registry_labels.read(tmp_path)
    assert len(caught.value.faults) == 2


def test_committed_labels_are_readable_and_hold_no_prose():
    found, _ = registry_labels.read()
    assert len(found) == 400
    for label in found:
        assert not {"target_evidence", "note"} & label.labels.keys()
        for name, values in label.labels.items():
            for value in values if isinstance(values, list) else [values]:
                assert not isinstance(value, str) or len(value) < 50, (label.id, name)


def test_trials_that_make_no_trial_are_counted(tmp_path):
    path = tmp_path / "dump.jsonl"
    path.write_text('{"id": "NCT00000001", "brief_title": "CD19 CAR-T"}\n{"brief_title": "no id"}\n', "utf-8")
    dump = Dump(path)
    (seen,) = dump
    assert (seen.trial.id, seen.candidate, dump.rejected) == ("NCT00000001", True, 1)


def test_dump_that_cannot_be_read(tmp_path):
    with pytest.raises(GoldError) as caught:
        list(Dump(tmp_path / "none.jsonl"))
    assert len(caught.value.faults) == 1


@pytest.mark.corpus
def test_committed_labels_are_those_of_the_corpus():
    source = CORPUS / "gold-dev.jsonl"
    if not source.is_file():
        pytest.skip("../shared/corpus is not here")
    wanted = [registry_labels.label_line(g) for g in gold_set.read(source).records]
    committed = (registry_labels.folder() / "labels.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(row) for row in committed] == wanted


def test_figures_of_the_measuring_set_are_of_its_labels():
    """What the landscape's Methods print; a changed label wants a new run, see registry-last/README.md."""
    result = json.loads((paths.gold().parent / "results" / "unseen.json").read_text("utf-8"))
    labels, version = registry_labels.read(registry_labels.folder("registry-last"))
    assert (result["gold"]["version"], result["gold"]["trials"]) == (version, len(labels))
