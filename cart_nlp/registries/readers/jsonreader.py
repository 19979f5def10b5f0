"""Read JSON in any layout (lines, one record, array, paged list); each record finds its own format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cart_nlp.registries import nci
from cart_nlp.registries.clinicaltrials import ctgov, ctgovold
from cart_nlp.registries.containers.bounds import TOO_LONG
from cart_nlp.registries.containers.feeds import Feed, shown
from cart_nlp.registries.containers.jsondocument import Document
from cart_nlp.registries.containers.jsonvalues import (
    is_lines,
    parse,
    plain_value,
    search_text,
    sound,
    split_lines,
)
from cart_nlp.registries.containers.mending import Note
from cart_nlp.registries.entry import NAME_KEYS, OWN_RECORDS, Entry, InputError, Reject, Rejected
from cart_nlp.registries.eu import ctis
from cart_nlp.registries.general import mapped, native
from cart_nlp.registries.general.jsonshape import Shape
from cart_nlp.registries.values.identifiers import identities
from cart_nlp.schema import Trial

SHAPES: tuple[Shape, ...] = (
    Shape("ctgov-v2", ctgov.recognizes, ctgov.identify, ctgov.parse),
    Shape("ctgov-v1", ctgovold.recognizes, ctgovold.identify, ctgovold.parse),
    Shape("ctis", ctis.recognizes, ctis.identify, ctis.parse),
    Shape("nci", nci.recognizes, nci.identify, nci.parse),
    Shape("json", native.recognizes, native.identify, native.parse),
)
"""In the order in which they are tried."""


_HANDED_ON = 64
"""Of so many lines the first is handed on in any case: whoever reads is never long without one."""


def read(
    feed: Feed, *, shape: str | None = None, mapping: Mapping[str, str] | None = None
) -> Iterator[Entry | Reject]:
    """Entries of a JSON input; `shape` forces one format, `mapping` names the fields of an unknown one."""
    if mapping:
        forced: Shape | None = mapped.json_shape(mapping)
    else:
        forced = next((each for each in SHAPES if each.name == shape), None)
    if is_lines(feed.peek()):
        yield from _lines(feed, forced)
    else:
        yield from _document(feed, forced)


def _lines(feed: Feed, forced: Shape | None) -> Iterator[Entry | Reject]:
    source, settled = feed.name, feed.settled
    shape, parsing = forced, None
    for at, (number, raw) in enumerate(split_lines(feed)):
        place = f"line {number}"
        if raw is None:
            yield Reject(source, place, None, TOO_LONG)
            continue
        if settled is not None and (told := settled(raw, at % _HANDED_ON > 0)) != "new":
            if told == "known":
                yield Entry(source, place, raw, raw, _Late(forced))
            continue
        data, fault = plain_value(raw), ""
        plain = data is not None
        if not plain:
            raw, data, fault = _line(raw, feed.noting(place))
            if fault and raw.count(b"{") > 1:
                yield from _within(raw, feed, place, fault, forced)
                continue
        try:
            if fault:
                raise Rejected(fault)
            if not isinstance(data, dict):
                raise Rejected(f"a JSON {type(data).__name__}, not an object")
            if shape is None or not (shape is forced or shape.recognizes(data)):
                shape = shape_of(data)
                parsing = None
            own = shape.identify(data)
            text = raw if plain else search_text(raw, data)
        except Rejected as reason:
            _refuse_own(data, source)
            yield Reject(source, place, _number(raw), str(reason))
        else:
            parsing = parsing or _Parsing(shape.parse)
            # The bytes, not the values: most records go no further, and bytes are cheap to hand on.
            yield Entry(source, place, text, raw, parsing, own)


def _line(raw: bytes, note: Note) -> tuple[bytes, Any, str]:
    """A line as `sound` gives it, and why it is no JSON."""
    try:
        return *sound(raw, note), ""
    except Rejected as reason:
        return raw, None, str(reason)


def _within(raw: bytes, feed: Feed, place: str, fault: str, forced: Shape | None) -> Iterator[Entry | Reject]:
    """What a broken line holds: two records that lost the line break between them, or one and its ruins."""
    inner = Feed(feed.name, iter((raw,)), notes=feed.notes)
    found = list(_document(inner, forced))
    if not any(isinstance(each, Entry) for each in found):
        yield Reject(feed.name, place, _number(raw), fault, lost=len(found) > 1)
        return
    for each in found:
        if isinstance(each, Entry):
            yield each._replace(place=f"{place}, {each.place}")
        else:
            yield replace(each, place=f"{place}, {each.place}")


def _number(raw: bytes) -> str | None:
    """The registration number at the beginning of a broken record, if there is one."""
    return next(iter(identities([raw[:500].decode("utf-8", "replace")])), None)


@dataclass(frozen=True, slots=True)
class _Parsing:
    """Builds a trial from the bytes of a record that was found to be sound."""

    build: Callable[[Any], Trial]

    def __call__(self, raw: bytes) -> Trial:
        return self.build(parse(raw))


@dataclass(frozen=True, slots=True)
class _Late:
    """Builds a trial from the bytes of a record that was found to be sound in an earlier run."""

    forced: Shape | None

    def __call__(self, raw: bytes) -> Trial:
        data = parse(raw)
        return (self.forced or shape_of(data)).parse(data)


def _document(feed: Feed, forced: Shape | None) -> Iterator[Entry | Reject]:
    source = feed.name

    def is_record(data: Any) -> bool:
        try:
            (forced or shape_of(data)).identify(data)
        except Rejected:
            return False
        return True

    for value in Document(feed, is_record):
        place = f"byte {value.position + 1}"
        if value.fault:
            yield Reject(source, place, _number(value.raw), value.fault)
            continue
        try:
            shape = forced or shape_of(value.data)
            own = shape.identify(value.data)
            text = search_text(value.raw, value.data)
        except Rejected as reason:
            _refuse_own(value.data, source)
            yield Reject(source, place, _number(value.raw), str(reason))
        else:
            yield Entry(source, place, text, value.data, shape.parse, own)


def _refuse_own(data: Any, source: str) -> None:
    """Records of this project are told once, not one by one."""
    if isinstance(data, dict) and mapped.is_own(data):
        raise InputError(f"{source}: {OWN_RECORDS}")


def shape_of(data: Any) -> Shape:
    """The format of a record by its keys; raises Rejected for what is no record of any."""
    if not isinstance(data, Mapping):
        raise Rejected(f"a JSON {type(data).__name__}, not an object")
    for shape in SHAPES:
        if shape.recognizes(data):
            return shape
    if mapped.is_own(data):
        raise Rejected(OWN_RECORDS)
    keys = ", ".join(shown(str(key)[:30]) for key in list(data)[:6])
    guessed = mapped.json_guess(data)
    if guessed is None and data.keys() & {"brief_title", "official_title", "title", "brief_summary"}:
        raise Rejected("record without an id")
    if guessed is None:
        raise Rejected(f"no known record format: its keys are {keys or 'none'}; {NAME_KEYS}")
    return guessed
