"""The result as text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

NAMES = {"targets": "targets (stated)", "targets_all": "targets (all)"}


def percent(value: float | None) -> str:
    """A rate in percent with one digit, an en dash where it is undefined."""
    return "–" if value is None else f"{100 * value:.1f}"


class Row(str):
    """A line of a table that knows its cells, padded to the widths of their columns."""

    cells: tuple[str, ...]

    @classmethod
    def of(cls, cells: Sequence[str]) -> Row:
        """The line of these cells."""
        made = cls("  ".join(cells).rstrip())
        made.cells = tuple(cells)
        return made


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of a table: the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        first = row[0].ljust(widths[0])
        yield Row.of([first, *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])


def fitted(found: Iterable[str], width: int) -> Iterator[str]:
    """The lines for a terminal: prose wrapped, a table too wide in parts, each with its first column."""
    for shape, lines in groupby(
        found, key=lambda line: tuple(map(len, line.cells)) if isinstance(line, Row) else ()
    ):
        if not shape:
            for line in lines:
                indent = " " * (len(line) - len(line.lstrip()))
                yield from textwrap.wrap(line, width, subsequent_indent=indent + "  ") or [""]
            continue
        rows = [line.cells for line in lines if isinstance(line, Row)]
        for number, part in enumerate(_parts(shape, width)):
            if number:
                yield ""
            yield from ("  ".join(row[at] for at in (0, *part)).rstrip() for row in rows)


def _parts(widths: Sequence[int], width: int) -> Iterator[list[int]]:
    """Which columns beside the first stand together within a width; at least one does."""
    part: list[int] = []
    used = widths[0]
    for at, wide in enumerate(widths[1:], 1):
        if part and used + 2 + wide > width:
            yield part
            part, used = [], widths[0]
        part.append(at)
        used += 2 + wide
    yield part


def interval(score: Mapping[str, Any], name: str) -> str:
    """` [low–high]` in percent if the score has an interval of that name."""
    bounds = (score.get("interval") or {}).get(name)
    return f" [{percent(bounds[0])}–{percent(bounds[1])}]" if bounds else ""


def lines(result: Mapping[str, Any]) -> Iterator[str]:
    """The report, line by line."""
    # breakdown takes its formats from here.
    from cart_nlp.evaluation import breakdown, review, unseen

    gold, tool = result["gold"], result["tool"]
    yield (
        f"{tool['name']} {tool['version']} on {gold['name']}, version {gold['version']}: "
        f"{result['trials']} trials"
    )
    modes = {
        "end-to-end": "end to end: what screening leaves out counts as missed, what it lets in as wrong",
        "tagging": "tagging only: trials that belong in, whatever screening says",
    }
    bases = {
        "text": "; values known of a product left out",
        "all": "; values known of a product counted in",
        "both": "",
    }
    yield modes[result["mode"]] + bases[result["basis"]]
    if "dump" in result:
        yield from breakdown.dump(result["dump"])
    if result["without_record"]:
        yield f"{result['without_record']} gold trials have no record and count as `no`"
    yield ""
    yield from _fields(result["fields"])
    yield from unlabeled(result)
    yield ""
    yield from _screening(result)
    for name, part in (
        ("groups", breakdown.groups),
        ("calibration", breakdown.calibration),
        ("review", review.lines),
        ("mentions", breakdown.mentions),
        ("compare", breakdown.compare),
        ("unseen", unseen.lines),
    ):
        if result.get(name):
            yield ""
            yield from part(result[name])


def unlabeled(result: Mapping[str, Any]) -> Iterator[str]:
    """A line for each field that this gold set cannot score."""
    for name in result.get("unlabeled", ()):
        yield f"{name}: no trial of this set has labels of it; --gold conditions scores how they are read"


def _fields(fields: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    header = (
        "field",
        "gold",
        "TP",
        "FP",
        "FN",
        "P",
        "R",
        "F1",
        "macro F1",
        "exact set",
        "n",
        "exact, all",
        "n",
    )
    rows = []
    for name, s in fields.items():
        rows.append(
            (
                NAMES.get(name, name),
                *(str(s[k]) for k in ("support", "tp", "fp", "fn")),
                *(percent(s[k]) for k in ("precision", "recall")),
                percent(s["f1"]) + interval(s, "f1"),
                percent(s["macro"]["f1"]),
                percent(s["exact"]) + interval(s, "exact"),
                str(s["exact_n"]),
                percent(s["exact_included"]),
                str(s["exact_included_n"]),
            )
        )
    yield from table(header, rows)
    yield "exact set: trials with gold values; exact, all: every included trial"
    for name in ("targets", "constructs"):
        if "exact_multi" in (s := fields.get(name, {})):
            yield (
                f"{name}, trials with more than one target: exact {percent(s['exact_multi'])}"
                f"{interval(s, 'exact_multi')} of {s['exact_multi_n']}"
            )
    if "constructs" in fields:
        part = fields["constructs"]["partial"]
        yield "constructs with partial credit: " + ", ".join(
            f"{label} {percent(part[key])}"
            for label, key in (("P", "precision"), ("R", "recall"), ("F1", "f1"))
        )


def _screening(result: Mapping[str, Any]) -> Iterator[str]:
    s, car, focus = result["screening"], result["car_trial"], result["focus"]
    yield (
        f"screening: recall {percent(s['recall'])}{interval(s, 'recall')} of {s['support']}, "
        f"precision {percent(s['precision'])}{interval(s, 'precision')}, "
        f"specificity {percent(s['specificity'])}{interval(s, 'specificity')} "
        f"(TP {s['tp']}, FP {s['fp']}, FN {s['fn']}, TN {s['tn']}); "
        f"precision at a prevalence of {100 * s['prevalence']:g} %: {percent(s['projected_precision'])}"
    )
    yield f"focus: {percent(focus['accuracy'])}{interval(focus, 'accuracy')} of {focus['trials']}"
    yield f"car_trial, four levels: {percent(car['accuracy'])}{interval(car, 'accuracy')} of {car['trials']}"
    levels = list(car["confusion"])
    yield from table(
        ("gold \\ predicted", *levels),
        [(gold, *(str(row[found]) for found in levels)) for gold, row in car["confusion"].items()],
    )
