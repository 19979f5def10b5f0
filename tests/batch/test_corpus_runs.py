"""On real registry text: workers change no byte, killed runs resume, the screen loses no CAR trial."""

from __future__ import annotations

import gzip
import os
import random
import re
import signal
import subprocess
import sys
import time
from functools import partial
from itertools import islice
from pathlib import Path

import orjson
import pytest

from cart_nlp import lexicon
from cart_nlp.batch import Options, run
from cart_nlp.pipeline import load, tag_trial
from cart_nlp.registries.general.native import parse
from cart_nlp.screening import Screen

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
pytestmark = [
    pytest.mark.corpus,
    pytest.mark.slow,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="needs the registry text in ../shared/corpus"),
]
BROAD = re.compile(
    rb"\bcars?\b|\bcart|car-t|\dcar|chimeric|redirect|genetically|engineered|transduced|gene.?modif|designer|t.bod"
    rb"|zetakine|leucel|CTL019|KTE|JCAR|specific t|t.cells? (?:specific|express|direct|target)",
    re.IGNORECASE,
)
"""Far wider than the screen: what a trial could say that the pipeline takes for a CAR."""
EVERY = 4


@pytest.fixture(scope="module")
def car_trials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every fourth of the CAR trials and neighbors."""
    path = tmp_path_factory.mktemp("corpus") / "car.jsonl"
    with gzip.open(CORPUS / "car-trials.jsonl.gz") as source:
        path.write_bytes(b"".join(list(source)[::EVERY]))
    return path


@pytest.fixture(scope="module")
def whole(car_trials: Path) -> bytes:
    """What one worker writes of them."""
    out = car_trials.with_name("one.jsonl")
    summary = run(Options((str(car_trials),), str(out)))
    assert summary.written > 200
    assert summary.rejected == 0
    return out.read_bytes()


def test_two_workers_and_none_write_the_bytes_of_one(car_trials: Path, whole: bytes) -> None:
    for workers in (0, 2):
        out = car_trials.with_name(f"workers{workers}.jsonl")
        run(Options((str(car_trials),), str(out), workers=workers))
        assert out.read_bytes() == whole


def test_killed_at_random_moments_it_resumes_to_the_same_bytes(car_trials: Path, whole: bytes) -> None:
    out = car_trials.with_name("killed.jsonl")
    command = [sys.executable, "-c", "from cart_nlp.cli import main; main()"]
    command += ["tag", str(car_trials), "-o", str(out), "--workers", "2", "--resume"]
    chance = random.Random(11)
    struck = 0
    for share in sorted(chance.uniform(0.05, 0.9) for _ in range(3)):
        job = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
        journal = out.with_name(out.name + ".journal")
        while job.poll() is None and not (journal.exists() and journal.stat().st_size > share * len(whole)):
            time.sleep(0.005)
        if job.poll() is None:
            os.killpg(job.pid, signal.SIGKILL)
            struck += 1
        job.communicate()
    assert struck >= 1
    done = subprocess.run(command, capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert out.read_bytes() == whole


def test_the_screen_lets_every_trial_through_that_the_pipeline_would_include() -> None:
    tagger = partial(tag_trial, load())
    screens = [Screen(lexicon.load(), engine) for engine in ("hyperscan", "ahocorasick")]
    lost = []
    with gzip.open(CORPUS / "registry-dump.jsonl.gz") as source:
        lines = [line for line in islice(source, 0, None, EVERY) if BROAD.search(line)]
    with gzip.open(CORPUS / "car-trials.jsonl.gz") as source:
        lines += list(source)
    assert len(lines) > 1_500
    for line in lines:
        found = {screen.hits(line) for screen in screens}
        assert len(found) == 1, "the engines differ"
        if found == {False}:
            record = tagger(parse(orjson.loads(line)))
            if record.car_trial in ("product", "related"):
                lost.append(record.trial_id)
    assert lost == []


def test_the_screen_lets_every_gold_include_through() -> None:
    hits = Screen(lexicon.load()).hits
    with (CORPUS / "gold-dev.jsonl").open("rb") as lines:
        gold = [orjson.loads(line) for line in lines]
    included = [entry for entry in gold if entry["labels"]["car_trial"] in ("product", "related")]
    assert len(included) > 200
    assert [entry["id"] for entry in included if not hits(orjson.dumps(entry["trial"]))] == []
