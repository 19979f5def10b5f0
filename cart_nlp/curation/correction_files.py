"""Read a corrections file: CSV as Excel and others save it, a workbook, or JSON lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from cart_nlp import shallow
from cart_nlp.curation.decisions import (
    ACTIONS,
    COLUMNS,
    FIELDS,
    NOTHING,
    SINGLE,
    Correction,
    construct_of,
    shown,
)
from cart_nlp.places import no_file
from cart_nlp.registries.containers.encoding import guess
from cart_nlp.registries.containers.tablerows import delimiter
from cart_nlp.registries.entry import InputError
from cart_nlp.text import half_in, named_twice
from cart_nlp.writers.flat import unguarded

MAX_BYTES = 1 << 28
"""A larger file holds no corrections."""
_NEEDED = COLUMNS[:4]
_WIDE = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}

Row = dict[str, str] | str
"""Cells by column, or what is wrong with the row."""


class CorrectionsError(InputError):
    """A corrections file that cannot be used: one line for each fault, with file and row."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = list(faults)
        super().__init__("\n".join(self.faults))


def read(path: Path | str) -> tuple[Correction, ...]:
    """All rows of a file in their order; raises CorrectionsError with every fault."""
    found, faults = read_all(Path(path))
    if faults:
        raise CorrectionsError(faults)
    return tuple(found)


def read_all(path: Path) -> tuple[list[Correction], list[str]]:
    """The good rows of a file, and a line for each bad one; raises CorrectionsError if it is no such file."""
    found: list[Correction] = []
    faults: list[str] = []
    for row, cells in _rows(path):
        place = f"{path.name}: {row}"
        try:
            found.append(correction(_whole(cells), place))
        except ValueError as fault:
            faults.append(f"{place}: {fault}")
    return found, faults


def _whole(cells: Row) -> dict[str, str]:
    """The cells of a row that can be told apart; raises ValueError for another one."""
    if isinstance(cells, str):
        raise ValueError(cells)
    missing = [name for name in _NEEDED if name not in cells]
    if missing:
        raise ValueError(f"no {', '.join(missing)} in this row; give each row {', '.join(_NEEDED)}")
    return cells


def correction(cells: Mapping[str, str], place: str = "") -> Correction:
    """The correction of a row; raises ValueError with what is wrong."""
    said = {name: str(cells.get(name) or "").strip() for name in COLUMNS}
    for name, text in said.items():
        if half := half_in(text):
            raise ValueError(f"{name} holds {half}, half of a character; write the whole one")
    if not said["trial_id"]:
        raise ValueError("no trial_id; give the registration number")
    field = said["field"].lower().replace(" ", "_")
    if field not in FIELDS:
        raise ValueError(f"unknown field {said['field']!r}; there are {', '.join(FIELDS)}")
    action = said["action"].lower()
    if action not in ACTIONS:
        raise ValueError(f"unknown action {said['action']!r}; there are {', '.join(ACTIONS)}")
    empty = said["value"].lower() == NOTHING
    parts = () if empty else _parts(field, said["value"])
    _judge(field, action, parts, said["value"])
    return Correction(
        said["trial_id"],
        field,
        action,
        tuple(sorted(set(parts))),
        action == "confirm" and not parts and not empty,
        said["text_sha256"].lower(),
        said["by"],
        said["date"],
        said["note"],
        place,
    )


def _parts(field: str, value: str) -> tuple[str, ...]:
    """The values of a cell as records write them."""
    parts = tuple(part.strip() for part in value.split(";") if part.strip())
    if field == "constructs":
        return tuple(shown(construct_of(part)) for part in parts)
    return tuple(map(_generation, parts)) if field == "generation" else parts


def _judge(field: str, action: str, parts: tuple[str, ...], value: str) -> None:
    """Raise ValueError where an action does not go with a field or its values."""
    if field in SINGLE and action in ("add", "remove"):
        raise ValueError(f"{field} has one value: use set or confirm, not {action}")
    if field in SINGLE and len(parts) > 1:
        raise ValueError(f"{field} has one value, not {len(parts)}: {value!r}")
    if action in ("add", "remove") and not parts:
        raise ValueError(f"{action} without a value; name it in the column value")
    if field == "car_trial" and action == "set" and not parts:
        raise ValueError("car_trial needs a value: product, related, mention or no")
    alone = value.lower() == NOTHING
    if not (parts or alone) and (action == "set" or value):
        raise ValueError(f"{action} without a value; where the text states nothing, write {NOTHING}")
    if not alone and NOTHING in map(str.lower, parts):
        raise ValueError(f"{NOTHING} beside other values: {value!r}; keep one or the other")


def _generation(text: str) -> str:
    number = text.removesuffix(".0")
    if number not in ("1", "2", "3", "4", "5"):
        raise ValueError(f"generation {text!r}; give a number from 1 to 5")
    return number


def _rows(path: Path) -> Iterator[tuple[str, Row]]:
    """Place and cells of every row that is not blank."""
    if not path.is_file():
        raise CorrectionsError([f"{path}: {no_file(path)}; give a table with {', '.join(COLUMNS)}"])
    if path.stat().st_size > MAX_BYTES:
        raise CorrectionsError([f"{path}: larger than {MAX_BYTES >> 20} MB: no corrections file"])
    with path.open("rb") as file:
        packed = file.read(2) == b"PK"
    if packed:
        yield from _workbook(path)
        return
    data = path.read_bytes()
    encoding = _WIDE.get(data[:2]) or ("utf-8" if data.isascii() else guess(data))
    text = data.decode(encoding, "replace").removeprefix("\ufeff")
    if text.lstrip().startswith("{") or (path.suffix in (".jsonl", ".ndjson") and not text.strip()):
        yield from _lines(path, text)
    else:
        yield from _table(path, text)


class _Twice(ValueError):
    """An object of JSON names a column twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, the names of the columns as `_cells` reads them told apart; raises _Twice."""
    if fault := named_twice([name.strip().lower() for name, _ in pairs], COLUMNS):
        raise _Twice(fault)
    return dict(pairs)


def _lines(path: Path, text: str) -> Iterator[tuple[str, Row]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = shallow.json_of(line, partial(json.loads, object_pairs_hook=_once))
        except _Twice as fault:
            yield f"row {number}", str(fault)
            continue
        except ValueError as fault:
            said = getattr(fault, "msg", fault)
            raise CorrectionsError([f"{path.name}: row {number}: not JSON of a row: {said}"]) from None
        if not isinstance(row, dict):
            raise CorrectionsError([f"{path.name}: row {number}: no object of {', '.join(COLUMNS)}"])
        yield f"row {number}", _cells(row)


def _cells(row: Mapping[Any, Any]) -> Row:
    """An object of JSON as cells: lists joined, an empty list as nothing stated."""
    found = {}
    for name, value in row.items():
        column = str(name).strip().lower()
        parts = value if isinstance(value, list) else [value] if value is not None else [""]
        if column in COLUMNS and not all(type(part) in (str, int, float) for part in parts):
            return f"{column} is {json.dumps(value)[:40]}; give a text, or a list of texts"
        found[column] = "; ".join(map(str, parts)) if parts else NOTHING
    return found


def _table(path: Path, text: str) -> Iterator[tuple[str, Row]]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    if lines.startswith("sep="):  # Excel's hint
        lines = "\n" + lines.partition("\n")[2]
    mark = delimiter(lines.lstrip("\n").encode())
    csv.field_size_limit(MAX_BYTES)
    rows = csv.reader(io.StringIO(lines), delimiter=mark, strict=True)
    unended = lines.count("\n") + 1
    names: list[str] | None = None
    begun = 1
    try:
        for cells in rows:
            place, begun = f"row {begun}", rows.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if names is None:
                names = _names(path, cells)
                continue
            wrong = _unlike(cells, names, mark, rows.line_num == unended)
            yield place, wrong or dict(zip(names, map(unguarded, cells), strict=False))
    except csv.Error as fault:
        broken = f"row {begun}: not CSV: {fault}; close every quote, and write one inside a cell twice"
        raise CorrectionsError([f"{path.name}: {broken}"]) from None
    if names is None:
        raise CorrectionsError([f"{path.name}: empty; the first row names {', '.join(COLUMNS)}"])


def _unlike(cells: list[str], names: list[str], mark: str, unended: bool) -> str:
    """What is wrong with the cells of a row under a header; `unended` is one without a line break."""
    many = f"{len(cells)} cells where the header has {len(names)}"
    if any(cell.strip() for cell in cells[len(names) :]):
        return f"{many}; quote a cell that holds {mark!r}"
    if unended and len(cells) < len(names):
        return f"{many}, and no line break: is the file cut off here? complete the row, or end its line"
    field, action = names.index("field"), names.index("action")
    for line in (line.split(mark) for cell in cells for line in cell.split("\n")[1:]):
        if len(line) > max(field, action) and line[field] in FIELDS and line[action] in ACTIONS:
            return f"a cell holds a row of its own ({mark.join(line)[:40]}); close the quote before it"
    return ""


def _workbook(path: Path) -> Iterator[tuple[str, Row]]:
    """The rows of a workbook's first sheet, formulas as their values."""
    from cart_nlp.readback import Budget
    from cart_nlp.registries.readers.sheets import first_sheet

    names: dict[int, str] | None = None
    try:
        budget = Budget(path)
        for row in first_sheet(path, path.name):
            budget.take(sum(map(len, row.cells.values())))
            if names is None:
                names = dict(zip(row.cells, _names(path, row.cells.values(), row.place), strict=True))
                continue
            for column, cell in row.unknown.items():
                if names.get(column) in COLUMNS:
                    without = f"cell {cell} holds an error, or a formula without a value"
                    raise CorrectionsError(
                        [f"{path.name}: {row.place}: {without}; write the value itself, or save it in Excel"]
                    )
            said = {names[at]: unguarded(cell) for at, cell in row.cells.items() if at in names}
            yield row.place, dict.fromkeys(names.values(), "") | said
    except CorrectionsError:
        raise
    except InputError as fault:
        raise CorrectionsError([str(fault)]) from None
    if names is None:
        raise CorrectionsError([f"{path.name}: empty; the first row names {', '.join(COLUMNS)}"])


def _names(path: Path, cells: Iterable[Any], place: str = "row 1") -> list[str]:
    names = [str(cell or "").strip().lower().replace(" ", "_") for cell in cells]
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        first = f"the first row names {', '.join(COLUMNS)}"
        raise CorrectionsError([f"{path.name}: {place}: no column {', '.join(missing)}; {first}"])
    if fault := named_twice(names, COLUMNS):
        raise CorrectionsError([f"{path.name}: {place}: {fault}"])
    return names
