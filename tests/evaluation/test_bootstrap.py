"""Intervals: the seed alone decides what is drawn."""

from __future__ import annotations

import os
import subprocess
import sys

_DRAWS = """
from cart_nlp.evaluation.bootstrap import Resampled
sets = [("CD19", "CD22"), ("BCMA", "CD19", "GPRC5D"), ("CD33", "CLL1", "CD123"), ("CD5", "CD7")]
kinds = [("constructs", "tp", (frozenset(names), "tandem")) for names in sets]
table = [{kind: 1.0 + number} for number, kind in enumerate(kinds)]
sums = Resampled(table, 5, 1)
print([[sums(*column).tolist() for column in row] for row in table])
"""


def drawn(hash_seed: str) -> str:
    """The sums of some draws in a process whose sets have an order of their own."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    told = subprocess.run([sys.executable, "-c", _DRAWS], env=environment, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    return told.stdout


def test_the_order_of_sets_in_a_process_changes_no_interval() -> None:
    assert len({drawn(str(seed)) for seed in range(6)}) == 1
