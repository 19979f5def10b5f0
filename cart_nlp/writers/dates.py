"""Dates as types, and back to what the record says: a partial date is its first day, with its precision.

A record has `2021-03`; a table of typed columns has the date 2021-03-01 and the precision `month`.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any

DATES = ("start_date", "completion_date", "first_posted")
"""Fields of a record that are dates."""
PRECISION = "_precision"
"""Ending of the column that tells how much of a date was stated: day, month or year."""

_STATED = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_LENGTHS = {"year": 4, "month": 7, "day": 10}


def typed(stated: str | None) -> tuple[datetime.date, str] | None:
    """The first day of a date, and its precision; None if it is none.

    >>> typed("2021-03")
    (datetime.date(2021, 3, 1), 'month')
    """
    found = _STATED.fullmatch(stated or "")
    if found is None:
        return None
    year, month, day = found.groups()
    try:
        first = datetime.date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
    return first, "day" if day else "month" if month else "year"


def stated(date: datetime.date, precision: str | None) -> str:
    """The date as a record has it.

    >>> stated(datetime.date(2021, 3, 1), "month")
    '2021-03'
    """
    return date.strftime("%Y-%m-%d").rjust(10, "0")[: _LENGTHS.get(precision or "day", 10)]


def with_types(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with typed dates and their precisions."""
    found = dict(record)
    for name in DATES:
        first, precision = typed(record.get(name)) or (None, None)
        found |= {name: first, name + PRECISION: precision}
    return found


def without_types(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a typed table with dates as a record has them; one that has text already stays as it is."""
    found = {name: value for name, value in row.items() if not name.endswith(PRECISION)}
    for name in DATES:
        if isinstance(value := found.get(name), datetime.date):
            found[name] = stated(value, row.get(name + PRECISION))
    return found
