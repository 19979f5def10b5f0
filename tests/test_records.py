"""One reader of our own output: whatever format it has, every command reads the same from it."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import openpyxl
import orjson
import pytest
from pyarrow import parquet

from cart_nlp.differences import read_rows
from cart_nlp.evaluation.gold import GoldError
from cart_nlp.evaluation.predictions import read_records
from cart_nlp.landscape.dataframe import read_records as read_frame
from cart_nlp.records import record_list
from cart_nlp.registries import read
from cart_nlp.registries.entry import InputError
from cart_nlp.schema import Basis, Construct, ConstructBasis, Evidence, Format, Record
from cart_nlp.writers import writer

RECORDS = [
    Record(
        trial_id="NCT00000001",
        title="=cmd|' /C calc'!A0 of CD19/CD22 cells",
        car_trial="product",
        car_score=0.97,
        targets=("CD19", "CD22"),
        multi_target=True,
        constructs=(Construct(targets=("CD19", "CD22"), format="tandem", basis="text"),),
        costim=("4-1BB",),
        generation=(2,),
        start_date="2021-03",
        first_posted="2020-12-31",
        enrollment=24,
        why_stopped="-- no funds --",
        confidence={"targets": 0.91, "costim": 1.0},
        raw={"phase": "+Phase 1"},
        evidence=(
            *(
                Evidence(
                    field="targets", value=value, basis="text", section="brief_title", start=at, end=at + 4
                )
                for at, value in ((4, "CD19"), (9, "CD22"))
            ),
            Evidence(field="constructs", value="CD19+CD22 (tandem)", basis="text", section="brief_title"),
        ),
    ),
    Record(trial_id="NCT00000002", title="A study of CAR-T cells", car_trial="related", car_score=0.6),
    Record(
        trial_id="NCT00000003",
        car_trial="product",
        constructs=(Construct(targets=(), format="adaptor", basis="curator"),),
        evidence=(
            Evidence(field="constructs", value=" (adaptor)", basis="curator", rule="curator:set", by="Ana"),
            Evidence(field="costim", value="", basis="curator", rule="curator:remove", replaced="CD28"),
        ),
    ),
]
LINES = [record.model_dump_json(exclude_none=False).encode() for record in RECORDS]
EXACT = ("records.jsonl", "records.jsonl.gz", "records.parquet", "records.xlsx", "records.json")
FLAT = ("records.csv", "records.csv.gz", "records.tsv", "records.tsv.gz", "records.excel.csv")


def written(folder: Path, name: str) -> Path:
    path = folder / name
    if name.endswith(".json"):
        path.write_bytes(b"[" + b",".join(LINES) + b"]")
    else:
        writer(name.removeprefix("records"))(iter(LINES), path, True)
    return path


@pytest.mark.parametrize("name", [*EXACT, *FLAT])
def test_every_format_gives_the_same(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, name)
    without = {"confidence"} if name == "records.xlsx" else set()
    without |= {"evidence", "raw", "confidence"} if name in FLAT else set()
    found = record_list(path)
    assert [r.model_dump(exclude=without) for r in found] == [r.model_dump(exclude=without) for r in RECORDS]
    assert read_records(path) == {record.trial_id: record for record in found}
    assert read_frame(path)["trial_id"].tolist() == [record.trial_id for record in RECORDS]
    assert read_rows(str(path)) == read_rows(str(written(tmp_path, "records.jsonl")))


def construct(name: str, form: Format, basis: ConstructBasis) -> Construct:
    return Construct(targets=(name,), format=form, basis=basis)


def said(name: str, form: str, basis: Basis, **more: Any) -> Evidence:
    return Evidence(field="constructs", value=f"{name} ({form})", basis=basis, **more)


BASED = Record(
    trial_id="NCT00000003",
    constructs=(
        construct("CD19", "single", "text"),
        construct("CD22", "single", "product"),
        construct("CD5", "tandem", "default"),
        construct("CD7", "single", "curator"),
        construct("=BCMA", "single", "text"),
        construct("CD20", "single", "text"),
    ),
    evidence=(
        said("CD19", "single", "text", section="interventions[0].name", start=3, end=7, text="x; y [z: 1]"),
        said("CD22", "single", "product", rule="products.csv:7"),
        said("CD5", "tandem", "default", rule="formats.together:named"),
        said("CD7", "single", "text", section="brief_title", start=3, end=6, text="CD7"),
        said("CD7", "single", "curator", by="ana", date="2026-11-28"),
        said("=BCMA", "single", "text", section="brief_title", start=3, end=7, text="BCMA"),
    ),
)
"""The last construct has no evidence: a flat table cannot tell where it comes from."""


@pytest.mark.parametrize("name", [*EXACT, *FLAT])
def test_what_a_construct_rests_on_is_read_back_or_not_told(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    line = BASED.model_dump_json().encode()
    if name.endswith(".json"):
        path.write_bytes(b"[" + line + b"]")
    else:
        writer(name.removeprefix("records"))(iter([line]), path, True)
    (found,) = record_list(path)
    assert [one.targets for one in found.constructs] == [one.targets for one in BASED.constructs]
    told = [one.basis for one in BASED.constructs[:5]]
    assert [one.basis for one in found.constructs] == [*told, None if name in FLAT else "text"]


def test_a_table_without_evidence_does_not_say_that_a_construct_is_stated(tmp_path: Path) -> None:
    path = tmp_path / "records.csv"
    path.write_text("trial_id,constructs\nNCT00000001,CD19 (single)\n")
    (found,) = record_list(path)
    assert [one.basis for one in found.constructs] == [None]


PARTS = {
    "x.constructs.parquet": "has the constructs, not the records: give x.parquet",
    "x.evidence.parquet": "has the evidence, not the records: give x.parquet",
    "none.evidence.parquet": "has the evidence, not the records: give none.parquet",
    "x.csv.screened.ndjson": "has the trials without a record, not the records: give x.csv",
    "mine.csv": "has the evidence, not the records: give the file of the records",
    "raw.tsv": "has the raw values, not the records: give the file of the records",
}


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    for name, lines in (("x.parquet", LINES), ("none.parquet", [])):
        writer(".parquet")(iter(lines), tmp_path / name, True)
    left = {"trial_id": "NCT1", "stage": "study decision", "reason": "r", "car_trial": "no", "title": "t"}
    (tmp_path / "x.csv.screened.ndjson").write_bytes(orjson.dumps(left))
    (tmp_path / "mine.csv").write_text("trial_id,number,field,value,basis\nNCT1,1,targets,CD19,text\n")
    (tmp_path / "raw.tsv").write_text("trial_id\tfield\tvalue\nNCT1\tphase\tPhase 1\n")
    return tmp_path


@pytest.mark.parametrize("name", PARTS)
def test_what_stands_beside_records_is_not_taken_for_them(parts: Path, name: str) -> None:
    for take in (record_list, read_frame, lambda path: read_rows(str(path))):
        with pytest.raises(InputError) as fault:
            take(parts / name)
        assert str(fault.value) == f"{parts / name}: {PARTS[name]}"
    if not name.startswith("raw"):
        with pytest.raises(InputError, match="records that cart-nlp has written"):
            list(read(parts / name))


def test_records_may_have_columns_of_a_user(tmp_path: Path) -> None:
    path = written(tmp_path, "records.csv")
    head, *rows = path.read_text().splitlines()
    rows = [f"{row},mine,of it,text,a stage,why" for row in rows]
    path.write_text("\n".join([f"{head},field,value,basis,stage,reason", *rows]))
    assert len(record_list(path)) == len(RECORDS)


@pytest.mark.parametrize("name", ["records.csv", "records.tsv", "records.xlsx", "records.parquet"])
def test_a_column_that_stands_twice_is_refused(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, name)
    if name.endswith(".xlsx"):
        book = openpyxl.load_workbook(path)
        sheet = book["records"]
        sheet.cell(1, sheet.max_column + 1, "title")
        book.save(path)
    elif name.endswith(".parquet"):
        table = parquet.read_table(path)
        parquet.write_table(table.append_column("title", table.column("registry")), path)
    else:
        mark = "," if name.endswith(".csv") else "\t"
        head, *rows = path.read_text().splitlines()
        path.write_text("\n".join([f"{head}{mark}title", *(f"{row}{mark}x" for row in rows)]))
    with pytest.raises(InputError, match=r"the column 'title' stands twice; rename one of them, or take it"):
        record_list(path)


def test_what_is_no_record_or_comes_twice_is_told_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(
        b"\n".join([LINES[0], LINES[0], orjson.dumps({"id": "x"}), orjson.dumps({"trial_id": 3})])
    )
    with pytest.raises(GoldError) as caught:
        read_records(path)
    told = str(caught.value).splitlines()
    assert [line.partition(": ")[0] for line in told] == [f"{path}:2", f"{path}:3", f"{path}:4"]
    assert "duplicate trial_id 'NCT00000001'" in told[0]
    assert all("give records of `cart-nlp tag`" in line for line in told[1:])


@pytest.mark.parametrize("name", ["records.csv", "records.tsv.gz"])
def test_a_table_that_is_cut_off_within_a_row_is_told(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    last = RECORDS[2].model_copy(update={"title": 'A "new" study'})
    lines = [*LINES[:2], last.model_dump_json(exclude_none=False).encode()]
    writer(name.removeprefix("records"))(iter(lines), path, True)
    pack, unpack = (gzip.compress, gzip.decompress) if name.endswith(".gz") else (bytes, bytes)
    whole = unpack(path.read_bytes())
    row = whole.index(b"NCT00000003")
    told = set()
    for end in range(row + 1, whole.rindex(b"\t" if ".tsv" in name else b",") + 1):
        path.write_bytes(pack(whole[:end]))
        with pytest.raises(InputError, match=r"is the file whole\? Write it again$") as caught:
            record_list(path)
        told.add(str(caught.value).removeprefix(f"{path}:4: ").partition(";")[0].strip("1234567890 "))
    assert told == {"a quote is not closed", "fields where the header has"}
    path.write_bytes(pack(whole[:row]))
    assert len(record_list(path)) == 2


TORN = {
    'NCT1,"a" b,x': ":2: not a table: ',' expected after '\"'",
    "NCT1,a,x,y": ":2: 4 fields where the header has 3; is the file whole? Write it again",
    'NCT1,"a\nNCT2,b,x\nNCT3,c,x': ":2: a quote is not closed; is the file whole? Write it again",
    '"NCT1",a,"x\ny"\n\nNCT2,"b': ":5: a quote is not closed; is the file whole? Write it again",
}


@pytest.mark.parametrize("rows", TORN)
def test_a_row_that_is_not_whole_is_told_where_it_begins(tmp_path: Path, rows: str) -> None:
    path = tmp_path / "records.csv"
    path.write_text(f"trial_id,title,mine\n{rows}\n")
    for take in (record_list, read_frame, lambda path: read_rows(str(path))):
        with pytest.raises(InputError) as caught:
            take(path)
        assert str(caught.value) == f"{path}{TORN[rows]}"
