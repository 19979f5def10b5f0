"""Cut an XML dump into its records and parse them one by one: a broken record harms no other."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from cart_nlp.registries.containers import bounds
from cart_nlp.registries.containers.bounds import TOO_LONG, TOO_MANY
from cart_nlp.registries.containers.feeds import Feed, grown, shown
from cart_nlp.registries.entry import Rejected

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

_CONTROLS = bytes(at for at in range(32) if at not in (9, 10, 13))
_BLANKS = bytes(32 if at in _CONTROLS else at for at in range(256))
_REFERENCE = re.compile(rb"&(?:#([xX]?)([0-9a-fA-F]{1,8});|([A-Za-z][A-Za-z0-9]{0,30});)?")
_OWN = (b"amp", b"lt", b"gt", b"quot", b"apos")
_COMMENT = re.compile(rb"<!--(?:(?!<!--|-->).){0,5000}+-->", re.DOTALL)
_ELEMENT = re.compile(rb"<([A-Za-z_][\w:.-]{0,60})[\s>]")
_MARKUP = re.compile(rb"<!--(?:(?!<!--|-->).){0,5000}+-->|<[?!/A-Za-z][^<>]{0,5000}+>", re.DOTALL)
_UNCLOSED = re.compile(rb"<[/A-Za-z]")
_TAIL = 1 << 12
_PIECE = 1 << 20
_LONGEST_GAP = 1 << 16
_TAGS = re.compile(
    r"</?(?:p|b|i|u|br|li|ul|ol|div|span|strong|em|sup|sub|font|table|tr|td)\b[^<>]{0,300}>", re.I
)
_BREAKS = re.compile(r"<(?:br|/p|/li|/div)\b[^<>]{0,100}>[ \t\r\n]*+", re.I)
_BULLET = re.compile(r"(?:[-*•·]|\d{1,2}[.)])\s")


class Cut(NamedTuple):
    """Position and bytes of one record; `fault` says why it cannot be used."""

    position: int
    raw: bytes
    fault: str


def cut(feed: Feed, tag: str, id_tag: str = "") -> Iterator[Cut]:
    """The elements of one name, wherever they stand in the input; the rest (and any DTD) is passed over.

    An end without a beginning is a record whose first line is damaged, and told as one; so is what stands
    between records and is neither blank nor a tag, or before them and holds the element of an id.
    """
    return _Cutter(feed, tag, id_tag).cuts()


class _Cutter:
    """What `cut` knows on its way through an input. Places count from the beginning of what is held."""

    def __init__(self, feed: Feed, tag: str, id_tag: str) -> None:
        self._tag = tag
        name = tag.encode()
        self._marks = re.compile(rb"<(?:(/)" + name + rb"\s{0,20}+>|" + name + rb"(?=[\s>/]))")
        self._number = re.compile(rb"</?" + id_tag.encode() + rb"(?![\w.-])") if id_tag else None
        self._root = _root(feed.peek())
        self._chunks = feed.chunks()
        self._buffer = self._tail = b""
        self._base = 0
        """Bytes of the input before what is held."""
        self._ended = False
        self._start: int | None = None
        """Where the record begins that is open."""
        self._at = self._last = 0
        """Where to look on, and where the last record ended."""
        self._given_up = False
        """Whether the last record was too long, so that its rest is of no interest."""
        self._first = True

    def cuts(self) -> Iterator[Cut]:
        """Every record, and what stands between records and belongs to a broken one."""
        while True:
            found = self._marks.search(self._buffer, self._at)
            if found is None:
                if self._ended:
                    break
                told = self._more()
            elif found[1]:
                told = self._closed(found)
            else:
                told = self._opened(found)
            if told is not None:
                yield told
        told = self._rest()
        if told is not None:
            yield told

    def _more(self) -> Cut | None:
        """Read on; an open record that is too long is given up."""
        overlap = len(self._tag) + 30  # a marker that the end of the buffer cuts is looked for again
        self._at = max(self._at, len(self._buffer) - overlap)
        told = None
        if self._start is not None and len(self._buffer) - self._start > bounds.MAX_RECORD:
            told = Cut(self._base + self._start, b"", TOO_LONG)
            self._start, self._given_up = None, True
        keep = self._start
        if keep is None:
            keep = self._last if len(self._buffer) - self._last <= _LONGEST_GAP else self._at
        held = len(self._buffer) - keep
        self._buffer, self._ended = grown(self._buffer[keep:], self._chunks)
        self._tail = (self._tail + self._buffer[max(held, len(self._buffer) - _TAIL) :])[-_TAIL:]
        self._base, self._at, self._last = self._base + keep, self._at - keep, max(0, self._last - keep)
        self._start = None if self._start is None else 0
        return told

    def _opened(self, found: re.Match[bytes]) -> Cut | None:
        if self._start is None:
            told = self._stray(found.start())
        else:
            raw = self._buffer[self._start : found.start()]
            told = Cut(self._base + self._start, raw, f"the element <{self._tag}> is not closed")
        self._start, self._at, self._given_up, self._first = found.start(), found.end(), False, False
        return told

    def _closed(self, found: re.Match[bytes]) -> Cut | None:
        told, self._at = None, found.end()
        if self._start is not None:
            fault = TOO_LONG if self._at - self._start > bounds.MAX_RECORD else ""
            told = Cut(self._base + self._start, self._buffer[self._start : self._at], fault)
        elif not self._given_up:
            raw = self._buffer[self._last : self._at]
            told = Cut(self._base + found.start(), raw, f"an end of <{self._tag}> without a beginning")
        self._start, self._last, self._given_up, self._first = None, self._at, False, False
        return told

    def _rest(self) -> Cut | None:
        """What is wrong at the end of the input."""
        end = self._base + len(self._buffer)
        if self._start is not None:
            raw = self._buffer[self._start :]
            return Cut(self._base + self._start, raw, "the input ends within this record")
        if (told := self._stray(len(self._buffer))) is not None:
            return told
        root = self._root
        if root is not None and root != self._tag.encode() and b"</" + root not in self._tail:
            return Cut(end, b"", "the input ends before its root element does: it is truncated")
        return None

    def _stray(self, end: int) -> Cut | None:
        """What stands from the last record to here, if it belongs to one that cannot be read."""
        gap = self._buffer[self._last : end]
        if self._given_up or len(gap) > _LONGEST_GAP or not gap.strip():
            return None
        rest = _MARKUP.sub(b"", gap).strip()
        # Before the first record, the text of a head is none of our business; a tag that is not closed is.
        stays = _UNCLOSED.search(rest) is not None if self._first else bool(rest)
        if stays or (self._number is not None and self._number.search(gap)):
            reason = f"what stands between two <{self._tag}> is no whole record"
            return Cut(self._base + self._last, gap, reason)
        return None


def _root(head: bytes) -> bytes | None:
    """The name of the outermost element, or None."""
    found = _ELEMENT.search(_COMMENT.sub(b"", head))
    return found[1] if found else None


def element(raw: bytes) -> Element:
    """Parse one record, without entities, network or DTD; raises Rejected with the place of the fault.

    Control characters, HTML's named entities and bare ampersands, which exports do hold, are mended.
    """
    from lxml import etree

    if raw.count(b"<") * 100 + raw.count(b"=") * 60 > bounds.MAX_VALUES:
        raise Rejected(TOO_MANY)

    def parse(data: bytes) -> Element:
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, remove_comments=True,
            remove_pis=True,
        )  # fmt: skip
        return etree.fromstring(data, parser)

    try:
        return parse(raw)
    except (etree.XMLSyntaxError, ValueError) as error:
        reason = str(error)
    try:
        return parse(_REFERENCE.sub(_mended, raw.translate(_BLANKS)))
    except (etree.XMLSyntaxError, ValueError):
        raise Rejected(f"not well-formed XML: {shown(' '.join(reason.split())[:150])}") from None


def _mended(found: re.Match[bytes]) -> bytes:
    if found[3]:
        if found[3] in _OWN:
            return found[0]
        meant = html.unescape(found[0].decode())
        return meant.encode() if "&" not in meant else b"&amp;" + found[0][1:]
    if found[2]:
        try:
            code = int(found[2], 16 if found[1] else 10)
        except ValueError:
            return b"&amp;" + found[0][1:]
        if code < 32 and code not in (9, 10, 13):
            return b" "
        return found[0]
    return b"&amp;" + found[0][1:]


def search_text(raw: bytes) -> bytes:
    """The record as the screen is to see it: references resolved, and no line break within a phrase."""
    if b"&" in raw:
        raw = html.unescape(raw.decode("utf-8", "replace")).encode("utf-8", "replace")
    if len(raw) < _PIECE:
        return b" ".join(raw.split())
    return b" ".join(b" ".join(piece.split()) for piece in _pieces(raw))


def _pieces(raw: bytes) -> Iterator[bytes]:
    """A text cut between words: all of its words at once would take many times its own size."""
    at = 0
    while at < len(raw):
        end = raw.find(b" ", at + _PIECE) + 1 or len(raw)
        yield raw[at:end]
        at = end


def plain(said: str) -> str:
    """Text without the HTML tags that some registries leave in it; line breaks stay."""
    if "<" in said:
        said = _TAGS.sub("", _BREAKS.sub("\n", said))
        said = "\n".join(line.strip() for line in said.split("\n"))
    return said.strip()


def reflowed(said: str) -> str:
    """Text without the wrapping and indentation that an export added; paragraphs and bullets stay."""
    out: list[str] = []
    for line in said.splitlines():
        bare = line.strip()
        if not bare:
            out.append("\n\n" if out and out[-1] != "\n\n" else "")
        elif not out or out[-1] in ("", "\n\n"):
            out.append(bare)
        else:
            out.append(("\n" if _BULLET.match(bare) else " ") + bare)
    return "".join(out).strip()


def joined(element: Element) -> str:
    """All text within an element."""
    return "".join(str(part) for part in element.itertext())


def said(parent: Element | None, path: str) -> str:
    """Text at a path below an element, bare of space around it; the empty string if it is not there."""
    found = None if parent is None else parent.find(path)
    return "" if found is None else joined(found).strip()


def all_said(parent: Element, path: str) -> list[str]:
    """Texts of all elements at a path, empty ones left out."""
    return [text for found in parent.iterfind(path) if (text := joined(found).strip())]
