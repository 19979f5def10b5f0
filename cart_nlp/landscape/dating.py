"""When a trial was registered: as its record says, by the order of NCT numbers, or by its start."""

from __future__ import annotations

import csv
import datetime
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from cart_nlp.landscape.regions import DATA

RECORDED, BY_NUMBER, BY_START = "registration date", "registration number", "start date"
EXTRAPOLATED = "registration number beyond the last dated one"
FOLDS = 10
FAR = 60
"""Days by which a recorded date may differ from its neighbors and still date other numbers."""
TAIL_YEARS = 3.0
"""Beyond the last dated number, numbers go on at the pace of this many years before it."""
OPENED = "1999-09-01"
"""No registry took a trial before; an earlier day of registration is a slip of the keyboard."""
_CHICTR = re.compile(r"ChiCTR-?(?:[A-Z]+-)?((?:1\d|2\d)\d{8})$", re.IGNORECASE)
_NCT = re.compile(r"NCT(\d{8})")
_DATE = re.compile(r"^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


def day(text: str | None) -> str | None:
    """The leading ISO date of a text (year, month or day), or None if it is none."""
    match = _DATE.match(text or "")
    if match is None or not 1900 <= int(match[1]) <= 2100:
        return None
    try:
        first_day(match[0])
    except ValueError:  # no such month, or no such day in it
        return None
    return match[0]


def first_day(text: str) -> datetime.date:
    """The first day of an ISO date that may lack day and month; raises ValueError if there is none."""
    parts = [int(part) for part in text.split("-")] + [1, 1]
    return datetime.date(parts[0], parts[1], parts[2])


def last_day(text: str) -> datetime.date:
    """The last day of an ISO date that may lack day and month: 2024-04 is the 30th of April."""
    parts = [int(part) for part in text.split("-")]
    if len(parts) == 3:
        return datetime.date(*parts)
    year, month = (parts[0], 13) if len(parts) == 1 else (parts[0], parts[1] + 1)
    following = datetime.date(year + 1, 1, 1) if month == 13 else datetime.date(year, month, 1)
    return following - datetime.timedelta(days=1)


@dataclass(frozen=True)
class Error:
    """How far an interpolated date lies from the recorded one, by cross-validation over `n` numbers."""

    median_days: float
    most_days: float
    n: int

    def __str__(self) -> str:
        days = f"{self.median_days:.0f} day{'' if round(self.median_days) == 1 else 's'}"
        return f"median error {days}, 90 % within {self.most_days:.0f} days, {self.n} numbers"


class Numbers:
    """Dates of NCT numbers: they are given out in order, so a number between two dated ones lies between.

    Isotonic regression (scipy) over the dated numbers, then linear interpolation. After the last one the pace
    of the years before it goes on; before the first there is no date.
    """

    def __init__(self, dated: Iterable[tuple[int, datetime.date]]) -> None:
        """`dated` are numbers with their days of first registration, at least two."""
        pairs = sorted({(number, date.toordinal()) for number, date in dated})
        self.numbers = np.array([number for number, _ in pairs], dtype=float)
        self.recorded = np.array([value for _, value in pairs], dtype=float)
        self.days = _increasing(self.recorded)

    def ordinal(self, number: Any) -> Any:
        """Proleptic ordinals of one number or an array of them; NaN before the first dated one."""
        return _interpolated(self.numbers, self.days, np.asarray(number, dtype=float))

    def error(self) -> Error:
        """Cross-validation: each tenth of the dated numbers is placed by the other nine."""
        fold = np.arange(len(self.numbers)) % FOLDS
        off: list[float] = []
        for one in range(min(FOLDS, len(self.numbers))):
            kept = fold != one
            if kept.sum() < 2:
                continue
            guess = _interpolated(self.numbers[kept], _increasing(self.recorded[kept]), self.numbers[~kept])
            off += [abs(float(d)) for d in guess - self.recorded[~kept] if not np.isnan(d)]
        if not off:
            return Error(float("nan"), float("nan"), 0)
        return Error(float(np.median(off)), float(np.quantile(off, 0.9)), len(off))


def _increasing(days: Any) -> Any:
    from scipy.optimize import isotonic_regression

    return isotonic_regression(days).x if len(days) else days


def _interpolated(numbers: Any, days: Any, wanted: Any) -> Any:
    found = np.interp(wanted, numbers, days)
    early = days[-1] - 365.25 * TAIL_YEARS
    before = float(np.interp(early, days, numbers))
    pace = (days[-1] - early) / (numbers[-1] - before) if numbers[-1] > before else 0.0
    found = np.where(wanted > numbers[-1], days[-1] + (wanted - numbers[-1]) * pace, found)
    return np.where(wanted < numbers[0], np.nan, found)


@cache
def known() -> tuple[tuple[int, datetime.date], ...]:
    """Dated numbers that come with the package: about one a month, from public registry exports."""
    with (DATA / "nct-dates.csv").open(encoding="utf-8", newline="") as lines:
        return tuple(
            (int(row["number"][3:]), datetime.date.fromisoformat(row["first_posted"]))
            for row in csv.DictReader(lines)
        )


@dataclass(frozen=True)
class Placed:
    """Registration days of records (aligned with the input), how each was found, and the error of numbers."""

    days: list[str | None]
    by: list[str | None]
    error: Error
    """Of the numbers between dated ones."""
    dated_here: int
    last: tuple[str, str]
    """The last dated NCT number and its day: what is beyond is extrapolated."""
    newest: str | None
    """The last registration that is recorded or follows from a number."""
    extrapolated: bool
    """Whether the last registration is that of an extrapolated number."""

    @property
    def beyond(self) -> str:
        """A sentence on the numbers beyond the last dated one."""
        number, day = self.last
        return (
            f"Numbers beyond the last dated one ({number}, {day}) follow the pace of the {TAIL_YEARS:g} "
            "years before it: that error is not in the stated one, and grows with the distance."
        )


def _regular(dated: Sequence[tuple[int, datetime.date]]) -> list[tuple[int, datetime.date]]:
    """Without what lies far from its neighbors in the package: a number taken long before it was posted."""
    own = Numbers(known())
    kept = []
    for number, date in dated:
        near = float(own.ordinal(number))
        if number > own.numbers[-1] or (near == near and abs(near - date.toordinal()) <= FAR):
            kept.append((number, date))
    return kept


class _Row(NamedTuple):
    """What tells when a record was registered; `year` is that of a ChiCTR number."""

    number: int | None
    recorded: str | None
    started: str | None
    year: str | None


def _row(one: str, posted: str | None, started: str | None) -> _Row:
    match, chinese, recorded = _NCT.fullmatch(one), _CHICTR.match(one), day(posted)
    return _Row(
        int(match[1]) if match else None,
        recorded if recorded and recorded >= OPENED[: len(recorded)] else None,
        day(started),
        f"20{chinese[1][:2]}" if chinese else None,
    )


def _placed(row: _Row, numbers: Numbers, latest: datetime.date) -> tuple[str | None, str | None]:
    """The day of a registration, and what it was found by; no extrapolated day lies after `latest`."""
    if row.recorded:
        return row.recorded, RECORDED
    found = None if row.number is None else float(numbers.ordinal(row.number))
    if row.number is not None and found is not None and found == found:
        if row.number <= numbers.numbers[-1]:
            return datetime.date.fromordinal(round(found)).isoformat(), BY_NUMBER
        return datetime.date.fromordinal(min(round(found), latest.toordinal())).isoformat(), EXTRAPOLATED
    if row.year:  # ChiCTR2000012345 was registered in 2020
        return row.year, BY_NUMBER
    return row.started, BY_START if row.started else None


def place(ids: Iterable[str], posted: Iterable[str | None], started: Iterable[str | None]) -> Placed:
    """Place each record in time, whatever the date of the analysis: what lies after it is cut later.

    Where at least as many records are surely dated after the last dated NCT number as lie beyond it, those
    end the data: no extrapolated day lies after the newest of them.
    """
    rows = [_row(*one) for one in zip(map(str, ids), posted, started, strict=True)]
    dated = [(row.number, row.recorded) for row in rows if row.recorded and len(row.recorded) == 10]
    here = [(number, first_day(recorded)) for number, recorded in dated if number is not None]
    numbers = Numbers([*known(), *_regular(here)])
    last = datetime.date.fromordinal(round(float(numbers.days[-1]))).isoformat()
    placed = [_placed(row, numbers, datetime.date.max) for row in rows]
    newest, extrapolated = _newest(placed, last)
    if newest and not extrapolated:
        placed = [_placed(row, numbers, last_day(newest)) for row in rows]
    return Placed(
        [found for found, _ in placed],
        [how for _, how in placed],
        numbers.error(),
        len(here),
        (f"NCT{int(numbers.numbers[-1]):08d}", last),
        newest or None,
        extrapolated,
    )


def _newest(placed: Sequence[tuple[str | None, str | None]], last: str) -> tuple[str, bool]:
    """The last registration ("" for none), and whether it is that of a number beyond the last dated one."""
    sure = [found for found, how in placed if found and how in (RECORDED, BY_NUMBER)]
    beyond = [found for found, how in placed if found and how == EXTRAPOLATED]
    newest, furthest = max(sure, default=""), max(beyond, default="")
    few = len(beyond) <= sum(found > last for found in sure)
    return (newest, False) if few or furthest <= newest else (furthest, True)
