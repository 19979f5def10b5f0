"""Turn pytest-benchmark's JSON into benchmarks/results/speed.json and a table for the docs.

python benchmarks/speed/report.py measured.json [--out benchmarks/results]
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

SIZES = (5_000, 10_000, 25_000, 50_000)
ANCHORS = {"naive": "an entity ruler", "medspacy": "medspaCy's matcher", "edsnlp": "EDS-NLP's matcher"}
"""Row -> what it is; the last two are measured where they are installed."""


def rows_of(measured: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Row name -> best seconds over all rounds, and what else was noted.

    What was timed by turns makes a row each, with its seconds in every round.
    """
    rows: dict[str, dict[str, Any]] = {}
    for benchmark in measured["benchmarks"]:
        extra = benchmark["extra_info"]
        row = rows.setdefault(extra["row"], {"seconds": math.inf})
        row |= extra
        row["seconds"] = min(row["seconds"], benchmark["stats"]["min"])
        row["rounds"] = row.get("rounds", 0) + benchmark["stats"]["rounds"]
        for name, taken in extra.get("turns", {}).items():
            rows[name] = {"row": name, "seconds": min(taken), "rounds": len(taken), "each": taken}
    return rows


def slope(points: list[tuple[float, float]]) -> float:
    """Seconds per thousand trials: least squares through (trials, seconds)."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return 1_000 * sum((x - mean_x) * (y - mean_y) for x, y in points) / spread


def figures(rows: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of the table: what, figure, unit, bar and whether it is met; unmeasured ones are left out."""
    seconds = {name: row["seconds"] for name, row in rows.items()}
    growth = tuple(f"growth-{size}" for size in SIZES)

    def ratio(one: str, other: str, factor: float = 1.0) -> Callable[[], float]:
        def measure() -> float:
            turns = [rows[name].get("each") for name in (one, other)]
            if None in turns:
                return factor * seconds[one] / seconds[other]
            return factor * statistics.median(a / b for a, b in zip(*turns, strict=True))

        return measure

    def plain(name: str) -> Callable[[], float]:
        return lambda: seconds[name]

    share = rows.get("naive", {}).get("share", 1)
    known: list[
        tuple[str, tuple[str, ...], Callable[[], float], str, str, Callable[[float], bool] | None]
    ] = [
        (
            "screening (Hyperscan) against orjson parse, throughput",
            ("orjson", "screening-hyperscan"),
            ratio("orjson", "screening-hyperscan"),
            "ratio",
            "≥ 0.5",
            lambda value: value >= 0.5,
        ),
        (
            "screening (fallback: ahocorasick_rs) against orjson parse",
            ("orjson", "screening-ahocorasick"),
            ratio("orjson", "screening-ahocorasick"),
            "ratio",
            "",
            None,
        ),
        (
            "whole job, one worker, against naive spaCy with an entity ruler",
            ("naive", "whole-1"),
            ratio("naive", "whole-1", share),
            "times faster",
            "≥ 20",
            lambda value: value >= 20,
        ),
        (
            "whole job, 50,500 trials, one worker, start-up included",
            ("whole-1",),
            plain("whole-1"),
            "s",
            "about 5",
            lambda value: value <= 6,
        ),
        ("whole job, 50,500 trials, two workers", ("whole-2",), plain("whole-2"), "s", "", None),
        *(
            (
                f"screening and tagging against {name} {rows.get(anchor, {}).get('version', '')}".rstrip()
                + ", same terms and trials",
                (anchor, "sample"),
                ratio(anchor, "sample"),
                "times faster",
                "",
                None,
            )
            for anchor, name in ANCHORS.items()
        ),
        ("start-up (one CAR trial)", ("start-up",), plain("start-up"), "s", "≤ 2.5", lambda v: v <= 2.5),
        ("cart-nlp --help", ("help",), plain("help"), "s", "< 1", lambda value: value < 1),
        (
            "full pipeline on CAR trials against tokenization",
            ("tag", "tokenize"),
            ratio("tag", "tokenize"),
            "ratio",
            "≤ 2.5",
            lambda value: value <= 2.5,
        ),
        ("CAR trials tagged, one core", ("tag",), lambda: 700 / seconds["tag"], "trials/s", "", None),
        (
            "peak memory, 50,500 against 5,000 trials",
            ("memory-5000", "memory-50500"),
            lambda: _peak(rows["memory-50500"]) / _peak(rows["memory-5000"]),
            "times",
            "≤ 1.1",
            lambda value: value <= 1.1,
        ),
        (
            "peak memory of the largest process",
            ("memory-50500",),
            lambda: _peak(rows["memory-50500"]),
            "MB",
            "< 600",
            lambda value: value < 600,
        ),
        (
            "all of a registry: 606,000 trials, two workers",
            ("registry-whole",),
            plain("registry-whole"),
            "s",
            "",
            None,
        ),
        (
            "of that, reading and screening alone, one process, against orjson parse of the same",
            ("registry-stream", "registry-parse"),
            ratio("registry-stream", "registry-parse"),
            "ratio",
            "",
            None,
        ),
        (
            "606,000 trials, two workers, against orjson's parse of the same lines",
            ("registry-whole", "registry-parse"),
            ratio("registry-whole", "registry-parse"),
            "ratio",
            "≤ 6",
            lambda value: value <= 6,
        ),
        (
            "peak memory, 606,000 against 5,000 trials",
            ("memory-5000", "memory-600000"),
            lambda: _peak(rows["memory-600000"]) / _peak(rows["memory-5000"]),
            "times",
            "≤ 1.1",
            lambda value: value <= 1.1,
        ),
        *(
            (
                f"1 % new records in {size} (DuckDB store), processor time, share of the first run",
                (f"night-{name}-first", f"night-{name}-second"),
                ratio(f"night-{name}-second", f"night-{name}-first"),
                "share",
                "≤ 0.3",
                lambda value: value <= 0.3,
            )
            for name, size in (("dump", "50,500"), ("registry", "606,000"))
        ),
        (
            "second run over an unchanged dump (DuckDB store), 0 tagged again, share of the first run",
            ("store-1", "store-2"),
            ratio("store-2", "store-1"),
            "share",
            "≤ 0.25",
            lambda value: value <= 0.25 and rows["store-2"]["counts"]["retagged"] == 0,
        ),
        (
            "a later run over a longer dump, all compared, 0 tagged again, share of the first run",
            ("store-1", "store-3"),
            ratio("store-3", "store-1"),
            "share",
            "",
            None,
        ),
        (
            "two workers against one, 2,500 CAR trials, once loaded",
            ("loaded-1", "loaded-2"),
            ratio("loaded-1", "loaded-2"),
            "times faster",
            "≥ 1.7",
            lambda value: value >= 1.7,
        ),
        (
            "two workers against one, 2,500 CAR trials, whole command",
            ("car-1", "car-2"),
            ratio("car-1", "car-2"),
            "times faster",
            "",
            None,
        ),
        (
            "growth, 5k to 50k trials",
            growth,
            lambda: slope([(size, seconds[name]) for size, name in zip(SIZES, growth, strict=True)]),
            "s per 1,000 trials",
            "linear",
            None,
        ),
        (
            "growth, 50k to 606k trials, two workers",
            ("whole-2", "registry-whole"),
            lambda: slope([(50_500, seconds["whole-2"]), (606_000, seconds["registry-whole"])]),
            "s per 1,000 trials",
            "linear",
            None,
        ),
    ]
    found = []
    for what, needs, measure, unit, bar, met in known:
        if all(name in rows for name in needs):
            figure = measure()
            said = {"what": what, "figure": round(figure, 3), "unit": unit, "bar": bar}
            found.append(said | {"met": met(figure) if met else None})
    return found


def _peak(row: dict[str, Any]) -> float:
    return max(row["parent_mb"], row["worker_mb"])


def table(found: list[dict[str, Any]], machine: dict[str, Any]) -> str:
    """The figures as a Markdown table."""
    cpu = machine.get("cpu", {})
    name = cpu.get("brand_raw", "an unnamed processor")
    lines = [
        f"Measured in one run on {name}, {cpu.get('count', '?')} cores, "
        f"Python {machine.get('python_version')}; best of the rounds, or "
        "where two things were timed by turns the median of their ratios.",
        "",
        "| what | measured | bar | met |",
        "|---|---|---|---|",
    ]
    marks = {True: "yes", False: "**no**", None: ""}
    lines += [
        f"| {row['what']} | {row['figure']:g} {row['unit']} | {row['bar']} | {marks[row['met']]} |"
        for row in found
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Read the measurements, write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measured", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "results")
    given = parser.parse_args()
    measured = json.loads(given.measured.read_text())
    rows = rows_of(measured)
    found = figures(rows)
    given.out.mkdir(parents=True, exist_ok=True)
    machine = measured["machine_info"]
    cpu = machine.get("cpu", {})
    result = {
        "machine": {
            "cpu": cpu.get("brand_raw"),
            "cores": cpu.get("count"),
            "python": machine.get("python_version"),
        },
        "figures": found,
        "rows": rows,
    }
    (given.out / "speed.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    (given.out / "speed.md").write_text(table(found, machine))
    print(table(found, machine))


if __name__ == "__main__":
    main()
