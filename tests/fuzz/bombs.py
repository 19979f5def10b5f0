# ruff: noqa: E501  (each bomb stands on one line)
"""What an input of a megabyte can cost: peak memory and processor seconds of every way in, `python bombs.py [NAME …]`.

Each bomb is read in a process of its own.
"""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from cart_nlp.registries import Entry, InputError, Rejected, read

RECORD = 34 << 20
"""Bytes of a record just above the bound; those below it cost as much to hold."""
BELOW = 31 << 20


def pressed(parts: Iterator[bytes]) -> bytes:
    """Gzip, in pieces."""
    machine = zlib.compressobj(9, wbits=31)
    return b"".join([machine.compress(part) for part in parts] + [machine.flush()])


def filled(head: bytes, piece: bytes, tail: bytes, size: int = BELOW) -> bytes:
    """A head, a piece as often as it fits, and a tail, compressed."""

    def parts() -> Iterator[bytes]:
        yield head
        many = piece * max(1, (1 << 20) // len(piece))
        for _ in range(size // len(many)):
            yield many
        yield tail

    return pressed(parts())


def packed(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def workbook(sheet: bytes, strings: bytes = b"") -> bytes:
    import openpyxl

    out = io.BytesIO()
    book = openpyxl.Workbook()
    book.active.append(["id", "title"])
    book.save(out)
    with zipfile.ZipFile(out) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["xl/worksheets/sheet1.xml"] = sheet
    if strings:
        members["xl/sharedStrings.xml"] = strings
    return packed(members)


MAIN = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
HEAD = b'<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c><c r="B1" t="inlineStr"><is><t>title</t></is></c></row>'


def sheet(rows: bytes) -> bytes:
    return b"<worksheet " + MAIN + b"><sheetData>" + HEAD + rows + b"</sheetData></worksheet>"


def far_cells() -> bytes:
    rows = b"".join(
        b'<row r="%d"><c r="A%d"><v>1</v></c><c r="XFD%d"><v>1</v></c></row>' % (at, at, at)
        for at in range(2, 1_048_576, 20_000)
    )
    return workbook(sheet(rows + b'<row r="99999999999"><c r="A5"><v>2</v></c></row>'))


def parquet(rows: int, value: object, kind: str = "string") -> bytes:
    import pyarrow
    from pyarrow import parquet as files

    out = io.BytesIO()
    if kind == "dictionary":
        titles = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * rows, pyarrow.int32()), [value])
    else:
        titles = pyarrow.array([value] * rows)
    table = pyarrow.table({"id": pyarrow.DictionaryArray.from_arrays([0] * rows, ["NCT1"]), "title": titles})
    files.write_table(table, out, compression="zstd", compression_level=19)
    return out.getvalue()


def overlapping() -> bytes:
    data = b"x" * (10 << 20)
    body = zlib.compress(data, 9)[2:-4]
    local = (
        struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 33, zlib.crc32(data), len(body), len(data), 1, 0)
        + b"a"
    )
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 33, zlib.crc32(data), len(body), len(data),
                        1, 0, 0, 0, 0, 0, 0) + b"a"  # fmt: skip
    count = 15_000
    end = struct.pack(
        "<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(entry) * count, len(local) + len(body), 0
    )
    return local + body + entry * count + end


def aact() -> bytes:
    rows = b"1|NCT00000001|condition\n" * (30 << 20 >> 3)
    return packed({
        "studies.txt": b"nct_id|brief_title\nNCT00000001|CAR-T\nNCT00000002|x\n",
        "interventions.txt": b"id|nct_id|name\n1|NCT00000002|CAR\n",
        "conditions.txt": b"id|nct_id|name\n" + rows,
    })  # fmt: skip


TITLE = b'{"id": "NCT1", "brief_title": "'
EUCTR = b"Summary\nEudraCT Number: 2022-002568-62\nTrial Status: Ongoing\nA.1 x: y\nP. End of Trial Status: Ongoing\n"
BOMBS: dict[str, Callable[[], bytes]] = {
    "line of one text": lambda: filled(TITLE, b"CAR-T ", b'"}\n' * 2),
    "line with one emoji": lambda: filled(TITLE + "😀".encode(), b"CAR-T ", b'"}\n{"id":"x","brief_title":"y"}\n'),
    "line of lists": lambda: filled(b'{"id": "NCT1", "brief_title": "t", "x": [', b"[],", b'1]}\n{"id":"x","brief_title":"y"}\n'),
    "line beyond the bound": lambda: filled(TITLE, b"CAR-T ", b'"}\n{"id":"x","brief_title":"y"}\n', RECORD * 4),
    "document of one text": lambda: filled(b"[" + TITLE, b"CAR-T ", b'"}]'),
    "document with one emoji": lambda: filled(b"[" + TITLE + "😀".encode(), b"CAR-T ", b'"}]'),
    "document of lists": lambda: filled(b'[{"id": "NCT1", "brief_title": "t", "x": [', b"[],", b"1]}]"),
    "document of objects": lambda: filled(b'[{"id": "NCT1", "brief_title": "t", "x": [', b'{"a":1},', b"1]}]"),
    "document without end": lambda: filled(b"[" + TITLE + b'", "x": [', b'{"id":"y",', b"", RECORD * 2),
    "document beyond the bound": lambda: filled(b"[" + TITLE, b"CAR-T ", b'"}]', RECORD * 4),
    "xml of one text": lambda: filled(b"<clinical_study><id_info><nct_id>NCT1</nct_id></id_info><brief_title>", b"CAR-T ", b"</brief_title></clinical_study>"),
    "xml with one emoji": lambda: filled(b"<clinical_study><id_info><nct_id>NCT1</nct_id></id_info><brief_title>" + "😀".encode(), b"CAR-T ", b"</brief_title></clinical_study>"),
    "xml of elements": lambda: filled(b"<clinical_study><id_info><nct_id>NCT1</nct_id></id_info>", b"<a/>", b"</clinical_study>"),
    "xml of openings": lambda: filled(b"", b"<clinical_study>", b"", 16 << 20),
    "xml of entities": lambda: filled(b"<clinical_study><id_info><nct_id>NCT1</nct_id></id_info><brief_title>", b"&amp;", b"</brief_title></clinical_study>"),
    "csv of one cell": lambda: filled(b'id,title\nNCT1,"', b"CAR-T ", b'"\n'),
    "csv with one emoji": lambda: filled(b'id,title\nNCT1,"' + "😀".encode(), b"CAR-T ", b'"\n'),
    "csv of one open cell": lambda: filled(b'id,title,x\nNCT1,"', b"a b c\n", b"", RECORD),
    "csv of cells": lambda: filled(b"id,title\nNCT1", b",", b"\n"),
    "euctr of one number": lambda: filled(b"", EUCTR, b"", 400 << 20),
    "euctr of lines": lambda: filled(EUCTR.split(b"P.")[0], b"a\n", b"", 200 << 20),
    "html of cells": lambda: filled(b"<html><body><table><tr>", b"<td>", b"", 15 << 20),
    "html of text": lambda: filled(b"<html><body><table><tr><td>", b"CAR-T ", b"", 60 << 20),
    "parquet, one value": lambda: parquet(15_000, "CAR-T " * 400_000, "dictionary"),
    "parquet, many rows": lambda: parquet(400_000, ""),
    "parquet, long lists": lambda: parquet(3, ["a"] * 20_000_000),
    "xlsx, far cells": far_cells,
    "xlsx, strings": lambda: workbook(sheet(b""), b"<sst " + MAIN + b">" + b"<si/>" * 20_000_000 + b"</sst>"),
    "xlsx, cells": lambda: workbook(sheet(b'<row r="2">' + b"<c/>" * 4_000_000 + b"</row>")),
    "zip, overlapping": overlapping,
    "aact, one study": aact,
}  # fmt: skip


def one(path: str) -> None:
    """Read an input to its end and print what came of it."""
    counts: Counter[str] = Counter()
    began = time.process_time()
    try:
        for each in read(path, report=lambda said: None):
            if isinstance(each, Entry):
                try:
                    each.trial()
                    counts["trials"] += 1
                except Rejected:
                    counts["rejected late"] += 1
            else:
                counts["rejects"] += 1
    except InputError:
        counts["refused"] += 1
    # Not ru_maxrss: that counts what the process that made the bomb had held when it forked.
    status = Path("/proc/self/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    print(json.dumps({"peak": peak, "seconds": time.process_time() - began, "counts": counts}))


def main(names: list[str]) -> int:
    worst = 0.0
    for name in names or BOMBS:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bomb"
            path.write_bytes(BOMBS[name]())
            size = path.stat().st_size
            done = subprocess.run(
                [sys.executable, __file__, "--one", str(path)], capture_output=True, text=True, timeout=900
            )
        if done.returncode:
            print(f"{name:28} {size:>9,}  {done.stderr.strip().splitlines()[-1:]}")
            continue
        found = json.loads(done.stdout)
        worst = max(worst, found["peak"])
        print(
            f"{name:28} {size:>9,} B {found['peak']:6.0f} MB {found['seconds']:6.1f} s  {found['counts']}",
            flush=True,
        )
    print(f"worst {worst:.0f} MB")
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2])
    else:
        sys.exit(main(sys.argv[1:]))
