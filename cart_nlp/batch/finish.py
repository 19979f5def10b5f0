"""The end of a run: outputs written beside their place and renamed into it, the journal removed last."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import orjson

from cart_nlp.batch.earlier import hashes, tagger_key
from cart_nlp.batch.jobs import Outcome, without_surrogates
from cart_nlp.batch.journal import Journal
from cart_nlp.batch.provenance import Hashing, fingerprint
from cart_nlp.batch.target import Target
from cart_nlp.places import begun
from cart_nlp.registries.clinicaltrials import aactdatabase
from cart_nlp.writers import STORES, writer
from cart_nlp.writers.flat import escaped

if TYPE_CHECKING:
    from cart_nlp.batch.options import Options, Summary
    from cart_nlp.batch.store import Store

STDERR_REJECTS = 20
"""Rejects told one by one when there is no file for them."""


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
    summary.corrections = before.get("corrected", {})
    summary.files = [target.shown(target.out)]
    target.clear()
    lists = (target.rejects, target.screened)
    part = _provenance(target, journal, summary, options, hashing, lists)
    _synced(part)
    part.replace(target.run)
    target.clear()
    return summary


def _complete(
    target: Target,
    journal: Journal,
    store: Store | None,
    summary: Summary,
    options: Options,
    hashing: Hashing,
) -> None:
    target.clear()
    moves: list[tuple[Path, Path]] = []
    if target.suffix in STORES:
        assert store is not None
        summary.store = store.apply(journal, not (summary.faults or summary.empty), target.stage(target.out))
        files = [target.out]
    else:
        parts = writer(target.suffix)(journal.records(), target.stage(target.out), options.guard)
        moves = [(path, target.out.with_name(path.name)) for path in parts]
        files = [final for _, final in moves]
    if summary.rejected or options.rejects:
        part = target.stage(target.rejects)
        _lines(journal.rejects(), part)
        moves.append((part, target.rejects))
        files.append(target.rejects)
    elif target.rejects.is_file():
        target.rejects.unlink()  # of an earlier run: it would be taken for this one's
    if _lists(summary, options):
        part = target.stage(target.screened)
        everything = options.screened is not None
        _lines(_unwritten(journal, store.unwritten() if store else {}, everything), part)
        moves.append((part, target.screened))
        files += [target.screened] if options.screened else []
    elif target.screened.is_file():
        target.screened.unlink()
    part = _provenance(target, journal, summary, options, hashing, [path for path, _ in moves])
    moves.append((part, target.run))
    for source, final in moves:
        _synced(source)
        source.replace(final)
    target.clear()
    summary.files = [target.shown(path) for path in files]
    changed = [source for source, was in zip(options.inputs, journal.header["inputs"], strict=True)
               if was is not None and without_surrogates(fingerprint(source)) != was]  # fmt: skip
    summary.notes += [f"{source}: changed while it was read; tag it again" for source in changed]


def _provenance(
    target: Target,
    journal: Journal,
    summary: Summary,
    options: Options,
    hashing: Hashing,
    written: Iterable[Path],
) -> Path:
    """Write what the run was, not yet at its place; for its owner alone where a database was read."""
    header = journal.header
    said = {
        **header["options"],
        "formula_guard": options.guard,
        "user_lexicons": list(options.lexicons),
        "workers": options.workers,
        "engine": options.engine,
    }
    finished = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    content = {"tool": "cart-nlp", **{name: header[name] for name in ("version", "lexicons", "model")}}
    content |= {"inputs": hashing.result(), "options": said, "counts": summary.counts()}
    content |= {"session": header["session"], "finished": finished, "faults": summary.faults}
    if summary.merges:
        content["merges"] = summary.merges
    content |= {"corrections": header["corrections"]}
    if header["corrections"]:
        content |= {"corrections_file": options.corrections, "corrected": summary.corrections}
    content |= {"outputs": hashes(written), "key": tagger_key(header), "prints": header["inputs"]}
    if _lists(summary, options):
        inside = target.screened.parent == target.out.parent
        content["screened_list"] = target.screened.name if inside else str(target.screened.absolute())
    part = target.stage(target.run)
    private = any(map(aactdatabase.recognizes, options.inputs))
    with begun(part, 0o600 if private else 0o666) as file:
        file.write(orjson.dumps(without_surrogates(content), option=orjson.OPT_INDENT_2) + b"\n")
    return part


def _lists(summary: Summary, options: Options) -> bool:
    """Whether a run lists what it read and did not write: where it was asked to, or tagged some of it."""
    return options.screened is not None or summary.below > 0


def _unwritten(journal: Journal, known: Mapping[str, bytes], everything: bool) -> Iterator[bytes]:
    """The lines of that list: of `everything` what the text screen let go, then what was tagged, in order.

    So it is the same where `--dedupe` tags all at the end. `known` has the lines of trials that a store did
    not tag again.
    """
    if everything and journal.counts["screened"]:
        yield from (outcome.payload for outcome in journal.outcomes() if outcome.kind == "screened")
    for outcome in journal.outcomes():
        if outcome.kind == "below":
            yield outcome.payload
        elif outcome.kind == "still":
            yield known[outcome.id]


def _lines(lines: Iterable[bytes], path: Path) -> None:
    with path.open("wb") as file:
        for line in lines:
            file.write(escaped(line) + b"\n")


def _synced(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


class Stdout:
    """Records as JSON lines on standard output, rejects to a file if one is named, else told in the notes.

    What is not written is listed in a file if one is named.
    """

    def __init__(self, stream: IO[bytes], rejects: str | None, screened: str | None = None) -> None:
        self.counts = {"record": 0, "below": 0, "screened": 0, "reject": 0}
        self.unread, self.longest = 0, (0, "")
        self.notes: list[str] = []
        self._stream = stream
        self._path = rejects
        self._rejects: IO[bytes] | None = None
        self._screened = Path(screened).open("wb") if screened else None  # noqa: SIM115 - closed by close()
        self._below: list[bytes] = []
        self._clock = 0.0

    def add(self, outcome: Outcome) -> None:
        """Write a record at once, or keep the reason of a reject."""
        self.counts[outcome.kind] += 1
        if outcome.unread:
            self.unread += 1
            self.longest = max(self.longest, (outcome.unread, outcome.id))
        if outcome.kind == "record":
            self._stream.write(escaped(outcome.payload) + b"\n")
            if time.monotonic() - self._clock > 0.2:
                self._stream.flush()
                self._clock = time.monotonic()
        elif outcome.kind == "reject":
            self._reject(outcome)
        elif outcome.kind == "below":
            self._below.append(outcome.payload)
        elif self._screened is not None:
            self._screened.write(escaped(outcome.payload) + b"\n")

    def close(self) -> None:
        """Write what is left."""
        self._stream.flush()
        if self._path is not None:
            self._reject_file().close()  # of none too: it would hold those of an earlier run
        if self._screened is not None:
            self._screened.writelines(escaped(line) + b"\n" for line in self._below)
            self._screened.close()
        more = self.counts["reject"] - STDERR_REJECTS
        if self._path is None and more > 0:
            self.notes.append(f"… and {more:,} more rejected; give --rejects FILE for all of them")

    def fault(self, error: OSError) -> str:
        """One line on what became of the output."""
        with contextlib.suppress(OSError, ValueError):
            # What is buffered cannot be written either; without this, Python says so again at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
        written = self.counts["record"]
        if error.filename:
            return f"{error.filename}: {error.strerror or error}; stopped after about {written:,} records"
        if error.errno == errno.EPIPE:
            return f"standard output was closed by its reader after about {written:,} records; stopped"
        return f"standard output: {error.strerror or error}; stopped after about {written:,} records"

    def _reject(self, outcome: Outcome) -> None:
        if self._path is not None:
            self._reject_file().write(escaped(outcome.payload) + b"\n")
        elif self.counts["reject"] <= STDERR_REJECTS:
            line = orjson.loads(outcome.payload)
            self.notes.append(f"rejected: {line['source']}: {line['place']}: {line['reason']}")

    def _reject_file(self) -> IO[bytes]:
        if self._rejects is None:
            self._rejects = Path(self._path or "").open("wb")  # noqa: SIM115 - closed by close()
        return self._rejects
