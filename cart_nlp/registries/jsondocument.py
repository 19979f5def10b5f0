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
_REREADING = 1 << 22
"""Bytes in all that may be read again after broken records, so that time stays bounded; one that ran on
for longer than a quarter of this counts as a quarter."""
_BETWEEN = b" \t\r\n,\0"
_NO_OBJECT = "not a JSON object, where a record should stand"
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
        self._allowance = _REREADING
        self._stack: list[bytes] = []
        self._keys: dict[int, bytes] = {}
        self._own = False
        self._level = 0
        self._listed = False
        # Where the record begins that is being read, and where the gap before the next one does; of the
        # two at most one is known. In a gap only blanks and commas are expected.
        self._start: int | None = None
        self._gap: int | None = 0
        self._stray: int | None = None

    def _read_on(self, keep: int) -> None:
        """Drop the buffer before `keep` and append at least as much again, so that growth is linear."""
        if self._gap is not None:
            self._look_for_strays(keep)
            self._gap = 0
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
                    at = self._salvage(1, len(self._buffer))
                    yield Value(self._base, b"", None, TOO_LONG)
                    if at == len(self._buffer):
                        yield Value(self._base + at, b"", None, "the rest of the input is not read")
                        return
                continue
            if found is None or found[0] == b'"':
                if self._start is None:
                    yield from self._end(len(self._buffer))
                    return
                start, begun = self._start, self._base + self._start
                at = self._salvage(start + 1, len(self._buffer))
                yield Value(begun, self._buffer[start:at], None, "the input ends within it")
                if at == len(self._buffer):
                    return
                continue
            at = found.end()
            for value in self._token(found):
                if value.fault and value.raw:
                    at = self._salvage(found.end() - len(value.raw) + 1, at)
                yield value

    def _end(self, at: int) -> Iterator[Value]:
        """A document that stops where a list was still open was cut, even if between two records."""
        if self._gap is not None:
            yield from self._close_gap(at)
        if self._stack:
            yield Value(self._base + at, b"", None, "the input ends before its list does: it is truncated")

    def _look_for_strays(self, end: int) -> None:
        """Note where in the gap something stands that is no record."""
        if self._stray is None and self._gap is not None:
            gap = self._buffer[self._gap : end]
            rest = gap.lstrip(_BETWEEN)
            if rest:
                self._stray = self._base + self._gap + len(gap) - len(rest)

    def _close_gap(self, end: int) -> Iterator[Value]:
        self._look_for_strays(end)
        if self._stray is not None:
            yield Value(self._stray, b"", None, _NO_OBJECT)
        self._gap = self._stray = None

    def _token(self, found: re.Match[bytes]) -> Iterator[Value]:
        """Follow one string or bracket; gives the record that it ends, and what stands between records."""
        token, stack, depth = found[0], self._stack, len(self._stack)
        if token[:1] == b'"':
            if found[2] is not None and depth <= 2 and not (self._listed and self._start is not None):
                self._keys[depth] = found[1]
                self._own = self._own or (depth == 1 and found[1] in _OWN_KEYS)
        elif token in (b"{", b"["):
            stack.append(token)
            if token == b"[" and not self._listed and not self._own and self._is_container(depth):
                if self._gap is not None:
                    yield from self._close_gap(found.start())
                self._level, self._listed, self._start, self._gap = depth + 1, True, None, found.end()
            elif token == b"{" and depth == self._level and self._gap is not None:
                yield from self._close_gap(found.start())
                self._start = found.start()
                self._learn()
        elif stack:
            yield from self._closing(found, (stack.pop() == b"{") == (token == b"}"))

    def _closing(self, found: re.Match[bytes], matches: bool) -> Iterator[Value]:
        depth = len(self._stack)
        if self._start is not None and (depth == self._level or not matches):
            raw = self._buffer[self._start : found.end()]
            value = self._value(self._base + self._start, raw, matches)
            self._start, self._gap = None, found.end()
            yield value
        elif self._listed and self._gap is not None and depth < self._level:
            yield from self._close_gap(found.start())
        if not self._stack and self._gap is None and self._start is None:
            self._gap = found.end()
        if not self._stack:
            self._level, self._listed, self._own = 0, False, False
            self._keys.clear()

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
        found = (
            self._marker.search(self._buffer, after, end) if self._marker and self._allowance > 0 else None
        )
        if found is None:
            return end
        self._allowance -= min(end - found.start(), _REREADING // 4)
        self._start, self._gap = None, found.start()
        self._stack = self._stack[: self._level] if len(self._stack) >= self._level else [b"["] * self._level
        return found.start()
