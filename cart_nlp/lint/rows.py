"""What the cells of a row say: vocabularies, references to other tables, sources, removals, stops."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from cart_nlp.lexicon import WITHOUT_ROW
from cart_nlp.lexicon_cells import closed
from cart_nlp.lint.faults import Fault
from cart_nlp.lint.tables import JOINED, Row
from cart_nlp.text import fold, lower, spellings

REFERENCES = {
    "targets": "antigens",
    "costim": "costim",
    "vector": "vectors",
    "cell_source": "cell_sources",
    "cell_type": "cell_types",
    "edits": "edits",
    "armoring": "armoring",
    "safety_switch": "switches",
}
"""Column of products (`targets`: of ligands too) -> table whose names it takes."""
REMOVALS = ("row", "aliases")
FACTS = ("targets", "format", *(column for column in REFERENCES if column != "targets"), "generation")
"""Columns of products that say something of the cells themselves, not of their name."""
FACT_SOURCES = (
    r"NCIt C\d+",
    r"PMID \d+",
    r"PMC\d+( \S.*)?",
    r"doi:10\.\d{4,}/\S+",
    r"https?://\S+",
    r"label: \S.*",
    r"(NCT|ChiCTR|jRCT)\w+ (title|official title|summary|description|intervention|arms)",
)
"""Where a product fact may come from. A trial's registration counts with the section that states the fact."""


class Layer:
    """The rows of one layer and those of the layers below, as far as they still stand."""

    def __init__(self, own: Sequence[Row], below: Sequence[Row]) -> None:
        self.own, self.below = own, below
        removed = {row.key for row in own if row.cell("remove") == "row"}
        self.old = [r for r in below if r.key not in removed and not r.cell("remove")]
        self.new = [row for row in own if not row.cell("remove")]
        self.names: dict[str, set[str]] = {}
        for row in (*self.old, *self.new):
            self.names.setdefault(row.path.stem, set()).add(row.name)

    def faults(self) -> Iterator[Fault]:
        """What is wrong with the cells of the layer's own rows."""
        for row in self.own:
            yield from (Fault(row.path, row.line, message) for message in _written(row))
            stop = row.path.stem == "stoplist"
            judge = self._removal if row.cell("remove") else self._stop if stop else self._row
            yield from (Fault(row.path, row.line, message) for message in judge(row))

    def _removal(self, row: Row) -> Iterator[str]:
        allowed = REMOVALS if row.label else ("row",)
        if row.cell("remove") not in allowed:
            yield f"remove: {row.cell('remove')!r} is none of {', '.join(allowed)}"
            return
        known = [r for r in self.below if r.key == row.key]
        if not known:
            what = row.name or row.cell("text")
            yield f"nothing named {what!r} to remove from; see cart-nlp lexicon show"
            return
        if row.cell("remove") == "aliases":
            have = {
                value
                for r in known
                for column in ("aliases", "narrower", "guarded")
                for value in r.values(column)
            }
            for value in (*row.values("aliases"), *row.values("guarded")):
                if value not in have:
                    yield f"{row.name!r} has no alias {value!r} to take away; write it as its row does"

    def _row(self, row: Row) -> Iterator[str]:
        table = row.path.stem
        if not row.name:
            yield "a row without a name"
        if not row.cell("source"):
            yield f"{row.name!r} has no source: say where the row's facts come from"
        added = not any(r.key == row.key for r in self.old)
        yield from closed(table, row.cells, added)
        if table == "ligands" and added and not row.values("targets"):
            yield "targets: a ligand needs the antigens that it binds"
        for column in REFERENCES:
            for value in row.values(column):
                yield from self._value(column, value)
        for part in row.values("spells"):
            column, equals, value = part.rpartition("=")
            yield from self._value(column if equals else "targets", value, " (in spells)")
        if table == "products" and "fact_source" in row.cells:
            yield from _fact_source(row)

    def _value(self, column: str, value: str, where: str = "") -> Iterator[str]:
        if column == "generation":
            return  # a closed list, as in `closed`
        if column not in REFERENCES:
            yield f"spells: no field {column!r}; there are {', '.join(REFERENCES)} and generation"
        elif value not in (*self.names.get(REFERENCES[column], ()), *WITHOUT_ROW.get(column, ())):
            yield f"{column}{where}: {value!r} is no name in {REFERENCES[column]}.csv"

    def _stop(self, row: Row) -> Iterator[str]:
        written = row.cell("text")
        for column in ("text", "blocks", "reason"):
            if not row.cell(column):
                yield f"{written!r}: the column {column!r} is empty"
        blocks = row.cell("blocks")
        if blocks and blocks != "*" and not any(blocks in names for names in self.names.values()):
            yield f"blocks: {blocks!r} is no name in any table, nor *"
        if "example" in row.cells and written:
            example = lower(fold(row.cell("example")))
            if not any(form in example for form in spellings(lower(fold(written.removeprefix("="))))):
                yield f"example: must hold {written!r}"


def _fact_source(row: Row) -> Iterator[str]:
    """A fact that the name does not spell needs a source, and a source something that it vouches for."""
    spelled = {part if "=" in part else f"targets={part}" for part in row.values("spells")}
    facts = [f"{column}={value}" for column in FACTS for value in row.values(column)]
    asserted = [fact for fact in facts if fact not in spelled]
    sources = row.values("fact_source")
    if asserted and not sources:
        what = ", ".join(asserted)
        yield f"{row.name!r} asserts {what} without fact_source: give one, or take the facts out"
    if sources and not facts:
        yield f"fact_source: {row.name!r} asserts no fact"
    for source in sources:
        if not any(re.fullmatch(form, source) for form in FACT_SOURCES):
            yield (
                f"fact_source: {source!r} is no source of facts; write NCIt C…, PMID …, PMC…, doi:…, "
                "an address, label: …, or a trial with the section that says so (NCT… title)"
            )


def _written(row: Row) -> Iterator[str]:
    """How the cells are written, whatever they say."""
    for column, cell in row.cells.items():
        if cell != cell.strip():
            yield f"{column}: blanks around {cell.strip()!r}; --fix takes them away"
        if any(ord(sign) < 32 or 0x7F <= ord(sign) < 0xA0 for sign in cell):
            yield f"{column}: a control character or line break in {cell!r}"
        if "  " in cell:
            yield f"{column}: two blanks in a row in {cell!r}"
        if "\ufffd" in cell:
            yield f"{column}: a character that was not decoded in {cell!r}"
        if column in JOINED:
            parts = [part.strip() for part in cell.split("|")]
            if cell.strip() and (not all(parts) or " | ".join(parts) != cell.strip()):
                yield f"{column}: join values with ' | ' and leave none empty; --fix does it"
        elif "|" in cell:
            yield f"{column}: takes one value, not {cell!r}"
