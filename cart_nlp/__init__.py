"""cart-nlp: what registry text says of CAR cell therapy trials, with evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cart_nlp.pipeline import load, tag
    from cart_nlp.schema import Record, Trial

__version__ = "0.1.0"
__all__ = ["Record", "Trial", "__version__", "load", "tag"]

_HOMES = {"load": "pipeline", "tag": "pipeline", "Record": "schema", "Trial": "schema"}


def __getattr__(name: str) -> Any:
    """Import the public names when they are first used, so that `import cart_nlp` stays fast."""
    if name not in _HOMES:
        raise AttributeError(f"module 'cart_nlp' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(f"cart_nlp.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
