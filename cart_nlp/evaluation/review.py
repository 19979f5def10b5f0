"""Whether the review finds the errors: share of records read, the least sure first, against errors left."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from cart_nlp.curation.decisions import FIELDS
from cart_nlp.curation.known_values import LABELS, Names
from cart_nlp.curation.queue import chances_of, error_among, error_of, share_found, together
from cart_nlp.evaluation.calibration import calibration
from cart_nlp.evaluation.labels import ALL_TARGETS
from cart_nlp.evaluation.layout import percent
from cart_nlp.evaluation.matching import (
    TrialMatch,
    name_key,
    predicted_constructs,
    predicted_values,
)
from cart_nlp.schema import INCLUDED, Record

STEPS = tuple(step / 20 for step in range(21))
"""Shares of records read at which the curve is told."""
FIRST = 0.1
NAMES = {"targets": "a wrong target set", "any": "any wrong field"}


def add_review(
    result: dict[str, Any], matches: Sequence[TrialMatch], records: Mapping[str, Record], known: Names
) -> None:
    """Write `review` into the result: the curve for target sets and for any scored field.

    A field is wrong if a curator would change it: a labeled value that the record has from a product row is
    right, and so are two names of one product under the one name that the record has for both. Where the
    labels see no CAR and the record knows the product that is named, the trial is left out.
    Only a trial with a record can be read; `unread` are the wrong ones that screening has left without one.
    `best` is what the best order could find first: more trials may be wrong than are read. `fields` has what
    reading by the doubt on one field finds of the trials in which that field is wrong, and how
    many the confidences expect; `calibration` gets how well each field's confidence fits.
    """
    fields: dict[str, list[tuple[float, bool]]] = {}
    rows: dict[str, list[tuple[float, bool]]] = {name: [] for name in NAMES}
    unread = dict.fromkeys(NAMES, 0)
    calibrated = True
    for match, record, fields_wrong in _judged(matches, records, known):
        wrong = {"targets": fields_wrong.get("targets", False), "any": any(fields_wrong.values())}
        if record is None:
            for name, found in wrong.items():
                unread[name] += found and match.gold_included  # which way it was left out is not known
            continue
        calibrated &= bool(record.confidence)
        chances, any_chance = _chances(match, record, fields_wrong.keys())
        rows["targets"].append((error_of(record, "targets"), wrong["targets"]))
        rows["any"].append((any_chance, wrong["any"]))
        for name, is_wrong in fields_wrong.items():
            fields.setdefault(name, []).append((chances[name], is_wrong))
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
    told = {name: fields[name] for name in FIELDS if name in fields}
    result["review"]["fields"] = {name: _of_field(found, calibrated) for name, found in told.items()}
    if calibrated:
        result.setdefault("calibration", {})["confidence_by_field"] = {
            name: calibration((1 - chance, not is_wrong) for chance, is_wrong in found)
            for name, found in told.items()
        }


def _judged(
    matches: Iterable[TrialMatch], records: Mapping[str, Record], known: Names
) -> Iterator[tuple[TrialMatch, Record | None, dict[str, bool]]]:
    """Each labeled trial with its record, if it has one, and whether each of its scored fields is wrong."""
    for match in matches:
        record = records.get(match.id)
        if match.labeled and (record is None or not _known_better(match, record)):
            yield match, record, dict(_by_field(match, record or Record(trial_id=match.id), known))


def _known_better(match: TrialMatch, record: Record) -> bool:
    """Whether a trial whose text has no CAR is in for the name of a known product alone: none is wrong."""
    rules = {entry.rule for entry in record.evidence if entry.field == "car_trial"}
    return match.gold_car == "no" and record.car_trial in INCLUDED and rules == {"study.product"}


def _chances(match: TrialMatch, record: Record, fields: Collection[str]) -> tuple[dict[str, float], float]:
    """The chance that each scored field is wrong, and that any of them is.

    What nobody has labeled is neither right nor wrong here: whether the trial belongs in, where its
    labelers were not sure of that.
    """
    if match.gold_car is None and record.car_trial in INCLUDED:
        own = chances_of(record)
        scored = {name: own[name] for name in fields}
        return scored, together(scored)
    return {name: error_of(record, name) for name in fields}, error_among(record, fields)


def _of_field(found: Sequence[tuple[float, bool]], calibrated: bool) -> dict[str, Any]:
    return {
        "trials": len(found),
        "wrong": sum(is_wrong for _, is_wrong in found),
        "found_first": share_found(found, FIRST),
        "expected": math.fsum(chance for chance, _ in found) if calibrated else None,
    }


def _best(rows: Sequence[tuple[float, bool]]) -> float | None:
    return share_found([(float(is_wrong), is_wrong) for _, is_wrong in rows], FIRST)


def _left(rows: Sequence[tuple[float, bool]], read: float) -> float | None:
    found = share_found(rows, read)
    return None if found is None else 1 - found


def _by_field(match: TrialMatch, record: Record, known: Names) -> Iterator[tuple[str, bool]]:
    """Each scored field, and whether it is wrong as it stands in the record."""
    for name, pair in match.fields.items():
        if name == ALL_TARGETS:
            continue
        gold, predicted = (_by_name(name, values, known) for values in (pair.gold, pair.predicted))
        held = _held(name, record, known) if record.car_trial in INCLUDED else frozenset()
        yield name, bool(predicted - gold or gold - predicted - held)
    if match.focus is not None:
        yield "focus", match.focus[0] != match.focus[1]
    if match.gold_car is not None:
        yield "car_trial", match.gold_car != match.predicted_car


def _held(name: str, record: Record, known: Names) -> frozenset[Any]:
    """All that a record has in a field, whatever it rests on."""
    if name == "constructs":
        return _by_name(name, predicted_constructs(record, {}), known)
    return _by_name(name, predicted_values(record, name, {}), known)


def _by_name(name: str, values: Iterable[Any], known: Names) -> frozenset[Any]:
    """Values under the lexicons' names, products as they are compared, constructs with their targets'."""
    if name == "constructs":
        return frozenset((_by_name("targets", targets, known), form) for targets, form in values)
    if name not in LABELS:
        return frozenset(values)
    found = (known.canonical(name, value) or value for value in values)
    return frozenset(map(name_key, found)) if name == "products" else frozenset(found)


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
