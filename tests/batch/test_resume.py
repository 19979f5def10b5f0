"""Resume: killed at any moment, a run goes on without a lost or doubled trial, to the same bytes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import batch_fakes as fakes
import pytest

from cart_nlp.batch import BatchError, Interrupted, Options, run
from cart_nlp.batch.journal import Journal
from cart_nlp.batch.pool import CHUNK

SCRIPT = """
import sys
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, {tests!r})
import batch_fakes as fakes
from cart_nlp.batch import Interrupted, Options, run
if __name__ == "__main__":
    source, out, workers, pace = sys.argv[1:5]
    options = Options((source,), out, workers=int(workers), resume="--resume" in sys.argv)
    try:
        print(run(options, fakes.parts(Path(out).parent, pace=float(pace))).tagged)
    except Interrupted as stop:
        print(stop, file=sys.stderr)
        sys.exit(130)
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "job.py"
    path.write_text(SCRIPT.format(tests=str(Path(__file__).parent)))
    return path


def start(script: Path, source: Path, out: Path, pace: float, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(script), str(source), str(out), "2", str(pace), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=Path(__file__).parents[2],
        preexec_fn=_interruptible,
    )


def _interruptible() -> None:
    """Under nohup, and in some CI, SIGINT is ignored, and a child would inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def kill_and_resume(
    script: Path, source: Path, out: Path, pace: float, moments: list[float]
) -> tuple[int, str]:
    """Kill -9 the whole group after each of these seconds, then let it end; kills that struck, output."""
    struck = 0
    for moment in moments:
        job = start(script, source, out, pace, "--resume")
        try:
            job.communicate(timeout=moment)
        except subprocess.TimeoutExpired:
            os.killpg(job.pid, signal.SIGKILL)
            job.communicate()
            struck += 1
        else:
            break
    job = start(script, source, out, pace, "--resume")
    said, errors = job.communicate(timeout=120)
    assert job.returncode == 0, errors
    return struck, said


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_killed_again_and_again_it_ends_with_the_same_bytes(
    tmp_path: Path, script: Path, suffix: str
) -> None:
    trials = [{"id": f"T{n}", "title": ["CAR of CD19", "CAR raises", "other"][n % 3]} for n in range(240)]
    source = fakes.dump(tmp_path / "in.jsonl", trials)
    whole = tmp_path / f"whole.{suffix}"
    run(Options((str(source),), str(whole)), fakes.parts(tmp_path))
    (tmp_path / "tagged").unlink()
    out = tmp_path / f"out.{suffix}"
    chance = random.Random(7)
    struck, _ = kill_and_resume(script, source, out, 0.02, [chance.uniform(0.4, 1.8) for _ in range(3)])
    assert struck >= 1
    assert out.read_bytes() == whole.read_bytes()
    first, second = (Path(f"{path}.rejects.jsonl").read_bytes() for path in (out, whole))
    assert first == second
    assert not Path(f"{out}.journal").exists()
    # Not everything was done again: at most what was under way at each kill.
    assert len(fakes.noted(tmp_path, "tagged")) < 160 * (1 + struck)


def test_every_cut_of_the_journal_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    """The file system may keep any prefix of the journal; each must be enough."""
    trials = [
        {"id": f"T{n}", "title": ["CAR CD19", "CAR raises", "x", "CAR only mentioned"][n % 4]}
        for n in range(24)
    ]
    source = fakes.dump(tmp_path / "in.jsonl", trials)
    whole = tmp_path / "whole.jsonl"
    run(Options((str(source),), str(whole), workers=0), fakes.parts(tmp_path))
    out = tmp_path / "out.jsonl"
    journal = Path(f"{out}.journal")
    resumed = Options((str(source),), str(out), workers=0, resume=True)
    content = full_journal(tmp_path, resumed)
    for cut in sorted({*range(0, len(content), 97), len(content) - 1, len(content)}):
        out.unlink(missing_ok=True)
        journal.write_bytes(content[:cut])
        summary = run(resumed, fakes.parts(tmp_path))
        assert out.read_bytes() == whole.read_bytes(), cut
        assert (summary.read, summary.screened, summary.below, summary.written, summary.rejected) == (
            24,
            6,
            6,
            6,
            6,
        )


def full_journal(tmp_path: Path, options: Options) -> bytes:
    """The journal of a run as it is when all is tagged and the output takes its place."""
    with fakes.kept_journals() as kept:
        run(options, fakes.parts(tmp_path))
    return kept[0]


def test_a_damaged_line_ends_what_counts(tmp_path: Path) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", 40)
    out = tmp_path / "out.jsonl"
    options = Options((str(source),), str(out), workers=0, resume=True)
    content = bytearray(full_journal(tmp_path, options))
    whole = out.read_bytes()
    content[len(content) // 2] ^= 1
    out.unlink()
    Path(f"{out}.journal").write_bytes(content)
    run(options, fakes.parts(tmp_path))
    assert out.read_bytes() == whole


def test_what_is_told_of_the_inputs_is_told_where_only_the_writing_was_left(tmp_path: Path) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", [{"id": f"T{n // 2}", "title": "CAR"} for n in range(4)])
    out = tmp_path / "out.jsonl"
    options = Options((str(source),), str(out), workers=0, resume=True)
    content = full_journal(tmp_path, options)
    out.unlink()
    Path(f"{out}.journal").write_bytes(content)
    notes = run(options, fakes.parts(tmp_path)).notes
    assert any(note.startswith("2 ids stand more than once") for note in notes)


def test_a_finished_run_is_not_done_again(tmp_path: Path) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", 10)
    options = Options((str(source),), str(tmp_path / "out.jsonl"), workers=0, resume=True)
    first = run(options, fakes.parts(tmp_path))
    again = run(options, fakes.parts(tmp_path))
    assert again.already
    assert again.counts() == first.counts()
    assert len(fakes.noted(tmp_path, "tagged")) == 5
    fakes.dump(source, 12)
    assert run(options, fakes.parts(tmp_path)).written == 6


@pytest.mark.parametrize("out", ["out.jsonl", "out.duckdb"])
@pytest.mark.parametrize("number", [0, 1], ids=["no rejects", "a reject"])
@pytest.mark.parametrize("lost", ["gone", "altered", "another name"])
def test_a_finished_run_is_done_again_where_its_rejects_are_not_as_asked_for(
    tmp_path: Path, lost: str, number: int, out: str
) -> None:
    trials = [{"id": "A", "title": "CAR"}] + [{"id": "", "title": "CAR without a number"}] * number
    source = fakes.dump(tmp_path / "in.jsonl", trials)
    rejects = tmp_path / "rejects.jsonl"
    options = Options((str(source),), str(tmp_path / out), workers=0, rejects=str(rejects))
    run(options, fakes.parts(tmp_path))
    left = rejects.read_bytes()
    options = replace(options, resume=True)
    assert run(options, fakes.parts(tmp_path)).already
    if lost == "gone":
        rejects.unlink()
    elif lost == "altered":
        rejects.write_bytes(b"{}\n")
    else:
        rejects = tmp_path / "others.jsonl"
        options = replace(options, rejects=str(rejects))
    assert not run(options, fakes.parts(tmp_path)).already
    assert rejects.read_bytes() == left
    assert left.count(b"\n") == number


@pytest.mark.parametrize("out", ["out.jsonl", "out.duckdb"])
def test_a_finished_run_is_done_again_where_the_rejects_beside_it_are_gone(tmp_path: Path, out: str) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", [{"id": "A", "title": "CAR"}, {"id": "", "title": "CAR"}])
    options = Options((str(source),), str(tmp_path / out), workers=0, resume=True)
    run(options, fakes.parts(tmp_path))
    assert run(options, fakes.parts(tmp_path)).already
    rejects = tmp_path / f"{out}.rejects.jsonl"
    rejects.unlink()
    assert run(options, fakes.parts(tmp_path)).rejected == 1
    assert rejects.exists()


@pytest.mark.parametrize("out", ["out.jsonl", "out.duckdb"])
def test_a_finished_run_is_done_again_where_a_file_of_rejects_is_asked_for_now(
    tmp_path: Path, out: str
) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", 10)
    options = Options((str(source),), str(tmp_path / out), workers=0, resume=True)
    run(options, fakes.parts(tmp_path))
    rejects = tmp_path / "rejects.jsonl"
    assert not run(replace(options, rejects=str(rejects)), fakes.parts(tmp_path)).already
    assert rejects.read_bytes() == b""


def test_a_journal_of_another_run_is_refused(tmp_path: Path) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", 10)
    out = tmp_path / "out.jsonl"
    content = full_journal(tmp_path, Options((str(source),), str(out), workers=0))
    Path(f"{out}.journal").write_bytes(content)
    with pytest.raises(BatchError, match=r"of a run with other options"):
        run(Options((str(source),), str(out), workers=0, resume=True, keep_all=True), fakes.parts(tmp_path))
    time.sleep(0.01)
    fakes.dump(source, 12)
    with pytest.raises(BatchError, match=r"of a run with other inputs"):
        run(Options((str(source),), str(out), workers=0, resume=True), fakes.parts(tmp_path))
    started_over = run(Options((str(source),), str(out), workers=0), fakes.parts(tmp_path))
    assert started_over.written == 6
    assert started_over.notes == [
        "an earlier run was not finished; started over (--resume would have continued it)"
    ]


def test_two_runs_of_one_output_at_a_time_are_refused(tmp_path: Path) -> None:
    holder = Journal(tmp_path / "out.jsonl.journal", {"inputs": []}, resume=False)
    source = fakes.dump(tmp_path / "in.jsonl", 10)
    with pytest.raises(BatchError, match="is in use"):
        run(Options((str(source),), str(tmp_path / "out.jsonl"), workers=0), fakes.parts(tmp_path))
    holder.remove()


def test_what_is_no_file_cannot_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(BatchError, match="-: cannot be resumed"):
        run(Options(("-",), str(tmp_path / "out.jsonl"), resume=True), fakes.parts(tmp_path))


def test_an_interrupt_leaves_one_line_and_a_journal(tmp_path: Path, script: Path) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", 2_000)
    out = tmp_path / "out.jsonl"
    job = start(script, source, out, 0.02)
    waited = time.monotonic()
    while len(fakes.noted(tmp_path, "tagged")) < 3 * CHUNK and time.monotonic() - waited < 60:
        time.sleep(0.05)  # what a worker is at is not in the journal, and each of the two is at a chunk
    os.killpg(job.pid, signal.SIGINT)
    _, errors = job.communicate(timeout=30)
    assert job.returncode == 130
    assert errors.count("\n") == 1
    assert "--resume with the same arguments goes on from there" in errors
    assert not out.exists()
    assert Path(f"{out}.journal").exists()
    done = [int(pid) for pid in fakes.noted(tmp_path, "loads")]
    assert not any(b"spawn" in command_line(pid) for pid in done)


def command_line(pid: int) -> bytes:
    """How a process was started, nothing if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def test_an_interrupt_while_reading_is_told_as_such(tmp_path: Path) -> None:
    def stopped(source: str, report: object) -> object:
        yield from list(fakes.read(source, print))[:4]
        raise KeyboardInterrupt

    source = fakes.dump(tmp_path / "in.jsonl", 10)
    parts = fakes.parts(tmp_path)
    options = Options((str(source),), str(tmp_path / "out.jsonl"), workers=0)
    with pytest.raises(Interrupted, match="interrupted after 3 records"):
        run(options, type(parts)(parts.source, parts.hits, stopped, parts.today))  # type: ignore[arg-type]


def test_an_interrupted_pipe_is_not_said_to_go_on(tmp_path: Path) -> None:
    def stopped(source: str, report: object) -> object:
        yield from list(fakes.read(str(tmp_path / "in.jsonl"), print))[:4]
        raise KeyboardInterrupt

    fakes.dump(tmp_path / "in.jsonl", 10)
    parts = fakes.parts(tmp_path)
    options = Options(("-",), str(tmp_path / "out.jsonl"), workers=0)
    with pytest.raises(Interrupted, match="what came through a pipe cannot be resumed"):
        run(options, type(parts)(parts.source, parts.hits, stopped, parts.today))  # type: ignore[arg-type]
