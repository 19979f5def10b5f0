"""Our figures beside published ones, with the difference and its likely reason."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Any

from cart_nlp.landscape.cohort import DATA
from cart_nlp.landscape.table import Cell, Table
from cart_nlp.registries.entry import InputError

SECTION = "Beside published figures"
INSIDE, OUTSIDE, OPEN = "inside our interval", "outside our interval", "no interval"


@cache
def facts(name: str) -> dict[str, Any]:
    """The published figures called `name` (a file of data/); raises InputError if there is none."""
    known = {"study"}
    if name not in known:
        raise InputError(f"--reference {name}: no such reference; there is {', '.join(sorted(known))}")
    return tomllib.loads((DATA / f"{name}.toml").read_text(encoding="utf-8"))


def tables(found: Mapping[str, Table], name: str, until: str | None = None) -> list[Table]:
    """Figures side by side, and the order of leading names; `until` is the date limit of ours."""
    known = facts(name)
    note = (
        f"Published: {known['title']} ({known['source']}). Low and high: 95 % Wilson "
        "interval of ours, the sampling error if our "
        "trials were a random sample; it says nothing of differences in method. Counts of "
        "a sample cannot match and have no verdict."
    )
    columns = (
        "figure",
        "unit",
        "published",
        "ours",
        "low",
        "high",
        "difference",
        "verdict",
        "likely reason of a difference",
    )
    table = Table(
        "reference", f"Our figures beside the published ones ({name})", columns, note=note, section=SECTION
    )
    for fact in known["fact"]:
        ours, low, high = _ours(found[fact["table"]], fact["row"], fact["column"])
        published = fact["published"]
        gap = None if ours.value is None else round(float(ours.value) - published, 2)
        verdict = OPEN
        if low is not None and high is not None:
            verdict = INSIDE if low <= published <= high else OUTSIDE
        reason = "" if verdict == INSIDE else fact["reason"]
        if ours.value is None:
            reason = "These records do not tell."
        table.add(fact["label"], fact["unit"], float(published), ours, low, high, gap, verdict, reason)
    return [table, _orders(found, known)]


def _ours(table: Table, row: list[str], column: str) -> tuple[Cell, float | None, float | None]:
    at = table.columns.index(column)
    cells = table.rows[-1] if row == ["last"] and table.rows else table.find(*row)
    if cells is None:
        return Cell(None), None, None
    names = table.columns[at : at + 3]
    if column.endswith("%") and len(names) == 3 and names[1].endswith("low"):
        low, high = cells[at + 1].value, cells[at + 2].value
        return cells[at], _float(low), _float(high)
    return cells[at], None, None


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _orders(found: Mapping[str, Table], known: Mapping[str, Any]) -> Table:
    from scipy.stats import kendalltau

    note = (
        "Kendall's tau of the published order and our counts: 1 is the same order. With five "
        "names a tie or one swap is within chance."
    )
    columns = ("list", "published order", "our order of these (trials)", "Kendall's tau")
    table = Table("reference_order", "Order of the leading names", columns, note=note, section=SECTION)
    for order in known["order"]:
        names = order["names"]
        counts = {n: int(found[order["table"]].value(n, "trials") or 0) for n in names}
        tau = None
        if len(set(counts.values())) > 1:
            tau = round(float(kendalltau(range(len(names)), [-counts[n] for n in names]).statistic), 2)
        ranked = sorted(names, key=lambda n: (-counts[n], names.index(n)))
        ours = ", ".join(f"{n} ({counts[n]})" for n in ranked)
        table.add(order["label"], ", ".join(names), ours, None if tau is None else f"{tau:.2f}")
    return table


def printed(found: Mapping[str, Table]) -> str:
    """The side-by-side figures as text for a terminal."""
    rows = [("figure", "published", "ours (95 % interval)", "difference", "verdict")]
    for row in found["reference"].rows:
        label, unit, published, ours, low, high, gap, verdict, reason = (cell.text() for cell in row)
        interval = f" ({low}–{high})" if row[4].value is not None else ""
        sign = "+" if isinstance(row[6].value, float) and row[6].value > 0 else ""
        rows.append(
            (
                label,
                f"{published} {unit}",
                f"{ours}{interval}",
                f"{sign}{gap}",
                f"{verdict}. {reason}".strip(),
            )
        )
    widths = [max(len(row[n]) for row in rows) for n in range(4)]
    lines = [
        "  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[4]])
        for row in rows
    ]
    for row in found["reference_order"].rows:
        label, published, ours, tau = (cell.text() for cell in row)
        lines.append(f"{label}: published {published}; ours {ours}; Kendall's tau {tau}")
    return "\n".join([*lines, found["reference"].note])
