"""Where the data folders are: inside the wheel, or beside the package in a checkout."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from pathlib import Path

Folders = str | PathLike[str] | Iterable[str | PathLike[str]]
"""One folder, or several."""

_PACKAGE = Path(__file__).resolve().parent
_BUNDLED = _PACKAGE / "_data"


def _data(bundled: str, checkout: str) -> Path:
    inside = _BUNDLED / bundled
    return inside if inside.exists() else _PACKAGE.parent / checkout


def lexicons() -> Path:
    """Folder of the shipped lexicons."""
    return _data("lexicons", "lexicons")


def folders(named: Folders) -> tuple[str, ...]:
    """Folders that somebody has named, also where it is a single one and not in a list."""
    return (str(named),) if isinstance(named, str | PathLike) else tuple(map(str, named))


def model() -> Path:
    """Folder of the shipped pipeline: its config.cfg and card."""
    return _data("models", "models") / "cart_base"


def gold() -> Path:
    """Folder of the bundled gold set."""
    return _data("gold", "benchmarks/gold")


def sample() -> Path:
    """A dump of 40 trials written for trying things out, as JSON lines."""
    return _data("sample", "benchmarks/sample") / "trials.jsonl"


def results() -> Path:
    """Folder of what was measured for this version."""
    return _data("results", "benchmarks/results")


def labels() -> Path:
    """The page that defines fields and values."""
    return _data("labels.md", "docs/labels.md")
