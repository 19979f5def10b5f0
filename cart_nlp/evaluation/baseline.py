"""The guard against regressions: scores of the last release, and what has fallen below them.

`python -m cart_nlp.evaluation.baseline` checks a checkout; `--record VERSION` adds a line to the history.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from cart_nlp.evaluation.gold import NAMES, GoldError
from cart_nlp.evaluation.run import Options, run

ROOT = Path(__file__).resolve().parents[2]
HISTORY = ROOT / "benchmarks" / "results" / "accuracy.json"
CORPUS = ROOT.parent / "shared" / "corpus" / "gold-dev.jsonl"
TOLERANCE = 0.01
"""A field may fall this far before the guard says so."""

_FIELD_RATES = ("f1", "exact", "exact_multi")


def sets(root: Path = ROOT, corpus: Path = CORPUS) -> dict[str, Options]:
    """What is guarded: the bundled gold set's dev half, and the labeled registry trials where they are."""
    found: dict[str, Options] = {}
    if any((root / "benchmarks" / "gold" / name).is_file() for name in NAMES):
        found["gold dev"] = Options(split="dev", resamples=0)
    if corpus.is_file():
        found["registry dev"] = Options(gold=str(corpus), resamples=0)
    return found


def scores(result: Mapping[str, Any]) -> dict[str, float]:
    """The guarded rates of a result: `targets.exact`, `screening.recall` …, the undefined ones left out."""
    rates = {
        f"{name}.{rate}": score.get(rate) for name, score in result["fields"].items() for rate in _FIELD_RATES
    }
    rates |= {
        f"screening.{rate}": result["screening"][rate] for rate in ("recall", "precision", "specificity")
    }
    rates |= {f"{name}.accuracy": result[name]["accuracy"] for name in ("focus", "car_trial")}
    return {name: round(value, 4) for name, value in rates.items() if value is not None}


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


def measure(guarded: Mapping[str, Options]) -> dict[str, Any]:
    """Set -> version of its gold and its guarded scores."""
    found = {}
    for name, options in guarded.items():
        result = run(options).result
        found[name] = {"gold": result["gold"]["version"], "scores": scores(result)}
    return found


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
    try:
        now = measure(sets())
    except GoldError as error:
        print("\n".join(error.faults), file=sys.stderr)
        return 2
    if options.record:
        record({"version": options.record, "date": date.today().isoformat(), "sets": now})
        print(f"{options.record}: {', '.join(now) or 'nothing'} written to {HISTORY.name}")
        return 0
    history = read()
    if not history:
        print(f"{HISTORY} holds no release; record one with --record VERSION", file=sys.stderr)
        return 2
    lines = check(history[-1], now)
    print("\n".join(lines) or f"{', '.join(now)}: nothing fell below {history[-1]['version']}")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
