"""The real tagger on Dask, by the command that a user gives: the local engine's bytes, a worker killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cart_nlp.batch import Options, run

distributed = pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # distributed and tornado warn about their own shutdown
    pytest.mark.slow,
]
ROOT = Path(__file__).resolve().parents[2]
GOLD = ROOT / "benchmarks" / "gold" / "trials.jsonl"
COPIES = 2


def trials() -> bytes:
    """The gold trials several times over, each with a number of its own, and now and then a faulty record."""
    lines = []
    for copy in range(COPIES):
        for line in GOLD.read_bytes().splitlines():
            trial = json.loads(line)
            trial["id"] += f"-{copy}"
            lines.append(json.dumps(trial))
        lines.append('{"brief_title": "CAR-T cells, but no number"}')
    return "\n".join(lines).encode() + b"\n"


def pids(client) -> dict[str, int]:  # type: ignore[no-untyped-def]
    return client.run(os.getpid)  # type: ignore[no-any-return]


def test_the_same_bytes_with_a_worker_killed_in_the_middle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, local, spread = (tmp_path / name for name in ("in.jsonl", "local.jsonl", "dask.jsonl"))
    source.write_bytes(trials())
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    whole = run(Options((str(source),), str(local)))
    assert whole.written > 100 * COPIES
    journal = Path(f"{spread}.journal")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        before = pids(client)
        command = [sys.executable, "-c", "from cart_nlp.cli import main; main()", "tag", str(source)]
        command += ["-o", str(spread), "--engine", "dask", "--scheduler", cluster.scheduler_address]
        job = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        try:
            until = time.monotonic() + 120
            busy: list[str] = []
            while len(busy) < 2 or not (journal.exists() and journal.read_bytes().count(b"\n") > 50):
                assert job.poll() is None, "it ended before both workers were seen at work"
                assert time.monotonic() < until
                time.sleep(0.01)
                busy = [address for address, tasks in client.processing().items() if tasks]
            os.kill(before[busy[0]], signal.SIGKILL)
            done = journal.read_bytes().count(b"\n") - 1
            _, said = job.communicate(timeout=180)
        finally:
            job.kill()
            job.wait()
        client.wait_for_workers(2, timeout=30)
        after = pids(client)
    assert job.returncode == 1, said  # the faulty records
    assert 50 <= done < whole.tagged, "killed in the middle"
    assert before[busy[0]] not in after.values(), "another process took its place"
    assert spread.read_bytes() == local.read_bytes()
    first, second = (Path(f"{out}.rejects.jsonl").read_bytes() for out in (spread, local))
    assert first == second
    assert first.count(b"\n") == COPIES
