"""What a JSON record format is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cart_nlp.schema import Trial


class Shape(NamedTuple):
    """A JSON record format: how it is known, where its id is, how it becomes a trial."""

    name: str
    recognizes: Callable[[Mapping[str, Any]], bool]
    identify: Callable[[Mapping[str, Any]], str]
    parse: Callable[[Any], Trial]
