"""What trials are for, whether results appeared, and which were stopped."""

from __future__ import annotations

import datetime
import re
import tomllib
from collections import Counter
from functools import cache
from typing import get_args

from cart_nlp.landscape.cohort import DATA, GROUPS, NOT_STATED, REGIONS, Cohort
from cart_nlp.landscape.table import SHARE, Cell, Ids, Table, count, share, share_columns
from cart_nlp.schema import Focus

STOPPED = ("TERMINATED", "WITHDRAWN", "SUSPENDED")
SIZES = ("<50", "50–150", ">150")
LONG = 5
UNKNOWN = (
    "Not known: no record here has posted results or a publication, so the export probably "
    "lacks these fields; "
    "use one that has them, or --pubmed."
)


def tables(cohort: Cohort) -> list[Table]:
    """Focus, transparency, stopped trials and their reasons."""
    return [
        _focus(cohort),
        _long(cohort),
        *_transparency(cohort),
        _links(cohort),
        _stopped(cohort),
        _reasons(cohort),
    ]


def _focus(cohort: Cohort) -> Table:
    note = "Share of all included trials. Trials on adverse events are those of toxicity management."
    table = Table("focus", "Trials by main purpose", ("focus", "trials", *SHARE), note=note, section="Focus")
    by, every = cohort.by("focus"), cohort.pick()
    for name in get_args(Focus):
        table.add(name.replace("_", " "), count(by.get(name, ())), share(by.get(name, ()), every))
    silent = cohort.pick([value is None for value in cohort.df["focus"]])
    table.add(NOT_STATED, count(silent), share(silent, every))
    return table


def planned_years(start: str | None, end: str | None) -> float | None:
    """Years from start to completion as registered; a month counts from its first day, None if one lacks."""
    days = []
    for text in (start, end):
        try:
            parts = [int(part) for part in (text or "").split("-")] + [1, 1]
            days.append(datetime.date(parts[0], parts[1], parts[2]))
        except ValueError:
            return None
    return (days[1] - days[0]).days / 365.25


def _long(cohort: Cohort) -> Table:
    years = [
        planned_years(a, b)
        for a, b in zip(cohort.df["start_date"], cohort.df["completion_date"], strict=True)
    ]
    dated = cohort.pick([y is not None for y in years])
    note = (
        "Records carry no length of follow-up. Two stand-ins, each with its own "
        "denominator: studies whose purpose is long-term "
        f"follow-up (of all), and studies registered to run {LONG} years or more from start "
        "to completion (of those with both dates)."
    )
    table = Table(
        "long_term",
        "Long-term follow-up planned",
        ("measure", "trials", "of", *SHARE),
        note=note,
        section="Focus",
    )
    follow = cohort.pick(cohort.df["focus"] == "long_term_follow_up")
    table.add(
        "purpose is long-term follow-up", count(follow), count(cohort.pick()), share(follow, cohort.pick())
    )
    for label, least in (
        (f"planned duration {LONG} years or more", LONG),
        ("planned duration 15 years or more", 15),
    ):
        ids = cohort.pick([y is not None and y >= least for y in years])
        table.add(label, count(ids), count(dated), share(ids, dated))
    return table


def published(cohort: Cohort) -> frozenset[str]:
    """Trials with posted results, a linked publication in the record, or one found by --pubmed."""
    joined = cohort.options.publications or {}
    df = cohort.df
    mask = [
        bool(r) or bool(p) or i in joined
        for r, p, i in zip(df["has_results"], df["pmids"], df["trial_id"], strict=True)
    ]
    return frozenset(cohort.pick(mask))


def _transparency(cohort: Cohort) -> list[Table]:
    found = published(cohort)
    source = (
        "a --pubmed export was joined on registration numbers"
        if cohort.options.publications is not None
        else "no --pubmed export was joined, so publications that the registry does not list are missed"
    )
    # Many exports lack these fields, and a record cannot tell "none" from "not told".
    known = bool(found) or cohort.options.publications is not None
    note = "" if known else f"{UNKNOWN} "
    note += (
        "With results: results posted at the registry or a publication linked in the "
        f"record; {source}. A linked publication is not "
        "always a report of the results, and a trial completed lately may still be reported."
    )
    columns = ("group", "value", "trials", "results posted", "publication", "either", *SHARE)
    done = cohort.where(cohort.df["status"] == "COMPLETED")
    return [
        _visible("transparency", "Results of completed trials", columns, note, done, found, known),
        _visible("transparency_all", "Results of all included trials", columns, note, cohort, found, known),
    ]


def _visible(
    name: str,
    title: str,
    columns: tuple[str, ...],
    note: str,
    cohort: Cohort,
    found: frozenset[str],
    known: bool,
) -> Table:
    table = Table(name, title, columns, note=note, section="Transparency")
    joined = cohort.options.publications or {}
    regions, diseases, sizes = cohort.by("region"), cohort.by("disease_group"), cohort.by("size")
    silent = cohort.pick([s is None for s in cohort.df["size"]])
    groups: list[tuple[str, str, Ids]] = [("all", "all", cohort.pick())]
    groups += [("region", g, regions.get(g, ())) for g in REGIONS]
    groups += [("disease group", g, diseases.get(g, ())) for g in GROUPS]
    groups += [("enrollment", s, sizes.get(s, ())) for s in SIZES] + [("enrollment", NOT_STATED, silent)]
    groups += [("country", c, ids) for c, ids in list(cohort.by("countries").items())[:10]]
    posted = set(cohort.pick(cohort.df["has_results"].astype(bool)))
    linked = set(
        cohort.pick(
            [bool(p) or i in joined for p, i in zip(cohort.df["pmids"], cohort.df["trial_id"], strict=True)]
        )
    )
    for group, value, ids in groups:
        either = tuple(i for i in ids if i in found)
        table.add(
            group,
            value,
            count(ids),
            *(
                (count(i for i in ids if i in kind) for kind in (posted, linked, found))
                if known
                else [None] * 3
            ),
            share(either, ids) if known else (None, None, None),
        )
    return table


def _links(cohort: Cohort) -> Table:
    note = (
        "PubMed ids in the record, and those found by the registration number in the export "
        "given with --pubmed."
    )
    table = Table(
        "publications",
        "Publications of trials",
        ("trial", "in the record", "in the export"),
        note=note,
        section="Appendix",
    )
    joined = cohort.options.publications or {}
    for i, pmids in zip(cohort.df["trial_id"], cohort.df["pmids"], strict=True):
        if pmids or i in joined:
            table.add(Cell(i, (i,)), ", ".join(pmids), ", ".join(joined.get(i, ())))
    return table


def _stopped(cohort: Cohort) -> Table:
    note = "Of all included trials of the group."
    columns = (
        "group",
        "value",
        "trials",
        *(s.lower() for s in STOPPED),
        "stopped",
        *share_columns("stopped"),
    )
    table = Table("stopped", "Stopped trials", columns, note=note, section="Stopped trials")
    groups: list[tuple[str, str, Ids]] = [("all", "all", cohort.pick())]
    for kind, column, names in (
        ("disease group", "disease_group", GROUPS),
        ("region", "region", REGIONS),
        ("funding", "funding", ("academic", "industry", "government", "mixed")),
    ):
        by = cohort.by(column)
        groups += [(kind, name, by.get(name, ())) for name in names]
    status = dict(zip(cohort.df["trial_id"], cohort.df["status"], strict=True))
    for kind, value, ids in groups:
        stopped = tuple(i for i in ids if status[i] in STOPPED)
        table.add(
            kind,
            value,
            count(ids),
            [count(i for i in ids if status[i] == s) for s in STOPPED],
            count(stopped),
            share(stopped, ids),
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
        "Of the stopped trials. A reason may fall into several groups. Sponsors word reasons "
        "with care: “sponsor decision” may hide any other."
    )
    table = Table(
        "stop_reasons",
        "Why trials were stopped",
        ("reason", "trials", *SHARE, *(s.lower() for s in STOPPED)),
        note=note,
        section="Stopped trials",
    )
    at = cohort.where(cohort.df["status"].isin(STOPPED))
    of_trial = dict(zip(at.df["trial_id"], map(reasons, at.df["why_stopped"]), strict=True))
    status = dict(zip(at.df["trial_id"], at.df["status"], strict=True))
    tally = Counter(reason for found in of_trial.values() for reason in found)
    for reason in sorted(tally, key=lambda r: (r in ("other", NOT_STATED), -tally[r], r)):
        ids = tuple(i for i, found in of_trial.items() if reason in found)
        table.add(
            reason,
            count(ids),
            share(ids, at.pick()),
            [count(i for i in ids if status[i] == s) for s in STOPPED],
        )
    return table
