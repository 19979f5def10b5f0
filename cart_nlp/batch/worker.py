"""The worker process: load once, then answer every job with its outcome until the pipe closes."""

from __future__ import annotations

import gc
import os
import threading
from multiprocessing import parent_process
from multiprocessing.connection import Connection

from cart_nlp.batch.alarm import limit
from cart_nlp.batch.jobs import FAULTS, TaggerSource, tag_job, unpacked
from cart_nlp.batch.spawning import FORK, forked

GRACE = 5.0
"""Seconds beyond the time-out after which a stuck worker ends itself: its parent is gone."""


def work(pipe: Connection) -> None:
    """Serve jobs from the pipe: first come the tagger's source, whether all records are kept, and the seconds
    that one may take; then jobs.

    Says None when it is up, or the reason why it cannot be, then one outcome a job. Asked to, it forks: the
    copy serves a pipe of its own and says its process id first.
    """
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    try:
        told: tuple[TaggerSource, bool, float] = pipe.recv()
        source, keep_all, seconds = told
        try:
            tagger = source()
        except (OSError, ImportError, *FAULTS) as fault:
            pipe.send(f"{type(fault).__name__}: {fault}")
            return
        settle()
        pipe.send(None)
        while True:
            said = pipe.recv_bytes()
            if said == FORK:
                pipe = forked(pipe) or pipe
                continue
            for job in unpacked(said):
                with limit(seconds + GRACE):
                    outcome = tag_job(tagger, job, keep_all)
                pipe.send(outcome)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent has closed the pipe or is gone


def settle() -> None:
    """Keep the garbage collector off what the pipeline loaded, which stays for good and is shared by copies.

    A trial leaves little that only a collection can free, so it looks ten times less often than by default.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(7_000)


def _leave_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
