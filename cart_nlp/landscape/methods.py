"""The methods paragraphs, written from the run: what was read, with what, and how far to trust it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from cart_nlp import __version__, paths
from cart_nlp.landscape.cohort import Cohort
from cart_nlp.registries.entry import InputError

_MEASURED_ON = ("registry dev", "gold dev")
"""Sets of accuracy.json, the closest to registry text first."""


def accuracy() -> dict[str, Any]:
    """Accuracy of each field in the last release, as the evaluation wrote it; {} where not shipped."""
    file = paths.gold().parent / "results" / "accuracy.json"
    if not file.is_file():
        return {}
    try:
        found = orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError as fault:
        raise InputError(f"{file}: not JSON ({fault}); run `cart-nlp evaluate` again") from fault
    if not isinstance(found, list) or not found:
        return {}
    latest = found[-1]
    scores: dict[str, float] = next(
        (latest["sets"][name]["scores"] for name in _MEASURED_ON if name in latest["sets"]), {}
    )
    fields: dict[str, dict[str, float]] = {}
    for name, value in scores.items():
        field, _, rate = name.partition(".")
        fields.setdefault(field, {})[rate.replace("_", " ")] = value
    return {"version": latest["version"], "fields": fields}


def accuracy_rows(measured: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(field, its measures as text), for the fields that have any."""
    rows = []
    for field, scores in dict(measured.get("fields") or {}).items():
        parts = [
            f"{name} {value:.3f}" if isinstance(value, float) else f"{name} {value}"
            for name, value in dict(scores).items()
            if isinstance(value, (int, float))
        ]
        if parts:
            rows.append((field.replace("_", " "), ", ".join(parts)))
    return rows


def paragraphs(chosen: Cohort, run: Mapping[str, Any], source: str) -> list[str]:
    """Plain sentences, one paragraph each."""
    options, df = chosen.options, chosen.df
    left = sum(len(ids) for ids in chosen.left_out.values())
    out = [
        f"Records were read from {source} ({len(chosen.read)} records). {left} were left "
        "out (see the screening flow); "
        f"{len(chosen)} trials are included: {sum(df['car_trial'] == 'product')} give or "
        "study a CAR product, "
        f"{sum(df['car_trial'] == 'related')} are about recipients of CAR cells or their care. "
        "Targets and technology are counted over the product trials, everything else over "
        "all included trials.",
        _tagging(run),
        f"The analysis was made on {options.as_of.isoformat()} with cart-nlp {__version__}. "
        + (
            (
                "Only trials first posted (or, where that date is missing, started) up to "
                f"{options.until} are included; a trial without either date cannot be placed "
                "and is left out. "
            )
            if options.until
            else "No date limit was set. "
        )
        + (
            f"Growth compares trials that started in {options.growth[0]} and in "
            f"{options.growth[1]}; phases of growth are {', '.join(map(str, options.periods))}."
        ),
        "Two records are one trial if they have the same registration number or one names "
        "the other's as secondary. "
        "Countries are the registry's; sponsor names were brought together by a list, by "
        "equal spelling after normalization and by string similarity (rapidfuzz), with the "
        "merges listed for review.",
        "Shares carry 95 % Wilson intervals (statsmodels). Groups are compared by "
        "chi-square, or by Fisher's exact test where an expected count is below 5 "
        "(Monte Carlo with a fixed seed for tables larger than 2 by 2), with Cramér's V as "
        "effect size and Holm's correction over all comparisons (scipy, statsmodels). "
        "What a record does not state is reported as silence, never filled in.",
    ]
    basis = {"stated": 0, "product": 0}
    for evidence in df["evidence"]:
        for one in evidence:
            basis["product" if one.basis == "product" else "stated"] += 1
    if sum(basis.values()):
        out.append(
            f"Each tagged value carries evidence: {basis['stated']} pieces from the trials' "
            f"own words and registry fields, {basis['product']} from named products. "
            "Every number below leads to its trials and every trial to its evidence."
        )
    else:
        out.append(
            "These records carry no evidence (a flat file): numbers lead to trials, but "
            "not to the words behind them, and stated values cannot be told from "
            "product-derived ones."
        )
    return out


def _tagging(run: Mapping[str, Any]) -> str:
    if not run:
        return (
            "There is no run file beside the records: version, lexicon and input of the tagging are unknown."
        )
    inputs = [
        f"{Path(str(one.get('path', '?'))).name} (SHA-256 {str(one.get('sha256', 'unknown'))[:16]}…)"
        for one in run.get("inputs") or []
        if isinstance(one, dict)
    ]
    options = {k: v for k, v in dict(run.get("options") or {}).items() if v not in (None, False, [], "")}
    counts = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in dict(run.get("counts") or {}).items())
    facts = [
        (
            f"Tagged by cart-nlp {run.get('version', 'of unknown version')}, finished "
            f"{run.get('finished', 'at an unknown time')}"
        ),
        f"lexicons {run.get('lexicons', 'unknown')}",
        f"model {run.get('model', 'unknown')}",
        f"input {', '.join(inputs) or 'unknown'}",
        "options " + (", ".join(f"{k.replace('_', ' ')} {v}" for k, v in options.items()) or "the defaults"),
        f"counts {counts or 'unknown'}",
    ]
    return "; ".join(facts) + "."
