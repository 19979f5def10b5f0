"""Faults in the tree of diseases: unknown or circular parents, groups that disagree, ids, names of others.

A reference is a table of the terms of the Disease Ontology (`id, name, parents, synonyms, mesh, ncit`) or of
OncoTree (`code, name, main_type, tissue, parent, ncit`), tab-separated. With one, an id must be in it, and no
name of ours may be the name of another of its terms, unless the row says so under `differs`.
"""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from cart_nlp.disease_names import key
from cart_nlp.lint.faults import Fault
from cart_nlp.lint.rows import Layer
from cart_nlp.lint.tables import Row

TABLE = "diseases"
IDS = {"doid": r"DOID:\d{1,7}", "ncit": r"C[1-9]\d*", "oncotree": r"[A-Z][A-Z0-9/_-]*"}
"""Column of ids -> what one looks like."""


class ReferenceFault(Exception):
    """A reference file that cannot be used: one line."""


class Reference(NamedTuple):
    """The terms of one ontology: whose ids stand in `column`, and which terms a name belongs to."""

    path: Path
    column: str
    ids: frozenset[str]
    owners: Mapping[tuple[str, ...], frozenset[str]]


def read_reference(path: Path) -> Reference:
    """Read a table of the Disease Ontology or of OncoTree, plain or gzipped; raises ReferenceFault."""
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as fault:
        raise ReferenceFault(f"{path}: cannot be read: {fault}") from fault
    rows = list(csv.DictReader(text.splitlines(), delimiter="\t"))
    column, id_column = ("doid", "id") if rows and "synonyms" in rows[0] else ("oncotree", "code")
    if not rows or id_column not in rows[0] or "name" not in rows[0]:
        raise ReferenceFault(f"{path}: no columns id, name, synonyms or code, name; give a table of terms")
    named: dict[tuple[str, ...], set[str]] = {}
    other: dict[tuple[str, ...], set[str]] = {}
    for row in rows:
        named.setdefault(key(row["name"]), set()).add(row[id_column])
        for synonym in (row.get("synonyms") or "").split("|"):
            other.setdefault(key(synonym), set()).add(row[id_column])
    # A term's own name outweighs the synonyms of others.
    owners = {form: frozenset(ids) for form, ids in {**other, **named}.items() if form}
    return Reference(path, column, frozenset(row[id_column] for row in rows), owners)


def check(layer: Layer) -> Iterator[Fault]:
    """The faults of the layer's own rows of diseases."""
    rows = {row.name: row for row in (*layer.old, *layer.new) if row.path.stem == TABLE}
    taken: dict[tuple[str, str], str] = {}
    for row in rows.values():
        own = row in layer.own
        for column, pattern in IDS.items():
            for value in row.values(column):
                first = taken.setdefault((column, value), row.name)
                if own and not re.fullmatch(pattern, value):
                    yield Fault(row.path, row.line, f"{column}: {value!r} is no such id")
                elif own and first != row.name:
                    message = f"{column}: {value} is the id of {first!r} already; one concept, one row"
                    yield Fault(row.path, row.line, message)
        if own:
            yield from (Fault(row.path, row.line, message) for message in _placed(row, rows))


def _placed(row: Row, rows: Mapping[str, Row]) -> Iterator[str]:
    """What is wrong with a row's place in the tree."""
    for column in ("parent", "also"):
        for value in row.values(column):
            if value not in rows:
                yield f"{column}: {value!r} is no name in {TABLE}.csv"
    parent = rows.get(row.cell("parent"))
    if parent and parent.cell("group") and row.cell("group") != parent.cell("group"):
        here, there = row.cell("group"), parent.cell("group")
        yield f"group: {here!r}, but {parent.name!r} above it is {there!r}; correct one, or the parent"
    if circle := _circle(row.name, rows):
        yield f"parent: {' → '.join(circle)} is a circle"
    names = {row.name, *row.values("aliases"), *row.values("narrower"), *row.values("guarded")}
    for value in row.values("differs"):
        if value not in names:
            yield f"differs: {value!r} is no name of {row.name!r}"


def _circle(name: str, rows: Mapping[str, Row]) -> tuple[str, ...]:
    """The way from a concept up to itself; empty if there is none."""
    ways: list[tuple[str, ...]] = [(name,)]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        row = rows.get(way[-1])
        for above in (*row.values("parent"), *row.values("also")) if row else ():
            if above == name:
                return (*way, above)
            if above not in seen:
                seen.add(above)
                ways.append((*way, above))
    return ()


def check_reference(rows: Sequence[Row], reference: Reference) -> Iterator[Fault]:
    """Where rows of diseases and an ontology disagree on ids and names."""
    for row in rows:
        if row.path.stem != TABLE:
            continue
        ids = set(row.values(reference.column))
        where = reference.path.name
        for value in sorted(ids - reference.ids):
            yield Fault(row.path, row.line, f"{reference.column}: {value} is no term of {where}")
        differs = set(row.values("differs"))
        for name in (row.name, *row.values("aliases")):
            # OncoTree has one code an organ for some tumors: a row without a code claims none of them.
            owners = reference.owners.get(key(name.removeprefix("=")), frozenset())
            disputed = owners and not owners & ids and (ids or reference.column == "doid")
            if disputed and name not in differs:
                terms = ", ".join(sorted(owners))
                message = f"{name!r} is {terms} in {where}; move it, add the id, or list it under differs"
                yield Fault(row.path, row.line, message)
