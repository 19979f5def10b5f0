"""What other landscapes have published, from data/NAME.toml: their figures, and what they asked about."""

from __future__ import annotations

import tomllib
from functools import cache
from typing import Any

from cart_nlp.landscape.regions import DATA
from cart_nlp.registries.entry import InputError

KNOWN = ("study",)


@cache
def facts(name: str) -> dict[str, Any]:
    """The published figures called `name`; raises InputError if there are none."""
    if name not in KNOWN:
        raise InputError(f"--reference {name}: no such reference; there is {', '.join(KNOWN)}")
    return tomllib.loads((DATA / f"{name}.toml").read_text(encoding="utf-8"))


def asked() -> dict[str, Any]:
    """Years, periods, diseases and targets that key figures are counted for."""
    found: dict[str, Any] = facts(KNOWN[0])["asked"]
    return found
