"""The reporting tree of diseases: one column an indication, organ systems, and what lies below what."""

from __future__ import annotations

import csv
from functools import cache

from cart_nlp.landscape.cohort import GROUPS, NOT_STATED, PHASE_NAMES, PHASES, Cohort
from cart_nlp.landscape.regions import DATA
from cart_nlp.landscape.table import SHARE, Cell, Ids, Table, count, share
from cart_nlp.ontology import shipped

SECTION = "Diseases"
HEMATOLOGICAL = (
    "acute lymphoblastic leukemia",
    "chronic lymphocytic leukemia",
    "B-cell lymphoma",
    "Hodgkin lymphoma",
    "T-cell leukemia and lymphoma",
    "multiple myeloma and plasma cells",
    "acute myeloid leukemia and other myeloid",
    "other or unstated hematological",
)
ORGANS = (
    "liver, biliary tract and pancreas",
    "stomach and intestine",
    "kidney and bladder",
    "prostate",
    "glioma",
    "other brain and nerves",
    "lung and pleura",
    "breast",
    "ovary, uterus and cervix",
    "head, neck and thyroid",
    "bone and soft tissue",
    "skin",
    "other or unstated solid",
)
"""The columns of solid tumors: their organ systems."""
AUTOIMMUNE = (
    "lupus",
    "nerve and muscle, autoimmune",
    "other rheumatic, autoimmune",
    "other autoimmune",
)
KINDS = (HEMATOLOGICAL, ORGANS, AUTOIMMUNE)
"""Columns of one kind of disease; the last of each is the general one."""
COLUMNS = (*HEMATOLOGICAL, *ORGANS, *AUTOIMMUNE, "infection", "other")


@cache
def _columns() -> dict[str, str]:
    with (DATA / "diseases.csv").open(encoding="utf-8", newline="") as lines:
        return {row["name"]: row["column"] for row in csv.DictReader(lines)}


@cache
def column(concept: str) -> str:
    """The one reporting column of an indication: that of the nearest concept on its path that has one."""
    path = reversed(shipped().path(concept))
    return next((found for one in path if (found := _columns().get(one))), "other")


def organ_system(concept: str) -> str | None:
    """The organ column of a solid tumor, None for any other disease."""
    found = column(concept)
    return found if found in ORGANS else None


def under(cohort: Cohort, group: str) -> Ids:
    """Trials of an indication or of any below it, each once."""
    return cohort.pick(
        [any(shipped().rolls_up_to(one, group) for one in names) for names in cohort.df["indications"]]
    )


def columns_of(names: tuple[str, ...]) -> tuple[str, ...]:
    """The reporting columns of a trial: a general one only where no other of its kind is stated."""
    found = {column(name) for name in names}
    for *exact, general in KINDS:
        if found.intersection(exact):
            found.discard(general)
    return tuple(c for c in COLUMNS if c in found)


def tables(cohort: Cohort) -> list[Table]:
    """Organ systems of solid tumors, and the reporting tree by phase."""
    return [_organs(cohort), _tree_table(cohort)]


def _organs(cohort: Cohort) -> Table:
    solid = cohort.where(["solid" in g for g in cohort.df["disease_group"]])
    every = solid.pick()
    of = [columns_of(names) for names in solid.df["indications"]]
    located = solid.pick([any(c in ORGANS[:-1] for c in one) for one in of])
    note = (
        f"Of the {len(every)} solid tumor trials; a trial of several organs counts in each. {len(located)} "
        f"name an "
        "organ; the last row holds those that state none that the tree knows."
    )
    columns = ("organ system", "trials", *SHARE, *(PHASE_NAMES[p] for p in PHASES), "no phase")
    table = Table(
        "organ_systems",
        "Solid tumors by organ system",
        columns,
        note=note,
        section=SECTION,
        column_rests=dict.fromkeys((*(PHASE_NAMES[p] for p in PHASES), "no phase"), ("phase",)),
    )
    phase = dict(zip(solid.df["trial_id"], solid.df["phase"], strict=True))
    for organ in ORGANS[:-1]:
        ids = solid.pick([organ in one for one in of])
        table.add(organ, count(ids), share(ids, every), _by_phase(ids, phase))
    told = set(located)
    rest = tuple(i for i in every if i not in told)
    table.add(ORGANS[-1], count(rest), share(rest, every), _by_phase(rest, phase))
    return table


def _by_phase(ids: Ids, phase: dict[str, str | None]) -> list[Cell]:
    return [
        *(count(i for i in ids if phase[i] == p) for p in PHASES),
        count(i for i in ids if phase[i] not in PHASES),
    ]


def _tree_table(cohort: Cohort) -> Table:
    note = (
        "Each indication has one column of the reporting tree, so that lymphoma, non-Hodgkin lymphoma and "
        "B-cell "
        "lymphoma do not overlap; a general column holds a trial only where it states nothing more exact. "
        "A trial "
        "of several columns counts in each. Share of the trials that state an indication."
    )
    table = Table(
        "reporting_tree",
        "Diseases by the reporting tree",
        ("column", "trials", *SHARE, *GROUPS),
        note=note,
        section=SECTION,
    )
    of = [columns_of(names) for names in cohort.df["indications"]]
    stated = cohort.pick([bool(one) for one in of])
    group = dict(zip(cohort.df["trial_id"], cohort.df["disease_group"], strict=True))
    for name in COLUMNS:
        ids = cohort.pick([name in one for one in of])
        table.add(
            name, count(ids), share(ids, stated), [count(i for i in ids if g in group[i]) for g in GROUPS]
        )
    silent = cohort.pick([not one for one in of])
    table.add(NOT_STATED, count(silent), (None, None, None), [None] * len(GROUPS))
    return table
