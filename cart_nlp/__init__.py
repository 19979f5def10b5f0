"""cart-nlp: what registry text says of CAR cell therapy trials, with evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cart_nlp.api import RejectWarning, iter_records, read, tag_file, tag_frame
    from cart_nlp.batch.jobs import BatchError
    from cart_nlp.lexicon import LexiconError
    from cart_nlp.pipeline import load, tag
    from cart_nlp.registries.entry import InputError
    from cart_nlp.schema import Construct, Evidence, Record, Trial

__version__ = "0.2.0.dev0"
__all__ = [
    "BatchError",
    "Construct",
    "Evidence",
    "InputError",
    "LexiconError",
    "Record",
    "RejectWarning",
    "Trial",
    "__version__",
    "iter_records",
    "load",
    "read",
    "tag",
    "tag_file",
    "tag_frame",
]

_HOMES = {
    **dict.fromkeys(("RejectWarning", "iter_records", "read", "tag_file", "tag_frame"), "api"),
    **dict.fromkeys(("load", "tag"), "pipeline"),
    **dict.fromkeys(("Construct", "Evidence", "Record", "Trial"), "schema"),
    "BatchError": "batch.jobs",
    "InputError": "registries.entry",
    "LexiconError": "lexicon",
}


def __getattr__(name: str) -> Any:
    """Import the public names when they are first used, so that `import cart_nlp` stays fast."""
    if name not in _HOMES:
        raise AttributeError(f"module 'cart_nlp' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(f"cart_nlp.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """What is public; the rest may change without notice."""
    return sorted(__all__)
