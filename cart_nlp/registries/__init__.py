"""Readers of registry dumps, one a format."""

from __future__ import annotations

from cart_nlp.registries.entry import Entry, InputError, Reject, Rejected
from cart_nlp.registries.reading import READERS, read

__all__ = ["READERS", "Entry", "InputError", "Reject", "Rejected", "read"]
