"""Exports of PubMed and Europe PMC, and RIS, as entries; no paper's own references are read."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from cart_nlp import readback
from cart_nlp.console import reason
from cart_nlp.registries.entry import InputError

_MONTHS = {
    m: n
    for n, m in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
_WANTED = "save PubMed's format “PubMed” or XML, or Europe PMC's JSON, XML or CSV"


@dataclass(frozen=True)
class Entry:
    """One publication of an export, with what decides its grade. No list of its references is read."""

    pmid: str
    title: str = ""
    abstract: str = ""
    bank: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    """CommentsCorrections, as PubMed names them: RetractionIn, ErratumFor …"""
    mesh: tuple[str, ...] = ()
    date: str | None = None


def entries(path: Path) -> list[Entry]:
    """The publications of a file, whatever its format; raises InputError with fault and remedy."""
    try:
        data = readback.whole(path)
    except OSError as fault:
        raise InputError(f"{path}: cannot be read: {reason(fault)}") from fault
    try:
        found = [one for one in _entries(path, data) if one.pmid]
    except csv.Error as fault:
        raise InputError(f"{path}: {readback.broken(fault)}") from None
    if not found:
        raise InputError(f"{path}: no publication in it; {_WANTED}")
    return found


def _entries(path: Path, data: bytes) -> Iterator[Entry]:
    start = data.lstrip(b"\xef\xbb\xbf \r\n\t")[:1]
    if start == b"<":
        return _xml(path, data)
    text = data.decode("utf-8-sig", errors="replace")
    if start in (b"{", b"["):
        return _json(path, text)
    if re.search(r"^PMID\s*- ", text, re.MULTILINE):
        return _nbib(text)
    if re.search(r"^TY  ?- ", text, re.MULTILINE):
        return _ris(text)
    return _csv(path, text)


def day(text: str) -> str | None:
    """A date as PubMed writes it (2021 Mar 5, 2021/03/05, 2021-03, 2021 Spring) in ISO, as exact as it is."""
    match = re.match(
        r"\s*((?:19|20)\d{2})(?:[\s/-]+([A-Za-z]{3}|\d{1,2})[a-z]*)?(?:[\s/-]+(\d{1,2})\b)?", text or ""
    )
    if match is None:
        return None
    month = _MONTHS.get((match[2] or "").lower()[:3]) or (
        int(match[2]) if (match[2] or "").isdigit() else None
    )
    if not month or not 1 <= month <= 12:
        return match[1]
    return f"{match[1]}-{month:02d}" + (
        f"-{int(match[3]):02d}" if match[3] and 1 <= int(match[3]) <= 31 else ""
    )


def _tags(block: str) -> dict[str, list[str]]:
    found: dict[str, list[list[str]]] = {}
    value: list[str] | None = None
    for line in block.splitlines():
        if match := re.match(r"^([A-Z][A-Z0-9]{1,3})\s*-\s?(.*)$", line):
            value = [match[2].strip()]
            found.setdefault(match[1], []).append(value)
        elif value is not None and line.strip():
            value.append(line.strip())
    return {name: list(map(" ".join, values)) for name, values in found.items()}


def _one(tags: dict[str, list[str]], *names: str) -> str:
    return next((" ".join(tags[name]) for name in names if tags.get(name)), "")


def _nbib(text: str) -> Iterator[Entry]:
    relations = {"RIN": "RetractionIn", "ROF": "RetractionOf", "EFR": "ErratumFor", "EIN": "ErratumIn"}
    for block in re.split(r"(?m)^(?=PMID\s*- )", text):
        tags = _tags(block)
        if tags.get("PMID") and tags["PMID"][0].isdigit():
            yield Entry(
                tags["PMID"][0],
                _one(tags, "TI", "TT"),
                _one(tags, "AB", "OAB"),
                tuple(tags.get("SI", ())),
                tuple(tags.get("PT", ())),
                tuple(name for tag, name in relations.items() if tags.get(tag)),
                tuple(tags.get("MH", ())),
                day(re.sub(r"^(\d{4})(\d{2})(\d{2})$", r"\1/\2/\3", _one(tags, "DEP", "DP", "EDAT"))),
            )


def _ris(text: str) -> Iterator[Entry]:
    for block in re.split(r"(?m)^(?=TY  ?- )", text):
        tags = _tags(block)
        known = [
            t
            for name in ("AN", "PM", "ID", "C2", "M1")
            for t in tags.get(name, ())
            if re.fullmatch(r"(?:PMID:? ?)?\d{5,9}", t)
        ]
        if tags.get("TY"):
            key = re.sub(r"\D", "", known[0]) if known else _one(tags, "DO")
            yield Entry(
                key,
                _one(tags, "TI", "T1"),
                _one(tags, "AB", "N2"),
                (),
                (*tags.get("M3", ()), *tags.get("KW", ())),
                (),
                tuple(tags.get("KW", ())),
                day(_one(tags, "DA", "Y1", "PY")),
            )


def _text(node: Any) -> str:
    return " ".join("".join(node.itertext()).split()) if node is not None else ""


def _xml(path: Path, data: bytes) -> Iterator[Entry]:
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(data)
    except (ParseError, DefusedXmlException) as fault:
        raise InputError(f"{path}: not XML that can be read: {fault}") from fault
    for one in root.iter("PubmedArticle"):
        yield _pubmed(one)
    for one in root.iter("result"):
        types = [_text(t) for t in one.findall("pubTypeList/pubType")]
        relations = [_text(t) for t in one.findall("commentCorrectionList/commentCorrection/type")]
        mesh = [_text(t) for t in one.findall("meshHeadingList/meshHeading/descriptorName")]
        yield Entry(
            one.findtext("pmid") or one.findtext("id") or "",
            _text(one.find("title")),
            _text(one.find("abstractText")),
            (),
            tuple(types),
            tuple(relations),
            tuple(mesh),
            day(one.findtext("firstPublicationDate") or one.findtext("pubYear") or ""),
        )


def _pubmed(one: Any) -> Entry:
    paper = "MedlineCitation/Article/"
    date = one.find(f"{paper}ArticleDate")
    if date is None:
        date = one.find(f"{paper}Journal/JournalIssue/PubDate")
    parts = [date.findtext(tag) or "" for tag in ("Year", "Month", "Day")] if date is not None else []
    if parts and not parts[0]:
        parts = [date.findtext("MedlineDate") or ""]
    return Entry(
        (one.findtext("MedlineCitation/PMID") or "").strip(),
        _text(one.find(f"{paper}ArticleTitle")),
        " ".join(_text(part) for part in one.findall(f"{paper}Abstract/AbstractText")),
        tuple(
            _text(n) for n in one.findall(f"{paper}DataBankList/DataBank/AccessionNumberList/AccessionNumber")
        ),
        tuple(_text(t) for t in one.findall(f"{paper}PublicationTypeList/PublicationType")),
        tuple(
            c.get("RefType", "")
            for c in one.findall("MedlineCitation/CommentsCorrectionsList/CommentsCorrections")
        ),
        tuple(_text(m) for m in one.findall("MedlineCitation/MeshHeadingList/MeshHeading/DescriptorName")),
        day(" ".join(part for part in parts if part)),
    )


def _names(value: Any, key: str) -> tuple[str, ...]:
    items = value.get(key, []) if isinstance(value, dict) else value or []
    items = items if isinstance(items, list) else [items]
    return tuple(
        str(i.get("type") or i.get("descriptorName") or "") if isinstance(i, dict) else str(i) for i in items
    )


def _json(path: Path, text: str) -> Iterator[Entry]:
    try:
        rows: Any = orjson.loads(text)
    except orjson.JSONDecodeError as fault:
        raise InputError(f"{path}: not JSON: {fault}") from fault
    if isinstance(rows, dict):
        inner = rows.get("resultList")
        rows = inner.get("result", []) if isinstance(inner, dict) else rows.get("results", [])
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict):
            yield Entry(
                str(row.get("pmid") or row.get("PMID") or row.get("id") or ""),
                str(row.get("title") or ""),
                str(row.get("abstractText") or ""),
                (),
                _names(row.get("pubTypeList") or row.get("pubType"), "pubType"),
                _names(row.get("commentCorrectionList"), "commentCorrection"),
                _names(row.get("meshHeadingList"), "meshHeading"),
                day(str(row.get("firstPublicationDate") or row.get("pubYear") or "")),
            )


def _csv(path: Path, text: str) -> Iterator[Entry]:
    csv.field_size_limit(readback.CELL)
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    names = {re.sub(r"[\s_]", "", name).casefold(): name for name in reader.fieldnames or [] if name}
    key = names.get("pmid") or names.get("extid") or names.get("id")
    if key is None:
        raise InputError(f"{path}:1: no column PMID; {_WANTED}")
    if "nihmsid" in names or ("createdate" in names and "journal/book" in names):
        raise InputError(
            f"{path}: PubMed's CSV carries neither abstracts nor registration numbers, so nothing can be "
            f"linked; "
            "save the search again with format “PubMed” (or XML)"
        )

    def cell(row: dict[str, Any], *wanted: str) -> str:
        return next((str(row[names[w]]) for w in wanted if w in names and row.get(names[w])), "")

    for row in reader:
        yield Entry(
            str(row.get(key) or "").strip(),
            cell(row, "title"),
            cell(row, "abstract", "abstracttext"),
            tuple(filter(None, [cell(row, "databank", "accessions", "registrationnumber")])),
            tuple(p.strip() for p in re.split(r"[;|]", cell(row, "pubtype", "publicationtype"))),
            (),
            (),
            day(cell(row, "firstpublicationdate", "firstpublished", "pubyear", "year")),
        )
