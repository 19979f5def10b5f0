"""Rows of CSV and its kin from a stream, with every broken row told and the next ones saved."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from sys import getsizeof
from typing import NamedTuple

from cart_nlp.registries.containers import bounds
from cart_nlp.registries.containers.bounds import TOO_LONG
from cart_nlp.registries.containers.feeds import Feed
from cart_nlp.registries.containers.mending import Note, mended_text
from cart_nlp.registries.entry import Reject
from cart_nlp.registries.values.identifiers import identities, kind_of

_FREE = 1 << 25
"""Characters that may be read twice around broken rows, beside twice what the input holds: time is linear."""
_LOOK_AHEAD = 1 << 16
_IN_A_ROW = 3
"""So many lines, each a whole row by itself, end a cell that should have ended before them."""
_HINT = re.compile(rb'\A\s{0,9}+"?sep=(.)"?[ \t]{0,9}+(?:[\r\n]|\Z)', re.IGNORECASE)
_DELIMITERS = (",", "\t", ";", "|")
_CUT = "a quote is not closed: the input ends within it"


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
        self.read = self.spent = 0

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
                if (
                    size > bounds.MAX_RECORD
                ):  # no table has such a line: give it away in pieces, to be rejected
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

    def fresh(self) -> str | None:
        """The next line, before which nothing is taken; None at the end."""
        self.taken = []
        return next(self, None)

    @property
    def text(self) -> str:
        """What is taken, as it stands in the file."""
        return self.taken[0] if len(self.taken) == 1 else "".join(self.taken)

    def __next__(self) -> str:
        if self._returned:
            line = self._returned.popleft()
        else:
            line = next(self._source)
            self.read += len(line)
        self.taken.append(line)
        self.number += 1
        return line

    def put_back(self, count: int) -> None:
        """Take the last lines back, to be read again."""
        for _ in range(count):
            line = self.taken.pop()
            self.spent += len(line)
            self._returned.appendleft(line)
        self.number -= count

    def at_end(self) -> bool:
        """Whether no line follows those that are taken."""
        if next(self, None) is None:
            return True
        self.put_back(1)
        return False

    def may_read_again(self) -> bool:
        return self.spent < _FREE + 2 * self.read


def delimiter(head: bytes) -> str:
    """The delimiter of a table: Excel's hint, or the most frequent one in the header outside quotes."""
    if hint := _HINT.match(head):
        return hint[1].decode("latin-1")
    line = re.sub(rb'"[^"]*"', b"", head.lstrip().split(b"\n", 1)[0].split(b"\r", 1)[0])
    counts = [line.count(mark.encode()) for mark in _DELIMITERS]
    return _DELIMITERS[counts.index(max(counts))]


class _NextRow(Exception):
    """A row begins within a cell, whose quote is not closed then."""


class _Starts:
    """Where rows begin, learned from good ones: they hold a registration number in one column."""

    def __init__(self, mark: str, width: int) -> None:
        self._mark = mark
        self.width = width
        self._at = 0
        self.numbered = False
        self._looks: set[str] = set()

    def learn(self, cells: list[str]) -> None:
        if self.numbered or len(self._looks) > 1000:
            return
        for at, cell in enumerate(cells):
            if kind_of(cell.strip()):
                self._at, self.numbered = at, True
                return
        self._looks.add(_look(cells[0]))

    def number_in(self, line: str) -> bool:
        """Whether a registration number stands where rows have theirs."""
        cells = line.split(self._mark, self._at + 1)
        if len(cells) <= self._at:
            return False
        if self._at and any('"' in cell for cell in cells[: self._at]):
            try:
                cells = next(csv.reader((line,), delimiter=self._mark), [])
            except csv.Error:
                return False
        number = cells[self._at][:200].strip(' "\r\n') if len(cells) > self._at else ""
        return number[-1:].isalnum() and " " not in number and bool(kind_of(number))

    def whole(self, line: str) -> bool:
        """Whether a line is a row by itself that begins like the rows before it, with a number at least."""
        if self.width < 3 or line.count(self._mark) < self.width - 1:
            return False
        try:
            cells = next(csv.reader((line,), delimiter=self._mark, strict=True), [])
        except csv.Error:
            return False
        look = _look(cells[0]) if len(cells) == self.width else ""
        return "0" in look and look in self._looks

    def begins(self, lines: _Lines) -> bool:
        """Whether a row begins with the line that was taken last: it and those after it make a good one."""
        if not lines.may_read_again():
            return True
        kept = len(lines.taken)
        try:
            cells = next(csv.reader(_some(lines), delimiter=self._mark, strict=True), [])
        except csv.Error:
            cells = []
        lines.spent += len(lines.taken[kept - 1])
        lines.put_back(len(lines.taken) - kept)
        return len(cells) == self.width


def _look(cell: str) -> str:
    return re.sub("[A-Za-z]+", "a", re.sub("[0-9]+", "0", cell.strip()[:60]))


def _some(lines: _Lines) -> Iterator[str]:
    """The line taken last, and some that follow."""
    yield lines.taken[-1]
    size = 0
    for line in lines:
        yield line
        size += len(line)
        if size > _LOOK_AHEAD:
            return


def rows(feed: Feed) -> Iterator[Row | Reject]:
    """The header and then the rows of a table, all as wide as the header; other rows are rejected.

    A row whose quote is not closed ends where the next one begins. That is told by its registration
    number; in tables without such numbers the lines after the first are read again as rows of their own.
    """
    csv.field_size_limit(bounds.MAX_RECORD)
    head = feed.peek()
    mark = delimiter(head)
    lines = _Lines(feed)
    if _HINT.match(head):
        next(lines, None)
    starts: _Starts | None = None
    while (line := lines.fresh()) is not None:
        at = lines.number
        cells, fault = _cells(line, lines, mark, starts)
        if not fault and not any(cells):
            continue
        is_header = starts is None
        if starts is None:
            starts = _Starts(mark, len(cells))
        if not fault and len(cells) != starts.width:
            fault = _misfit(cells, starts, lines)
        if fault:
            _to_the_next_row(lines, starts)
            if lines.number > at:
                fault += f"; its lines up to {lines.number:,} are not read"
        text = lines.text
        if not fault and not (text.isascii() and "?" not in text):
            text, cells, fault = _mended(text, cells, mark, starts.width, feed.noting(f"line {at}"))
        if fault:
            number = next(iter(identities([text[:500]])), None)
            yield Reject(feed.name, f"line {at}", number, fault, lost=lines.number > at)
        else:
            if not is_header:
                starts.learn(cells)
            yield Row(at, cells, text)


def _cells(line: str, lines: _Lines, mark: str, starts: _Starts | None) -> tuple[list[str], str]:
    """The cells of the row that begins with a line, or what is wrong with it."""
    if len(line) > bounds.MAX_RECORD // 4 and getsizeof(line) > bounds.MAX_RECORD + _LOOK_AHEAD:
        return [], TOO_LONG
    if '"' not in line:
        return line.rstrip("\r\n").split(mark), ""
    return _quoted(line, lines, mark, starts)


def _misfit(cells: list[str], starts: _Starts, lines: _Lines) -> str:
    """What is told of a row that is wider than the header, or narrower."""
    fault = f"{len(cells)} fields where the header has {starts.width}"
    odd = sum(each.count('"') for each in lines.taken) % 2
    return f"{fault}: a quote is not closed" if odd else fault


def _mended(text: str, cells: list[str], mark: str, width: int, note: Note) -> tuple[str, list[str], str]:
    """Text and cells of a row with whole letters, and what is wrong with it then."""
    whole = mended_text(text, note)
    if whole == text:
        return text, cells, ""
    cells = next(csv.reader(io.StringIO(whole, newline=""), delimiter=mark), [])
    return whole, cells, "" if len(cells) == width else "its letters cannot be read in any encoding"


def _to_the_next_row(lines: _Lines, starts: _Starts) -> None:
    """After a broken row: put back what does not belong to it, and pass over the rest of what does."""
    if not starts.numbered:
        if lines.may_read_again():
            lines.put_back(len(lines.taken) - 1)
        return
    for at, line in enumerate(lines.taken[1:], 1):
        if starts.number_in(line):
            lines.put_back(len(lines.taken) - at)
            return
    first = lines.taken[0]
    for line in lines:
        if starts.number_in(line) or starts.whole(line):
            lines.put_back(1)
            return
        lines.taken = [first]


def _quoted(line: str, lines: _Lines, mark: str, starts: _Starts | None) -> tuple[list[str], str]:
    """The cells of a row with quotes, whose further lines are taken as needed; or what is wrong with it."""
    try:
        return next(csv.reader(_row(line, lines, starts), delimiter=mark, strict=True)), ""
    except _NextRow:
        return [], "a quote is not closed"
    except csv.Error as error:
        fault = str(error) if TOO_LONG in str(error) else f"not valid CSV: {error}"
    if len(lines.taken) == 1:  # perhaps just a stray quote within one line
        try:
            reader = csv.reader((line, ""), delimiter=mark)
            cells = next(reader)
        except csv.Error as error:
            return [], f"not valid CSV: {error}"
        # A cell that goes on behind the last line there is was cut off: what is missing cannot be told.
        return ([], _CUT) if reader.line_num > 1 and lines.at_end() else (cells, "")
    return [], fault


def _row(line: str, lines: _Lines, starts: _Starts | None) -> Iterator[str]:
    """The lines of a row; raises _NextRow where another one begins."""
    yield line
    size, whole = getsizeof(line), 0
    for line in lines:
        size += getsizeof(line)
        if size > bounds.MAX_RECORD:
            raise csv.Error(TOO_LONG)
        if starts is not None:
            whole = whole + 1 if starts.whole(line) else 0
            if whole == _IN_A_ROW or (starts.numbered and starts.number_in(line) and starts.begins(lines)):
                lines.put_back(max(1, whole))
                raise _NextRow
        yield line
