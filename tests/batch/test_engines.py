"""Dask gives the bytes that the local engine gives, also when a worker dies; frames give the records."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import batch_fakes as fakes
import pytest

from cart_nlp.batch import BatchError, Options, run

SAMPLE = Path(__file__).resolve().parents[2] / "benchmarks" / "sample" / "trials.jsonl"
distributed = pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # distributed and tornado warn about their own shutdown
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def cluster():  # type: ignore[no-untyped-def]
    # Workers import the fakes from the folder of this file, as the local engine's workers do.
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[2])])
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = path
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as found:
        yield found
    if before is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = before


def both(tmp_path: Path, cluster, trials, pace: float = 0.0):  # type: ignore[no-untyped-def]
    source = fakes.dump(tmp_path / "in.jsonl", trials)
    local = Options((str(source),), str(tmp_path / "local.jsonl"))
    run(local, fakes.parts(tmp_path))
    spread = Options(
        (str(source),), str(tmp_path / "dask.jsonl"), engine="dask", scheduler=cluster.scheduler_address
    )
    return run(spread, fakes.parts(tmp_path, pace=pace))


def same(tmp_path: Path) -> bool:
    first, second = ((tmp_path / f"{name}.jsonl").read_bytes() for name in ("local", "dask"))
    assert len(first) > 1_000
    return first == second


def test_the_same_bytes_on_two_worker_processes(tmp_path: Path, cluster) -> None:  # type: ignore[no-untyped-def]
    trials = [{"id": f"T{n}", "title": ["CAR of CD19", "CAR raises", "x"][n % 3]} for n in range(600)]
    summary = both(tmp_path, cluster, trials)
    assert (summary.read, summary.written, summary.rejected) == (600, 200, 200)
    assert same(tmp_path)
    rejects = [(tmp_path / f"{name}.jsonl.rejects.jsonl").read_bytes() for name in ("local", "dask")]
    assert rejects[0] == rejects[1]
    assert len(set(fakes.noted(tmp_path, "tagged"))) == 3, "one local worker and two of Dask"


def test_the_same_bytes_when_a_worker_is_killed_in_the_middle(tmp_path: Path, cluster) -> None:  # type: ignore[no-untyped-def]
    killed = []

    def kill() -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until and not (tmp_path / "local.jsonl").exists():
            time.sleep(0.02)
        before = len(fakes.noted(tmp_path, "tagged"))
        while time.monotonic() < until and len(fakes.noted(tmp_path, "tagged")) < before + 60:
            time.sleep(0.02)
        pid = fakes.noted(tmp_path, "tagged")[-1]
        os.kill(pid, signal.SIGKILL)
        killed.append(pid)

    thread = threading.Thread(target=kill)
    thread.start()
    summary = both(tmp_path, cluster, 800, pace=0.02)
    thread.join()
    assert killed
    assert summary.written == 400
    assert same(tmp_path)


def test_a_record_that_kills_every_worker_is_rejected(tmp_path: Path, cluster) -> None:  # type: ignore[no-untyped-def]
    trials = [{"id": f"T{n}", "title": "CAR of CD19"} for n in range(40)]
    trials[7]["title"] = "CAR kills always"
    summary = both(tmp_path, cluster, trials)
    assert (summary.written, summary.rejected) == (39, 1)
    assert same(tmp_path)


def test_a_record_that_takes_too_long_on_a_cluster_is_rejected(tmp_path: Path, cluster) -> None:  # type: ignore[no-untyped-def]
    """Also one that holds the interpreter's lock, so that no thread could end it."""
    trials = [{"id": f"T{n}", "title": "CAR of CD19"} for n in range(40)]
    trials[7]["title"] = "CAR spins"
    source = fakes.dump(tmp_path / "in.jsonl", trials)
    options = Options((str(source),), str(tmp_path / "out.jsonl"), engine="dask", timeout=1.5)
    summary = run(dataclasses.replace(options, scheduler=cluster.scheduler_address), fakes.parts(tmp_path))
    assert (summary.written, summary.rejected) == (39, 1)
    lines = (tmp_path / "out.jsonl.rejects.jsonl").read_text().splitlines()
    assert [json.loads(line)["place"] for line in lines] == ["line 8"]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("bogus://x", "unknown address scheme 'bogus'"),
        ("nowhere", "missing port number"),
        ("tcp://127.0.0.1:many", "invalid literal for int"),
        ("tls://127.0.0.1:9", "TLS expects"),
        ("", "missing port number"),
    ],
)
def test_an_address_that_is_none_is_one_line_at_once(tmp_path: Path, address: str, told: str) -> None:
    """In a process of its own: what Dask leaves half open is told when it ends."""
    words = ["tag", SAMPLE, "-o", tmp_path / "o.jsonl", "--engine", "dask"]
    command = [sys.executable, "-m", "cart_nlp", *map(str, words), "--scheduler", address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"cart-nlp tag: no Dask scheduler at {address or repr('')}: {told}")


def test_no_scheduler_at_the_address_is_one_line(tmp_path: Path) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", 10)
    options = Options(
        (str(source),), str(tmp_path / "o.jsonl"), engine="dask", scheduler="nonsense://127.0.0.1:1"
    )
    with pytest.raises(BatchError, match="no Dask scheduler at nonsense"):
        run(options, fakes.parts(tmp_path))
