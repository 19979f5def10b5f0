"""Whatever the encoding of an input, UTF-8 is what the readers see; the choice is deterministic.

UTF-16 and UTF-32 show by their marks or zero bytes, XML declares what it is, and GB18030, whose characters
hold bytes that mean something in JSON and CSV, is recoded line by line. Anything else passes as it is: a
record that is no UTF-8 is seen to on its own (`mending`), so that one stray byte decides nothing for others.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator

from cart_nlp.registries.containers.feeds import HEAD, Feed
from cart_nlp.registries.containers.mending import balance, legacy

Report = Callable[[str], None]

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"""\A\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_TEXT_CODECS = re.compile(r"utf|iso8859|cp125|cp936|gb|big5|shift_jis|euc|koi8|ascii|latin")
_THREE_BYTES = re.compile(rb"[\xe0-\xef][\x80-\xbf]{2}")
_CUT_CHARACTER = re.compile(rb"\A[\x80-\xbf]{1,3}+")
_LONGEST_LINE = 1 << 23
_NO_TRAIL = (b"\n", b'"', b",", b" ", b">")
"""Bytes that are never the second half of a character in GB18030, to cut at."""


def _is_utf8(data: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)  # not final: the end may be cut
    except UnicodeDecodeError:
        return False
    return True


def guess(data: bytes) -> str:
    """The encoding of a whole small file: utf-8, gb18030 or cp1252."""
    if _is_utf8(data):
        return "utf-8"
    good, bad = balance(data)
    return "utf-8" if good >= bad else legacy(data)


def _is_gb(data: bytes) -> bool:
    """Whether a piece of an input is in GB18030; lines of UTF-8 between do not matter."""
    if data.isascii() or _is_utf8(data):
        return False
    data = _CUT_CHARACTER.sub(b"", data, count=1)
    bad = b"\n".join(line for line in data.split(b"\n") if not line.isascii() and not _is_utf8(line))
    good, stray = balance(bad)
    return stray > good and legacy(bad) == "gb18030"


def _wide(head: bytes) -> str | None:
    """UTF-16 without a byte order mark shows by its zero bytes beside ASCII ones."""
    sample = head[:512]
    if len(sample) < 4 or b"\0" not in sample:
        return None
    even, odd = sample[0::2], sample[1::2]
    if odd.count(0) * 10 > len(odd) * 7 and even.count(0) * 10 < len(even):
        return "utf-16-le"
    if even.count(0) * 10 > len(even) * 7 and odd.count(0) * 10 < len(odd):
        return "utf-16-be"
    return None


def _declared(head: bytes) -> str | None:
    """The encoding that an XML declaration names, if Python knows it as a text encoding."""
    found = _DECLARED.match(head)
    if not found:
        return None
    try:
        name = codecs.lookup(found[1].decode("ascii")).name
    except LookupError:
        return None
    if name.startswith(("utf", "ascii")):  # what it says is checked against what it holds
        return None
    return name if _TEXT_CODECS.match(name) else None


def as_utf8(feed: Feed, report: Report) -> Feed:
    """The feed as UTF-8 without a byte order mark; `report` hears of any other encoding.

    Bytes that are not UTF-8 in an otherwise UTF-8 input stay as they are, for `mending` to see to.
    In other encodings they become U+FFFD.
    """
    head = feed.peek()
    for mark, name in _BOMS:
        if head.startswith(mark):
            encoding: str | None = None if name == "utf-8" else name
            break
    else:
        mark = b""
        encoding = _wide(head)
        if encoding is None and (declared := _declared(head)):
            if not head.isascii() and _is_utf8(head):
                report(f"{feed.name}: declares {declared.upper()} but is UTF-8, and is read as that")
            else:
                encoding = declared
    inner = Feed(feed.name, iter(()))
    chunks = unmarked(feed.chunks(), mark)
    if encoding is None:
        inner.source = _passed(chunks, feed, inner, report)
    else:
        report(f"{feed.name}: read as {encoding.upper()}")
        inner.source = _recoded(chunks, feed, inner, encoding)
    return inner


def unmarked(chunks: Iterator[bytes], mark: bytes) -> Iterator[bytes]:
    """Chunks without a byte order mark that may stand before them."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= len(mark):
            break
    if rest := head.removeprefix(mark):
        yield rest
    yield from chunks


def _in_pieces(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Chunks joined so far that what a piece holds does not hang on how it was cut."""
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size >= HEAD:
            yield b"".join(parts)
            parts, size = [], 0
    yield b"".join(parts)


def _recoded(chunks: Iterator[bytes], feed: Feed, inner: Feed, encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for chunk in chunks:
        if text := decoder.decode(chunk):
            yield text.encode("utf-8", "replace")
    if text := decoder.decode(b"", final=True):
        yield text.encode("utf-8", "replace")
    inner.fault = feed.fault


def _passed(chunks: Iterator[bytes], feed: Feed, inner: Feed, report: Report) -> Iterator[bytes]:
    held: bytes | None = None
    for chunk in _in_pieces(chunks):
        if held is None and _is_gb(chunk):
            report(f"{feed.name}: read as GB18030")
            held = b""
        if held is None:
            if chunk:
                yield chunk
            continue
        held += chunk
        end = held.rfind(b"\n") + 1
        if not end and len(held) > _LONGEST_LINE:
            end = max(held.rfind(sign) for sign in _NO_TRAIL) + 1 or len(held)
        if end:
            yield _lines(held[:end])
            held = held[end:]
    if held:
        yield _lines(held)
    inner.fault = feed.fault


def _lines(data: bytes) -> bytes:
    return b"\n".join(line if line.isascii() else _line(line) for line in data.split(b"\n"))


def _line(line: bytes) -> bytes:
    if _is_utf8(line) and _THREE_BYTES.search(line):
        return line
    return line.decode("gb18030" if legacy(line) == "gb18030" else "cp1252", "replace").encode()
