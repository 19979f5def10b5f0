"""Records as rows of plain cells: lists joined, constructs spelled out, nothing that a spreadsheet runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from cart_nlp.schema import Record
from cart_nlp.text import construct_text

COLUMNS = tuple(Record.model_fields)
"""Columns of every table of records, in the order of the contract."""
JOINT = "; "
CELL_LIMIT = 32_767
"""Characters that a spreadsheet cell can hold."""

_FORMULA = r"(?=\s*[=+\-@＝＋－＠])"
_OPENING = re.compile(r"(^|; ?)" + _FORMULA)
_GUARD = re.compile(r"(^|; ?)'" + _FORMULA)
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_SPACES = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
_HIDDEN = re.compile(
    rb"\x7f|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xef\xbb\xbf"
)


def escaped(line: bytes) -> bytes:
    """A line of JSON in which no character drives a terminal or reverses text: those become \\u escapes.

    The JSON says the same as before; orjson has escaped the ASCII controls already.
    """
    return _HIDDEN.sub(lambda found: b"\\u%04x" % ord(found[0].decode()), line)


def clean(text: str) -> str:
    """Text on one line without control and direction characters (tables show, JSON lines keep)."""
    if text.isprintable():
        return text
    return _CONTROLS.sub("", _SPACES.sub(" ", text))


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe before = + - @ at its start.

    The same after a semicolon, at which a spreadsheet of some countries begins a new cell. A number is none.

    >>> guarded("=1+1"), guarded("+CD19"), guarded("CD19"), guarded("x;=1+1"), guarded("-1.71")
    ("'=1+1", "'+CD19", 'CD19', "x;'=1+1", '-1.71')
    """
    return cell if _NUMBER.fullmatch(cell) else _OPENING.sub(r"\1'", cell)


def unguarded(cell: str) -> str:
    """The cell as it was before it was guarded.

    >>> unguarded("'=1+1; '+CD19"), unguarded("'tis")
    ('=1+1; +CD19', "'tis")
    """
    return _GUARD.sub(r"\1", cell)


def evidence_text(evidence: Mapping[str, Any]) -> str:
    """One piece of evidence as `targets=CD19 [brief_title 4-8: CD19]`, or what else it rests on."""
    value = f"{evidence['field']}={evidence['value']}"
    if evidence["basis"] == "text":
        return f"{value} [{evidence['section']} {evidence['start']}-{evidence['end']}: {evidence['text']}]"
    if evidence["basis"] == "curator":
        return f"{value} [curator: {evidence.get('by', '')} {evidence.get('date', '')}]"
    if evidence["basis"] == "registry":
        return f"{value} [registry: {evidence['section']} {evidence['text']}]"
    return f"{value} [{evidence['basis']}: {evidence['rule'] or evidence['section']}]"


def evidence_parts(evidence: Sequence[Mapping[str, Any]]) -> list[str]:
    """A part a value: its first evidence, and `+3` where there are three more places.

    What a curator says of a value that the trial states as well is a part of its own.
    """
    first: dict[tuple[str, str, bool], str] = {}
    count: dict[tuple[str, str, bool], int] = {}
    for item in evidence:
        key = (item["field"], item["value"], item["basis"] == "curator")
        first.setdefault(key, evidence_text(item))
        count[key] = count.get(key, 0) + 1 + (item.get("more") or 0)
    return [text + (f" +{count[key] - 1}" if count[key] > 1 else "") for key, text in first.items()]


def cell(name: str, value: Any, guard: bool = False) -> str | int | float | bool:
    """One value of a record as a plain cell; null is the empty string.

    With `guard`, items of a list are guarded one by one: a spreadsheet may split cells at semicolons.
    """
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        if name == "constructs":
            parts: Sequence[str] = [construct_text(item["targets"], item["format"]) for item in value]
        elif name == "references":
            parts = [f"{item['pmid']} {item['type']}".strip() for item in value]
        elif name == "evidence":
            parts = evidence_parts(value)
        else:
            parts = [str(item) for item in value]
        parts = [clean(part) for part in parts]
        return JOINT.join(map(guarded, parts) if guard else parts)
    if name == "confidence":
        return JOINT.join(f"{field} {share:g}" for field, share in value.items())
    if isinstance(value, dict):
        value = orjson.dumps(value).decode() if value else ""
    if isinstance(value, str):
        return guarded(clean(value)) if guard else clean(value)
    found: int | float | bool = value
    return found


def row(
    record: Mapping[str, Any], guard: bool, columns: Sequence[str] = COLUMNS
) -> list[str | int | float | bool]:
    """The cells of a record in the order of the columns."""
    return [cell(name, record.get(name), guard) for name in columns]


def fitted(value: str, limit: int = CELL_LIMIT) -> str:
    """A text that a cell can hold; `…` says that it was cut.

    >>> fitted("abcdef", 4), fitted("abcd", 4)
    ('abc…', 'abcd')
    """
    return value if len(value) <= limit else value[: limit - 1] + "…"
