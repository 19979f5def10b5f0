"""Publications of trials from an export of PubMed or Europe PMC, joined on registration numbers."""

from __future__ import annotations

import csv
import gzip
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cart_nlp.registries.entry import InputError

_ID = re.compile(r"\bNCT\s?0?\d{8}\b|\bChiCTR[-A-Za-z]{0,6}\d{8,10}\b", re.IGNORECASE)


def read_publications(path: Path) -> dict[str, tuple[str, ...]]:
    """Registration number -> PubMed ids, from PubMed's text, XML or CSV or Europe PMC's JSON, XML or CSV.

    A publication belongs to every trial whose number stands in its entry: data bank, title or abstract.
    Raises InputError if the file cannot be read or holds no entry.
    """
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError) as fault:
        raise InputError(f"{path}: cannot be read: {fault}") from fault
    found: dict[str, list[str]] = {}
    entries = 0
    for pmid, text in _entries(path, data):
        entries += 1
        for number in _ID.findall(text):
            ids = found.setdefault(_canonical(number), [])
            if pmid not in ids:
                ids.append(pmid)
    if not entries:
        raise InputError(
            f"{path}: no publication in it; save PubMed's format “PubMed” or Europe PMC's JSON, XML or CSV"
        )
    return {number: tuple(ids) for number, ids in sorted(found.items())}


def _canonical(number: str) -> str:
    compact = re.sub(r"\s", "", number)
    return compact.upper() if compact.upper().startswith("NCT") else "ChiCTR" + compact[6:]


def _entries(path: Path, data: bytes) -> Iterator[tuple[str, str]]:
    start = data.lstrip(b"\xef\xbb\xbf \r\n\t")[:1]
    if start == b"<":
        return _xml(path, data)
    text = data.decode("utf-8-sig", errors="replace")
    if start in (b"{", b"["):
        return _json(path, text)
    if re.search(r"^PMID\s*- ", text, re.MULTILINE):
        return _nbib(text)
    return _csv(path, text)


def _nbib(text: str) -> Iterator[tuple[str, str]]:
    for block in re.split(r"(?m)^(?=PMID\s*- )", text):
        if match := re.match(r"PMID\s*- (\d+)", block):
            yield match[1], re.sub(r"\s*\n\s+", " ", block)


def _xml(path: Path, data: bytes) -> Iterator[tuple[str, str]]:
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(data)
    except (ParseError, DefusedXmlException) as fault:
        raise InputError(f"{path}: not XML that can be read: {fault}") from fault
    for entry in (*root.iter("PubmedArticle"), *root.iter("result")):
        pmid = entry.findtext(".//PMID") or entry.findtext("pmid") or entry.findtext("id")
        if pmid:
            yield pmid.strip(), " ".join(entry.itertext())


def _json(path: Path, text: str) -> Iterator[tuple[str, str]]:
    try:
        rows: Any = json.loads(text)
    except json.JSONDecodeError as fault:
        raise InputError(f"{path}: not JSON: {fault}") from fault
    if isinstance(rows, dict):
        rows = rows.get("resultList", {}).get("result", rows.get("results", []))
    for row in rows:
        if isinstance(row, dict) and (pmid := row.get("pmid") or row.get("PMID") or row.get("id")):
            yield str(pmid), json.dumps(row, ensure_ascii=False)


def _csv(path: Path, text: str) -> Iterator[tuple[str, str]]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    reader = csv.DictReader(text.splitlines(keepends=True))
    names = {name.strip().casefold(): name for name in reader.fieldnames or [] if name}
    key = names.get("pmid") or names.get("ext_id") or names.get("id")
    if key is None:
        raise InputError(
            f"{path}:1: no column PMID; save PubMed's format “PubMed” or Europe PMC's JSON, XML or CSV"
        )
    for row in reader:
        if row.get(key):
            yield str(row[key]).strip(), " ".join(str(v) for v in row.values() if v)
