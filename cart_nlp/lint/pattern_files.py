"""Faults in lexicons/patterns/*.jsonl: what the entries lack, and whether they hit and miss what they say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Set
from pathlib import Path
from typing import Any

from cart_nlp import token_patterns
from cart_nlp.lexicon import LABELS
from cart_nlp.lint.faults import Fault
from cart_nlp.shallow import json_of

KEYS = ("label", "id", "pattern", "hits", "misses")
Finds = Callable[[str], bool]


def check(folder: Path, names: Set[tuple[str, str]]) -> Iterator[Fault]:
    """The faults of a folder's patterns; `names` are the (label, name) pairs that ids may have."""
    for path in sorted((folder / "patterns").glob("*.jsonl")):
        seen: dict[str, int] = {}
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            try:
                entry = json_of(line)
            except ValueError as fault:
                yield Fault(path, number, f"not JSON: {fault}")
                continue
            yield from (Fault(path, number, message) for message in _entry(entry, names))
            key = json.dumps(entry.get("pattern") if isinstance(entry, dict) else entry, sort_keys=True)
            if key in seen:
                yield Fault(path, number, f"the pattern stands in line {seen[key]} already; take one away")
            seen.setdefault(key, number)


def _entry(entry: Any, names: Set[tuple[str, str]]) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield "not an object; write one pattern a line, as spaCy's rulers do"
        return
    for key in sorted(entry.keys() - set(KEYS)):
        yield f"no key {key!r}; there are {', '.join(KEYS)}"
    missing = [key for key in KEYS if not entry.get(key)]
    for key in missing:
        yield f"the key {key!r} is missing or empty"
    if missing:
        return
    label, concept = entry["label"], entry["id"]
    if not isinstance(label, str) or label not in LABELS.values():
        yield f"no label {label!r}; there are {', '.join(sorted(LABELS.values()))}"
    elif not isinstance(concept, str) or (label, concept) not in names:
        yield f"{concept!r} is no {label} in the tables"
    wrong = [key for key in ("hits", "misses") if not _strings(entry[key])]
    for key in wrong:
        yield f"{key} must be a list of strings"
    finds = _matcher(entry["pattern"])
    if isinstance(finds, str):
        yield finds
    elif not wrong:
        yield from (f"does not match its hit {text!r}" for text in entry["hits"] if not finds(text))
        yield from (f"matches in its miss {text!r}" for text in entry["misses"] if finds(text))


def _matcher(pattern: Any) -> Finds | str:
    """What tells whether a token pattern matches in a text, or what is wrong with the pattern."""
    import spacy
    from spacy.matcher import Matcher

    from cart_nlp.text import create_tokenizer

    for fault in token_patterns.faults(pattern):
        return fault
    blank = spacy.blank("en")
    blank.tokenizer = create_tokenizer()(blank)
    matcher = Matcher(blank.vocab)
    matcher.add("pattern", [pattern])
    return lambda text: bool(matcher(blank.make_doc(text)))


def _strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
