"""Combinations of targets: which go together, in which format."""

from __future__ import annotations

import itertools
from typing import Any, get_args

from cart_nlp.landscape.cohort import Cohort
from cart_nlp.landscape.table import Table, count
from cart_nlp.schema import Format

SECTION = "Targets"
TOGETHER = ("cocktail", "sequential", "selectable")
OPEN = "format not stated"
FORMATS = (*(f for f in get_args(Format) if f != "single"), OPEN)


def of_trial(targets: tuple[str, ...], constructs: tuple[Any, ...]) -> list[tuple[tuple[str, ...], str]]:
    """The combinations of one trial: (sorted targets, format), two targets or more.

    A construct with several targets is one combination; the products of a cocktail, a sequence or a choice
    make one together. A trial with several targets and no such construct gets its targets, format not stated.
    """
    found = {
        (tuple(sorted(set(c.targets))), _format(c))
        for c in constructs
        if c.format not in TOGETHER or len(set(c.targets)) > 1
    }
    for shape in TOGETHER:
        for named in (shape, OPEN):
            union = {t for c in constructs if c.format == shape and _format(c) == named for t in c.targets}
            found.add((tuple(sorted(union)), named))
    several = sorted(pair for pair in found if len(pair[0]) > 1)
    if not several and len(targets) > 1:
        return [(tuple(sorted(targets)), OPEN)]
    return several


def _format(construct: Any) -> str:
    """The format that words or a product row give; a default is no statement."""
    return OPEN if construct.basis == "default" else str(construct.format)


def tables(cohort: Cohort) -> list[Table]:
    """Exact combinations, and the pairs and triples inside them."""
    products = cohort.products
    exact: dict[tuple[str, ...], dict[str, dict[str, None]]] = {}
    inside: dict[int, dict[tuple[str, ...], dict[str, dict[str, None]]]] = {2: {}, 3: {}}
    df = products.df
    for i, targets, constructs in zip(df["trial_id"], df["targets"], df["constructs"], strict=True):
        for combination, shape in of_trial(targets, constructs):
            exact.setdefault(combination, {}).setdefault(shape, {})[i] = None
            for size, found in inside.items():
                for part in itertools.combinations(combination, size):
                    found.setdefault(part, {}).setdefault(shape, {})[i] = None
    note = (
        "Product trials. A trial counts once in a row, and in each format it has there. "
        "Cocktail, sequential and "
        f"selectable bring several products together; the other formats are one product. “{OPEN}”: the "
        f"trial says "
        "no format; what its record shows there is a default."
    )
    plans = (
        ("combinations", "Exact combinations of targets", note, exact),
        ("pairs", "Pairs of targets", f"{note} A triple holds three pairs.", inside[2]),
        ("triples", "Triples of targets", f"{note} A combination of four holds four triples.", inside[3]),
    )
    return [_table(name, title, text, found) for name, title, text, found in plans]


def _table(
    name: str, title: str, note: str, found: dict[tuple[str, ...], dict[str, dict[str, None]]]
) -> Table:
    table = Table(name, title, ("targets", "size", "trials", *FORMATS), note=note, section=SECTION)
    merged = {c: dict.fromkeys(i for ids in shapes.values() for i in ids) for c, shapes in found.items()}
    for combination in sorted(merged, key=lambda c: (-len(merged[c]), len(c), c)):
        shapes = found[combination]
        cells = [count(shapes.get(shape, ())) for shape in FORMATS]
        table.add(" + ".join(combination), len(combination), count(merged[combination]), cells)
    return table
