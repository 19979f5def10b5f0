"""Read a corrections file: CSV as Excel and others save it, a workbook, or JSON lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
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
from cart_nlp.text import named_twice
from cart_nlp.writers.flat import unguarded

MAX_BYTES = 1 << 28
"""A larger file holds no corrections."""
_NEEDED = COLUMNS[:4]
_WIDE = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


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
            found.append(correction(cells, place))
        except ValueError as fault:
            faults.append(f"{place}: {fault}")
    return found, faults


def correction(cells: Mapping[str, str], place: str = "") -> Correction:
    """The correction of a row; raises ValueError with what is wrong."""
    said = {name: str(cells.get(name) or "").strip() for name in COLUMNS}
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


def _generation(text: str) -> str:
    number = text.removesuffix(".0")
    if number not in ("1", "2", "3", "4", "5"):
        raise ValueError(f"generation {text!r}; give a number from 1 to 5")
    return number


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """(row, cells by column) of every row that is not blank."""
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


def _lines(path: Path, text: str) -> Iterator[tuple[str, dict[str, str]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = shallow.json_of(line)
        except ValueError as fault:
            said = getattr(fault, "msg", fault)
            raise CorrectionsError([f"{path.name}: row {number}: not JSON of a row: {said}"]) from None
        if not isinstance(row, dict):
            raise CorrectionsError([f"{path.name}: row {number}: no object of {', '.join(COLUMNS)}"])
        yield f"row {number}", {str(name).strip().lower(): _cell(value) for name, value in row.items()}


def _cell(value: Any) -> str:
    """A value of JSON as a cell: lists joined, an empty list as nothing stated."""
    if isinstance(value, list):
        return "; ".join(map(str, value)) or NOTHING
    return "" if value is None else str(value)


def _table(path: Path, text: str) -> Iterator[tuple[str, dict[str, str]]]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    if lines.startswith("sep="):  # Excel's hint
        lines = "\n" + lines.partition("\n")[2]
    mark = delimiter(lines.lstrip("\n").encode())
    csv.field_size_limit(MAX_BYTES)
    rows = csv.reader(io.StringIO(lines), delimiter=mark)
    names: list[str] | None = None
    try:
        for cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            if names is None:
                names = _names(path, cells)
                continue
            if len(cells) > len(names) and any(cell.strip() for cell in cells[len(names) :]):
                more = (
                    f"{len(cells)} cells where the header has {len(names)}; quote a cell that holds {mark!r}"
                )
                raise CorrectionsError([f"{path.name}: row {rows.line_num}: {more}"])
            yield (
                f"row {rows.line_num}",
                {name: unguarded(cell) for name, cell in zip(names, cells, strict=False)},
            )
    except csv.Error as fault:
        raise CorrectionsError([f"{path.name}: row {rows.line_num}: not CSV: {fault}"]) from None
    if names is None:
        raise CorrectionsError([f"{path.name}: empty; the first row names {', '.join(COLUMNS)}"])


def _workbook(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
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
            yield row.place, {names[at]: unguarded(cell) for at, cell in row.cells.items() if at in names}
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
