"""The worker process: load once, then answer every job with its outcome until the pipe closes."""

from __future__ import annotations

import gc
import os
import threading
from multiprocessing import parent_process
from multiprocessing.connection import Connection

from cart_nlp.batch.jobs import FAULTS, TaggerSource, tag_job, unpacked


def work(pipe: Connection) -> None:
    """Serve jobs from the pipe: first comes the tagger's source and whether all records are kept, then jobs.

    Says None when it is up, or the reason why it cannot be, then one outcome a job.
    """
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    try:
        told: tuple[TaggerSource, bool] = pipe.recv()
        source, keep_all = told
        try:
            tagger = source()
        except (OSError, ImportError, *FAULTS) as fault:
            pipe.send(f"{type(fault).__name__}: {fault}")
            return
        gc.collect()
        gc.freeze()  # what the pipeline loaded stays for good: no collection needs to walk through it
        pipe.send(None)
        while True:
            for job in unpacked(pipe.recv_bytes()):
                pipe.send(tag_job(tagger, job, keep_all))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent has closed the pipe or is gone


def _leave_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
