"""Who pays and who runs: funding classes and the sponsors with most trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from cart_nlp.landscape.cohort import NOT_STATED, Cohort
from cart_nlp.landscape.organizations import kind, listed
from cart_nlp.landscape.sponsors import COLUMNS, merge
from cart_nlp.landscape.table import SHARE, Cell, Ids, Table, count, ratio, share

if TYPE_CHECKING:
    import pandas as pd

SECTION = "Funding"
CLASSES = ("academic", "industry", "government", "individual", "mixed")
RULE = (
    "academic: universities, hospitals (public ones too), foundations; government: ministries, councils, "
    "NIH, "
    "programs of the European Union; individual: a person for whom the record names no institution; mixed: "
    "industry "
    "together with another class. The registry's class INDUSTRY decides first, then the name."
)


def tables(cohort: Cohort) -> list[Table]:
    """Funding overall and by place; top sponsors; the list of merged names."""
    return [_classes(cohort), _by_place(cohort), *_sponsors(cohort)]


def partners_known(cohort: Cohort) -> str:
    """How many records name a collaborator, as a caveat."""
    with_one = sum(bool(c) for c in cohort.df["collaborators"])
    return (
        f"{with_one:,} of {len(cohort):,} records name a collaborator: whoever pays beside the lead is "
        f"known of no "
        "other, so mixed funding is a lower bound, and academic and industry are upper ones."
    )


def _classes(cohort: Cohort) -> Table:
    note = f"{RULE} Share of the trials whose funding is known. {partners_known(cohort)}"
    table = Table(
        "funding",
        "Trials by funding",
        ("funding", "trials", *SHARE),
        note=note,
        section=SECTION,
        rests=("sponsor",),
    )
    by = cohort.by("funding")
    known = cohort.pick([value is not None for value in cohort.df["funding"]])
    for name in CLASSES:
        ids = by.get(name, ())
        table.add(name, count(ids), share(ids, known), rests=("collaborators",) if name == "mixed" else ())
    with_industry = (*by.get("industry", ()), *by.get("mixed", ()))
    paying = set(with_industry)
    without = tuple(i for i in known if i not in paying)
    table.add("any industry (industry or mixed)", count(with_industry), share(with_industry, known))
    table.add("no industry", count(without), share(without, known))
    table.add(NOT_STATED, count(cohort.pick([v is None for v in cohort.df["funding"]])), (None, None, None))
    return table


def _by_place(cohort: Cohort) -> Table:
    note = (
        "A trial in China and elsewhere counts in both rows. Percent of the row's trials whose funding is "
        "known. " + partners_known(cohort)
    )
    columns = ("place", "trials", *(part for name in CLASSES for part in (name, f"{name} %")), NOT_STATED)
    table = Table(
        "funding_by_place",
        "Funding in China and elsewhere",
        columns,
        note=note,
        section=SECTION,
        rests=("sponsor", "countries"),
        column_rests={"mixed": ("collaborators",), "mixed %": ("collaborators",)},
    )
    for label, mask in (
        ("China", ["China" in r for r in cohort.df["region"]]),
        ("United States", ["United States" in r for r in cohort.df["region"]]),
        ("outside China", [bool(set(r) - {"China"}) for r in cohort.df["region"]]),
    ):
        at = cohort.where(mask)
        by = at.by("funding")
        known = at.pick([value is not None for value in at.df["funding"]])
        cells = [
            cell for name in CLASSES for cell in (count(by.get(name, ())), ratio(by.get(name, ()), known))
        ]
        silent = count(at.pick([value is None for value in at.df["funding"]]))
        table.add(label, count(at.pick()), cells, silent)
    return table


def _sponsors(cohort: Cohort) -> list[Table]:
    df = cohort.df
    leads = [(i, s) for i, s in zip(df["trial_id"], df["sponsor"], strict=True) if s]
    others = [(i, c) for i, cs in zip(df["trial_id"], df["collaborators"], strict=True) for c in cs]
    home, merges = merge([name for _, name in (*leads, *others)], cohort.options.sponsor_decisions)
    lead: dict[str, dict[str, None]] = {}
    partner: dict[str, dict[str, None]] = {}
    for side, pairs in ((lead, leads), (partner, others)):
        for one, name in pairs:
            side.setdefault(home[name], {})[one] = None
    table, everyone = _sponsor_tables(cohort)
    kinds, homes = _kinds(df, home), {row.canonical: row.country for row in listed()}
    countries = dict(zip(df["trial_id"], df["countries"], strict=True))
    either = {name: {**lead.get(name, {}), **partner.get(name, {})} for name in {**lead, **partner}}
    for name in sorted(either, key=lambda n: (-len(either[n]), -len(lead.get(n, ())), n)):
        everyone.add(
            name,
            kind(name) if name in homes else kinds.get(name),
            homes.get(name) or _country(tuple(lead.get(name, ())), countries),
            count(either[name]),
            count(lead.get(name, ())),
            count(partner.get(name, ())),
        )
    table.rows = everyone.rows[: cohort.options.top]
    note = (
        "Review: in a copy outside the report, change the column decision to applied or refused; give it "
        "back with --sponsors. "
        "Proposed pairs are not merged."
    )
    merged = Table("sponsor_merges", "Sponsor names brought together", COLUMNS, note=note, section="Appendix")
    for one in merges:
        merged.add(one.name, one.merged_into, one.decision, one.score, one.rule)
    return [table, _top_classes(everyone), everyone, merged]


def _sponsor_tables(cohort: Cohort) -> tuple[Table, Table]:
    """The table of the first sponsors and that of all, still empty."""
    note = (
        "Names are brought together first (the list of merges tells how); a trial with the same "
        "organization as "
        "lead and collaborator counts once under “either”. Ranked by either, then by lead. Class as in the "
        "funding "
        "table. Country: reviewed where the name is listed, else the country of most of its trials as lead. "
        + partners_known(cohort)
    )
    columns = ("sponsor", "class", "country", "either", "as lead", "as collaborator")
    first, every = (
        Table(
            name,
            title,
            columns,
            note=note,
            section=section,
            rests=("sponsor",),
            column_rests={"as collaborator": ("collaborators",)},
        )
        for name, title, section in (
            ("sponsors", f"Sponsors with most trials (first {cohort.options.top})", SECTION),
            ("sponsors_all", "All sponsors and collaborators", "Appendix"),
        )
    )
    return first, every


def _kinds(df: pd.DataFrame, home: Mapping[str, str]) -> dict[str, str]:
    """Class of each organization, by the first of its spellings that has one."""
    classes = dict(zip(df["sponsor"], df["sponsor_class"], strict=True))
    found: dict[str, str] = {}
    for name, canonical in home.items():
        if canonical not in found and (of := kind(name, classes.get(name))):
            found[canonical] = of
    return found


TOP = 20
"""Sponsors whose classes are counted, as reviews do: whatever --top lists."""


def _top_classes(everyone: Table) -> Table:
    classes_of = Table(
        "top_sponsor_classes",
        f"Classes of the first {TOP} sponsors",
        ("class", "sponsors", "trials"),
        note=f"The first {TOP} of all sponsors, whatever --top lists; a trial counts once in each class.",
        section=SECTION,
        rests=("sponsor",),
    )
    for one in CLASSES[:-1]:
        rows = [row for row in everyone.rows[:TOP] if row[1].value == one]
        classes_of.add(
            one, Cell(len(rows)), count(dict.fromkeys(i for row in rows for i in row[3].ids or ()))
        )
    return classes_of


def _country(ids: Ids, countries: dict[str, tuple[str, ...]]) -> Cell:
    tally = Counter(c for i in ids for c in countries[i])
    if not tally:
        return Cell(None)
    name, n = min(tally.items(), key=lambda kv: (-kv[1], kv[0]))
    return Cell(name if 2 * n > len(ids) else None)
