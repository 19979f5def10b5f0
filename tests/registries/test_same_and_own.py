"""Inputs that are no export: this project's own output, and ids that stand twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from registry_inputs import CTGOV_CSV, CTGOV_XML, LINE_1, LINE_2

from cart_nlp.batch.feed import Feed
from cart_nlp.registries import Entry, InputError, Reject, read

OWN = {"trial_id": "NCT00000001", "title": "CD19 CAR-T", "car_trial": "product", "targets": ["CD19"]}


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(OWN) + "\n" + json.dumps(OWN),
        json.dumps([OWN, OWN]),
        "trial_id,registry,title,car_trial,targets\nNCT00000001,x,t,product,CD19\n",
        "trial_id\ttitle\tcar_trial\nNCT00000001\tt\tproduct\n",
    ],
)
def test_own_output_is_refused_in_one_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "records"
    path.write_text(content)
    with pytest.raises(InputError, match="records that cart-nlp has written"):
        list(read(path))


def test_own_records_among_others_are_rejects(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(LINE_1 + b"\n" + json.dumps(OWN).encode() + b"\n")
    _, second = read(path)
    assert isinstance(second, Reject)
    assert "records that cart-nlp has written" in second.reason


def test_own_workbooks_are_refused(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["trial_id", "title", "car_trial"])
    book.active.append(["NCT00000001", "t", "product"])
    book.save(tmp_path / "records.xlsx")
    with pytest.raises(InputError, match="records that cart-nlp has written"):
        list(read(tmp_path / "records.xlsx"))


@pytest.mark.parametrize(
    "data",
    [
        LINE_1,
        b"[" + LINE_1 + b"]",
        CTGOV_CSV.split("\nNCT00000002")[0].encode(),
        CTGOV_XML.format(number="NCT00000001", title="CD19 CAR-T").encode(),
    ],
)
def test_an_entry_knows_its_id(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "dump").write_bytes(data)
    (found,) = read(tmp_path / "dump")
    assert isinstance(found, Entry)
    assert found.id == found.trial().id == "NCT00000001"


def test_an_id_that_stands_twice_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(LINE_1 + b"\n" + LINE_2)
    (tmp_path / "b").write_bytes(b"[" + LINE_1 + b"]")

    def run(dedupe: bool) -> Feed:
        found = Feed(
            (str(tmp_path / "a"), str(tmp_path / "b")),
            lambda name, report: read(name),
            lambda text: True,
            False,
            dedupe=dedupe,
        )
        list(found.jobs())
        return found

    assert run(False).notes == [
        "1 id stands more than once, NCT00000001 for one: each record is tagged; --dedupe merges them"
    ]
    merged = run(True)
    assert merged.notes == []
    assert merged.merged == 1
