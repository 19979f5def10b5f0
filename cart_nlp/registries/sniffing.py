"""Which format an input has, from its first bytes; the suffix is not looked at."""

from __future__ import annotations

import re
from collections.abc import Callable

from cart_nlp.registries.tablerows import delimiter

_LOOK = 1 << 14


def _is_json(head: bytes) -> bool:
    return head[:1] in (b"{", b"[")


def _is_table(head: bytes) -> bool:
    line = head.split(b"\n", 1)[0]
    return line.count(delimiter(head).encode()) >= 1 and not line.startswith((b"<", b"{", b"["))


SIGNS: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
    ("json", _is_json),
    ("table", _is_table),
)
"""Format and its sign, in the order of asking."""


def sniff(head: bytes) -> str | None:
    """The format of a UTF-8 head, or None."""
    start = re.sub(rb"\A\s+", b"", head)
    return next((name for name, sign in SIGNS if sign(start)), None)
