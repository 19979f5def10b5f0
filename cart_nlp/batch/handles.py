"""Processes that the server starts, whose end may be asked for by several threads at once."""

from __future__ import annotations

import os
import threading
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.popen_forkserver import Popen
from multiprocessing.process import BaseProcess


class _Handle(Popen):
    """The standard library's, which reads the exit code off a pipe where it stands once.

    Of two threads that read at the same time, as the executor's and that of a start do, the second would
    find nothing and put 255 over what the first one read.
    """

    def __init__(self, process: BaseProcess) -> None:
        self.reading = threading.Lock()
        super().__init__(process)

    def poll(self, flag: int = os.WNOHANG) -> int | None:
        """The exit code, None where it is not known yet, or another thread is about to read it."""
        if not self.reading.acquire(blocking=flag != os.WNOHANG):
            return None
        try:
            return super().poll(flag)
        finally:
            self.reading.release()


class _Process(ForkServerProcess):
    @staticmethod
    def _Popen(process_obj: BaseProcess) -> Popen:
        return _Handle(process_obj)


class Context(ForkServerContext):
    """How processes of the server are started."""

    Process = _Process
