"""JSON lines, CSV and TSV, plain or gzipped; equal records give equal bytes."""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

import orjson

from cart_nlp.writers.flat import COLUMNS, escaped, row


@contextlib.contextmanager
def _gzipped(out: Path) -> Iterator[IO[bytes]]:
    # No name and no time in the header: the same records give the same bytes.
    with out.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
        yield cast(IO[bytes], packed)


def _jsonl(records: Iterable[bytes], file: IO[bytes]) -> None:
    for record in records:
        file.write(escaped(record) + b"\n")


def _table(records: Iterable[bytes], file: IO[bytes], delimiter: str, guard: bool) -> None:
    text = io.TextIOWrapper(file, "utf-8", newline="", write_through=False)
    rows = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    rows.writerow(COLUMNS)
    for record in records:
        cells = row(orjson.loads(record), guard)
        rows.writerow("true" if c is True else "false" if c is False else c for c in cells)
    text.flush()
    text.detach()


def write_jsonl(records: Iterable[bytes], out: Path, guard: bool) -> list[Path]:
    """One JSON object a line; the formula guard does not apply."""
    with out.open("wb") as file:
        _jsonl(records, file)
    return [out]


def write_jsonl_gz(records: Iterable[bytes], out: Path, guard: bool) -> list[Path]:
    """JSON lines, gzipped."""
    with _gzipped(out) as file:
        _jsonl(records, file)
    return [out]


def write_csv(records: Iterable[bytes], out: Path, guard: bool) -> list[Path]:
    """Comma-separated rows with a header, UTF-8, `true`/`false`, empty for null."""
    with out.open("wb") as file:
        _table(records, file, ",", guard)
    return [out]


def write_excel_csv(records: Iterable[bytes], out: Path, guard: bool) -> list[Path]:
    """The same after a byte order mark: without one, Excel takes UTF-8 for the system's old encoding."""
    with out.open("wb") as file:
        file.write(codecs.BOM_UTF8)
        _table(records, file, ",", guard)
    return [out]


def write_csv_gz(records: Iterable[bytes], out: Path, guard: bool) -> list[Path]:
    """Comma-separated rows, gzipped."""
    with _gzipped(out) as file:
        _table(records, file, ",", guard)
    return [out]


def write_tsv(records: Iterable[bytes], out: Path, guard: bool) -> list[Path]:
    """Tab-separated rows."""
    with out.open("wb") as file:
        _table(records, file, "\t", guard)
    return [out]


def write_tsv_gz(records: Iterable[bytes], out: Path, guard: bool) -> list[Path]:
    """Tab-separated rows, gzipped."""
    with _gzipped(out) as file:
        _table(records, file, "\t", guard)
    return [out]
