"""XLSX: sheets of records, constructs and evidence, without the time of writing in the file."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import orjson
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from cart_nlp.schema import Construct, Evidence
from cart_nlp.writers import OutputError
from cart_nlp.writers.flat import CELL_LIMIT, COLUMNS, cell, row

MAX_ROWS = 1_048_576
_CORE = "docProps/core.xml"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_TIMELESS = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<cp:coreProperties'
    ' xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>{creator}</dc:creator></cp:coreProperties>'
)
_WIDTHS = {
    "title": 60,
    "trial_id": 16,
    "targets": 22,
    "constructs": 30,
    "sponsor": 30,
    "text": 40,
    "value": 24,
}


def write_xlsx(records: Iterable[bytes], out: Path, guard: bool) -> list[Path]:
    """Write three sheets; raises OutputError if there are more rows than a sheet can hold."""
    with tempfile.TemporaryDirectory(prefix=".cart-nlp-", dir=out.parent) as folder:
        book = Workbook(write_only=True)
        columns = [name for name in COLUMNS if name != "evidence"]
        keep = [at for at, name in enumerate(COLUMNS) if name != "evidence"]
        main = _sheet(book, "records", columns)
        fields = {"constructs": tuple(Construct.model_fields), "evidence": tuple(Evidence.model_fields)}
        parts = {name: _sheet(book, name, ["trial_id", *columns]) for name, columns in fields.items()}
        rows = dict.fromkeys(["records", *parts], 1)
        for line in records:
            record = orjson.loads(line)
            cells = row(record, guard, CELL_LIMIT)
            main.append(_typed(main, (cells[at] for at in keep)))
            rows["records"] += 1
            for name, sheet in parts.items():
                for item in record[name]:
                    values = [cell(key, item.get(key), guard) for key in fields[name]]
                    sheet.append(_typed(sheet, [cell("trial_id", record["trial_id"], guard), *values]))
                    rows[name] += 1
            if max(rows.values()) > MAX_ROWS:
                raise OutputError(
                    f"{out.name}: more than {MAX_ROWS:,} rows, the limit of XLSX; use .csv or .parquet"
                )
        draft = Path(folder) / "draft.xlsx"
        book.save(draft)
        _timeless(draft, out)
    return [out]


def _sheet(book: Workbook, title: str, columns: list[str]) -> WriteOnlyWorksheet:
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "B2"
    for at, name in enumerate(columns):
        sheet.column_dimensions[_letters(at)].width = _WIDTHS.get(name, 14)
    heads = []
    for name in columns:
        head = WriteOnlyCell(sheet, value=name)
        head.font = Font(bold=True)
        heads.append(head)
    sheet.append(heads)
    return sheet


def _letters(at: int) -> str:
    return chr(65 + at) if at < 26 else chr(64 + at // 26) + chr(65 + at % 26)


def _typed(sheet: WriteOnlyWorksheet, values: Iterable[Any]) -> list[Any]:
    """Cells whose texts stay texts, whatever they look like; an empty text is an empty cell."""
    cells = []
    for value in values:
        if isinstance(value, str):
            if value == "":
                value = None
            elif value.startswith(("=", "#")):
                value = WriteOnlyCell(sheet, value=value[:CELL_LIMIT])
                value.data_type = "s"
            else:
                value = value[:CELL_LIMIT]
        cells.append(value)
    return cells


def _timeless(draft: Path, out: Path) -> None:
    """Copy the archive with fixed times, so that equal records give equal bytes."""
    with zipfile.ZipFile(draft) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(source.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            if name == _CORE:
                target.writestr(info, _TIMELESS.format(creator=escape("cart-nlp")))
            else:
                with source.open(name) as inner, target.open(info, "w", force_zip64=True) as copy:
                    while chunk := inner.read(1 << 20):
                        copy.write(chunk)
