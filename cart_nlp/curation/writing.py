"""Write corrections: CSV that spreadsheets open without a question, or JSON lines."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import orjson

from cart_nlp import outputs
from cart_nlp.curation.decisions import COLUMNS, Correction

MARKS = (f"{COLUMNS[0]},{COLUMNS[1]},{COLUMNS[2]}".encode(), f'","{COLUMNS[2]}":"'.encode())
"""By which a file of corrections is known: the head of its table, or a key that no record has."""


def as_bytes(corrections: Iterable[Correction], suffix: str) -> bytes:
    """The content of a file with that suffix, `.jsonl` or anything else for CSV; equal rows, equal bytes."""
    rows = [correction.cells() for correction in corrections]
    if suffix in (".jsonl", ".ndjson"):
        return b"".join(orjson.dumps(row) + b"\n" for row in rows)
    return outputs.as_csv(COLUMNS, ([row[name] for name in COLUMNS] for row in rows))


def write(corrections: Iterable[Correction], path: Path) -> None:
    """Write a corrections file in one move; raises PlaceError if it cannot be written."""
    outputs.write(path, as_bytes(corrections, path.suffix.lower()))
