"""Worker processes in executors of the standard library: order is kept, and the end of a worker survived."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import RawArray
from typing import Any

from cart_nlp.batch import processes, worker
from cart_nlp.batch.jobs import BatchError, Job, Outcome, TaggerSource, packed, rejected, tag_job

CHUNK = 16
"""Records handed to a worker at once, which it tags side by side: with half as many each costs 3 % more, with
twice as many hardly less, and they are shared less fairly."""
PLATES = 2
"""Chunks that a worker has at a time: one that it is at, and one so that it need not wait."""
WINDOW = 1024
"""Records that may be under way or wait for their turn in the order."""
WINDOW_BYTES = 64 << 20
"""Bytes of input that may be under way, whatever their number; one record may be larger alone."""
WORTH = CHUNK if processes.COPIES else 600
"""Records that wait for each worker and make another one worth its start."""
UNASKED = 400
"""The same where nobody asked for one: it loads as long as 200 records take, and has to gain by that."""
MOST = 4
"""Workers at most where nobody said how many."""
LOADING = 180.0
"""Seconds within which a worker must have loaded."""
STARTS = 3
"""Workers in a row that may die while they load before the run is given up."""


class _Desk:
    """An executor of one process, and what this shows of the record that it is at."""

    def __init__(self, context: BaseContext) -> None:
        self.at = RawArray("q", worker.AT_REST)
        self.executor = ProcessPoolExecutor(1, context, worker.begin, (self.at,))
        self.process: BaseProcess | None = None

    def taken(self, process: BaseProcess | None) -> None:
        """Its process is there, or has died at once."""
        self.process = process
        if process is not None:
            # Else one that is killed while it answers would leave us waiting for the rest: the standard
            # library keeps an end of the pipe open here that it never writes to.
            self.executor._result_queue._writer.close()  # type: ignore[attr-defined]


_spare: list[_Desk] = []


@contextlib.contextmanager
def copied(source: TaggerSource, at_once: bool) -> Iterator[None]:
    """Within, the first worker of a pool is a copy of this process as it is now.

    It loads what tags `at_once`, or when it gets work. One that dies is followed by copies of a server, and
    so is one that the system does not grant.
    """
    first = (worker.load, source) if at_once else (os.getpid,)
    try:
        desk = _Desk(multiprocessing.get_context("fork"))
        desk.taken(processes.copied(lambda: desk.executor.submit(*first)))
    except OSError:
        yield
        return
    _spare.append(desk)
    try:
        yield
    finally:
        if desk in _spare:
            _spare.remove(desk)
            if desk.process is not None:
                desk.process.kill()
        desk.executor.shutdown(cancel_futures=True)
        processes.stop()


class _Seat:
    """One worker: an executor of its own, so that its end is told apart from that of all others."""

    def __init__(self, source: TaggerSource, keep_all: bool, timeout: float) -> None:
        self._desk = _spare.pop() if _spare else _Desk(processes.context())
        self._work = source, keep_all, timeout
        self._shown, self._since = worker.AT_REST, time.monotonic()
        self.up = False
        self.ready: Future[str | None] = Future()
        self.plates: deque[tuple[list[Job], Future[list[Outcome]]]] = deque()
        # In a thread: a start waits until the server has loaded, and the first records can be read meanwhile.
        self._starting = threading.Thread(target=self._start, daemon=True)
        self._starting.start()

    def _start(self) -> None:
        source = self._work[0]
        try:
            if self._desk.process is None:
                lexicons = source.arguments[0] if source.load is worker.load_tagger else None
                self._desk.taken(processes.started(self._load, lexicons))
            else:
                self._load()
        except (OSError, EOFError, BrokenExecutor) as fault:  # no more processes, or the server has ended
            self.ready.set_exception(fault)

    def _load(self) -> None:
        self._desk.executor.submit(worker.load, *self._work).add_done_callback(self._told)

    def _told(self, first: Future[str | None]) -> None:
        fault = EOFError() if first.cancelled() else first.exception()
        if fault is not None:
            self.ready.set_exception(fault)
        else:
            self.ready.set_result(first.result())

    @property
    def pid(self) -> int | None:
        """Its process, once there is one."""
        return self._desk.process.pid if self._desk.process else None

    def pending(self) -> Future[Any] | None:
        """What it is to say next."""
        return self.plates[0][1] if self.plates else None if self.up else self.ready

    def send(self, jobs: list[Job], data: bytes) -> None:
        """Give it a chunk."""
        if not self.plates:
            self._shown, self._since = worker.AT_REST, time.monotonic()
        try:
            future = self._desk.executor.submit(worker.tag_chunk, data)
        except BrokenExecutor as fault:  # it died while it had nothing to do
            future = Future()
            future.set_exception(fault)
        self.plates.append((jobs, future))

    def late(self, seconds: float) -> bool:
        """Whether a record, in all its steps so far, or loading has taken longer than it may."""
        record, before = shown = tuple(self._desk.at)
        now = time.monotonic()
        if shown != self._shown:
            self._shown, self._since = shown, now
        spent = now - self._since + before / 1000
        return (record != worker.IDLE or not self.up) and spent > seconds

    def suspect(self) -> int:
        """Number of the record that it is at, or was when it died."""
        return int(self._desk.at[0])

    def leave(self) -> int:
        """End it, at once if it is busy; its exit code."""
        if self._starting.is_alive():
            processes.give_up()
            self._starting.join()
        process = self._desk.process
        if process is not None and (self.plates or not self.up):
            process.kill()
        self._desk.executor.shutdown(cancel_futures=True)
        return (process.exitcode if process else None) or 0


class Pool:
    """Tags jobs in worker processes; see `outcomes`.

    A record on which a worker dies, or takes longer than `timeout` seconds, is tried once more in a fresh
    worker and then rejected; the others go on.
    """

    def __init__(self, source: TaggerSource, *, workers: int | None, timeout: float, keep_all: bool) -> None:
        """With `workers` None there are as many as pay, at most MOST and one for each processor."""
        self._source = source
        self._workers = min(MOST, _processors()) if workers is None else workers
        self._worth = max(WORTH, UNASKED) if workers is None else WORTH
        self._timeout = timeout
        self._keep_all = keep_all
        self._seats: list[_Seat] = []
        self._waiting: deque[Job] = deque()
        self._suspects: deque[Job] = deque()
        self._tried: set[int] = set()
        self._done: dict[int, Outcome] = {}
        self._order: deque[tuple[int, int]] = deque()
        self._bytes = 0
        self._false_starts = 0

    def warm(self, workers: int = 1, wait_for: bool = False) -> None:
        """Start so many workers now, so that they load while the first records are read; or `wait_for` it."""
        while len(self._seats) < workers:
            self._hire()
        while wait_for and not all(seat.up for seat in self._seats):
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
            if self._suspects or self._waiting or any(seat.plates for seat in self._seats):
                self._staff()
                self._hand_out()
                self._collect(0.0 if more and self._room() else 1.0)

    def close(self) -> None:
        """End the workers; those that are busy are killed."""
        for seat in self._seats:
            seat.leave()
        self._seats.clear()

    def pids(self) -> list[int]:
        """Process ids of the workers that live now."""
        return [seat.pid for seat in self._seats if seat.pid is not None]

    def _room(self) -> bool:
        return len(self._order) < WINDOW and self._bytes < WINDOW_BYTES

    def _take(self, jobs: Iterator[Job | Outcome | None]) -> bool:
        for _ in range(2 * CHUNK):
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

    def _hire(self) -> None:
        self._seats.append(_Seat(self._source, self._keep_all, self._timeout))

    def _staff(self) -> None:
        while len(self._seats) < self._workers:
            if self._seats and len(self._waiting) <= self._worth * len(self._seats):
                return
            self._hire()

    def _hand_out(self) -> None:
        for full in range(PLATES):
            for seat in self._seats:
                if (self._suspects or self._waiting) and seat.up and len(seat.plates) == full:
                    self._serve(seat)

    def _serve(self, seat: _Seat) -> None:
        if self._suspects:
            chunk = [self._suspects.popleft()]
        else:
            chunk = [self._waiting.popleft() for _ in range(min(CHUNK, len(self._waiting)))]
        data, chunk, refused = packed(chunk)
        self._done |= {outcome.number: outcome for outcome in refused}
        if chunk:
            seat.send(chunk, data)

    def _collect(self, patience: float) -> None:
        pending = [future for seat in self._seats if (future := seat.pending())]
        if patience and pending:
            wait(pending, min(patience, self._timeout / 4), FIRST_COMPLETED)
        for seat in list(self._seats):
            if seat.up or self._is_up(seat):
                self._listen(seat)

    def _is_up(self, seat: _Seat) -> bool:
        """Whether a worker has loaded just now; one that failed to is cleared away."""
        if not seat.ready.done() and not seat.late(LOADING):
            return False
        fault = seat.ready.exception() if seat.ready.done() else TimeoutError()
        if fault is None:
            if reason := seat.ready.result():
                raise BatchError(f"the tagger cannot be loaded: {reason}")
            seat.up, self._false_starts = True, 0
            return True
        code = seat.leave()
        self._seats.remove(seat)
        self._false_starts += 1
        if self._false_starts >= STARTS:
            raise BatchError(
                f"{STARTS} workers in a row failed to load ({_end(code)}); is there enough memory?"
            )
        return False

    def _listen(self, seat: _Seat) -> None:
        while seat.plates and seat.plates[0][1].done():
            fault = seat.plates[0][1].exception()
            if fault is not None:
                self._bury(seat, None if isinstance(fault, BrokenExecutor) else fault)
                return
            for outcome in seat.plates.popleft()[1].result():
                self._tried.discard(outcome.number)
                self._done[outcome.number] = outcome
        if seat.late(self._timeout):
            self._bury(seat, TimeoutError())

    def _bury(self, seat: _Seat, fault: BaseException | None) -> None:
        """Clear away a dead worker, or one to be ended: the record that it was at is the suspect, the rest
        goes back in line."""
        number = seat.suspect()
        code = seat.leave()
        self._seats.remove(seat)
        for job in reversed([job for jobs, _ in seat.plates for job in jobs]):
            if job.number != number:
                self._waiting.appendleft(job)
            elif number not in self._tried:
                self._tried.add(number)
                self._suspects.append(job)
            else:
                self._tried.remove(number)
                how = f"ended the worker process ({_end(code) if fault is None else type(fault).__name__})"
                if isinstance(fault, TimeoutError):
                    how = f"took longer than {self._timeout:g} s"
                self._done[number] = rejected(job, f"tagging it {how}, twice")


def inline(source: TaggerSource, jobs: Iterable[Job | Outcome | None], keep_all: bool) -> Iterator[Outcome]:
    """The same stream in this process: for tests and debuggers, without protection from a bad record."""
    tagger = None
    for item in jobs:
        if isinstance(item, Outcome):
            yield item
        elif item is not None:
            tagger = tagger or source()
            yield tag_job(tagger, item, keep_all)


def _processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _end(code: int) -> str:
    """How a process ended."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
