"""The same text gives the same record, whatever the order in which a process happens to keep its sets."""

import json
import os
import subprocess
import sys
from pathlib import Path

TRIAL = {
    "id": "order-1",
    "brief_title": "CD4CAR T cells for CD4 positive lymphoma",
    "brief_summary": "iC9-CAR19 and CD4CAR are given to patients whose tumor is CD4+ or CD19+.",
    "interventions": [
        {"type": "BIOLOGICAL", "name": "CD4CAR"},
        {"type": "BIOLOGICAL", "name": "iC9-CAR19 cells"},
    ],
    "primary_outcomes": ["Dose limiting toxicity of CD4CAR", "Persistence of CD4CAR cells"],
}


def test_the_order_of_sets_changes_nothing(tmp_path):
    source = tmp_path / "trials.jsonl"
    source.write_text(json.dumps(TRIAL) + "\n", "utf-8")
    program = Path(sys.executable).with_name("cart-nlp")
    found = set()
    for seed in "123456":
        target = tmp_path / f"{seed}.jsonl"
        done = subprocess.run(
            [program, "tag", source, "-o", target, "--workers", "0"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        found.add(target.read_bytes())
    assert len(found) == 1
    assert b"CD4" in found.pop()
