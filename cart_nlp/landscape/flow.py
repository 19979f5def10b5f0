"""The screening flow: how many records came in, fell out on the way and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cart_nlp.landscape.cohort import Cohort
from cart_nlp.landscape.table import Cell, Table, count

SECTION = "Screening"
LABELS = {
    "read": "records read from the dump",
    "rejected": "could not be read (rejected)",
    "duplicates": "duplicates in the dump",
    "screened_out": "no CAR candidate by text, or no CAR trial",
    "candidates": "candidates",
    "written": "records written",
}
"""Counts of a run file that the flow knows; others are listed under their own name."""


def table(cohort: Cohort, run: Mapping[str, Any]) -> Table:
    """Steps of the flow in order; `kind` is in, out or kept. Without a run file it starts with the records."""
    counts = {k: v for k, v in dict(run.get("counts") or {}).items() if isinstance(v, int)}
    reasons = {k: v for k, v in dict(run.get("reasons") or {}).items() if isinstance(v, int)}
    note = (
        "Counts of the tagging run, then of this analysis."
        if counts
        else "There is no run file beside the records: what was read and screened out before is unknown."
    )
    flow = Table("flow", "Screening flow", ("step", "kind", "records"), note=note, section=SECTION)
    if counts:
        flow.add(LABELS["read"], "in", counts.get("read"))
        for key, number in counts.items():
            if key not in ("read", "written", "candidates"):
                flow.add(LABELS.get(key, key.replace("_", " ")), "out", number)
        for reason, number in reasons.items():
            flow.add(f"reason: {reason.replace('_', ' ')}", "detail", number)
        if "candidates" in counts:
            flow.add(LABELS["candidates"], "kept", counts["candidates"])
        if counts.get("written") not in (None, len(cohort.read)):
            flow.note += f" The run wrote {counts['written']} records, the file holds {len(cohort.read)}: it was changed since, or cut."
    flow.add("records analyzed", "kept", count(cohort.read))
    for reason, ids in cohort.left_out.items():
        flow.add(reason, "out", count(ids))
    flow.add("trials included", "kept", count(cohort.pick()))
    kinds = cohort.by("car_trial")
    for kind, name in (
        ("product", "give or study a CAR product"),
        ("related", "about recipients of CAR cells"),
    ):
        flow.add(name, "part", count(kinds.get(kind, ())))
    return flow


def duplicates(cohort: Cohort) -> Table:
    """Dropped records with the one that stays."""
    note = "Same registration number twice, or a number that another record gives as its secondary one."
    found = Table("duplicates", "Duplicates", ("dropped", "kept", "reason"), note=note, section="Appendix")
    for dropped, kept, reason in cohort.duplicates:
        found.add(dropped, Cell(kept, (kept,)), reason)
    return found
