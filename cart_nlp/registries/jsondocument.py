"""Cut a JSON document (one study, an array, a paged list, pages joined) into its records, streaming."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from cart_nlp.registries.entry import Rejected
from cart_nlp.registries.jsonvalues import MAX_RECORD, TOO_LONG, parse
from cart_nlp.registries.sources import Feed

CONTAINERS = (b"studies", b"FullStudies", b"data", b"trials", b"records")
"""Keys whose array holds the records, at the top of a document or inside a wrapper."""
_WRAPPERS = (b"FullStudiesResponse",)
_OWN_KEYS = (b"protocolSection", b"id", b"nct_id", b"nctId", b"ctNumber", b"trial_id", b"brief_title")
_TOKEN = re.compile(rb'"((?:[^"\\]++|\\.)*+)"(\s*+:)?|[{}\[\]]|"', re.DOTALL)
_FIRST_KEY = re.compile(rb'\{\s*+("(?:[^"\\]++|\\.)*+")\s*+:', re.DOTALL)
_BLANK = re.compile(rb"[\s,]*+")


class Value(NamedTuple):
    """One record: its byte position, bytes and parsed value; `fault` says why there is no value."""

    position: int
    raw: bytes
    data: Any
    fault: str


class Document:
    """The records of a JSON document as Values.

    Only one record is held at a time. A record that is broken is given with its fault, and reading goes
    on where the next one seems to begin: at the key that the first record began with.
    """

    def __init__(self, feed: Feed) -> None:
        self._chunks = feed.chunks()
        self._buffer = b""
        self._base = 0
        self._ended = False
        self._marker: re.Pattern[bytes] | None = None
        self._stack: list[bytes] = []
        self._level = 0
        self._listed = False
        self._start: int | None = None
        self._keys: dict[int, bytes] = {}
        self._own = False

    def _read_on(self, keep: int) -> None:
        """Drop the buffer before `keep` and append at least as much again, so that growth is linear."""
        grown = [self._buffer[keep:]]
        wanted, size = max(len(grown[0]), 1), 0
        while size < wanted and not self._ended:
            chunk = next(self._chunks, b"")
            self._ended = not chunk
            grown.append(chunk)
            size += len(chunk)
        self._buffer = b"".join(grown)
        self._base += keep
        if self._start is not None:
            self._start -= keep

    def __iter__(self) -> Iterator[Value]:
        at = 0
        while True:
            found = _TOKEN.search(self._buffer, at)
            cut = found is None or found[0] == b'"' or found.end() == len(self._buffer)
            if cut and not self._ended:
                at = len(self._buffer) if found is None else found.start()
                keep = at if self._start is None else self._start
                self._read_on(keep)
                at -= keep
                if len(self._buffer) > 2 * MAX_RECORD and self._start is not None:
                    yield Value(self._base, b"", None, f"{TOO_LONG}, nor is the rest of the input")
                    return
                continue
            if found is None or found[0] == b'"':
                if self._start is None:
                    yield from self._left_over(at)
                    return
                value = Value(
                    self._base + self._start, self._buffer[self._start :], None, "the input ends within it"
                )
                at = self._salvage(self._start + 1, len(self._buffer))
                yield value._replace(raw=value.raw[: at + self._base - value.position])
                if at == len(self._buffer):
                    return
                continue
            at = found.end()
            value_or_none = self._token(found)
            if value_or_none is not None:
                if value_or_none.fault:
                    at = self._salvage(found.start() - len(value_or_none.raw) + 2, at)
                yield value_or_none

    def _left_over(self, at: int) -> Iterator[Value]:
        """A document that stops where a list was still open was cut, even if between two records."""
        if self._stack:
            yield Value(self._base + at, b"", None, "the input ends before its list does: it is truncated")

    def _token(self, found: re.Match[bytes]) -> Value | None:
        token = found[0]
        stack = self._stack
        if token[:1] == b'"':
            if found[2] is not None and len(stack) <= 2 and not (self._listed and self._start is not None):
                self._keys[len(stack)] = found[1]
                self._own = self._own or (len(stack) == 1 and found[1] in _OWN_KEYS)
            return None
        if token in (b"{", b"["):
            depth = len(stack)
            stack.append(token)
            if token == b"[" and not self._listed and not self._own and self._is_container(depth):
                self._level, self._listed, self._start = depth + 1, True, None
            elif token == b"{" and depth == self._level and self._start is None:
                self._start = found.start()
                self._learn()
            return None
        if not stack:
            return None  # a stray closing bracket between documents
        matches = (stack.pop() == b"{") == (token == b"}")
        value = None
        if self._start is not None and (len(stack) == self._level or not matches):
            raw = self._buffer[self._start : found.end()]
            value = self._value(self._base + self._start, raw, matches)
            self._start = None
        if not stack:
            self._level, self._listed, self._own, self._start = 0, False, False, None
            self._keys.clear()
        return value

    def _value(self, position: int, raw: bytes, matches: bool) -> Value:
        if not matches:
            return Value(position, raw, None, "not valid JSON: brackets do not match")
        try:
            return Value(position, raw, parse(raw), "")
        except Rejected as reason:
            return Value(position, raw, None, str(reason))

    def _is_container(self, depth: int) -> bool:
        if depth == 0:
            return True
        if depth == 2 and self._keys.get(1) not in _WRAPPERS:
            return False
        return depth <= 2 and self._keys.get(depth) in CONTAINERS

    def _learn(self) -> None:
        if self._marker is None and self._start is not None:
            found = _FIRST_KEY.match(self._buffer, self._start)
            if found:
                self._marker = re.compile(rb"\{\s*+" + re.escape(found[1]) + rb"\s*+:")

    def _salvage(self, after: int, end: int) -> int:
        """Where to go on after a broken record: at a record that began within it, else at its end."""
        found = self._marker.search(self._buffer, after, end) if self._marker else None
        if found is None:
            return end
        self._start = None
        self._stack = self._stack[: self._level] if len(self._stack) >= self._level else [b"["] * self._level
        return found.start()
