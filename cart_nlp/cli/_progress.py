"""A line on the terminal that counts along, with percent and time left where the size is known."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from cart_nlp import console

Show = Callable[[str, float | None], None]
"""Draws what is reached, in words, and the share of the work that is done, if it is known."""

_PAUSE = 0.1


@contextlib.contextmanager
def counting() -> Iterator[Show | None]:
    """The line, gone when the work ends; None where standard error is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    # Drawn from this thread when there is news: no second thread while processes are started.
    line = Progress(
        SpinnerColumn(),
        TextColumn("{task.fields[share]}{task.description}", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}", style="progress.remaining"),
        TimeRemainingColumn(compact=True),
        console=console.screen(stderr=True),
        transient=True,
        auto_refresh=False,
    )
    task = line.add_task("starting", share="", left="", total=None)
    drawn = done = 0.0

    def show(said: str, share: float | None) -> None:
        nonlocal drawn, done
        now = time.monotonic()
        if now - drawn < _PAUSE:
            return
        drawn = now
        if share is None:
            line.update(task, description=said, share="", left="")
        else:
            if share < done:  # another stage begins
                line.reset(task)
            done = share
            line.update(task, description=said, share=f"{share:4.0%} ", left="left", completed=share, total=1)
        line.refresh()

    with line:
        yield show
