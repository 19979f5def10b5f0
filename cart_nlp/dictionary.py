"""The JSON Schema of a record and the dictionary of its fields and values, from models and docs/labels.md."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel

from cart_nlp import paths
from cart_nlp.schema import SCHEMA_VERSION, Record, Trial

_PARTS: dict[str, type[BaseModel]] = {
    name: part
    for name, field in Record.model_fields.items()
    for part in get_args(field.annotation)
    if isinstance(part, type) and issubclass(part, BaseModel)
}
"""Field whose items have fields of their own -> their model."""
_HEADING = re.compile(r"^#{2,3} (?:`(?P<name>[a-z_.]+)`|.*)$", re.MULTILINE)
_ROW = re.compile(r"^\| `(?P<value>[^`]+)` \| (?P<meaning>.+) \|$", re.MULTILINE)


class Definition(NamedTuple):
    """What a field means, and what each of its values does, as far as they are listed."""

    meaning: str
    values: dict[str, str]


class Entry(NamedTuple):
    """A line of the dictionary: a field (`value` is empty), or one of its values."""

    field: str
    type: str
    value: str
    meaning: str


def definitions() -> dict[str, Definition]:
    """Field, or field within a part as `constructs.format` -> its definition on the labels' page."""
    text = paths.labels().read_text("utf-8")
    heads = list(_HEADING.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    found = {}
    for head, end in zip(heads, ends, strict=True):
        if head["name"]:
            section = text[head.end() : end]
            values = {row["value"]: row["meaning"] for row in _ROW.finditer(section)}
            found[head["name"]] = Definition(section.strip().partition("\n\n")[0].replace("\n", " "), values)
    return found


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a line of JSONL output; values have their meaning in `x-values`."""
    schema = Record.model_json_schema(mode="serialization")
    told = definitions()
    parts = {name: schema["$defs"][model.__name__]["properties"] for name, model in _PARTS.items()}
    for name, properties in {"": schema["properties"], **parts}.items():
        for field, content in properties.items():
            path = f"{name}.{field}" if name else field
            content.pop("title", None)
            content["description"] = _meaning(told, path, content.get("description", ""))
            if path in told and told[path].values:
                content["x-values"] = told[path].values
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cart-nlp record",
        "version": SCHEMA_VERSION,
        **{key: value for key, value in schema.items() if key != "title"},
    }


def entries() -> Iterator[Entry]:
    """The dictionary: every field in the order of the record, each followed by its values."""
    told = definitions()
    models: dict[str, type[BaseModel]] = {"": Record, **_PARTS}
    for name, model in models.items():
        for field, info in model.model_fields.items():
            path = f"{name}.{field}" if name else field
            yield Entry(path, type_name(info.annotation), "", _meaning(told, path, info.description or ""))
            known = told[path].values if path in told else {}
            for value in known or _literals(info.annotation):
                yield Entry(path, "", value, known.get(value, ""))


def _meaning(told: dict[str, Definition], path: str, described: str) -> str:
    if path in told:
        return told[path].meaning
    if not described and path in Trial.model_fields:
        return Trial.model_fields[path].description or ""
    return described


def _literals(annotation: Any) -> list[str]:
    """The values that a type allows, if it lists them."""
    if get_origin(annotation) is Literal:
        return [str(value) for value in get_args(annotation) if value]
    if get_origin(annotation) in (Union, types.UnionType):
        return [value for part in get_args(annotation) for value in _literals(part)]
    return []


def type_name(annotation: Any) -> str:
    """A type in words: `text`, `list of text`, `number`, `text or null`."""
    plain = {str: "text", bool: "yes or no", int: "whole number", float: "number", type(None): "null"}
    if annotation in plain:
        return plain[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        return f"list of {type_name(arguments[0])}"
    if origin is dict:
        return f"mapping of text to {type_name(arguments[1])}"
    if origin is Literal:
        return "one of the values"
    if origin in (Union, types.UnionType):
        return " or ".join(type_name(part) for part in arguments)
    return next((f"{name}, see {name}.*" for name, model in _PARTS.items() if model is annotation), "object")
