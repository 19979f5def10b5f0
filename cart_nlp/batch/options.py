"""What a run is asked to do, and what it says at its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cart_nlp.batch.processes import MOST_WORKERS
from cart_nlp.registries.entry import InputError

TIMEOUT = 120.0
"""Seconds that one record may take, in each of its two tries."""
SHORTEST = 0.1
"""Seconds that a record must be allowed: with less, every one would be rejected."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is to do; the fields are those of `cart-nlp tag`.

    `out` is a path, or `-` for JSON lines on standard output. `workers=0` tags in this process, `None`
    starts a second and further workers, up to the number of processors, where much waits for them. With
    `screened` the list of what was not written goes there and has what the text screen let go, too.
    Raises InputError for a value with which no run would end, or none would find anything.
    """

    inputs: tuple[str, ...]
    out: str
    keep_all: bool = False
    workers: int | None = None
    engine: Literal["local", "dask"] = "local"
    scheduler: str | None = None
    resume: bool = False
    rejects: str | None = None
    screened: str | None = None
    format: str | None = None
    mapping: Mapping[str, str] | None = None
    lexicons: tuple[str, ...] = ()
    dedupe: bool = False
    guard: bool = True
    corrections: str | None = None
    timeout: float = TIMEOUT

    def __post_init__(self) -> None:
        if not self.inputs:
            raise InputError("no input is named: give the path of a dump")
        if self.scheduler is not None and self.engine != "dask":
            raise InputError(f"scheduler={self.scheduler!r}: is for engine='dask' only; give that too")
        if self.workers is not None and not (isinstance(self.workers, int) and self.workers >= 0):
            raise InputError(f"workers={self.workers!r}: give a whole number, 0 or more")
        if self.workers is not None and self.workers > MOST_WORKERS:
            raise InputError(f"workers={self.workers!r}: give {MOST_WORKERS} or less")
        if not (isinstance(self.timeout, int | float) and self.timeout >= SHORTEST):  # nan is not, either
            raise InputError(f"timeout={self.timeout!r}: give {SHORTEST} seconds or more")


@dataclass
class Summary:
    """What became of the records: `read == screened + below + written + merged + rejected`.

    `below` were tagged and are neither product nor related; `merged` repeat a trial that is written; of
    `unread` trials not all text was read, because they are too long.
    `faults` are the inputs that could not be read, `empty` those of a search without a hit, `merges` says
    which records became one, `store` holds the changes of a store, `files` what was made, by the names that
    were given, `corrections` what became of a curator's decisions.
    """

    read: int = 0
    screened: int = 0
    below: int = 0
    written: int = 0
    merged: int = 0
    rejected: int = 0
    unread: int = 0
    tagged: int = 0
    seconds: float = 0.0
    already: bool = False
    faults: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    merges: list[str] = field(default_factory=list)
    store: dict[str, int] = field(default_factory=dict)
    corrections: dict[str, Any] = field(default_factory=dict)

    @property
    def kept(self) -> int:
        """Records of a store that this run neither wrote nor found there as they are."""
        return self.store.get("stored", self.written) - self.written

    @property
    def exit_code(self) -> int:
        """2 if an input could not be read, 1 if records were rejected, else 0."""
        return 2 if self.faults else 1 if self.rejected else 0

    def counts(self) -> dict[str, int]:
        """The numbers that do not depend on how the run was done."""
        names = ("read", "screened", "below", "written", "merged", "rejected")
        return {name: getattr(self, name) for name in names} | self.store
