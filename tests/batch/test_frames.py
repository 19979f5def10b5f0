"""Frames as they come from Spark: missing values of pandas, arrays within structs, the screen's verdict."""

from __future__ import annotations

import datetime
import json
import pickle
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import cart_nlp
from cart_nlp.batch import Options, run
from cart_nlp.curation.correction_files import CorrectionsError
from cart_nlp.curation.correction_files import read as read_corrections
from cart_nlp.engines import FRAME_COLUMNS, tag_frame, tag_frames

SAMPLE = Path(__file__).resolve().parents[2] / "benchmarks" / "sample" / "trials.jsonl"


def test_a_missing_value_of_pandas_is_none() -> None:
    frame = pd.DataFrame({"id": ["NCT1", "NCT2"], "brief_title": ["CD19 CAR-T", pd.NA]}, dtype="string")
    frame["enrollment"] = pd.array([None, 12], dtype="Int64")
    frame["has_results"] = pd.array([True, None], dtype="boolean")
    frame["start_date"] = [pd.NaT, float("nan")]
    found = tag_frame(frame)
    assert list(found["error"]) == [None, None]
    assert list(found["targets"]) == [["CD19"], []]
    assert list(found["enrollment"]) == [None, 12]
    assert list(found["has_results"]) == [True, False]


def test_whole_numbers_beside_a_missing_one_stay_whole() -> None:
    frame = pd.DataFrame({"id": ["NCT1", "NCT2"], "brief_title": ["CD19 CAR-T"] * 2})
    frame["enrollment"] = [24, None]
    assert str(frame["enrollment"].dtype) == "float64"
    assert list(tag_frame(frame)["raw"]) == ['{"enrollment":"24"}', "{}"]


NATIVE = {"id": "N1", "brief_title": "CD19 CAR-T", "start_date": None, "first_posted": None}
EXPORT = {"NCT Number": "NCT1", "Study Title": "CD19 CAR-T", "Start Date": None, "First Posted": None}
API = {
    "protocolSection.identificationModule.nctId": "NCT1",
    "protocolSection.identificationModule.briefTitle": "CD19 CAR-T",
    "protocolSection.statusModule.startDateStruct.date": None,
    "protocolSection.statusModule.studyFirstPostDateStruct.date": None,
}
"""Rows of all makes that a frame may have, whose dates are still to be filled in."""


@pytest.mark.parametrize("row", [NATIVE, EXPORT, API], ids=["own names", "export", "API"])
@pytest.mark.parametrize(
    ("date", "said"),
    [
        (pd.Timestamp("2021-03-05"), "2021-03-05"),
        (datetime.date(2021, 3, 5), "2021-03-05"),
        (datetime.datetime(2021, 3, 5, 23, 30, tzinfo=datetime.UTC), "2021-03-05"),
        (pd.Timestamp("2021-03-05 01:00", tz="Asia/Tokyo"), "2021-03-05"),
        (pd.Period("2021-03-05", "D"), "2021-03-05"),
        (pd.Period("2021-03", "M"), "2021-03"),
        (np.datetime64("2021-03-05", "ns"), "2021-03-05"),
        (pd.NaT, None),
        (np.datetime64("NaT"), None),
    ],
    ids=str,
)
def test_a_date_of_any_type_is_that_day(row: dict[str, Any], date: Any, said: str | None) -> None:
    filled = {name: date if value is None else value for name, value in row.items()}
    objects = pd.DataFrame({name: pd.Series([value], dtype=object) for name, value in filled.items()})
    for frame in (pd.DataFrame([filled]), objects):
        for found in (tag_frame(frame), cart_nlp.tag_frame(frame)):
            assert list(found["error"]) == [None]
            assert [*found["start_date"], *found["first_posted"]] == [said, said]
    if row is NATIVE:
        record = cart_nlp.tag(filled)
        assert (record.start_date, record.first_posted) == (said, said)


@pytest.mark.parametrize("count", [24, Decimal(24), np.int32(24), np.float32(24)], ids=repr)
def test_a_number_of_any_type_is_that_number(count: Any) -> None:
    row = {"id": "N1", "brief_title": "CD19 CAR-T", "enrollment": count}
    assert cart_nlp.tag(row).enrollment == 24
    assert list(tag_frame(pd.DataFrame([row], dtype=object))["enrollment"]) == [24]


@pytest.mark.parametrize("missing", [Decimal("NaN"), Decimal("sNaN"), np.float32("nan")], ids=repr)
def test_a_number_of_any_type_that_is_missing_is_none(missing: Any) -> None:
    record = cart_nlp.tag({"id": "N1", "brief_title": "CD19 CAR-T", "enrollment": missing})
    assert (record.enrollment, record.raw) == (None, {})


@pytest.mark.parametrize(
    "odd", ["\ud800", 10**30, 1e300, float("inf"), b"\xff", {"a": 2**70}, [None, [None]]]
)
def test_a_cell_of_any_kind_stops_nothing(odd: object) -> None:
    frame = pd.DataFrame({"id": ["NCT1", "NCT2"], "brief_title": ["CD19 CAR-T"] * 2}, dtype=object)
    frame["conditions"] = pd.Series([odd, "Lymphoma"], dtype=object)
    frame["enrollment"] = pd.Series([odd, 5], dtype=object)
    found = tag_frame(frame)
    assert list(found["trial_id"]) == ["NCT1", "NCT2"]
    assert found["targets"][1] == ["CD19"]
    assert found["targets"][0] == ["CD19"] or found["error"][0]


@pytest.mark.parametrize("names", [["CTL019"], ["CTL019", "x"]])
def test_arrays_within_structs_are_read(names: list[str]) -> None:
    drug = {"name": "Cells", "other_names": np.array(names, dtype=object)}
    frame = pd.DataFrame({"id": ["NCT1"], "brief_title": ["CAR-T cells"]})
    frame["interventions"] = [np.array([drug], dtype=object)]
    (found,) = tag_frame(frame).to_dict("records")
    assert (found["error"], found["products"]) == (None, ["tisagenlecleucel"])


@pytest.mark.parametrize("keep_all", [True, False])
def test_a_frame_gives_the_records_of_the_local_engine(tmp_path: Path, keep_all: bool) -> None:
    out = tmp_path / "out.jsonl"
    run(Options((str(SAMPLE),), str(out), keep_all=keep_all, workers=0))
    local = [json.loads(line) for line in out.read_bytes().splitlines()]
    trials = [json.loads(line) for line in SAMPLE.read_bytes().splitlines()]
    found = tag_frame(pd.DataFrame(trials, dtype=object), keep_all=keep_all).drop(columns="error")
    for name in ("constructs", "references", "confidence", "evidence", "raw"):
        found[name] = found[name].map(json.loads)
    assert found.to_dict("records") == local


TYPES = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "array<string>": pa.list_(pa.string()),
    "array<bigint>": pa.list_(pa.int64()),
}
"""Type of Spark SQL -> the type of Arrow that a column of it has."""


def test_every_column_is_of_the_type_that_it_declares() -> None:
    frame = pd.DataFrame({"id": ["NCT1", None], "brief_title": ["CD19 CAR-T"] * 2})
    frame["references"] = [[{"pmid": "1", "type": "RESULT"}], []]
    found = tag_frame(frame)
    assert json.loads(found["references"][0]) == [{"pmid": "1", "type": "RESULT"}]
    assert list(found.columns) == list(FRAME_COLUMNS)
    for name, kind in FRAME_COLUMNS.items():
        assert len(pa.Array.from_pandas(found[name], type=TYPES[kind])) == 2, name


@pytest.mark.parametrize("white", [" ", "\n", "\t"])
def test_a_line_break_within_a_phrase_hides_no_trial(white: str) -> None:
    title = f"T cells with an artificial{white}T cell receptor for CD19"
    found = tag_frame(pd.DataFrame({"id": ["NCT1"], "brief_title": [title]}), keep_all=False)
    assert list(found["car_trial"]) == ["product"]


@pytest.mark.parametrize("keep_all", [True, False])
def test_a_row_on_which_its_reader_fails_stops_no_other(keep_all: bool) -> None:
    frame = pd.DataFrame(
        {
            "protocolSection.identificationModule": ["x", None],
            "protocolSection.identificationModule.nctId": ["NCT00000001", "NCT00000002"],
            "protocolSection.identificationModule.briefTitle": ["Cells", "CD19 CAR-T"],
        }
    )
    found = tag_frame(frame, keep_all=keep_all)
    assert len(found) == 2
    assert "its reader failed on it: TypeError" in found["error"][0]
    assert (found["trial_id"][1], found["targets"][1]) == ("NCT00000002", ["CD19"])


def test_a_mapping_of_any_keys_stops_nothing() -> None:
    frame = pd.DataFrame({"id": ["NCT1"], "brief_title": ["CD19 CAR-T"]})
    frame["more"] = pd.Series([{("a", 1): 2, b"c": {None: 3}}], dtype=object)
    assert list(tag_frame(frame, keep_all=False)["targets"]) == [["CD19"]]


DECIDED = """trial_id,field,action,value,by,date
NCT1,targets,add,CD22,ana,2026-11-28
NCT2,car_trial,set,product,ana,2026-11-28
NCT2,targets,set,CD20,ana,2026-11-28
NCT3,car_trial,set,no,ana,2026-11-28
"""


@pytest.mark.parametrize("as_rows", [False, True])
def test_corrections_are_laid_over_frames_as_over_a_dump(tmp_path: Path, as_rows: bool) -> None:
    (tmp_path / "c.csv").write_text(DECIDED)
    ids, titles = ["NCT1", "NCT2", "NCT3", "NCT4"], ["CD19 CAR-T", "Some cells", "CD7 CAR-T", "BCMA CAR-T"]
    trials = pd.DataFrame({"id": ids, "brief_title": titles})
    trials.to_json(tmp_path / "in.jsonl", orient="records", lines=True)
    out = tmp_path / "out.jsonl"
    run(Options((str(tmp_path / "in.jsonl"),), str(out), workers=0, corrections=str(tmp_path / "c.csv")))
    local = [json.loads(line) for line in out.read_bytes().splitlines()]
    assert [(r["trial_id"], r["targets"]) for r in local] == [
        ("NCT1", ["CD19", "CD22"]),
        ("NCT2", ["CD20"]),
        ("NCT4", ["BCMA"]),
    ]
    given = read_corrections(tmp_path / "c.csv") if as_rows else tmp_path / "c.csv"
    # As Spark calls it: pickled with its arguments, over an iterator of frames, here of two rows each.
    mapped = pickle.loads(pickle.dumps(partial(tag_frames, keep_all=False, corrections=given)))  # noqa: S301
    found = pd.concat(mapped(iter([trials[:2], trials[2:]]))).drop(columns="error")
    for name in ("constructs", "references", "confidence", "evidence", "raw"):
        found[name] = found[name].map(json.loads)
    assert found.to_dict("records") == local


def test_faulty_corrections_stop_a_frame_with_their_place(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(DECIDED.replace("add", "append"))
    frame = pd.DataFrame({"id": ["NCT1"], "brief_title": ["CD19 CAR-T"]})
    with pytest.raises(CorrectionsError, match="row 2: unknown action 'append'"):
        tag_frame(frame, corrections=tmp_path / "c.csv")
