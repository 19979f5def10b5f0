"""Readers of registry dumps, one a format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cart_nlp.registries import jsonreader
from cart_nlp.registries.entry import Entry, InputError, Reject, Rejected
from cart_nlp.registries.reading import READERS, read
from cart_nlp.schema import Trial

__all__ = ["READERS", "Entry", "InputError", "Reject", "Rejected", "from_mapping", "read"]


def from_mapping(data: Mapping[str, Any]) -> Trial:
    """The trial of one parsed JSON record of any known layout; raises Rejected if it makes none."""
    return jsonreader.shape_of(data).parse(data)
