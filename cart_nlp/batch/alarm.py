"""A process that is stuck in one record ends, also where nobody is left to end it.

The kernel sees to that: a regular expression that does not return holds the interpreter's lock, so that no
thread of the process could.
"""

from __future__ import annotations

import contextlib
import ctypes
import signal
import sys
from collections.abc import Callable, Iterator

_PR_SET_PDEATHSIG = 1
_SHORTEST, _LONGEST = 0.001, 1e8
"""Least and most seconds that a timer is set to: none would switch it off; every system takes three years."""


@contextlib.contextmanager
def limit(seconds: float) -> Iterator[Callable[[float], object]]:
    """End this process if the block takes longer: nobody hears its alarm. What it gives sets the time anew.

    Does nothing where the system has no timers for processes (Windows).
    """
    if not hasattr(signal, "setitimer"):
        yield lambda seconds: None
        return
    _arm(seconds)
    try:
        yield _arm
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _arm(seconds: float) -> None:
    signal.setitimer(signal.ITIMER_REAL, min(max(seconds, _SHORTEST), _LONGEST))


def end_with_parent() -> None:
    """In a process that has just been started: the kernel ends it together with the one that started it.

    If that is gone already, `multiprocessing.parent_process` tells.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # a C library without prctl
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
