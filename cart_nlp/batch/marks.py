"""Raw records known by their bytes, so that a later run need not parse what it has seen before."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


@dataclass
class Marks:
    """Raw records of the last run, by a mark of their bytes: those that the screen let go, and of those that
    make a trial its id and digest. What is marked is compared without being parsed or searched."""

    screened: set[int] = field(default_factory=set)
    trials: dict[int, tuple[str, str]] = field(default_factory=dict)


def mark_of(raw: bytes) -> int:
    """A number that tells raw records apart: of ten million, two share one by a chance of 1 in 400,000."""
    return int.from_bytes(hashlib.sha256(raw).digest()[:8], "little")
