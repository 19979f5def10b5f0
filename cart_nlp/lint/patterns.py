"""Faults in lexicons/patterns/*.toml: what the entries lack, and whether they hit and miss what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

from cart_nlp.lexicon import LABELS
from cart_nlp.lint import tomlfile
from cart_nlp.lint.faults import Fault
from cart_nlp.text import fold, lower

KEYS = frozenset(["name", "label", "concept", "cue", "regex", "case", "hits", "misses", "note"])
LISTS = ("cue", "hits", "misses")
GENERATIONS = frozenset("12345")
_HEAD = re.compile(r"\s*\[\[\s*pattern\s*\]\]")


def check(folder: Path, names: Set[tuple[str, str]]) -> Iterator[Fault]:
    """The faults of a folder's patterns; `names` are the (label, name) pairs that concepts may have."""
    for path in sorted((folder / "patterns").glob("*")):
        if path.suffix != ".toml":
            yield Fault(path, 1, "not a .toml file: it is not read")
            continue
        found = tomlfile.read(path)
        if isinstance(found, Fault):
            yield found
            continue
        text, table = found
        for key in table.keys() - {"pattern"}:
            yield Fault(path, 1, f"no table {key!r} here; write [[pattern]]")
        lines = [n for n, line in enumerate(text.splitlines(), 1) if _HEAD.match(line)]
        entries = table.get("pattern", [])
        if not isinstance(entries, list) or len(entries) != len(lines):
            yield Fault(path, 1, "write each pattern under a line [[pattern]]")
            continue
        seen: set[str] = set()
        for number, entry in zip(lines, entries, strict=True):
            yield from (Fault(path, number, message) for message in _entry(entry, names))
            if entry.get("name") in seen:
                yield Fault(path, number, f"the name {entry['name']!r} stands twice")
            seen.add(str(entry.get("name")))


def _entry(entry: dict[str, Any], names: Set[tuple[str, str]]) -> Iterator[str]:
    what = f"pattern {entry.get('name', '')!r}"
    for key in sorted(entry.keys() - KEYS):
        yield f"{what}: no key {key!r}; there are {', '.join(sorted(KEYS))}"
    for key in ("name", "label", "regex", "hits", "misses"):
        if not entry.get(key):
            yield f"{what}: the key {key!r} is missing or empty"
    wrong = [key for key in LISTS if not _strings(entry.get(key, []))]
    for key in wrong:
        yield f"{what}: {key} must be a list of strings"
    if not isinstance(entry.get("regex"), str) or not isinstance(entry.get("concept", ""), str) or wrong:
        return
    try:
        regex = re.compile(entry["regex"], 0 if entry.get("case") else re.IGNORECASE)
    except re.error as fault:
        yield f"{what}: not a regular expression: {fault}"
        return
    yield from _concept(what, entry, regex, names)
    cues = entry.get("cue", [])
    for cue in cues:
        if cue != lower(fold(cue)):
            yield f"{what}: texts are folded and lower case, so the cue {cue!r} is {lower(fold(cue))!r}"
    for text in entry.get("hits", []):
        if cues and not any(cue in lower(fold(text)) for cue in cues):
            yield f"{what}: no cue occurs in the hit {text!r}, so the expression would not be tried"
        elif not regex.search(fold(text)):
            yield f"{what}: does not match its hit {text!r}"
    for text in entry.get("misses", []):
        found = regex.search(fold(text))
        if found:
            yield f"{what}: matches {found[0]!r} in its miss {text!r}"


def _strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _concept(
    what: str, entry: dict[str, Any], regex: re.Pattern[str], names: Set[tuple[str, str]]
) -> Iterator[str]:
    label, concept = entry.get("label", ""), entry.get("concept", "")
    if label == "generation":
        if concept not in GENERATIONS:
            yield f"{what}: the concept of a generation is 1 to 5, not {concept!r}"
    elif label not in LABELS.values():
        yield f"{what}: no label {label!r}; there are {', '.join(sorted({*LABELS.values(), 'generation'}))}"
    elif concept and (label, concept) not in names:
        yield f"{what}: {concept!r} is no {label} in the tables"
    if not concept and "value" not in regex.groupindex:
        yield f"{what}: needs a concept, or a group (?P<value>…) that names it"
    if regex.match(""):
        yield f"{what}: matches the empty string"
