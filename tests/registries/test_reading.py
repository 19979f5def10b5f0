from __future__ import annotations

import gzip
import io
import os
import random
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard
from registry_inputs import (
    CTGOV_CSV,
    CTGOV_XML,
    ICTRP_TRIAL,
    ICTRP_XML,
    LINE_1,
    LINE_2,
    entries,
    split,
    trials,
)

from cart_nlp.registries import READERS, InputError, Reject, read
from cart_nlp.registries.containers import bounds, feeds

sys.path.insert(0, str(Path(__file__).parents[1] / "fuzz"))
import seeds

LINES = LINE_1 + b"\n" + LINE_2 + b"\n"
IDS = ["NCT00000001", "NCT00000002"]


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


PACKED = {
    "plain": LINES,
    "gzip": gzip.compress(LINES),
    "two gzip members": gzip.compress(LINE_1 + b"\n") + gzip.compress(LINE_2),
    "gzip with padding": gzip.compress(LINES) + b"\0" * 512,
    "zstd": zstandard.compress(LINES),
    "two zstd frames": zstandard.compress(LINE_1 + b"\n") + zstandard.compress(LINE_2),
    "zip": zipped({"a.jsonl": LINES}),
    "zip of records": zipped({"a.json": LINE_1, "dir/b.json": LINE_2}),
    "zip of packed": zipped({"a.jsonl.gz": gzip.compress(LINES)}),
    "gzip of a zip": gzip.compress(zipped({"a.jsonl": LINES})),
    "windows line ends": LINES.replace(b"\n", b"\r\n"),
    "old Mac line ends": LINES.replace(b"\n", b"\r"),
    "blank lines first": b"\n" * 1_100_000 + LINES,
    "blanks before a list": b"\r\n\t " * 600_000 + b"[" + LINE_1 + b",\n" + LINE_2 + b"]",
    "packed after blanks": gzip.compress(b" " * 3_000_000 + LINES),
    "byte order mark": b"\xef\xbb\xbf" + LINES,
    "joined with marks": b"\xef\xbb\xbf" + LINE_1 + b"\n\xef\xbb\xbf\n\xef\xbb\xbf" + LINE_2 + b"\n",
    "lists joined with marks": b"\xef\xbb\xbf[" + LINE_1 + b"]\n\xef\xbb\xbf[" + LINE_2 + b"]",
    "utf-16": LINES.decode().encode("utf-16"),
    "utf-16 without mark": LINES.decode().encode("utf-16-be"),
    "array": b"[" + LINE_1 + b",\n" + LINE_2 + b"]",
    "list": b'{"total": 2, "studies": [' + LINE_1 + b"," + LINE_2 + b"]}",
    "pages": b'{"studies": [' + LINE_1 + b'], "nextPageToken": "x"}\n{"studies": [' + LINE_2 + b"]}",
    "values one after another": LINE_1 + b" " + LINE_2,
}


@pytest.mark.parametrize("packing", PACKED)
@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ""])
def test_content_counts_not_the_suffix(tmp_path: Path, packing: str, suffix: str) -> None:
    path = tmp_path / f"dump{suffix}"
    path.write_bytes(PACKED[packing])
    assert [trial.id for trial in trials(path)] == IDS


@pytest.mark.parametrize("packing", ["plain", "gzip", "zstd", "zip", "utf-16"])
def test_standard_input(monkeypatch: pytest.MonkeyPatch, packing: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PACKED[packing])))
    assert [trial.id for trial in trials("-")] == IDS


def test_a_pipe_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    child = os.fork()
    if child == 0:
        path.write_bytes(LINES)
        os._exit(0)
    assert [trial.id for trial in trials(path)] == IDS
    os.waitpid(child, 0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n\n\t ", "holds nothing but blanks"),
        (b"\0" * 5000, "holds nothing but blanks or zero bytes"),
        (b"%PDF-1.7 and so on", "a PDF document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 9, "old Excel"),
        (b"SQLite format 3\0....", "an SQLite database"),
        (gzip.compress(gzip.compress(LINES)), "compressed twice"),
        (gzip.compress(zstandard.compress(LINES)), "compressed twice"),
        (gzip.compress(tarred({"a,b.jsonl": LINES})), "a tar archive"),
        (b"id,\x03\xb5\x1a,\0title\nNCT00000001,x,y\n", "no known registry format"),
        (b"just a line of text", "no known registry format"),
        (b"<rss><channel/></rss>", "no known registry format"),
        (b"PK\x03\x04 but no archive", "not a whole zip archive"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (b"PAR1 but no table", "not a whole Parquet file"),
        (b"a,b,c\n1,2,3\n", "no column for the trial's id"),
        (b"NCT Number,Study Title\n", "holds no records"),
        (b"[]", "holds no records"),
        (zipped({}), "the archive holds no files"),
    ],
)
def test_an_input_that_cannot_be_read(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "dump.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        list(read(path))
    said = str(caught.value)
    assert said.startswith(str(path))
    assert "\n" not in said


def test_more_blanks_than_are_looked_past_are_told_as_that(tmp_path: Path) -> None:
    path = tmp_path / "dump.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n" * (feeds.MOST_BLANKS + 1) + LINES, 1))
    with pytest.raises(InputError, match="begins with more than 64 MB of blanks or zero bytes; cut them off"):
        list(read(path))


STUDIES = {"studies.txt": b"nct_id|brief_title\nNCT00000001|CAR-T\n", "interventions.txt": b"nct_id|name\n"}


@pytest.mark.parametrize(
    "content",
    [
        CTGOV_XML.format(number=IDS[0], title="T").encode(),
        ICTRP_XML.format(trials=ICTRP_TRIAL.format(number=IDS[0], title="T")).encode(),
        seeds.EUCTR.encode(),
        seeds.CHICTR_LIST.encode(),
        zipped(STUDIES),
    ],
    ids=["ctgov-xml", "ictrp-xml", "euctr", "chictr-html", "aact"],
)
def test_columns_named_of_a_format_that_has_none_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "dump"
    path.write_bytes(content)
    assert next(read(path))
    with pytest.raises(InputError) as caught:
        list(read(path, mapping={"id": "Nr"}))
    assert str(caught.value).startswith(f"{path}: --map id=…: the format has fields of its own, ")
    with pytest.raises(InputError, match="--map colour=…: no such field"):
        list(read(path, mapping={"colour": "Nr"}))


def test_columns_named_of_a_database_are_refused_before_it_is_asked() -> None:
    with pytest.raises(InputError, match=r"^postgresql://me@host/aact: --map id=…: the format has fields"):
        list(read("postgresql://me:hidden@host/aact", mapping={"id": "Nr"}))


def test_columns_named_of_an_archive_reach_the_members_that_have_some(tmp_path: Path) -> None:
    path = tmp_path / "dump.zip"
    xml = CTGOV_XML.format(number=IDS[1], title="T").encode()
    path.write_bytes(zipped({"a.csv": b"Nr,title\nNCT00000001,CAR-T\n", "b.xml": xml}))
    ids, rejects = split(read(path, mapping={"id": "Nr"}))
    assert ids == IDS[:1]
    assert [each.reason.partition(":")[0] for each in rejects] == ["--map id=…"]


def test_names_that_are_no_files(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    cases = {
        str(tmp_path): "is a directory",
        str(tmp_path / "absent.json"): "no such file",
        str(loop): "a symbolic link that leads back to itself",
        os.devnull: "is a device",
        str(tmp_path / ("x" * 300)): "the name is too long",
        "a\0b": "not a file name",
    }
    for name, message in cases.items():
        with pytest.raises(InputError, match=message):
            list(read(name))


def test_a_symbolic_link_to_a_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(LINES)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert [trial.id for trial in trials(tmp_path / "link")] == IDS


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="no format 'xlm'; there are json, ctgov-v2"):
        list(read("x", format="xlm"))


def many_lines(count: int) -> bytes:
    """Lines that compress badly, so that a cut falls between records."""
    noise = random.Random(7)
    return b"".join(
        b'{"id": "NCT%08d", "brief_title": "%s"}\n' % (at, noise.randbytes(40).hex().encode())
        for at in range(count)
    )


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_a_truncated_stream_gives_what_came_before(tmp_path: Path, pack: object) -> None:
    whole = pack(many_lines(40_000))  # type: ignore[operator]
    path = tmp_path / "dump.jsonl.gz"
    path.write_bytes(whole[: len(whole) * 2 // 3])
    ids, rejects = split(read(path))
    assert len(ids) > 20_000
    assert ids == [f"NCT{at:08d}" for at in range(len(ids))]
    assert 1 <= len(rejects) <= 2  # the record that was cut, and the stream
    assert "truncated" in rejects[-1].reason or "cut short" in rejects[-1].reason


def test_a_damaged_gzip_gives_what_came_before(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(many_lines(40_000)))
    whole[len(whole) // 2] ^= 0xFF
    path = tmp_path / "dump.jsonl.gz"
    path.write_bytes(bytes(whole))
    found = list(read(path))
    assert sum(not isinstance(each, Reject) for each in found) > 10_000
    assert any("damaged" in each.reason for each in found if isinstance(each, Reject))


@pytest.mark.parametrize("count", [30, 450, 40_000])
@pytest.mark.parametrize("packing", ["gzip", "zstd", "stored", "deflated", "bzip2", "lzma"])
def test_what_belies_its_checksum_gives_all_that_came_before(
    tmp_path: Path, packing: str, count: int
) -> None:
    data = many_lines(count)
    if packing == "gzip":
        whole = bytearray(gzip.compress(data))
        whole[-6] ^= 1
    elif packing == "zstd":
        whole = bytearray(zstandard.ZstdCompressor(write_checksum=True).compress(data))
        whole[-1] ^= 1
    else:
        methods = {"stored": 0, "deflated": 8, "bzip2": 12, "lzma": 14}
        with zipfile.ZipFile(tmp_path / "whole.zip", "w", methods[packing]) as archive:
            archive.writestr("dump.jsonl", data)
        whole = bytearray((tmp_path / "whole.zip").read_bytes())
        whole[whole.rindex(b"PK\x01\x02") + 16] ^= 1
    path = tmp_path / "dump"
    path.write_bytes(whole)
    ids, rejects = split(read(path))
    assert len(ids) == count
    assert [each.reason.split()[-1] for each in rejects] in (["check)"], ["checksum)"], ["'dump.jsonl'"])


@pytest.mark.parametrize("packing", ["gzip", "deflated"])
def test_what_stands_before_a_fault_is_given(tmp_path: Path, packing: str) -> None:
    data = many_lines(4000)
    path = tmp_path / "dump"
    whole = bytearray(gzip.compress(data) if packing == "gzip" else zipped({"dump.jsonl": data}))
    middle = len(whole) // 2
    whole[middle : middle + 2000] = b"\xff" * 2000
    path.write_bytes(whole)
    ids, rejects = split(read(path))
    assert len(ids) > 1900
    assert rejects


def test_a_bomb_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "BOMB_SIZE", 1 << 20)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(LINE_1 + b"\n" + b" " * (1 << 26)))
    ids, rejects = split(read(path))
    assert ids == IDS[:1]
    assert [each.reason for each in rejects] == [
        "inflates to more than 200 times its size, as a decompression bomb does; "
        "decompress it yourself if you trust it"
    ]


def test_members_of_an_archive_are_read_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "dump.zip"
    link = zipfile.ZipInfo("link.json")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../etc/passwd.json", LINE_1)
        archive.writestr("Contents.txt", "what is in here")
        archive.writestr("__MACOSX/a.json", "x")
        archive.writestr("empty.json", b"")
        archive.writestr("inner.zip", PACKED["zip"])
        archive.writestr("note.txt", "no records")
        archive.writestr(link, "/etc/passwd")
        archive.writestr("b\x1b[31m.xml", CTGOV_XML.format(number=IDS[1], title="T"))
    ids, rejects = split(read(path))
    assert ids == IDS
    assert sorted(f"{each.source}|{each.place}: {each.reason[:24]}" for each in rejects) == [
        f"{path}:empty.json|start: is empty",
        f"{path}:inner.zip|start: an archive within an arc",
        f"{path}:note.txt|start: no known registry format",
        f"{path}|link.json: a symbolic link inside t",
    ]
    assert not (tmp_path.parent / "etc").exists()
    names = [each.source for each in entries_of(path)]
    assert names[1] == f"{path}:b\\x1b[31m.xml"


def entries_of(path: Path) -> list:
    return [each for each in read(path) if not isinstance(each, Reject)]


def test_a_file_that_changes_while_it_is_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "dump.jsonl"
    path.write_bytes(many_lines(50_000))
    found = []
    for each in read(path):
        if not found:
            with path.open("ab") as more:
                more.write(LINE_1)
        found.append(each)
    last = found[-1]
    assert isinstance(last, Reject)
    assert "changed while it was read" in last.reason


def test_other_encodings_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "dump.csv"
    text = "id,brief_title\nNCT00000001,嵌合抗原受体T细胞治疗\nNCT00000002,靶向CD19的CAR-T细胞\n"
    notes: list[str] = []
    for encoding in ("gb18030", "utf-16", "utf-8-sig"):
        path.write_bytes(text.encode(encoding))
        titles = [
            each.trial().title() for each in read(path, report=notes.append) if not isinstance(each, Reject)
        ]
        assert titles == ["嵌合抗原受体T细胞治疗", "靶向CD19的CAR-T细胞"]
    assert notes == [f"{path}: read as GB18030", f"{path}: read as UTF-16-LE"]


def test_forced_formats(tmp_path: Path) -> None:
    path = tmp_path / "dump"
    path.write_text("nct_id\ttitle\nNCT00000001\tCAR-T\n")
    assert [trial.title() for trial in trials(path, format="table")] == ["CAR-T"]
    path.write_text(CTGOV_CSV)
    assert [trial.phase for trial in trials(path, format="ctgov-csv")] == ["PHASE1|PHASE2", "PHASE3"]


def test_every_reader_has_a_title() -> None:
    assert all(reader.title for reader in READERS.values())


@pytest.mark.parametrize(
    ("content", "sections"),
    [
        (CTGOV_XML.format(number=IDS[0], title="T &amp; U"), {"brief_title": "T & U"}),
        (
            ICTRP_XML.format(trials=ICTRP_TRIAL.format(number=IDS[0], title="T &lt;br&gt; U")),
            {"brief_title": "T U"},
        ),
        (CTGOV_CSV, {"brief_summary": 'Two\nlines with "quotes"', "interventions[0].name": "CD19 CAR-T"}),
    ],
)
def test_text_is_what_the_registry_says(tmp_path: Path, content: str, sections: dict[str, str]) -> None:
    path = tmp_path / "dump"
    path.write_text(content, newline="")
    found = trials(path)[0].sections
    assert {key: found[key] for key in sections} == sections


def test_wrapped_xml_text_flows_again(tmp_path: Path) -> None:
    path = tmp_path / "dump.xml"
    path.write_text(CTGOV_XML.format(number=IDS[0], title="T"))
    entry = entries(path)[0]
    assert b"A chimeric antigen receptor." in entry.text
    assert (
        entry.trial().sections["brief_summary"] == "A chimeric antigen receptor.\n\n-  First point goes on."
    )


@pytest.mark.parametrize("damage", [b':{"idid\n', b'{"id\n', b'"id": {\n', b'[{}"briefbrief\n'])
def test_a_first_record_that_is_damaged_hides_no_format(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(damage + LINE_1 + b"\n" + LINE_2 + b"\n")
    ids, rejects = split(read(path))
    assert ids == ["NCT00000001", "NCT00000002"]
    assert rejects


def test_json_in_a_cell_makes_no_json_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b'id,title,raw\nNCT1,CAR-T,"{""a"": 1}\n{""id"": 2}"\nNCT2,x,"\n{"\n')
    assert [each.id for each in read(path)] == ["NCT1", "NCT2"]
