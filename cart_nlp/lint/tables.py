"""Lexicon tables as they are written: lines, cells and their canonical order."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cart_nlp import paths
from cart_nlp.lexicon import LABELS
from cart_nlp.lexicon_cells import COLUMNS, SEPARATOR, split

_SINGLE = {
    *("name", "full_name", "kind", "usual_role", "group", "parent", "system", "format", "developer", "note"),
    *("text", "category", "direction", "scope", "blocks", "reason", "example"),
}
JOINED = frozenset(column for columns in COLUMNS.values() for column in columns) - _SINGLE
"""Columns whose cells may join several values with ` | `."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: where it stands and its cells as written, by column."""

    path: Path
    line: int
    cells: Mapping[str, str]

    def cell(self, column: str) -> str:
        """The text of a cell without blanks around it; empty where there is no such column."""
        return self.cells.get(column, "").strip()

    def values(self, column: str) -> tuple[str, ...]:
        """The values that a cell joins."""
        return split(self.cells.get(column, ""))

    @property
    def label(self) -> str:
        """The label of the terms of this row's table; empty for stops and cues."""
        return LABELS.get(self.path.stem, "")

    @property
    def name(self) -> str:
        """The canonical name."""
        return self.cell("name")

    @property
    def key(self) -> tuple[str, ...]:
        """What a row that takes this one away has in common with it: the table, the name or a stop's text."""
        words = (self.cell("text"), self.cell("blocks")) if self.path.stem == "stoplist" else (self.name,)
        return (self.path.stem, *words)


def place(row: Row) -> str:
    """Where a row stands: the file and line of a shipped one, else with its path."""
    return f"{row.path.name if row.path.parent == paths.lexicons() else row.path}:{row.line}"


class TableFault(Exception):
    """A line of a table that cannot be read: `line` and the message."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def text_of(path: Path) -> str:
    """The text of a table; raises TableFault with the line of the first byte that is not UTF-8."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        raise TableFault(
            line, f"byte 0x{data[fault.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from fault


def header_of(path: Path) -> list[str]:
    """The columns that a table's first line names; empty for an empty file."""
    return next(csv.reader(io.StringIO(text_of(path).removeprefix("\ufeff"))), [])


def rows_of(path: Path) -> Iterator[Row | TableFault]:
    """The rows of a table; a line with too many or too few cells is a fault, and the next lines are read."""
    text = text_of(path).removeprefix("\ufeff")
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    while True:
        first = lines.line_num + 1
        try:
            cells = next(lines, None)
        except csv.Error as fault:
            yield TableFault(lines.line_num, f"not CSV: {fault}")
            return
        if cells is None:
            return
        if header is None:
            header = cells
        elif len(cells) == len(header):
            yield Row(path, first, dict(zip(header, cells, strict=True)))
        elif cells:
            yield TableFault(
                first, f"{len(cells)} cells under {len(header)} columns; quote cells that hold a comma"
            )
        else:
            yield TableFault(first, "an empty line; take it out")


def order(row: Row) -> tuple[str, ...]:
    """What rows are sorted by."""
    if row.path.stem == "cues":
        return (row.cell("category"), row.cell("text"))
    if row.path.stem == "stoplist":
        text = row.cell("text").removeprefix("=")
        return (text.casefold(), text, row.cell("blocks"))
    return (row.name.casefold(), row.name, row.cell("remove"))


def canonical(path: Path) -> str:
    """The text of a table in canonical form: rows sorted, cells stripped, a value once in a cell.

    Raises TableFault if a line cannot be read, since nothing may be lost.
    """
    rows = []
    for row in rows_of(path):
        if isinstance(row, TableFault):
            raise row
        rows.append(row)
    header = header_of(path)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for row in sorted(rows, key=order):
        writer.writerow(
            SEPARATOR.join(dict.fromkeys(row.values(column))) if column in JOINED else row.cell(column)
            for column in header
        )
    return out.getvalue()


def fix(path: Path) -> bool:
    """Rewrite a table in canonical form if it is not; says whether it was rewritten. Raises TableFault."""
    text = canonical(path)
    if path.read_bytes() == text.encode("utf-8"):
        return False
    draft = path.with_name(f".{path.name}.new")
    draft.write_text(text, encoding="utf-8", newline="\n")
    draft.replace(path)
    return True
