"""Whether the review finds the errors: share of records read, the least sure first, against errors left."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cart_nlp.curation.decisions import FIELDS
from cart_nlp.curation.queue import chances_of, error_of, share_found, together
from cart_nlp.evaluation.matching import ALL_TARGETS, TrialMatch
from cart_nlp.evaluation.report import percent
from cart_nlp.schema import Record

STEPS = tuple(step / 20 for step in range(21))
"""Shares of records read at which the curve is told."""
FIRST = 0.1
NAMES = {"targets": "a wrong target set", "any": "any wrong field"}


def add_review(result: dict[str, Any], matches: Sequence[TrialMatch], records: Mapping[str, Record]) -> None:
    """Write `review` into the result: the curve for target sets and for any scored field.

    Only a trial with a record can be read; `unread` are the wrong ones that screening has left without one.
    `best` is what the best order could find first: more trials may be wrong than are read. `fields` has what
    reading by the doubt on one field finds of the trials in which that field is wrong.
    """
    fields: dict[str, list[tuple[float, bool]]] = {}
    rows: dict[str, list[tuple[float, bool]]] = {name: [] for name in NAMES}
    unread = dict.fromkeys(NAMES, 0)
    calibrated = True
    for match in matches:
        if not match.labeled:
            continue
        wrong = {"targets": _wrong_targets(match), "any": _wrong(match)}
        record = records.get(match.id)
        if record is None:
            for name, found in wrong.items():
                unread[name] += found
            continue
        calibrated &= bool(record.confidence)
        chances = chances_of(record)
        rows["targets"].append((error_of(record, "targets"), wrong["targets"]))
        rows["any"].append((together(chances), wrong["any"]))
        for name, is_wrong in _by_field(match):
            fields.setdefault(name, []).append((chances.get(name, 0.0), is_wrong))
    result["review"] = {"calibrated": calibrated} | {
        name: {
            "trials": len(found),
            "wrong": sum(is_wrong for _, is_wrong in found),
            "unread": unread[name],
            "expected": math.fsum(chance for chance, _ in found) if calibrated else None,
            "found_first": share_found(found, FIRST),
            "best": _best(found),
            "curve": [[step, _left(found, step)] for step in STEPS],
        }
        for name, found in rows.items()
    }
    result["review"]["fields"] = {
        name: {
            "trials": len(fields[name]),
            "wrong": sum(is_wrong for _, is_wrong in fields[name]),
            "found_first": share_found(fields[name], FIRST),
        }
        for name in FIELDS
        if name in fields
    }


def _best(rows: Sequence[tuple[float, bool]]) -> float | None:
    return share_found([(float(is_wrong), is_wrong) for _, is_wrong in rows], FIRST)


def _left(rows: Sequence[tuple[float, bool]], read: float) -> float | None:
    found = share_found(rows, read)
    return None if found is None else 1 - found


def _wrong_targets(match: TrialMatch) -> bool:
    pair = match.fields.get("targets")
    return pair is not None and not pair.exact


def _wrong(match: TrialMatch) -> bool:
    return any(is_wrong for _, is_wrong in _by_field(match))


def _by_field(match: TrialMatch) -> Iterator[tuple[str, bool]]:
    """Each scored field, and whether it is wrong."""
    for name, pair in match.fields.items():
        if name != ALL_TARGETS:
            yield name, not pair.exact
    if match.focus is not None:
        yield "focus", match.focus[0] != match.focus[1]
    if match.gold_car is not None:
        yield "car_trial", match.gold_car != match.predicted_car


def lines(part: Mapping[str, Any]) -> Iterator[str]:
    """The review for a terminal."""
    how = "by confidence" if part["calibrated"] else "by scores, these records carry no confidence"
    for name, what in NAMES.items():
        s = part[name]
        if not s["wrong"] and not s["unread"]:
            yield f"review: no trial of {s['trials']} has {what}"
            continue
        told = f"review, {how}: reading the least sure {100 * FIRST:.0f} % of {s['trials']} trials finds"
        rest = f"; {s['unread']} more have no record to read" if s["unread"] else ""
        most = f", the best order {percent(s['best'])} %" if s["best"] is not None and s["best"] < 1 else ""
        yield f"{told} {percent(s['found_first'])} % of {s['wrong']} with {what}{most}{rest}"
    by_field = [
        f"{name} {percent(s['found_first'])} % of {s['wrong']}"
        for name, s in part.get("fields", {}).items()
        if s["wrong"]
    ]
    if by_field:
        yield f"review of one field, {how}: reading as many finds {', '.join(by_field)}"
