"""AACT's zip of pipe-delimited files, joined study by study in bounded memory.

The tables are in no common order, so their rows are first dealt into temporary files, each for a range of
some two thousand NCT numbers; then one range after the other is joined. Only needed columns are written.
"""

from __future__ import annotations

import codecs
import zipfile
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import orjson

from cart_nlp.registries.clinicaltrials import aact
from cart_nlp.registries.containers import bounds
from cart_nlp.registries.containers.archives import member_chunks, open_member, packed_share
from cart_nlp.registries.containers.bounds import TOO_LONG
from cart_nlp.registries.containers.encoding import Report, unmarked
from cart_nlp.registries.containers.feeds import (
    Feed,
    Meter,
    remove_folder,
    shown,
    temporary_folder,
)
from cart_nlp.registries.containers.tablerows import rows
from cart_nlp.registries.entry import Ending, Entry, InputError, Reject, Rejected, refuse_twice
from cart_nlp.registries.values import shapes

_STUDIES_A_FILE = 2000
_MOST_FILES = 400
_FLUSH = 1 << 16
_ROW_COST = 256
"""Bytes that a row takes in memory beside its letters."""

_NO_STUDY = 1 << 62
"""Size of what stands in no row of studies.txt: none of its rows is kept."""

Dealt = tuple[str, str, list[str]]


def recognizes(archive: zipfile.ZipFile) -> bool:
    """Whether an archive holds AACT's tables."""
    return {"studies", "interventions"} <= _members(archive).keys()


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    found = {}
    for info in archive.infolist():
        path = PurePosixPath(info.filename)
        if path.suffix == ".txt" and path.stem in aact.TABLES and "__MACOSX" not in path.parts:
            found[path.stem] = info
    return found


def _rows(
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    table: str,
    name: str,
    report: Report | None = None,
    meter: Meter | None = None,
) -> Iterator[Dealt | Reject]:
    """NCT number, id and needed values of each row of a table; `report` hears of mended letters."""
    feed = Feed(f"{name}:{shown(info.filename)}", iter(()), meter=meter)
    places: list[int] | None = None
    number_at = id_at = -1
    try:
        opened = open_member(archive, info)
    except Rejected as reason:
        yield Reject(feed.name, "start", None, str(reason))
        return
    with opened as stream:
        feed.source = unmarked(member_chunks(archive, info, stream, feed), codecs.BOM_UTF8)
        for row in Ending().told(rows(feed)):
            if isinstance(row, Reject):
                yield row
            elif places is None:
                columns = [cell.strip() for cell in row.cells]
                if "nct_id" not in columns:
                    raise InputError(f"{feed.name}: no column nct_id; is this an AACT table?")
                refuse_twice(feed.name, columns, ("nct_id", "id", *aact.TABLES[table]))
                number_at = columns.index("nct_id")
                id_at = columns.index("id") if "id" in columns else -1
                places = [columns.index(each) if each in columns else -1 for each in aact.TABLES[table]]
            else:
                cells = row.cells
                values = [cells[at] if at >= 0 else "" for at in places]
                yield cells[number_at], cells[id_at] if id_at >= 0 else "", values
    if report is not None:
        feed.tell(report)
    if feed.fault:
        yield Reject(feed.name, f"byte {feed.offset + 1}", None, feed.fault)


def read(
    archive: zipfile.ZipFile, name: str, report: Report, meter: Meter | None = None
) -> Iterator[Entry | Reject]:
    """Entries of all studies of an archive, ordered by NCT number; `report` hears of mended letters.

    `meter` hears of half the archive while its tables are dealt, and of the other half with the studies.
    """
    members = _members(archive)
    size = sum(info.compress_size for info in archive.infolist())
    numbers: dict[str, int] = {}
    for each in _rows(archive, members["studies"], "studies", name):
        if not isinstance(each, Reject):
            numbers[each[0]] = 0
    if not numbers:
        raise InputError(f"{name}: studies.txt holds no studies")
    ordered = sorted(numbers)
    step = max(_STUDIES_A_FILE, len(ordered) // _MOST_FILES + 1)
    edges = ordered[::step]
    del ordered
    folder = temporary_folder(name)
    try:
        yield from _deal(archive, members, name, numbers, edges, folder, report, meter)
        for at in range(len(edges)):
            yield from _join(name, folder / str(at))
            if meter is not None:
                meter(size // (2 * len(edges)))
    except OSError as error:
        raise InputError(
            f"{name}: the temporary files in {folder} failed: {error.strerror}; set TMPDIR"
        ) from None
    finally:
        remove_folder(folder)


def _deal(
    archive: zipfile.ZipFile,
    members: dict[str, zipfile.ZipInfo],
    name: str,
    numbers: dict[str, int],
    edges: list[str],
    folder: Path,
    report: Report,
    meter: Meter | None,
) -> Iterator[Reject]:
    """Deal the rows of all tables into one file a range of numbers.

    `numbers` has the bytes that each study takes: once it is too large its rows are not kept.
    """
    held: list[list[bytes]] = [[] for _ in edges]
    sizes = [0] * len(edges)

    def flush(at: int) -> None:
        with (folder / str(at)).open("ab") as out:
            out.write(b"".join(held[at]))
        held[at].clear()
        sizes[at] = 0

    whole = sum(info.compress_size for info in archive.infolist())
    scale = whole / max(1, 2 * sum(info.compress_size for info in members.values()))
    for table in aact.TABLES:
        if table not in members:
            continue
        share = packed_share(members[table], meter, scale)
        for row in _rows(archive, members[table], table, name, report, share):
            if isinstance(row, Reject):
                yield row
                continue
            size = numbers.get(row[0], _NO_STUDY)
            if size > bounds.MAX_RECORD:
                continue
            at = bisect_right(edges, row[0]) - 1
            line = orjson.dumps([table, *row]) + b"\n"
            numbers[row[0]] = size + len(line) + _ROW_COST
            held[at].append(line)
            sizes[at] += len(line)
            if sizes[at] > _FLUSH:
                flush(at)
    for at in range(len(edges)):
        flush(at)


def _place(row: tuple[str, list[str]]) -> tuple[int, str]:
    """Where a row stands by its id, a number in AACT."""
    value = row[0]
    return (int(value) if value.isdecimal() and len(value) < 20 else 0, value)


def _join(name: str, path: Path) -> Iterator[Entry | Reject]:
    """Entries of one range of numbers."""
    studies: dict[str, dict[str, list[tuple[str, list[str]]]]] = {}
    sizes: Counter[str] = Counter()
    with path.open("rb") as stream:
        for line in stream:
            table, number, row_id, values = orjson.loads(line)
            sizes[number] += len(line) + _ROW_COST
            if sizes[number] <= bounds.MAX_RECORD:
                studies.setdefault(number, {}).setdefault(table, []).append((row_id, values))
            else:
                studies[number] = {}
    for number in sorted(studies):
        if sizes[number] > bounds.MAX_RECORD:
            yield Reject(name, f"studies.txt: {shown(number[:40])}", number[:100], TOO_LONG)
            continue
        tables = studies.pop(number)
        own, *again = tables.pop("studies")
        joined = {
            table: [
                dict(zip(aact.TABLES[table], values, strict=True))
                for _, values in (sorted(found, key=_place) if len(found) > 1 else found)
            ]
            for table, found in tables.items()
        }
        study = aact.Study(number.strip(), dict(zip(aact.TABLES["studies"], own[1], strict=True)), joined)
        place = f"studies.txt: {shown(number[:40])}"
        try:
            shapes.checked_id(number, "an nct_id")
        except Rejected as reason:
            yield Reject(name, place, None, str(reason))
            continue
        yield Entry(name, place, aact.text(study), study, aact.parse, study.number)
        for _ in again:
            yield Reject(
                name, place, number, "the study stands in studies.txt more than once; the first row is used"
            )
