"""Whatever the encoding of an input, UTF-8 is what the readers see; the choice is deterministic."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator

from cart_nlp.registries.sources import Feed

Report = Callable[[str], None]

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"""\A\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_HIGH_RUNS = re.compile(rb"[\x80-\xff]+")
_TEXT_CODECS = re.compile(r"utf|iso8859|cp125|cp936|gb|big5|shift_jis|euc|koi8|ascii|latin")


def _is_utf8(data: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)  # not final: the end may be cut
    except UnicodeDecodeError:
        return False
    return True


def guess(data: bytes, *, records_are_lines: bool = False) -> str:
    """The encoding of bytes that are not all ASCII: utf-8, gb18030 or cp1252.

    Text with as many good UTF-8 lines as bad ones is UTF-8 with faults, and so is JSON with a single bad
    line: there the bad line is rejected later. Otherwise Chinese stands in runs of high bytes, Western
    European text in single ones.
    """
    if _is_utf8(data):
        return "utf-8"
    good = bad = 0
    for line in data.splitlines():
        if not line.isascii():
            if _is_utf8(line):
                good += 1
            else:
                bad += 1
    if good >= bad or (records_are_lines and bad == 1):
        return "utf-8"
    runs = _HIGH_RUNS.findall(data)
    pairs = sum(len(run) > 1 for run in runs)
    if pairs * 2 >= len(runs):
        try:
            codecs.getincrementaldecoder("gb18030")().decode(data)
        except UnicodeDecodeError:
            return "cp1252"
        return "gb18030"
    return "cp1252"


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
    if name.startswith(("utf-16", "utf-32")):  # the declaration was readable as ASCII: it is wrong
        return "utf-8"
    return name if _TEXT_CODECS.match(name) else None


def as_utf8(feed: Feed, report: Report) -> Feed:
    """The feed as UTF-8 without a byte order mark; `report` hears of any other encoding.

    Bytes that are not UTF-8 in an otherwise UTF-8 input stay as they are: the record that holds them is
    rejected where it is parsed. In other encodings they become U+FFFD.
    """
    head = feed.peek()
    for mark, name in _BOMS:
        if head.startswith(mark):
            encoding: str | None = name
            break
    else:
        mark = b""
        encoding = _wide(head) or _declared(head)
        if encoding in ("utf-8", "ascii"):
            encoding = None  # what it says is checked against what it holds
    inner = Feed(feed.name, iter(()))
    is_json = head.removeprefix(mark).lstrip()[:1] in (b"{", b"[")
    inner.source = _recoded(feed, inner, len(mark), encoding, is_json, report)
    return inner


def _recoded(
    feed: Feed, inner: Feed, skip: int, encoding: str | None, is_json: bool, report: Report
) -> Iterator[bytes]:
    chunks = feed.chunks()
    decoder: codecs.IncrementalDecoder | None = None
    for chunk in chunks:
        if skip:
            chunk, skip = chunk[skip:], max(0, skip - len(chunk))
        if encoding is None and not chunk.isascii():
            encoding = guess(chunk, records_are_lines=is_json)
        if encoding is None or encoding == "utf-8":
            if chunk:
                yield chunk
            continue
        if decoder is None:
            report(f"{feed.name}: read as {encoding.upper()}")
            decoder = codecs.getincrementaldecoder(encoding)("replace")
        if text := decoder.decode(chunk):
            yield text.encode("utf-8", "replace")
    if decoder is not None and (text := decoder.decode(b"", final=True)):
        yield text.encode("utf-8", "replace")
    inner.fault = feed.fault
