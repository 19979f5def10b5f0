"""Records from a file as one table: a row a trial, lists as tuples, evidence kept."""

from __future__ import annotations

import csv
import datetime
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_origin

import orjson
import pandas as pd
from pydantic import ValidationError

from cart_nlp import readback
from cart_nlp.landscape import unwritten
from cart_nlp.registries.entry import InputError
from cart_nlp.schema import SCHEMA_VERSION, Record
from cart_nlp.writers.dates import without_types
from cart_nlp.writers.flat import unguarded

LISTS = tuple(name for name, field in Record.model_fields.items() if get_origin(field.annotation) is tuple)
_CONSTRUCT = re.compile(r"^(?P<targets>.+) \((?P<format>[a-z]+)\)$")
_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".parquet", ".xlsx", ".duckdb")


def record_list(path: Path | str) -> list[Record]:
    """The records of a file as `read_records` reads them, in file order."""
    path = Path(path)
    return [_record(path, place, row) for place, row in _rows(path)]


def read_records(path: Path | str) -> pd.DataFrame:
    """Read what `cart-nlp tag` wrote: JSONL or CSV (also as .gz), Parquet, XLSX or a DuckDB store.

    Returns one row a record in file order, columns as in `schema.Record`; `evidence` and `constructs`
    hold model objects (a CSV has no evidence, so the column is empty tuples there). Columns that Record
    does not know are ignored. Raises InputError with file, place and fault.
    """
    path = Path(path)
    return frame(_record(path, place, row) for place, row in _rows(path))


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    if not path.is_file():
        raise InputError(f"{path}: no such file; write records with `cart-nlp tag DUMP -o records.jsonl`")
    kind = Path(path.name.removesuffix(".gz")).suffix.lower()
    if kind not in _SUFFIXES:
        raise InputError(
            f"{path}: records are read from {', '.join(_SUFFIXES)}, not from {kind or 'no suffix'!r}"
        )
    if kind == ".parquet":
        return _parquet(path)
    if kind == ".xlsx":
        return _xlsx(path)
    if kind == ".duckdb":
        return _duckdb(path)
    return _csv(path) if kind == ".csv" else _jsonl(path)


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


def _record(path: Path, place: str, row: dict[str, Any]) -> Record:
    try:
        return Record.model_validate({key: value for key, value in row.items() if key in Record.model_fields})
    except ValidationError as fault:
        first = fault.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        value = str(first.get("input"))[:80]
        raise InputError(f"{path}:{place}: {where}: {first['msg']} (value {value!r})") from fault


def _jsonl(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    if readback.begins(path)[:1] == b"[":
        try:
            rows = orjson.loads(readback.whole(path))
        except orjson.JSONDecodeError as fault:
            raise InputError(f"{path}: not JSON: {fault}") from fault
        budget = readback.Budget(path)
        for number, row in enumerate(rows, 1):
            budget.take(0)
            yield f"item {number}", _object(path, f"item {number}", row)
        return
    for number, line in readback.lines(path):
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as fault:
            raise InputError(
                f"{path}:{number}: not JSON: {fault}; is this the output of `cart-nlp tag`?"
            ) from fault
        yield str(number), _object(path, str(number), row)


def _object(path: Path, place: str, row: Any) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise InputError(f"{path}:{place}: {type(row).__name__} where a record is meant")
    return row


def _csv(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    csv.field_size_limit(readback.CELL)
    budget = readback.Budget(path)
    reader = csv.DictReader(readback.text(path))
    try:
        if "trial_id" not in (reader.fieldnames or []):
            raise InputError(f"{path}:1: no column trial_id; is this the output of `cart-nlp tag`?")
        for row in reader:
            budget.take(0)
            yield str(reader.line_num), {key: _cell(key, value or "") for key, value in row.items() if key}
    except csv.Error as fault:
        raise InputError(f"{path}:{reader.line_num}: not a table: {fault}") from None


def _cell(name: str, value: str) -> Any:
    """A flat value back in the type of its field; the empty string is None, or () for a list."""
    value = unguarded(value)
    made = _CELLS.get(name)
    if made is not None:
        return made(value)
    return tuple(_split(value)) if name in LISTS else value or None


def _reference(text: str) -> dict[str, str]:
    words = text.split(" ")
    return {"pmid": words[0], "type": words[1] if words[1:] else ""}


def _confidence(value: str) -> dict[str, str]:
    parts = (part.partition(" ") for part in value.split("; "))
    return {field: share for field, _, share in parts if share}


def _flag(value: str) -> bool:
    return value.lower() in ("true", "1")


_CELLS: dict[str, Callable[[str], Any]] = {
    "constructs": lambda value: tuple(map(_construct, _split(value))),
    "references": lambda value: tuple(map(_reference, _split(value))),
    "evidence": lambda value: tuple(json.loads(value)) if value.startswith("[") else (),
    "confidence": _confidence,
    "raw": lambda value: json.loads(value) if value.startswith("{") else {},
    **dict.fromkeys(("title", "url", "registry", "trial_id"), str),
    "schema_version": lambda value: value or SCHEMA_VERSION,
    **dict.fromkeys(("multi_target", "has_results"), _flag),
    "car_score": lambda value: value or 0,
}
"""Field -> what makes its value of a flat cell; the others are a list, or the text."""


def _construct(text: str) -> dict[str, Any]:
    match = _CONSTRUCT.match(text)
    if match is None:
        return {"targets": tuple(text.split("+")), "format": "single"}
    return {"targets": tuple(match["targets"].split("+")), "format": match["format"]}


def _parquet(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, row in enumerate(readback.parquet_rows(path), 1):
        yield f"row {number}", {key: _nested(key, value) for key, value in without_types(row).items()}


def _duckdb(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, row in enumerate(readback.store_rows(path), 1):
        yield f"row {number}", {name: _nested(name, value) for name, value in without_types(row).items()}


def _xlsx(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    budget = readback.Budget(path)
    names = ("records", "constructs", "evidence", "raw")
    with readback.workbook(path) as book:
        missing = [name for name in names if name not in book.sheetnames]
        if missing:
            raise InputError(f"{path}: no sheet {missing[0]}; is this the output of `cart-nlp tag`?")
        rows, *others = ([*_sheet(book[name], budget)] for name in names)
    parts = dict(zip(names[1:], others, strict=True))
    of: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for name, found in parts.items():
        for part in found:
            of.setdefault((name, str(part.pop("trial_id", ""))), []).append(part)
    for number, row in enumerate(rows, 2):
        values = {key: _cell(key, "" if value is None else str(value)) for key, value in row.items()}
        own = str(row.get("trial_id"))
        values["constructs"] = tuple(
            {
                k: tuple(_split(v)) if k in ("targets", "products", "costim") else v
                for k, v in c.items()
                if v is not None
            }
            for c in of.get(("constructs", own), ())
        )
        values["evidence"] = tuple(
            {
                k: str(v) if k not in ("start", "end", "score", "more") else v
                for k, v in e.items()
                if v is not None
            }
            for e in of.get(("evidence", own), ())
        )
        values["raw"] = {str(r["field"]): str(r["value"] or "") for r in of.get(("raw", own), ())}
        yield f"row {number}", values


def _split(value: Any) -> list[str]:
    return [part for part in str(value or "").split("; ") if part]


def _sheet(sheet: Any, budget: readback.Budget) -> Iterator[dict[str, Any]]:
    rows = sheet.iter_rows(max_col=2 * len(Record.model_fields))
    names = [str(cell.value) for cell in next(rows, ())]
    for row in rows:
        budget.take(sum(len(cell.value) for cell in row if isinstance(cell.value, str)) - readback.ROW // 2)
        if any(cell.value is not None for cell in row):
            yield {name: _value(cell) for name, cell in zip(names, row, strict=False)}


def _value(cell: Any) -> Any:
    """What a cell says: a date as exact as it is shown, a text without its guard."""
    if isinstance(cell.value, datetime.datetime):
        shown = str(cell.number_format).lower()
        return cell.value.strftime("%Y-%m-%d")[: 10 if "d" in shown else 7 if "m" in shown else 4]
    return unguarded(cell.value) if isinstance(cell.value, str) else cell.value


def _nested(name: str, value: Any) -> Any:
    if name in LISTS:
        if isinstance(value, str):
            return _cell(name, value)
        parts = value if value is not None else ()
        # A table holds null where the JSON leaves a key out.
        return tuple(_without_nulls(part) if isinstance(part, dict) else part for part in parts)
    if name in ("raw", "confidence"):
        return dict(json.loads(value) if isinstance(value, str) and value else value or {})
    if value is None and name in ("title", "url", "registry"):
        return ""
    return value


def _without_nulls(item: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if value is not None}
