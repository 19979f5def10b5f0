"""The guard against regressions: scores of the last record, and what has fallen below them.

Two kinds of scores: those of cross-validation, which training writes into the model's card, so that a better
fit to the development text cannot hide a loss; and those of the code, lexicons and weights as they are now on
the written gold set, whose test half is never trained on. `python -m cart_nlp.evaluation.baseline` checks a
checkout; `--record VERSION` adds a line to the history.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from cart_nlp import console
from cart_nlp.evaluation.run import Options, run

ROOT = Path(__file__).resolve().parents[2]
HISTORY = ROOT / "benchmarks" / "results" / "accuracy.json"
CARD = ROOT / "models" / "cart_base" / "card.json"
TOLERANCE = 0.01
"""A field may fall this far before the guard says so."""

SET = "cross-validation"
HALVES = {f"written {half}": Options(split=half, resamples=0) for half in ("dev", "test")}
"""Halves of the written gold set that are tagged and scored."""
DIGITS = 6
"""Decimals that are kept of a rate: with four, one of .96552 would be told as 96.5 % and not 96.6."""
_FIELD_RATES = ("f1", "exact", "exact_multi")


def live_scores(result: Mapping[str, Any]) -> dict[str, float]:
    """The guarded rates of a result of `evaluate`, in [0, 1]; the undefined ones are left out."""
    rates = {
        f"{name}.{rate}": score.get(rate) for name, score in result["fields"].items() for rate in _FIELD_RATES
    }
    rates |= {
        f"screening.{rate}": result["screening"][rate] for rate in ("recall", "precision", "specificity")
    }
    rates |= {f"{name}.accuracy": result[name]["accuracy"] for name in ("focus", "car_trial")}
    return {name: round(value, DIGITS) for name, value in rates.items() if value is not None}


def card_scores(card: Mapping[str, Any]) -> dict[str, float]:
    """The guarded rates of a card's cross-validation, in [0, 1]; the undefined ones are left out.

    `targets.f1`, `targets.exact`, `targets.several`, `targets.silent` and so on for each field,
    `car_trial.recall`, and `roles.registry.target.f1` for each role with at least ten labeled mentions.
    """
    rates: dict[str, float | None] = {}
    measured = dict(card["cross_validation"])
    for kind, found in measured.pop("roles", {}).items():
        rates |= {
            f"roles.{kind}.{role}.f1": row["f1"] for role, row in found["roles"].items() if row["n"] >= 10
        }
    for field, found in measured.items():
        if "share" in found:
            rates[field] = found["share"]
        for name, value in found.items():
            if name == "fit_exact":
                continue
            if isinstance(value, Mapping):
                rates[f"{field}.{name}"] = value["share"] if value["n"] >= 10 else None
            elif name == "f1":
                rates[f"{field}.f1"] = value
    return {name: round(value, DIGITS) for name, value in rates.items() if value is not None}


def fallen(before: Mapping[str, float], now: Mapping[str, float], tolerance: float = TOLERANCE) -> list[str]:
    """One line for each rate that fell by more than the tolerance, or is defined no longer."""
    lines = []
    for name, value in before.items():
        current = now.get(name)
        if current is None or current < value - tolerance - 1e-9:
            shown = "undefined" if current is None else f"{100 * current:.1f}"
            lines.append(f"{name} fell from {100 * value:.1f} to {shown}")
    return lines


def read(path: Path = HISTORY) -> list[dict[str, Any]]:
    """The history, oldest first; empty without the file."""
    return list(json.loads(path.read_text("utf-8"))) if path.is_file() else []


def record(entry: Mapping[str, Any], path: Path = HISTORY) -> None:
    """Add a release to the history, in place of an entry of the same version; one line a release."""
    kept = [old for old in read(path) if old["version"] != entry["version"]]
    lines = ",\n".join(json.dumps(row, sort_keys=True) for row in [*kept, entry])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"[\n{lines}\n]\n", "utf-8", newline="\n")


def measure(card: Path = CARD) -> dict[str, Any]:
    """Set -> version of its labels and its guarded scores: the card's, and the written set as tagged now."""
    found = json.loads(card.read_text("utf-8"))
    labels = found["data"]["labels_sha256"][:12]
    measured: dict[str, Any] = {SET: {"gold": labels, "scores": card_scores(found)}}
    for name, options in HALVES.items():
        result = run(options).result
        measured[name] = {"gold": result["gold"]["version"], "scores": live_scores(result)}
    return measured


def check(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """One line for each rate of each set that fell; sets that are not measured now are left out."""
    lines = []
    for name, measured in now.items():
        known = before.get("sets", {}).get(name)
        if known is None:
            continue
        other = "" if known["gold"] == measured["gold"] else " (the gold set has changed since)"
        lines += [f"{name}: {line}{other}" for line in fallen(known["scores"], measured["scores"])]
    return lines


def main(arguments: list[str] | None = None) -> int:
    """Check this checkout against the last release, or record one; exit 1 if a rate fell."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "--record", metavar="VERSION", help="add the scores to the history under this version"
    )
    options = parser.parse_args(arguments)
    if not CARD.is_file():
        console.put(f"{CARD}: no such file; run `python -m cart_nlp.training` first", sys.stderr)
        return 2
    now = measure()
    if options.record:
        record({"version": options.record, "date": date.today().isoformat(), "sets": now})
        console.put(f"{options.record}: {', '.join(now) or 'nothing'} written to {HISTORY.name}")
        return 0
    history = read()
    if not history:
        console.put(f"{HISTORY} holds no release; record one with --record VERSION", sys.stderr)
        return 2
    lines = check(history[-1], now)
    console.put("\n".join(lines) or f"{', '.join(now)}: nothing fell below {history[-1]['version']}")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
