"""The end of a run: outputs written beside their place and renamed into it, the journal removed last."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import orjson

from cart_nlp.batch.jobs import Outcome
from cart_nlp.batch.journal import Journal
from cart_nlp.batch.provenance import Hashing, fingerprint, run_json
from cart_nlp.writers import STORES, OutputError, suffix_of, writer
from cart_nlp.writers.flat import escaped

if TYPE_CHECKING:
    from cart_nlp.batch.options import Options, Summary
    from cart_nlp.store import Store

STDERR_REJECTS = 20
"""Rejects told one by one when there is no file for them."""


@dataclass(frozen=True)
class Target:
    """The files of a run: the output, and what stands beside it."""

    out: Path
    suffix: str
    rejects: Path
    journal: Path
    run: Path

    @classmethod
    def of(cls, options: Options) -> Target:
        """Where a run writes; raises OutputError for a place that cannot be."""
        named = Path(options.out)
        suffix = suffix_of(named)
        try:
            out = named.resolve()  # a symbolic link is written through, not replaced
            kind = out.stat().st_mode if out.exists() else stat.S_IFREG
        except (OSError, RuntimeError) as fault:
            raise OutputError(f"{named}: cannot be written: {fault}") from None
        if stat.S_ISDIR(kind):
            raise OutputError(f"{named}: is a directory; name a file in it, e.g. {named / 'records.csv'}")
        if not stat.S_ISREG(kind):
            raise OutputError(f"{named}: is not a regular file; use -o - for standard output")
        if not out.parent.is_dir():
            raise OutputError(f"{named}: there is no folder {out.parent}; make it first")
        rejects = Path(options.rejects) if options.rejects else _beside(out, ".rejects.jsonl")
        target = cls(out, suffix, rejects, _beside(out, ".journal"), _beside(out, ".run.json"))
        for source in options.inputs:
            if Path(source).resolve() in (out, rejects.resolve()):
                raise OutputError(f"{named}: is an input as well; choose another name for the output")
        if rejects.resolve() == out:
            raise OutputError(f"{named}: is the rejects file as well; choose another name for one of them")
        return target

    def clear(self) -> None:
        """Remove what an unfinished attempt to write has left."""
        part = _beside(self.out, ".part")
        parts = [part, _beside(self.rejects, ".part"), _beside(self.run, ".part")]
        if self.suffix == ".parquet":
            from cart_nlp.writers.parquet import beside

            parts += [beside(part, "constructs"), beside(part, "evidence")]
        for path in parts:
            path.unlink(missing_ok=True)

    def notes(self, journal: Journal, resume: bool) -> list[str]:
        """What the user should know about an earlier run that was not finished."""
        if journal.found and not resume:
            return ["an earlier run was not finished; started over (--resume would have continued it)"]
        if resume and journal.last >= 0:
            return [f"resumed: {len(journal):,} tagged records were kept from the earlier run"]
        return []

    def finished(self, header: dict[str, Any]) -> dict[str, Any] | None:
        """The counts of an equal run that was completed, or None."""
        try:
            before = orjson.loads(self.run.read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return None
        same = self.out.is_file() and before.get("key") == tagger_key(header)
        if not same or before.get("prints") != header["inputs"]:
            return None
        found: dict[str, Any] = before["counts"]
        return found

    def unchanged(self, header: dict[str, Any], hashing: Hashing, rejects: bool) -> dict[str, Any] | None:
        """What the last run said of itself, if this one would read the same bytes with the same tagger.

        Only a whole run counts, with its rejects file, if it had to have one (`rejects`), naming these files.
        """
        try:
            before: dict[str, Any] = orjson.loads(self.run.read_bytes())
            hashes = [source["sha256"] for source in before["inputs"]]
            sizes = [source["bytes"] for source in before["inputs"]]
            rejected = before["counts"]["rejected"] > 0
            paths = [source["path"] for source in before["inputs"]]
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
            return None
        same = before.get("key") == tagger_key(header) and not before.get("faults") and "session" in before
        if not same or None in hashes or self.rejects.is_file() != (rejects or rejected):
            return None
        if rejected and paths != [source and source["path"] for source in header["inputs"]]:
            return None
        if sizes != [source and source["bytes"] for source in header["inputs"]]:
            return None
        return before if hashes == [source["sha256"] for source in hashing.result()] else None


def _beside(out: Path, ending: str) -> Path:
    return out.with_name(out.name + ending)


def tagger_key(header: dict[str, Any]) -> str:
    """Hash of what a value depends on besides the trial's text: versions, lexicons and options."""
    options = {**header["options"], "store": None}
    parts = {name: header[name] for name in ("version", "lexicons", "model")} | {"options": options}
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()


def complete(
    target: Target,
    journal: Journal,
    store: Store | None,
    summary: Summary,
    options: Options,
    hashing: Hashing,
) -> None:
    """Write every file of the run and put it in place; can be repeated after a crash at any line."""
    try:
        _complete(target, journal, store, summary, options, hashing)
    except BaseException:
        target.clear()  # half an output only takes up space
        raise
    journal.remove()


def confirm(
    target: Target,
    journal: Journal,
    store: Store,
    before: dict[str, Any],
    options: Options,
    hashing: Hashing,
) -> Summary:
    """The end of a run whose inputs are those of the last one: only the time of the last look changes."""
    from cart_nlp.batch.options import Summary

    counts = before["counts"]
    summary = Summary(**{name: counts[name] for name in Summary().counts()}, merges=before.get("merges", []))
    summary.store = store.confirm(journal.header)
    summary.written = summary.store["stored"]
    summary.files = [str(target.out)]
    part = _beside(target.run, ".part")
    part.write_bytes(_provenance(journal, summary, options, hashing))
    _synced(part)
    part.replace(target.run)
    return summary


def _complete(
    target: Target,
    journal: Journal,
    store: Store | None,
    summary: Summary,
    options: Options,
    hashing: Hashing,
) -> None:
    moves: list[tuple[Path, Path]] = []
    if target.suffix in STORES:
        assert store is not None
        summary.store = store.apply(journal, complete=not summary.faults)
        summary.written = summary.store["stored"]
        files = [target.out]
    else:
        part = _beside(target.out, ".part")
        parts = writer(target.suffix)(journal.records(), part, options.guard)
        moves = [(path, path.with_name(path.name.removesuffix(".part"))) for path in parts]
        files = [final for _, final in moves]
    if summary.rejected or options.rejects:
        part = _beside(target.rejects, ".part")
        _lines(journal.rejects(), part)
        moves.append((part, target.rejects))
        files.append(target.rejects)
    elif target.rejects.is_file():
        target.rejects.unlink()  # of an earlier run: it would be taken for this one's
    part = _beside(target.run, ".part")
    part.write_bytes(_provenance(journal, summary, options, hashing))
    moves.append((part, target.run))
    for source, final in moves:
        _synced(source)
        source.replace(final)
    summary.files = [str(path) for path in files]
    changed = [source for source, was in zip(options.inputs, journal.header["inputs"], strict=True)
               if was is not None and fingerprint(source) != was]  # fmt: skip
    summary.notes += [f"{source}: changed while it was read; tag it again" for source in changed]


def _provenance(journal: Journal, summary: Summary, options: Options, hashing: Hashing) -> bytes:
    header = journal.header
    said = {
        **header["options"],
        "formula_guard": options.guard,
        "user_lexicons": list(options.lexicons),
        "workers": options.workers,
        "engine": options.engine,
    }
    identity = {name: header[name] for name in ("version", "lexicons", "model")}
    finished = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    extra = {"session": header["session"], "finished": finished, "faults": summary.faults}
    if summary.merges:
        extra["merges"] = summary.merges
    content = orjson.loads(run_json(identity, hashing.result(), said, summary.counts()))
    content |= extra | {"key": tagger_key(header), "prints": header["inputs"]}
    return orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n"


def _lines(lines: Iterable[bytes], path: Path) -> None:
    with path.open("wb") as file:
        for line in lines:
            file.write(escaped(line) + b"\n")


def _synced(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


class Stdout:
    """Records as JSON lines on standard output, rejects to a file if one is named, else told in the notes."""

    def __init__(self, stream: IO[bytes], rejects: str | None) -> None:
        self.counts = {"record": 0, "below": 0, "reject": 0}
        self.notes: list[str] = []
        self._stream = stream
        self._path = rejects
        self._rejects: IO[bytes] | None = None
        self._clock = 0.0

    def add(self, outcome: Outcome) -> None:
        """Write a record at once, or keep the reason of a reject."""
        self.counts[outcome.kind] += 1
        if outcome.kind == "record":
            self._stream.write(escaped(outcome.payload) + b"\n")
            if time.monotonic() - self._clock > 0.2:
                self._stream.flush()
                self._clock = time.monotonic()
        elif outcome.kind == "reject":
            self._reject(outcome)

    def close(self) -> None:
        """Write what is left."""
        self._stream.flush()
        if self._rejects is not None:
            self._rejects.close()
        more = self.counts["reject"] - STDERR_REJECTS
        if self._path is None and more > 0:
            self.notes.append(f"… and {more:,} more rejected; give --rejects FILE for all of them")

    def fault(self, error: OSError) -> str:
        """One line on what became of the output."""
        with contextlib.suppress(OSError, ValueError):
            # What is buffered cannot be written either; without this, Python says so again at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
        written = self.counts["record"]
        if error.errno == errno.EPIPE:
            return f"standard output was closed by its reader after about {written:,} records; stopped"
        return f"standard output: {error.strerror or error}; stopped after about {written:,} records"

    def _reject(self, outcome: Outcome) -> None:
        if self._path is not None:
            if self._rejects is None:
                self._rejects = Path(self._path).open("wb")  # noqa: SIM115 - closed by close()
            self._rejects.write(escaped(outcome.payload) + b"\n")
        elif self.counts["reject"] <= STDERR_REJECTS:
            line = orjson.loads(outcome.payload)
            self.notes.append(f"rejected: {line['source']}: {line['place']}: {line['reason']}")
