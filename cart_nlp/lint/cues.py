"""Faults in cues.toml: no cue tables, lists that nothing asks for, expressions that do not compile."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

from cart_nlp.lint import tomlfile
from cart_nlp.lint.faults import Fault


def names(path: Path) -> set[str]:
    """The dotted names of a file's cues; none if it cannot be read."""
    found = tomlfile.read(path) if path.is_file() else None
    if found is None or isinstance(found, Fault):
        return set()
    _, groups = found
    return {f"{group}.{name}" for group, cues in groups.items() if isinstance(cues, dict) for name in cues}


def check(path: Path, known: Set[str]) -> Iterator[Fault]:
    """The faults of a cues.toml; `known` are the names that the components ask for, empty for any."""
    if not path.is_file():
        return
    found = tomlfile.read(path)
    if isinstance(found, Fault):
        yield found
        return
    text, groups = found
    lines = {line.strip(): number for number, line in enumerate(text.splitlines(), 1)}
    for group, cues in groups.items():
        if not isinstance(cues, dict):
            yield Fault(path, 1, f"{group!r} stands outside a table; write [group.name]")
            continue
        for name, cue in cues.items():
            what = f"{group}.{name}"
            number = lines.get(f"[{what}]", 1)
            if known and what not in known:
                yield Fault(path, number, f"no component asks for the cue {what!r}")
            yield from (Fault(path, number, f"[{what}]: {message}") for message in _cue(cue))


def _cue(cue: Any) -> Iterator[str]:
    if not isinstance(cue, dict):
        yield "not a table; write its lists under it"
        return
    if not cue.get("about"):
        yield "the key 'about' is missing: say in a few words what the cue is for"
    pattern = cue.get("pattern", "{words}")
    if not isinstance(pattern, str):
        yield "pattern must be a string"
        return
    lists = {key: items for key, items in cue.items() if key not in ("about", "pattern")}
    for key, items in lists.items():
        if (
            not isinstance(items, list)
            or not items
            or not all(isinstance(item, str) and item for item in items)
        ):
            yield f"{key} must be a list of strings that are not empty"
            return
        if "{" + key + "}" not in pattern:
            yield f"the pattern does not use the list {key!r}; write {{{key}}} in it"
        if len(set(items)) < len(items):
            yield f"{key}: {next(item for item in items if items.count(item) > 1)!r} stands twice"
        for item in items:
            fault = _compiles(item)
            if fault:
                yield f"{key}: {item!r} is no regular expression: {fault}"
        pattern = pattern.replace("{" + key + "}", "|".join(items))
    missing = re.search(r"\{[a-z_]+\}", pattern)
    if missing:
        yield f"the pattern asks for {missing[0]}, and there is no such list"
    fault = _compiles(pattern)
    if fault:
        yield f"no regular expression: {fault}"


def _compiles(expression: str) -> str:
    try:
        re.compile(expression)
    except re.error as fault:
        return str(fault)
    return ""
