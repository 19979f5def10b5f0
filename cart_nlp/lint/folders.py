"""Folders of lexicons: their files, headers and order; what their rows say is judged in the other modules.

Each layer is judged together with the ones below it, so that a user's rows are linted like the shipped ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from cart_nlp import paths
from cart_nlp.lexicon import SHAPES, strangers
from cart_nlp.lexicon_cells import COLUMNS, strange_column
from cart_nlp.lint import cues, diseases, pattern_files, rules, tables
from cart_nlp.lint.aliases import Names
from cart_nlp.lint.faults import Fault
from cart_nlp.lint.rows import Layer
from cart_nlp.lint.tables import Row, TableFault
from cart_nlp.text import named_twice

if TYPE_CHECKING:
    from spacy.language import Language


def check(
    *layers: Path | str, shipped: bool = True, references: Sequence[diseases.Reference] = ()
) -> list[Fault]:
    """The faults of the layers, sorted by place; of the shipped lexicons if there are no layers.

    With `shipped` the layers are judged on top of the shipped lexicons, else by themselves. Ids and names of
    diseases are compared with the `references`.
    """
    folders = [Path(layer) for layer in layers] or [paths.lexicons()]
    if odd := [Fault(path, 1, "a folder, pipe or device, where a file is meant") for path in _odd(folders)]:
        return odd
    return _judged(folders, bool(layers) and shipped, references)


def _judged(folders: Sequence[Path], layered: bool, references: Sequence[diseases.Reference]) -> list[Fault]:
    base = paths.lexicons()
    alone = not layered or base.resolve() in {folder.resolve() for folder in folders}
    shipped_rows = [] if alone else list(readable(base))
    below = [row for row in shipped_rows if row.path.stem != cues.STEM]
    cues_below = [row for row in shipped_rows if row.path.stem == cues.STEM]
    faults: list[Fault] = []
    for folder in folders:
        rows, own_faults = read(folder, layered=folder.resolve() != base.resolve())
        own = [row for row in rows if row.path.stem != cues.STEM]
        own_cues = [row for row in rows if row.path.stem == cues.STEM]
        layer = Layer(own, below)
        names = {(row.label, row.name) for row in (*layer.old, *layer.new) if row.label}
        faults += own_faults
        faults += _order(rows)
        faults += layer.faults()
        faults += Names(layer).faults()
        faults += diseases.check(layer)
        for reference in references:
            faults += diseases.check_reference(own, reference)
        faults += pattern_files.check(folder, names)
        faults += cues.check(own_cues, cues_below)
        below = [*layer.old, *layer.new]
        cues_below += own_cues
        faults += rules.check(folder, None if faults else partial(_pipeline, folder, base))
    return sorted(set(faults))


def _odd(folders: Sequence[Path]) -> Iterator[Path]:
    """What stands where a file of a lexicon is meant and is none: reading a pipe may never end."""
    for folder in folders:
        for shape in SHAPES:
            yield from (path for path in sorted(folder.glob(shape)) if path.exists() and not path.is_file())


def _pipeline(folder: Path, base: Path) -> Language:
    """The pipeline in which a folder's rules are tried."""
    from cart_nlp.pipeline import load

    return load([] if folder.resolve() == base.resolve() else [folder])


def fix(folder: Path) -> tuple[list[Path], list[Fault]]:
    """Put the tables of a folder into canonical form: those rewritten, and what kept others from it."""
    rewritten, faults = [], []
    for path in sorted(folder.glob("*.csv")):
        if path.stem not in COLUMNS or not path.is_file():
            continue
        try:
            if tables.fix(path):
                rewritten.append(path)
        except TableFault as fault:
            faults.append(Fault(path, fault.line, str(fault)))
    return rewritten, faults


def readable(folder: Path) -> Iterator[Row]:
    """The rows of a folder's tables, lines that cannot be read left out."""
    for path in sorted(folder.glob("*.csv")):
        if path.stem in COLUMNS:
            yield from (row for row in tables.rows_of(path) if isinstance(row, Row))


def read(folder: Path, *, layered: bool = False) -> tuple[list[Row], list[Fault]]:
    """The rows of a folder of tables, and what is wrong with them as files."""
    if not folder.is_dir():
        return [], [Fault(folder, 0, "no such folder of lexicons")]
    rows: list[Row] = []
    faults: list[Fault] = []
    strange = dict(strangers(folder))
    faults += [Fault(path, 1, why) for path, why in strange.items()]
    if not strange and not any(path for shape in SHAPES for path in folder.glob(shape)):
        faults.append(Fault(folder, 0, f"holds no lexicon; the tables are {', '.join(COLUMNS)} (.csv)"))
    for path in sorted(folder.glob("*.csv")):
        if path.stem not in COLUMNS:
            continue
        try:
            text = tables.text_of(path)
            wrong = _header(path.stem, tables.header_of(path), layered)
        except TableFault as fault:
            faults.append(Fault(path, fault.line, str(fault)))
            continue
        if wrong:
            faults.append(Fault(path, 1, wrong))
            continue
        for sign, what in (("\r", "a carriage return"), ("\ufeff", "a byte order mark")):
            if sign in text:
                line = text.count("\n", 0, text.index(sign)) + 1
                faults.append(Fault(path, line, f"{what}; plain UTF-8 with line feeds, --fix does it"))
        for row in tables.rows_of(path):
            if isinstance(row, TableFault):
                faults.append(Fault(path, row.line, str(row)))
            else:
                rows.append(row)
    return rows, faults


def _header(table: str, columns: Sequence[str], layered: bool) -> str:
    wanted = COLUMNS[table]
    if not layered:
        return "" if tuple(columns) == wanted else f"the header must be {','.join(wanted)}"
    if strange := strange_column(table, columns):
        return strange
    asked = ("name", "source", *cues.NEEDED, "blocks", "reason")
    needed = [column for column in asked if column in wanted]
    missing = [column for column in needed if column not in columns]
    if missing:
        return f"the column {missing[0]!r} is missing; the columns are {', '.join(wanted)}"
    return named_twice(columns)


def _order(rows: Sequence[Row]) -> Iterator[Fault]:
    for before, row in pairwise(rows):
        if before.path != row.path:
            continue
        what = row.name or row.cell("text")
        if tables.order(before) == tables.order(row):
            message = f"{what!r} stands twice, first in line {before.line}; merge the rows"
            yield Fault(row.path, row.line, message)
        elif tables.order(before) > tables.order(row):
            other = before.name or before.cell("text")
            yield Fault(row.path, row.line, f"not sorted: {what!r} after {other!r}; --fix sorts")
