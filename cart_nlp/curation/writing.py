"""Write corrections: CSV that spreadsheets open without a question, or JSON lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import orjson

from cart_nlp import outputs
from cart_nlp.curation.decisions import COLUMNS, Correction
from cart_nlp.writers.flat import clean, guarded

MARK = f"{COLUMNS[0]},{COLUMNS[1]},{COLUMNS[2]}".encode()
"""By which a file of corrections is known."""


def as_bytes(corrections: Iterable[Correction], suffix: str) -> bytes:
    """The content of a file with that suffix, `.jsonl` or anything else for CSV; equal rows, equal bytes."""
    rows = [correction.cells() for correction in corrections]
    if suffix in (".jsonl", ".ndjson"):
        return b"".join(orjson.dumps(row) + b"\n" for row in rows)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(COLUMNS)
    table.writerows([guarded(clean(row[name])) for name in COLUMNS] for row in rows)
    return ("\ufeff" + text.getvalue()).encode("utf-8", "replace")  # without the mark Excel guesses wrongly


def write(corrections: Iterable[Correction], path: Path) -> None:
    """Write a corrections file in one move; raises PlaceError if it cannot be written."""
    outputs.write(path, as_bytes(corrections, path.suffix.lower()))
