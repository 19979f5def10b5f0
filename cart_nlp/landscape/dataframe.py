"""Records as one table: a row a trial, lists as tuples, evidence kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pandas as pd

from cart_nlp.landscape import unwritten
from cart_nlp.records import record_of, typed_rows
from cart_nlp.registries.entry import InputError
from cart_nlp.schema import Record


def read_records(path: Path | str) -> pd.DataFrame:
    """Read what `cart-nlp tag` wrote: JSONL or CSV (also as .gz), Parquet, XLSX or a DuckDB store.

    Returns one row a record in file order, columns as in `schema.Record`; `evidence` and `constructs`
    hold model objects (a CSV has no evidence, so the column is empty tuples there). Columns that Record
    does not know are ignored. Raises InputError with file, place and fault.
    """
    path = Path(path)
    return frame(record_of(path, place, row) for place, row in typed_rows(path))


def frame(records: Iterator[Record] | list[Record]) -> pd.DataFrame:
    """Records as a DataFrame: one row each, columns in the order of the contract."""
    names = list(Record.model_fields)
    rows = [[getattr(record, name) for name in names] for record in records]
    return pd.DataFrame(rows, columns=names, dtype=object)


def run_facts(path: Path | str) -> dict[str, Any]:
    """The provenance file beside the records (`RECORDS.run.json`), or {} where there is none.

    Under `unwritten` it has the trials that the run read and did not write, if it named a list of them.
    """
    beside = Path(f"{path}.run.json")
    if not beside.is_file():
        return {}
    try:
        facts = orjson.loads(beside.read_bytes())
    except orjson.JSONDecodeError as fault:
        raise InputError(f"{beside}: not JSON ({fault}); remove it or tag again") from fault
    if not isinstance(facts, dict):
        return {}
    return {**facts, "unwritten": unwritten.beside(Path(path), facts)}
