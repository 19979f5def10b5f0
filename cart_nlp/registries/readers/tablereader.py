"""Read tables (CSV, TSV, XLSX, Parquet); the header tells which registry's export it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from cart_nlp.registries import ictrp
from cart_nlp.registries.clinicaltrials import ctgovtable
from cart_nlp.registries.containers.feeds import Feed
from cart_nlp.registries.containers.tablerows import rows
from cart_nlp.registries.entry import OWN_RECORDS, Entry, InputError, Reject, Rejected, refuse_twice
from cart_nlp.registries.general import mapped
from cart_nlp.registries.values import shapes
from cart_nlp.schema import Trial


class TableShape(NamedTuple):
    """A known export: how its header is known, where the id is, how a row becomes a trial.

    `reads` has the columns that are read; `column` makes of two spellings of a column's name one, where
    they are read as one.
    """

    name: str
    recognizes: Callable[[Sequence[str]], bool]
    identify: Callable[[Mapping[str, Any]], str]
    parse: Callable[[Any], Trial]
    reads: frozenset[str] = frozenset()
    column: Callable[[str], str] = str


SHAPES: tuple[TableShape, ...] = (
    TableShape("ctgov-csv", ctgovtable.recognizes, ctgovtable.identify, ctgovtable.parse, ctgovtable.COLUMNS),
    TableShape("ictrp-csv", ictrp.recognizes, ictrp.identify, ictrp.parse_row, ictrp.COLUMNS, mapped.key),
)


def shape_of(
    columns: Sequence[str], mapping: Mapping[str, str] | None, forced: str | None, name: str
) -> TableShape:
    """The format of a table by its header; raises InputError if nothing in it can be taken for an id, or
    if a column stands twice that is read."""
    if not mapping:
        if mapped.is_own(columns):
            raise InputError(f"{name}: {OWN_RECORDS}")
        for shape in SHAPES:
            if shape.name == forced or (forced in (None, "table") and shape.recognizes(columns)):
                refuse_twice(name, map(shape.column, columns), shape.reads)
                return shape
    chosen = mapped.columns_of(columns, mapping, name)
    refuse_twice(name, columns, chosen.values())

    def identify(row: Mapping[str, Any]) -> str:
        return shapes.checked_id(row.get(chosen["id"]))

    return TableShape("table", lambda _: True, identify, partial(mapped.parse, columns=chosen))


def read(
    feed: Feed, *, shape: str | None = None, mapping: Mapping[str, str] | None = None
) -> Iterator[Entry | Reject]:
    """Entries of a CSV or TSV file."""
    source = feed.name
    columns: list[str] | None = None
    chosen: TableShape | None = None
    for row in rows(feed):
        if isinstance(row, Reject):
            yield row
        elif columns is None:
            columns = [cell.strip() for cell in row.cells]
            chosen = shape_of(columns, mapping, shape, source)
        elif chosen is not None:
            yield entry(
                source, f"line {row.line}", row.text, dict(zip(columns, row.cells, strict=True)), chosen
            )
    if columns is None:
        raise InputError(f"{source}: no header line")


def entry(source: str, place: str, text: str, row: Mapping[str, Any], shape: TableShape) -> Entry | Reject:
    """One row as an entry, or the reason why it is none."""
    try:
        own = shape.identify(row)
    except Rejected as reason:
        return Reject(source, place, None, str(reason))
    return Entry(source, place, text, row, shape.parse, own)
