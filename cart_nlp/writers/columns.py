"""What a table of typed columns holds: names and types derived from Record, and rows of its plain JSON."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin

import orjson
from pydantic import BaseModel

from cart_nlp.schema import Construct, Evidence, Record
from cart_nlp.writers.dates import DATES, PRECISION, with_types

BATCH = 2_000
"""Records whose rows are held at once."""
T = TypeVar("T")
Rows = list[dict[str, Any]]
_LISTED = {
    name: get_args(field.annotation)[0]
    for name, field in Record.model_fields.items()
    if get_origin(field.annotation) is tuple and isinstance(get_args(field.annotation)[0], type)
    and issubclass(get_args(field.annotation)[0], BaseModel)
}  # fmt: skip
"""Fields that list objects → the model of one."""


@dataclass(frozen=True)
class Types(Generic[T]):
    """How a library of tables writes its types."""

    plain: Mapping[type, T]
    date: T
    list_of: Callable[[T], T]
    map_of: Callable[[T, T], T]
    struct_of: Callable[[list[tuple[str, T]]], T]

    def of(self, annotation: Any) -> T:
        """The type of a field's annotation; optional fields are nullable anyway."""
        if annotation in self.plain:
            return self.plain[annotation]
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is tuple:
            return self.list_of(self.of(arguments[0]))
        if origin is dict:
            return self.map_of(self.of(arguments[0]), self.of(arguments[1]))
        if origin is Literal:
            return self.of(type(arguments[0]))
        if origin in (Union, types.UnionType):
            return self.of(next(part for part in arguments if part is not type(None)))
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return self.struct_of(list(self.fields(annotation)))
        raise TypeError(f"no column type for {annotation!r}; add one to writers/columns.py")

    def fields(self, model: type[BaseModel]) -> Iterator[tuple[str, T]]:
        """Names and types of a model's fields, in its order."""
        for name, field in model.model_fields.items():
            yield name, self.of(field.annotation)

    def tables(self) -> dict[str, list[tuple[str, T]]]:
        """Name and type of the columns of records, and of the tables of constructs and evidence."""
        records: list[tuple[str, T]] = []
        for name, kind in self.fields(Record):
            if name in DATES:
                records += [(name, self.date), (name + PRECISION, self.plain[str])]
            else:
                records.append((name, kind))
        place = [("trial_id", self.plain[str]), ("number", self.plain[int])]
        return {
            "records": records,
            "constructs": [*place, *self.fields(Construct)],
            "evidence": [*place, *self.fields(Evidence)],
        }


def batches(records: Iterable[bytes]) -> Iterator[tuple[Rows, Rows, Rows]]:
    """Rows of records, constructs and evidence, BATCH records at a time; at least once, perhaps none.

    Every row has every column; what a list of objects leaves out is null.
    """
    rows: Rows = []
    empty = True
    for record in records:
        rows.append(_whole(orjson.loads(record)))
        if len(rows) == BATCH:
            yield rows, _parts(rows, "constructs"), _parts(rows, "evidence")
            rows, empty = [], False
    if rows or empty:
        yield rows, _parts(rows, "constructs"), _parts(rows, "evidence")


_BLANK = {name: dict.fromkeys(model.model_fields) for name, model in _LISTED.items()}


def _whole(record: Mapping[str, Any]) -> dict[str, Any]:
    filled = {name: [blank | item for item in record[name]] for name, blank in _BLANK.items()}
    return with_types(record) | filled


def _parts(rows: Rows, name: str) -> Rows:
    """The items of one list of every record, each with its trial and its place in the list."""
    return [
        {"trial_id": row["trial_id"], "number": number, **item}
        for row in rows
        for number, item in enumerate(row[name], 1)
    ]
