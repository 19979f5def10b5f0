"""One vocabulary for the structured fields of all registries; what a registry said is kept beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from cart_nlp.registries.values.countries import country, country_code
from cart_nlp.registries.values.dates import date as date

Funding = Literal["academic", "industry", "government", "mixed"]

_ROMAN = {"iv": "4", "iii": "3", "ii": "2", "i": "1", "0": "0"}
_PHASE_NUMBER = re.compile(r"(?<![a-z0-9])(early[ _]?(?:phase[ _]?)?1|iv|iii|ii|i|0|[1-4])[ab]?(?![a-z0-9])")
_PHASE_NO = {
    "", "na", "not applicable", "not selected", "none", "null", "other", "不适用", "not specified", "-",
    "retrospective study", "diagnostic new technique clinical study", "observational study",
    "diagnostic new technique clincal study", "new treatment measure clinical study",
    "回顾性研究", "其它", "其他", "诊断新技术临床试验", "治疗新技术临床试验",
}  # fmt: skip
_PHASE_NAMES = {
    "human pharmacology": ["1"],
    "ba/be": ["1"],
    "bioequivalence": ["1"],
    "post market": ["4"],
    "post-market": ["4"],
    "上市后": ["4"],
    "therapeutic exploratory": ["2"],
    "therapeutic confirmatory": ["3"],
    "therapeutic use": ["4"],
}


def phase(raw: str) -> str | None:
    """EARLY_PHASE1, PHASE1 … PHASE4, joined as PHASE1|PHASE2, or NA where there is no phase by design."""
    said = re.sub(r"n\s*[/\\]\s*a", "na", raw.strip().lower()[:200])
    if not said:
        return None
    if said in _PHASE_NO:
        return "NA"
    said = re.sub(r"(?<=[a-z])([0-4])", r" \1", said.replace("_", " "))
    said = re.sub(r"(\d)\s*期|([ⅰⅱⅲⅳ])\s*期?", lambda m: f" {m[1] or 'ⅰⅱⅲⅳ'.index(m[2]) + 1} ", said)
    if re.search(r":\s?(yes|no)\b", said):  # EUCTR by way of ICTRP: each phase with yes or no
        said = " ".join(re.findall(r"phase (iv|iii|ii|i)\)?\s?:\s?yes", said))
    found: set[str] = set()
    for number in _PHASE_NUMBER.findall(said):
        if number.startswith("early") or number == "0":
            found.add("EARLY_PHASE1")
        else:
            found.add(f"PHASE{_ROMAN.get(number, number)}")
    if not found and "探索性研究" in said:  # what ChiCTR's English pages call 0
        return "EARLY_PHASE1"
    if not found:
        for name, numbers in _PHASE_NAMES.items():
            if name in said:
                found.update(f"PHASE{number}" for number in numbers)
    if "na" in said.split() and not found:
        return "NA"
    return "|".join(sorted(found)) or None


_STATUS = {
    "RECRUITING": "recruiting;open public recruiting;ongoing, recruiting;募集中;正在进行;正在招募;"
    "open to accrual;ongoing recruiting;recruiting now;open for recruitment;recruitment open",
    "NOT_YET_RECRUITING": "not yet recruiting;pending;not recruiting yet;募集前;尚未开始;尚未招募;"
    "in review;approved;authorised, not started;authorised, recruitment pending;preinitiation;"
    "not started;under evaluation",
    "ENROLLING_BY_INVITATION": "enrolling by invitation",
    "ACTIVE_NOT_RECRUITING": "active, not recruiting;no longer recruiting;closed to accrual;"
    "募集終了;ongoing, recruitment ended;closed to accrual and intervention;enrollment closed;"
    "open public no longer recruiting;authorised, recruitment ended;main results already published",
    "NOT_RECRUITING": "not recruiting",
    "COMPLETED": "completed;complete;ended;試験終了;结束;已完成;finished;closed;administratively complete",
    "SUSPENDED": "suspended;temporarily halted;temporary halt;暂停或中断;temporarily closed to accrual;"
    "halted;temporarily closed to accrual and intervention",
    "TERMINATED": "terminated;prematurely ended;stopped early;中止;提前终止;discontinued;stopped;revoked",
    "WITHDRAWN": "withdrawn;withdrawn before enrollment;cancelled;not authorised;expired;prohibited by ca",
    "UNKNOWN": "unknown;unknown status;not available;other;gb no longer in eu eea;no longer in eu eea;"
    "trial no longer in eu eea",
    "AVAILABLE": "available",
    "NO_LONGER_AVAILABLE": "no longer available",
    "TEMPORARILY_NOT_AVAILABLE": "temporarily not available",
    "APPROVED_FOR_MARKETING": "approved for marketing",
    "WITHHELD": "withheld",
    "ONGOING": "ongoing;active;authorised;authorized;restarted;trial now transitioned",
}
_STATUS_OF = {
    re.sub(r"[\W_]+", " ", said).strip(): name
    for name, all_said in _STATUS.items()
    for said in (*all_said.split(";"), name.lower())
}


def status(raw: str) -> str | None:
    """A status of ClinicalTrials.gov's vocabulary; None for what is none.

    ONGOING and NOT_RECRUITING stand for registries that say no more than that: WHO's "Not recruiting" covers
    trials that wait, go on, are completed and were stopped.
    """
    said = re.sub(r"[\W_]+", " ", raw.strip().lower()[:200]).strip()
    return _STATUS_OF.get(said) or _STATUS_OF.get(said.removesuffix(" no longer in eu eea"))


_STUDY_TYPES = (
    ("EXPANDED_ACCESS", ("expanded", "compassionate")),
    ("OBSERVATIONAL", ("observation", "non-interventional", "noninterventional", "patient registry", "观察",
                       "epidemiolog", "diagnostic test", "relative factors", "cause/relative",
                       "prevention factor",
                       "prognosis study", "health services")),
    ("INTERVENTIONAL", ("intervention", "treatment study", "干预", "clinical trial of medicinal product",
                        "basic science", "介入")),
)  # fmt: skip


def study_type(raw: str) -> str | None:
    """INTERVENTIONAL, OBSERVATIONAL or EXPANDED_ACCESS; None for what is none of these."""
    said = raw.strip().lower()[:200].replace("_", " ")
    return next((name for name, cues in _STUDY_TYPES if any(cue in said for cue in cues)), None)


def enrollment(raw: str) -> int | None:
    """Participants, planned or actual; the counts of several groups ("test:30;control:30") are added."""
    said = re.sub(r"(?<=\d),(?=\d{3}\b)", "", raw.strip()[:500])
    if re.fullmatch(r"\d{1,9}(?:\.0+)?", said):
        return int(said.split(".")[0])
    parts = [
        part.rsplit(":", 1)[-1].rsplit("：", 1)[-1].strip()
        for part in re.split(r"[;；]", said)
        if part.strip()
    ]
    numbers = [found[1] for part in parts if (found := re.match(r"(\d{1,9})(?!\S)", part))]
    if not parts or len(numbers) != len(parts):
        return None
    total = sum(map(int, numbers))
    return total if total < 10**9 else None


_REGIONS = {"asia", "asia except japan", "europe", "north america", "south america", "oceania", "africa",
            "worldwide", "multinational", "outside eu/eea", "outside the eu/eea", "european union", "eea",
            "global", "other", "n/a", "na", "none", "latin america", "middle east"}  # fmt: skip


def countries(names: Iterable[str]) -> tuple[str, ...]:
    """ISO 3166 names of countries, sorted, each once; regions are left out, unknown names kept."""
    return tuple(
        sorted({country(name) for name in names if name.strip() and name.strip().casefold() not in _REGIONS})
    )


def country_of_place(place: str) -> str:
    """The country at the end of "Hospital, City, Country", where it may be "Korea, Republic of"."""
    parts = place.rsplit(",", 2)
    double = ",".join(parts[-2:]).strip()
    return double if country_code(double) else parts[-1].strip()


_CLASSES = {
    "INDUSTRY": ("industry", "pharmaceutical company", "commercial", "company", "industrial"),
    "NIH": ("nih",),
    "FED": ("fed", "u.s. fed", "us fed", "federal"),
    "OTHER_GOV": ("other_gov", "other gov", "government", "governmental", "health care authority"),
    "NETWORK": ("network",),
    "INDIV": ("indiv", "individual", "patient"),
    "OTHER": ("other", "non-commercial", "non commercial", "hospital/clinic/other health care facility",
              "educational institution", "laboratory/research/testing facility", "academic",
              "university", "hospital", "not-for-profit", "institutional", "charity"),
}  # fmt: skip
_CLASS_OF = {said: name for name, all_said in _CLASSES.items() for said in all_said}


def sponsor_class(raw: str) -> str | None:
    """INDUSTRY, NIH, FED, OTHER_GOV, NETWORK, INDIV or OTHER (hospitals, universities, charities)."""
    said = " ".join(raw.strip().lower()[:200].split())
    return _CLASS_OF.get(said) or _CLASS_OF.get(said.split(",")[0].split("(")[0].strip())


_COMPANY = re.compile(
    r"\b(?:inc|ltd|llc|gmbh|corp|corporation|co|plc|ag|s\.?p\.?a|s\.?a\.?s?|b\.?v|a/s|kk|pharma\w*|biotech\w*|"
    r"biopharma\w*|therapeutics|biosciences?|biologics|biomed\w*|laboratories|company|genomics)\b\.?"
    r"|公司|制药",
    re.IGNORECASE,
)
_PUBLIC = re.compile(
    r"\b(?:ministry|national institutes? of health|national cancer institute|niaid|nhlbi|nci|fda|"
    r"department of (?:defense|veterans|health)|veterans affairs|government|federal)\b"
    r"|medical research council|国家|卫生部|national natural science",
    re.IGNORECASE,
)
_ACADEMIC = re.compile(
    r"universit|hospital|college|institut|cent(?:er|re)\b|clinic\b|school|foundation|academy|medical|klinik|"
    r"azienda|assistance publique|大学|医院|inserm|cancer research|society|group",
    re.IGNORECASE,
)


def _kind(given: str | None, name: str) -> Funding | None:
    found = sponsor_class(given) if given else None
    if found == "INDUSTRY":
        return "industry"
    if found in ("NIH", "FED", "OTHER_GOV"):
        return "government"
    if found in ("OTHER", "NETWORK", "INDIV"):
        return "academic"
    if _PUBLIC.search(name):
        return "government"
    if _COMPANY.search(name) and not re.search(r"universit|hospital|大学|医院", name, re.IGNORECASE):
        return "industry"
    return "academic" if _ACADEMIC.search(name) else None


_CLASS = {"industry": ("INDUSTRY",), "government": ("NIH", "FED", "OTHER_GOV"),
          "academic": ("OTHER", "NETWORK", "INDIV")}  # fmt: skip


def classes_of(names: Sequence[str], classes: Sequence[str]) -> list[str]:
    """The class of each sponsor, the lead first, where a registry lists their classes each only once.

    One class is that of all. With fewer classes than names the first is the lead's, and each other sponsor
    has one that its name tells, or else the next that nobody has yet: whatever is listed somebody has.
    """
    if len(classes) < 2 or len(classes) >= len(names):
        return list(classes) * (len(names) if len(classes) == 1 else 1)
    found = [classes[0]]
    for name in names[1:]:
        told = _CLASS.get(_kind(None, name) or "", ())
        found.append(next((each for each in classes if sponsor_class(each) in told), ""))
    free = [each for each in classes if each not in found]
    for at, known in enumerate(found):
        if not known:
            found[at] = free.pop(0) if free else classes[-1]
    for at, each in enumerate(reversed(free), 1):
        found[-at] = each
    return found


def funding(
    sponsor_class: str | None,
    collaborator_classes: Sequence[str],
    sponsor: str | None,
    collaborators: Sequence[str],
) -> Funding | None:
    """Who pays, from lead sponsor and collaborators: mixed where industry stands beside anyone else.

    Government beside an academic lead (or the reverse) counts as the lead's kind, as the landscape
    studies count it. Classes decide; without a class, the name of the organization does. None if nothing
    is known of the lead and of every collaborator.
    """
    lead = _kind(sponsor_class, sponsor or "")
    kinds = {
        kind
        for at, name in enumerate(collaborators)
        if (kind := _kind(collaborator_classes[at] if at < len(collaborator_classes) else None, name))
    }
    everyone = kinds | ({lead} if lead else set())
    # A class beyond the names there are still says who pays.
    everyone |= {kind for each in collaborator_classes[len(collaborators) :] if (kind := _kind(each, ""))}
    if not everyone:
        return None
    if "industry" in everyone and len(everyone) > 1:
        return "mixed"
    if lead is not None:
        return lead
    return everyone.pop() if len(everyone) == 1 else "government"
