"""Corrections in a workbook: read as the same table in CSV is, on every way that takes them."""

from __future__ import annotations

import datetime
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

from cart_nlp.batch import Options, run
from cart_nlp.curation.correction_files import CorrectionsError, read
from cart_nlp.curation.decisions import COLUMNS
from cart_nlp.curation.writing import write

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "batch"))
import batch_fakes as fakes

ROWS = [
    ["T00001", "targets", "add", "CD22", "", "ana", datetime.date(2026, 11, 28), "read"],
    ["T00002", "car_trial", "set", "product", "", "ana", datetime.datetime(2026, 11, 28, 9, 30), None],
    ["T00002", "generation", "set", 2, "", "ana", "2026-11-28", "'=not run"],
]


def workbook(path, *rows, head=COLUMNS, title="Tabelle1"):
    book = openpyxl.Workbook()
    book.active.title = title
    for row in (head, *rows):
        book.active.append(list(row))
    book.create_sheet("notes").append(["nothing", "of", "this", "counts"])
    book.save(path)
    return path


def faults(path):
    with pytest.raises(CorrectionsError) as caught:
        read(path)
    return caught.value.faults


def test_a_workbook_is_read_as_the_same_table_in_csv(tmp_path):
    found = read(workbook(tmp_path / "c.xlsx", *ROWS, [None] * 8))
    assert [(r.trial_id, r.field, r.values, r.date) for r in found] == [
        ("T00001", "targets", ("CD22",), "2026-11-28"),
        ("T00002", "car_trial", ("product",), "2026-11-28"),
        ("T00002", "generation", ("2",), "2026-11-28"),
    ]
    assert found[2].note == "=not run" and found[0].place == "c.xlsx: sheet Tabelle1, row 2"
    write(found, tmp_path / "c.csv")
    assert [r._replace(place="") for r in read(tmp_path / "c.csv")] == [r._replace(place="") for r in found]


def test_columns_may_stand_in_any_order_and_beside_others(tmp_path):
    head = ["mine", "Value", None, "ACTION", "Field", "Trial ID"]
    (row,) = read(workbook(tmp_path / "c.xlsx", [1, "CD20", "x", "Set", "targets", "T1"], head=head))
    assert (row.trial_id, row.field, row.action, row.values) == ("T1", "targets", "set", ("CD20",))


def test_a_formula_counts_as_the_value_that_it_was_saved_with(tmp_path):
    with xlsxwriter.Workbook(tmp_path / "c.xlsx") as book:
        sheet = book.add_worksheet("mine")
        sheet.write_row(0, 0, COLUMNS[:4])
        sheet.write_row(1, 0, ["T1", "targets", "set"])
        sheet.write_formula(1, 3, '="CD"&19', value="CD19")
    assert read(tmp_path / "c.xlsx")[0].values == ("CD19",)


@pytest.mark.parametrize("cell", ["=A2", "#N/A"])
def test_a_formula_without_a_value_and_an_error_are_told_with_their_cell(tmp_path, cell):
    (fault,) = faults(workbook(tmp_path / "c.xlsx", ["T1", "targets", "set", cell]))
    assert fault.startswith("c.xlsx: sheet Tabelle1, row 2: cell D2 holds an error, or a formula without")


def test_a_wrong_row_is_one_line_with_sheet_and_row(tmp_path):
    path = workbook(tmp_path / "c.xlsx", ROWS[0], ["T1", "tragets", "set", "CD19"], title="a\x85b")
    assert faults(path)[0].startswith("c.xlsx: sheet a") and "\x85" not in faults(path)[0]
    assert "row 3: unknown field 'tragets'" in faults(path)[0]
    (fault,) = faults(workbook(tmp_path / "d.xlsx", head=["id", "value"]))
    assert fault.startswith("d.xlsx: sheet Tabelle1, row 1: no column trial_id, field, action; the first row")


def test_what_is_no_workbook_or_a_bomb_is_one_line(tmp_path):
    with zipfile.ZipFile(tmp_path / "z.xlsx", "w") as archive:
        archive.writestr("readme.txt", "no workbook")
    (fault,) = faults(tmp_path / "z.xlsx")
    assert fault.startswith("z.xlsx: no workbook, or a damaged one") and "\n" not in fault
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * (8 << 20))
    (fault,) = faults(tmp_path / "b.xlsx")
    assert fault == "b.xlsx: a part of the workbook inflates to 8,388,608 bytes: not read"


def test_the_run_and_the_commands_take_it(tmp_path, in_process):
    fakes.dump(tmp_path / "in.jsonl", [{"id": "T00001", "title": "CAR study of CD19"}])
    book = workbook(tmp_path / "c.xlsx", ROWS[0])
    write(read(book), tmp_path / "c.csv")
    for given in ("c.xlsx", "c.csv"):
        options = Options(
            (str(tmp_path / "in.jsonl"),),
            str(tmp_path / f"{given}.jsonl"),
            workers=0,
            corrections=str(tmp_path / given),
        )
        run(options, fakes.parts(tmp_path))
    assert b'"CD22"' in (tmp_path / "c.xlsx.jsonl").read_bytes()
    assert (tmp_path / "c.xlsx.jsonl").read_bytes() == (tmp_path / "c.csv.jsonl").read_bytes()
    told = in_process("corrections", "check", book)
    assert told.returncode == 0 and "c.xlsx: 1 corrections of 1 trials, 0 faults" in told.stdout
    merged = in_process("corrections", "merge", book, tmp_path / "c.csv", "-o", tmp_path / "both.csv")
    assert merged.returncode == 0, merged.stderr
    assert (tmp_path / "both.csv").read_bytes() == (tmp_path / "c.csv").read_bytes()
    wrong = workbook(tmp_path / "w.xlsx", ["T1", "targets", "change", "CD19"])
    told = in_process("corrections", "check", wrong)
    assert told.returncode and "sheet Tabelle1, row 2: unknown action 'change'" in told.stdout + told.stderr
