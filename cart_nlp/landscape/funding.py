"""Who pays and who runs: funding classes and the sponsors with most trials."""

from __future__ import annotations

from cart_nlp.landscape.cohort import NOT_STATED, Cohort
from cart_nlp.landscape.sponsors import COLUMNS, merge
from cart_nlp.landscape.table import SHARE, Table, count, ratio, share

SECTION = "Funding"
CLASSES = ("academic", "industry", "government", "mixed")


def tables(cohort: Cohort) -> list[Table]:
    """Funding overall and by place; top sponsors; the list of merged names."""
    return [_classes(cohort), _by_place(cohort), *_sponsors(cohort)]


def _classes(cohort: Cohort) -> Table:
    note = (
        "academic: universities, hospitals, foundations; mixed: industry together with another "
        "class. Share of all included trials."
    )
    table = Table("funding", "Trials by funding", ("funding", "trials", *SHARE), note=note, section=SECTION)
    by, every = cohort.by("funding"), cohort.pick()
    for name in CLASSES:
        table.add(name, count(by.get(name, ())), share(by.get(name, ()), every))
    silent = cohort.pick([value is None for value in cohort.df["funding"]])
    table.add(NOT_STATED, count(silent), share(silent, every))
    return table


def _by_place(cohort: Cohort) -> Table:
    note = "A trial in China and elsewhere counts in both rows. Percent of the row's trials."
    columns = ("place", "trials", *(part for name in CLASSES for part in (name, f"{name} %")), NOT_STATED)
    table = Table("funding_by_place", "Funding in China and elsewhere", columns, note=note, section=SECTION)
    for label, mask in (
        ("China", ["China" in r for r in cohort.df["region"]]),
        ("United States", ["United States" in r for r in cohort.df["region"]]),
        ("outside China", [bool(set(r) - {"China"}) for r in cohort.df["region"]]),
    ):
        at = cohort.where(mask)
        by = at.by("funding")
        cells = [
            cell for name in CLASSES for cell in (count(by.get(name, ())), ratio(by.get(name, ()), at.pick()))
        ]
        table.add(
            label, count(at.pick()), cells, count(at.pick([value is None for value in at.df["funding"]]))
        )
    return table


def _sponsors(cohort: Cohort) -> tuple[Table, Table]:
    leads = [(i, s) for i, s in zip(cohort.df["trial_id"], cohort.df["sponsor"], strict=True) if s]
    others = [
        (i, c) for i, cs in zip(cohort.df["trial_id"], cohort.df["collaborators"], strict=True) for c in cs
    ]
    home, merges = merge([name for _, name in (*leads, *others)], cohort.options.sponsor_decisions)
    lead: dict[str, dict[str, None]] = {}
    partner: dict[str, dict[str, None]] = {}
    for kind, pairs in ((lead, leads), (partner, others)):
        for one, name in pairs:
            kind.setdefault(home[name], {})[one] = None
    either = {name: {**lead.get(name, {}), **partner.get(name, {})} for name in {**lead, **partner}}
    note = (
        "Names are brought together first (the list of merges tells how); a trial with the "
        "same organization as "
        "lead and collaborator counts once under “either”. Ranked by either, then by lead."
    )
    table = Table(
        "sponsors",
        f"Sponsors with most trials (first {cohort.options.top})",
        ("sponsor", "either", "as lead", "as collaborator"),
        note=note,
        section=SECTION,
    )
    ranked = sorted(either, key=lambda n: (-len(either[n]), -len(lead.get(n, ())), n))
    for name in ranked[: cohort.options.top]:
        table.add(name, count(either[name]), count(lead.get(name, ())), count(partner.get(name, ())))
    note = (
        "Review: change the column decision to applied or refused and give the file back with --sponsors. "
        "Proposed pairs are not merged."
    )
    listed = Table("sponsor_merges", "Sponsor names brought together", COLUMNS, note=note, section="Appendix")
    for one in merges:
        listed.add(one.name, one.merged_into, one.decision, one.score, one.rule)
    return table, listed
