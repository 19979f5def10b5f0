"""XLSX: records, constructs, evidence, raw values; real dates, links and filters, and nothing that runs."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import orjson
from xlsxwriter import Workbook
from xlsxwriter.exceptions import XlsxWriterException

from cart_nlp.schema import Construct, Evidence
from cart_nlp.writers import OutputError
from cart_nlp.writers.dates import DATES, typed
from cart_nlp.writers.flat import COLUMNS, cell, fitted, row

MAX_ROWS = 1_048_576
MAX_LINKS, LONGEST_LINK = 60_000, 2_000
"""What a sheet can hold, with some to spare; further links are plain text."""
FIRST_DAY = datetime.date(1900, 3, 1)
"""Before it a spreadsheet counts days wrong, or not at all: such a date stays text."""

_FORMATS = {"day": "yyyy-mm-dd", "month": "yyyy-mm", "year": "yyyy"}
"""Precision of a date -> how the cell shows it: as the record states it."""
_WIDTHS = {
    **{"title": 60, "trial_id": 16, "targets": 22, "constructs": 30, "sponsor": 30, "text": 40, "value": 24},
    **{"url": 30, "indications": 30, "collaborators": 30, "section": 22, "rule": 22, "confidence": 30},
}
_APART = ("evidence", "raw")
"""Fields with a sheet of their own."""
# The same records give the same bytes: no time of writing.
_MADE = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)


def write_xlsx(records: Iterable[bytes], out: Path, guard: bool) -> list[Path]:
    """Write four sheets; raises OutputError if there are more rows than a sheet can hold."""
    with out.open("wb") as file:
        target = _Target(file)
        try:
            _write(records, Workbook(target, {"constant_memory": True}), out, guard)
        except XlsxWriterException:
            raise target.fault or OSError("the workbook cannot be written") from None
    return [out]


def _write(records: Iterable[bytes], book: Workbook, out: Path, guard: bool) -> None:
    book.set_properties({"author": "cart-nlp", "created": _MADE})
    columns = [name for name in COLUMNS if name not in _APART]
    main = Sheet(book, "records", columns)
    fields = {"constructs": tuple(Construct.model_fields), "evidence": tuple(Evidence.model_fields)}
    parts = {name: Sheet(book, name, ["trial_id", *keys]) for name, keys in fields.items()}
    raw = Sheet(book, "raw", ["trial_id", "field", "value"])
    for line in records:
        record = orjson.loads(line)
        main.add(row(record, guard, columns), record)
        name = cell("trial_id", record["trial_id"], guard)
        for part, sheet in parts.items():
            for item in record[part]:
                sheet.add([name, *(cell(key, item.get(key), guard) for key in fields[part])])
        for field, value in record["raw"].items():
            raw.add([name, cell("field", field, guard), cell("value", value, guard)])
        if max(sheet.rows for sheet in (main, raw, *parts.values())) > MAX_ROWS:
            raise OutputError(
                f"{out.name}: more than {MAX_ROWS:,} rows, the limit of XLSX; use .csv or .parquet"
            )
    for sheet in (main, *parts.values(), raw):
        sheet.close()
    book.close()


class _Target:
    """A file that does nothing after its first fault: an archive that is thrown away would try again."""

    def __init__(self, file: IO[bytes]) -> None:
        self.fault: OSError | None = None
        self._file = file
        self._at = 0

    def write(self, data: bytes) -> int:
        self._done(self._file.write, data)
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        return self._at

    def seek(self, place: int, whence: int = 0) -> int:
        self._done(self._file.seek, place, whence)
        self._at = place if whence == 0 else self._file.tell()
        return self._at

    def flush(self) -> None:
        self._done(self._file.flush)

    def _done(self, act: Callable[..., Any], *given: Any) -> None:
        if self.fault is not None:
            return
        try:
            act(*given)
        except OSError as fault:
            self.fault = fault
            raise


class Sheet:
    """One sheet, written row by row: a bold header that stays in view, widths, and filters at its end."""

    def __init__(self, book: Workbook, title: str, columns: Sequence[str]) -> None:
        self.rows = 1
        self._columns = columns
        self._links = 0
        self._dates = {name: book.add_format({"num_format": shape}) for name, shape in _FORMATS.items()}
        self._sheet = book.add_worksheet(title)
        self._sheet.freeze_panes(1, 1)
        bold = book.add_format({"bold": True})
        for at, name in enumerate(columns):
            self._sheet.set_column(at, at, _WIDTHS.get(name, 14))
            self._sheet.write_string(0, at, name, bold)

    def add(self, cells: Sequence[str | int | float | bool], record: Mapping[str, Any] | None = None) -> None:
        """Append a row; `record` has the dates and the link as they were before they became cells."""
        for at, (name, value) in enumerate(zip(self._columns, cells, strict=True)):
            if value == "" or value is None:
                continue
            if isinstance(value, bool):
                self._sheet.write_boolean(self.rows, at, value)
            elif isinstance(value, str):
                special = record is not None and (
                    self._date(at, record[name]) if name in DATES else name == "url" and self._link(at, value)
                )
                if not special:
                    self._sheet.write_string(self.rows, at, fitted(value))
            else:
                self._sheet.write_number(self.rows, at, value)
        self.rows += 1

    def close(self) -> None:
        """Set the filters, over all that was written."""
        self._sheet.autofilter(0, 0, max(1, self.rows - 1), len(self._columns) - 1)

    def _date(self, at: int, said: str) -> bool:
        found = typed(said)
        if found is None or found[0] < FIRST_DAY:
            return False
        self._sheet.write_datetime(self.rows, at, found[0], self._dates[found[1]])
        return True

    def _link(self, at: int, url: str) -> bool:
        if self._links >= MAX_LINKS or len(url) > LONGEST_LINK or not url.startswith(("https://", "http://")):
            return False
        self._links += 1
        self._sheet.write_url(self.rows, at, url, string=url)
        return True
