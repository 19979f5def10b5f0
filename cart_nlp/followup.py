"""How long a trial plans to follow its participants, in its own words ("for up to 15 years")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONGEST = 30.0
_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "ten": 10,
    "twelve": 12, "fifteen": 15, "twenty": 20,
}  # fmt: skip
_LENGTH = re.compile(
    rf"(?<![\w.<>≥≤=/])(\d{{1,3}}(?:\.\d)?|{'|'.join(_WORDS)})[\s-]?(year|yr|month)s?\b(?!\s*(?:old|of age))",
    re.IGNORECASE,
)
_FOLLOWED = re.compile(
    r"\bfollow(?:ed)?\b|\bfollow(?:ed)?[\s-]?up\b|\bfollowing them\b|\bltfu\b|\bmonitored\b|\bcontacted\b|"
    r"\bvisits? (?:will )?continue|\blong[\s-]term safety\b|\bobserved\b for|随访",
    re.IGNORECASE,
)
_STUDY = re.compile(
    r"\bduration of (?:the|this) (?:study|trial)\b|\b(?:study|trial) duration\b", re.IGNORECASE
)
_ONES_OWN = re.compile(
    r"\b(?:each|every|per|a|the|one) (?:patient|participant|subject|individual)\b|"
    r"\b(?:after|from|post|following|since)\b.{0,60}?\b(?:infusion|administration|injection|dos(?:e|ing)|treatment)",
    re.IGNORECASE,
)
"""Where the length of a study is that of one participant, not the time from the first to the last."""
_FIRST, _LAST = (
    re.compile(
        rf"\b{which}[\s-](?:enrolled |treated )?(?:patient|participant|subject|individual)", re.IGNORECASE
    )
    for which in ("first", "(?:last|final)")
)
_OTHER = re.compile(
    r"surviv\w+ rate|\bsurvival (?:at|of)\b|\b(?:past|previous|last|prior|preceding) "
    r"(?:\d|one|two|three|five|ten)|"
    r"\bhistory of\b|\bmalignan\w+ within|\bfree of\b|disease-free|evidence of disease|\bages?\b|\baged\b|"
    r"years? (?:ago|before|prior)|\bunwilling\b|\bunable\b|\bvital status unknown\b|\bmedian follow",
    re.IGNORECASE,
)
_OFTEN = re.compile(r"\b(?:every|within|each)\s+(?:[\w.]{1,8}\s*(?:-|–|to|or)\s*)?$", re.IGNORECASE)
"""Before a length: how often, or how soon, something is done."""
_SENTENCE = re.compile(r"[^.;\n。；]{1,2000}(?:\.\d[^.;\n。；]{0,2000}){0,4}")
_UNSAID = ("eligibility", "conditions", "keywords", "interventions")
"""Sections (by the begin of their key) that speak of the participants, not of the plan."""


@dataclass(frozen=True)
class FollowUp:
    """A length in years with the words that state it: `section[start:end] == text`."""

    years: float
    section: str
    start: int
    end: int
    text: str

    def evidence(self) -> dict[str, Any]:
        """The fields of the Evidence of a record's `follow_up_years`."""
        return {
            "field": "follow_up_years", "value": f"{self.years:g}", "basis": "text", "section": self.section,
            "start": self.start, "end": self.end, "text": self.text, "rule": "followup.planned",
        }  # fmt: skip


def mentions(sections: Mapping[str, str]) -> list[FollowUp]:
    """Every planned length of follow-up in a trial's sections, in reading order.

    A length counts if its sentence speaks of following, monitoring or contacting, and of none of what else
    lasts years in a registry: ages, survival rates, past disease, conditions of eligibility, the study as a
    whole; and if it is none of the times between visits.
    """
    found = []
    for key, text in sections.items():
        if key.startswith(_UNSAID) or not _timed(text):
            continue
        for sentence in _SENTENCE.finditer(text):
            said = sentence[0]
            if not _timed(said) or not _of_participants(said) or _OTHER.search(said):
                continue
            for length in _LENGTH.finditer(said):
                if _OFTEN.search(said[max(0, length.start() - 30) : length.start()]):
                    continue
                number = _WORDS.get(length[1].lower()) or float(length[1])
                years = round(number / 12, 2) if length[2].lower() == "month" else float(number)
                if 0 < years <= LONGEST:
                    start = sentence.start() + length.start()
                    found.append(FollowUp(years, key, start, start + len(length[0]), length[0]))
    return found


def _timed(text: str) -> bool:
    """Whether a text has one of the units that stand in every length; found much faster than a length."""
    low = text.lower()
    return "year" in low or "month" in low or "yr" in low


def _of_participants(said: str) -> bool:
    """Whether a sentence tells how long participants are followed, or their part of the study lasts."""
    if _FOLLOWED.search(said) or (_STUDY.search(said) and _ONES_OWN.search(said)):
        return not (_FIRST.search(said) and _LAST.search(said))
    return False


def planned(sections: Mapping[str, str]) -> FollowUp | None:
    """The longest planned follow-up, the first of equals; None where the text gives no length."""
    return max(mentions(sections), key=lambda one: one.years, default=None)
