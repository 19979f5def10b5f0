"""A pool of worker processes that keeps order, bounds what is under way, and survives its workers."""

from __future__ import annotations

import contextlib
import signal
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait

from cart_nlp.batch import spawning
from cart_nlp.batch.jobs import BatchError, Job, Outcome, TaggerSource, packed, rejected, tag_job

CHUNK = 8
"""Records handed to a worker at once: enough to hide the hand-over, few enough to share fairly."""
WINDOW = 1024
"""Records that may be under way or wait for their turn in the order."""
WINDOW_BYTES = 64 << 20
"""Bytes of input that may be under way, whatever their number; one record may be larger alone."""
WORTH, WORTH_FORK = 2.0, 0.1
"""Seconds of waiting work for each worker that make another one worth its start-up, or its fork."""
PACE, PACE_WEIGHT = 0.003, 50
"""Seconds that a record takes by experience, and how many measured ones that counts for."""
LOADING = 180.0
"""Seconds within which a worker must have loaded."""
STARTS = 3
"""Workers in a row that may die while they load before the run is given up."""


@dataclass(eq=False, slots=True)
class _Seat:
    process: spawning.Process
    pipe: Connection
    up: bool = False
    jobs: deque[Job] = field(default_factory=deque)
    since: float = field(default_factory=time.monotonic)


def _is_forked(seat: _Seat) -> bool:
    """Whether nobody could tell how this worker died: a suspect needs one whose end is told."""
    return isinstance(seat.process, spawning.Forked)


class Pool:
    """Tags jobs in worker processes; see `outcomes`.

    A record on which a worker dies, or takes longer than `timeout` seconds, is tried once more in a fresh
    worker and then rejected; the others go on.
    """

    def __init__(self, source: TaggerSource, *, workers: int, timeout: float, keep_all: bool) -> None:
        self._source = source
        self._workers = workers
        self._timeout = timeout
        self._keep_all = keep_all
        self._seats: list[_Seat] = []
        self._waiting: deque[Job] = deque()
        self._suspects: deque[Job] = deque()
        self._tries: dict[int, int] = {}
        self._done: dict[int, Outcome] = {}
        self._order: deque[tuple[int, int]] = deque()
        self._bytes = 0
        self._false_starts = 0
        self._false_forks = 0
        self._tagged = 0
        self._busy = 0.0

    def warm(self, workers: int = 1, wait: bool = False) -> None:
        """Start so many workers now, so that they load while the first records are read; or `wait` for it."""
        while len(self._seats) < workers:
            self._hire()
            while wait and not all(seat.up for seat in self._seats):
                self._collect(1.0)

    def outcomes(self, jobs: Iterator[Job | Outcome | None]) -> Iterator[Outcome]:
        """Outcomes in the order of the jobs. An Outcome among the jobs keeps its place; None is a pause
        in which the pool sees to its workers. Raises BatchError if no worker can be started."""
        more = True
        while more or self._order:
            if more and self._room():
                more = self._take(jobs)
            while self._order and self._order[0][0] in self._done:
                number, size = self._order.popleft()
                self._bytes -= size
                yield self._done.pop(number)
            if self._suspects or self._waiting or any(seat.jobs for seat in self._seats):
                self._staff()
                self._hand_out()
                self._collect(0.0 if more and self._room() else 1.0)
            elif not all(seat.up for seat in self._seats):
                self._collect(0.0)

    def close(self) -> None:
        """End the workers; those that are busy are killed."""
        for seat in self._seats:
            seat.pipe.close()
            if seat.jobs or not seat.up:
                seat.process.kill()
        for seat in self._seats:
            seat.process.join(2.0)
            if seat.process.is_alive():
                seat.process.kill()
                seat.process.join()
            seat.process.close()
        self._seats.clear()

    def pids(self) -> list[int]:
        """Process ids of the workers that live now."""
        return [seat.process.pid for seat in self._seats if seat.process.pid is not None]

    def _room(self) -> bool:
        return len(self._order) < WINDOW and self._bytes < WINDOW_BYTES

    def _take(self, jobs: Iterator[Job | Outcome | None]) -> bool:
        for _ in range(4 * CHUNK):
            try:
                item = next(jobs)
            except StopIteration:
                return False
            if item is None:
                break
            size = len(item.payload) if isinstance(item, Outcome) else item.size
            self._order.append((item.number, size))
            self._bytes += size
            if isinstance(item, Outcome):
                self._done[item.number] = item
            else:
                self._waiting.append(item)
            if not self._room():
                break
        return True

    def _pace(self) -> float:
        """Seconds that a record takes a worker."""
        return (self._busy + PACE * PACE_WEIGHT) / (self._tagged + PACE_WEIGHT)

    def _loaded(self) -> _Seat | None:
        """A worker that another one can be forked from."""
        return next((seat for seat in self._seats if seat.up), None) if self._forks() else None

    def _forks(self) -> bool:
        """Whether workers are forked here: where the system can, unless it failed again and again."""
        return spawning.FORKS and self._false_forks < STARTS

    def _hire(self) -> None:
        loaded = self._loaded()
        if loaded is None:
            self._start()
        else:
            self._seats.append(_Seat(*spawning.fork(loaded.pipe)))

    def _start(self) -> None:
        process, pipe = spawning.hire()
        with contextlib.suppress(OSError):  # dead already: found out when it is listened to
            pipe.send((self._source, self._keep_all, self._timeout))
        self._seats.append(_Seat(process, pipe))

    def _staff(self) -> None:
        while len(self._seats) < self._workers:
            if self._suspects and all(map(_is_forked, self._seats)):
                self._start()
                continue
            waiting = len(self._waiting) + len(self._suspects)
            worth = WORTH_FORK if self._forks() else WORTH
            if self._seats and waiting * self._pace() <= worth * len(self._seats):
                return
            if self._forks() and self._seats and self._loaded() is None:
                return  # once one has loaded, the others come at once
            self._hire()

    def _hand_out(self) -> None:
        for seat in list(self._seats):
            if not seat.up or seat.jobs:
                continue
            if self._suspects and not _is_forked(seat):
                chunk = [self._suspects.popleft()]
            elif self._waiting:
                chunk = [self._waiting.popleft() for _ in range(min(CHUNK, len(self._waiting)))]
            else:
                continue
            self._send(seat, chunk)

    def _send(self, seat: _Seat, chunk: list[Job]) -> None:
        data, chunk, refused = packed(chunk)
        self._done |= {outcome.number: outcome for outcome in refused}
        if not chunk:
            return
        seat.jobs.extend(chunk)
        seat.since = time.monotonic()
        try:
            seat.pipe.send_bytes(data)
        except OSError:
            self._bury(seat, "died")

    def _collect(self, patience: float) -> None:
        if not self._seats:
            return
        by_pipe = {seat.pipe: seat for seat in self._seats}
        for ready in wait(list(by_pipe), patience):
            if isinstance(ready, Connection):
                self._listen(by_pipe[ready])
        now = time.monotonic()
        for seat in list(self._seats):
            limit = self._timeout if seat.up else LOADING
            if (seat.jobs or not seat.up) and now - seat.since > limit:
                seat.process.kill()
                self._bury(seat, f"took longer than {limit:g} s")

    def _listen(self, seat: _Seat) -> None:
        try:
            while seat.pipe.poll():
                said = seat.pipe.recv()
                before, seat.since = seat.since, time.monotonic()
                if isinstance(said, str):
                    raise BatchError(f"the tagger cannot be loaded: {said}")
                if said is None or isinstance(said, int):
                    if isinstance(seat.process, spawning.Forked) and said is not None:
                        seat.process.told(said)
                        self._false_forks = 0
                    seat.up = True
                    self._false_starts = 0
                else:
                    outcome = Outcome(*said)
                    self._tagged += 1
                    self._busy += seat.since - before
                    seat.jobs.popleft()
                    self._tries.pop(outcome.number, None)
                    self._done[outcome.number] = outcome
        except (EOFError, OSError):
            self._bury(seat, "died")

    def _bury(self, seat: _Seat, how: str) -> None:
        """Clear away a dead worker; the record that it was on is the suspect, the rest goes back in line."""
        self._seats.remove(seat)
        seat.pipe.close()
        seat.process.kill()
        seat.process.join()
        code = seat.process.exitcode or 0
        seat.process.close()
        if how == "died":
            how = f"ended the worker process ({_signal_name(-code) if code < 0 else f'exit code {code}'})"
        if not seat.up and _is_forked(seat):
            self._false_forks += 1  # the worker that was asked may have died
            return
        if not seat.up:
            self._false_starts += 1
            if self._false_starts >= STARTS:
                raise BatchError(f"{STARTS} workers in a row failed to load ({how}); is there enough memory?")
            return
        if not seat.jobs:
            return
        suspect = seat.jobs.popleft()
        self._waiting.extendleft(reversed(seat.jobs))
        tries = self._tries.get(suspect.number, 0) + 1
        if tries == 1:
            self._tries[suspect.number] = tries
            self._suspects.append(suspect)
        else:
            del self._tries[suspect.number]
            reason = f"tagging it {how}, twice"
            outcome = rejected(suspect.number, suspect.source, suspect.place, None, reason)
            self._done[suspect.number] = outcome


def inline(source: TaggerSource, jobs: Iterable[Job | Outcome | None], keep_all: bool) -> Iterator[Outcome]:
    """The same stream in this process: for tests and debuggers, without protection from a bad record."""
    tagger = None
    for item in jobs:
        if isinstance(item, Outcome):
            yield item
        elif item is not None:
            tagger = tagger or source()
            yield tag_job(tagger, item, keep_all)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
