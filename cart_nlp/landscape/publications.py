"""Publications of trials: what an export of PubMed or Europe PMC holds, linked by number and graded."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cart_nlp.landscape import dating
from cart_nlp.landscape.exports import Entry, entries

RESULTS, PROTOCOL, SECONDARY, REVIEW = "results", "protocol", "secondary analysis", "review or comment"
ERRATUM, RETRACTED, PRECLINICAL, EARLY = "erratum", "retracted", "preclinical", "before the trial"
DERIVED, BACKGROUND, UNCLEAR = "found by its number, not graded", "background", "unclear"
GRADES = (
    RESULTS,
    SECONDARY,
    PROTOCOL,
    REVIEW,
    ERRATUM,
    RETRACTED,
    PRECLINICAL,
    EARLY,
    DERIVED,
    BACKGROUND,
    UNCLEAR,
)
"""Only the first counts as a publication of the trial's results."""
HOW = ("data bank", "title", "abstract", "registry")

_NUMBERS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("NCT", re.compile(r"\bNCT(?:[\s#:.–-]|no\b|number\b|id\b){0,8}(0{0,2}\d{8})(?!\d)", re.IGNORECASE)),
    ("CHICTR", re.compile(r"\bChiCTR[\s-]{0,2}(?:[A-Z]{2,4}[\s-]{0,2})?(\d{8,10})(?!\d)", re.IGNORECASE)),
    ("JRCT", re.compile(r"\bjRCT[\s-]{0,2}(s?\s?\d{9,10})(?!\d)", re.IGNORECASE)),
    ("ISRCTN", re.compile(r"\bISRCTN[\s-]{0,2}(\d{8})(?!\d)", re.IGNORECASE)),
    ("EU", re.compile(r"(?<!\d)((?:19|20)\d{2}-\d{6}-\d{2})(?!\d)")),
    (
        "OTHER",
        re.compile(
            r"\b((?:ACTRN|CTRI/?|KCT|UMIN|DRKS|NTR|IRCT|TCTR|LBCTR|PACTR)\s?\d[\d/]{3,16})", re.IGNORECASE
        ),
    ),
)


def numbers(text: str) -> list[str]:
    """Registration numbers in a text as keys that join: NCT01234567, CHICTR1800012345, EU2015-001234-12 …

    Blanks, dashes, "No." and one zero too many before the digits are read over.
    """
    found: dict[str, None] = {}
    for kind, pattern in _NUMBERS:
        for said in pattern.findall(text):
            digits = re.sub(r"\s", "", said).upper()
            if kind == "NCT" and len(digits) > 8:
                extra, digits = digits[:-8], digits[-8:]
                if set(extra) != {"0"} or digits[0] != "0":
                    continue
            found[("" if kind == "OTHER" else kind) + digits] = None
    return list(found)


@dataclass(frozen=True)
class Link:
    """A publication of a trial: how it was found, what it is, and when it appeared (None: not told)."""

    pmid: str
    grade: str
    how: str
    date: str | None = None


_PROTOCOL = re.compile(
    r"\bprotocol\b|trial in progress|rationale and design|design and rationale|study design", re.IGNORECASE
)
_SECONDARY = re.compile(
    r"secondary analys|post[- ]hoc|subgroup|sub-?analysis|patient-reported|quality of life|biomarker|"
    r"pharmacokinetic|cellular kinetics|matching-adjusted|indirect comparison|cost-effective|exploratory "
    r"analys|"
    r"predict(?:s|ors?|ive)\b|correlat|ancillary|translational analys",
    re.IGNORECASE,
)
_PRECLINICAL = re.compile(
    r"\b(?:mouse|mice|murine|xenograft|in vitro|preclinical|canine|rats?|zebrafish|primates?)\b",
    re.IGNORECASE,
)
_REVIEWS = {
    "review",
    "systematic review",
    "meta-analysis",
    "editorial",
    "comment",
    "news",
    "scoping review",
    "guideline",
}
_TRIALS = ("controlled trial", "clinical study", "multicenter study")
_REPORTS = re.compile(
    r"\b(?:patients?|participants?|subjects?|children|adults|infus\w+|respon\w+|remission|adverse "
    r"events?|safety|"
    r"efficacy|dose-limiting|median follow)",
    re.IGNORECASE,
)


def grade(entry: Entry) -> str:
    """What a publication is to the trials that it names, from its types, relations, subject and title."""
    types = {t.strip().casefold() for t in entry.types}
    notice = _notice(types, {r.strip().casefold().replace(" ", "") for r in entry.relations})
    if notice:
        return notice
    trial = any(map(_of_a_trial, types))
    if "clinical trial protocol" in types or _PROTOCOL.search(entry.title):
        return PROTOCOL
    if _of_animals(entry) or (not trial and _PRECLINICAL.search(entry.title)):
        return PRECLINICAL
    if types & _REVIEWS and not trial:
        return REVIEW
    if _SECONDARY.search(entry.title):
        return SECONDARY
    if trial or (len(_REPORTS.findall(f"{entry.title} {entry.abstract}")) > 1):
        return RESULTS
    return UNCLEAR


def _of_a_trial(kind: str) -> bool:
    """Whether a type of publication is a report on a trial: no protocol is, and no other word tells."""
    _, named, rest = kind.rpartition("clinical trial")
    return (bool(named) and "protocol" not in rest) or any(words in kind for words in _TRIALS)


def _notice(types: set[str], relations: set[str]) -> str | None:
    """Retracted or erratum, where an entry is one or is marked as such."""
    if types & {"retracted publication", "retraction of publication"} or relations & {
        "retractionin",
        "retractionof",
    }:
        return RETRACTED
    if "published erratum" in types or relations & {"erratumfor", "correctedandrepublishedfrom"}:
        return ERRATUM
    return None


def _of_animals(entry: Entry) -> bool:
    mesh = {m.casefold().split("/")[0].strip("* ") for m in entry.mesh}
    return bool(mesh & {"mice", "rats", "animals"}) and "humans" not in mesh


@dataclass(frozen=True)
class Export:
    """The publications of an export: links by registration number, and the grade of every PubMed id."""

    links: Mapping[str, tuple[Link, ...]]
    grades: Mapping[str, str]
    dates: Mapping[str, str | None]
    entries: int


def link(entries: Iterable[Entry]) -> Export:
    """Link each entry to the numbers that it names: data bank first, then title, then abstract."""
    links: dict[str, dict[str, Link]] = {}
    grades: dict[str, str] = {}
    dates: dict[str, str | None] = {}
    total = 0
    for entry in entries:
        total += 1
        kind = grade(entry)
        grades[entry.pmid], dates[entry.pmid] = kind, entry.date
        for how, text in zip(HOW, (" ; ".join(entry.bank), entry.title, entry.abstract), strict=False):
            for number in numbers(text):
                links.setdefault(number, {}).setdefault(entry.pmid, Link(entry.pmid, kind, how, entry.date))
    return Export({k: tuple(v.values()) for k, v in sorted(links.items())}, grades, dates, total)


def read_publications(path: Path) -> Export:
    """Read an export: PubMed's XML or “PubMed” format, Europe PMC's JSON, XML or CSV, or RIS.

    Raises InputError if the file cannot be read, holds no entry, or is PubMed's CSV, which carries neither
    abstracts nor registration numbers.
    """
    return link(entries(path))


_REGISTRY = {"RESULT": RESULTS, "DERIVED": DERIVED, "BACKGROUND": BACKGROUND, "": UNCLEAR}


def links_of(row: Mapping[Any, Any], export: Export | None) -> tuple[Link, ...]:
    """The publications of one record: what its registry lists, and what an export has by its numbers.

    What the export knows of a PubMed id overrules the type that the registry gives it, except that a
    background reference stays one. A publication before the trial's start is none of its results.
    """
    found: dict[str, Link] = {}
    references = {r.pmid: r.type for r in row["references"]}
    for pmid in (*references, *(p for p in row["pmids"] if p not in references)):
        kind = references.get(pmid, "")
        known = export.grades.get(pmid) if export else None
        kept = _REGISTRY[kind] if known is None or kind == "BACKGROUND" else known
        found[pmid] = Link(pmid, kept, "registry", export.dates.get(pmid) if export else None)
    if export:
        for text in (row["trial_id"], *row["secondary_ids"]):
            for number in numbers(str(text)):
                for one in export.links.get(number, ()):
                    if found.get(one.pmid, one).grade != BACKGROUND:
                        found[one.pmid] = one
    start = dating.day(row["start_date"]) or dating.day(row["registered"])
    return tuple(_plausible(one, start) for one in found.values())


def _plausible(one: Link, start: str | None) -> Link:
    if one.grade not in (RESULTS, SECONDARY) or not one.date or not start:
        return one
    # A paper dated to a month or year is taken at its last day: only what is surely earlier is refused.
    return replace(one, grade=EARLY) if dating.last_day(one.date) < dating.first_day(start) else one


def published_on(links: Iterable[Link]) -> datetime.date | None:
    """When the first results appeared; None if no link of that grade has a date."""
    days = [dating.first_day(one.date) for one in links if one.grade == RESULTS and one.date]
    return min(days, default=None)
