"""What trials are for, whether results appeared, and which were stopped."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from functools import cache
from typing import get_args

from cart_nlp.landscape import dating
from cart_nlp.landscape.cohort import GROUPS, NOT_STATED, Cohort
from cart_nlp.landscape.coverage import STOPPED
from cart_nlp.landscape.funding import CLASSES
from cart_nlp.landscape.regions import DATA, REGIONS
from cart_nlp.landscape.table import SHARE, Ids, Table, count, share, share_columns
from cart_nlp.schema import Focus

LONG = 5


def tables(cohort: Cohort) -> list[Table]:
    """Focus, transparency, stopped trials and their reasons."""
    return [_focus(cohort), _long(cohort), _stopped(cohort), _reasons(cohort)]


def _focus(cohort: Cohort) -> Table:
    note = (
        "Share of the trials with a main purpose. Trials on adverse events are those of toxicity management; "
        "trials that watch toxicity beside treatment count as treatment."
    )
    table = Table("focus", "Trials by main purpose", ("focus", "trials", *SHARE), note=note, section="Focus")
    by, every = cohort.by("focus"), cohort.pick([value is not None for value in cohort.df["focus"]])
    for name in get_args(Focus):
        table.add(name.replace("_", " "), count(by.get(name, ())), share(by.get(name, ()), every))
    silent = cohort.pick([value is None for value in cohort.df["focus"]])
    table.add(NOT_STATED, count(silent), (None, None, None))
    return table


def planned_years(start: str | None, end: str | None) -> float | None:
    """Years from start to completion as registered; a month counts from its first day, None if one lacks."""
    try:
        return (dating.first_day(end or "") - dating.first_day(start or "")).days / 365.25
    except ValueError:
        return None


def _long(cohort: Cohort) -> Table:
    years = [
        planned_years(a, b)
        for a, b in zip(cohort.df["start_date"], cohort.df["completion_date"], strict=True)
    ]
    backward = sum(y is not None and y < 0 for y in years)
    years = [None if y is not None and y < 0 else y for y in years]
    dated = cohort.pick([y is not None for y in years])
    stated = list(cohort.df["follow_up_years"])
    told = cohort.pick([y is not None for y in stated])
    note = (
        "Each row with its own denominator: studies whose purpose is long-term follow-up (of those with a "
        "purpose); "
        f"follow-up of {LONG} years or more in the trial's own words (of those that state a length, and of "
        "all: most say nothing, so that is a lower bound); "
        f"and studies registered to run {LONG} years or more from start to completion (of those with both "
        f"dates; {backward} that complete before they start are left out)."
    )
    table = Table(
        "long_term",
        "Long-term follow-up planned",
        ("measure", "trials", "of", *SHARE),
        note=note,
        section="Focus",
    )
    follow = cohort.pick(cohort.df["focus"] == "long_term_follow_up")
    purposed = cohort.pick([value is not None for value in cohort.df["focus"]])
    table.add("purpose is long-term follow-up", count(follow), count(purposed), share(follow, purposed))
    for least in (LONG, 15):
        ids = cohort.pick([y is not None and y >= least for y in stated])
        for label, of in (
            (f"stated follow-up {least} years or more, of trials that state a length", told),
            (f"stated follow-up {least} years or more, of all trials", cohort.pick()),
        ):
            table.add(label, count(ids), count(of), share(ids, of), rests=("follow_up_years",))
    for least in (LONG, 15):
        ids = cohort.pick([y is not None and y >= least for y in years])
        table.add(
            f"planned duration {least} years or more",
            count(ids),
            count(dated),
            share(ids, dated),
            rests=("start_date", "completion_date"),
        )
    return table


def _stopped(cohort: Cohort) -> Table:
    note = "Of the group's trials whose status is known."
    columns = (
        "group",
        "value",
        "trials",
        *(s.lower() for s in STOPPED),
        "stopped",
        *share_columns("stopped"),
    )
    table = Table(
        "stopped", "Stopped trials", columns, note=note, section="Stopped trials", rests=("status",)
    )
    cohort = cohort.where([s is not None for s in cohort.df["status"]])
    groups: list[tuple[str, str, Ids, tuple[str, ...]]] = [("all", "all", cohort.pick(), ())]
    kinds: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
        ("disease group", "disease_group", GROUPS, ()),
        ("region", "region", REGIONS, ("countries",)),
        ("funding", "funding", CLASSES, ("sponsor",)),
    )
    for kind, column, names, rests in kinds:
        by = cohort.by(column)
        groups += [(kind, name, by.get(name, ()), rests) for name in names]
    status = dict(zip(cohort.df["trial_id"], cohort.df["status"], strict=True))
    for kind, value, ids, rests in groups:
        stopped = tuple(i for i in ids if status[i] in STOPPED)
        table.add(
            kind,
            value,
            count(ids),
            [count(i for i in ids if status[i] == s) for s in STOPPED],
            count(stopped),
            share(stopped, ids),
            rests=(*rests, "collaborators") if value == "mixed" else rests,
        )
    return table


@cache
def stop_groups() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """(group, pattern) from data/stop-reasons.toml."""
    rows = tomllib.loads((DATA / "stop-reasons.toml").read_text(encoding="utf-8"))["group"]
    return tuple((row["name"], re.compile("|".join(row["patterns"]), re.IGNORECASE)) for row in rows)


def reasons(text: str | None) -> tuple[str, ...]:
    """Groups of a stated reason; ("other",) if none fits, ("not stated",) if there is no text."""
    if not (text or "").strip():
        return (NOT_STATED,)
    return tuple(name for name, pattern in stop_groups() if pattern.search(str(text))) or ("other",)


def _reasons(cohort: Cohort) -> Table:
    note = (
        "Of the stopped trials that give a reason. A reason may fall into several groups. Sponsors word "
        "reasons "
        "with care: “sponsor decision” may hide any other."
    )
    table = Table(
        "stop_reasons",
        "Why trials were stopped",
        ("reason", "trials", *SHARE, *(s.lower() for s in STOPPED)),
        note=note,
        section="Stopped trials",
        rests=("status", "why_stopped"),
    )
    at = cohort.where(cohort.df["status"].isin(STOPPED))
    of_trial = dict(zip(at.df["trial_id"], map(reasons, at.df["why_stopped"]), strict=True))
    status = dict(zip(at.df["trial_id"], at.df["status"], strict=True))
    said = tuple(i for i, found in of_trial.items() if found != (NOT_STATED,))
    tally = Counter(reason for found in of_trial.values() for reason in found)
    for reason in sorted(tally, key=lambda r: (r in ("other", NOT_STATED), -tally[r], r)):
        ids = tuple(i for i, found in of_trial.items() if reason in found)
        table.add(
            reason,
            count(ids),
            share(ids, said) if reason != NOT_STATED else (None, None, None),
            [count(i for i in ids if status[i] == s) for s in STOPPED],
        )
    return table
