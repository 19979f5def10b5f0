"""What a user may ask of a report, from the words of the command line."""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cart_nlp.landscape import dating
from cart_nlp.landscape.cohort import AXES, Options, Period
from cart_nlp.landscape.publications import read_publications
from cart_nlp.landscape.sponsors import read_decisions


class OptionError(ValueError):
    """An option that cannot be used: one line with its name, the value and what is meant."""


_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")


def options_from(
    until: str | None = None,
    since: str | None = None,
    registries: Sequence[str] = (),
    basis: str = "all",
    axis: str = "start",
    title: str | None = None,
    search_text: str | None = None,
    search_date: str | None = None,
    periods: str = "-2016,2017-2021,2022-",
    growth: str = "2015-2019:2020-2024",
    as_of: str | None = None,
    top: int = 20,
    pubmed: Path | None = None,
    sponsors: Path | None = None,
) -> Options:
    """Options from text; raises OptionError for a value, InputError for a file that cannot be used."""
    for name, value in (("--until", until), ("--since", since)):
        if value is not None and not _real(value):
            raise OptionError(f"{name} {value}: write 2024, 2024-04 or 2024-04-30")
    if since and until and dating.first_day(since) > dating.last_day(until):
        raise OptionError(f"--since {since}: lies after --until {until}")
    for name, value, known in (("--basis", basis, ("all", "text")), ("--axis", axis, AXES)):
        if value not in known:
            raise OptionError(f"{name} {value}: write {' or '.join(known)}")
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
    if title:
        extra["title"] = title
    return Options(
        until=until,
        since=since,
        registries=tuple(registries),
        basis=basis,
        axis=axis,
        search_text=search_text,
        search_date=search_date,
        periods=_periods(periods),
        growth=_growth(growth),
        top=top,
        **extra,
    )


def _periods(text: str) -> tuple[Period, ...]:
    """Periods of which no two share a year: a trial is in one of them at most."""
    try:
        found = tuple(Period.parse(part) for part in text.split(","))
    except ValueError as fault:
        raise OptionError(f"--periods {text}: {fault}") from fault
    in_order = sorted(found, key=lambda period: period.first or 0)
    for one, other in itertools.pairwise(in_order):
        if not (one.last and other.first and one.last < other.first):
            raise OptionError(f"--periods {text}: {one} and {other} overlap; write -2016,2017-2021,2022-")
    return found


def _growth(text: str) -> tuple[Period, Period]:
    """Two periods, one after the other: a trial is in one of them at most."""
    try:
        early, late = map(Period.parse, text.split(":"))
    except ValueError as fault:
        raise OptionError(f"--growth {text}: write two periods as 2015-2019:2020-2024 ({fault})") from fault
    if not (early.last and late.first and early.last < late.first):
        raise OptionError(
            f"--growth {text}: the first period must end before the second begins: 2015-2019:2020-2024"
        )
    return early, late


def _real(text: str) -> bool:
    try:
        return bool(_DATE.fullmatch(text)) and bool(dating.first_day(text))
    except ValueError:
        return False


def names_from(option: str, text: str | None, known: tuple[str, ...]) -> tuple[str, ...]:
    """Names from a list with commas, in the order of `known`; all of them where nothing is asked."""
    if text is None:
        return known
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    if wrong := [name for name in wanted if name not in known]:
        raise OptionError(f"{option} {wrong[0]}: there is {', '.join(known)}")
    return tuple(name for name in known if name in wanted)
