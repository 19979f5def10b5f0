"""Tables as CSV, XLSX and Markdown, safe to open in a spreadsheet, each cell with its trials."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cart_nlp.landscape.table import Ids, Table
from cart_nlp.writers.flat import clean, guarded

ROWS_IN_MARKDOWN = 40
MOST_CHARACTERS = 32767
"""What a cell of a workbook holds."""


def safe(value: Any) -> Any:
    """Text on one line, nothing in it that drives a terminal or a spreadsheet; missing values are empty."""
    if isinstance(value, str):
        return guarded(clean(value))
    return "" if value is None or value is pd.NA or value != value else value


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """A DataFrame as UTF-8 CSV."""
    _write(path, list(frame.columns), frame.astype(object).itertuples(index=False))


def _write(path: Path, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([safe(c) for c in columns])
        writer.writerows([safe(value) for value in row] for row in rows)


class Sets:
    """Names for sets of trials, one name a distinct set: s1, s2 … in the order of first use."""

    def __init__(self) -> None:
        self.names: dict[Ids, str] = {}

    def name(self, ids: Ids | None) -> str:
        """The name of a set; "" for None, an empty set has a name too."""
        return "" if ids is None else self.names.setdefault(ids, f"s{len(self.names) + 1}")


def write_tables(tables: Mapping[str, Table], folder: Path, sets: Sets) -> list[Path]:
    """NAME.csv and NAME.trials.csv for each table, and trial_sets.csv with the sets that are denominators."""
    paths = []
    for table in tables.values():
        paths += [folder / f"{table.name}.csv", folder / f"{table.name}.trials.csv"]
        write_csv(table.frame, paths[-2])
        _write(
            paths[-1],
            ("row", "label", "column", "value", "trials", "trial_ids", "of", "of_set"),
            _companion(table, sets),
        )
    paths.append(folder / "trial_sets.csv")
    _write(
        paths[-1],
        ("set", "trials", "trial_ids"),
        ((n, len(ids), "; ".join(ids)) for ids, n in sets.names.items()),
    )
    return paths


def _companion(table: Table, sets: Sets) -> Iterable[tuple[Any, ...]]:
    for number, row in enumerate(table.rows, 1):
        for column, cell in zip(table.columns, row, strict=True):
            if cell.ids is not None:
                of = "" if cell.of is None else len(cell.of)
                yield (
                    number,
                    row[0].text(),
                    column,
                    cell.value,
                    len(cell.ids),
                    "; ".join(cell.ids),
                    of,
                    sets.name(cell.of),
                )


def write_workbook(tables: Mapping[str, Table], path: Path, day: datetime.date) -> None:
    """All tables as sheets of one workbook, text as text (never a formula), a sheet of contents first.

    It is dated to the day, so that the same tables give the same bytes.
    """
    from xlsxwriter import Workbook

    made = io.BytesIO()
    book = Workbook(made, {"in_memory": True})
    book.set_properties({"author": "cart-nlp", "created": datetime.datetime.combine(day, datetime.time())})
    bold = book.add_format({"bold": True})

    def add(sheet: Any, number: int, values: Iterable[Any], style: Any = None) -> None:
        for at, value in enumerate(values):
            if isinstance(value, str):
                sheet.write_string(number, at, clean(value)[:MOST_CHARACTERS], style)
            elif isinstance(value, bool):
                sheet.write_boolean(number, at, value, style)
            elif value is not None and value == value:
                sheet.write_number(number, at, value, style)

    contents = book.add_worksheet("contents")
    add(contents, 0, ("sheet", "table", "note"), bold)
    names: list[str] = []
    for table in tables.values():
        names.append(_sheet_name(table.name, names))
        add(contents, len(names), (names[-1], table.title, table.note))
        sheet = book.add_worksheet(names[-1])
        sheet.freeze_panes(1, 1)
        add(sheet, 0, table.columns, bold)
        for number, row in enumerate(table.rows, 1):
            add(sheet, number, (one.value for one in row))
    book.close()
    path.write_bytes(made.getvalue())


def _sheet_name(name: str, taken: Iterable[str]) -> str:
    short, number = name[:31], 1
    while short in taken:
        number += 1
        short = f"{name[: 30 - len(str(number))]}_{number}"
    return short


def markdown(
    title: str, methods: Iterable[str], tables: Mapping[str, Table], figures: Sequence[tuple[str, str]]
) -> str:
    """The report to paste: methods, figures (file, caption), tables (the first rows of long ones)."""
    out = [f"# {_plain(title)}", "", "## Methods", ""]
    out += [f"{_plain(line)}\n" for line in methods]
    if figures:
        out += ["## Figures", "", *(_linked(file, caption) for file, caption in figures), ""]
    section = ""
    for table in tables.values():
        if table.section != section:
            section = table.section
            out += [f"## {section}", ""]
        out += [f"### {_plain(table.title)}", ""]
        if table.note:
            out += [_plain(table.note), ""]
        out += ["| " + " | ".join(map(_plain, table.columns)) + " |", "|" + " --- |" * len(table.columns)]
        out += [
            "| " + " | ".join(_plain(cell.text()) for cell in row) + " |"
            for row in table.rows[:ROWS_IN_MARKDOWN]
        ]
        if len(table.rows) > ROWS_IN_MARKDOWN:
            out += [
                "",
                (
                    f"The first {ROWS_IN_MARKDOWN} of {len(table.rows)} rows; all are in "
                    f"`tables/{table.name}.csv`."
                ),
            ]
        out.append("")
    return "\n".join(out)


def _linked(file: str, caption: str) -> str:
    """A figure where it can be shown, else a link to it: no page shows a PDF or TIFF within its text."""
    shown = "!" * file.endswith((".svg", ".png"))
    return f"- {shown}[{_plain(caption)}](figures/{file})"


def _plain(text: str) -> str:
    """Registry text inside Markdown: no markup, no HTML, no table cell broken, no terminal driven."""
    flat = clean(" ".join(str(text).split()))
    for mark in ("\\", "|", "`", "*", "_", "[", "]", "#"):
        flat = flat.replace(mark, f"\\{mark}")
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
