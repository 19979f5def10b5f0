"""Files of records read back within bounds: what is held of a small file is small, however it is packed."""

from __future__ import annotations

import contextlib
import csv
import io
import re
import warnings
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cart_nlp.registries.containers import bounds
from cart_nlp.registries.containers.feeds import (
    ARCHIVE_ERRORS,
    Feed,
    decompressed,
    file_feed,
    open_file,
    shown,
)
from cart_nlp.registries.containers.jsonvalues import split_lines
from cart_nlp.registries.entry import InputError, refuse_twice
from cart_nlp.registries.general.mapped import own_part

if TYPE_CHECKING:
    import duckdb

HELD, TIMES = 128 << 20, 60
"""Bytes that the rows of a file may take, or so many times its size: real ones take three times as much,
those of a gzipped file thirty times."""
ROW = 1_500
"""Bytes that a row takes besides its text."""

_BESIDE = re.compile(r"\.(?:constructs|evidence)(?=\.parquet$)|\.screened\.ndjson$")
"""What the name of a file has more than that of the records which it stands beside."""

CELL = 16 << 20
"""Characters of the longest cell of a table; while it is read, each takes four bytes."""


class Budget:
    """Counts what is held of a file; raises InputError when it is more than a file of that size can mean."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._left = max(HELD, path.stat().st_size * TIMES)

    def take(self, size: int, rows: int = 1) -> None:
        """So many bytes or characters more, in so many more rows."""
        self._left -= size + rows * ROW
        if self._left < 0:
            raise InputError(
                f"{shown(str(self._path))}: its rows fill the memory, as those of a decompression bomb do; "
                "unpack it yourself if you trust it"
            )


def _feed(path: Path) -> Iterator[Feed]:
    """The unpacked content, once; raises InputError where it is damaged."""
    with open_file(str(path)) as stream:
        outer = file_feed(str(path), stream)
        feed = decompressed(outer)
        yield feed
        fault = feed.fault or outer.fault
        if fault:
            raise InputError(f"{shown(str(path))}: {fault}")


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of every line that is not blank."""
    budget = Budget(path)
    for feed in _feed(path):
        for number, line in split_lines(feed):
            if line is None or bounds.heavy(line):
                why = bounds.TOO_LONG if line is None else bounds.TOO_MANY
                raise InputError(f"{shown(str(path))}:{number}: {why}")
            budget.take(len(line))
            yield number, line


def whole(path: Path) -> bytes:
    """The whole content, as a JSON array needs it."""
    budget = Budget(path)
    parts = []
    for feed in _feed(path):
        for chunk in feed.chunks():
            budget.take(len(chunk))
            parts.append(chunk)
    data = b"".join(parts)
    if bounds.heavy(data):
        raise InputError(f"{shown(str(path))}: {bounds.TOO_MANY}")
    return data


def begins(path: Path) -> bytes:
    """The first bytes of the content."""
    with open_file(str(path)) as stream:
        return decompressed(file_feed(str(path), stream)).peek(64)


def refuse_part(path: Path, keys: Collection[str | None]) -> None:
    """Raise InputError where a file has not the records, but what `cart-nlp tag` writes beside them."""
    part = own_part(keys)
    if not part:
        return
    records = _BESIDE.sub("", path.name)
    wanted = records if records != path.name else "the file of the records"
    raise InputError(f"{shown(str(path))}: has {part}, not the records: give {wanted}")


def check_columns(place: str, columns: Collection[str]) -> None:
    """Raise InputError where a table is not one of records, with rows or without, or has a column twice."""
    if "trial_id" not in columns:
        raise InputError(f"{place}: no column trial_id; is this the output of `cart-nlp tag`?")
    refuse_twice(place, columns)


def table(path: Path, delimiter: str = ",") -> Iterator[tuple[int, dict[str, str]]]:
    """Last line and cells of every row of a table of records: column -> cell.

    Raises InputError for what is no table, has no column trial_id, or one twice, and for a row that is not
    whole: one whose quote is not closed, or that has more cells than the header, or fewer.
    """
    csv.field_size_limit(CELL)
    budget = Budget(path)
    rows = csv.reader(text(path, budget), delimiter=delimiter, strict=True)
    at = 1
    try:
        columns = next(rows, [])
        refuse_part(path, columns)
        check_columns(f"{path}:1", columns)
        at = rows.line_num + 1
        for row in rows:
            budget.take(0)
            if row and len(row) != len(columns):
                told = f"{len(row):,} fields where the header has {len(columns):,}"
                raise InputError(f"{path}:{at}: {told}; {_WHOLE}")
            if row:
                yield rows.line_num, dict(zip(columns, row, strict=True))
            at = rows.line_num + 1
    except csv.Error as fault:
        raise InputError(f"{path}:{at}: {broken(fault)}") from None


_WHOLE = "is the file whole? Write it again"


def broken(fault: csv.Error) -> str:
    """What is told of a row that the strict reader of Python's csv cannot read."""
    return f"a quote is not closed; {_WHOLE}" if "end of data" in str(fault) else f"not a table: {fault}"


def text(path: Path, budget: Budget | None = None) -> Iterator[str]:
    """The lines of a table in UTF-8, line ends kept."""
    budget = budget or Budget(path)
    for feed in _feed(path):
        with io.TextIOWrapper(
            io.BufferedReader(_Raw(feed.chunks())), "utf-8-sig", "replace", newline=""
        ) as file:
            while line := file.readline(bounds.MAX_RECORD):
                budget.take(len(line), rows=0)  # a row may have many lines
                yield line


class _Raw(io.RawIOBase):
    """Chunks as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = chunk
        given = self._rest[: len(buffer)]
        self._rest = self._rest[len(given) :]
        buffer[: len(given)] = given
        return len(given)


def parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a Parquet file, nested values in plain types."""
    from cart_nlp.registries.readers.sheets import open_parquet

    budget = Budget(path)
    source = open_parquet(path, shown(str(path)))
    refuse_part(path, source.columns)
    check_columns(shown(str(path)), source.columns)
    try:
        for row in source.rows(100):
            budget.take(sum(map(_size, row.values())))
            yield row
    except source.broken as fault:
        said = str(fault).split("\n", 1)[0][:200] or type(fault).__name__
        raise InputError(f"{shown(str(path))}: the Parquet file is damaged: {shown(said)}") from None


def _size(value: Any) -> int:
    if isinstance(value, list | tuple):
        return 60 + sum(map(_size, value))
    if isinstance(value, dict):
        return 200 + sum(map(_size, value.values()))
    return len(value) if isinstance(value, str | bytes) else 8


FOREIGN: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "lock_configuration": "true",
}
"""How a DuckDB file that anybody may have made is opened: nothing in it reads other files or the network."""


def tables_of(base: duckdb.DuckDBPyConnection) -> set[str]:
    """The tables of a file, without its views: to read from those would run what they say."""
    query = "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main' AND NOT temporary"
    return {row[0] for row in base.execute(query).fetchall()}


def is_interrupt(fault: BaseException | None) -> bool:
    """Whether a fault is what DuckDB makes of Ctrl-C in the middle of a query."""
    return isinstance(fault, RuntimeError) and str(fault) == "Query interrupted"


@contextlib.contextmanager
def store(path: Path, table: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A store to read one table of; raises InputError for what is none, lacks the table, or is held open."""
    try:
        import duckdb
    except ImportError:
        raise InputError(f"{path}: pip install 'cart-nlp[tables]' to read a store") from None
    try:
        with duckdb.connect(str(path), read_only=True, config=FOREIGN) as base:
            if table not in tables_of(base):
                raise InputError(f"{path}: no table {table}; is this a store of `cart-nlp tag`?")
            yield base
    except duckdb.Error as fault:
        raise InputError(f"{path}: {_held(fault) or _no_store(fault)}") from None
    except RuntimeError as fault:
        if is_interrupt(fault):
            raise KeyboardInterrupt from None
        raise


def _held(fault: duckdb.Error) -> str:
    """What to do about a store that is held open; empty where that is not what keeps it from being read."""
    said = str(fault)
    if "different configuration" in said or "file handle conflict" in said:
        return "this process has the store open already; close that connection first"
    if "Could not set lock" in said or "being used by another process" in said:
        return "another process has the store open for writing; try again when it has closed it"
    return ""


def _no_store(fault: duckdb.Error) -> str:
    said = shown(str(fault).strip().split("\n", 1)[0])
    return f"no store of `cart-nlp tag`: {said}"


def store_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a store's table of records."""
    budget = Budget(path)
    with store(path, "records") as base:
        found = base.execute("SELECT * FROM main.records ORDER BY rowid")
        names = [column[0] for column in found.description or ()]
        check_columns(str(path), names)
        while rows := found.fetchmany(100):
            for row in rows:
                budget.take(sum(map(_size, row)))
                yield dict(zip(names, row, strict=True))


@contextlib.contextmanager
def workbook(path: Path) -> Iterator[Any]:
    """A workbook of openpyxl to read; raises InputError for what is none, or unpacks to far too much."""
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise InputError(f"{path}: pip install 'cart-nlp[tables]' to read XLSX") from None
    try:
        with zipfile.ZipFile(path) as book:
            given = sum(member.file_size for member in book.infolist())
        if given > max(HELD // 2, path.stat().st_size * TIMES):
            raise InputError(f"{shown(str(path))}: unpacks to {given:,} bytes, as a decompression bomb does")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is damaged is told below
            opened = load_workbook(io.BytesIO(path.read_bytes()), read_only=True)
        with contextlib.closing(opened) as found:
            yield found
    except (*ARCHIVE_ERRORS, SyntaxError, KeyError, TypeError, AttributeError) as fault:
        raise InputError(f"{path}: not XLSX, or damaged: {shown(str(fault))[:200]}") from None
