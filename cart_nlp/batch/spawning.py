"""Worker processes; one may start before its parent has imported anything heavy: both load at once."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

_early: list[tuple[BaseProcess, Connection]] = []


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


def hire() -> tuple[BaseProcess, Connection]:
    """A worker process, an early one if there is one, and the pipe on which it waits to be told its work."""
    return _early.pop() if _early else _start(preload=False)


def _start(preload: bool) -> tuple[BaseProcess, Connection]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, preload), daemon=True, name="cart-nlp worker")
    with _deaf_to_interrupts():
        process.start()
    theirs.close()
    return process, ours


def _serve(pipe: Connection, preload: bool) -> None:
    """The process: what is slow to import comes first, then the work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    if preload:
        import spacy  # noqa: F401
    from cart_nlp.batch.worker import work

    work(pipe)


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
