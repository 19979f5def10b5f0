"""Which format an input has, from its first bytes; the suffix is not looked at."""

from __future__ import annotations

import re
from collections.abc import Callable

from cart_nlp.registries.containers.tablerows import delimiter

_KEY = re.compile(rb'"\w{1,40}+"[ \t]{0,9}:')
_OBJECT_LINE = re.compile(rb'\n[ \t]{0,9}+\{\s{0,99}+"\w{1,40}+"[ \t]{0,9}:')
_CONTROL = re.compile(rb"[\0-\x08\x0b\x0c\x0e-\x1f]")
_JSON_SIGNS = (b"{", b"[", b'":')


def _is_json(head: bytes) -> bool:
    """Whether JSON begins, be the first record damaged: its first byte, or its first key too."""
    begins = head[:64]
    if head[:1] in (b"{", b"[") or _KEY.search(begins):
        return True
    odd = head[:1] != b"<" and any(sign in begins for sign in _JSON_SIGNS)
    return odd and _OBJECT_LINE.search(head) is not None


def _is_table(head: bytes) -> bool:
    """Whether the first line is a header; what is no text has a delimiter among its bytes by chance."""
    line, mark = head.split(b"\n", 1)[0], delimiter(head).encode()
    text = not _CONTROL.search(line.replace(mark, b""))
    return text and mark in line and not line.startswith((b"<", b"{", b"["))


def _has(pattern: bytes) -> Callable[[bytes], bool]:
    seen = re.compile(pattern, re.IGNORECASE)
    return lambda head: seen.search(head) is not None


def _root(pattern: bytes) -> Callable[[bytes], bool]:
    """Whether markup begins and an element of this name opens within the head."""
    opens = _has(rb"<(?:" + pattern + rb")[\s>]")
    return lambda head: head[:1] == b"<" and opens(head)


SIGNS: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
    ("json", _is_json),
    ("ctgov-search-xml", _root(b"search_results")),
    ("ctgov-xml", _root(b"clinical_study")),
    ("ictrp-xml", _root(b"Trials_downloaded_from_ICTRP")),
    ("chictr-xml", _root(b"Triall")),
    ("ictrp-xml", _root(b"TrialID")),
    ("chictr-xml", _root(b"trial_id")),
    ("chictr-html", _root(b"html|body|table|!doctype html")),
    ("euctr", _has(rb"(?:\A|\n)EudraCT Number:")),
    ("table", _is_table),
)
"""Format and its sign, in the order of asking."""


def sniff(head: bytes) -> str | None:
    """The format of a UTF-8 head, or None."""
    start = re.sub(rb"\A\s+", b"", head)
    return next((name for name, sign in SIGNS if sign(start)), None)
