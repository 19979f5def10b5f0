"""How figures stand in a report: percent, intervals, and tables that fit a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

NAMES = {"targets": "targets (stated)", "targets_all": "targets (all)"}


def percent(value: float | None) -> str:
    """A rate in percent with one digit, an en dash where it is undefined."""
    return "–" if value is None else f"{100 * value:.1f}"


class Row(str):
    """A line of a table that knows its cells, padded to the widths of their columns."""

    cells: tuple[str, ...]

    @classmethod
    def of(cls, cells: Sequence[str]) -> Row:
        """The line of these cells."""
        made = cls("  ".join(cells).rstrip())
        made.cells = tuple(cells)
        return made


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of a table: the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        first = row[0].ljust(widths[0])
        yield Row.of([first, *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])


def fitted(found: Iterable[str], width: int) -> Iterator[str]:
    """The lines for a terminal: prose wrapped, a table too wide in parts, each with its first column."""
    for shape, lines in groupby(
        found, key=lambda line: tuple(map(len, line.cells)) if isinstance(line, Row) else ()
    ):
        if not shape:
            for line in lines:
                indent = " " * (len(line) - len(line.lstrip()))
                yield from textwrap.wrap(line, width, subsequent_indent=indent + "  ") or [""]
            continue
        rows = [line.cells for line in lines if isinstance(line, Row)]
        for number, part in enumerate(_parts(shape, width)):
            if number:
                yield ""
            yield from ("  ".join(row[at] for at in (0, *part)).rstrip() for row in rows)


def _parts(widths: Sequence[int], width: int) -> Iterator[list[int]]:
    """Which columns beside the first stand together within a width; at least one does."""
    part: list[int] = []
    used = widths[0]
    for at, wide in enumerate(widths[1:], 1):
        if part and used + 2 + wide > width:
            yield part
            part, used = [], widths[0]
        part.append(at)
        used += 2 + wide
    yield part


def interval(score: Mapping[str, Any], name: str) -> str:
    """` [low–high]` in percent if the score has an interval of that name."""
    bounds = (score.get("interval") or {}).get(name)
    return f" [{percent(bounds[0])}–{percent(bounds[1])}]" if bounds else ""
