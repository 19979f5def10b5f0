"""A table whose every cell knows the trials behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

Ids = tuple[str, ...]
Value = int | float | str | None
UNDEFINED = "–"


@dataclass(frozen=True, slots=True)
class Cell:
    """A value with its trials: `ids` are counted, `of` is the denominator of a share."""

    value: Value
    ids: Ids | None = None
    of: Ids | None = None
    shown: str | None = None
    """How a report prints the value, where that is not the usual way: the tables keep the number."""

    def text(self) -> str:
        """The value as printed; what is undefined is a dash."""
        if self.value is None:
            return UNDEFINED
        if self.shown is not None:
            return self.shown
        return f"{self.value:.1f}" if isinstance(self.value, float) else str(self.value)


def _series(values: list[Value]) -> pd.Series:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int}:
        return pd.Series(values, dtype="Int64")
    return pd.Series(values, dtype=float if kinds and kinds <= {int, float} else object)


@dataclass(slots=True)
class Table:
    """Rows of cells under named columns; `note` says what is counted and what it cannot say."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]] = field(default_factory=list)
    note: str = ""
    section: str = ""
    rests: tuple[str, ...] = ()
    """Registry fields that every number rests on: where an export lacks one, nothing is counted."""
    column_rests: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    row_rests: dict[int, tuple[str, ...]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    """Fields of `rests` that the export lacks; then every number is undefined."""

    def add(self, *cells: Cell | Value | Sequence[Cell | Value], rests: tuple[str, ...] = ()) -> None:
        """Append a row; plain values become cells, sequences of cells are unpacked.

        `rests` are fields that this row needs besides those of the table.
        """
        if rests:
            self.row_rests[len(self.rows)] = rests
        row: list[Cell] = []
        for cell in cells:
            if isinstance(cell, Cell):
                row.append(cell)
            elif isinstance(cell, (list, tuple)):
                row.extend(one if isinstance(one, Cell) else Cell(one) for one in cell)
            else:
                row.append(Cell(cell))  # type: ignore[arg-type]
        if len(row) != len(self.columns):
            raise ValueError(f"table {self.name}: {len(row)} cells for {len(self.columns)} columns")
        self.rows.append(tuple(row))

    @property
    def frame(self) -> pd.DataFrame:
        """Values only, one row a row; undefined values are missing, whole numbers stay whole (Int64)."""
        return pd.DataFrame(
            {c: _series([row[n].value for row in self.rows]) for n, c in enumerate(self.columns)}
        )

    def find(self, *row: str) -> tuple[Cell, ...] | None:
        """The first row whose leading cells read like these; None if there is none."""
        return next((c for c in self.rows if tuple(cell.text() for cell in c[: len(row)]) == row), None)

    def cell(self, row: str | tuple[str, ...], column: str) -> Cell:
        """One cell by the text of its leading column(s); an undefined cell if the row is absent."""
        cells = self.find(*((row,) if isinstance(row, str) else row))
        return cells[self.columns.index(column)] if cells else Cell(None)

    def ids(self, row: str | tuple[str, ...], column: str) -> Ids:
        """Trials behind one cell; () if there are none."""
        return self.cell(row, column).ids or ()

    def value(self, row: str | tuple[str, ...], column: str) -> Value:
        """Value of one cell; None if it is undefined or the row absent."""
        return self.cell(row, column).value


def count(ids: Iterable[str]) -> Cell:
    """How many trials, with the trials."""
    ids = tuple(ids)
    return Cell(len(ids), ids)


def number(value: float | None, digits: int) -> Cell:
    """A number that a report prints with some digits; the tables have it in full."""
    return Cell(None) if value is None else Cell(float(value), shown=f"{value:.{digits}f}")


def p_value(p: float | None) -> Cell:
    """A p-value, printed with four digits or as smaller; the tables have it in full."""
    if p is None:
        return Cell(None)
    return Cell(float(p), shown="<0.0001" if p < 0.0001 else f"{p:.4f}")


SHARE = ("%", "95 % low", "95 % high")
"""Columns that `share` fills."""


def share(ids: Iterable[str], of: Iterable[str]) -> tuple[Cell, Cell, Cell]:
    """Percentage with its Wilson interval (95 %), in percent; undefined where nothing is counted."""
    from statsmodels.stats.proportion import proportion_confint

    ids, of = tuple(ids), tuple(of)
    if not of:
        return Cell(None), Cell(None), Cell(None)
    low, high = proportion_confint(len(ids), len(of), method="wilson")
    percent = Cell(round(100 * len(ids) / len(of), 2), ids, of)
    return percent, Cell(round(100 * float(low), 2)), Cell(round(100 * float(high), 2))


def share_columns(prefix: str = "") -> tuple[str, str, str]:
    """Names for the three cells of `share`, distinct in one table by a prefix."""
    return tuple(f"{prefix} {name}".strip() for name in SHARE)  # type: ignore[return-value]


def ratio(ids: Iterable[str], of: Iterable[str]) -> Cell:
    """Percentage without an interval, for wide tables; undefined where nothing is counted."""
    ids, of = tuple(ids), tuple(of)
    return Cell(round(100 * len(ids) / len(of), 2), ids, of) if of else Cell(None)
