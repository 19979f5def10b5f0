"""Cut an XML dump into its records and parse them one by one: a broken record harms no other."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from cart_nlp.registries import bounds
from cart_nlp.registries.bounds import TOO_LONG, TOO_MANY
from cart_nlp.registries.entry import Rejected
from cart_nlp.registries.sources import Feed, grown, shown

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
    name = tag.encode()
    marks = re.compile(rb"<(?:(/)" + name + rb"\s{0,20}+>|" + name + rb"(?=[\s>/]))")
    overlap = len(tag) + 30  # a marker that the end of the buffer cuts is looked for again
    root = _root(feed.peek())
    chunks = feed.chunks()
    buffer, tail, base, ended = b"", b"", 0, False
    start: int | None = None
    at = last = 0
    given_up, first = False, True
    number = re.compile(rb"</?" + id_tag.encode() + rb"(?![\w.-])") if id_tag else None

    def stray(end: int) -> Cut | None:
        """What stands from the last record to here, if it belongs to one that cannot be read."""
        gap = buffer[last:end]
        if given_up or len(gap) > _LONGEST_GAP or not gap.strip():
            return None
        rest = _MARKUP.sub(b"", gap).strip()
        # Before the first record, the text of a head is none of our business; a tag that is not closed is.
        stays = _UNCLOSED.search(rest) is not None if first else bool(rest)
        if stays or (number is not None and number.search(gap)):
            return Cut(base + last, gap, f"what stands between two <{tag}> is no whole record")
        return None

    while True:
        found = marks.search(buffer, at)
        if found is None:
            if ended:
                break
            at = max(at, len(buffer) - overlap)
            if start is not None and len(buffer) - start > bounds.MAX_RECORD:
                yield Cut(base + start, b"", TOO_LONG)
                start, given_up = None, True
            keep = (last if len(buffer) - last <= _LONGEST_GAP else at) if start is None else start
            held = len(buffer) - keep
            buffer, ended = grown(buffer[keep:], chunks)
            tail = (tail + buffer[max(held, len(buffer) - _TAIL) :])[-_TAIL:]
            base, at, last = base + keep, at - keep, max(0, last - keep)
            start = None if start is None else 0
        elif not found[1]:
            if start is not None:
                yield Cut(base + start, buffer[start : found.start()], f"the element <{tag}> is not closed")
            elif (gap := stray(found.start())) is not None:
                yield gap
            start, at, given_up, first = found.start(), found.end(), False, False
        else:
            at = found.end()
            if start is not None:
                yield Cut(base + start, buffer[start:at], TOO_LONG if at - start > bounds.MAX_RECORD else "")
            elif not given_up:
                yield Cut(base + found.start(), buffer[last:at], f"an end of <{tag}> without a beginning")
            start, last, given_up, first = None, at, False, False
    if start is not None:
        yield Cut(base + start, buffer[start:], "the input ends within this record")
    elif (gap := stray(len(buffer))) is not None:
        yield gap
    elif root not in (None, name) and b"</" + (root or b"") not in tail:
        yield Cut(base + len(buffer), b"", "the input ends before its root element does: it is truncated")


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
