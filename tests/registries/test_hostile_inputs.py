"""Inputs of an attack, by kind: what is lost is told with its place, what is a bomb is stopped."""

from __future__ import annotations

import io
import json
import sys
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest
import zstandard
from registry_inputs import LINE_1, LINE_2, feed, split

from cart_nlp.registries import InputError, Reject, read
from cart_nlp.registries.containers import bounds
from cart_nlp.registries.eu import euctr
from cart_nlp.registries.readers import jsonreader

sys.path.insert(0, str(Path(__file__).parents[1] / "fuzz"))
import bombs
import seeds

IDS = ["NCT00000001", "NCT00000002"]


def written(path: Path, data: bytes) -> list[object]:
    path.write_bytes(data)
    return list(read(path, report=lambda said: None))


def test_a_stray_quote_in_a_page_of_a_thousand_costs_one_study() -> None:
    """It cost 997: the strings and what stands between them had changed places."""
    studies = []
    for at in range(1000):
        study = json.loads(json.dumps(seeds.V2))
        study["protocolSection"]["identificationModule"]["nctId"] = f"NCT{at:08d}"
        studies.append(json.dumps(study))
    studies[2] = studies[2].replace("BCMA CAR-T", 'BCMA " CAR-T')
    ids, rejects = split(jsonreader.read(feed(('{"studies": [' + ",".join(studies) + "]}").encode())))
    assert ids == [f"NCT{at:08d}" for at in range(1000) if at != 2]
    (found,) = rejects
    assert found.id == "NCT00000002"
    assert found.place.startswith("byte ")
    assert "at byte" in found.reason


def test_two_records_on_one_line_are_both_read() -> None:
    ids, rejects = split(jsonreader.read(feed(LINE_1 + b"\n" + LINE_1 + LINE_2 + b"\n" + LINE_2)))
    assert ids == [IDS[0], IDS[0], IDS[1], IDS[1]]
    assert rejects == []


def test_a_list_that_swallows_the_next_record() -> None:
    first = b'{"id": "NCT00000003", "brief_title": "a", "arms": [{"label": "x"}, '
    ids, rejects = split(jsonreader.read(feed(b'{"studies": [' + first + LINE_1 + b", " + LINE_2 + b"]}")))
    assert ids == IDS
    assert [each.id for each in rejects] == ["NCT00000003"]


@pytest.mark.parametrize(
    "line", ["EudraCT Number: 2010-012345-12", "EudraCT Number: 2010-012345-12 was its parent"]
)
def test_a_line_of_a_field_begins_no_record(line: str) -> None:
    text = seeds.EUCTR.replace("2. CD19 positive", line)
    ids, rejects = split(
        euctr.read(feed((text + "\n" + text.replace("2022-002568", "2022-002569")).encode()))
    )
    assert ids == ["2022-002568-62", "2022-002569-62"]
    assert rejects == []


def test_a_cut_record_is_no_whole_one(tmp_path: Path) -> None:
    two = seeds.EUCTR + "\n" + seeds.EUCTR.replace("2022-002568", "2022-002569")
    for data in (two[:-120], two[: two.index("E.1.1", len(seeds.EUCTR))]):
        ids, rejects = split(iter(written(tmp_path / "a", data.encode())))
        assert ids == ["2022-002568-62"]
        assert [each.reason for each in rejects] == ["the input ends within this record"]
    page = seeds.CHICTR_PAGE.replace("</table></body></html>", "")
    (cut,) = written(tmp_path / "b", page.encode())
    assert isinstance(cut, Reject)
    row, told = written(tmp_path / "c", seeds.CHICTR_LIST.replace("</table></body></html>", "").encode())
    assert row.trial().id == "ChiCTR2500111173"
    assert told.reason == "the page ends early: it is truncated: rows may be missing"


@pytest.mark.parametrize(
    ("good", "broken"),
    [
        ("<tr><td>x</td><td>ChiCTR2500111174</td>", "tr><td>x</td><td>ChiCTR2500111174/td>"),
        ("<tr><td>x</td><td>ChiCTR2500111174</td>", "=tr><td>x</td><td>ChiCTR2500111174"),
        ("<td>ChiCTR2500111174</td>", "<tdChiCTR2500111174/td>"),
        ("</td><td>ChiCTR2500111174", "</td=ChiCTR2500111174"),
    ],
)
def test_a_list_row_whose_tag_and_number_are_damaged_is_told(tmp_path: Path, good: str, broken: str) -> None:
    start, end = seeds.CHICTR_LIST.index("<tr>"), seeds.CHICTR_LIST.index("</table>")
    rows = [seeds.CHICTR_LIST[start:end].replace("111173", f"11117{at}") for at in (3, 4, 5)]
    assert good in rows[1]
    rows[1] = rows[1].replace(good, broken)
    page = seeds.CHICTR_LIST[:start] + "\n".join(rows) + seeds.CHICTR_LIST[end:]
    ids, rejects = split(iter(written(tmp_path / "a", page.encode())))
    assert ids == ["ChiCTR2500111173", "ChiCTR2500111175"]
    assert [each.reason for each in rejects] == ["a row of the list that cannot be read"]


@pytest.mark.parametrize("end", ["", "</tr>"])
def test_a_title_of_a_list_that_names_another_trial_is_no_row(tmp_path: Path, end: str) -> None:
    other = '<td><a title="Follow-up of ChiCTR2500000001">Follow-up of ChiCTR2500000001</a>'
    page = seeds.CHICTR_LIST.replace('<td><a title="嵌合">嵌</a>', other).replace("</tr>", end)
    assert other in page
    (row,) = written(tmp_path / "a", page.encode())
    assert row.trial().sections == {"brief_title": "Follow-up of ChiCTR2500000001"}


@pytest.mark.parametrize("mark", ["A.3 Full title", "A.1 Member State", "P. End of Trial"])
def test_a_line_too_long_to_hold_is_told(monkeypatch: pytest.MonkeyPatch, mark: str) -> None:
    monkeypatch.setattr(bounds, "MAX_RECORD", 50_000)
    good = seeds.EUCTR.replace("2022-002568", "2022-002569")
    assert mark in seeds.EUCTR
    long = seeds.EUCTR.replace(mark, f"{mark}: {'x' * 60_000}")
    ids, rejects = split(euctr.read(feed((long + "\n" + good).encode(), 10_000)))
    assert ids == ["2022-002569-62"]
    assert [(each.id, each.reason) for each in rejects] == [("2022-002568-62", bounds.TOO_LONG)]


@pytest.mark.parametrize("size", [700, 1 << 16])
def test_a_block_too_long_ends_where_the_next_one_begins(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Its further lines are passed over in pieces, wherever these are cut."""
    monkeypatch.setattr(bounds, "MAX_RECORD", 30_000)
    good = seeds.EUCTR.replace("2022-002568", "2022-002569")
    for extra in range(0, 60, 7):
        long = seeds.EUCTR.partition("P. End")[0] + "a\n" * (3000 + extra)
        ids, rejects = split(euctr.read(feed((long + good).encode(), size)))
        assert ids == ["2022-002569-62"]
        assert [(each.id, each.reason) for each in rejects] == [("2022-002568-62", bounds.TOO_LONG)]


def test_a_long_line_outside_of_records_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_RECORD", 50_000)
    ids, rejects = split(euctr.read(feed(("x" * 60_000 + "\n" + seeds.EUCTR).encode(), 10_000)))
    assert ids == ["2022-002568-62"]
    assert [(each.place, each.id, each.reason) for each in rejects] == [("line 1", None, bounds.TOO_LONG)]


def test_a_skippable_frame_before_zstd_data(tmp_path: Path) -> None:
    frame = b"\x51\x2a\x4d\x18\x05\0\0\0index"
    data = frame + frame + zstandard.compress(LINE_1 + b"\n" + LINE_2)
    assert [each.id for each in written(tmp_path / "a", data)] == IDS
    with pytest.raises(InputError):
        written(tmp_path / "b", frame)


def test_tables_of_aact_with_a_byte_order_mark(tmp_path: Path) -> None:
    mark = b"\xef\xbb\xbf"
    (found,) = written(
        tmp_path / "a.zip",
        seeds.packed(
            {
                "studies.txt": mark + b"nct_id|brief_title\nNCT00000001|CAR-T\n",
                "interventions.txt": mark + b"nct_id|name\nNCT00000001|CD19 CAR\n",
            }
        ),
    )
    assert found.trial().sections == {"brief_title": "CAR-T", "interventions[0].name": "CD19 CAR"}


def test_members_that_share_their_data_are_rejects(tmp_path: Path) -> None:
    began = time.process_time()
    found = written(tmp_path / "a.zip", bombs.overlapping())
    assert len(found) == 15_000
    assert sum("another member" in each.reason for each in found) == 14_999
    assert time.process_time() - began < 10


def test_a_workbook_that_claims_far_cells(tmp_path: Path) -> None:
    began = time.process_time()
    found = written(tmp_path / "a.xlsx", bombs.far_cells())
    assert {each.place for each in found} >= {"row 2", "row 20002"}
    assert time.process_time() - began < 5


def test_a_workbook_whose_parts_inflate(tmp_path: Path) -> None:
    data = bombs.workbook(bombs.sheet(b""), b"<sst " + bombs.MAIN + b">" + b"<si/>" * 2_000_000 + b"</sst>")
    with pytest.raises(InputError, match="inflates to"):
        written(tmp_path / "a.xlsx", data)


@pytest.mark.parametrize(("rows", "value", "kind"), [(400_000, "", "string"), (3, ["a"] * 1_000_000, "list")])
def test_parquet_that_claims_more_than_it_holds(tmp_path: Path, rows: int, value: object, kind: str) -> None:
    with pytest.raises(InputError, match="not read"):
        written(tmp_path / "a.parquet", bombs.parquet(rows, value, kind))


def test_parquet_that_repeats_one_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "BOMB_SIZE", 1 << 26)
    path = tmp_path / "a.parquet"
    path.write_bytes(bombs.parquet(10_000, "CAR-T " * 20_000, "dictionary"))
    tracemalloc.start()
    try:
        last = None
        for each in read(path):
            last = each
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(last, Reject)
    assert "bomb" in last.reason
    assert peak < 30 << 20


def test_damaged_parquet_is_one_line(tmp_path: Path) -> None:
    data = bytearray(seeds.seeds()["parquet"])
    for at in range(4, len(data) - 8, 7):
        broken = bytes(data[:at]) + bytes([data[at] ^ 0x55]) + bytes(data[at + 1 :])
        try:
            for each in written(tmp_path / "a.parquet", broken):
                assert isinstance(each, Reject) or each.id
        except InputError as error:
            assert "\n" not in str(error)


def test_blocks_of_one_number_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_RECORD", 20_000)
    other = seeds.EUCTR.replace("2022-002568", "2022-002569")
    ids, rejects = split(euctr.read(feed(("\n".join([seeds.EUCTR] * 100) + "\n" + other).encode())))
    assert ids == ["2022-002569-62"]
    assert rejects[0].reason == bounds.TOO_LONG


def test_rows_of_one_study_have_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_RECORD", 20_000)
    found = written(
        tmp_path / "a.zip",
        seeds.packed(
            {
                "studies.txt": b"nct_id|brief_title\nNCT00000001|a\nNCT00000002|b\n",
                "interventions.txt": b"nct_id|name\n" + b"NCT00000001|CAR\n" * 1000,
            }
        ),
    )
    assert [(type(each) is Reject, each.id) for each in found] == [
        (True, "NCT00000001"),
        (False, "NCT00000002"),
    ]


def test_many_values_in_one_record_are_not_parsed() -> None:
    raw = b'[{"id": "NCT00000003", "brief_title": "t", "x": [' + b"{}," * 1_500_000 + b"1]}, " + LINE_1 + b"]"
    ids, rejects = split(jsonreader.read(feed(raw, 1 << 20)))
    assert ids == [IDS[0]]
    assert [each.reason for each in rejects] == [bounds.TOO_MANY]


def test_a_duckdb_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a DuckDB database"):
        written(tmp_path / "a.jsonl", b"\0" * 8 + b"DUCK" + b"\1" * 100)


def test_an_archive_of_damaged_members(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jsonl", (LINE_1 + b"\n") * 50)
        archive.writestr("b.jsonl", LINE_2)
    data = bytearray(out.getvalue())
    data[60] ^= 0xFF
    found = written(tmp_path / "a.zip", bytes(data))
    assert found[-1].id == IDS[1]
    assert any(isinstance(each, Reject) for each in found)
