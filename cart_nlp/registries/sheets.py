"""Read tables that are no text: XLSX workbooks and Parquet files."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from cart_nlp.registries.entry import Entry, InputError, Reject
from cart_nlp.registries.shapes import text
from cart_nlp.registries.sources import ARCHIVE_ERRORS, BOMB_RATIO, BOMB_SIZE, shown
from cart_nlp.registries.tablereader import TableShape, entry, shape_of

_BROKEN = (
    *ARCHIVE_ERRORS,
    LookupError,
    TypeError,
    AttributeError,
    SyntaxError,
    ArithmeticError,
    AssertionError,
)
"""What openpyxl raises over a damaged workbook."""
_BATCH = 1000
_LARGEST_PART = 1 << 29
_DECLARES = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def is_workbook(archive: zipfile.ZipFile) -> bool:
    """Whether a zip archive is an XLSX workbook."""
    return "xl/workbook.xml" in archive.namelist()


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return text(value)


def _check(archive: zipfile.ZipFile, name: str) -> None:
    """Refuse a workbook that would fill the memory or that declares entities."""
    for info in archive.infolist():
        if info.file_size > _LARGEST_PART or (
            info.file_size > BOMB_SIZE // 16 and info.file_size > info.compress_size * BOMB_RATIO
        ):
            raise InputError(f"{name}: a part of the workbook inflates to {info.file_size:,} bytes: not read")
        if info.filename.endswith((".xml", ".rels")):
            with archive.open(info) as part:
                if _DECLARES.search(part.read(4096)):
                    raise InputError(f"{name}: the workbook declares XML entities: not read")


def read_workbook(
    path: Path, name: str, mapping: Mapping[str, str] | None, shape: str | None = None
) -> Iterator[Entry | Reject]:
    """Entries of the first sheet of a workbook, whose first row names the columns."""
    try:
        import openpyxl
        from openpyxl.utils.exceptions import InvalidFileException
    except ImportError:
        raise InputError(f"{name}: pip install 'cart-nlp[tables]' to read workbooks") from None
    broken = (*_BROKEN, InvalidFileException)
    with path.open("rb") as stream:  # a stream: of a path, openpyxl would judge the suffix
        try:
            with zipfile.ZipFile(stream) as archive:
                _check(archive, name)
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
        except broken as error:
            raise InputError(f"{name}: the workbook is damaged: {_first_line(error)}") from None
        at = 0
        try:
            for found in _sheet_entries(book, name, mapping, shape):
                at += 1
                yield found
        except broken as error:
            yield Reject(name, f"after record {at}", None, f"the workbook is damaged: {_first_line(error)}")
        finally:
            book.close()


def _sheet_entries(
    book: Any, name: str, mapping: Mapping[str, str] | None, shape: str | None
) -> Iterator[Entry | Reject]:
    if not book.worksheets:
        raise InputError(f"{name}: a workbook without sheets")
    columns: list[str] | None = None
    chosen: TableShape | None = None
    for at, values in enumerate(book.worksheets[0].iter_rows(values_only=True), 1):
        cells = [_cell(value) for value in values]
        if not any(cells):
            continue
        if columns is None or chosen is None:
            columns = [cell.strip() for cell in cells]
            chosen = shape_of(columns, mapping, shape, name)
        else:
            row = dict(zip(columns, cells + [""] * (len(columns) - len(cells)), strict=False))
            yield entry(name, f"row {at}", "\n".join(filter(None, cells)), row, chosen)


def read_parquet(
    path: Path, name: str, mapping: Mapping[str, str] | None, shape: str | None = None
) -> Iterator[Entry | Reject]:
    """Entries of a Parquet file, read some thousand rows at a time."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise InputError(f"{name}: pip install 'cart-nlp[tables]' to read Parquet") from None
    try:
        source = parquet.ParquetFile(path)
        columns = list(source.schema_arrow.names)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{name}: not a whole Parquet file: {_first_line(error)}") from None
    found = shape_of(columns, mapping, shape, name)
    at = 0
    try:
        for batch in source.iter_batches(batch_size=_BATCH):
            for row in batch.to_pylist():
                at += 1
                plain = {key: _plain(value) for key, value in row.items()}
                yield entry(name, f"row {at}", "\n".join(_texts(plain)), plain, found)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        yield Reject(name, f"after row {at}", None, f"the Parquet file is damaged: {_first_line(error)}")


def _first_line(error: BaseException) -> str:
    return shown(str(error).split("\n", 1)[0][:200]) or type(error).__name__


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value if isinstance(value, dict) else _cell(value)


def _texts(value: Any) -> Iterator[str]:
    """All texts of a nested value."""
    if isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif found := text(value):
        yield found
