"""Records read back from whatever `cart-nlp tag` wrote: as rows of plain values, or as Records."""

from __future__ import annotations

import contextlib
import datetime
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any, get_args, get_origin

import orjson
from pydantic import ValidationError

from cart_nlp import readback, shallow
from cart_nlp.places import no_file
from cart_nlp.registries.entry import InputError
from cart_nlp.schema import SCHEMA_VERSION, ConstructBasis, Record
from cart_nlp.text import construct_text
from cart_nlp.writers.dates import stated, without_types
from cart_nlp.writers.flat import unguarded

LISTS = tuple(name for name, field in Record.model_fields.items() if get_origin(field.annotation) is tuple)
SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".xlsx", ".duckdb")
"""Of files of records; those of text may be gzipped."""
_CONSTRUCT = re.compile(r"^(?P<targets>.*) \((?P<format>[a-z]+)\)$")
_BASIS = re.compile(r"; constructs=(?P<text>[^;]*? \([a-z]+\)) \[(?:(?P<basis>[a-z]+):(?= )|\S+ \d+-\d+:)")
"""What a flat cell of evidence tells of a construct: the place of words, or what else it rests on."""

_BASES = frozenset(get_args(ConstructBasis))
_UNTOLD = {"basis": None}
"""What a table says of a construct without a word on its basis: to leave that out would call it text."""

Rows = Iterator[tuple[str, dict[str, Any]]]
"""Place and fields of each record of a file."""


def record_list(path: Path | str) -> list[Record]:
    """The records of a file, in file order; raises InputError with file, place and fault."""
    path = Path(path)
    return [record_of(path, place, row) for place, row in typed_rows(path)]


def record_of(path: Path, place: str, row: dict[str, Any]) -> Record:
    """The record of a typed row; fields that Record does not know are ignored."""
    try:
        return Record.model_validate({key: value for key, value in row.items() if key in Record.model_fields})
    except ValidationError as fault:
        first = fault.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        value = str(first.get("input"))[:80]
        raise InputError(f"{path}:{place}: {where}: {first['msg']} (value {value!r})") from fault


def rows(path: Path) -> Rows:
    """Every record with its values as they stand in the file, guards taken off, dates as a record has them.

    In a table all values are text; of a workbook it is the first sheet alone.
    """
    reader = _readers(path)[0]
    return reader(path)


def typed_rows(path: Path) -> Rows:
    """The same with the types of Record, of a workbook with all its sheets."""
    return _readers(path)[1](path)


def _readers(path: Path) -> tuple[Callable[[Path], Rows], Callable[[Path], Rows]]:
    if not path.is_file():
        remedy = "write records with `cart-nlp tag DUMP -o records.jsonl`"
        raise InputError(f"{path}: {no_file(path)}; {remedy}")
    kind = Path(path.name.removesuffix(".gz")).suffix.lower()
    if kind not in SUFFIXES:
        raise InputError(
            f"{path}: records are read from {', '.join(SUFFIXES)}, not from {kind or 'no suffix'!r}"
        )
    return _READERS.get(kind, (_json, _json))


def _json(path: Path) -> Rows:
    if readback.begins(path)[:1] == b"[":
        try:
            rows = shallow.json_of(readback.whole(path), orjson.loads)
        except ValueError as fault:
            raise InputError(f"{path}: not JSON: {fault}") from fault
        budget = readback.Budget(path)
        for number, row in enumerate(rows, 1):
            budget.take(0)
            yield f"item {number}", _object(path, f"item {number}", row)
        return
    for number, line in readback.lines(path):
        try:
            row = shallow.json_of(line, orjson.loads)
        except ValueError as fault:
            raise InputError(
                f"{path}:{number}: not JSON: {fault}; is this the output of `cart-nlp tag`?"
            ) from fault
        yield str(number), _object(path, str(number), row)


def _object(path: Path, place: str, row: Any) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise InputError(f"{path}:{place}: {type(row).__name__} where a record is meant")
    readback.refuse_part(path, row)
    return row


def _table(path: Path) -> Rows:
    delimiter = "\t" if path.name.removesuffix(".gz").lower().endswith(".tsv") else ","
    for number, row in readback.table(path, delimiter):
        yield str(number), {key: unguarded(value) for key, value in row.items() if key}


def _typed_table(path: Path) -> Rows:
    for place, row in _table(path):
        with _told(path, place):
            values = _based({key: _cell(key, value) for key, value in row.items()}, row)
        yield place, values


@contextlib.contextmanager
def _told(path: Path, place: str) -> Iterator[None]:
    """Tells what cannot be brought back into the types of a record."""
    try:
        yield
    except (AttributeError, TypeError, ValueError) as fault:
        raise InputError(
            f"{path}:{place}: a value of another type than `cart-nlp tag` writes: {fault}"
        ) from None


def _cell(name: str, value: str) -> Any:
    """A flat value back in the type of its field; the empty string is None, or () for a list.

    Raises ValueError with the field where it is no such value.
    """
    made = _CELLS.get(name)
    if made is not None:
        try:
            return made(value)
        except ValueError as fault:
            raise ValueError(f"{name}: {fault}") from None
    return tuple(_split(value)) if name in LISTS else value or None


def _reference(text: str) -> dict[str, str]:
    words = text.split(" ")
    return {"pmid": words[0], "type": words[1] if words[1:] else ""}


def _confidence(value: str) -> dict[str, str]:
    parts = (part.partition(" ") for part in value.split("; "))
    return {field: share for field, _, share in parts if share}


def _evidence(value: str) -> tuple[dict[str, Any], ...]:
    parts = shallow.json_of(value)
    if not all(isinstance(part, dict) for part in parts):
        raise ValueError("not a list of objects")
    return tuple(parts)


def _flag(value: str) -> bool:
    return value.lower() in ("true", "1")


_CELLS: dict[str, Callable[[str], Any]] = {
    "constructs": lambda value: tuple(map(_construct, _split(value))),
    "references": lambda value: tuple(map(_reference, _split(value))),
    "evidence": lambda value: _evidence(value) if value.startswith("[") else (),
    "confidence": _confidence,
    "raw": lambda value: shallow.json_of(value) if value.startswith("{") else {},
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
    return {"targets": tuple(filter(None, match["targets"].split("+"))), "format": match["format"]}


def _based(values: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """A flat row's constructs with the basis that its evidence gives each, or none if that does not tell.

    A curator's decision counts before what the trial states.
    """
    said = row.get("evidence") or ""
    parts = values.get("evidence") or ()
    told = {(one.get("value"), one.get("basis")) for one in parts if one.get("field") == "constructs"}
    told |= {(found["text"], found["basis"] or "text") for found in _BASIS.finditer(f"; {said}")}
    bases: dict[str, set[str]] = {}
    for text, basis in told:
        bases.setdefault(text, set()).add(basis)
    for construct in values.get("constructs", ()):
        found = bases.get(construct_text(construct["targets"], construct["format"]), set())
        found = found & {"curator"} or found
        construct["basis"] = found.pop() if len(found) == 1 and found <= _BASES else None
    return values


def _parquet(path: Path) -> Rows:
    for number, row in enumerate(readback.parquet_rows(path), 1):
        yield f"row {number}", without_types(row)


def _store(path: Path) -> Rows:
    for number, row in enumerate(readback.store_rows(path), 1):
        yield f"row {number}", without_types(row)


def _nested_rows(read: Callable[[Path], Rows]) -> Callable[[Path], Rows]:
    def typed(path: Path) -> Rows:
        for place, row in read(path):
            with _told(path, place):
                values = {name: _nested(name, value) for name, value in row.items()}
            yield place, values

    return typed


def _workbook(path: Path) -> Rows:
    with readback.workbook(path) as book:
        _has_sheets(path, book, ("records",))
        for number, row in enumerate(_sheet(path, book["records"], readback.Budget(path)), 2):
            yield f"row {number}", row


def _has_sheets(path: Path, book: Any, names: Iterable[str]) -> None:
    missing = [name for name in names if name not in book.sheetnames]
    if missing:
        raise InputError(f"{path}: no sheet {missing[0]}; is this the output of `cart-nlp tag`?")


def _typed_workbook(path: Path) -> Rows:
    budget = readback.Budget(path)
    names = ("records", "constructs", "evidence", "raw")
    with readback.workbook(path) as book:
        _has_sheets(path, book, names)
        found, *others = ([*_sheet(path, book[name], budget)] for name in names)
    parts = dict(zip(names[1:], others, strict=True))
    of: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for name, items in parts.items():
        for part in items:
            of.setdefault((name, str(part.pop("trial_id", ""))), []).append(part)
    for number, row in enumerate(found, 2):
        with _told(path, f"row {number}"):
            values = {key: _cell(key, "" if value is None else str(value)) for key, value in row.items()}
        own = str(row.get("trial_id"))
        values["constructs"] = tuple(
            _UNTOLD
            | {
                k: tuple(_split(v)) if k in ("targets", "products", "costim") else v
                for k, v in c.items()
                if v is not None or k == "targets"
            }
            for c in of.get(("constructs", own), ())
        )
        values["evidence"] = tuple(
            {"value": ""}  # a cell that is left empty, where a curator says that nothing is stated
            | {
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


def _sheet(path: Path, sheet: Any, budget: readback.Budget) -> Iterator[dict[str, Any]]:
    cells = sheet.iter_rows(max_col=2 * len(Record.model_fields))
    names = ["" if cell.value is None else str(cell.value) for cell in next(cells, ())]
    readback.check_columns(f"{path}: sheet {sheet.title}", names)
    for row in cells:
        budget.take(sum(len(cell.value) for cell in row if isinstance(cell.value, str)) - readback.ROW // 2)
        values = list(map(_value, row[: len(names)]))
        if any(value is not None for value in values):
            yield dict(zip_longest(names, values))  # empty cells at the end of a row are left out


def _value(cell: Any) -> Any:
    """What a cell says: a date as exact as it is shown, a text without its guard."""
    if isinstance(cell.value, datetime.date):
        shown = str(cell.number_format).lower()
        return stated(cell.value, "day" if "d" in shown else "month" if "m" in shown else "year")
    return unguarded(cell.value) if isinstance(cell.value, str) else cell.value


def _nested(name: str, value: Any) -> Any:
    if name in LISTS:
        if isinstance(value, str):
            return _cell(name, value)
        parts = value if value is not None else ()
        # A table holds null where the JSON leaves a key out.
        blank = _UNTOLD if name == "constructs" else {}
        return tuple(blank | _without_nulls(part) if isinstance(part, dict) else part for part in parts)
    if name in ("raw", "confidence"):
        return dict(shallow.json_of(value) if isinstance(value, str) and value else value or {})
    if value is None and name in ("title", "url", "registry"):
        return ""
    return value


def _without_nulls(item: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if value is not None}


_READERS: dict[str, tuple[Callable[[Path], Rows], Callable[[Path], Rows]]] = {
    **dict.fromkeys((".csv", ".tsv"), (_table, _typed_table)),
    ".parquet": (_parquet, _nested_rows(_parquet)),
    ".duckdb": (_store, _nested_rows(_store)),
    ".xlsx": (_workbook, _typed_workbook),
}
"""Suffix → what gives its rows, and what gives them typed; the others are JSON, which is both."""
