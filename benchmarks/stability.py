"""How far the cross-validated target sets move by chance: trained with a few of the taught texts left out.

Run with `python benchmarks/stability.py --corpus FOLDER` (three minutes). A difference between two states
that is smaller than the spread told here says nothing.
"""

from __future__ import annotations

import argparse
import random
import statistics
from pathlib import Path

from cart_nlp.pipeline import load
from cart_nlp.training import build, data, report

SHARE = 0.04
"""Share of the taught texts that each training but the first does without."""


def main() -> None:
    """Print the share of exact target sets of each training, their mean and their spread."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--trainings", type=int, default=6)
    options = parser.parse_args()
    examples = data.training_set(options.corpus)
    build.read_all(load(), examples)
    measured = report.measured(examples)
    shares = []
    for seed in range(options.trainings):
        draw = random.Random(seed)  # the first training has every text
        kept = [one for one in examples if one.source != data.TAUGHT or not seed or draw.random() > SHARE]
        outcome = build.Outcome()
        build._targets(kept, data.roles(), outcome)
        found = {name: one for name, one in outcome.unseen["targets"].items() if name in measured}
        figures = report.field_figures(measured, "targets", found)
        shares.append(100 * figures["exact"]["share"])
        print(f"{len(kept):,} texts and trials: {shares[-1]:.2f} % of {figures['exact']['n']:,}", flush=True)
    print(f"mean {statistics.mean(shares):.2f} %, standard deviation {statistics.pstdev(shares):.2f}")


if __name__ == "__main__":
    main()
