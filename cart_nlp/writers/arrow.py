"""Records as Arrow tables: the schema derived from Record, and the tables of constructs and evidence."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, Union, get_args, get_origin

import orjson
import pyarrow as pa
from pydantic import BaseModel

from cart_nlp.schema import Construct, Evidence, Record
from cart_nlp.writers.dates import DATES, PRECISION, with_types

MAPPINGS = tuple(name for name, field in Record.model_fields.items() if get_origin(field.annotation) is dict)
BATCH = 2_000
"""Records turned into one Arrow batch."""

_PLAIN = {str: pa.string(), bool: pa.bool_(), int: pa.int64(), float: pa.float64()}


def arrow_type(annotation: Any) -> pa.DataType:
    """The Arrow type of a field's annotation; optional fields are nullable anyway."""
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        return pa.list_(arrow_type(arguments[0]))
    if origin is dict:
        return pa.map_(arrow_type(arguments[0]), arrow_type(arguments[1]))
    if origin is Literal:
        return arrow_type(type(arguments[0]))
    if origin in (Union, types.UnionType):
        return arrow_type(next(part for part in arguments if part is not type(None)))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return pa.struct(list(fields_of(annotation)))
    raise TypeError(f"no Arrow type for {annotation!r}; add one to writers/arrow.py")


def fields_of(model: type[BaseModel]) -> Iterator[pa.Field]:
    """The Arrow fields of a model, in its order."""
    for name, field in model.model_fields.items():
        yield pa.field(name, arrow_type(field.annotation))


def _record_fields() -> Iterator[pa.Field]:
    for field in fields_of(Record):
        if field.name in DATES:
            yield pa.field(field.name, pa.date32())
            yield pa.field(field.name + PRECISION, pa.string())
        else:
            yield field


RECORDS = pa.schema(list(_record_fields()))
CONSTRUCTS = pa.schema(
    [pa.field("trial_id", pa.string()), pa.field("number", pa.int64()), *fields_of(Construct)]
)
EVIDENCE = pa.schema(
    [pa.field("trial_id", pa.string()), pa.field("number", pa.int64()), *fields_of(Evidence)]
)


def batches(records: Iterable[bytes]) -> Iterator[tuple[pa.Table, pa.Table, pa.Table]]:
    """Tables of records, constructs and evidence, BATCH records at a time; at least one, perhaps empty."""
    rows: list[dict[str, Any]] = []
    empty = True
    for record in records:
        rows.append(orjson.loads(record))
        if len(rows) == BATCH:
            yield _tables(rows)
            rows, empty = [], False
    if rows or empty:
        yield _tables(rows)


def _tables(rows: list[dict[str, Any]]) -> tuple[pa.Table, pa.Table, pa.Table]:
    records = [with_types(row) | {name: list(row.get(name, {}).items()) for name in MAPPINGS} for row in rows]
    return (
        pa.Table.from_pylist(records, RECORDS),
        pa.Table.from_pylist(list(_parts(rows, "constructs")), CONSTRUCTS),
        pa.Table.from_pylist(list(_parts(rows, "evidence")), EVIDENCE),
    )


def _parts(rows: Iterable[Mapping[str, Any]], name: str) -> Iterator[dict[str, Any]]:
    """The items of one list of every record, each with its trial and its place in the list."""
    for row in rows:
        for number, item in enumerate(row[name], 1):
            yield {"trial_id": row["trial_id"], "number": number, **item}
