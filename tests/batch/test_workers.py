"""Workers, copies of a server that has loaded: they die, hang and are left behind, and cost no record."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from multiprocessing import spawn
from multiprocessing.connection import Connection
from pathlib import Path

import batch_fakes as fakes
import pytest

from cart_nlp.batch import processes, worker
from cart_nlp.batch.jobs import Job, Tagger, TaggerSource, packed
from cart_nlp.batch.pool import Pool, copied
from cart_nlp.schema import Record, Trial

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")


def jobs(titles: list[str]) -> Iterator[Job]:
    for number, title in enumerate(titles):
        line = b'{"id": "T%d", "title": "%s"}' % (number, title.encode())
        yield Job(number, "in.jsonl", f"line {number + 1}", line, fakes.parse, size=len(line))


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    made = Pool(TaggerSource(fakes.load, (str(tmp_path), 0.002)), workers=3, timeout=20, keep_all=False)
    made.warm(3, wait_for=True)
    yield made
    made.close()


def lives(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # the latter if it ends between opening and reading
        return False


def gone(pid: int, seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while lives(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return not lives(pid)


def test_all_workers_share_the_work_and_load_what_the_server_has_not(pool: Pool, tmp_path: Path) -> None:
    pids = pool.pids()
    assert len(set(pids)) == 3
    found = list(pool.outcomes(jobs(["CAR"] * 300)))
    assert [outcome.number for outcome in found] == list(range(300))
    assert set(fakes.noted(tmp_path, "tagged")) == set(pids)
    assert sorted(fakes.noted(tmp_path, "loads")) == sorted(pids)


class InTwoSteps:
    """A tagger that notes at which record the worker says to be when a step of a trial begins."""

    def __init__(self, shown: list[int]) -> None:
        self.shown = shown
        self.taken: list[tuple[int, str]] = []

    def __call__(self, trial: Trial) -> Record:
        raise NotImplementedError

    def steps(self, trial: Trial) -> Generator[None, None, Record]:
        self.taken.append((self.shown[0], trial.id + " first"))
        yield
        self.taken.append((self.shown[0], trial.id + " second"))
        if "fails" in trial.title():
            raise ValueError("in its second step")
        return fakes.record_of(trial)


@pytest.mark.parametrize(
    ("together", "order"),
    [
        (1 << 20, ["T0 first", "T1 first", "T2 first", "T0 second", "T1 second", "T2 second"]),
        (1, ["T0 first", "T0 second", "T1 first", "T1 second", "T2 first", "T2 second"]),
    ],
)
def test_short_records_are_tagged_side_by_side_and_one_that_fails_is_rejected_alone(
    monkeypatch: pytest.MonkeyPatch, together: int, order: list[str]
) -> None:
    shown = list(worker.AT_REST)
    tagger = InTwoSteps(shown)
    monkeypatch.setattr(worker, "_at", shown, raising=False)
    monkeypatch.setattr(worker, "_work", (tagger, False, 20.0), raising=False)
    monkeypatch.setattr(worker, "TOGETHER", together)
    found = worker.tag_chunk(packed(list(jobs(["CAR", "CAR fails", "CAR"]))).data)
    assert [(outcome.number, outcome.kind) for outcome in found] == [
        (0, "record"),
        (1, "reject"),
        (2, "record"),
    ]
    assert tagger.taken == [(int(step[1]), step) for step in order]
    assert shown == list(worker.AT_REST)


def stepwise(folder: Path, titles: list[str], timeout: float) -> list[tuple[str, str]]:
    """What becomes of records that one worker tags side by side: the title and the kind of each."""
    made = Pool(
        TaggerSource(fakes.load_stepwise, (str(folder), 0.0)), workers=1, timeout=timeout, keep_all=False
    )
    try:
        found = list(made.outcomes(jobs(titles)))
    finally:
        made.close()
    assert [outcome.number for outcome in found] == list(range(len(titles)))
    return [(title, outcome.kind) for title, outcome in zip(titles, found, strict=True)]


def test_what_one_record_does_in_the_middle_costs_no_other(tmp_path: Path) -> None:
    bad = ["CAR raises", "CAR kills always", "CAR exits", "CAR hangs"]
    titles = [title for one in bad for title in ("CAR", one)] + ["CAR"]
    wanted = [(title, "reject" if title in bad else "record") for title in titles]
    assert stepwise(tmp_path, titles, timeout=3) == wanted


@pytest.mark.parametrize("beside", [[], ["CAR"] * 3, ["CAR slow"]])
def test_the_time_of_a_record_is_that_of_its_own_steps_whoever_is_beside_it(
    tmp_path: Path, beside: list[str]
) -> None:
    """1.2 seconds in four steps: within three, not within 0.8, alone and side by side."""
    for timeout, kind in ((3.0, "record"), (0.8, "reject")):
        found = stepwise(tmp_path, ["CAR slow", *beside], timeout)
        assert found[0] == ("CAR slow", kind)
        assert all(outcome == kind for title, outcome in found if title == "CAR slow")
        assert all(outcome == "record" for title, outcome in found if title == "CAR")


@pytest.mark.parametrize("victim", [0, 2])
def test_a_worker_that_dies_is_replaced(pool: Pool, tmp_path: Path, victim: int) -> None:
    pid = pool.pids()[victim]
    numbers = []
    for outcome in pool.outcomes(jobs(["CAR"] * 900)):
        numbers.append((outcome.number, outcome.kind))
        if outcome.number == 100:
            os.kill(pid, signal.SIGKILL)
    assert numbers == [(number, "record") for number in range(900)]
    assert pid not in pool.pids()
    assert len(pool.pids()) == 3


def test_the_record_that_kills_is_told_and_no_other(pool: Pool) -> None:
    titles = ["CAR"] * 120
    for place in (7, 50, 51, 90):
        titles[place] = "CAR kills always"
    found = list(pool.outcomes(jobs(titles)))
    assert [outcome.number for outcome in found] == list(range(120))
    refused = [outcome for outcome in found if outcome.kind == "reject"]
    assert [outcome.number for outcome in refused] == [7, 50, 51, 90]
    assert all(b"ended the worker process (SIGKILL), twice" in outcome.payload for outcome in refused)


def test_a_worker_that_hangs_is_killed(tmp_path: Path) -> None:
    pool = Pool(TaggerSource(fakes.load, (str(tmp_path), 0.0)), workers=2, timeout=0.5, keep_all=False)
    pool.warm(2, wait_for=True)
    pids = pool.pids()
    titles = ["CAR"] * 200
    titles[100] = titles[110] = "CAR hangs"
    found = list(pool.outcomes(jobs(titles)))
    assert [outcome.number for outcome in found if outcome.kind == "reject"] == [100, 110]
    assert len(found) == 200
    pool.close()
    assert all(map(gone, pids))


def test_no_worker_outlives_the_pool(pool: Pool) -> None:
    pids = pool.pids()
    assert all(map(lives, pids))
    pool.close()
    assert all(map(gone, pids))


def test_a_pool_that_serves_a_second_run_does_not_take_its_first_record_for_the_last(tmp_path: Path) -> None:
    """Both are number 0; between them lies more than a record may take."""
    pool = Pool(TaggerSource(fakes.load, (str(tmp_path), 0.3)), workers=1, timeout=0.6, keep_all=False)
    try:
        for _ in range(2):
            assert [outcome.kind for outcome in pool.outcomes(jobs(["CAR"]))] == ["record"]
            time.sleep(0.8)
        assert fakes.noted(tmp_path, "loads") == pool.pids()
    finally:
        pool.close()


def test_workers_that_die_while_they_have_nothing_to_do_cost_nothing(pool: Pool) -> None:
    assert len(list(pool.outcomes(jobs(["CAR"] * 40)))) == 40
    pids = pool.pids()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert all(map(gone, pids))
    found = list(pool.outcomes(jobs(["CAR"] * 40)))
    assert [(outcome.number, outcome.kind) for outcome in found] == [(n, "record") for n in range(40)]


def test_a_pool_is_closed_at_once_while_it_still_loads(tmp_path: Path) -> None:
    pool = Pool(TaggerSource(slow, (str(tmp_path),)), workers=1, timeout=5, keep_all=False)
    pool.warm()
    until = time.monotonic() + 20
    while not fakes.noted(tmp_path, "slow") and time.monotonic() < until:
        time.sleep(0.02)
    (pid,) = fakes.noted(tmp_path, "slow")
    before = time.monotonic()
    pool.close()
    assert time.monotonic() - before < 5
    assert gone(pid)


def test_a_worker_that_dies_in_the_middle_of_its_answer_is_replaced(tmp_path: Path) -> None:
    pool = Pool(TaggerSource(half, (str(tmp_path),)), workers=1, timeout=5, keep_all=False)
    try:
        found = list(pool.outcomes(jobs(["CAR"] * 20)))
    finally:
        pool.close()
    assert [(outcome.number, outcome.kind) for outcome in found] == [(n, "record") for n in range(20)]
    assert (tmp_path / "half").exists()


def half(folder: str) -> Tagger:
    whole, told = Connection._send, Path(folder) / "half"

    def send(self: Connection, data: bytes, *more: object) -> None:
        if len(data) > 1000 and not told.exists():
            told.touch()
            os.write(self.fileno(), data[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        whole(self, data, *more)

    Connection._send = send
    return fakes.record_of


def slow(folder: str) -> Tagger:
    (Path(folder) / "slow").write_text(f"{os.getpid()}\n")
    time.sleep(60)
    return fakes.record_of


_PARENT = """
import sys, time
sys.path.insert(0, sys.argv[2])
import batch_fakes as fakes
from cart_nlp.batch.jobs import TaggerSource
from cart_nlp.batch.pool import Pool
from test_workers import jobs
if __name__ == "__main__":
    pool = Pool(TaggerSource(fakes.load, (sys.argv[1], 0.0)), workers=2, timeout=60, keep_all=False)
    pool.warm(2, wait_for=True)
    print(*pool.pids(), flush=True)
    list(pool.outcomes(jobs([sys.argv[3]] * 100)))
    time.sleep(60)
"""


@pytest.mark.parametrize("title", ["CAR", "CAR hangs", "CAR spins"])
def test_workers_leave_with_a_parent_that_is_killed(tmp_path: Path, title: str) -> None:
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


_ALONE = """
import sys
sys.path.insert(0, sys.argv[2])
import batch_fakes as fakes
from cart_nlp.batch import processes
from cart_nlp.batch.jobs import TaggerSource
from cart_nlp.batch.pool import Pool, copied
from test_workers import jobs
if __name__ == "__main__":
    source = TaggerSource(fakes.load, (sys.argv[1], 0.0))
    assert processes.copyable()
    with copied(source, at_once=True):
        pool = Pool(source, workers=1, timeout=60, keep_all=False)
        pool.warm(1, wait_for=True)
        print(*pool.pids(), flush=True)
        found = list(pool.outcomes(jobs(["CAR"] * 30 + [sys.argv[3]] + ["CAR"] * 30)))
        print(*(outcome.kind for outcome in found), *pool.pids())
        pool.close()
"""


@pytest.fixture
def alone(tmp_path: Path) -> Callable[[str], subprocess.Popen[str]]:
    """A process whose one worker is its own copy, and which tags a record of some title among others."""
    script = tmp_path / "alone.py"
    script.write_text(_ALONE)

    def start(title: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(script), str(tmp_path), str(Path(__file__).parent), title]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    return start


def test_a_worker_that_is_a_copy_of_its_parent_tags_and_there_is_no_other_process(
    alone: Callable[[str], subprocess.Popen[str]],
) -> None:
    with alone("CAR hangs") as parent:
        assert parent.stdout is not None
        pid = parent.stdout.readline().strip()
        assert Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split() == [pid]
        parent.kill()
    assert gone(int(pid))


def test_a_copy_that_dies_is_followed_by_others(alone: Callable[[str], subprocess.Popen[str]]) -> None:
    with alone("CAR kills always") as parent:
        assert parent.stdout is not None
        pid = parent.stdout.readline().strip()
        *kinds, last = parent.stdout.readline().split()
    assert kinds == ["record"] * 30 + ["reject"] + ["record"] * 30
    assert last != pid
    assert parent.returncode == 0


def test_where_no_copy_is_granted_a_server_starts_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> int:
        raise BlockingIOError(11, "no more processes")

    monkeypatch.setattr(os, "fork", refused)
    source = TaggerSource(fakes.load, (str(tmp_path), 0.0))
    with copied(source, at_once=True):
        pool = Pool(source, workers=1, timeout=20, keep_all=False)
        try:
            assert [outcome.kind for outcome in pool.outcomes(jobs(["CAR"] * 3))] == ["record"] * 3
        finally:
            pool.close()


@pytest.mark.parametrize("title", ["CAR hangs", "CAR spins"])
def test_a_copy_leaves_with_a_parent_that_is_killed(
    alone: Callable[[str], subprocess.Popen[str]], tmp_path: Path, title: str
) -> None:
    with alone(title) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        until = time.monotonic() + 20
        while len(fakes.noted(tmp_path, "tagged")) < 31 and time.monotonic() < until:
            time.sleep(0.02)
        assert lives(pid)
        parent.kill()
    assert gone(pid)


@pytest.mark.skipif(not processes.COPIES, reason="processes of a server are started on Linux alone")
def test_two_threads_that_ask_for_the_end_of_a_worker_get_its_signal() -> None:
    process = processes.context().Process(target=time.sleep, args=(60,))
    process.start()
    with process._popen.reading:  # as while another thread reads
        process.kill()
        assert process.exitcode is None
    process.join()
    assert process.exitcode == -signal.SIGKILL


UNGUARDED = """
import sys
print("run")
from cart_nlp import tag_file
from cart_nlp.batch import processes
processes.COPIES = sys.argv[2] == "copies"
print(len(tag_file(sys.argv[1], workers=2)))
"""


@pytest.mark.parametrize("start", ["copies", "fresh"])
@pytest.mark.parametrize("given", ["file", "stdin"])
def test_a_script_needs_no_guard(tmp_path: Path, given: str, start: str) -> None:
    (tmp_path / "script.py").write_text(UNGUARDED)
    sample = Path(__file__).resolve().parents[2] / "benchmarks" / "sample" / "trials.jsonl"
    named = str(tmp_path / "script.py") if given == "file" else "-"
    done = subprocess.run(
        [sys.executable, named, str(sample), start],
        input=UNGUARDED, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "run\n33\n", "")


@pytest.mark.parametrize("start", ["copies", "fresh"])
@pytest.mark.parametrize("name", ["cart_nlp", "orjson", "random", "selectors"])
def test_nothing_of_the_current_folder_is_run(tmp_path: Path, name: str, start: str) -> None:
    (tmp_path / "script.py").write_text(UNGUARDED)
    here = tmp_path / "here"
    here.mkdir()
    (here / f"{name}.py").write_text("open('was run', 'w')\nraise RuntimeError('not ours')\n")
    sample = Path(__file__).resolve().parents[2] / "benchmarks" / "sample" / "trials.jsonl"
    done = subprocess.run(
        [sys.executable, str(tmp_path / "script.py"), str(sample), start],
        cwd=here, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "run\n33\n", "")
    assert not (here / "was run").exists()


_BESIDE = """
import beside
from cart_nlp.batch import processes
from cart_nlp.batch.jobs import TaggerSource
from cart_nlp.batch.pool import Pool
with processes.served(True, ()):
    pool = Pool(TaggerSource(beside.load), workers=1, timeout=20, keep_all=False)
    pool.warm(1, wait_for=True)
    pool.close()
"""


def test_workers_have_the_modules_that_stand_beside_the_users_script(tmp_path: Path) -> None:
    """The package itself, too: the server would else load another one, and the workers mix the two."""
    package = Path(worker.__file__).parents[1]
    (tmp_path / "cart_nlp").symlink_to(package)
    (tmp_path / "script.py").write_text(_BESIDE)
    (tmp_path / "beside.py").write_text(
        "import cart_nlp\ndef load():\n    print(cart_nlp.__file__, flush=True)\n    return print\n"
    )
    here = tmp_path / "here"
    here.mkdir()
    done = subprocess.run(
        [sys.executable, str(tmp_path / "script.py")],
        cwd=here, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    ours = str(tmp_path / "cart_nlp" / "__init__.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{ours}\n", "")


def test_a_process_that_a_system_starts_afresh_looks_for_modules_where_we_do() -> None:
    """As Windows does, which has no other way to start one."""
    with processes._on_our_path():
        code = spawn.get_command_line(pipe_handle=1)[-2]
    where = spawn.get_preparation_data("x")["sys_path"]
    assert code.startswith(f"import sys; sys.path[:] = {where!a}; from multiprocessing.spawn import ")
    assert "sys.path" not in spawn.get_command_line(pipe_handle=1)[-2]


def test_what_other_threads_start_runs_the_script_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spawn, "get_preparation_data", lambda name: {"init_main_from_path": name})
    asked: list[bool] = []

    def ask() -> None:
        asked.append("init_main_from_path" in spawn.get_preparation_data("x"))

    with processes._without_main():
        ask()
        other = threading.Thread(target=ask)
        other.start()
        other.join()
    ask()
    assert asked == [False, True, True]
