"""What reads records back: foreign and damaged files are one line, small files stay small in memory."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from cart_nlp.batch.store import Store
from cart_nlp.differences import compare, read_rows
from cart_nlp.records import record_list
from cart_nlp.registries.entry import InputError
from cart_nlp.writers import OutputError
from cart_nlp.writers.flat import guarded, unguarded

ROOT = Path(__file__).resolve().parents[1]


def written(path: Path, data: bytes | str) -> str:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return str(path)


def foreign(path: Path, *statements: str) -> str:
    with duckdb.connect(str(path)) as base:
        for statement in statements:
            base.execute(statement)
    return str(path)


def test_the_views_of_a_foreign_store_are_not_run(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a line that nobody may see")
    read = f"SELECT content AS trial_id FROM read_text('{tmp_path / 'secret'}')"
    store = foreign(
        tmp_path / "view.duckdb", f"CREATE VIEW records AS {read}", f"CREATE VIEW history AS {read}"
    )
    for name in (store, f"{store}@2026-01-01"):
        with pytest.raises(InputError, match=r"no table (records|history); is this a store") as caught:
            read_rows(name)
        assert "nobody" not in str(caught.value)
    with pytest.raises(OutputError, match="no store of cart-nlp"):
        Store(Path(store), "key")
    meta = f"CREATE VIEW meta AS SELECT length(content) AS format FROM read_text('{tmp_path / 'secret'}')"
    tables = [f"CREATE TABLE {name}(x INTEGER)" for name in ("runs", "trials", "history")]
    with pytest.raises(OutputError, match="no store of cart-nlp"):
        Store(Path(foreign(tmp_path / "meta.duckdb", meta, *tables)), "key")


def test_a_column_that_computes_reads_no_file(tmp_path: Path) -> None:
    store = foreign(
        tmp_path / "macro.duckdb",
        "CREATE MACRO reads() AS (SELECT content FROM read_text('/etc/hostname'))",
        "CREATE TABLE records(trial_id VARCHAR)",
        "INSERT INTO records VALUES ('A')",
    )
    assert list(read_rows(store)) == ["A"]


def test_a_table_of_others_is_no_empty_set_of_records(tmp_path: Path) -> None:
    parquet.write_table(pyarrow.table({"a": pyarrow.array([], pyarrow.int64())}), tmp_path / "o.parquet")
    book = openpyxl.Workbook()
    book.active.title = "records"
    book.active.append(["a"])
    for name in ("constructs", "evidence", "raw"):
        book.create_sheet(name).append(["trial_id"])
    book.save(tmp_path / "o.xlsx")
    (tmp_path / "o.csv").write_text("a\n")
    foreign(tmp_path / "o.duckdb", "CREATE TABLE records(a INTEGER)", "CREATE TABLE others(b INTEGER)")
    for path in sorted(tmp_path.iterdir()):
        for take in (read_rows, record_list):
            with pytest.raises(InputError, match=r"no column trial_id; is this the output of"):
                take(str(path))


GOOD = {"trial_id": "NCT1", "targets": ["CD19"], "constructs": [{"targets": ["CD19"], "format": "single"}]}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("o.jsonl", "[1]\n"),
        ("o.jsonl", "3\n"),
        ("o.jsonl", '{"trial_id": 3}\n'),
        ("o.jsonl", "{}\n"),
        ("o.jsonl", json.dumps(GOOD | {"constructs": [3]})),
        ("o.jsonl", json.dumps(GOOD | {"constructs": [{}]})),
        ("o.jsonl", json.dumps(GOOD | {"constructs": [{"targets": 3, "format": []}]})),
        ("o.jsonl.gz", gzip.compress(json.dumps(GOOD).encode(), mtime=0)[:-9]),
        ("o.jsonl.gz", b"no gzip"),
        ("o.csv.gz", gzip.compress(b"trial_id\nNCT1\n" * 99, mtime=0)[:40] + b"x" * 20),
        ("o.csv", "no,columns\n1,2\n"),
        ("o.csv", b"\xff\xfe\x00"),
        ("o.parquet", b"PAR1" + bytes(20) + b"PAR1"),
        ("o.parquet", b"x"),
        ("o.xlsx", b"PK\x03\x04"),
        ("o.xlsx", b"x"),
        ("o.duckdb", b"x" * 9000),
        ("o.duckdb", b""),
    ],
)
def test_what_is_no_output_is_one_line(tmp_path: Path, name: str, data: bytes | str) -> None:
    path = written(tmp_path / name, data)
    with pytest.raises(InputError) as caught:
        read_rows(path)
    said = str(caught.value)
    assert said.startswith(path)
    assert "\n" not in said


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet", ".xlsx"])
def test_a_file_with_damage_anywhere_is_read_or_is_one_line(tmp_path: Path, suffix: str) -> None:
    from test_writers import FULL
    from test_writers import written as written_records

    (out, *_) = written_records(tmp_path, f"o{suffix}", FULL)
    whole = out.read_bytes()
    for at in range(0, len(whole), max(1, len(whole) // 60)):
        for damaged in (whole[:at], whole[:at] + bytes([whole[at] ^ 0x5A]) + whole[at + 1 :]):
            out.write_bytes(damaged)
            try:
                read_rows(str(out))
            except InputError as fault:
                assert "\n" not in str(fault)


def bombs(folder: Path) -> dict[str, Path]:
    """Files of less than a megabyte that would fill the memory."""
    found = {
        "rows.jsonl.gz": many(b'{"trial_id": "NCT1"}\n' * 10_000, 60),
        "line.jsonl.gz": many(b'{"trial_id": "') + many(b"x" * 1_000_000, 300),
        "lists.jsonl.gz": many(b'{"trial_id": "A", "raw": [') + many(b"[]," * 300_000, 40) + many(b"[]]}"),
        "array.json.gz": many(b"[") + many(b"{}," * 300_000, 40) + many(b"{}]"),
        "rows.csv.gz": many(b"trial_id,title\n") + many(b"NCT1,\n" * 100_000, 30),
        "cell.csv.gz": many(b'trial_id\n"') + many(b"x\n" * 500_000, 150),
    }
    for name, data in found.items():
        (folder / name).write_bytes(data)
    title = pyarrow.array(["x" * 10_000]).dictionary_encode().take(pyarrow.array([0] * 400_000))
    table = pyarrow.table({"trial_id": title, "title": title})
    parquet.write_table(table, folder / "rows.parquet", compression="zstd", row_group_size=400_000)
    with zipfile.ZipFile(folder / "sheet.xlsx", "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/sharedStrings.xml", b"<x>" + b"<si><t>x</t></si>" * 6_000_000)
    return {path.name: path for path in sorted(folder.iterdir())}


def many(piece: bytes, times: int = 1) -> bytes:
    """A piece so many times, as members of a gzip file."""
    return gzip.compress(piece, 9) * times


MEASURED_HERE = ("rows.jsonl.gz", "cell.csv.gz", "rows.parquet")
"""Whose memory is measured in every test run, in a process of their own."""
MEASURED = """
import sys
from cart_nlp.differences import read_rows
from cart_nlp.records import record_list
from cart_nlp.registries.entry import InputError
from pathlib import Path
said = []
for way in (read_rows, record_list):
    try:
        way(sys.argv[1] if way is read_rows else Path(sys.argv[1]))
        said.append("read")
    except InputError as fault:
        said.append(str(fault))
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024, *said, sep=chr(10))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_a_small_file_never_fills_the_memory(tmp_path: Path) -> None:
    for name, path in bombs(tmp_path).items():
        assert path.stat().st_size < 1 << 20, name
        if name not in MEASURED_HERE:
            with pytest.raises(InputError):
                record_list(path)
            continue
        command = [sys.executable, "-c", MEASURED, str(path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
        peak, *said = done.stdout.splitlines()
        print(f"{name}: {path.stat().st_size:,} bytes, peak {peak} MB")
        assert int(peak) < 600, (name, done.stdout)
        assert len(said) == 2
        assert all(line.startswith(str(path)) or line == "read" for line in said), said


@given(st.text(st.sampled_from("ab ;='+-@＝;\t"), max_size=12))
@settings(max_examples=300, deadline=None)
def test_a_guard_hides_no_formula_and_comes_off(text: str) -> None:
    made = guarded(text)
    for cell in [made, *made.split(";")]:
        assert not cell.strip().startswith(("=", "+", "-", "@", "＝"))
    if "'" not in text:
        assert unguarded(made) == text


def test_no_id_of_a_file_steers_the_terminal(tmp_path: Path) -> None:
    hostile = "NCT1\x1b]0;owned\x07\u202e\nNCT2"
    rows: list[dict[str, Any]] = [{"trial_id": hostile, "title": hostile}, {"trial_id": "A", "title": "a"}]
    old = written(tmp_path / "old.jsonl", "".join(json.dumps(row) + "\n" for row in rows[1:]))
    rows[1]["title"] = hostile
    new = written(tmp_path / "new.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    for more in ([], ["--json"]):
        done = subprocess.run(
            [sys.executable, "-c", "from cart_nlp.cli import main; main()", "diff", old, new, *more],
            cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout)
        if more:
            assert json.loads(done.stdout)["new"] == [hostile]
        else:
            assert done.stdout.count("\n") == 3


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    columns = [pyarrow.array(["NCT1"]), pyarrow.array(["old"]), pyarrow.array(["new"])]
    table = pyarrow.Table.from_arrays(columns, names=["trial_id", "title", "title"])
    parquet.write_table(table, tmp_path / "twice.parquet")
    for take in (read_rows, record_list):
        with pytest.raises(InputError, match=r"twice\.parquet: the column 'title' stands twice"):
            take(str(tmp_path / "twice.parquet"))


@pytest.mark.parametrize("count", [1, 2])
def test_rows_of_one_id_are_told(tmp_path: Path, count: int) -> None:
    ids = ["NCT1", "NCT2"][:count]
    rows = [{"trial_id": trial, "title": title} for title in ("first", "second", "third") for trial in ids]
    path = written(tmp_path / "twice.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    notes: list[str] = []
    found = read_rows(path, notes.append)
    assert found == {trial: {"title": "third"} for trial in ids}
    stand = "1 id stands" if count == 1 else "2 ids stand"
    assert notes == [f"{stand} more than once in {path}; the last is compared"]
    done = subprocess.run(
        [sys.executable, "-c", "from cart_nlp.cli import main; main()", "diff", path, path, "--json"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, json.loads(done.stdout)["unchanged"]) == (0, count)
    assert done.stderr == f"cart-nlp diff: {notes[0]}\n" * 2


@pytest.mark.parametrize("suffix", [".csv", ".excel.csv", ".tsv.gz", ".parquet", ".xlsx"])
def test_the_same_record_in_another_format_has_not_changed(tmp_path: Path, suffix: str) -> None:
    from test_writers import EMPTY, FULL
    from test_writers import written as written_records

    (lines, *_) = written_records(tmp_path, "o.jsonl", FULL, EMPTY)
    (other, *_) = written_records(tmp_path, f"o{suffix}", FULL, EMPTY)
    found = compare(read_rows(str(lines)), read_rows(str(other)))
    assert [str(change) for change in found.changes] == []
    assert found.unchanged == 2
