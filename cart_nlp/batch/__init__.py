"""The stream from inputs to output: screen, tag in worker processes, journal, write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cart_nlp.batch.jobs import BatchError, Interrupted, ReaderGone
    from cart_nlp.batch.options import Options, Summary
    from cart_nlp.batch.running import run

__all__ = ["BatchError", "Interrupted", "Options", "ReaderGone", "Summary", "run"]

_HOMES = {
    "BatchError": "jobs",
    "Interrupted": "jobs",
    "Options": "options",
    "ReaderGone": "jobs",
    "Summary": "options",
    "run": "running",
}


def __getattr__(name: str) -> Any:
    """Import the public names when they are first used, so that a worker can start before them."""
    if name not in _HOMES:
        raise AttributeError(f"module 'cart_nlp.batch' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"cart_nlp.batch.{_HOMES[name]}"), name)
