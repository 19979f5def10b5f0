"""What becomes of own-worded texts that train nothing: let through by the screen, written, right targets.

python benchmarks/wordings.py            # prints the counts
python benchmarks/wordings.py --record   # and writes them into benchmarks/results/wordings.json
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from cart_nlp import load
from cart_nlp.pipeline import tag_trial
from cart_nlp.registries import from_mapping
from cart_nlp.schema import INCLUDED
from cart_nlp.screening import hits_of

ROOT = Path(__file__).resolve().parent.parent
TEXTS = ROOT / "benchmarks" / "gold" / "wordings" / "labels.jsonl"
RESULT = ROOT / "benchmarks" / "results" / "wordings.json"


def measured() -> dict[str, dict[str, int]]:
    """Source of the texts -> counts: of trials about CAR cells and of others, and what became of both."""
    hits, nlp = hits_of(()), load()
    found: dict[str, Counter[str]] = {}
    for line in TEXTS.read_text("utf-8").splitlines():
        row: dict[str, Any] = json.loads(line)
        counts, labels = found.setdefault(row["source"], Counter()), row["labels"]
        record = tag_trial(nlp, from_mapping(row["trial"]))
        opened = hits(json.dumps(row["trial"], ensure_ascii=False))
        written = opened and record.car_trial in INCLUDED
        kind = "car" if labels["car_trial"] in INCLUDED else "other"
        counts[kind] += 1
        counts[f"{kind}_screened_in"] += opened
        counts[f"{kind}_written"] += written
        if kind == "car" and written:
            counts["targets_exact"] += set(record.targets) == set(labels["targets"])
    return {source: dict(sorted(counts.items())) for source, counts in found.items()}


if __name__ == "__main__":
    result = json.dumps(measured(), indent=1) + "\n"
    sys.stdout.write(result)
    if "--record" in sys.argv[1:]:
        RESULT.write_text(result, encoding="utf-8")
