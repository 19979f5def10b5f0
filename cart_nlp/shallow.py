"""JSON and TOML of files that anybody may have written: read, or refused with the reason.

What walks a value, compares it or prints it calls itself once for each level, and Python ends that somewhere
before a thousand. Nothing of ours nests deeper than ten: beyond DEEPEST a file is damaged, or meant to harm.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from typing import Any

DEEPEST = 100
"""Levels of lists and objects within one another."""


class TooDeep(ValueError):
    """A value nests too deep to be read."""

    def __init__(self) -> None:
        super().__init__(f"nested deeper than {DEEPEST} levels")


def json_of(said: str | bytes | bytearray, loads: Callable[[Any], Any] = json.loads) -> Any:
    """The value of JSON; raises ValueError where it is none, TooDeep among them."""
    try:
        value = loads(said)
    except RecursionError:
        raise TooDeep from None
    brackets: Any = ("[", "{") if isinstance(said, str) else (b"[", b"{")
    return value if sum(map(said.count, brackets)) <= DEEPEST else checked(value)


def toml_of(said: str) -> dict[str, Any]:
    """The tables of TOML; raises ValueError where it is none, TooDeep among them."""
    try:
        return checked(tomllib.loads(said))
    except RecursionError:
        raise TooDeep from None


def checked(value: Any) -> Any:
    """The value itself; raises TooDeep where it nests deeper than DEEPEST."""
    level = [value]
    for _ in range(DEEPEST):
        level = [part for each in level for part in _parts(each) if isinstance(part, dict | list)]
        if not level:
            return value
    raise TooDeep


def _parts(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
