"""Readers of registry dumps, one a format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cart_nlp.registries.entry import Entry, InputError, Reject, Rejected
    from cart_nlp.registries.reading import READERS, read
    from cart_nlp.schema import Trial

__all__ = ["READERS", "Entry", "InputError", "Reject", "Rejected", "from_mapping", "read"]


def from_mapping(data: Mapping[str, Any]) -> Trial:
    """The trial of one parsed JSON record of any known layout; raises Rejected if it makes none."""
    from cart_nlp.registries.readers import jsonreader

    return jsonreader.shape_of(data).parse(data)


def __getattr__(name: str) -> Any:
    """Import the readers when one is first used: who normalizes a date needs none."""
    if name not in __all__:
        raise AttributeError(f"module 'cart_nlp.registries' has no attribute {name!r}")
    import importlib

    home = "reading" if name in ("READERS", "read") else "entry"
    return getattr(importlib.import_module(f"cart_nlp.registries.{home}"), name)
