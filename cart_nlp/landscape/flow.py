"""The screening flow: how many records came in, fell out on the way and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cart_nlp.landscape.cohort import Cohort
from cart_nlp.landscape.table import Cell, Table, count

SECTION = "Screening"
GIVE = "give or study a CAR product"
UNREADABLE = {"rejected": "could not be read (rejected)"}
BEFORE = {"screened": "no word of CAR cells in the text", "screened_out": "screened out"}
AFTER = {"below": "tagged: no CAR study", "merged": "further registrations of a trial, merged"}
"""Counts of a run file: what fell out before and after the choice of candidates."""


def table(cohort: Cohort, run: Mapping[str, Any]) -> Table:
    """Steps of the flow in order; `kind` is in, out, kept or part.

    Without a run file it starts with the records.
    """
    counts = {k: v for k, v in dict(run.get("counts") or {}).items() if isinstance(v, int)}
    note = (
        "Counts of the tagging run, then of this analysis."
        if counts
        else "There is no run file beside the records: what was read and screened out before is unknown."
    )
    flow = Table("flow", "Screening flow", ("step", "kind", "records"), note=note, section=SECTION)
    if counts:
        _run(flow, counts)
        if counts.get("written") not in (None, len(cohort.read)):
            flow.note += (
                f" The run wrote {counts['written']} records, the file holds {len(cohort.read)}: "
                "it was changed since, or cut."
            )
    flow.add("records analyzed", "kept", count(cohort.read))
    for reason, ids in cohort.left_out.items():
        flow.add(reason, "out", count(ids))
    flow.add("trials included", "kept", count(cohort.pick()))
    kinds = cohort.by("car_trial")
    for kind, name in (("product", GIVE), ("related", "about recipients of CAR cells")):
        flow.add(name, "part", count(kinds.get(kind, ())))
    return flow


def _run(flow: Table, counts: Mapping[str, int]) -> None:
    flow.add("records read from the dump", "in", counts.get("read"))
    gone = 0
    for labels in (UNREADABLE, BEFORE):
        for key, text in labels.items():
            if key in counts:
                flow.add(text, "out", counts[key])
                gone += counts[key]
    if "read" in counts and set(BEFORE) & set(counts):
        flow.add("candidates", "kept", counts["read"] - gone)
    for key, text in AFTER.items():
        if key in counts:
            flow.add(text, "out", counts[key])
    known = {"read", "written", *UNREADABLE, *BEFORE, *AFTER}
    for key in sorted(set(counts) - known):
        flow.add(f"{key.replace('_', ' ')} (as the run names it)", "out", counts[key])


def duplicates(cohort: Cohort) -> Table:
    """Dropped records with the one that stays."""
    note = "Same registration number twice, or a number that another record gives as its secondary one."
    found = Table("duplicates", "Duplicates", ("dropped", "kept", "reason"), note=note, section="Appendix")
    for dropped, kept, reason in cohort.duplicates:
        found.add(dropped, Cell(kept, (kept,)), reason)
    return found
