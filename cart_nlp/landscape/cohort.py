"""The trials under analysis: what is included, and the groups that tables are cut by."""

from __future__ import annotations

import csv
import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cart_nlp.landscape.table import Ids

DATA = Path(__file__).resolve().parent / "data"
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
LATE = frozenset({"PHASE2", "PHASE2|PHASE3", "PHASE3", "PHASE4"})
REGIONS = ("China", "United States", "Europe", "Asia-Pacific, other", "Other regions")
GROUPS = ("hematological", "solid", "autoimmune", "infectious", "other")
NOT_STATED = "not stated"
_DATE = re.compile(r"^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


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


@dataclass(frozen=True)
class Options:
    """What an analysis may be told; the defaults are the study's own periods."""

    until: str | None = None
    periods: tuple[Period, ...] = (Period(None, 2016), Period(2017, 2021), Period(2022, None))
    growth: tuple[Period, Period] = (Period(2015, 2019), Period(2020, 2024))
    as_of: datetime.date = field(default_factory=datetime.date.today)
    top: int = 20
    sponsor_decisions: Mapping[str, str] = field(default_factory=dict)
    publications: Mapping[str, tuple[str, ...]] | None = None


@dataclass
class Cohort:
    """Included trials in `df` (index 0…n-1) and what was left out on the way, by reason."""

    df: pd.DataFrame
    options: Options
    left_out: dict[str, Ids]
    read: Ids
    duplicates: list[tuple[str, str, str]]

    def pick(self, mask: Any = None) -> Ids:
        """Ids of the included trials for which the mask holds; all of them without one."""
        column = self.df["trial_id"]
        return tuple(column if mask is None else column[_bools(mask)])

    @property
    def products(self) -> Cohort:
        """Only trials that give or study a CAR product themselves."""
        return self.where(self.df["car_trial"] == "product")

    def where(self, mask: Any) -> Cohort:
        """The trials for which the mask holds."""
        return Cohort(
            self.df[_bools(mask)].reset_index(drop=True),
            self.options,
            self.left_out,
            self.read,
            self.duplicates,
        )

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


def cohort(df: pd.DataFrame, options: Options | None = None) -> Cohort:
    """Take the included trials out of all records: duplicates, exclusions and dates first, each counted."""
    options = options or Options()
    df = df.reset_index(drop=True).copy()
    # object, or pandas turns None into a float NaN, here and below
    days = [
        _day(first) or _day(start) for first, start in zip(df["first_posted"], df["start_date"], strict=True)
    ]
    df["day"] = pd.Series(days, df.index, dtype=object)
    read = tuple(df["trial_id"])
    keep, duplicates = _distinct(df)
    left: dict[str, Ids] = {"duplicate of another record": tuple(name for name, _, _ in duplicates)}
    df = df.iloc[keep]
    for label, text in (("no", "no CAR"), ("mention", "CAR mentioned, not studied")):
        left[text] = tuple(df["trial_id"][df["car_trial"] == label])
    df = df[df["car_trial"].isin(["product", "related"])]
    if options.until:
        late = pd.Series(
            [bool(day) and day[: len(options.until)] > options.until for day in df["day"]], df.index, bool
        )
        undated = pd.Series([day is None for day in df["day"]], df.index, bool)
        left[f"registered or started after {options.until}"] = tuple(df["trial_id"][late])
        left[f"no date, cannot be placed before {options.until}"] = tuple(df["trial_id"][undated])
        df = df[~late & ~undated]
    df = df.reset_index(drop=True)
    _derive(df)
    return Cohort(df, options, left, read, duplicates)


def _derive(df: pd.DataFrame) -> None:
    """Add the columns that tables group by."""
    df["year"] = pd.Series(
        [int(day[:4]) if (day := _day(text)) else None for text in df["start_date"]], dtype=object
    )
    df["region"] = pd.Series(
        [tuple(sorted({region(c) for c in cs}, key=REGIONS.index)) for cs in df["countries"]], dtype=object
    )
    df["late"] = [phase in LATE for phase in df["phase"]]
    df["phased"] = [phase in PHASES for phase in df["phase"]]
    df["size"] = pd.Series([_size(n) for n in df["enrollment"]], dtype=object)


def _size(n: int | None) -> str | None:
    if n is None:
        return None
    return "<50" if n < 50 else "50–150" if n <= 150 else ">150"


def _day(text: str | None) -> str | None:
    match = _DATE.match(text or "")
    return match[0] if match and 1900 <= int(match[1]) <= 2100 else None


def _distinct(df: pd.DataFrame) -> tuple[list[int], list[tuple[str, str, str]]]:
    """Rows to keep, and (dropped id, kept id, reason): one study is one row across registries."""
    first: dict[str, int] = {}
    keep: list[int] = []
    dropped: list[tuple[str, str, str]] = []
    # ClinicalTrials.gov first: its records carry dates, phase and results more often than the others.
    order = sorted(range(len(df)), key=lambda row: (not str(df["trial_id"].iloc[row]).startswith("NCT"), row))
    for row in order:
        trial_id, others = df["trial_id"].iloc[row], df["secondary_ids"].iloc[row]
        if trial_id in first:
            same_id = df["trial_id"].iloc[first[trial_id]] == trial_id
            dropped.append(
                (trial_id, df["trial_id"].iloc[first[trial_id]], "same id" if same_id else "secondary id")
            )
            continue
        partner = next((first[other] for other in others if other in first), None)
        if partner is not None:
            dropped.append((trial_id, df["trial_id"].iloc[partner], "secondary id"))
            first[trial_id] = partner
            continue
        first[trial_id] = row
        keep.append(row)
        for other in others:
            first.setdefault(other, row)
    return sorted(keep), dropped


@cache
def _regions() -> dict[str, str]:
    with (DATA / "countries.csv").open(encoding="utf-8", newline="") as lines:
        return {row["country"].casefold(): row["region"] for row in csv.DictReader(lines)}


def region(country: str) -> str:
    """Region of a country name as registries print it; what is unknown belongs to the other regions."""
    return _regions().get(country.strip().casefold(), "Other regions")


def single(values: Iterable[tuple[str, ...]], order: tuple[str, ...]) -> list[str | None]:
    """The one group that a trial belongs to, or None if it belongs to several or none."""
    return [value[0] if len(value) == 1 and value[0] in order else None for value in values]
