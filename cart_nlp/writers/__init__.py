"""Writers of records, one a format; the suffix of the output picks one."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable
from pathlib import Path

Write = Callable[[Iterable[bytes], Path, bool], list[Path]]
"""Writes record JSON to a path (with the formula guard or without) and returns the files that it made,
the main one first. Files beside it are named after the path given."""

WRITERS = {
    ".jsonl": "lines:write_jsonl",
    ".ndjson": "lines:write_jsonl",
    ".jsonl.gz": "lines:write_jsonl_gz",
    ".ndjson.gz": "lines:write_jsonl_gz",
    ".csv": "lines:write_csv",
    ".csv.gz": "lines:write_csv_gz",
    ".excel.csv": "lines:write_excel_csv",
    ".tsv": "lines:write_tsv",
    ".tsv.gz": "lines:write_tsv_gz",
    ".parquet": "parquet:write_parquet",
    ".xlsx": "xlsx:write_xlsx",
}
"""Suffix -> module and function; DuckDB is a store with a history of its own, see cart_nlp.batch.store."""

STORES = (".duckdb",)
EXTRAS = {".parquet": ("pyarrow",), ".xlsx": ("xlsxwriter",), ".duckdb": ("duckdb",)}
"""Suffix -> packages that it needs, all of the extra `tables`."""


class OutputError(Exception):
    """An output that cannot be written: one line with the file, the fault and the remedy."""


def suffix_of(out: Path) -> str:
    """The suffix that decides on the format; raises OutputError if there is no such format."""
    name = out.name.lower()
    for suffix in sorted([*WRITERS, *STORES], key=len, reverse=True):
        if name.endswith(suffix) and len(name) > len(suffix):
            return suffix
    known = " ".join([*WRITERS, *STORES])
    raise OutputError(
        f"{out}: no format of that suffix; name the output with one of {known}, or - for JSON lines"
    )


def beside(out: Path, table: str) -> Path:
    """The name of a table that goes with `records.parquet` (or `records.parquet.part`)."""
    head, dot, tail = out.name.rpartition(".parquet")
    return out.with_name(f"{head}.{table}{dot}{tail}")


def require(suffix: str) -> None:
    """Raise OutputError if a package that the format needs is not installed."""
    for package in EXTRAS.get(suffix, ()):
        if importlib.util.find_spec(package) is None:
            raise OutputError(f"writing {suffix} needs {package}; pip install 'cart-nlp[tables]'")


def writer(suffix: str) -> Write:
    """The writer of a suffix; its module is imported now."""
    require(suffix)
    module, _, function = WRITERS[suffix].partition(":")
    found: Write = getattr(importlib.import_module(f"cart_nlp.writers.{module}"), function)
    return found
