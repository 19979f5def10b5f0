"""The journal beside the output: every outcome in order, so that a run killed at any moment can go on.

One line an outcome: a checksum, a head `[kind, number, id, digest, unread]`, a tab, the payload. The first
line holds what the run is (inputs, options, versions). A line that is torn or damaged ends what counts.
"""

from __future__ import annotations

import contextlib
import os
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import orjson

from cart_nlp.batch.jobs import BatchError, Outcome
from cart_nlp.places import lock

FLUSH_SECONDS = 0.5


class Journal:
    """Append-only file of outcomes: made anew or continued, added to, and read back with `outcomes`."""

    def __init__(self, path: Path, header: dict[str, Any], resume: bool) -> None:
        """Open for this run and lock it. With `resume`, keep what an equal run (same header but for its
        `session`) has left; raises BatchError if the journal is of another run or in use."""
        self.path = path
        self.header = header
        self.last = -1
        self.counts: dict[str, int] = {
            "record": 0,
            "below": 0,
            "screened": 0,
            "reject": 0,
            "same": 0,
            "still": 0,
            "again": 0,
        }
        self.unread = 0
        """Trials whose text was not read whole; `longest` has the most characters left out, and its id."""
        self.longest = (0, "")
        self.astray = 0
        """Rejects that may be of any trial, or with which others may be missing."""
        self.read: int | None = None
        self.merges: list[str] = []
        self.merged = 0
        self.corrections: dict[str, Any] = {}
        self.notes: list[str] = []
        self._clock = 0.0
        self._file = _opened(path)
        try:
            self.found = os.fstat(self._file.fileno()).st_size > 0
            self._file.truncate(self._recover() if resume else 0)
            self._file.seek(0, os.SEEK_END)
            if self._file.tell() == 0:
                self._put(Outcome(-1, "run", "", "", orjson.dumps(header)))
                self._file.flush()
        except BaseException:
            self._file.close()
            raise

    def __len__(self) -> int:
        """How many outcomes it holds."""
        return sum(self.counts.values())

    @property
    def finished(self) -> bool:
        """Whether all inputs were read to their end."""
        return self.read is not None

    def add(self, outcome: Outcome) -> None:
        """Append one outcome; it is on its way to the disk within half a second."""
        self._put(outcome)
        self._count(outcome)
        now = time.monotonic()
        if now - self._clock > FLUSH_SECONDS:
            self._file.flush()
            self._clock = now

    def finish(
        self, read: int, merged: int, merges: list[str], corrections: dict[str, Any], notes: list[str]
    ) -> None:
        """Note that all inputs were read, how many records they held, and which of them were merged.

        `corrections` is what became of a curator's decisions, `notes` what to know of the inputs.
        """
        self.read, self.merged, self.merges, self.corrections = read, merged, merges, corrections
        self.notes = notes
        told = {"merges": merges, "corrections": corrections, "notes": notes}
        self._put(Outcome(read, "end", "", str(merged), orjson.dumps(told)))
        self._file.flush()

    def outcomes(self) -> Iterator[Outcome]:
        """All outcomes so far, in order; raises BatchError at their end if some cannot be read back."""
        self._file.flush()
        given = 0
        with self.path.open("rb") as lines:
            next(lines, None)
            for line in lines:
                found = _parsed(line)
                if found is not None and found.kind != "end":
                    given += 1
                    yield found
        if given != len(self):
            raise BatchError(
                f"{self.path}: holds {given:,} of {len(self):,} outcomes: something else has changed it; "
                "run again without --resume"
            )

    def records(self) -> Iterator[bytes]:
        """The JSON of every record to be written, in order."""
        return (outcome.payload for outcome in self.outcomes() if outcome.kind == "record")

    def rejects(self) -> Iterator[bytes]:
        """The lines of the rejects file, in order."""
        return (outcome.payload for outcome in self.outcomes() if outcome.kind == "reject")

    def close(self) -> None:
        """Write what is buffered, if the disk lets us, and release the lock; an empty journal goes away."""
        if len(self) == 0 and not self.finished:
            self.path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # a full disk was reported where it first showed
            self._file.close()

    def remove(self) -> None:
        """Close and delete it: the output is complete."""
        self.path.unlink(missing_ok=True)
        self._file.close()

    def _count(self, outcome: Outcome) -> None:
        self.counts[outcome.kind] += 1
        self.last = outcome.number
        self.astray += outcome.kind == "reject" and not outcome.id
        if outcome.unread:
            self.unread += 1
            self.longest = max(self.longest, (outcome.unread, outcome.id))

    def _put(self, outcome: Outcome) -> None:
        number, kind, trial_id, digest, payload, unread = outcome
        body = orjson.dumps([kind, number, trial_id, digest, unread]) + b"\t" + payload
        self._file.write(b"%08x %b\n" % (zlib.crc32(body), body))

    def _recover(self) -> int:
        """Length of the good part, whose counts are taken over; 0 if there is none."""
        good = 0
        self._file.seek(0)
        for line in self._file:
            found = _parsed(line)
            if found is None or self.finished:
                break
            if good == 0:
                self._check(found)
            elif found.kind == "end":
                self.read, self.merged = found.number, int(found.digest)
                told = orjson.loads(found.payload)
                self.merges, self.corrections = told["merges"], told["corrections"]
                self.notes = told["notes"]
            else:
                self._count(found)
            good += len(line)
        return good

    def _check(self, found: Outcome) -> None:
        before = orjson.loads(found.payload) if found.kind == "run" else {}
        ours = orjson.loads(orjson.dumps(self.header))
        differing = [
            key
            for key in sorted(before.keys() | ours.keys())
            if key != "session" and before.get(key) != ours.get(key)
        ]
        if differing:
            raise BatchError(
                f"{self.path} is of a run with other {', '.join(differing)}; "
                "resume with the same inputs and options, or start over without --resume"
            )
        self.header = before


def _parsed(line: bytes) -> Outcome | None:
    """The outcome that a line holds, or None for a damaged one."""
    if not line.endswith(b"\n") or line[8:9] != b" ":
        return None
    body = line[9:-1]
    try:
        if int(line[:8], 16) != zlib.crc32(body):
            return None
    except ValueError:
        return None
    head, _, payload = body.partition(b"\t")
    kind, number, trial_id, digest, *more = orjson.loads(head)
    return Outcome(number, kind, trial_id, digest, payload, *more)


def _opened(path: Path) -> IO[bytes]:
    """Open and lock the journal before a byte of it is changed; raises BatchError if a run holds it."""
    while True:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        file = os.fdopen(os.open(path, flags, 0o666), "r+b")
        try:
            if not lock(file.fileno()):
                raise BatchError(f"{path} is in use: another run is writing this output")
            if os.path.samestat(os.fstat(file.fileno()), os.lstat(path)):
                return file
        except FileNotFoundError:
            pass  # another run has just ended and removed it
        except BaseException:
            file.close()
            raise
        file.close()
