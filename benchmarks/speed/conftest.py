"""What the speed benchmarks measure on: the real dump, and processes watched from outside."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
SHARE = 10
"""Pipelines that read everything see every tenth trial; the report multiplies."""


@dataclass(frozen=True)
class Watched:
    """A command that was run: wall and processor seconds of all its processes, peak resident megabytes of its
    first process and of the largest of those below it, and what it said."""

    seconds: float
    cpu: float
    parent_mb: float
    worker_mb: float
    said: str


def _peak_mb(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next(
        (int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0.0
    )


def _family(pid: int) -> list[int]:
    """The processes below one: workers are copies of a server, which is the child."""
    try:
        found = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [*found, *(below for child in found for below in _family(child))]


def watched(*arguments: str, watch_memory: bool = False) -> Watched:
    """Run `cart-nlp` with these arguments to its end; memory is looked at 20 times a second if asked for."""
    command = [sys.executable, "-c", "from cart_nlp.cli import main; main()", *arguments]
    start = time.perf_counter()
    parent = worker = 0.0
    with tempfile.TemporaryFile("w+") as errors:
        job = subprocess.Popen(command, stderr=errors, stdout=subprocess.DEVNULL)
        pid = 0
        while pid == 0:
            if watch_memory:
                parent = max(parent, _peak_mb(job.pid))
                worker = max([worker, *map(_peak_mb, _family(job.pid))])
                time.sleep(0.05)
            pid, status, usage = os.wait4(job.pid, os.WNOHANG if watch_memory else 0)
        seconds = time.perf_counter() - start
        job.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        said = errors.read()
    assert job.returncode in (0, 1), said
    return Watched(seconds, usage.ru_utime + usage.ru_stime, parent, worker, said)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("speed")


@pytest.fixture(scope="session")
def dump(folder: Path) -> Path:
    """The dump as plain JSON lines."""
    packed = CORPUS / "registry-dump.jsonl.gz"
    if not packed.is_file():
        pytest.skip("needs ../shared/corpus/registry-dump.jsonl.gz")
    plain = folder / "dump.jsonl"
    with gzip.open(packed) as source, plain.open("wb") as target:
        shutil.copyfileobj(source, target)
    return plain


@pytest.fixture(scope="session")
def lines(dump: Path) -> list[bytes]:
    return dump.read_bytes().splitlines()


@pytest.fixture(scope="session")
def sample(lines: list[bytes]) -> list[bytes]:
    """The records that our pipeline and the anchors are all given."""
    return lines[::SHARE]


@pytest.fixture(scope="session")
def texts(sample: list[bytes]) -> list[str]:
    """The text of each record of the sample: what an anchor reads."""
    trials = [json.loads(line) for line in sample]
    return [" ".join(value for value in trial.values() if isinstance(value, str)) for trial in trials]


@pytest.fixture(scope="session")
def terms() -> dict[str, list[str]]:
    """Label -> terms of the lexicons, the same for every anchor."""
    from cart_nlp import lexicon

    pairs = {(term.concept.label.upper(), term.text) for term in lexicon.load().terms}
    pairs |= {("CAR", word) for word in ("CAR-T", "CAR T", "chimeric antigen receptor", "CART")}
    found: dict[str, list[str]] = {}
    for label, text in sorted(pairs):
        found.setdefault(label, []).append(text)
    return found


@pytest.fixture(scope="session")
def car_lines() -> list[bytes]:
    """2,500 CAR trials: the unlabeled ones, repeated under new ids."""
    packed = CORPUS / "car-trials.jsonl.gz"
    if not packed.is_file():
        pytest.skip("needs ../shared/corpus/car-trials.jsonl.gz")
    with gzip.open(packed) as source:
        trials = [json.loads(line) for line in source]
    made = []
    for number in range(2_500):
        trial = dict(trials[number % len(trials)])
        trial["id"] = f"{trial['id']}-{number}"
        made.append(json.dumps(trial).encode() + b"\n")
    return made
