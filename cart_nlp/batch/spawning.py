"""Worker processes; one may start before its parent has imported anything heavy: both load at once.

Where the system can (Linux), a worker that has loaded forks the others: they are there in a moment and share
its memory, where each would else load for two seconds.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import select
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from multiprocessing import reduction, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Protocol

from cart_nlp.batch.alarm import end_with_parent


def _can_fork() -> bool:
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:  # an old kernel, or a sandbox that forbids it
        return False
    return True


FORKS = _can_fork()
"""Whether workers are forked from each other: on Linux, where a process that is no child can be watched."""
FORK = b"fork"
"""The message that asks a worker for a fork; the new worker's end of its pipe follows."""


class Process(Protocol):
    """What the pool needs of a worker process; `exitcode` is None as well where nobody can tell it."""

    @property
    def pid(self) -> int | None: ...
    @property
    def exitcode(self) -> int | None: ...
    def kill(self) -> None: ...
    def join(self, timeout: float | None = None) -> None: ...
    def is_alive(self) -> bool: ...
    def close(self) -> None: ...


class Forked:
    """A worker that another one forked: no child of this process, so nobody tells its exit code."""

    exitcode = None

    def __init__(self) -> None:
        self.pid: int | None = None
        self._handle = -1

    def told(self, pid: int) -> None:
        """The new process has said its id; from here on it can be killed and waited for."""
        self.pid = pid
        with contextlib.suppress(OSError):  # gone already
            self._handle = os.pidfd_open(pid)

    def kill(self) -> None:
        """End it at once; one that has not said who it is ends by itself when its pipe is closed."""
        if self._handle >= 0:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended, at most so many seconds."""
        if self._handle >= 0:
            wait([self._handle], timeout)

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._handle >= 0 and not wait([self._handle], 0)

    def close(self) -> None:
        """Give back what watches it."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


_early: list[tuple[Process, Connection]] = []


@contextlib.contextmanager
def early(wanted: bool) -> Iterator[None]:
    """Start a worker now that loads what the real tagger needs; it ends with the block if nobody hires it."""
    if wanted:
        _early.append(_start(preload=True))
    try:
        yield
    finally:
        while _early:
            process, pipe = _early.pop()
            pipe.close()
            process.kill()
            process.join()
            process.close()


def hire() -> tuple[Process, Connection]:
    """A worker process, an early one if there is one, and the pipe on which it waits to be told its work."""
    return _early.pop() if _early else _start(preload=False)


def fork(loaded: Connection) -> tuple[Forked, Connection]:
    """A copy of the worker at the other end of a pipe; it says its process id as soon as it is there."""
    ours, theirs = multiprocessing.Pipe()
    with theirs, contextlib.suppress(OSError):  # that one is dead: this pipe then ends too
        loaded.send_bytes(FORK)
        reduction.send_handle(loaded, theirs.fileno(), 0)
    return Forked(), ours


def forked(pipe: Connection) -> Connection | None:
    """In a worker that was asked for a fork: the pipe of the new worker, in that one; None in this one."""
    handle = reduction.recv_handle(pipe)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for it
    with warnings.catch_warnings():
        # The thread that another Python may warn of waits for the parent's end and holds no lock.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            pid = os.fork()
        except OSError:  # no more processes: the pool sees that the new pipe has ended
            pid = -1
    if pid:
        os.close(handle)
        return None
    pipe.close()
    own = Connection(handle)
    threading.Thread(target=_leave_with_pipe, args=(handle,), daemon=True).start()
    own.send(os.getpid())
    return own


def _leave_with_pipe(handle: int) -> None:
    """End the process when the other end of its pipe is closed, whatever it is doing."""
    ends = select.poll()
    ends.register(handle, select.POLLRDHUP)
    ends.poll()
    os._exit(1)


def _start(preload: bool) -> tuple[Process, Connection]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, preload), daemon=True, name="cart-nlp worker")
    with _deaf_to_interrupts(), _free_to_start():
        process.start()
    theirs.close()
    return process, ours


def _serve(pipe: Connection, preload: bool) -> None:
    """The process: what is slow to import comes first, then the work."""
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    if preload:
        import spacy  # noqa: F401
    from cart_nlp.batch.worker import work

    work(pipe)


@contextlib.contextmanager
def _free_to_start() -> Iterator[None]:
    """Within, a daemonic process, as those of Dask are, may have children: ours end with it by themselves."""
    settings = multiprocessing.current_process()._config  # type: ignore[attr-defined]
    before = settings.get("daemon")
    settings["daemon"] = False
    try:
        yield
    finally:
        settings["daemon"] = before


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """A process started within never sees Ctrl-C, not even before its first line of Python runs."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # its own start would unblock the signal again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
