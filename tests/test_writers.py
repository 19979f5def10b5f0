"""Writers: what each format keeps, what no spreadsheet runs and no terminal obeys, bytes that repeat."""

from __future__ import annotations

import csv
import datetime
import gzip
import io
import json
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cart_nlp.differences import read_rows
from cart_nlp.landscape.dataframe import read_records
from cart_nlp.records import record_list
from cart_nlp.schema import Construct, Evidence, Record
from cart_nlp.writers import WRITERS, OutputError, suffix_of, writer
from cart_nlp.writers.dates import DATES, stated, typed
from cart_nlp.writers.flat import COLUMNS, cell, clean, escaped, guarded

FULL = Record(
    trial_id="NCT1",
    registry="ClinicalTrials.gov",
    title='CD19/CD22 "tandem", CAR\u202e-T\x1b[31m\nin lymphoma',
    car_trial="product",
    car_score=0.97,
    targets=("CD19", "CD22"),
    multi_target=True,
    constructs=(Construct(targets=("CD19", "CD22"), format="tandem", basis="default", costim=("4-1BB",)),),
    disease_markers=("CD20",),
    indication_ids=("DOID:0060058",),
    confidence={"car_trial": 0.99, "targets": 0.5},
    generation=(2, 3),
    enrollment=24,
    follow_up_years=15.0,
    sponsor='=HYPERLINK("http://x")',
    collaborators=("Alpha", "+Beta"),
    raw={"phase": "Phase 1"},
    phase="NA",
    url="https://example.org/NCT1",
    start_date="2021-03",
    completion_date="2024",
    first_posted="2021-02-28",
    evidence=(
        Evidence(
            field="targets", value="CD19", basis="text", section="brief_title", start=0, end=4, text="CD19"
        ),
        Evidence(field="targets", value="CD22", basis="product", rule="products.csv:7"),
        Evidence(
            field="disease_markers",
            value="CD20",
            basis="curator",
            by="A. Reader",
            date="2026-11-28",
            note="said in the inclusion criteria",
            replaced="CD22",
        ),
    ),
)
EMPTY = Record(trial_id="NCT2", start_date="1850-01-01")


def lines(*records: Record) -> list[bytes]:
    return [orjson.dumps(record.to_json()) for record in records]


def written(tmp_path: Path, name: str, *records: Record, guard: bool = True) -> list[Path]:
    out = tmp_path / name
    return writer(suffix_of(out))(lines(*records), out, guard)


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))


def test_json_lines_hold_the_record_unchanged_and_nothing_that_drives_a_terminal(tmp_path: Path) -> None:
    (out,) = written(tmp_path, "o.jsonl", FULL, EMPTY)
    content = out.read_bytes()
    assert [json.loads(line) for line in content.splitlines()] == [FULL.to_json(), EMPTY.to_json()]
    assert "\u202e".encode() not in content
    assert b"\x1b" not in content


@given(st.text())
def test_escaping_changes_no_value_and_leaves_no_control_character(text: str) -> None:
    line = orjson.dumps(text) if not any("\ud800" <= c <= "\udfff" for c in text) else b'""'
    safe = escaped(line)
    assert orjson.loads(safe) == orjson.loads(line)
    assert not any(c in safe.decode() for c in "\x7f\x9b\x85\u202e\u2028\u2066\u200f")


def test_only_a_curators_entry_spends_bytes_on_who_and_when():
    machine, _, curator = FULL.to_json()["evidence"]
    assert set(curator) - set(machine) == {"by", "date", "note", "replaced"}
    assert set(Evidence(field="x", value="y", basis="text").model_dump()) == set(machine)


@pytest.mark.parametrize("name", ["o.jsonl", "o.csv", "o.parquet"])
def test_what_is_written_reads_as_the_same_records(tmp_path: Path, name: str) -> None:
    (out, *_) = written(tmp_path, name, FULL, EMPTY)
    found = read_records(out).drop(columns=["title", "sponsor", "collaborators"])  # a CSV cleans these
    if name == "o.csv":
        found = found.drop(columns=["evidence", "constructs"])  # and writes these in short
    for place, record in enumerate((FULL, EMPTY)):
        row = found.iloc[place].to_dict()
        assert row == {key: getattr(record, key) for key in row}


def test_a_csv_row_reads_as_the_contract_says(tmp_path: Path) -> None:
    (out,) = written(tmp_path, "o.csv", FULL, EMPTY)
    full, empty = rows(out)
    assert tuple(full) == COLUMNS
    assert full["targets"] == "CD19; CD22"
    assert full["constructs"] == "CD19+CD22 (tandem)"
    assert full["generation"] == "2; 3"
    assert full["multi_target"] == "true"
    assert full["title"] == 'CD19/CD22 "tandem", CAR-T[31m in lymphoma'
    assert full["phase"] == "NA"
    assert full["evidence"] == (
        "targets=CD19 [brief_title 0-4: CD19]; targets=CD22 [product: products.csv:7]; "
        "disease_markers=CD20 [curator: A. Reader 2026-11-28]"
    )
    assert full["confidence"] == "car_trial 0.99; targets 0.5"
    assert empty["targets"] == empty["phase"] == empty["enrollment"] == ""


def test_a_flat_table_has_one_piece_of_evidence_a_value_and_counts_the_others() -> None:
    words = {"field": "targets", "value": "CD19", "basis": "text", "start": 0, "end": 4, "text": "CD19"}
    told = [words | {"section": name} for name in ("brief_title", "brief_summary", "arms[0].name")]
    assert cell("evidence", told) == "targets=CD19 [brief_title 0-4: CD19] +2"


def test_the_formula_guard_can_be_turned_off(tmp_path: Path) -> None:
    (out,) = written(tmp_path, "o.csv", FULL)
    assert rows(out)[0]["sponsor"] == '\'=HYPERLINK("http://x")'
    assert rows(out)[0]["collaborators"] == "Alpha; '+Beta"
    (out,) = written(tmp_path, "o.csv", FULL, guard=False)
    assert rows(out)[0]["sponsor"] == '=HYPERLINK("http://x")'


@pytest.mark.parametrize("text", ["=1", "+1", "-1+1", "@x", "  =1", "＝1", "\t=1", "\r=1"])
def test_whatever_a_spreadsheet_runs_is_guarded(text: str) -> None:
    assert str(cell("title", text, guard=True)).startswith("'")
    assert guarded("CD19-directed") == "CD19-directed" and guarded("-1.71") == "-1.71"


@pytest.mark.parametrize("name", ["o.csv", "o.tsv", "o.excel.csv"])
def test_raw_values_are_guarded_and_read_back_as_they_are(name: str, tmp_path: Path) -> None:
    raw = {"phase": "x;=1+1;y; @z"}
    (out,) = written(tmp_path, name, FULL.model_copy(update={"raw": raw}))
    delimiter = "\t" if name.endswith("tsv") else ","
    with out.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file, delimiter=delimiter)
    assert row["raw"] == '{"phase":"x;\'=1+1;y; \'@z"}'
    assert record_list(str(out))[0].raw == raw


@given(st.text())
def test_a_clean_text_is_one_line_without_controls(text: str) -> None:
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u202e\u2028\u2066" for c in clean(text))


def test_xlsx_has_a_sheet_for_each_table_and_runs_nothing(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    for guard in (True, False):
        (out,) = written(tmp_path, "o.xlsx", FULL, EMPTY, guard=guard)
        book = load_workbook(out)
        assert book.sheetnames == ["records", "constructs", "evidence", "raw"]
        assert book["records"].max_row == 3
        assert book["constructs"]["B2"].value == "CD19; CD22"
        assert [row[0].value for row in book["evidence"].iter_rows(min_row=2)] == ["NCT1"] * 3
        assert book["evidence"]["K4"].value == "A. Reader"
        assert {c.data_type for sheet in book for row in sheet.iter_rows() for c in row} <= {
            "s",
            "n",
            "b",
            "d",
        }


def test_a_text_that_a_cell_cannot_hold_shows_that_it_was_cut(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    long = "x" * 40_000
    evidence = FULL.evidence[0].model_copy(update={"text": long})
    (out,) = written(
        tmp_path,
        "o.xlsx",
        FULL.model_copy(update={"title": long, "evidence": (evidence,), "raw": {"phase": long}}),
    )
    book = load_workbook(out)
    heads = [cell.value for cell in book["evidence"][1]]
    cut = [
        book["records"].cell(2, [cell.value for cell in book["records"][1]].index("title") + 1).value,
        book["evidence"].cell(2, heads.index("text") + 1).value,
        book["raw"]["C2"].value,
    ]
    assert cut == ["x" * 32_766 + "…"] * 3


def test_a_workbook_has_dates_links_filters_and_a_header_that_stays(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    (out,) = written(tmp_path, "o.xlsx", FULL, EMPTY)
    sheet = load_workbook(out)["records"]
    heads = {cell.value: cell.column for cell in sheet[1]}
    shown = [(sheet.cell(2, heads[name]).value, sheet.cell(2, heads[name]).number_format) for name in DATES]
    assert shown == [
        (datetime.datetime(2021, 3, 1), "yyyy-mm"),
        (datetime.datetime(2024, 1, 1), "yyyy"),
        (datetime.datetime(2021, 2, 28), "yyyy-mm-dd"),
    ]
    assert sheet.cell(3, heads["start_date"]).value == "1850-01-01"
    assert sheet.cell(2, heads["url"]).hyperlink.target == "https://example.org/NCT1"
    assert sheet.freeze_panes == "B2" and sheet.auto_filter.ref.startswith("A1:")
    assert sheet.column_dimensions["C"].width > 50
    assert "raw" not in heads and "evidence" not in heads
    assert [cell.value for cell in load_workbook(out)["raw"][2]] == ["NCT1", "phase", "Phase 1"]


def test_a_workbook_on_a_full_disk_is_a_fault_of_the_system(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no device that is always full")
    with pytest.raises(OSError, match="No space left"):
        writer(".xlsx")(lines(FULL), Path("/dev/full"), True)


@pytest.mark.parametrize(
    ("text", "first", "precision"),
    [
        ("2021", datetime.date(2021, 1, 1), "year"),
        ("2021-03", datetime.date(2021, 3, 1), "month"),
        ("0999-03-04", datetime.date(999, 3, 4), "day"),
    ],
)
def test_a_partial_date_is_its_first_day_and_reads_back(text, first, precision) -> None:
    assert typed(text) == (first, precision)
    assert stated(first, precision) == text


@pytest.mark.parametrize("text", [None, "", "soon", "2021-13", "2021-02-30", "2021-3", "0000"])
def test_what_is_no_date_has_no_type(text) -> None:
    assert typed(text) is None


def test_typed_columns_are_dates_where_the_format_has_them(tmp_path: Path) -> None:
    import duckdb

    (out, *_) = written(tmp_path, "o.parquet", FULL, EMPTY)
    query = (
        f"SELECT start_date, start_date_precision, year(completion_date) FROM '{out}' WHERE trial_id = 'NCT1'"
    )
    assert duckdb.sql(query).fetchall() == [(datetime.date(2021, 3, 1), "month", 2024)]


def test_the_csv_for_excel_differs_by_its_mark_alone(tmp_path: Path) -> None:
    (plain,) = written(tmp_path, "o.csv", FULL)
    (excel,) = written(tmp_path, "p.excel.csv", FULL)
    assert excel.read_bytes() == b"\xef\xbb\xbf" + plain.read_bytes()


def test_parquet_keeps_nested_types_and_adds_tables(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    made = written(tmp_path, "o.parquet", FULL, EMPTY)
    assert [path.name for path in made] == ["o.parquet", "o.constructs.parquet", "o.evidence.parquet"]
    (row, empty) = pq.read_table(made[0]).to_pylist()
    assert row["targets"] == ["CD19", "CD22"]
    assert row["constructs"] == [
        {
            "targets": ["CD19", "CD22"],
            "format": "tandem",
            "basis": "default",
            "products": [],
            "costim": ["4-1BB"],
        }
    ]
    assert dict(row["confidence"]) == {"car_trial": 0.99, "targets": 0.5}
    assert dict(row["raw"]) == {"phase": "Phase 1"}
    assert (empty["targets"], empty["enrollment"]) == ([], None)
    assert pq.read_table(made[1]).to_pylist()[0]["number"] == 1
    assert [row["value"] for row in pq.read_table(made[2]).to_pylist()] == ["CD19", "CD22", "CD20"]


@pytest.mark.parametrize("suffix", sorted(WRITERS))
def test_equal_records_give_equal_bytes_at_another_time(tmp_path: Path, suffix: str) -> None:
    first = [path.read_bytes() for path in written(tmp_path, f"o{suffix}", FULL, EMPTY)]
    time.sleep(1.1 if suffix in (".xlsx", ".csv.gz") else 0)
    second = [path.read_bytes() for path in written(tmp_path, f"o{suffix}", FULL, EMPTY)]
    assert first == second
    assert written(tmp_path, f"none{suffix}")[0].exists()


@pytest.mark.parametrize("suffix", sorted(set(WRITERS) - {".jsonl", ".ndjson"}))
def test_every_format_says_the_same(tmp_path: Path, suffix: str) -> None:
    written(tmp_path, "o.jsonl", FULL, EMPTY)
    (out, *_) = written(tmp_path, f"p{suffix}", FULL, EMPTY)
    assert read_rows(str(out)) == read_rows(str(tmp_path / "o.jsonl"))


def test_gzipped_output_is_the_plain_output(tmp_path: Path) -> None:
    (plain,) = written(tmp_path, "o.csv", FULL, EMPTY)
    (packed,) = written(tmp_path, "o.csv.gz", FULL, EMPTY)
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()


def test_an_unknown_suffix_is_told_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"no format of that suffix; name the output with one of \.jsonl"):
        suffix_of(tmp_path / "o.doc")


def test_a_missing_package_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    real: Any = __import__("importlib.util").util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "pyarrow" else real(name))
    with pytest.raises(OutputError, match=r"pip install 'cart-nlp\[tables\]'"):
        writer(".parquet")
