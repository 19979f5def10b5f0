"""What kind of organization a sponsor is: academic, industry, government, or an individual."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from cart_nlp.landscape.regions import DATA

KINDS = ("academic", "industry", "government", "individual")
_ACADEMIC = re.compile(
    r"universit|hospital|h[oô]pital|h[oô]pitaux|college|school|clinic\b|clinical cent|klinik|academ|institut|"
    r"medical (?:cent|research)|cancer (?:cent|institut|research "
    r"cent|cit)|cent(?:er|re)\b|foundation|fundaci|"
    r"fondazione|trust\b|consortium|network|group\b|grup[po]o|society|association|azienda|policlinic|"
    r"inserm|health system|healthcare system|oncology group|organi[sz]ation|"
    r"大学|医院|病院|研究所",
    re.IGNORECASE,
)
_CARE = re.compile(
    r"universit|hospital|h[oô]pital|college|clinic\b|medical cent|cancer "
    r"cent|sanatorium|children'?s|大学|医院|病院",
    re.IGNORECASE,
)
_LEGAL = re.compile(
    r"\b(?:inc|ltd|limited|llc|l\.l\.c|gmbh|corp|corporation|plc|pty|s\.?p\.?a|s\.a\.s?|b\.?v|n\.?v|a/s|k\.?k|"
    r"company|co)\b\.?(?=\W*$|\W*,|\W+(?:ltd|inc|limited|llc|a)\b)|公司|制药|株式会社",
    re.IGNORECASE,
)
_TRADE = re.compile(
    r"\b(?:pharma\w*|bio-?tech\w*|bio-?pharma\w*|bio-?therap\w*|therapeutics|bio-?sciences?|biologics|bio-?medicine|"
    r"biomedical technolog\w*|immunotherap(?:y|ies|eutics)|genetics|genomics|laboratories|"
    r"\w+(?:gene|cell|immune|therapeutics|biotech|pharm)\b(?= (?:inc|ltd|bio|tech|therap)))",
    re.IGNORECASE,
)
_PUBLIC = re.compile(
    r"\b(?:ministr(?:y|ies)|national institutes? of health|niaid|nhlbi|nci\b|fda\b|"
    r"department of (?:defense|veterans|health)|"
    r"veterans affairs|government|federal (?:ministry|agency|office)|research council|national natural "
    r"science|science foundation of|"
    r"commission of|science and technology commission|health commission|european "
    r"(?:commission|union|research council)|"
    r"horizon (?:2020|europe)|seventh framework|\bfp7\b|innovative (?:medicines|health) initiative|"
    r"agence nationale|national institute for health)"
    r"|国家|卫生部|卫生健康委",
    re.IGNORECASE,
)
_PERSON = re.compile(
    r"^(?:(?:prof|dr|professor)\.? )?[^\W\d_][\w.'’-]*(?: [^\W\d_][\w.'’-]*){0,3}$", re.IGNORECASE
)
# A run of blanks is looked through from its first one only: from each, it takes the square of its length.
_DEGREE = re.compile(
    r"(?:[,，]\s*|(?<!\s)\s+)?\b(?:m\.?\s?d|ph\.?\s?d|mbbs|msc|md phd|dr|prof|professor)\b\.?", re.IGNORECASE
)


@dataclass(frozen=True)
class Known:
    """A reviewed name: the family that it belongs to, and its kind and country where told."""

    name: str
    canonical: str
    kind: str
    country: str


@cache
def listed() -> tuple[Known, ...]:
    """The rows of data/sponsors.csv."""
    with (DATA / "sponsors.csv").open(encoding="utf-8", newline="") as lines:
        return tuple(Known(r["name"], r["canonical"], r["kind"], r["country"]) for r in csv.DictReader(lines))


@cache
def _kinds() -> dict[str, str]:
    found = {}
    for row in listed():
        for name in (row.name, row.canonical):
            if row.kind:
                found[name.casefold()] = row.kind
    return found


def is_person(name: str) -> bool:
    """Whether a sponsor reads as a person: a degree, or a few words of which none is an organization's."""
    if name.casefold() in _kinds():  # only organizations are listed
        return False
    if _ACADEMIC.search(name) or _LEGAL.search(name) or _TRADE.search(name) or _PUBLIC.search(name):
        return False
    bare = _DEGREE.sub("", name).strip(" ,，.")
    if bare != name.strip(" ,，."):
        return True
    words = bare.split()
    if not _PERSON.match(bare) or {"of", "for", "and"} & {w.lower() for w in words}:
        return False
    if len(words) == 1:  # a Chinese name written as one word: suhaichuan, XuYan
        return (bare.islower() and len(bare) > 7) or bool(re.fullmatch(r"[A-Z][a-z]+[A-Z][a-z]+", bare))
    return len(words) < 4 and (bare.isupper() or not words[0].isupper())


def kind(name: str, registry_class: str | None = None) -> str | None:
    """academic, industry, government or individual; None if nothing tells.

    A reviewed name first; then the registry's class INDUSTRY; then the name: a hospital or university is
    academic whatever the registry says, a legal form or a trade word makes a company, a ministry, a council
    or a program of the European Union is government; then the other classes of the registry.
    """
    if found := _kinds().get(name.casefold()):
        return found
    if registry_class == "INDUSTRY":
        return "industry"
    care = _CARE.search(name)
    if registry_class in ("NIH", "FED") and not care:
        return "government"
    if _LEGAL.search(name) and not care:
        return "industry"
    if _PUBLIC.search(name) and not care:
        return "government"
    if care:
        return "academic"
    if registry_class == "INDIV" or is_person(name):
        return "individual"
    if _TRADE.search(name) and not _ACADEMIC.search(name):
        return "industry"
    if registry_class == "OTHER_GOV":
        return "government"
    if registry_class in ("OTHER", "NETWORK") or _ACADEMIC.search(name):
        return "academic"
    return None


def institution(sponsor: str | None, registry_class: str | None, raw: Mapping[str, str]) -> str | None:
    """The sponsor, or where that is a person the institution that the record names for them."""
    place = raw.get("sponsor_affiliation", "").strip()
    if not sponsor or not place or kind(sponsor, registry_class) != "individual" or is_person(place):
        return sponsor
    return place


def funding(sponsor: str | None, registry_class: str | None, collaborators: Sequence[str]) -> str | None:
    """Who pays: mixed where industry stands beside anyone else, otherwise the lead's kind.

    Government or an individual beside an academic lead (or the reverse) counts as the lead, as landscape
    studies count it; without a known lead the collaborators decide.
    """
    lead = kind(sponsor, registry_class) if sponsor else None
    others = [k for name in collaborators if (k := kind(name))]
    everyone = {*others, *([lead] if lead else [])}
    if not everyone:
        return None
    if "industry" in everyone and len(everyone) > 1:
        return "mixed"
    return lead or next((k for k in KINDS if k in everyone), None)
