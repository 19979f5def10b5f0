"""Read tables that are no text: XLSX workbooks and Parquet files."""

from __future__ import annotations

import contextlib
import re
import zipfile
from collections.abc import Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cart_nlp.registries.containers import bounds
from cart_nlp.registries.containers.bounds import BOMB_RATIO, TOO_LONG, is_bomb
from cart_nlp.registries.containers.feeds import ARCHIVE_ERRORS, Meter, shown
from cart_nlp.registries.entry import Entry, InputError, Reject
from cart_nlp.registries.readers.tablereader import TableShape, entry, shape_of
from cart_nlp.registries.values.shapes import text

_BROKEN = (
    *ARCHIVE_ERRORS,
    LookupError,
    TypeError,
    AttributeError,
    SyntaxError,
    ArithmeticError,
    AssertionError,
)
"""What openpyxl raises over a damaged workbook, and pyarrow over a damaged Parquet file."""
_BATCH = 1000
_FEW_ROWS, _FEW_VALUES, _LARGEST_COLUMN = 20_000, 1 << 21, 1 << 27
_BOMB = "holds far more than its size allows, as a decompression bomb does"
_LARGEST_PART = 1 << 28
_SMALL_PART = 1 << 22
_PART_RATIO = 100
_DECLARES = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def is_workbook(archive: zipfile.ZipFile) -> bool:
    """Whether a zip archive is an XLSX workbook."""
    return "xl/workbook.xml" in archive.namelist()


def _cell(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, bool) else text(value)


def _check(archive: zipfile.ZipFile, name: str) -> None:
    """Refuse a workbook that would fill the memory or that declares entities."""
    for info in archive.infolist():
        if info.file_size > _LARGEST_PART or (
            info.file_size > _SMALL_PART and info.file_size > info.compress_size * _PART_RATIO
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


class SheetRow(NamedTuple):
    """A row of a workbook's first sheet: where it stands, and its cells by column, the first one 1.

    `unknown` has the cells (as "D5") that hold no value: a formula that nobody has calculated, an error.
    """

    place: str
    cells: dict[int, str]
    unknown: dict[int, str]


def first_sheet(path: Path, name: str) -> Iterator[SheetRow]:
    """The rows of a workbook's first sheet, formulas as the values that they were saved with.

    Raises InputError, with the `name`, for what is no workbook, is damaged or would fill the memory.
    """
    try:
        import openpyxl
        from openpyxl.utils.exceptions import InvalidFileException
    except ImportError:
        raise InputError(f"{name}: pip install 'cart-nlp[tables]' to read workbooks") from None
    with path.open("rb") as stream:
        try:
            with zipfile.ZipFile(stream) as archive:
                _check(archive, name)
            with contextlib.closing(openpyxl.load_workbook(stream, read_only=True, data_only=True)) as book:
                yield from _first_rows(book, name)
        except (*_BROKEN, InvalidFileException) as error:
            raise InputError(f"{name}: no workbook, or a damaged one: {_first_line(error)}") from None


def _first_rows(book: Any, name: str) -> Iterator[SheetRow]:
    if not book.worksheets:
        raise InputError(f"{name}: a workbook without sheets")
    sheet = book.worksheets[0]
    place = f"sheet {shown(str(sheet.title))}, row"
    with contextlib.closing(_parsed(book, sheet, data_only=False)) as formulas:
        for (at, cells), (_, written) in zip(_parsed(book, sheet), formulas, strict=True):
            said = {cell["column"]: text for cell in cells if (text := _cell(cell["value"]))}
            unknown = dict(_unknown(cells, written, said))
            if said or unknown:
                yield SheetRow(f"{place} {at}", said, unknown)


def _unknown(
    cells: Iterable[dict[str, Any]], written: Iterable[dict[str, Any]], said: Mapping[int, str]
) -> Iterator[tuple[int, str]]:
    """The cells of a row that have no value: an error, a formula that was saved without its result."""
    from openpyxl.utils import get_column_letter

    errors = [cell for cell in cells if cell["data_type"] == "e"]
    formulas = [cell for cell in written if cell["data_type"] == "f" and cell["column"] not in said]
    for cell in (*errors, *formulas):
        yield cell["column"], f"{get_column_letter(cell['column'])}{cell['row']}"


def _sheet_entries(
    book: Any, name: str, mapping: Mapping[str, str] | None, shape: str | None
) -> Iterator[Entry | Reject]:
    if not book.worksheets:
        raise InputError(f"{name}: a workbook without sheets")
    columns: dict[int, str] = {}
    chosen: TableShape | None = None
    for at, values in _sheet_rows(book, book.worksheets[0]):
        if chosen is None:
            columns = {place: str(value).strip() for place, value in values.items()}
            chosen = shape_of(list(columns.values()), mapping, shape, name)
        else:
            row = {column: values.get(place, "") for place, column in columns.items()}
            yield entry(name, f"row {at}", "\n".join(values.values()), row, chosen)


def _sheet_rows(book: Any, sheet: Any) -> Iterator[tuple[int, dict[int, str]]]:
    """Number of each row that says something, and its cells by their columns."""
    for at, cells in _parsed(book, sheet):
        said = {cell["column"]: text for cell in cells if (text := _cell(cell["value"]))}
        if said:
            yield at, said


def _parsed(
    book: Any, sheet: Any, data_only: bool = True
) -> Generator[tuple[int, list[dict[str, Any]]], None, None]:
    """Number and cells of the rows of a sheet.

    openpyxl's own rows are filled up to the widest and the farthest cell, and a file of 2 KB may claim
    16,384 columns and a million rows; its parser gives what is there.
    """
    from openpyxl.worksheet._reader import WorkSheetParser

    with sheet._get_source() as source:
        parser = WorkSheetParser(
            source,
            sheet._shared_strings,
            data_only=data_only,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )
        yield from parser.parse()


def read_parquet(
    path: Path,
    name: str,
    mapping: Mapping[str, str] | None,
    shape: str | None = None,
    meter: Meter | None = None,
) -> Iterator[Entry | Reject]:
    """Entries of a Parquet file, read some thousand rows at a time."""
    source = open_parquet(path, name)
    found = shape_of(source.columns, mapping, shape, name)
    size = path.stat().st_size
    at = given = 0
    try:
        for row in source.rows(_BATCH):
            at += 1
            if meter is not None and at % _BATCH == 0:
                meter(size * _BATCH // source.file.metadata.num_rows)
            plain = {key: _plain(value) for key, value in row.items()}
            text = "\n".join(_texts(plain))
            given += len(text)
            if is_bomb(given, size):
                yield Reject(name, f"row {at}", None, f"{_BOMB}; the rest is not read")
                return
            if len(text) > bounds.MAX_RECORD:
                yield Reject(name, f"row {at}", None, TOO_LONG)
            else:
                yield entry(name, f"row {at}", text, plain, found)
    except source.broken as error:
        yield Reject(name, f"after row {at}", None, f"the Parquet file is damaged: {_first_line(error)}")


class Parquet(NamedTuple):
    """An open Parquet file: the names of its columns, and what reading it raises where it is damaged."""

    file: Any
    columns: list[str]
    broken: tuple[type[BaseException], ...]

    def rows(self, held: int) -> Iterator[dict[str, Any]]:
        """Its rows in plain types, some `held` at a time; no column that is read stands twice."""
        for batch in self.file.iter_batches(batch_size=held):
            for at in range(batch.num_rows):
                yield {name: batch.column(place)[at].as_py() for place, name in enumerate(self.columns)}


def open_parquet(path: Path, name: str) -> Parquet:
    """Open a Parquet file; raises InputError, with the `name`, for what is none or would fill the memory."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise InputError(f"{name}: pip install 'cart-nlp[tables]' to read Parquet") from None
    broken = (*_BROKEN, pyarrow.ArrowException, MemoryError)
    try:
        file = parquet.ParquetFile(path)
        columns = list(file.schema_arrow.names)
        texts = [field.name for field in file.schema_arrow if str(field.type) in ("string", "binary")]
        file = parquet.ParquetFile(path, read_dictionary=texts)  # a value that repeats is held once
    except broken as error:
        raise InputError(f"{name}: not Parquet, or not a whole Parquet file: {_first_line(error)}") from None
    _check_parquet(path, file.metadata.num_rows, name)
    return Parquet(file, columns, broken)


def _check_parquet(path: Path, rows: int, name: str) -> None:
    """Refuse a file that would fill the memory or claims more rows than it can hold ids.

    DuckDB tells what the columns hold: pyarrow ends the whole process over some damaged metadata of columns.
    """
    import duckdb

    size = path.stat().st_size
    if rows > max(_FEW_ROWS, size):
        raise InputError(f"{name}: claims {rows:,} rows in {size:,} bytes: not read")
    if set(str(path)) & set("*?["):
        return  # DuckDB would look for other files
    try:
        values, inflated = duckdb.execute(
            "SELECT max(num_values), max(total_uncompressed_size) FROM parquet_metadata(?)", [str(path)]
        ).fetchall()[0]
    except duckdb.Error as error:
        raise InputError(f"{name}: not Parquet, or not a whole Parquet file: {_first_line(error)}") from None
    if (values or 0) > max(_FEW_VALUES, 2 * size) or (inflated or 0) > max(
        _LARGEST_COLUMN, BOMB_RATIO * size
    ):
        raise InputError(f"{name}: {_BOMB}: not read")


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
