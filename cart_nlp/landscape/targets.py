"""Targets: how many, in which diseases, since when, and how far each came."""

from __future__ import annotations

from cart_nlp.landscape.cohort import GROUPS, NOT_STATED, PHASE_NAMES, PHASES, Cohort
from cart_nlp.landscape.combinations import OPEN, TOGETHER
from cart_nlp.landscape.diseases import columns_of
from cart_nlp.landscape.growth import by_end, covered, first_start, starts
from cart_nlp.landscape.origins import by_origin, having, origins
from cart_nlp.landscape.phases import phase_of
from cart_nlp.landscape.table import SHARE, Cell, Ids, Table, count, ratio, share, share_columns

SECTION = "Targets"
TUMORS = GROUPS[:3]


def tables(cohort: Cohort) -> list[Table]:
    """Tables over product trials."""
    products = cohort.products
    return [
        _targets(products),
        *(_in_group(products, group) for group in TUMORS),
        _by_year(products),
        _new(products),
        _multi(products),
        _reach(products),
        _columns(products),
    ]


def _phases(cohort: Cohort) -> dict[str, str | None]:
    return dict(zip(cohort.df["trial_id"], cohort.df["phase"], strict=True))


def _targets(cohort: Cohort) -> Table:
    stated = cohort.pick([bool(t) for t in cohort.df["targets"]])
    by = cohort.by("targets")
    silent = cohort.pick([not t for t in cohort.df["targets"]])
    origin = origins(cohort)
    own = by_origin(cohort, "targets", origin)
    note = (
        f"{len(by)} distinct targets in {len(stated)} product trials {having(cohort, 'a target')}: "
        f"{len(own['stated'])} state one, {len(own['product'])} name only a product whose target is known"
        + (f", of {len(own['unknown'])} nobody can tell (no evidence)" if own["unknown"] else "")
        + f"; {len(silent)} have none. Share of the trials with a target; a multi-target trial counts in "
        f"each. "
        "“Stated” are trials whose own words or registry fields give the target. The highest phase is a "
        "trial's, "
        "not an approval."
    )
    columns = ("target", "trials", "stated", *SHARE, *GROUPS, "multi-target", "first start", "highest phase")
    rests = {"first start": ("start_date",), "highest phase": ("phase",)}
    table = Table("targets", "Targets", columns, note=note, section=SECTION, column_rests=rests)
    df = cohort.df.set_index("trial_id")
    groups, multi, phases = (df[c].to_dict() for c in ("disease_group", "multi_target", "phase"))
    years = starts(cohort)
    told = bool(own["stated"] or own["product"])
    for name, ids in by.items():
        phase, reached = phase_of(ids, phases)
        table.add(
            name,
            count(ids),
            count(i for i in ids if origin.get((i, "targets", name)) == "stated") if told else None,
            share(ids, stated),
            [count(i for i in ids if g in groups[i]) for g in GROUPS],
            count(i for i in ids if multi[i]),
            first_start(cohort, ids, years),
            Cell(phase, reached),
        )
    table.add(NOT_STATED, count(silent), None, (None, None, None), [None] * len(GROUPS), None, None, None)
    return table


def _in_group(cohort: Cohort, group: str) -> Table:
    at = cohort.where([group in g for g in cohort.df["disease_group"]])
    stated, by = at.pick([bool(t) for t in at.df["targets"]]), at.by("targets")
    mentions = sum(map(len, by.values()))
    note = (
        f"{len(by)} distinct targets in {len(stated)} {group} product trials with a "
        f"target ({having(cohort, 'a target')}). “%”: share of these trials; "
        f"“% of mentions”: share of the {mentions} trial–target pairs, the way in which some reviews count."
    )
    columns = ("target", "trials", *SHARE, "% of mentions")
    table = Table(f"targets_{group}", f"Targets in {group} trials", columns, note=note, section=SECTION)
    for name, ids in by.items():
        table.add(name, count(ids), share(ids, stated), Cell(round(100 * len(ids) / mentions, 2), ids))
    return table


def _by_year(cohort: Cohort, top: int = 15) -> Table:
    note = (
        f"The {top} targets with most trials, by start year; a multi-target trial counts in each of its "
        f"targets. "
        f"Percent of the year's product trials with a target. {covered(cohort)}"
    )
    columns = ("target", "year", "trials", "year's trials with a target", "% of these")
    table = Table(
        "targets_by_year", "Targets over time", columns, note=note, section=SECTION, rests=("start_date",)
    )
    df = cohort.df
    at: dict[int, list[str]] = {}
    for i, year, names in zip(df["trial_id"], by_end(cohort, "start"), df["targets"], strict=True):
        if year is not None and names:
            at.setdefault(year, []).append(i)
    for name, ids_of in list(cohort.by("targets").items())[:top]:
        has = set(ids_of)
        for year in sorted(at):
            if ids := [i for i in at[year] if i in has]:
                table.add(name, str(year), count(ids), count(at[year]), ratio(ids, at[year]))
    return table


def _new(cohort: Cohort) -> Table:
    note = (
        "A target is new in the start year of its first trial here; targets known only from "
        "undated trials, or from plans, are not shown. A sample misses first trials"
        + (", and with --since nothing is known of what was new." if cohort.options.since else ".")
    )
    table = Table(
        "new_targets",
        "New targets by year",
        ("year", "new targets", "cumulative", "names"),
        note=note,
        section=SECTION,
        rests=("start_date",),
    )
    years = starts(cohort)
    first: dict[str, list[tuple[str, Ids]]] = {}
    for name, ids in cohort.by("targets").items():
        start = first_start(cohort, ids, years)
        if start.value is not None:
            first.setdefault(start.text(), []).append((name, start.ids or ()))
    total = 0
    for year in sorted(first):
        total += len(first[year])
        ids = tuple(dict.fromkeys(i for _, found in first[year] for i in found))
        table.add(
            year, Cell(len(first[year]), ids), total, ", ".join(sorted(name for name, _ in first[year]))
        )
    return table


def _multi(cohort: Cohort) -> Table:
    note = (
        "Shares are of the product trials with a target. “In one product”: tandem, bicistronic, bispecific; "
        "“several products”: cocktail, sequential, selectable; each only where the trial's words, a curator "
        "or a product that it names tell the format. A trial may have both: multi-target trials are those in "
        f"one product, and several, less both, and “{OPEN}”. There the trial says none, and a default is no "
        "statement: many of these may be one product, so “one product %” is a lower bound."
    )
    columns = (
        "disease group",
        "with a target",
        "multi-target",
        *SHARE,
        "in one product",
        *share_columns("one product"),
        "several products",
        "both",
        OPEN,
        *share_columns(OPEN),
    )
    table = Table(
        "multi_target",
        "Single- and multi-target trials by disease group",
        columns,
        note=note,
        section=SECTION,
    )
    groups = [("all", cohort)] + [
        (g, cohort.where([g in d for d in cohort.df["disease_group"]])) for g in GROUPS
    ]
    for name, at in groups:
        stated = at.pick([bool(t) for t in at.df["targets"]])
        multi = at.pick(at.df["multi_target"].astype(bool))
        one, several = _told(at)
        told = {*one, *several}
        silent = tuple(i for i in multi if i not in told)
        table.add(
            name,
            count(stated),
            count(multi),
            share(multi, stated),
            count(one),
            share(one, stated),
            count(several),
            count(i for i in one if i in set(several)),
            count(silent),
            share(silent, stated),
        )
    return table


def _told(cohort: Cohort) -> tuple[Ids, Ids]:
    """Multi-target trials of which more than a default tells the format: of one product, of several."""
    one, several = [], []
    for constructs, multi in zip(cohort.df["constructs"], cohort.df["multi_target"], strict=True):
        told = [c for c in constructs if multi and c.basis != "default"]
        apart = {t for c in told if c.format in TOGETHER for t in c.targets}
        one.append(any(len(c.targets) > 1 for c in told))
        several.append(len(apart) > 1)
    return cohort.pick(one), cohort.pick(several)


def _columns(cohort: Cohort) -> Table:
    note = (
        "As the table before, with the columns of the reporting tree, which do not overlap: lymphomas "
        "apart from each "
        "other, solid tumors by organ. A trial of several columns counts in each."
    )
    columns = (
        "target",
        "column",
        "trials",
        "highest phase",
        "trials in it",
        *(PHASE_NAMES[p] for p in PHASES),
    )
    rests = dict.fromkeys(columns[3:], ("phase",))
    table = Table(
        "target_column_phase",
        "Target, disease column and phases",
        columns,
        note=note,
        section=SECTION,
        column_rests=rests,
    )
    phases = _phases(cohort)
    pairs: dict[tuple[str, str], list[str]] = {}
    for i, targets, names in zip(
        cohort.df["trial_id"], cohort.df["targets"], cohort.df["indications"], strict=True
    ):
        for target in targets:
            for column in columns_of(names):
                pairs.setdefault((target, column), []).append(i)
    for (target, column), ids in sorted(pairs.items(), key=lambda kv: (-len(kv[1]), kv[0])):
        phase, reached = phase_of(tuple(ids), phases)
        by = [count(i for i in ids if phases[i] == p) for p in PHASES]
        table.add(target, column, count(ids), phase, count(reached), by)
    return table


def _reach(cohort: Cohort) -> Table:
    note = (
        "One row a target and indication that occur in one trial; the highest phase among "
        "these trials. Which of a trial's targets goes with which of its indications is not "
        "resolved."
    )
    columns = ("target", "indication", "trials", "highest phase", "trials in it", "latest start")
    table = Table(
        "target_indication_phase",
        "Target, indication and highest phase",
        columns,
        note=note,
        section=SECTION,
        column_rests={
            "highest phase": ("phase",),
            "trials in it": ("phase",),
            "latest start": ("start_date",),
        },
    )
    phases = _phases(cohort)
    years = starts(cohort)
    pairs: dict[tuple[str, str], list[str]] = {}
    for i, targets, names in zip(
        cohort.df["trial_id"], cohort.df["targets"], cohort.df["indications"], strict=True
    ):
        for target in targets:
            for name in names:
                pairs.setdefault((target, name), []).append(i)
    for (target, name), ids in sorted(pairs.items(), key=lambda kv: (-len(kv[1]), kv[0])):
        phase, reached = phase_of(tuple(ids), phases)
        last = max((year for i in ids if (year := years[i]) is not None), default=None)
        table.add(target, name, count(ids), phase, count(reached), None if last is None else str(last))
    return table
