"""What the tables of lexicons may hold: their columns, and cells of a closed vocabulary or form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import get_args

SEPARATOR = " | "
_PLAIN = ("name", "aliases", "guarded", "note", "source")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "antigens": (
        *("name", "hgnc_id", "symbol", "full_name", "kind", "usual_role"),
        *("aliases", "guarded", "note", "source"),
    ),
    "ligands": ("name", "targets", "aliases", "guarded", "note", "source"),
    "products": (
        *("name", "aliases", "guarded", "spells", "targets", "format", "costim", "generation", "vector"),
        *("cell_source", "cell_type", "edits", "armoring", "safety_switch", "developer", "note", "source"),
        "fact_source",
    ),
    "costim": ("name", "kind", "aliases", "guarded", "note", "source"),
    "vectors": _PLAIN,
    "cell_sources": ("name", "kind", "aliases", "guarded", "note", "source"),
    "cell_types": _PLAIN,
    "edits": ("name", "hgnc_id", "aliases", "guarded", "note", "source"),
    "armoring": _PLAIN,
    "switches": _PLAIN,
    "diseases": (
        *("name", "group", "parent", "also", "system", "doid", "ncit", "oncotree", "aliases", "narrower"),
        *("guarded", "differs", "note", "source"),
    ),
    "disease_qualifiers": ("name", "kind", "source"),
    "car_words": _PLAIN,
    "generations": _PLAIN,
    "cues": ("text", "category", "direction", "scope", "hits", "misses", "source"),
    "stoplist": ("text", "blocks", "reason", "example"),
}  # fmt: skip
"""File stem -> columns of the table, in order. A user's table may have `remove` as a further one."""
REMOVE = "remove"
"""Column that a user's table may have besides."""
KINDS = {
    "antigens": (
        "protein",
        "carbohydrate",
        "glycolipid",
        "peptide-MHC",
        "family",
        "viral",
        "hapten",
        "isoform",
    ),
    "costim": ("costimulation", "signaling"),
    "disease_qualifiers": ("age", "extent", "kind", "marker", "risk", "state"),
}
USUAL_ROLES = ("", "cell_marker", "payload", "tag")


@cache
def split(cell: str) -> tuple[str, ...]:
    """The parts of a cell that joins several values with ` | `."""
    return tuple(part.strip() for part in cell.split("|") if part.strip())


def strange_column(table: str, columns: Sequence[str]) -> str:
    """What is wrong with a header that names a column which nothing reads; empty where none does."""
    for column in columns:
        if column not in (*COLUMNS[table], REMOVE):
            return f"no column {column!r} in {table}; there are {', '.join(COLUMNS[table])} and {REMOVE}"
    return ""


def closed(table: str, cells: Mapping[str, str], added: bool) -> Iterator[str]:
    """What is wrong with cells of a closed vocabulary or form, whatever the other tables hold.

    `added`: the row is a new one, which needs what a row that changes another one may leave empty.
    """
    from cart_nlp.schema import DISEASE_GROUPS, GENERATIONS, Format

    def cell(column: str) -> str:
        return cells.get(column, "").strip()

    if table in KINDS and (added or cell("kind")) and cell("kind") not in KINDS[table]:
        yield f"kind: {cell('kind')!r} is none of {', '.join(KINDS[table])}"
    if table == "antigens" and cell("usual_role") not in USUAL_ROLES:
        yield f"usual_role: {cell('usual_role')!r} is none of cell_marker, payload, tag, or nothing"
    if table == "cell_sources" and cell("kind") not in ("", "origin", "person"):
        yield f"kind: {cell('kind')!r} is neither origin nor person, nor nothing"
    if table == "diseases" and cell("group") not in ("", *DISEASE_GROUPS):
        yield f"group: {cell('group')!r} is none of {', '.join(DISEASE_GROUPS)}, nor nothing"
    for value in split(cell("hgnc_id")):
        if not re.fullmatch(r"HGNC:[1-9]\d*", value):
            yield f"hgnc_id: {value!r} is no HGNC id such as HGNC:1633"
    if cell("format") and cell("format") not in get_args(Format):
        yield f"format: {cell('format')!r} is none of {', '.join(get_args(Format))}"
    numbers = tuple(map(str, GENERATIONS))
    for where, value in _generations(table, cell("name"), cell("generation"), cell("spells")):
        if value not in numbers:
            yield f"{where}: {value!r} is none of {', '.join(numbers)}"


def _generations(table: str, name: str, generation: str, spells: str) -> Iterator[tuple[str, str]]:
    """Where a row has a generation, and which."""
    if table == "generations":
        yield "name", name
    for value in split(generation):
        yield "generation", value
    for part in split(spells):
        column, _, value = part.rpartition("=")
        if column == "generation":
            yield "generation (in spells)", value
