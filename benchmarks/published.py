"""The table of docs/landscape.md: the figures that others published beside those of the public sample.

Run with `python benchmarks/published.py --corpus DIR`; DIR has the dumps named below.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pandas as pd

PAGE = Path(__file__).resolve().parents[1] / "docs" / "landscape.md"
DUMPS = ("car-trials.jsonl.gz", "car-trials-2.jsonl.gz")
UNTIL = "2024-04"
"""The month up to which the study searched."""
HEAD = (
    "figure",
    "published",
    f"ours to {UNTIL} (95 %)",
    "scaled",
    "verdict",
    "ours, all",
    "reason, computed",
)


def main() -> None:
    """Tag the sample, make both reports, and write what they say into the page."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--corpus", type=Path, required=True)
    corpus = asked.parse_args().corpus
    with tempfile.TemporaryDirectory() as folder:
        records = Path(folder) / "records.jsonl"
        _run("tag", *(corpus / name for name in DUMPS), "-o", records)
        until = _figures(records, Path(folder) / "until", "--until", UNTIL)
        whole = _figures(records, Path(folder) / "all")
    PAGE.write_text(filled(PAGE.read_text("utf-8"), until, whole), "utf-8")


def _run(*arguments: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "cart_nlp", *map(str, arguments)], check=True, capture_output=True)


def _figures(records: Path, out: Path, *more: str) -> pd.DataFrame:
    _run("landscape", records, "-o", out, "--reference", "study", "--no-images", *more)
    return pd.read_csv(out / "tables" / "reference.csv", dtype={"published": str}).set_index("figure")


def filled(page: str, until: pd.DataFrame, whole: pd.DataFrame) -> str:
    """The page with its table and the sentences of counts anew."""
    rows = [_row(until.loc[name], whole.loc[name]) for name in until.index]
    table = "\n".join(f"| {' | '.join(row)} |" for row in (HEAD, ["---"] * len(HEAD), *rows))
    verdicts = Counter(until["verdict"])
    included, read = "trials included", until.ours["records identified by the search"]
    said = (
        f"Of the {int(read):,} records {int(whole.ours[included]):,} are included, "
        f"{int(until.ours[included]):,} of them registered up to April 2024. Of {len(until)} figures "
        f"{verdicts['inside our interval']} lie inside our interval, "
        f"{verdicts['as published']} read as published, {verdicts['outside our interval']} lie outside, "
        f"{verdicts['not as published']} do not read as published, "
        f"and {verdicts['no verdict']} have no verdict."
    )
    block = f"<!-- published: python benchmarks/published.py -->\n{said}\n\n{table}\n<!-- /published -->"
    return re.sub(r"<!-- published: .*?<!-- /published -->", lambda _: block, page, flags=re.DOTALL)


def _row(until: pd.Series, whole: pd.Series) -> list[str]:
    unit, low, high = until["unit"], _number(until["low"]), _number(until["high"])
    ours = _number(until["ours"]) + (f" ({low}–{high})" if low != "–" else "")
    return [
        str(until.name), f"{_number(until['published'])} {unit}", ours, _number(until["scaled"]),
        until["verdict"], _number(whole["ours"]), "" if pd.isna(until["reason"]) else until["reason"],
    ]  # fmt: skip


def _number(value: object) -> str:
    try:
        number = float(str(value))
    except ValueError:
        return str(value)
    return "–" if pd.isna(number) else f"{number:.2f}".rstrip("0").rstrip(".")


if __name__ == "__main__":
    main()
