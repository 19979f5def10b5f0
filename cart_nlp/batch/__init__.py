"""The stream from inputs to output: screen, tag in worker processes, journal, write."""

from __future__ import annotations

from cart_nlp.batch.jobs import BatchError, Interrupted
from cart_nlp.batch.options import Options, Summary
from cart_nlp.batch.run import run

__all__ = ["BatchError", "Interrupted", "Options", "Summary", "run"]
