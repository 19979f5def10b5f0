"""Whether results appeared: posted at the registry or published, what else was published, and how soon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from cart_nlp.landscape import dating
from cart_nlp.landscape.cohort import GROUPS, NOT_STATED, Cohort
from cart_nlp.landscape.coverage import Seen
from cart_nlp.landscape.publications import GRADES, RESULTS, Link, links_of, published_on
from cart_nlp.landscape.regions import REGIONS
from cart_nlp.landscape.table import SHARE, Cell, Ids, Table, count, ratio, share, share_columns

SECTION = "Transparency"
SIZES = ("<50", "50–150", ">150")
MONTHS = (6, 12, 24, 36, 48, 60)
UNFOLLOWED = (
    "without a date of completion",
    "completed after the end of the data",
    "with a paper of the results that has no date",
)
"""Why a completed trial has no time to publication."""
LEAST = 10
"""Trials that a curve of time to publication needs."""


def tables(cohort: Cohort, found: dict[str, tuple[Link, ...]]) -> list[Table]:
    """Results of completed and of all trials, sizes, grades of links, time to publication, the links."""
    return [
        _visible(cohort, found, "transparency", "Results of completed trials", True),
        _visible(cohort, found, "transparency_all", "Results of all included trials", False),
        _sizes(cohort, published(found)),
        _grades(cohort, found),
        time_to_publication(cohort, found),
        _listed(cohort, found),
    ]


def links(cohort: Cohort) -> dict[str, tuple[Link, ...]]:
    """Trial -> its graded publications."""
    export = cohort.options.publications
    return {row["trial_id"]: links_of(row, export) for row in cohort.df.to_dict("records")}


def published(found: Mapping[str, tuple[Link, ...]]) -> frozenset[str]:
    """Trials with a publication graded as results."""
    return frozenset(i for i, ones in found.items() if any(one.grade == RESULTS for one in ones))


def outcome(cohort: Cohort, papers: frozenset[str], seen: Mapping[str, Seen]) -> tuple[str, frozenset[str]]:
    """What tests may call results, by what the export tells: its name, and the trials that have it."""
    posted = frozenset(cohort.pick(cohort.df["has_results"].astype(bool)))
    if seen["has_results"].enough and seen["pmids"].enough:
        return "posted or published results", posted | papers
    if seen["pmids"].enough:
        return "published results", papers
    return "posted results", posted


def _source(cohort: Cohort) -> str:
    export = cohort.options.publications
    if export is None:
        return (
            "No --pubmed export was joined: publications that the registry does not list as results are "
            "missed."
        )
    return (
        f"An export of {export.entries:,} publications was joined by registration number, in the data bank "
        f"first, "
        "then title and abstract, never the list of references."
    )


def _groups(cohort: Cohort) -> list[tuple[str, str, Ids, tuple[str, ...]]]:
    regions, diseases, sizes = cohort.by("region"), cohort.by("disease_group"), cohort.by("size")
    silent = cohort.pick([s is None for s in cohort.df["size"]])
    groups: list[tuple[str, str, Ids, tuple[str, ...]]] = [("all", "all", cohort.pick(), ())]
    groups += [("region", g, regions.get(g, ()), ("countries",)) for g in REGIONS]
    groups += [("disease group", g, diseases.get(g, ()), ()) for g in GROUPS]
    groups += [("enrollment", s, sizes.get(s, ()), ("enrollment",)) for s in SIZES]
    groups += [("enrollment", NOT_STATED, silent, ("enrollment",))]
    return groups + [
        ("country", c, ids, ("countries",)) for c, ids in list(cohort.by("countries").items())[:10]
    ]


def _visible(
    cohort: Cohort, found: dict[str, tuple[Link, ...]], name: str, title: str, completed: bool
) -> Table:
    note = (
        "With results: posted at the registry, or a publication of the results. Of the references that a "
        "registry "
        "lists only those of type results count, background never; erratum, review, protocol, retracted "
        "paper and "
        f"secondary analysis do not. {_source(cohort)} A trial completed lately may still be reported."
    )
    papers = share_columns("published")
    columns = ("group", "value", "trials", "results posted", "published", *papers, "either", *SHARE)
    rests: dict[str, tuple[str, ...]] = {"results posted": ("has_results",)}
    rests |= dict.fromkeys(("published", *papers), ("pmids",))
    rests |= dict.fromkeys(("either", *SHARE), ("has_results", "pmids"))
    table = Table(
        name,
        title,
        columns,
        note=note,
        section=SECTION,
        rests=("status",) if completed else (),
        column_rests=rests,
    )
    at = cohort.where(cohort.df["status"] == "COMPLETED") if completed else cohort
    posted = set(at.pick(at.df["has_results"].astype(bool)))
    linked = {i for i in at.pick() if any(one.grade == RESULTS for one in found[i])}
    for group, value, ids, fields in _groups(at):
        either = tuple(i for i in ids if i in posted | linked)
        table.add(
            group,
            value,
            count(ids),
            count(i for i in ids if i in posted),
            count(i for i in ids if i in linked),
            share((i for i in ids if i in linked), ids),
            count(either),
            share(either, ids),
            rests=fields,
        )
    return table


def _sizes(cohort: Cohort, has: frozenset[str]) -> Table:
    note = (
        "How large trials with and without published results are: percent of the row's trials whose "
        "enrollment is "
        "known. Read "
        "along the row; the tables above read along the column."
    )
    columns = ("trials", "all", *(part for s in SIZES for part in (s, f"{s} %")), NOT_STATED)
    table = Table(
        "size_by_results",
        "Enrollment of published and unpublished trials",
        columns,
        note=note,
        section=SECTION,
        rests=("enrollment", "pmids"),
    )
    for label, mask in (
        ("published", [i in has for i in cohort.df["trial_id"]]),
        ("unpublished", [i not in has for i in cohort.df["trial_id"]]),
    ):
        at = cohort.where(mask)
        by = at.by("size")
        known = at.pick([s is not None for s in at.df["size"]])
        cells = [cell for s in SIZES for cell in (count(by.get(s, ())), ratio(by.get(s, ()), known))]
        table.add(label, count(at.pick()), cells, count(at.pick([s is None for s in at.df["size"]])))
    return table


def _grades(cohort: Cohort, found: dict[str, tuple[Link, ...]]) -> Table:
    note = (
        f"Publications linked to the included trials, by what they are. Only “{RESULTS}” count as "
        f"published. {_source(cohort)}"
    )
    table = Table(
        "publication_grades",
        "What was published of the trials",
        (
            "grade",
            "links",
            "trials",
            *(f"by {how}" for how in ("data bank", "title", "abstract", "registry")),
        ),
        note=note,
        section=SECTION,
        rests=("pmids",),
    )
    for kind in GRADES:
        ids = tuple(i for i, links in found.items() if any(one.grade == kind for one in links))
        tally = Counter(one.how for links in found.values() for one in links if one.grade == kind)
        by = [Cell(tally[how], ids) for how in ("data bank", "title", "abstract", "registry")]
        table.add(kind, Cell(sum(tally.values()), ids), count(ids), [Cell(c.value) for c in by])
    return table


def waiting(
    cohort: Cohort, found: dict[str, tuple[Link, ...]]
) -> tuple[dict[str, tuple[float, bool]], dict[str, int]]:
    """Completed trials -> months from completion to the first results paper, or to the data's end (False).

    A paper before completion counts as a month after it: interim reports are reports. Then how many trials
    cannot be followed, by the reason.
    """
    spans: dict[str, tuple[float, bool]] = {}
    left = dict.fromkeys(UNFOLLOWED, 0)
    undated, late, unclear = UNFOLLOWED
    df = cohort.where(cohort.df["status"] == "COMPLETED").df
    for i, done in zip(df["trial_id"], df["completion_date"], strict=True):
        day, out = dating.day(done), published_on(found[i])
        if day is None:
            left[undated] += 1
        elif (since := dating.first_day(day)) > cohort.end:
            left[late] += 1
        elif any(one.grade == RESULTS and not one.date for one in found[i]):
            left[unclear] += 1
        else:
            known = out is not None and out <= cohort.end
            until = out if out is not None and known else cohort.end
            spans[i] = (max((until - since).days / 30.4375, 1.0), known)
    return spans, left


def time_to_publication(cohort: Cohort, found: dict[str, tuple[Link, ...]]) -> Table:
    """Kaplan–Meier (statsmodels): share of completed trials with a results paper by months."""
    export = cohort.options.publications
    note = (
        "Kaplan–Meier estimate (statsmodels): percent of the trials followed whose results were published "
        "so many "
        "months after completion; trials without a paper up to the end of the data "
        f"({cohort.end.isoformat()}) are censored there, interim reports count from the first month. Needs "
        "the dates of publications, "
        f"which --pubmed brings; undefined beyond the last trial at risk, and for groups under {LEAST} "
        f"trials. A trial with sites in several regions counts in each."
    )
    columns = (
        "group",
        "completed trials",
        "followed",
        "published by the end",
        *(f"{m} months" for m in MONTHS),
        "median, months",
    )
    table = Table(
        "time_to_publication",
        "Time from completion to publication",
        columns,
        note=note,
        section=SECTION,
        rests=("status", "completion_date", "pmids"),
    )
    completed = cohort.where(cohort.df["status"] == "COMPLETED")
    regions = completed.by("region")
    place = ("countries",)
    groups = [("all", completed.pick(), ()), *((r, regions.get(r, ()), place) for r in REGIONS[:2])]
    if export is None:
        for name, every, rests in groups:
            table.add(name, count(every), [None] * (len(MONTHS) + 3), rests=rests)
        return table
    spans, left = waiting(cohort, found)
    reasons = "; ".join(f"{n:,} {why}" for why, n in left.items() if n)
    table.note += f" Completed trials that are not followed: {reasons or 'none'}."
    for name, every, rests in groups:
        ids = [i for i in every if i in spans]
        known = [count(every), count(ids), count(i for i in ids if spans[i][1])]
        if len(ids) < LEAST:
            table.add(name, known, [None] * (len(MONTHS) + 1), rests=rests)
            continue
        curve = survival([spans[i][0] for i in ids], [spans[i][1] for i in ids])
        table.add(name, known, [curve(m) for m in MONTHS], curve(None), rests=rests)
    return table


def survival(months: list[float], happened: list[bool]) -> Any:
    """A function of months -> percent that happened by then (None beyond the last); of None -> the median."""
    import numpy as np
    from statsmodels.duration.survfunc import SurvfuncRight

    fitted = SurvfuncRight(np.array(months), np.array(happened, dtype=int))
    times, left = fitted.surv_times, fitted.surv_prob

    def at(month: float | None) -> float | None:
        if month is None:
            middle = float(fitted.quantile(0.5)) if len(times) and min(left) <= 0.5 else None
            return None if middle is None or middle != middle else round(middle, 1)
        if month > max(months):
            return None
        before = int(np.searchsorted(times, month, side="right"))
        return round(100 * (1 - float(left[before - 1])), 2) if before else 0.0

    return at


def _listed(cohort: Cohort, found: dict[str, tuple[Link, ...]]) -> Table:
    note = "Each publication linked to an included trial. " + _source(cohort)
    columns = ("trial", "PubMed id", "grade", "found in", "date")
    table = Table("publications", "Publications of trials", columns, note=note, section="Appendix")
    for i, links in found.items():
        for one in links:
            table.add(Cell(i, (i,)), one.pmid, one.grade, one.how, one.date)
    return table
