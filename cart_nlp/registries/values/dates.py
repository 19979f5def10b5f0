"""Dates as registries write them, made ISO dates of the same precision."""

from __future__ import annotations

import re

_MONTHS = {
    name: at + 1
    for at, names in enumerate(
        [
            "jan january",
            "feb february",
            "mar march",
            "apr april",
            "may",
            "jun june",
            "jul july",
            "aug august",
            "sep sept september",
            "oct october",
            "nov november",
            "dec december",
        ]
    )
    for name in names.split()
}
_ISO = re.compile(r"(\d{4})-(\d{1,2})(?:-(\d{1,2}))?(?=$|[T ]|\D)")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})$")
_SLASHED = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})(?=$|[T ])")
_YEAR_FIRST = re.compile(r"(\d{4})[/.年](\d{1,2})(?:[/.月](\d{1,2})日?)?月?(?=$|[T ])")
_WORDED = re.compile(r"([A-Za-z]{3,9})\.?\s+(?:(\d{1,2})(?:st|nd|rd|th)?,?\s+)?(\d{4})$")
_DAY_FIRST = re.compile(r"(\d{1,2})[ -]([A-Za-z]{3,9})\.?[ -](\d{4})$")
_YEAR = re.compile(r"(1[89]\d\d|20\d\d)$")
_LONGEST_DATE = 40


def _iso(year: str, month: int, day: str | None) -> str | None:
    if not (1 <= month <= 12 and "1800" <= year <= "2100"):
        return None
    if not day:
        return f"{year}-{month:02d}"
    longest = (31, 29 if int(year) % 4 == 0 else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]
    return f"{year}-{month:02d}-{int(day):02d}" if 1 <= int(day) <= longest else None


def date(raw: str, *, day_first: bool = True) -> str | None:
    """An ISO date, as exact as the text is: "March 2021" gives "2021-03"; None if it is no date.

    12/05/2020 is 12 May (WHO, EU) unless `day_first` is false; a number above 12 settles it either way.
    """
    said = raw.strip()[:_LONGEST_DATE]
    if not said:
        return None
    if found := _ISO.match(said) or _YEAR_FIRST.match(said) or _COMPACT.match(said):
        return _iso(found[1], int(found[2]), found[3])
    if found := _SLASHED.match(said):
        day, month = found[1], found[2]
        if (not day_first and int(day) <= 12) or int(month) > 12:
            day, month = month, day
        return _iso(found[3], int(month), day)
    if found := _WORDED.match(said):
        return _iso(found[3], _MONTHS.get(found[1].lower(), 0), found[2])
    if found := _DAY_FIRST.match(said):
        return _iso(found[3], _MONTHS.get(found[2].lower(), 0), found[1])
    return said if _YEAR.match(said) else None
