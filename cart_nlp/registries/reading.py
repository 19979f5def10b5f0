"""From a name on the command line to records: open, decompress, recode, recognize, read."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from cart_nlp.registries.china import chictrpage
from cart_nlp.registries.clinicaltrials import aactdatabase, aactfiles
from cart_nlp.registries.containers import jsonvalues
from cart_nlp.registries.containers.archives import open_zip, zip_members
from cart_nlp.registries.containers.encoding import Report, as_utf8
from cart_nlp.registries.containers.feeds import (
    BLANK,
    MOST_BLANKS,
    Feed,
    Meter,
    decompressed,
    file_feed,
    foreign,
    open_file,
    remove_folder,
    shown,
    spooled,
    stdin_feed,
    temporary_folder,
)
from cart_nlp.registries.entry import Ending, Entry, InputError, Reject, Settled
from cart_nlp.registries.eu import euctr
from cart_nlp.registries.general import mapped
from cart_nlp.registries.readers import jsonreader, sheets, sniffing, tablereader, xmlreader
from cart_nlp.searches import search_of

log = logging.getLogger("cart_nlp.registries")


class TextReader(Protocol):
    """Reads a UTF-8 feed."""

    def __call__(self, feed: Feed, *, mapping: Mapping[str, str] | None) -> Iterator[Entry | Reject]: ...


class Reader(NamedTuple):
    """A registry format: what it is, and what reads it."""

    title: str
    read: TextReader


def _only_by_content(feed: Feed, *, mapping: Mapping[str, str] | None) -> Iterator[Entry | Reject]:
    """AACT is a whole archive or a database, which are recognized without being named."""
    raise InputError(f"{feed.name}: not an AACT archive: no studies.txt and interventions.txt in a zip")


def _refuse_mapping(name: str, mapping: Mapping[str, str] | None) -> None:
    """Raise InputError where columns are named of an input that has none to name."""
    if mapping and mapped.checked(mapping):
        field = next(iter(mapping))
        raise InputError(
            f"{name}: --map {field}=…: the format has fields of its own, unlike tables and JSON; drop it"
        )


def _fixed(reader: Callable[[Feed], Iterator[Entry | Reject]]) -> TextReader:
    """A reader of a format whose fields have their own places."""

    def read(feed: Feed, *, mapping: Mapping[str, str] | None) -> Iterator[Entry | Reject]:
        _refuse_mapping(feed.name, mapping)
        return reader(feed)

    return read


READERS: dict[str, Reader] = {
    "json": Reader("JSON or JSON lines, each record in whatever known format", jsonreader.read),
    "ctgov-v2": Reader("ClinicalTrials.gov v2 JSON", partial(jsonreader.read, shape="ctgov-v2")),
    "ctgov-v1": Reader("ClinicalTrials.gov v1 FullStudies JSON", partial(jsonreader.read, shape="ctgov-v1")),
    "ctgov-xml": Reader("ClinicalTrials.gov classic XML", _fixed(partial(xmlreader.read, shape="ctgov-xml"))),
    "ctgov-search-xml": Reader(
        "ClinicalTrials.gov classic search results XML",
        _fixed(partial(xmlreader.read, shape="ctgov-search-xml")),
    ),
    "ctgov-csv": Reader(
        "ClinicalTrials.gov CSV, new or classic site", partial(tablereader.read, shape="ctgov-csv")
    ),
    "ictrp-xml": Reader("WHO ICTRP XML", _fixed(partial(xmlreader.read, shape="ictrp-xml"))),
    "ictrp-csv": Reader("WHO ICTRP CSV", partial(tablereader.read, shape="ictrp-csv")),
    "chictr-xml": Reader("ChiCTR XML", _fixed(partial(xmlreader.read, shape="chictr-xml"))),
    "chictr-html": Reader("ChiCTR pages, saved as HTML", _fixed(chictrpage.read)),
    "ctis": Reader("EU CTIS JSON", partial(jsonreader.read, shape="ctis")),
    "euctr": Reader("EU Clinical Trials Register, full details as text", _fixed(euctr.read)),
    "nci": Reader("NCI Clinical Trials Search API JSON", partial(jsonreader.read, shape="nci")),
    "aact": Reader("AACT flat files (zip) or database (postgresql://…)", _only_by_content),
    "table": Reader("CSV or TSV with a header line", tablereader.read),
}
"""Format name, as --format takes it -> reader of a text."""


def read(
    path: str | Path,
    format: str | None = None,
    mapping: Mapping[str, str] | None = None,
    report: Report | None = None,
    meter: Meter | None = None,
    settled: Callable[[bytes, bool], Settled] | None = None,
) -> Iterator[Entry | Reject]:
    """Every record of an input as an Entry, or as a Reject with the reason why it is none.

    `path` is a file (plain, .gz, .zst or .zip, told by its content), or "-" for standard input. `format` is a
    key of READERS, or None to recognize the content. `mapping` names the columns of a table or the keys of
    JSON: trial field -> column. `report` hears, in one line each, what a user should know (an encoding that
    is not UTF-8), `meter` how many bytes more of the file were read. `settled` tells of the bytes of a JSON
    line, and of whether it may be kept, as most may, what is done with it.
    Raises InputError, one line, if the input cannot be read at all.
    """
    name = str(path)
    report = report or log.warning
    sought = _Sought(name, mapping or {}, settled)
    yield from sought.met(_read(name, format, mapping, report, meter, settled and sought.settled))


def _read(
    name: str,
    format: str | None,
    mapping: Mapping[str, str] | None,
    report: Report,
    meter: Meter | None,
    settled: Callable[[bytes, bool], Settled] | None,
) -> Iterator[Entry | Reject]:
    if format is not None and format not in READERS:
        raise InputError(f"no format {format!r}; there are {', '.join(READERS)}")
    if aactdatabase.recognizes(name):
        _refuse_mapping(aactdatabase.shown_address(name), mapping)
        yield from aactdatabase.read(name)
        return
    if name == "-":
        yield from read_feed(decompressed(stdin_feed()), format, mapping, report, settled)
        return
    with open_file(name) as stream:
        feed = file_feed(name, stream)
        feed.meter = meter
        unpacked = decompressed(feed)
        if not unpacked.peek(1) and not unpacked.fault and _found_nothing(Path(name)):
            report(f"{name}: holds no records: the search of cart-nlp fetch found no study")
            return
        yield from read_feed(unpacked, format, mapping, report, settled)


_EMPTY = 1 << 10
"""Bytes that a dump without studies may take, packed."""


def _found_nothing(dump: Path) -> bool:
    """Whether an empty dump is what `cart-nlp fetch` wrote of a search without a hit."""
    if not dump.is_file() or dump.stat().st_size > _EMPTY:
        return False
    search = search_of(dump, hashlib.sha256(dump.read_bytes()).hexdigest())
    return search is not None and search.get("studies") == 0


_HELD = 10_000
_HELD_BYTES = 1 << 24
"""Records, and bytes of their text, among which every key that a user names has to be met."""


class _Sought:
    """The keys that a user's mapping names, until each was met in a record.

    No record can be told from one that just says nothing there, so a key that is misspelled would take its
    field from all of them unseen.
    """

    def __init__(
        self, name: str, mapping: Mapping[str, str], settled: Callable[[bytes, bool], Settled] | None
    ) -> None:
        self._name = name
        mapped.checked(mapping)
        self._open = dict(mapping)
        self._settled = settled

    def settled(self, raw: bytes, may_keep: bool) -> Settled:
        """What is done with a record; one that is known was read with the same mapping."""
        assert self._settled is not None
        told = self._settled(raw, may_keep)
        if told != "new":
            self._open.clear()
        return told

    def met(self, found: Iterator[Entry | Reject]) -> Iterator[Entry | Reject]:
        """What is read, once every key was met; raises InputError where one is in none of the records.

        Tables have refused what they have no column for; of JSON the first records are held back.
        """
        held: list[Entry | Reject] = []
        keys: dict[str, None] = {}
        records = size = 0
        while self._open and records < _HELD and size < _HELD_BYTES:
            each = next(found, None)
            if each is None:
                break
            held.append(each)
            if isinstance(each, Entry):
                records, size = records + 1, size + len(each.text)
                data = jsonvalues.parse(each.data) if isinstance(each.data, bytes) else each.data
                keys |= dict.fromkeys(data)
                self._open = {field: key for field, key in self._open.items() if key not in data}
        if self._open and records:
            field, key = next(iter(self._open.items()))
            what = "no record" if records < _HELD and size < _HELD_BYTES else f"none of {records:,} records"
            there = mapped.listed(list(keys))
            raise InputError(f"{self._name}: --map {field}={key}: {what} has such a key; there are {there}")
        yield from held
        yield from found


def read_feed(
    feed: Feed,
    format: str | None,
    mapping: Mapping[str, str] | None,
    report: Report,
    settled: Callable[[bytes, bool], Settled] | None = None,
    *,
    top: bool = True,
) -> Iterator[Entry | Reject]:
    """Every record of an open stream, as `read` gives them; within an archive (`top` false) what cannot be
    read is a Reject instead of an InputError."""
    head = feed.peek()
    refused = _refused(feed, head)
    if refused:
        if top:
            raise InputError(f"{feed.name}: {refused}")
        yield Reject(feed.name, "start", None, refused)
        return
    if head.startswith(b"PAR1"):
        if top:
            yield from _read_parquet(feed, format, mapping)
        else:
            yield Reject(feed.name, "start", None, "a Parquet file within an archive: unpack it first")
        return
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        if top:
            yield from _read_archive(feed, format, mapping, report)
        else:
            yield Reject(feed.name, "start", None, "an archive within an archive: unpack it first")
        return
    text = as_utf8(feed, report)
    ending = Ending()
    text.settled = settled and ending.watched(settled)
    chosen = format or sniffing.sniff(text.opening())
    if chosen is None:
        reason = f"no known registry format (it begins {shown(repr(head[:30]))}); force one with --format"
        if top:
            raise InputError(f"{feed.name}: {reason}")
        yield Reject(feed.name, "start", None, reason)
        return
    found = False
    try:
        for each in ending.told(READERS[chosen].read(text, mapping=mapping)):
            found = True
            yield each
    except InputError as error:
        if top and not found:
            raise
        yield Reject(feed.name, "start", None, str(error).removeprefix(f"{feed.name}: "))
        return
    text.tell(report)
    fault = text.fault or feed.fault
    if fault:
        yield Reject(feed.name, f"byte {text.offset + 1}", None, fault)
    elif not found and top:
        raise _no_records(feed.name, format)


def _no_records(name: str, format: str | None) -> InputError:
    return InputError(f"{name}: holds no records" + (f" in the format {format}" if format else ""))


def _refused(feed: Feed, head: bytes) -> str | None:
    if not head:
        return feed.fault or "is empty"
    if not head.strip(BLANK) and not (begun := feed.opening()).strip(BLANK):
        if len(begun) >= MOST_BLANKS:
            return f"begins with more than {MOST_BLANKS >> 20} MB of blanks or zero bytes; cut them off"
        return "holds nothing but blanks or zero bytes"
    what = foreign(head)
    return f"{what}: cannot be read" if what else None


def _read_archive(
    feed: Feed,
    format: str | None,
    mapping: Mapping[str, str] | None,
    report: Report,
) -> Iterator[Entry | Reject]:
    folder = None
    try:
        path = feed.path
        if path is None:
            folder = temporary_folder(feed.name)
            path = spooled(feed, folder)
        with open_zip(path, feed.name) as archive:
            if sheets.is_workbook(archive):
                yield from sheets.read_workbook(path, feed.name, mapping, format)
                return
            if aactfiles.recognizes(archive):
                _refuse_mapping(feed.name, mapping)
                yield from aactfiles.read(archive, feed.name, report, feed.meter)
                return
            found = False
            for member in zip_members(archive, feed.name, feed.meter):
                found = True
                if isinstance(member, Reject):
                    yield member
                else:
                    yield from read_feed(member, format, mapping, report, top=False)
            if not found:
                raise InputError(f"{feed.name}: the archive holds no files to read")
    finally:
        if folder is not None:
            remove_folder(folder)


def _read_parquet(
    feed: Feed, format: str | None, mapping: Mapping[str, str] | None
) -> Iterator[Entry | Reject]:
    folder = None
    try:
        path = feed.path
        if path is None:
            folder = temporary_folder(feed.name)
            path = spooled(feed, folder)
        yield from sheets.read_parquet(path, feed.name, mapping, format, feed.meter)
    finally:
        if folder is not None:
            remove_folder(folder)
