"""The result as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cart_nlp.evaluation import breakdown, review, unseen
from cart_nlp.evaluation.labels import OPTIONAL_FIELDS
from cart_nlp.evaluation.layout import NAMES, interval, percent, table


def lines(result: Mapping[str, Any]) -> Iterator[str]:
    """The report, line by line."""
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
    yield from breakdown.renamed(gold.get("renamed", ()))
    yield from without_record(result)
    yield ""
    if result["fields"]:
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


def without_record(result: Mapping[str, Any]) -> Iterator[str]:
    """Labeled trials of which no record tells."""
    if missing := result["without_record"]:
        yield f"{missing} gold trials have no record and count as `no`"
        if missing == result["gold"]["trials"] and result["other_records"]:
            yield "all records are of other trials than the gold's: the figures mean nothing"


def unlabeled(result: Mapping[str, Any]) -> Iterator[str]:
    """What this gold set cannot score."""
    names = result.get("unlabeled", ())
    if others := [NAMES.get(name, name) for name in names if name not in OPTIONAL_FIELDS]:
        yield f"not labeled in this set, and not scored: {', '.join(others)}"
    for name in OPTIONAL_FIELDS:
        if name in names:
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
