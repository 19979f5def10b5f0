"""Cut a JSON document (one study, an array, a paged list, pages joined) into its records, streaming."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from cart_nlp.registries.containers import bounds
from cart_nlp.registries.containers.bounds import TOO_LONG, TOO_MANY
from cart_nlp.registries.containers.feeds import Feed, grown
from cart_nlp.registries.containers.jsonvalues import TOO_DEEP, sound
from cart_nlp.registries.entry import Rejected
from cart_nlp.registries.values.identifiers import identities, kind_of

CONTAINERS = ("studies", "FullStudies", "data", "trials", "records")
"""Keys whose array holds the records, at the top of a document or inside a wrapper."""
_WRAPPERS = ("FullStudiesResponse",)
_OWN_KEYS = ("protocolSection", "id", "nct_id", "nctId", "ctNumber", "trial_id", "brief_title")
_NEVER_NESTED = ("protocolSection", "ctNumber", "nci_id")
"""Keys that begin a record of a registry, and never an object within one."""
_MARKS = tuple(key.encode() for key in _NEVER_NESTED)
_NO_OBJECT = "not a JSON object, where a record should stand"
_CUT = "the input ends within it"
_SWALLOWED = "not valid JSON: it does not end before the next record begins"
_SKIPPED = "too much is broken to look for each record: from here on some may be missing; mend the input"
_BETWEEN = b" \t\r\n,\0" + BOM_UTF8
_LOOK_AHEAD = 1 << 20
"""Bytes of a record after which the next one is looked for within it: an unclosed list swallows siblings."""
_FREE = 1 << 25
"""Bytes that may be read twice around broken records, beside twice what the input holds: time is linear."""
_ENOUGH = 3
"""Sound records after which a key that began them all, and nothing else, is taken for a record's."""
_LITERAL = 16
_PIECE = 1 << 12
_MARGIN = 512
_DEEP_LOOK = 1 << 13
"""What it counts for to find that something is nested too deep, beside the bytes that are read again."""
_HEAD = 500
_OBJECT = re.compile(rb'\{[ \t\r\n]{0,150}+"([^"\\]{1,100}+)"[ \t\r\n]{0,99}+:')
_BRACKETS = re.compile(rb'"(?:[^"\\]++|\\.)*+("?)|[\[{]++|[\]}]', re.DOTALL)
"""Brackets that open, one that closes, or a text, whose end is missing where it goes on."""
_RUN = re.compile(rb'(?:\{[ \t\r\n]*+"[^"\\]{0,100}+"[ \t\r\n]*+:[ \t\r\n]*+|\[[ \t\r\n]*+)++')
"""Brackets that open one within another, with nothing but keys between them."""
_FIRST = re.compile(rb"\{\W{0,150}+(\w{1,100}+)")
"""The first word of an object, its key, be its quotes damaged or not."""
_OWN = re.compile(rb"\{\W{0,150}+\w{1,100}+\W{1,20}+([\w./-]{1,60}+)[\",]")
"""The value of an object's first key, where it is one word."""
_LIST = re.compile(rb'"(?:%s)"\s*+:\s*+\[\s*+\{' % "|".join(CONTAINERS).encode())
_SCAN = json.JSONDecoder(strict=False, parse_int=float, parse_constant=float).scan_once  # type: ignore[attr-defined]


DEEP = object()
"""Stands for a value that is nested too deep to be read."""


class Value(NamedTuple):
    """One record: its byte position, bytes and parsed value; `fault` says why there is no value."""

    position: int
    raw: bytes
    data: Any
    fault: str


class _Broken(Exception):
    """The text at `position` is no JSON; `resume` is where the next record begins, if that is known."""

    def __init__(self, position: int, reason: str, resume: int | None = None) -> None:
        super().__init__(reason)
        self.position = position
        self.reason = reason
        self.resume = resume


class _Window:
    """The part of a stream that is looked at; all positions count from the beginning of the stream.

    The bytes are also held as Latin-1 text, in which positions are the same, for the standard library's
    scanner: it finds where a value ends and the very place where it breaks.
    """

    def __init__(self, feed: Feed) -> None:
        self._chunks = feed.chunks()
        self.data = b""
        self.base = 0
        self.ended = False
        self._text = ""
        self._unmatched = 0
        """Up to here brackets were looked through that do not match."""

    @property
    def end(self) -> int:
        return self.base + len(self.data)

    def more(self, keep: int) -> bool:
        """Read as much again, but drop what stands before `keep`; false at the end of the stream."""
        if self.ended:
            return False
        held = self.end - keep
        self.data, self.ended = grown(self.data[keep - self.base :], self._chunks)
        self.base = keep
        self._text = self.data.decode("latin-1")
        return len(self.data) > held

    def beyond(self, at: int, signs: bytes, keep: int | None = None) -> tuple[int, bytes]:
        """The first position from `at` on where another byte than some stands, and that byte.

        At the end of the stream it is empty. What stands before `keep` may be dropped.
        """
        while True:
            piece = self.data[at - self.base : at - self.base + _PIECE]
            rest = piece.lstrip(signs)
            at += len(piece) - len(rest)
            if rest:
                return at, rest[:1]
            if at == self.end and not self.more(at if keep is None else keep):
                return at, b""

    def broken_soon(self, at: int) -> int | None:
        """Where the value at a position breaks, if it does so at once; None where that is not sure.

        The scanner's error counts the lines of all that it was given: this gives it little.
        """
        piece = self._text[at - self.base : at - self.base + _PIECE]
        try:
            _SCAN(piece, 0)
        except StopIteration as stop:
            place = int(stop.value)
        except json.JSONDecodeError as error:
            place = len(piece) if error.msg.startswith("Unterminated string") else error.pos
        except RecursionError:
            return None
        else:
            return None
        return at + place if place < len(piece) - _LITERAL else None

    def value(
        self, at: int, keep: int | None = None, before: Callable[[], None] | None = None
    ) -> tuple[Any, int]:
        """The value at a position and where it ends; raises _Broken where it is none.

        What is nested too deep is DEEP. `before` is called before more is read for it.
        """
        keep = at if keep is None else keep
        while True:
            try:
                found, end = _SCAN(self._text, at - self.base)
            except StopIteration as stop:
                place, reason = int(stop.value), "a value is missing"
            except json.JSONDecodeError as error:
                place, reason = error.pos, error.msg[:1].lower() + error.msg[1:]
            except RecursionError:
                return DEEP, self._closing(at, keep)
            else:
                if end < len(self._text) or self.ended:
                    return found, self.base + end
                place, reason = end, ""  # a number may go on
            cut = reason.startswith("unterminated string") or place >= len(self._text) - _LITERAL
            if self.ended or not cut:
                at_end = self.ended and cut
                where = self.base + place + 1
                raise _Broken(
                    self.base + place, _CUT if at_end else f"not valid JSON: {reason} at byte {where:,}"
                )
            if before is not None:
                before()
            size = self.end - keep
            if size > bounds.MAX_RECORD:
                raise _Broken(at, TOO_LONG)
            if bounds.heavy(self.data):
                raise _Broken(at, TOO_MANY)
            self.more(keep)

    def _closing(self, start: int, keep: int) -> int:
        """Where a value ends by its brackets, however deep; raises _Broken where they do not match.

        What was looked through in vain is not looked through again: time is linear.
        """
        if start >= self._unmatched:
            at, closes = self.reach(start, keep)
            if closes:
                return at
            self._unmatched = at
        raise _Broken(start + _DEEP_LOOK, TOO_DEEP)

    def reach(self, start: int, keep: int) -> tuple[int, bool]:
        """How far a value reaches by its brackets, and whether it ends there and they match so far."""
        opened, at = bytearray(), start
        while True:
            for found in _BRACKETS.finditer(self.data, at - self.base):
                signs, at = found[0], self.base + found.end()
                if signs[0] in b"[{":
                    opened += signs
                elif signs[0] in b"]}":
                    if signs[0] - opened.pop() != 2:  # a bracket and its other half are two signs apart
                        return at, False
                    if not opened:
                        return at, True
                elif not found[1]:
                    at = self.base + found.start()
            if self.end - keep > bounds.MAX_RECORD or not self.more(keep):
                return self.end, False

    def within(self, at: int) -> int:
        """Where to look for a record within what is none: past the brackets that open it, but for the last.

        Of thousands each holds all that follow: to look into one after the other would take quadratic time.
        """
        run = _RUN.match(self.data, at - self.base)
        return max(at + 1, self.base + run.end() - _PIECE) if run else at + 1


class Document:
    """The records of a JSON document as Values.

    Only one record is held at a time. A record that is broken is given with its fault, and reading goes
    on where the next one begins: at a key that only records begin with, or at an object that is sound
    and looks like a record. `is_record` tells whether a parsed object does: of what stands within the
    broken one by its brackets, only what `_is_neighbor` does not take for a part of it.
    """

    def __init__(self, feed: Feed, is_record: Callable[[Any], bool]) -> None:
        self._feed = feed
        self._window = _Window(feed)
        self._is_record = is_record
        self._frames: list[str] = []
        """What is open around the place: a page, or a list of records."""
        self._firsts: Counter[str] = Counter()
        """First key of the sound records so far -> how many begin with it."""
        self._nested: set[str] = set()
        """Those of them that begin an object within a record too."""
        self._common: set[str] = set()
        """Keys that all sound records so far have."""
        self._spent = 0
        """Bytes that were read twice around broken records."""
        self._hurries = False
        """Whether that were too many, so that records may be passed over, which is told once."""
        self._stray = False
        """Whether the values since the last record are no records, which is told once."""
        self._mended = False
        """Whether a record was broken, so that brackets may not match."""
        self._matched = 0
        """Up to here the brackets of broken records were followed."""
        self._inside = 0
        """Up to here what is found stands within a broken record."""
        self._begin = ""
        """The first key of that record."""
        self._numbered = False
        """Whether a registration number stands under it."""
        self._marked = False
        """Whether it has a key that its registry's records all have."""

    def __iter__(self) -> Iterator[Value]:
        at: int | None = 0
        told = False
        while at is not None:
            at, sign = self._window.beyond(at, _BETWEEN)
            if not sign:
                if self._frames:
                    yield Value(at, b"", None, "the input ends before its list does: it is truncated")
                return
            begun, in_page = at, self._frames[-1:] == ["page"]
            try:
                if in_page:
                    at = self._member(at, sign)
                elif sign == b"{":
                    page = None if self._frames else self._page(at)
                    if page is None:
                        value, at = self._record(at)
                        self._stray = False
                        yield value
                    else:
                        at = page
                elif self._closes(sign) or (sign == b"[" and not self._frames):
                    if sign == b"[":
                        self._frames.append("list")
                    at += 1
                else:
                    if not self._stray:
                        self._stray = True
                        yield Value(at, b"", None, _NO_OBJECT)
                    at = self._past_stray(at) if sign not in b"]}" else at + 1
            except _Broken as broken:
                if in_page or not self._stray:
                    data, base = self._window.data, self._window.base
                    yield Value(begun, data[max(0, begun - base) :][:_HEAD], None, broken.reason)
                at = self._resumed(begun, in_page, broken)
                if self._hurries and not told:
                    told = True
                    yield Value(begun, b"", None, _SKIPPED)

    def _past_stray(self, start: int) -> int:
        """Where a value ends that is no record; raises _Broken if it is but the wrong half of a string.

        A list that holds a record is what is left of a broken one, and its neighbor: it is entered.
        """
        value, end = self._window.value(start)
        if value is DEEP:
            raise _Broken(start, _NO_OBJECT)
        if isinstance(value, list) and self._spent <= _FREE + 2 * self._window.end and self._holds(value):
            self._spent += end - start
            self._frames.append("list")
            return start + 1
        after, sign = self._window.beyond(end, b" \t\r\n", start)
        if sign not in (b",", b"]", b"") and (self._frames or sign not in (b"{", b"[")):
            raise _Broken(start, _NO_OBJECT)
        return after

    def _closes(self, sign: bytes) -> bool:
        """Whether a bracket ends the list of records; after damage one too many or too few is no news."""
        if sign not in b"]}":
            return False
        if self._frames and (sign == b"]" or self._mended):
            self._frames.pop()
            if sign == b"}" and self._frames:
                self._frames.pop()
            return True
        return self._mended

    def _page(self, start: int) -> int | None:
        """Where the records of a page begin; None if the object is no page but a record itself."""
        window, at = self._window, start + 1
        while True:
            at, sign = window.beyond(at, b" \t\r\n,", start)
            if sign != b'"':
                return None
            key, at = window.value(at, start)
            at, sign = window.beyond(at, b" \t\r\n:", start)
            if key in _OWN_KEYS:
                return None
            if self._opens(key, sign):
                self._frames.insert(0, "page")
                return at + 1
            at = window.value(at, start)[1]

    def _opens(self, key: Any, sign: bytes) -> bool:
        """Whether the value of a key holds the records, or a page that does; it is entered then."""
        if sign == b"[" and key in CONTAINERS:
            self._frames.append("list")
            return True
        if sign == b"{" and key in _WRAPPERS:
            self._frames.append("page")
            return True
        return False

    def _member(self, at: int, sign: bytes) -> int:
        """Pass over a key of a page and its value, or go into the list of its records."""
        if sign == b"}":
            self._frames.pop()
            return at + 1
        if sign == b"]" and self._mended:
            return at + 1
        if sign != b'"':
            raise _Broken(at, f"not valid JSON: a key is missing at byte {at + 1:,}")
        key, at = self._window.value(at)
        at, sign = self._window.beyond(at, b" \t\r\n")
        if sign != b":":
            raise _Broken(at, f"not valid JSON: a colon is missing at byte {at + 1:,}")
        at, sign = self._window.beyond(at + 1, b" \t\r\n")
        return at + 1 if self._opens(key, sign) else self._window.value(at)[1]

    def _record(self, start: int) -> tuple[Value, int]:
        """The record that begins at a position, and where it ends; raises _Broken."""
        window = self._window

        def look() -> None:
            if window.end - start > _LOOK_AHEAD:
                self._look_within(start, start + _LOOK_AHEAD, kin=True)

        end = window.value(start, before=look)[1]
        after, sign = window.beyond(end, b" \t\r\n\0", start)
        odd = bool(self._frames) and sign not in (b",", b"]", b"{")
        self._look_within(start, end, kin=odd or end - start > _LOOK_AHEAD)
        raw = window.data[start - window.base : end - window.base]
        if len(raw) > bounds.MAX_RECORD:
            return Value(start, b"", None, TOO_LONG), after
        try:
            raw, data = sound(raw, self._feed.noting(f"byte {start + 1}"))
        except Rejected as reason:
            return Value(start, raw[:_HEAD], None, str(reason)), after
        if isinstance(data, dict):
            self._learn(data, raw)
        return Value(start, raw, data, ""), after

    def _look_within(self, start: int, end: int, *, kin: bool) -> None:
        """Raise _Broken if the next record begins within this one, which lacks its end then."""
        window = self._window
        first, last = start - window.base + 1, end - window.base
        keys = tuple(self._firsts)
        if not keys:
            begins = _OBJECT.match(window.data, start - window.base)
            keys = (*_NEVER_NESTED, *((begins[1].decode("latin-1"),) if begins else ()))
        for key in keys:
            sure = key in _NEVER_NESTED
            if (
                not (sure or kin)
                or window.data.find(b'"%s"' % key.encode("latin-1"), first + len(key) + 5, last) < 0
            ):
                continue
            at = first
            while found := _OBJECT.search(window.data, at, last):
                at, place = found.end(), window.base + found.start()
                if found[1] != key.encode("latin-1"):
                    continue
                if sure:
                    raise _Broken(place, _SWALLOWED, place)
                try:
                    value, over = window.value(place, start)
                except _Broken:
                    continue
                if self._is_kin(value) or (not self._firsts and self._is_record(value)):
                    raise _Broken(place, _SWALLOWED, place)
                at = over - window.base

    def _learn(self, data: dict[str, Any], raw: bytes) -> None:
        first = next(iter(data), "")
        if not first.isascii():
            return
        if first not in self._nested:
            mark = b'"%s"' % first.encode()
            at = raw.find(mark, len(mark) + 1)
            if at > 0 and any(found[1] == first.encode() for found in _OBJECT.finditer(raw, 1)):
                self._nested.add(first)
        self._common = self._common & data.keys() if self._firsts else set(data)
        self._firsts[first] += 1

    def _is_kin(self, value: Any) -> bool:
        """Whether an object has most of the keys that all records so far have."""
        return (
            isinstance(value, dict)
            and len(self._common) > 1
            and 2 * len(self._common & value.keys()) > len(self._common)
        )

    def _holds(self, value: list[Any]) -> bool:
        """Whether a record stands in a list, or in lists within it."""
        lists = [value]
        while lists:
            for each in lists.pop():
                if isinstance(each, list):
                    lists.append(each)
                elif self._is_kin(each) or self._is_record(each):
                    return True
        return False

    def _resumed(self, begun: int, in_page: bool, broken: _Broken) -> int | None:
        """Where the next record begins after what has begun and is broken, None if no more is to be found."""
        self._mended = True
        at = broken.resume
        if at is None and in_page:
            at = self._next(begun)
        elif at is None:
            self._enclose(begun)
            at = self._next(self._window.within(begun))
        if at is not None and self._frames[-1:] == ["page"]:
            self._frames.append("list")
        return at

    def _enclose(self, begun: int) -> None:
        """Note how a broken record begins, and what stands within it, but for a list of records.

        What was followed is not followed again: time is linear.
        """
        window = self._window
        if begun < self._matched or not window.data.startswith(b"{", begun - window.base):
            return
        self._matched, _ = window.reach(begun, begun)
        first = _FIRST.match(window.data, begun - window.base)
        self._begin = first[1].decode("latin-1") if first else ""
        own = _OWN.match(window.data, begun - window.base)
        self._numbered = own is not None and bool(kind_of(own[1].decode("latin-1")))
        whole = slice(begun - window.base, self._matched - window.base)
        page = None if self._frames else _LIST.search(window.data, whole.start, whole.stop)
        self._inside = window.base + page.start() if page else self._matched
        self._marked = any(window.data.find(key, whole.start, whole.stop) >= 0 for key in _MARKS)

    def _next(self, at: int) -> int | None:
        window = self._window
        while True:
            found = _OBJECT.search(window.data, at - window.base)
            if found is not None:
                place = window.base + found.start()
                begins, at = self._begins(place, found[1].decode("latin-1"))
                if begins:
                    return place
            elif window.ended:
                return None
            else:
                at = max(at, window.end - _MARGIN)
                window.more(at)

    def _begins(self, place: int, key: str) -> tuple[bool, int]:
        """Whether a record begins with an object, and if not, where to look on."""
        if key in _NEVER_NESTED and (key in self._firsts or not self._firsts):
            return True, place
        if self._firsts[key] >= _ENOUGH and key not in self._nested:
            return True, place
        if self._spent > _FREE + 2 * self._window.end:
            self._hurries = True
            return False, place + 2 * _MARGIN
        soon = self._window.broken_soon(place)
        if soon is not None:
            self._spent += soon - place + _MARGIN
            return False, place + 1
        try:
            value, end = self._window.value(place)
        except _Broken as broken:
            self._spent += broken.position - place + _MARGIN
            return False, self._window.within(place)
        self._spent += end - place + _MARGIN + (_DEEP_LOOK if value is DEEP else 0)
        inner = self._window.data[place - self._window.base + 1 : end - self._window.base]
        if self._is_kin(value) or (
            self._is_record(value) and (place >= self._inside or self._is_neighbor(key, value, inner))
        ):
            return True, place
        hides = not self._firsts or any(b'"%s"' % first.encode() in inner for first in self._firsts)
        return False, self._window.within(place) if hides else end

    def _is_neighbor(self, key: str, value: dict[str, Any], inner: bytes) -> bool:
        """Whether a record within a broken one is the next one, for want of brackets, and no part of it.

        Parts have ids and titles too: arms of results, sites, applications, which tell the number as well.
        """
        if key == self._begin and self._numbered:
            return bool(kind_of(str(value[key]).strip()))
        if key == self._begin or key in self._firsts:
            return True
        if self._marked:
            return key != "id" and not value.keys().isdisjoint(_NEVER_NESTED)
        return bool(identities([inner[:_HEAD].decode("utf-8", "replace")]))
