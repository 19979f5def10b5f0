"""Rows of CSV and its kin from a stream, with every broken row told and the next ones saved."""

from __future__ import annotations

import codecs
import csv
import re
from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from cart_nlp.registries.entry import Reject
from cart_nlp.registries.identifiers import identities
from cart_nlp.registries.sources import Feed

MAX_FIELD = 1 << 26
"""Characters of the longest field that is read (64 Mi)."""
_REREADING = 1 << 28
"""Characters in all that may be read again after unclosed quotes, so that time stays bounded."""
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
_DELIMITERS = (",", "\t", ";", "|")


class Row(NamedTuple):
    """The cells of a row, the number of its first line, and its text as it stands in the file."""

    line: int
    cells: list[str]
    text: str


class _Lines:
    """Text lines that can be put back; bytes that are no UTF-8 come as surrogates."""

    def __init__(self, feed: Feed) -> None:
        self._source = self._decoded(feed)
        self._returned: deque[str] = deque()
        self.taken: list[str] = []
        self.number = 0

    @staticmethod
    def _decoded(feed: Feed) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        head = feed.peek()
        old_mac = b"\r" in head and b"\n" not in head
        parts: list[str] = []
        size = 0
        for chunk in feed.chunks():
            text = decoder.decode(chunk)
            if old_mac:
                text = text.replace("\r", "\n")
            first, mark, rest = text.partition("\n")
            parts.append(first)
            if not mark:
                size += len(first)
                if size > 2 * MAX_FIELD:  # no table has such a line: give it away in pieces, to be rejected
                    yield "".join(parts)
                    parts, size = [], 0
                continue
            yield "".join(parts) + "\n"
            *whole, last = rest.split("\n")
            for line in whole:
                yield line + "\n"
            parts, size = [last], len(last)
        parts.append(decoder.decode(b"", final=True))
        if last := "".join(parts):
            yield last

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._source)
        self.taken.append(line)
        self.number += 1
        return line

    def put_back(self, lines: list[str]) -> None:
        self._returned.extendleft(reversed(lines))
        self.number -= len(lines)


def delimiter(head: bytes) -> str:
    """The delimiter of a table, from its header line: the most frequent one outside quotes."""
    line = re.sub(rb'"[^"]*"', b"", head.lstrip().split(b"\n", 1)[0].split(b"\r", 1)[0])
    counts = [line.count(mark.encode()) for mark in _DELIMITERS]
    return _DELIMITERS[counts.index(max(counts))]


def rows(feed: Feed) -> Iterator[Row | Reject]:
    """The header and then the rows of a table, all as wide as the header; other rows are rejected.

    A row that swallowed its neighbors by an unclosed quote loses only its first line.
    """
    csv.field_size_limit(MAX_FIELD)
    mark = delimiter(feed.peek())
    lines = _Lines(feed)
    width: int | None = None
    allowance = _REREADING
    while True:
        lines.taken = []
        at = lines.number + 1
        fault = ""
        line = next(lines, None)
        if line is None:
            return
        if '"' not in line:
            cells = line.rstrip("\r\n").split(mark)
        else:
            cells, fault = _quoted(line, lines, mark)
        taken = lines.taken
        if not fault and not any(cells):
            continue
        text = taken[0] if len(taken) == 1 else "".join(taken)
        if width is None:
            if len(cells) == 1 and cells[0].startswith("sep="):
                continue  # Excel's hint
            width = len(cells)
        if not fault and len(cells) != width:
            fault = f"{len(cells)} fields where the header has {width}"
            if text.count('"') % 2:
                fault += ": a quote is not closed"
        if fault and len(taken) > 1 and allowance > 0:
            allowance -= len(text)
            lines.put_back(taken[1:])
            text = taken[0]
        if not fault and not text.isascii() and _ESCAPED_BYTE.search(text):
            fault = "invalid UTF-8 in this row"
        if fault:
            yield Reject(feed.name, f"line {at}", next(iter(identities([text[:500]])), None), fault)
        else:
            yield Row(at, cells, text)


def _quoted(line: str, lines: _Lines, mark: str) -> tuple[list[str], str]:
    """The cells of a row with quotes, whose further lines are taken as needed; or what is wrong with it."""
    try:
        return next(csv.reader(chain((line,), lines), delimiter=mark, strict=True)), ""
    except csv.Error as error:
        fault = f"not valid CSV: {error}"
    if len(lines.taken) == 1:  # perhaps just a stray quote within one line
        try:
            return next(csv.reader((line,), delimiter=mark)), ""
        except csv.Error as error:
            fault = f"not valid CSV: {error}"
    return [], fault
