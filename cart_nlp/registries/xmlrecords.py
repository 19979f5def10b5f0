"""Cut an XML dump into its records and parse them one by one: a broken record harms no other."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from cart_nlp.registries.entry import Rejected
from cart_nlp.registries.jsonvalues import MAX_RECORD, TOO_LONG
from cart_nlp.registries.sources import Feed, shown

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

_CONTROLS = bytes(at for at in range(32) if at not in (9, 10, 13))
_BLANKS = bytes(32 if at in _CONTROLS else at for at in range(256))
_REFERENCE = re.compile(rb"&(?:#([xX]?)([0-9a-fA-F]{1,8});|([A-Za-z][A-Za-z0-9]{0,30});)?")
_OWN = (b"amp", b"lt", b"gt", b"quot", b"apos")
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


def cut(feed: Feed, tag: str) -> Iterator[Cut]:
    """The elements of one name, wherever they stand in the input; the rest (and any DTD) is passed over."""
    opening = re.compile(rb"<" + tag.encode() + rb"(?=[\s>/])")
    closing = re.compile(rb"</" + tag.encode() + rb"\s{0,20}>")
    overlap = len(tag) + 30  # a marker that the end of the buffer cuts is looked for again
    chunks = feed.chunks()
    buffer, base, ended = b"", 0, False
    start: int | None = None
    at = 0
    while True:
        if start is None:
            found = opening.search(buffer, at)
            if found:
                start, at = found.start(), found.end()
                continue
            keep = max(at, len(buffer) - overlap)
        else:
            end = closing.search(buffer, at)
            again = opening.search(buffer, start + 1, end.start() if end else len(buffer))
            if again:
                yield Cut(base + start, buffer[start : again.start()], f"the element <{tag}> is not closed")
                start, at = again.start(), again.end()
                continue
            if end:
                yield Cut(base + start, buffer[start : end.end()], "")
                start, at = None, end.end()
                continue
            at = max(start + 1, len(buffer) - overlap)
            keep = start
        if ended:
            break
        if start is not None and len(buffer) - start > MAX_RECORD:
            yield Cut(base + start, b"", f"{TOO_LONG}, nor is the rest of the input")
            return
        grown, wanted, size = [buffer[keep:]], max(len(buffer) - keep, 1), 0
        while size < wanted and not ended:
            chunk = next(chunks, b"")
            ended = not chunk
            grown.append(chunk)
            size += len(chunk)
        buffer = b"".join(grown)
        base, at = base + keep, max(0, at - keep)
        start = None if start is None else start - keep
    if start is not None:
        yield Cut(base + start, buffer[start:], "the input ends within this record")


def element(raw: bytes) -> Element:
    """Parse one record, without entities, network or DTD; raises Rejected with the place of the fault.

    Control characters, HTML's named entities and bare ampersands, which exports do hold, are mended.
    """
    from lxml import etree

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


def search_text(raw: bytes) -> bytes | str:
    """The record as the screen is to see it: references resolved, and no line break within a phrase."""
    if b"&" not in raw:
        return b" ".join(raw.split())
    return " ".join(html.unescape(raw.decode("utf-8", "replace")).split())


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
