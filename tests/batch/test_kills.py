"""A short campaign of real kills in every test run; `kill_campaign.py` alone runs a long one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from kill_campaign import GOLD, campaign, compared, older, tables

from cart_nlp.batch import Options, run
from cart_nlp.paths import sample


@pytest.mark.slow
def test_killed_runs_end_with_the_same_files(tmp_path: Path) -> None:
    found = campaign(sample(), tmp_path, count=2, seed=5, kinds=["jsonl", "update"], workers=[1, 2], most=2)
    assert found.runs == 2
    assert found.kills >= 2


@pytest.mark.slow
def test_the_campaign_sees_a_lost_and_a_doubled_trial(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"".join(GOLD.read_bytes().splitlines(keepends=True)[:30]))
    whole = tmp_path / "whole" / "out.jsonl"
    run(Options((str(source),), str(whole), workers=0))
    lines = whole.read_bytes().splitlines(keepends=True)
    out = Path(shutil.copytree(whole.parent, tmp_path / "other")) / "out.jsonl"
    assert compared(out, whole) is None
    out.write_bytes(b"".join(lines[:3] + lines[4:]))
    assert "other bytes" in str(compared(out, whole))
    out.write_bytes(b"".join(lines[:4] + lines[3:]))
    assert "other bytes" in str(compared(out, whole))
    out.write_bytes(whole.read_bytes())
    out.with_name("out.jsonl.journal").touch()
    assert "other files" in str(compared(out, whole))


@pytest.mark.slow
def test_the_campaign_sees_what_differs_between_stores(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    lines = GOLD.read_bytes().splitlines(keepends=True)[:20]
    source = tmp_path / "in.jsonl"
    stores = [tmp_path / name / "out.duckdb" for name in ("one", "other")]
    for store in stores:
        store.parent.mkdir()
        for content in (older(lines), lines):
            source.write_bytes(b"".join(content))
            run(Options((str(source),), str(store), workers=0))
    assert compared(*stores) is None
    found = tables(stores[0])
    assert {name for name, rows in found.items() if rows} >= {"records", "history", "trials", "runs"}
    with duckdb.connect(str(stores[1])) as base:
        base.execute("UPDATE history SET until = since WHERE rowid = 0")
    assert "table history" in str(compared(*stores))
