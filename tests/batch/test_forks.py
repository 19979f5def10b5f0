"""Workers that a loaded one forked: they die, hang and are left behind like any other, and cost no record."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import batch_fakes as fakes
import pytest

from cart_nlp.batch import spawning
from cart_nlp.batch.jobs import Job, TaggerSource
from cart_nlp.batch.pool import Pool

pytestmark = pytest.mark.skipif(not spawning.FORKS, reason="this system forks no workers")


def jobs(titles: list[str]) -> Iterator[Job]:
    for number, title in enumerate(titles):
        line = b'{"id": "T%d", "title": "%s"}' % (number, title.encode())
        yield Job(number, "in.jsonl", f"line {number + 1}", line, fakes.parse, size=len(line))


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    made = Pool(TaggerSource(fakes.load, (str(tmp_path), 0.002)), workers=3, timeout=20, keep_all=False)
    made.warm(3, wait=True)
    yield made
    made.close()


def lives(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def gone(pid: int, seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while lives(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return not lives(pid)


def test_one_loads_and_the_others_are_its_copies(pool: Pool, tmp_path: Path) -> None:
    assert len(pool.pids()) == 3
    assert fakes.noted(tmp_path, "loads") == pool.pids()[:1]
    found = list(pool.outcomes(jobs(["CAR"] * 300)))
    assert [outcome.number for outcome in found] == list(range(300))
    assert set(fakes.noted(tmp_path, "tagged")) == set(pool.pids())


@pytest.mark.parametrize("victim", [0, 2])
def test_a_worker_that_dies_is_replaced_by_a_copy_of_another(pool: Pool, tmp_path: Path, victim: int) -> None:
    pid = pool.pids()[victim]
    numbers = []
    for outcome in pool.outcomes(jobs(["CAR"] * 900)):
        numbers.append((outcome.number, outcome.kind))
        if outcome.number == 100:
            os.kill(pid, signal.SIGKILL)
    assert numbers == [(number, "record") for number in range(900)]
    assert pid not in pool.pids()
    assert len(pool.pids()) == 3


def test_the_record_that_kills_is_told_by_a_worker_whose_end_is_known(pool: Pool) -> None:
    titles = ["CAR"] * 120
    for place in (7, 50, 51, 90):
        titles[place] = "CAR kills always"
    found = list(pool.outcomes(jobs(titles)))
    assert [outcome.number for outcome in found] == list(range(120))
    refused = [outcome for outcome in found if outcome.kind == "reject"]
    assert [outcome.number for outcome in refused] == [7, 50, 51, 90]
    assert all(b"ended the worker process (SIGKILL), twice" in outcome.payload for outcome in refused)


def test_a_copy_that_hangs_is_killed(tmp_path: Path) -> None:
    pool = Pool(TaggerSource(fakes.load, (str(tmp_path), 0.0)), workers=2, timeout=0.5, keep_all=False)
    pool.warm(2, wait=True)
    pids = pool.pids()
    titles = ["CAR"] * 200
    titles[100] = titles[110] = "CAR hangs"
    found = list(pool.outcomes(jobs(titles)))
    assert [outcome.number for outcome in found if outcome.kind == "reject"] == [100, 110]
    assert len(found) == 200
    pool.close()
    assert all(map(gone, pids))


def test_no_copy_outlives_the_pool(pool: Pool) -> None:
    pids = pool.pids()
    assert all(map(lives, pids))
    pool.close()
    assert all(map(gone, pids))


def test_without_forks_it_goes_on(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fork fails: after some of them the pool starts its workers from scratch."""

    def never(loaded: object) -> tuple[spawning.Forked, object]:
        ours, theirs = multiprocessing.Pipe()
        theirs.close()
        return spawning.Forked(), ours

    monkeypatch.setattr(spawning, "fork", never)
    monkeypatch.setattr("cart_nlp.batch.pool.WORTH", 0.0)
    for pid in pool.pids()[1:]:
        os.kill(pid, signal.SIGKILL)
    found = list(pool.outcomes(jobs(["CAR"] * 2_000)))
    assert [(outcome.number, outcome.kind) for outcome in found] == [(n, "record") for n in range(2_000)]
    assert len(pool.pids()) == 3


_PARENT = """
import sys, time
sys.path.insert(0, sys.argv[2])
import batch_fakes as fakes
from cart_nlp.batch.jobs import TaggerSource
from cart_nlp.batch.pool import Pool
from test_forks import jobs
if __name__ == "__main__":
    pool = Pool(TaggerSource(fakes.load, (sys.argv[1], 0.0)), workers=2, timeout=1, keep_all=False)
    pool.warm(2, wait=True)
    print(*pool.pids(), flush=True)
    pool._timeout = 60
    list(pool.outcomes(jobs([sys.argv[3]] * 100)))
    time.sleep(60)
"""


@pytest.mark.parametrize("title", ["CAR", "CAR hangs", "CAR spins"])
def test_copies_leave_with_a_parent_that_is_killed(tmp_path: Path, title: str) -> None:
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    command = [sys.executable, str(script), str(tmp_path), str(Path(__file__).parent), title]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2
        until = time.monotonic() + 20
        while len(fakes.noted(tmp_path, "tagged")) < 2 and time.monotonic() < until:
            time.sleep(0.02)
        assert all(map(lives, pids))
        parent.kill()
    assert all(map(gone, pids))
