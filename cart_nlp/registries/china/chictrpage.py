"""Pages of the ChiCTR site as a browser saves them: the list of a search, and one trial in detail."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cart_nlp.registries.china.chictr import REGISTRY
from cart_nlp.registries.containers.feeds import Feed
from cart_nlp.registries.containers.mending import mended
from cart_nlp.registries.entry import Entry, InputError, Reject, Rejected
from cart_nlp.registries.values import shapes
from cart_nlp.registries.values.trials import built
from cart_nlp.schema import Trial

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

_NUMBER = re.compile(r"ChiCTR[-A-Za-z]{0,10}\d{8,10}")
_NUMBER_CELL = re.compile(rb">\s{0,50}(ChiCTR[-A-Za-z]{0,10}\d{8,10})\s{0,50}<")
_NUMBER_BYTES = re.compile(rb"ChiCTR[-A-Za-z]{0,10}\d{8}")
_VALUE = re.compile(rb"""=\s{0,9}(?:"[^"<>]{0,2000}"|'[^'<>]{0,2000}'|(?!ChiCTR)[^\s"'<>]{1,2000})""")
"""The value of an attribute: a title or an address may hold a number too."""
_ROW = re.compile(rb"<tr(?=[\s>])", re.IGNORECASE)
_ROW_END = re.compile(rb"</tr\b", re.IGNORECASE)
_CELL_END = re.compile(rb"</td\b", re.IGNORECASE)
_CELLS = 5
_LARGEST = 1 << 24
_MOST_TAGS = 1_000_000
_NO_ROW = "a row of the list that cannot be read"
_CUT = "the page ends early: it is truncated"
_HTML = re.compile(rb"<html\b", re.IGNORECASE)
_TABLE = re.compile(rb"<table\b", re.IGNORECASE)
_TABLE_END = re.compile(rb"</table\b", re.IGNORECASE)
_FROM_TO = re.compile(r"From\s*([\d-]{8,10}).{0,40}?To\s*([\d-]{8,10})", re.DOTALL)
_SPONSORS = {"具体地址": "国家", "Address": "Country"}
"""Label that only a secondary sponsor's hospital has -> the label of its country, in a row before it."""
_OUTCOMES = {"指标中文名": "指标类型", "Outcome": "Type"}
"""Label of an outcome -> that of its kind, in the same row."""
_FURTHER = " that is not primary"
Labels = Mapping[str, list[str]]


def read(feed: Feed) -> Iterator[Entry | Reject]:
    """Entries of a saved page."""
    from lxml import etree

    page = _whole(feed)
    cut = _is_cut(page)
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True)
    try:
        root = etree.fromstring(page, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise InputError(f"{feed.name}: not an HTML page: {error}") from None
    if root is None:
        raise InputError(f"{feed.name}: an empty HTML page")
    cells = [row for row in root.iter("tr") if row.find(".//table") is None]
    listed = list(_rows(page, feed.name))
    if any(isinstance(each, Entry) for each in listed):
        yield from listed
        if cut:
            yield Reject(feed.name, f"byte {len(page) + 1}", None, f"{_CUT}: rows may be missing")
        return
    labels = _labels(cells)
    try:
        number = shapes.checked_id(_first(labels, "Registration number"), "a ChiCTR registration number")
    except Rejected as reason:
        yield Reject(feed.name, "page", None, str(reason))
        return
    if cut:
        yield Reject(feed.name, f"page of {number}", number, _CUT)
        return
    text = " ".join(value for values in labels.values() for value in values)
    yield Entry(feed.name, f"page of {number}", text, labels, _parse_detail, number)


def _rows(page: bytes, name: str) -> Iterator[Entry | Reject]:
    """The rows of a search list, each parsed by itself: what is broken in one harms no other."""
    from lxml import etree

    for at, row in enumerate(_ROW.split(page)):
        if not at:  # before the first row: what the table begins with, should its row be damaged
            row = row[row.rfind(b"<table") :] if b"<table" in row else b""
        parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True)
        root = etree.fromstring(b"<table><tr" + row, parser)
        element = None if root is None else next(root.iter("tr"), None)
        each = None if element is None else _listed(element)
        if each is not None:
            yield Entry(name, f"row {each['id']}", " ".join(each.values()), each, _parse_listed, each["id"])
            row = _behind(row)
        numbers = [found.decode() for found in _NUMBER_CELL.findall(row)]
        for number in numbers:
            yield Reject(name, f"row {number}", number, _NO_ROW)
        if not numbers and _NUMBER_BYTES.search(_VALUE.sub(b"", row)):
            yield Reject(name, "a row", None, _NO_ROW)


def _behind(row: bytes) -> bytes:
    """What stands behind the end of a row: the next one, if the tag that begins it is broken."""
    end = _ROW_END.search(row) or next(itertools.islice(_CELL_END.finditer(row), _CELLS - 1, None), None)
    return row[end.end() :] if end else b""


def _whole(feed: Feed) -> bytes:
    """The bytes of a page; raises InputError for one that would fill the memory."""
    parts, size = [], 0
    for chunk in feed.chunks():
        parts.append(chunk)
        size += len(chunk)
        if size > _LARGEST:
            raise InputError(f"{feed.name}: a page of more than {_LARGEST >> 20} MiB: not read")
    page = mended(b"".join(parts), feed.noting("byte 1"))
    if page.count(b"<") > _MOST_TAGS:
        raise InputError(f"{feed.name}: a page of more than {_MOST_TAGS:,} tags: not read")
    return page


def _is_cut(page: bytes) -> bool:
    """Whether a page ends before its markup does."""
    if _HTML.search(page[:4096]):
        return b"</html" not in page[-4096:].lower()
    return len(_TABLE.findall(page)) > len(_TABLE_END.findall(page))


def _words(cell: Element) -> str:
    return " ".join("".join(str(part) for part in cell.itertext()).split())


def _listed(row: Element) -> dict[str, str] | None:
    """Number, title, hospital, kind and date of a row of a search list."""
    cells = row.findall("td")
    if len(cells) != _CELLS or not _NUMBER.fullmatch(_words(cells[1])):
        return None
    link, hospital = cells[2].find(".//a"), cells[2].find(".//p")
    title = " ".join(str(link.get("title") or "").split()) if link is not None else ""
    return {
        "id": _words(cells[1]),
        "title": title or (_words(link) if link is not None else _words(cells[2])),
        "sponsor": "" if hospital is None else _words(hospital),
        "study_type": _words(cells[3]),
        "first_posted": _words(cells[4]),
    }


def _parse_listed(row: Mapping[str, str]) -> Trial:
    chinese = not row["title"].isascii()
    return built(
        row["id"],
        REGISTRY,
        "",
        shapes.sections(**{"brief_title_zh" if chinese else "brief_title": row["title"]}),
        study_type=row["study_type"],
        first_posted=row["first_posted"],
        sponsor=row["sponsor"],
    )


def _labels(rows: list[Element]) -> dict[str, list[str]]:
    """Label -> values of a detail page, whose rows hold one or two pairs of label and value.

    Where one label means several things, what its row or a later one says tells them apart: the countries
    of secondary sponsors are left out, outcomes that are not primary have a label of their own.
    """
    found: dict[str, list[str]] = {}
    for row in rows:
        cells = [_words(cell) for cell in row if cell.tag in ("td", "th")]
        pairs = {
            name: value
            for label, value in zip(cells[::2], cells[1::2], strict=False)
            for part in re.split("[:：]", label)
            if (name := part.strip())
        }
        for name, value in pairs.items():
            kind = pairs.get(_OUTCOMES.get(name, ""), "")
            further = kind and not kind.casefold().startswith(("primary", "主要"))
            found.setdefault(name + _FURTHER if further else name, []).append(value)
            if found.get(country := _SPONSORS.get(name, "")):
                found[country].pop()
    return found


def _first(labels: Labels, *names: str) -> str:
    return next((value for name in names for value in labels.get(name, ()) if value), "")


def _all(labels: Labels, *names: str) -> list[str]:
    return list(shapes.unique(value for name in names for value in labels.get(name, ())))


def _parse_detail(labels: Labels) -> Trial:
    number = _first(labels, "Registration number")
    criteria = [
        f"{label}:\n{text}"
        for label, text in (
            ("Inclusion criteria", _first(labels, "Inclusion criteria", "纳入标准")),
            ("Exclusion criteria", _first(labels, "Exclusion criteria", "排除标准")),
        )
        if text
    ]
    count = ";".join(value for value in labels.get("样本量", labels.get("Sample size", ())) if value)
    period = _FROM_TO.search(_first(labels, "Study execute time"))
    interventions: list[Any] = _all(labels, "Intervention") or _all(labels, "干预措施")
    return built(
        number,
        REGISTRY,
        "",
        shapes.sections(
            brief_title=_first(labels, "Public title"),
            official_title=_first(labels, "Scientific title"),
            acronym=_first(labels, "English Acronym"),
            brief_title_zh=_first(labels, "注册题目"),
            official_title_zh=_first(labels, "研究课题的正式科学名称"),
            brief_summary=_first(labels, "Objectives of Study", "研究目的"),
            detailed_description=_first(
                labels,
                "Description for medicine or protocol of treatment in detail",
                "药物成份或治疗方案详述",
            ),
            conditions=_all(labels, "Target disease") or _all(labels, "研究疾病"),
            interventions=interventions,
            arms=_all(labels, "Group") or _all(labels, "组别"),
            eligibility="\n\n".join(criteria),
            primary_outcomes=_all(labels, "Outcome") or _all(labels, "指标中文名"),
            secondary_outcomes=_all(labels, "Outcome" + _FURTHER) or _all(labels, "指标中文名" + _FURTHER),
        ),
        secondary_ids=(
            value
            for name, values in labels.items()
            if name.startswith("The registration number of the Partner Registry")
            for value in values
        ),
        phase=_first(labels, "Study phase", "研究所处阶段"),
        status=_first(labels, "Recruiting status", "征募研究对象情况"),
        study_type=_first(labels, "Study type", "研究类型"),
        enrollment=count,
        start_date=period[1] if period else "",
        completion_date=period[2] if period else "",
        first_posted=_first(labels, "Date of Registration"),
        sponsor=_first(labels, "Primary sponsor", "研究实施负责（组长）单位"),
        countries=_all(labels, "Country") or _all(labels, "国家"),
        raw={"start_date": ""},
    )
