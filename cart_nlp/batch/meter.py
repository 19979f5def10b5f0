"""How far a run has come, told while it works."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple


class Reached(NamedTuple):
    """Records so far, and which share of the stage is done; None where its size is not known.

    With `dedupe` all is read before anything is tagged: two stages.
    """

    read: int
    written: int
    rejected: int
    share: float | None
    stage: Literal["reading", "tagging"] = "reading"


@dataclass
class Meter:
    """Counts the bytes that are read of the inputs, as they lie on the disk, and says so when there are more.

    `total` is None where an input is no file: a pipe or a database.
    """

    total: int | None = None
    done: int = 0
    moved: Callable[[], None] = lambda: None

    @classmethod
    def of(cls, sources: Sequence[str]) -> Meter:
        """The meter of some inputs; one that is not there counts nothing, its reader will say so."""
        try:
            paths = [Path(source) for source in sources]
            sizes = [path.stat().st_size if path.is_file() else None for path in paths]
        except (OSError, ValueError):
            return cls()
        return cls(None if None in sizes else sum(filter(None, sizes)))

    def __call__(self, count: int) -> None:
        self.done += count
        self.moved()

    @property
    def share(self) -> float | None:
        """The share that is read; None where it is not known, as in a workbook."""
        return min(1.0, self.done / self.total) if self.total and self.done else None
