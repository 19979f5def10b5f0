"""Parquet with nested types: the records, and beside them the tables of constructs and of evidence."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

import pyarrow.parquet as pq

from cart_nlp.writers import beside
from cart_nlp.writers.arrow import SCHEMAS, batches


def write_parquet(records: Iterable[bytes], out: Path, guard: bool) -> list[Path]:
    """Write OUT plus `OUT-stem.constructs.parquet` and `OUT-stem.evidence.parquet`; no guard is needed."""
    made = [out, beside(out, "constructs"), beside(out, "evidence")]
    with contextlib.ExitStack() as stack:
        files = [
            stack.enter_context(pq.ParquetWriter(path, schema, compression="zstd"))
            for path, schema in zip(made, SCHEMAS.values(), strict=True)
        ]
        for tables in batches(records):
            for file, table in zip(files, tables, strict=True):
                file.write_table(table)
    return made
