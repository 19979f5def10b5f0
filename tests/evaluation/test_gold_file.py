"""A gold file is read as it is, or refused with one line a fault."""

from __future__ import annotations

import gzip
import hashlib
import json

import pytest
from gold_lines import line, save

from cart_nlp.evaluation import gold as gold_set
from cart_nlp.evaluation import sections
from cart_nlp.evaluation.gold import GoldError
from cart_nlp.evaluation.labels import CLOSED


def faults(tmp_path, *lines):
    """The faults of a gold file with these lines."""
    with pytest.raises(GoldError) as caught:
        gold_set.read(save(tmp_path / "g.jsonl", list(lines)))
    return caught.value.faults


def test_good_file_is_read(tmp_path):
    found = gold_set.read(save(tmp_path / "g.jsonl", [line(), line("NCT2", uncertain=["vector"])]))
    assert [r.id for r in found.records] == ["NCT00000001", "NCT2"]
    assert found.records[1].uncertain == {"vector"}
    assert found.records[0].mentions[0].text == "CD19"
    assert len(found.version) == 12


def test_gzip_is_read(tmp_path):
    with gzip.open(tmp_path / "g.jsonl.gz", "wt", encoding="utf-8") as out:
        out.write(json.dumps(line()))
    assert len(gold_set.read(tmp_path / "g.jsonl.gz").records) == 1


def test_split_keeps_one_half(tmp_path):
    found = gold_set.read(save(tmp_path / "g.jsonl", [line(), {**line("NCT2"), "split": "test"}]))
    assert [r.id for r in found.split("test").records] == ["NCT2"]
    assert len(found.split("all").records) == 2


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("car_trial", "maybe", "unknown label car_trial='maybe'; allowed: product, related, mention, no"),
        ("cell_type", ["B"], "unknown label cell_type='B'; allowed: " + ", ".join(CLOSED["cell_type"])),
        ("focus", "cure", "unknown label focus='cure'; allowed: " + ", ".join(CLOSED["focus"])),
        ("generation", [6], "unknown label generation=6; allowed: 1, 2, 3, 4, 5"),
        ("vector", "lnp", "vector is 'lnp'; give a list"),
        ("targets", [""], "targets holds ''; give a name"),
        ("constructs", [{"targets": ["CD19"]}], "unknown construct format None; allowed: "),
        ("constructs", ["CD19"], "construct 'CD19'; give {"),
        ("uncertain", ["titel"], "uncertain names 'titel', no field; there are "),
        ("colour", "red", "unknown label field 'colour'; there are "),
    ],
)
def test_unknown_labels(tmp_path, field, value, expected):
    (fault,) = faults(tmp_path, line(**{field: value}))
    assert fault.startswith(f"g.jsonl:1: NCT00000001: {expected}")


def test_half_a_character_in_labels(tmp_path):
    row = json.dumps(line(targets=["CD19", "\ud800"], constructs=[]))
    with pytest.raises(GoldError) as caught:
        (tmp_path / "g.jsonl").write_text(row)
        gold_set.read(tmp_path / "g.jsonl")
    assert caught.value.faults == [
        "g.jsonl:1: NCT00000001: labels hold \\ud800, half of a character; write the whole one"
    ]


@pytest.mark.parametrize("name", ["source", "split"])
def test_what_a_line_says_of_itself_is_text(tmp_path, name):
    assert faults(tmp_path, {**line(), name: {"a": 1}}) == [
        f'g.jsonl:1: NCT00000001: {name} is {{"a": 1}}; give a text'
    ]


def test_duplicate_id(tmp_path):
    assert faults(tmp_path, line(), line()) == [
        "g.jsonl:2: duplicate id 'NCT00000001', first at g.jsonl:1; keep one of them"
    ]


def changed_mention(**changed):
    """A gold line whose mention is changed."""
    row = line()
    row["mentions"][0] |= changed
    return row


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"end": 99}, "span brief_title[0:99] of 'CD19' is outside the text, which has 19 characters"),
        ({"start": 4}, "span brief_title[4:4] of 'CD19' is outside the text, which has 19 characters"),
        (
            {"section": "arms[0].label"},
            "span arms[0].label[0:4] of 'CD19': the trial has no section 'arms[0].label'",
        ),
        ({"text": "CD20"}, "span brief_title[0:4]: text changed: 'CD20' was labeled, 'CD19' is there"),
        ({"label": "gene"}, "span brief_title[0:4]: unknown label 'gene'; allowed: antigen, "),
        ({"role": "hero"}, "span brief_title[0:4]: unknown role 'hero'; allowed: target, "),
    ],
)
def test_mentions_that_do_not_fit(tmp_path, change, expected):
    (fault,) = faults(tmp_path, changed_mention(**change))
    assert fault.startswith(f"g.jsonl:1: NCT00000001: {expected}")


def test_a_place_that_is_no_whole_number_is_told(tmp_path):
    (fault,) = faults(tmp_path, changed_mention(start=0.0))
    assert fault.startswith("g.jsonl:1: NCT00000001: mention {")
    assert fault.endswith("}: start: Input should be a valid integer")


def test_every_fault_is_told(tmp_path):
    assert (
        len(faults(tmp_path, line(car_trial="x"), line("NCT2", focus="x"), line("NCT2"), line("NCT2"))) == 3
    )


def test_lines_that_are_no_records(tmp_path):
    path = tmp_path / "g.jsonl"
    path.write_text('{"id": \n[]\n{"id": 3, "trial": {}, "labels": {}}\n', "utf-8")
    with pytest.raises(GoldError) as caught:
        gold_set.read(path)
    first, second, third = caught.value.faults
    assert first.startswith("g.jsonl:1: not JSON (")
    assert second == "g.jsonl:2: a gold record needs id, trial and labels"
    assert third == "g.jsonl:3: id is 3; give a registration number"


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(GoldError, match="no such file"):
        gold_set.read(tmp_path / "none.jsonl")
    with pytest.raises(GoldError, match=r"no \.jsonl file in this folder"):
        gold_set.read(tmp_path)
    (tmp_path / "bad.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(GoldError, match=r"bad\.jsonl: cannot be read"):
        gold_set.read(tmp_path / "bad.jsonl")


def test_file_that_differs_from_its_checksum(tmp_path):
    path = save(tmp_path / "gold.jsonl", [line()])
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "SHA256SUMS").write_text(f"{digest}  gold.jsonl\n", "utf-8")
    assert len(gold_set.read(tmp_path).records) == 1
    save(path, [line(), line("NCT2")])
    with pytest.raises(GoldError, match=r"gold\.jsonl: text changed: not the file of SHA256SUMS"):
        gold_set.read(tmp_path)


def test_folder_with_labelings_beside_the_gold(tmp_path):
    save(tmp_path / "gold.jsonl", [line()])
    (tmp_path / "labeling_a.jsonl").write_text("{}\n", "utf-8")
    assert [p.name for p in gold_set.files(tmp_path)] == ["gold.jsonl"]


def test_sections_are_in_reading_order():
    data = {
        "id": "NCT1",
        "why_stopped": "money",
        "arms": [{"label": "A", "description": None}],
        "interventions": [{"name": "n", "other_names": ["o"], "type": "DRUG"}],
        "conditions": ["c1", " "],
        "brief_title": "t",
    }
    assert list(sections.sections_of(data)) == [
        "brief_title",
        "conditions[0]",
        "interventions[0].name",
        "interventions[0].other_names[0]",
        "arms[0].label",
        "why_stopped",
    ]


def test_fingerprint_folds_white_space_and_ends_with_the_eligibility_that_was_seen():
    first = sections.sections_hash({"brief_title": "a  b\n", "eligibility": "x" * 3000})
    assert first == sections.sections_hash({"eligibility": "x" * 4000, "brief_title": "a b"})
    assert first != sections.sections_hash({"brief_title": "a c", "eligibility": "x" * 3000})


def test_sections_agree_with_the_readers_of_dumps():
    """The gold's own view of a record and that of the reader that users' dumps go through are the same."""
    native = pytest.importorskip("cart_nlp.registries.general.native")
    del native
    from cart_nlp import registries

    data = {
        "id": "NCT00000001",
        "brief_title": "CD19 CAR-T",
        "brief_summary": "one",
        "conditions": ["c1", "c2"],
        "interventions": [{"name": "n", "description": "d", "type": "DRUG"}],
        "arms": [{"label": "A", "description": "b", "type": "EXPERIMENTAL"}],
        "eligibility": "e",
        "primary_outcomes": ["p"],
    }
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.jsonl")
        path.write_text(json.dumps(data) + "\n", "utf-8")
        (entry,) = registries.read(path)
        assert entry.trial().sections == sections.sections_of(data)


def test_records_given_as_gold_are_one_line(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_text('{"trial_id": "NCT1", "car_trial": "product"}\n' * 1_273)
    with pytest.raises(GoldError) as fault:
        gold_set.read(path)
    assert len(fault.value.faults) == 1 and "--records" in fault.value.faults[0]
