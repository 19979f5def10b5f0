"""Records as Arrow tables: the records themselves, and the tables of constructs and evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from cart_nlp.writers import columns

_TYPES = columns.Types[pa.DataType](
    plain={str: pa.string(), bool: pa.bool_(), int: pa.int64(), float: pa.float64()},
    date=pa.date32(),
    list_of=pa.list_,
    map_of=pa.map_,
    struct_of=pa.struct,
)
SCHEMAS = {name: pa.schema(fields) for name, fields in _TYPES.tables().items()}
"""Of each table, by its name."""
_MAPS = tuple(field.name for field in SCHEMAS["records"] if pa.types.is_map(field.type))


def batches(records: Iterable[bytes]) -> Iterator[list[pa.Table]]:
    """Tables of records, constructs and evidence, a batch at a time; at least one, perhaps empty."""
    for whole, *parts in columns.batches(records):
        rows = [row | {name: list(row[name].items()) for name in _MAPS} for row in whole]
        tables = zip((rows, *parts), SCHEMAS.values(), strict=True)
        yield [pa.Table.from_pylist(each, schema) for each, schema in tables]
