"""`make demo`: what a new user sees first."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "benchmarks" / "sample"
IDS = [json.loads(line)["id"] for line in (SAMPLE / "trials.jsonl").read_text("utf-8").splitlines()]


def cells(text: str) -> int:
    """Columns that a line takes in a terminal, by rich's own measure."""
    from rich.cells import cell_len

    return cell_len(text)


@pytest.fixture(scope="module", params=[100, 160])
def shown(request, tmp_path_factory):
    """Width of the terminal, folder and printed lines of a demo."""
    out = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, SAMPLE / "demo.py", out],
        cwd=ROOT, capture_output=True, text=True, timeout=180, check=False,
        env=os.environ | {"COLUMNS": str(request.param), "NO_COLOR": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return request.param, out, done.stdout.splitlines()


def test_sample_has_forty_trials_of_their_own():
    assert len(IDS) == len(set(IDS)) == 40


def test_demo_shows_every_trial_once_and_writes_the_files(shown):
    _, out, lines = shown
    rows = [line.split()[0] for line in lines if line.startswith("GOLD-")]
    assert sorted(rows) == sorted([*IDS, "GOLD-0011"])  # which is shown with its evidence besides
    records = [json.loads(line) for line in (out / "every-trial.jsonl").read_text("utf-8").splitlines()]
    assert [record["trial_id"] for record in records] == IDS
    written = (out / "records.csv").read_text("utf-8").splitlines()
    included = sum(record["car_trial"] in ("product", "related") for record in records)
    assert len(written) == 1 + included


def test_demo_fits_the_terminal(shown):
    width, _, lines = shown
    tables = [line for line in lines if line.startswith(("GOLD-", "trial", "left out", "──"))]
    assert len(tables) > 40
    assert [line for line in tables if cells(line) > width] == []


def test_demo_marks_product_knowledge_and_leaves_silence_blank(shown):
    _, _, lines = shown
    known = next(line for line in lines if line.startswith("GOLD-0015"))
    assert "BCMA°" in known
    assert "4-1BB°" in known
    stated = next(line for line in lines if line.startswith("GOLD-0001"))
    assert "°" not in stated
    assert "4-1BB" not in stated


def test_look_alikes_are_left_out(shown):
    _, _, lines = shown
    below = lines[next(i for i, line in enumerate(lines) if line.startswith("left out")) :]
    out = {
        line.split()[0] for line in below if line.startswith("GOLD-") and line.split()[1] in ("no", "mention")
    }
    assert {"GOLD-0003", "GOLD-0012", "GOLD-0025", "GOLD-0035", "GOLD-0047"} <= out
