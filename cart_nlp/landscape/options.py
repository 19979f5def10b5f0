"""What a user may ask of a report, from the words of the command line."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Any

from cart_nlp.landscape.cohort import Options, Period
from cart_nlp.landscape.publications import read_publications
from cart_nlp.landscape.sponsors import read_decisions


class OptionError(ValueError):
    """An option that cannot be used: one line with its name, the value and what is meant."""


def options_from(
    until: str | None = None,
    periods: str = "-2016,2017-2021,2022-",
    growth: str = "2015-2019:2020-2024",
    as_of: str | None = None,
    top: int = 20,
    pubmed: Path | None = None,
    sponsors: Path | None = None,
) -> Options:
    """Options from text; raises OptionError for a value, InputError for a file that cannot be used."""
    if until is not None and not re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", until):
        raise OptionError(f"--until {until}: write 2024, 2024-04 or 2024-04-30")
    try:
        phases = tuple(Period.parse(part) for part in periods.split(","))
    except ValueError as fault:
        raise OptionError(f"--periods {periods}: {fault}") from fault
    try:
        early, late = (Period.parse(part) for part in growth.split(":"))
    except ValueError as fault:
        raise OptionError(f"--growth {growth}: write two periods as 2015-2019:2020-2024 ({fault})") from fault
    extra: dict[str, Any] = {}
    if as_of is not None:
        try:
            extra["as_of"] = datetime.date.fromisoformat(as_of)
        except ValueError as fault:
            raise OptionError(f"--as-of {as_of}: write a date as 2024-04-30") from fault
    if pubmed is not None:
        extra["publications"] = read_publications(pubmed)
    if sponsors is not None:
        extra["sponsor_decisions"] = read_decisions(sponsors)
    return Options(until=until, periods=phases, growth=(early, late), top=top, **extra)
