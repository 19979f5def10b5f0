"""Raw records known by their bytes, so that a later run need not parse what it has seen before."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import secrets
from collections.abc import Callable
from typing import NamedTuple


class Way(NamedTuple):
    """How records are marked: what counts of marks made in one way says nothing of those made in another."""

    kind: str
    seed: int

    @property
    def known(self) -> bool:
        """Whether this installation can make such marks."""
        return self.kind == "sha256" or (self.kind == "xxh3" and _has_xxhash())

    def mark(self) -> Callable[[bytes], int]:
        """Gives a record's mark, a number of 64 bits."""
        if self.kind == "sha256":
            return _sha256
        import xxhash

        return functools.partial(xxhash.xxh3_64_intdigest, seed=self.seed)


class Marks:
    """Raw records of the last run, by a mark of their bytes: those that the screen let go, and of those that
    make a trial its id and digest. What is marked is compared without being parsed or searched.

    Of ten million records, two share a mark by a chance of 1 in 400,000. XXH3, a tenth of SHA-256's time,
    is no cryptographic hash: who writes a dump could aim at a mark, but for the seed, which each store draws.
    """

    def __init__(self, way: Way | None = None) -> None:
        self.way = way or Way("xxh3" if _has_xxhash() else "sha256", secrets.randbits(64))
        self.of = self.way.mark()
        self.screened: set[int] = set()
        self.trials: dict[int, tuple[str, str]] = {}


def _has_xxhash() -> bool:
    return importlib.util.find_spec("xxhash") is not None


def _sha256(raw: bytes) -> int:
    return int.from_bytes(hashlib.sha256(raw).digest()[:8], "little")
