"""The trials under analysis: what is included, and the groups that tables are cut by."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from cart_nlp.landscape import dating
from cart_nlp.landscape.organizations import funding, institution
from cart_nlp.landscape.publications import Export
from cart_nlp.landscape.regions import REGIONS, region
from cart_nlp.landscape.table import Ids
from cart_nlp.landscape.unwritten import Unwritten
from cart_nlp.registries.dedupe import Registrations
from cart_nlp.schema import INCLUDED, TAGGED_FIELDS
from cart_nlp.writers.flat import clean

PHASES = ("EARLY_PHASE1", "PHASE1", "PHASE1|PHASE2", "PHASE2", "PHASE2|PHASE3", "PHASE3", "PHASE4")
PHASE_NAMES = {
    "EARLY_PHASE1": "early I",
    "PHASE1": "I",
    "PHASE1|PHASE2": "I/II",
    "PHASE2": "II",
    "PHASE2|PHASE3": "II/III",
    "PHASE3": "III",
    "PHASE4": "IV",
    "NA": "not applicable",
}
EARLY, UP_TO_TWO = PHASES[:2], PHASES[:3]
LATE = frozenset(PHASES) - frozenset(UP_TO_TWO)
GROUPS = ("hematological", "solid", "autoimmune", "infectious", "other")
NOT_STATED = "not stated"
AXES = ("start", "registration")
BY_CURATOR = "excluded by a curator"


@dataclass(frozen=True)
class Period:
    """Years from `first` to `last`, both included; None is open."""

    first: int | None
    last: int | None

    @classmethod
    def parse(cls, text: str) -> Period:
        """`2017-2021`, `2022-`, `-2016` or `2021`; raises ValueError otherwise."""
        match = re.fullmatch(r"\s*(\d{4})?\s*(-)?\s*(\d{4})?\s*", text)
        if match is None or not (match[1] or match[3]):
            raise ValueError(f"{text!r} is no period; write 2017-2021, 2022-, -2016 or 2021")
        first, last = (int(part) if part else None for part in (match[1], match[3]))
        if match[2] is None:
            last = first
        if first and last and first > last:
            raise ValueError(f"{text!r} ends before it begins")
        return cls(first, last)

    def holds(self, year: int | None) -> bool:
        """Whether the year lies inside; a missing year never does."""
        return year is not None and (self.first or year) <= year <= (self.last or year)

    def __str__(self) -> str:
        if self.first == self.last:
            return str(self.first)
        return (
            f"{self.first}–{self.last}"
            if self.first and self.last
            else f"{self.first or 'to'}{'–' if self.first else ' '}{self.last or ''}"
        )

    def span(self, first: datetime.date, begin: datetime.date, end: datetime.date) -> float:
        """Length in years of what lies between two days; where the period is open it begins with `first`."""
        start = max(datetime.date(self.first, 1, 1) if self.first else first, begin)
        stop = min(datetime.date(self.last, 12, 31), end) if self.last else end
        return max((stop - start).days + 1, 0) / 365.25


@dataclass(frozen=True)
class Options:
    """What an analysis may be told; the defaults are the study's own periods."""

    until: str | None = None
    since: str | None = None
    registries: tuple[str, ...] = ()
    basis: str = "all"
    axis: str = "start"
    periods: tuple[Period, ...] = (Period(None, 2016), Period(2017, 2021), Period(2022, None))
    growth: tuple[Period, Period] = (Period(2015, 2019), Period(2020, 2024))
    as_of: datetime.date = field(default_factory=datetime.date.today)
    top: int = 20
    title: str = "CAR cell therapy trials: the landscape"
    search_text: str | None = None
    search_date: str | None = None
    sponsor_decisions: Mapping[str, str] = field(default_factory=dict)
    publications: Export | None = None


@dataclass
class Cohort:
    """Included trials in `df` (index 0…n-1) and what was left out on the way, by reason."""

    df: pd.DataFrame
    options: Options
    left_out: dict[str, Ids]
    read: Ids
    duplicates: list[tuple[str, str, str]]
    begin: datetime.date
    """The first day that the analysis covers; date.min where nothing limits it."""
    end: datetime.date
    placed: dating.Placed
    everyone: pd.DataFrame
    """All records of the input, one row each: what was left out keeps its title and address.

    After them what the tagging run read and did not write, where it is listed."""
    unwritten: Unwritten = field(default_factory=Unwritten)

    def pick(self, mask: Any = None) -> Ids:
        """Ids of the included trials for which the mask holds; all of them without one."""
        column = self.df["trial_id"]
        return tuple(column if mask is None else column[_bools(mask)])

    def reaches(self, period: Period) -> bool:
        """Whether the data cover a day of a period: of the others nothing is known, not even a zero."""
        first, last = period.first or self.begin.year, period.last or self.end.year
        return first <= self.end.year and last >= self.begin.year

    def cuts(self, period: Period) -> bool:
        """Whether the data begin inside a period, or end before it does."""
        first = datetime.date(period.first, 1, 1) if period.first else datetime.date.min
        last = datetime.date(period.last, 12, 31) if period.last else self.end
        return first < self.begin or last > self.end

    @property
    def products(self) -> Cohort:
        """Only trials that give or study a CAR product themselves."""
        return self.where(self.df["car_trial"] == "product")

    def where(self, mask: Any) -> Cohort:
        """The trials for which the mask holds."""
        return replace(self, df=self.df[_bools(mask)].reset_index(drop=True))

    def by(self, column: str) -> dict[Any, Ids]:
        """Value -> ids, most frequent first; a trial counts once for each of its values; none -> absent."""
        found: dict[Any, list[str]] = {}
        for trial_id, value in zip(self.df["trial_id"], self.df[column], strict=True):
            values = value if isinstance(value, tuple) else (value,)
            for one in dict.fromkeys(values):
                if one is not None:
                    found.setdefault(one, []).append(trial_id)
        return {
            key: tuple(ids) for key, ids in sorted(found.items(), key=lambda kv: (-len(kv[1]), str(kv[0])))
        }

    def __len__(self) -> int:
        return len(self.df)


def _bools(mask: Any) -> Any:
    """An array of truth values: pandas takes an empty list for a list of columns, not for a mask."""
    return np.fromiter(mask, dtype=bool)


def cohort(df: pd.DataFrame, options: Options | None = None, unwritten: Unwritten | None = None) -> Cohort:
    """Take the included trials out of all records: duplicates, exclusions and dates first, each counted.

    `unwritten` are the trials that the tagging run did not write; what the records hold is not one of them.
    """
    options = options or Options()
    df = df.reset_index(drop=True).copy()
    everyone = df[["trial_id", "registry", "title", "url", "car_trial"]]
    unwritten = _without(unwritten or Unwritten(), set(df["trial_id"]))
    if unwritten.trials:
        everyone = pd.concat([everyone, pd.DataFrame(unwritten.trials)[everyone.columns]], ignore_index=True)
    placed = dating.place(df["trial_id"], df["first_posted"], df["start_date"])
    # object, or pandas turns None into a float NaN, here and below
    df["registered"] = pd.Series(placed.days, df.index, dtype=object)
    df["placed_by"] = pd.Series(placed.by, df.index, dtype=object)
    read = tuple(df["trial_id"])
    keep, duplicates = _distinct(df)
    left: dict[str, Ids] = {"duplicate of another record": tuple(name for name, _, _ in duplicates)}
    df = df.iloc[keep]

    def drop(reason: str, mask: Any) -> None:
        nonlocal df
        gone = _bools(mask)
        left[reason] = tuple(df["trial_id"][gone])
        df = df[~gone]

    if options.registries:
        wanted = {name.casefold() for name in options.registries}
        drop(
            f"not registered at {', '.join(options.registries)}",
            [r.casefold() not in wanted for r in df["registry"]],
        )
    if any(
        decided := [_excluded_by_curator(*row) for row in zip(df["car_trial"], df["evidence"], strict=True)]
    ):
        drop(BY_CURATOR, decided)
    drop("no CAR", df["car_trial"] == "no")
    drop("CAR mentioned, not studied", df["car_trial"] == "mention")
    since, until = options.since, options.until
    if since or until:
        drop("no date, cannot be placed in time", [day is None for day in df["registered"]])
    if since:
        # A day that is known to the month alone is in the window if the month reaches into it.
        drop(
            f"registered before {since}",
            [dating.last_day(d) < dating.first_day(since) for d in df["registered"]],
        )
    if until:
        drop(
            f"registered after {until}",
            [dating.first_day(d) > dating.last_day(until) for d in df["registered"]],
        )
    df = df.reset_index(drop=True)
    if options.basis == "text":
        _stated_only(df)
    _derive(df)
    begin, end = dating.first_day(since) if since else datetime.date.min, _end(options, placed)
    return Cohort(df, options, left, read, duplicates, begin, end, placed, everyone, unwritten)


def _excluded_by_curator(level: str, evidence: Iterable[Any]) -> bool:
    """Whether a curator decided that a trial is not included."""
    return level not in INCLUDED and any(
        (one.basis, one.field, one.value) == ("curator", "car_trial", level) for one in evidence
    )


def _without(unwritten: Unwritten, ids: set[str]) -> Unwritten:
    """The list without trials that the records hold, as after a curator's decision, and each trial once."""
    once = {trial.trial_id: trial for trial in unwritten.trials if trial.trial_id not in ids}
    return replace(unwritten, trials=tuple(once.values()))


def _end(options: Options, placed: dating.Placed) -> datetime.date:
    """The last day that the analysis covers: its date limit, the newest registration, or its own date.

    Its own date only where most records tell no registration: the few that do say little of the others.
    """
    end = options.as_of
    if options.until:
        end = min(end, dating.last_day(options.until))
    told = sum(how not in (None, dating.BY_START) for how in placed.by)
    if placed.newest and 2 * told >= len(placed.by):
        end = min(end, dating.last_day(placed.newest))
    return end


def _stated_only(df: pd.DataFrame) -> None:
    """Take out values, and constructs' formats, that no word and no registry field of the trial states."""
    stated = [
        {(e.field, e.value) for e in es if e.basis not in ("product", "default")} for es in df["evidence"]
    ]
    for name in TAGGED_FIELDS:
        values = [
            tuple(v for v in value if (name, str(v)) in said)
            if isinstance(value, tuple)
            else (value if value is None or (name, str(value)) in said else None)
            for value, said in zip(df[name], stated, strict=True)
        ]
        df[name] = pd.Series(values, df.index, dtype=object)
    kept = []
    for constructs, targets in zip(df["constructs"], df["targets"], strict=True):
        known = set(targets)
        kept.append(
            tuple(c for c in constructs if set(c.targets) <= known and c.basis in ("text", "curator"))
        )
    df["constructs"] = pd.Series(kept, df.index, dtype=object)
    df["multi_target"] = pd.Series([len(t) > 1 for t in df["targets"]], df.index, dtype=object)


def _derive(df: pd.DataFrame) -> None:
    """Add the columns that tables group by."""
    for column, source in (("start_year", "start_date"), ("registration_year", "registered")):
        days = [dating.day(text) for text in df[source]]
        if source == "registered":  # a start date in its place is no year of registration
            days = [
                d if how != dating.BY_START else None for d, how in zip(days, df["placed_by"], strict=True)
            ]
        df[column] = pd.Series([int(day[:4]) if day else None for day in days], dtype=object)
    df["year"] = df["start_year"]
    df["region"] = pd.Series(
        [tuple(sorted({region(c) for c in cs}, key=REGIONS.index)) for cs in df["countries"]], dtype=object
    )
    # Names as they are printed: a reviewed list of merges, which is read back, has them so.
    rows = zip(df["sponsor"], df["sponsor_class"], df["raw"], strict=True)
    sponsors = [clean(institution(*row) or "") or None for row in rows]
    df["sponsor"] = pd.Series(sponsors, df.index, dtype=object)
    partners = [tuple(filter(None, map(clean, names))) for names in df["collaborators"]]
    df["collaborators"] = pd.Series(partners, df.index, dtype=object)
    # Not the record's own funding: here reviewed names and institutions of persons count, too.
    df["funding"] = pd.Series(
        [funding(*row) for row in zip(df["sponsor"], df["sponsor_class"], df["collaborators"], strict=True)],
        df.index,
        dtype=object,
    )
    df["late"] = [phase in LATE for phase in df["phase"]]
    df["phased"] = [phase in PHASES for phase in df["phase"]]
    df["size"] = pd.Series([_size(n) for n in df["enrollment"]], dtype=object)


def _size(n: int | None) -> str | None:
    if n is None:
        return None
    return "<50" if n < 50 else "50–150" if n <= 150 else ">150"


def _distinct(df: pd.DataFrame) -> tuple[list[int], list[tuple[str, str, str]]]:
    """Rows to keep, and (dropped id, kept id, reason): one study is one row across registries."""
    ids = list(df["trial_id"])
    # ClinicalTrials.gov first: its records carry dates, phase and results more often than the others.
    order = sorted(range(len(ids)), key=lambda row: (not ids[row].startswith("NCT"), row))
    same = Registrations()
    for row in order:
        same.add(ids[row], df["registry"].iloc[row], df["secondary_ids"].iloc[row])
    keep: list[int] = []
    dropped: list[tuple[str, str, str]] = []
    for at, row in enumerate(order):
        kept = order[same.first(at)]
        if kept == row:
            keep.append(row)
        else:
            reason = "same id" if ids[row] == ids[kept] else "secondary id"
            dropped.append((ids[row], ids[kept], reason))
    return sorted(keep), dropped


def single(values: Iterable[tuple[str, ...]], order: tuple[str, ...]) -> list[str | None]:
    """The one group that a trial belongs to, or None if it belongs to several or none."""
    return [value[0] if len(value) == 1 and value[0] in order else None for value in values]
