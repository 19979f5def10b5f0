"""Rows of a DataFrame: this project's columns, a registry's export, studies of the API, or names to guess."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cart_nlp.registries.entry import InputError, in_a_call, refuse_twice
from cart_nlp.registries.general import mapped, native
from cart_nlp.registries.readers import jsonreader, tablereader
from cart_nlp.registries.values import shapes
from cart_nlp.schema import Trial

NAME = "the frame"
_STUDY = "protocolSection"


def parser(columns: Sequence[str], mapping: Mapping[str, str] | None) -> Callable[[Mapping[str, Any]], Trial]:
    """What makes a trial of a row with these columns; raises InputError where none can be taken for the id,
    or where one stands twice.

    `mapping` names columns: trial field -> column.
    """
    refuse_twice(NAME, columns)
    if not mapping and any(name == _STUDY or name.startswith(f"{_STUDY}.") for name in columns):
        return _study
    try:
        shape = tablereader.shape_of(columns, mapping, None, NAME)
        if shape.name != "table":
            return lambda row: shape.parse({name: _text(value) for name, value in row.items()})
        chosen = mapped.columns_of(columns, mapping, NAME)
    except InputError as fault:
        raise InputError(in_a_call(str(fault))) from None
    return lambda row: native.parse({**row, **mapped.record(row, chosen)})


def _study(row: Mapping[str, Any]) -> Trial:
    """A study of the v2 API, nested as it came or flattened into dotted columns."""
    study: dict[str, Any] = {}
    for name, value in row.items():
        *way, last = name.split(".")
        inner = study
        for step in way:
            inner = inner.setdefault(step, {})
        if value is not None:
            inner[last] = value
    return jsonreader.shape_of(study).parse(study)


def _text(value: Any) -> str:
    return "" if value is None else shapes.text(value) or str(value)
