"""Worker processes: on Linux copies of one server process that has loaded the pipeline, elsewhere fresh ones.

The server may start before its parent has imported anything heavy: both load at once. A single worker needs
no server: it is a copy of its parent, made while that has one thread.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import forkserver, resource_tracker, spawn, util
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

COPIES = sys.platform == "linux"
"""Whether workers are copied from a server. macOS has it too, but its libraries do not bear to be copied."""
MOST_WORKERS = 10_000
"""Beyond what any machine starts."""
PRELOAD = "CART_NLP_PRELOAD"
"""Environment variable that tells the server which lexicons to load, as a JSON list of folders."""

_starting, _leading = threading.Lock(), threading.Lock()
_loaded = threading.Event()
"""Set once a process was started: from then on a start is a matter of milliseconds."""


def context() -> BaseContext:
    """How workers are started here."""
    _tracked()
    if not COPIES:
        return multiprocessing.get_context("spawn")
    from cart_nlp.batch.handles import Context  # Windows lacks what it is made of

    return Context()


@contextlib.contextmanager
def served(wanted: bool, lexicons: tuple[str, ...]) -> Iterator[None]:
    """Start the server now, which loads the pipeline with these lexicons; it ends with the block."""
    if not (wanted and COPIES):
        yield
        return
    with _starting, _ready(lexicons):
        pass
    try:
        yield
    finally:
        stop()


def started(start: Callable[[], object], lexicons: tuple[str, ...] | None) -> BaseProcess | None:
    """The process that a call starts, None if it has died at once; waits until the server has loaded.

    The server loads the pipeline with these lexicons, or nothing for None, unless it runs already.
    """
    with _starting, _ready(lexicons), _without_main():
        process = _new(start)
        _loaded.set()
        return process


def _new(start: Callable[[], object]) -> BaseProcess | None:
    before = set(multiprocessing.active_children())
    start()
    return next(iter(set(multiprocessing.active_children()) - before), None)


def copyable() -> bool:
    """Whether this process may be copied as it is: it has one thread, so that none holds a lock for ever."""
    try:
        return COPIES and sum(1 for _ in Path("/proc/self/task").iterdir()) == 1
    except OSError:
        return False


def copied(start: Callable[[], object]) -> BaseProcess | None:
    """The process that a call starts as a copy of this one, None if it has died at once."""
    with _free_to_start(), _deaf_to_interrupts():
        return _new(start)


def give_up() -> None:
    """End a server that still loads: whoever waits for a start gets EOFError."""
    pid = getattr(_server(), "_forkserver_pid", None)
    if pid is not None and not _loaded.is_set():
        os.kill(pid, signal.SIGKILL)


def stop() -> None:
    """End the server, and all workers there are."""
    server = _server()
    pid = getattr(server, "_forkserver_pid", None)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):  # it has ended by itself
            os.kill(pid, signal.SIGKILL)
            server._stop()
        _loaded.clear()


def let_go() -> None:
    """In a worker: the server, and with it the worker, ends with the parent, even if the worker is stuck.

    A copy holds the pipe by which the server sees that its parent has gone; without this, only the alarm of
    `alarm.limit` would end it.
    """
    held = getattr(_server(), "_forkserver_alive_fd", None)
    if held is not None:
        with contextlib.suppress(OSError):
            os.close(held)


def _server() -> Any:
    """The standard library's handle of the server: there is no public way to end one."""
    return getattr(forkserver, "_forkserver", None)


@contextlib.contextmanager
def _ready(lexicons: tuple[str, ...] | None) -> Iterator[None]:
    """Within, processes can be started."""
    _tracked()
    with _free_to_start(), _deaf_to_interrupts():
        if not COPIES:
            with _on_our_path():
                yield
            return
        if lexicons is not None:
            os.environ[PRELOAD] = json.dumps(lexicons)
        try:
            forkserver.set_forkserver_preload(["cart_nlp.batch.preload"])
            with _on_our_path():
                forkserver.ensure_running()
        finally:
            os.environ.pop(PRELOAD, None)
        yield


def _tracked() -> None:
    """Start the standard library's process that clears up after others.

    Else the first lock or worker would start it: looking for modules in the current folder, and with Ctrl-C
    no longer held back.
    """
    if hasattr(signal, "pthread_sigmask"):
        with _on_our_path():
            resource_tracker.ensure_running()


@contextlib.contextmanager
def _on_our_path() -> Iterator[None]:
    """A Python that is started within looks for modules where we do.

    As `python -c` it would look in the current folder first, and run a `cart_nlp` or a `random.py` there;
    the standard library has no setting for that, so its two ways to start one are led here meanwhile.
    """
    where = [folder for folder in spawn.get_preparation_data("")["sys_path"] if isinstance(folder, str)]
    first = f"import sys; sys.path[:] = {where!a}; "

    def led(arguments: Sequence[Any]) -> list[Any]:
        at = arguments.index("-c") + 1 if "-c" in arguments else 0  # a frozen program has its modules in it
        if not at or arguments[at].startswith(first):
            return list(arguments)
        return [*arguments[:at], first + arguments[at], *arguments[at + 1 :]]

    with _leading:
        command_line, spawnv = spawn.get_command_line, util.spawnv_passfds
        spawn.get_command_line = lambda **told: led(command_line(**told))
        util.spawnv_passfds = lambda path, args, passfds: spawnv(path, led(args), passfds)
        try:
            yield
        finally:
            spawn.get_command_line, util.spawnv_passfds = command_line, spawnv


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """A process that this thread starts within does not run the script of the program that we are in.

    Workers need nothing of it, and without an `if __name__ == "__main__":` in it each would start others.
    """
    whole, ours = spawn.get_preparation_data, threading.get_ident()

    def prepared(name: str) -> dict[str, Any]:
        found = whole(name)
        if threading.get_ident() == ours:  # what the program's own threads start is left as it is
            found.pop("init_main_from_name", None)
            found.pop("init_main_from_path", None)
        return found

    spawn.get_preparation_data = prepared
    try:
        yield
    finally:
        spawn.get_preparation_data = whole


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
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
