"""Our figures beside published ones, with the difference and its likely reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cart_nlp.landscape.coverage import ABSENT, LABELS, Seen
from cart_nlp.landscape.intervals import poisson
from cart_nlp.landscape.published import facts
from cart_nlp.landscape.table import Cell, Table, number

SECTION = "Beside published figures"
INSIDE, OUTSIDE = "inside our interval", "outside our interval"
AS_SAID, NOT_AS_SAID, OPEN = "as published", "not as published", "no verdict"
WELL = 95.0
"""Percent of the records above which a field's coverage is no reason of a difference."""


def tables(found: Mapping[str, Table], name: str, seen: Mapping[str, Seen]) -> list[Table]:
    """Figures side by side with the computed reason of a difference, and the order of leading names."""
    known = facts(name)
    n = int(found["flow"].value("trials included", "records") or 0)
    scale = known["trials"] / n if n else None
    note = (
        f"Published: {known['title']} ({known['source']}). Low and high: 95 % interval of ours, the "
        f"sampling error if "
        f"our trials were a random sample. Counts of trials are also scaled from our {n:,} trials to the "
        f"{known['trials']:,} of the study, and so is the interval that the verdict uses. Each reason is "
        f"computed from "
        "these records: what was counted, what other definitions give, and which fields the records lack."
    )
    columns = (
        "figure",
        "unit",
        "published",
        "ours",
        "low",
        "high",
        "scaled",
        "difference",
        "verdict",
        "reason",
    )
    table = Table(
        "reference", f"Our figures beside the published ones ({name})", columns, note=note, section=SECTION
    )
    for fact in known["fact"]:
        table.add(*_beside(found, fact, scale, seen))
    return [table, _orders(found, known)]


def _beside(
    found: Mapping[str, Table], fact: Mapping[str, Any], scale: float | None, seen: Mapping[str, Seen]
) -> list[Any]:
    source = found[fact["table"]]
    ours, low, high = _ours(source, fact["row"], fact["column"])
    published, bound = float(fact["published"]), fact.get("bound", "")
    value = _float(ours.value)
    counted = fact["unit"] in ("trials", "trials a year") and fact["table"] != "flow"
    scaled = round(value * scale, 1) if counted and value is not None and scale else None
    if counted and low is None and isinstance(ours.value, int):
        low, high = poisson(ours.value)
    compared = scaled if counted else value
    factor = scale if counted and scale else 1.0
    interval = None if low is None or high is None else (low * factor, high * factor)
    gap = None if compared is None else round(compared - published, 2)
    said = f"{bound} {fact['published']}".strip() if bound else published
    return [
        fact["label"],
        fact["unit"],
        said,
        ours,
        low,
        high,
        scaled,
        gap,
        _verdict(fact, compared, interval),
        _reason(found, fact, ours, source, seen),
    ]


def _verdict(fact: Mapping[str, Any], compared: float | None, interval: tuple[float, float] | None) -> str:
    """Whether the published figure lies inside our interval, or ours is what its words say."""
    published, bound = float(fact["published"]), fact.get("bound", "")
    if compared is None:
        return OPEN
    if bound:
        holds = compared > published if bound == "over" else compared < published
        return AS_SAID if holds else NOT_AS_SAID
    if fact["unit"] == "year":
        return AS_SAID if compared == published else NOT_AS_SAID
    if interval is None:
        return OPEN
    return INSIDE if interval[0] <= published <= interval[1] else OUTSIDE


def _reason(
    found: Mapping[str, Table], fact: Mapping[str, Any], ours: Cell, source: Table, seen: Mapping[str, Seen]
) -> str:
    at = next((n for n, row in enumerate(source.rows) if _reads(row, fact["row"])), None)
    rests = [
        *source.rests,
        *source.column_rests.get(fact["column"], ()),
        *(source.row_rests.get(at, ()) if at is not None else ()),
    ]
    fields = [seen[name] for name in dict.fromkeys(rests)]
    parts = [_silence(fact, fields, at is None)] if ours.value is None else _counted(fact, ours)
    for other in fact.get("also", ()):
        cell, _, _ = _ours(found[other["table"]], other["row"], other["column"])
        parts.append(f"{other['as']}: {cell.text()}")
    for one in fields:
        if one.enough and one.of and 100 * len(one.ids) < WELL * len(one.of):
            parts.append(f"{LABELS[one.name]} in {len(one.ids):,} of {len(one.of):,} records only")
    if fact.get("note"):
        parts.append(fact["note"])
    return "; ".join(parts)


def _silence(fact: Mapping[str, Any], fields: list[Seen], missing: bool) -> str:
    """Why there is no figure of ours; `missing`: the table has no such row."""
    absent = [str(one) for one in fields if not one.enough]
    if absent:
        return f"{ABSENT}: {'; '.join(absent)}"
    if missing:
        return f"no row “{', '.join(fact['row'])}” in these records"
    return "no trial of these records tells, in the time that they cover"


def _counted(fact: Mapping[str, Any], ours: Cell) -> list[str]:
    """What our figure counts."""
    if ours.ids is not None and ours.of is not None:
        return [f"{len(ours.ids):,} of {len(ours.of):,} trials"]
    if fact["row"] == ["trials included"]:
        share = 100 * int(ours.value or 0) / float(fact["published"])
        return [f"{share:.1f} % of the study's: these records are a sample"]
    if fact["unit"] == "year" and ours.ids:
        return [f"by {', '.join(ours.ids[:3])}{' …' if len(ours.ids) > 3 else ''}"]
    return []


def _reads(row: tuple[Cell, ...], wanted: list[str]) -> bool:
    return [cell.text() for cell in row[: len(wanted)]] == wanted


def _ours(table: Table, row: list[str], column: str) -> tuple[Cell, float | None, float | None]:
    at = table.columns.index(column)
    cells = table.rows[-1] if row == ["last"] and table.rows else table.find(*row)
    if cells is None:
        return Cell(None), None, None
    if table.name == "key_figures":
        return cells[at], _float(cells[3].value), _float(cells[4].value)
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
        table.add(order["label"], ", ".join(names), ours, number(tau, 2))
    return table


def printed(found: Mapping[str, Table]) -> str:
    """The side-by-side figures as text for a terminal."""
    rows = [("figure", "published", "ours (95 % interval)", "scaled", "verdict")]
    for row in found["reference"].rows:
        label, unit, published, ours, low, high, scaled, _, verdict, reason = (cell.text() for cell in row)
        interval = f" ({low}–{high})" if row[4].value is not None else ""
        rows.append(
            (label, f"{published} {unit}", f"{ours}{interval}", scaled, f"{verdict}. {reason}".strip())
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
