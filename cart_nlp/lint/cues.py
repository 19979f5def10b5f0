"""Faults in cues.csv: categories, directions and scopes that do not exist, repetitions, hits and misses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from difflib import get_close_matches

from cart_nlp.lexicon import DIRECTIONS, OF_CATEGORIES, SCOPES, Cue, cased
from cart_nlp.lint.faults import Fault
from cart_nlp.lint.tables import Row, place
from cart_nlp.text import fold, lower
from cart_nlp.vocabulary import CueFinder

STEM = "cues"
NEEDED = ("text", "category", "direction", "scope")


def check(rows: Sequence[Row], below: Sequence[Row]) -> Iterator[Fault]:
    """The faults of a folder's cues; those `below` tell which categories something asks for."""
    known = {row.cell("category") for row in below}
    if known:
        known |= {row.cell("text") for row in rows if row.cell("category") in OF_CATEGORIES}
    held = {row.cell("category") for row in (*below, *rows)}
    seen: dict[tuple[str, str], Row] = {}
    for row in below:
        if not row.cell("remove"):
            seen[_key(row)] = row
        else:
            seen.pop(_key(row), None)
    for row in rows:
        key = _key(row)
        if row.cell("remove"):
            yield from (Fault(row.path, row.line, message) for message in _removal(row, seen.pop(key, None)))
            continue
        before = seen.setdefault(key, row)
        messages = list(_row(row, known))
        if key[1] in OF_CATEGORIES and key[0] not in held:
            messages.append(f"no cue is of the category {key[0]!r}, which {key[1]!r} is to hold")
        if before is not row:
            told = f"{key[0]!r} stands under {key[1]!r} already, in {place(before)}; take one away"
            messages.append(told)
        yield from (Fault(row.path, row.line, message) for message in messages)


def _key(row: Row) -> tuple[str, str]:
    return _text(row), row.cell("category")


def _removal(row: Row, known: Row | None) -> Iterator[str]:
    """What is wrong with a row that takes one away."""
    if row.cell("remove") != "row":
        yield f"remove: {row.cell('remove')!r} is none of row"
    elif known is None:
        yield f"no cue {row.cell('text')!r} under {row.cell('category')!r} to remove"


def _text(row: Row) -> str:
    """The text as it must be written; `=` stands before one that counts in its case."""
    text = row.cell("text")
    found = cased(text, row.cell("scope"))
    return "=" + found if found != lower(found) and text.startswith("=") else found


def _row(row: Row, known: Set[str]) -> Iterator[str]:
    text = row.cell("text")
    for column in (*NEEDED, "source"):
        if not row.cell(column):
            yield f"{text!r}: the column {column!r} is empty"
    if text != _text(row):
        yield f"texts are folded and in lower case, so the cue {text!r} is {_text(row)!r}"
    if "*" in text.strip("*") or not text.strip("* "):
        yield f"{text!r}: a cue has a sign or letter; * stands at an end of them, for the rest of a word"
    if known and row.cell("category") and row.cell("category") not in known:
        near = get_close_matches(row.cell("category"), sorted(known), 3, 0.5)
        meant = f"; did you mean {' or '.join(near)}?" if near else ", see lexicons/README.md"
        yield f"nothing asks for the category {row.cell('category')!r}{meant}"
    for column, allowed in (("direction", DIRECTIONS), ("scope", SCOPES)):
        if row.cell(column) and row.cell(column) not in allowed:
            yield f"{column}: {row.cell(column)!r} is none of {', '.join(allowed)}"
    if row.cell("scope") != "inside":
        yield from _tests(row)


def _tests(row: Row) -> Iterator[str]:
    """Whether the cue is found in its hits, and not in its misses."""
    hits, misses = row.values("hits"), row.values("misses")
    if not (hits or misses):
        return
    finder = CueFinder([Cue(_text(row), row.cell("category"), "both", "trial", "")])
    for said in hits:
        if not finder.find(lower(fold(said))):
            yield f"{row.cell('text')!r} is not found in its hit {said!r}"
    for said in misses:
        if finder.find(lower(fold(said))):
            yield f"{row.cell('text')!r} is found in its miss {said!r}"
