"""Where a run writes: its files, none in the way of another or of an input, and the folder they pass."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from cart_nlp import writers
from cart_nlp.places import PlaceError, regular
from cart_nlp.writers import OutputError, suffix_of

if TYPE_CHECKING:
    from cart_nlp.batch.options import Options

STAGE = ".cart-nlp-part"
"""Ending of the folder beside an output in which its files are written; none but ours is named so."""

NATIVE = (".parquet", ".duckdb")
"""Suffixes of formats whose libraries open the file themselves, by a name in UTF-8."""


@dataclass(frozen=True)
class Target:
    """The files of a run: the output, and what stands beside it."""

    out: Path
    suffix: str
    rejects: Path
    screened: Path
    journal: Path
    run: Path
    beside: tuple[Path, ...] = ()
    """Further tables of a format that has some."""
    named: Mapping[Path, str] = field(default_factory=dict)
    """Those that the user has named -> by what."""

    @classmethod
    def of(cls, options: Options) -> Target:
        """Where a run writes; raises OutputError for a place that cannot be."""
        named = Path(options.out)
        suffix = suffix_of(named)
        out = writable(named)
        if suffix in NATIVE and any("\ud800" <= sign <= "\udfff" for sign in str(out)):
            raise OutputError(f"{out}: a {suffix} file has to have a name in UTF-8; choose another name")
        rejects = _named(options.rejects, "--rejects ") or beside(out, ".rejects.jsonl")
        screened = _named(options.screened, "--screened ") or beside(out, ".screened.ndjson")
        tables: tuple[Path, ...] = ()
        if suffix == ".parquet":
            tables = (writers.beside(out, "constructs"), writers.beside(out, "evidence"))
        given = {rejects: options.rejects, screened: options.screened, out: options.out}
        target = cls(
            out, suffix, rejects, screened, beside(out, ".journal"), beside(out, ".run.json"), tables,
            {path: str(Path(name)) for path, name in given.items() if name},
        )  # fmt: skip
        target._check(options)
        return target

    def _check(self, options: Options) -> None:
        """Raise OutputError if a file of the run is an input, another file of it, or something else."""
        own = [self.journal, self.run, *self.beside]
        own += [] if options.rejects else [self.rejects]
        own += [] if options.screened else [self.screened]
        for path in own:
            if path.is_symlink() or (path.exists() and not path.is_file()):
                what = "a symbolic link" if path.is_symlink() else "no file"
                raise OutputError(f"{path}: would be written beside {self.out.name} and is {what}; remove it")
        for stage in self._stages():
            if stage.is_symlink() or (stage.exists() and not stage.is_dir()):
                raise OutputError(f"{stage}: is in the way of the folder for unfinished files; remove it")
        for one, other in combinations(self._files(), 2):
            if is_same(one, other):
                raise OutputError(
                    f"{one}: would be {other.name} as well; choose another name for one of them"
                )
        guard_inputs(self._files(), options)

    def shown(self, path: Path) -> str:
        """A file of the run that is there, by the name that the user gave it, or as beside the output."""
        if path in self.named:
            return self.named[path]
        near = Path(self.named[self.out]).with_name(path.name)
        return str(near if is_same(near, path) else path)  # elsewhere, if the name is that of a link

    def _files(self) -> tuple[Path, ...]:
        wal = (beside(self.out, ".wal"),) if self.suffix == ".duckdb" else ()
        return (self.out, self.rejects, self.screened, self.journal, self.run, *self.beside, *wal)

    def stage(self, final: Path) -> Path:
        """Where a file is written before it is renamed to its place; no other user can reach there."""
        folder = _stage_of(self.out if final.parent == self.out.parent else final)
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / final.name

    def _stages(self) -> Iterator[Path]:
        yield _stage_of(self.out)
        for path in (self.rejects, self.screened):
            if path.parent != self.out.parent:
                yield _stage_of(path)

    def clear(self) -> None:
        """Remove what an unfinished attempt to write has left."""
        for folder in self._stages():
            if folder.is_dir() and not folder.is_symlink():
                shutil.rmtree(folder, ignore_errors=True)


def guard_inputs(files: tuple[Path, ...], options: Options) -> None:
    """Raise OutputError if a file that a run writes is one that it reads."""
    for path in files:
        for source in (*options.inputs, *filter(None, [options.corrections])):
            if is_same(Path(source), path):
                raise OutputError(f"{path}: is an input as well; choose another name for the output")
        for folder in options.lexicons:
            if path.exists() and path.is_relative_to(os.path.realpath(folder)):
                raise OutputError(f"{path}: is a lexicon of this run; choose another name for the output")


def _named(name: str | None, option: str) -> Path | None:
    return writable(Path(name), option) if name else None


def writable(named: Path, option: str = "") -> Path:
    """The regular file that a name stands for, there or not; raises OutputError if it is none."""
    try:
        return regular(named, "name a file" if option else "use -o - for standard output")
    except PlaceError as fault:
        raise OutputError(f"{option}{fault}") from None


def is_same(one: Path, other: Path) -> bool:
    """Whether two names are of one file, there or not."""
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return os.path.realpath(one) == os.path.realpath(other)


def beside(out: Path, ending: str) -> Path:
    """A file named after the output."""
    return out.with_name(out.name + ending)


def _stage_of(final: Path) -> Path:
    return beside(final, STAGE)
