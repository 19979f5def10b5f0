"""Registration numbers: how each registry writes its own, which registry that is, and where its page is."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SHAPES: tuple[tuple[str, str, re.Pattern[str], str], ...] = tuple(
    (kind, registry, re.compile(pattern, re.IGNORECASE), url)
    for kind, registry, pattern, url in (
        ("NCT", "ClinicalTrials.gov", r"(?<![a-z0-9])NCT\d{8}(?!\d)", "https://clinicaltrials.gov/study/{}"),
        ("CHICTR", "ChiCTR", r"(?<![a-z0-9])ChiCTR(?:-[A-Z]{2,5})?[- ]?\d{8,10}(?!\d)",
         "https://www.chictr.org.cn/searchprojEN.html?regno={}"),
        ("CTIS", "CTIS", r"(?<!\d)(?:CTIS|EUCT)?[- ]?(20\d\d-5\d{5}-\d\d)(?:-\d\d)?(?!\d)",
         "https://euclinicaltrials.eu/ctis-public/view/{}"),
        ("EUDRACT", "EU Clinical Trials Register",
         r"(?<!\d)(?:EUCTR)?(20\d\d-00\d{4}-\d\d)(?:-(?:[A-Z]{2}|3rd|Outside-EU/EEA))?(?!\d)",
         "https://www.clinicaltrialsregister.eu/ctr-search/search?query={}"),
        ("ISRCTN", "ISRCTN", r"(?<![a-z0-9])ISRCTN\d{8}(?!\d)", "https://www.isrctn.com/{}"),
        ("UTN", "WHO UTN", r"(?<![a-z0-9])U1111-\d{4}-\d{4}(?!\d)", ""),
        ("JRCT", "jRCT", r"(?<![a-z0-9])jRCT[a-z]?\d{9,10}(?!\d)", "https://jrct.niph.go.jp/en-latest-detail/{}"),
        ("UMIN", "JPRN", r"(?<![a-z0-9])(?:JPRN-)?UMIN\d{9}(?!\d)", ""),
        ("JAPIC", "JPRN", r"(?<![a-z0-9])(?:JPRN-)?JapicCTI-\d{6}(?!\d)", ""),
        ("JMA", "JPRN", r"(?<![a-z0-9])(?:JPRN-)?JMA-IIA\d{5}(?!\d)", ""),
        ("DRKS", "German Clinical Trials Register", r"(?<![a-z0-9])DRKS\d{8}(?!\d)", "https://drks.de/search/en/trial/{}"),
        ("ACTRN", "ANZCTR", r"(?<![a-z0-9])ACTRN\d{14}(?!\d)", "https://www.anzctr.org.au/{}.aspx"),
        ("CTRI", "CTRI", r"(?<![a-z0-9])CTRI/\d{4}/\d{2,3}/\d{6}(?!\d)", ""),
        ("KCT", "CRIS", r"(?<![a-z0-9])KCT\d{7}(?!\d)", ""),
        ("IRCT", "IRCT", r"(?<![a-z0-9])IRCT\d{11,16}N\d{1,3}(?!\d)", ""),
        ("NTR", "NL-OMON", r"(?<![a-z0-9])(?:NL-OMON|NL|NTR)\d{3,6}(?!\d)", ""),
        ("RBR", "REBEC", r"(?<![a-z0-9])RBR-[0-9a-z]{6,8}(?![0-9a-z])", "https://ensaiosclinicos.gov.br/rg/{}"),
        ("TCTR", "TCTR", r"(?<![a-z0-9])TCTR\d{11}(?!\d)", ""),
        ("PACTR", "PACTR", r"(?<![a-z0-9])PACTR\d{15,16}(?!\d)", ""),
        ("LBCTR", "LBCTR", r"(?<![a-z0-9])LBCTR\d{10}(?!\d)", ""),
        ("RPCEC", "RPCEC", r"(?<![a-z0-9])RPCEC\d{8}(?!\d)", ""),
        ("SLCTR", "SLCTR", r"(?<![a-z0-9])SLCTR/\d{4}/\d{3}(?!\d)", ""),
        ("NCI", "NCI CTRP", r"(?<![a-z0-9])NCI-20\d\d-\d{5}(?!\d)", "https://clinicaltrials.gov/search?id={}"),
    )
)  # fmt: skip
_LONGEST = 2000
_HINT = re.compile(r"\d{3}|RBR-", re.IGNORECASE)
"""Stands in every number."""


def _canonical(kind: str, said: str) -> str:
    said = said.upper().replace(" ", "")
    if kind == "CHICTR":
        return "CHICTR" + re.sub(r"\D", "", said)
    return said.removeprefix("JPRN-")


def identities(values: Iterable[str]) -> tuple[str, ...]:
    """Every registration number in some texts, in the one form in which two records of a study agree.

    EudraCT and CTIS numbers lose country and version ("EUCTR2019-001234-56-DE" → "2019-001234-56"), Japanese
    ones their JPRN prefix, ChiCTR ones their old design letters; numbers of sponsors and grants are no
    registration numbers and are left out.
    """
    found: dict[str, None] = {}
    for value in values:
        text = value[:_LONGEST]
        if not _HINT.search(text):
            continue
        for kind, _, pattern, _ in _SHAPES:
            for match in pattern.finditer(text):
                found[_canonical(kind, match[1] if pattern.groups else match[0])] = None
    return tuple(found)


def registry_of(number: str) -> str:
    """The registry that gives out numbers of this shape, or the empty string."""
    return next((name for _, name, pattern, _ in _SHAPES if pattern.fullmatch(number[:100].strip())), "")


def url_of(number: str) -> str:
    """Page of a record, where the registry's address can be told from the number."""
    for kind, _, pattern, url in _SHAPES:
        if found := pattern.fullmatch(number[:100].strip()):
            shown = found[1] if kind == "EUDRACT" else re.sub("^(?:CTIS|EUCT)", "", number.strip())
            return url.format(shown) if url else ""
    return ""


def kind_of(number: str) -> str:
    """Which sort of number this is ("NCT", "EUDRACT", "CTIS" …), or the empty string."""
    return next((kind for kind, _, pattern, _ in _SHAPES if pattern.fullmatch(number)), "")
