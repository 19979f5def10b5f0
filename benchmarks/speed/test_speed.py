"""Speed and memory, each beside its anchor measured in the same run; `report.py` makes the table.

Run with `python -m pytest benchmarks/speed --benchmark-json=FILE`. Every benchmark names its row and its
anchor in `extra_info`.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from conftest import Watched, watched

from cart_nlp.lean import settle

SIZES = (5_000, 10_000, 25_000, 50_000)
COPIES = 12
"""Times the dump is repeated, under other ids: some 600,000 trials, as many as ClinicalTrials.gov has."""


def tag(benchmark: Any, source: Path, out: Path, *more: str, rounds: int = 2, memory: bool = False) -> None:
    def fresh() -> None:
        for path in out.parent.glob(f"{out.name}*"):
            path.unlink()

    found = benchmark.pedantic(
        lambda: watched("tag", str(source), "-o", str(out), *more, watch_memory=memory),
        setup=fresh if "--keep" not in more else None,
        rounds=rounds,
    )
    if memory:
        benchmark.extra_info |= {"parent_mb": found.parent_mb, "worker_mb": found.worker_mb}
    benchmark.extra_info["cpu"] = found.cpu
    run = json.loads(Path(f"{out}.run.json").read_text())
    benchmark.extra_info["counts"] = run["counts"]


Work = Callable[[Any], object]


def by_turns(
    benchmark: Any,
    items: list[Any],
    size: int,
    rounds: int,
    fresh: Callable[[], dict[str, Work]],
    processor: bool = False,
) -> None:
    """Time several ways to do the same, `size` items each in turn, all items in each round.

    With `processor`, of commands that were watched, one a turn, by the processor time of their processes.

    A machine that slows down then favors none of them: `extra_info` has the seconds of each way in each
    round, and a ratio is the median over the rounds.
    """
    seconds: dict[str, list[float]] = {}

    def run(ways: dict[str, Work]) -> None:
        spent = dict.fromkeys(ways, 0.0)
        for at in range(0, len(items), size):
            turn = items[at : at + size]
            for name, work in ways.items():
                start = time.perf_counter()
                for item in turn:
                    done = work(item)
                spent[name] += done.cpu if processor else time.perf_counter() - start  # type: ignore[attr-defined]
        for name, taken in spent.items():
            seconds.setdefault(name, []).append(taken)

    benchmark.pedantic(run, setup=lambda: ((fresh(),), {}), rounds=rounds)
    benchmark.extra_info["turns"] = seconds


def test_screening(benchmark: Any, lines: list[bytes]) -> None:
    from cart_nlp import lexicon
    from cart_nlp.screening import Screen

    known = lexicon.load()
    ways: dict[str, Work] = {"orjson": orjson.loads}
    for engine in ("hyperscan", "ahocorasick"):
        if engine == "ahocorasick" or importlib.util.find_spec("hyperscan"):
            ways[f"screening-{engine}"] = Screen(known, engine).hits  # type: ignore[arg-type]
    benchmark.extra_info["row"] = "screening"
    by_turns(benchmark, lines, 2_000, 7, lambda: ways)


def test_whole_job_one_worker(benchmark: Any, dump: Path, folder: Path) -> None:
    benchmark.extra_info["row"] = "whole-1"
    tag(benchmark, dump, folder / "whole1.jsonl", "--workers", "1", rounds=3)


def test_whole_job_two_workers(benchmark: Any, dump: Path, folder: Path) -> None:
    benchmark.extra_info["row"] = "whole-2"
    tag(benchmark, dump, folder / "whole2.jsonl", "--workers", "2", rounds=3)


def test_start_up(benchmark: Any, lines: list[bytes], folder: Path) -> None:
    """The whole command on a single CAR trial: start-up is all there is."""
    source = folder / "one.jsonl"
    source.write_bytes(b'{"id": "NCT00000001", "brief_title": "CD19 CAR-T cells in lymphoma"}\n')
    benchmark.extra_info["row"] = "start-up"
    tag(benchmark, source, folder / "one.out.jsonl", rounds=3)


def test_help(benchmark: Any) -> None:
    benchmark.extra_info["row"] = "help"
    benchmark.pedantic(lambda: watched("--help"), rounds=5)


def _car_trials(car_lines: list[bytes], count: int) -> list[Any]:
    from cart_nlp.registries.general.native import parse

    return [parse(orjson.loads(line)) for line in car_lines[:count]]


WARM, MEASURED = 300, 700
"""Trials that a fresh pipeline sees first, and those that are timed: in a stream no text comes twice."""


@pytest.fixture
def settled() -> Iterator[Callable[[], None]]:
    """What a worker does with its garbage collector once it has loaded; undone after the test."""
    before = gc.get_threshold()
    yield settle
    gc.unfreeze()
    gc.set_threshold(*before)


def test_pipeline_on_car_trials(benchmark: Any, car_lines: list[bytes], settled: Callable[[], None]) -> None:
    """The full pipeline up to the record, and tokenization alone; one core."""
    import spacy

    from cart_nlp.pipeline import load, tag_trial

    trials = _car_trials(car_lines, WARM + MEASURED)
    text_of = {trial.id: "\n\n".join(trial.sections.values()) for trial in trials}

    def fresh() -> dict[str, Work]:
        blank, nlp = spacy.blank("en"), load()
        ways: dict[str, Work] = {
            "tokenize": lambda trial: blank.make_doc(text_of[trial.id]),
            "tag": lambda trial: tag_trial(nlp, trial),
        }
        for trial in trials[:WARM]:
            for work in ways.values():
                work(trial)
        settled()
        return ways

    benchmark.extra_info["row"] = "pipeline"
    by_turns(benchmark, trials[WARM:], 50, 7, fresh)


def test_loaded_workers_on_car_trials(benchmark: Any, car_lines: list[bytes], folder: Path) -> None:
    """What one worker and two do once they have loaded: a long run is this alone."""
    from cart_nlp.batch import Options
    from cart_nlp.batch.jobs import job
    from cart_nlp.batch.pool import Pool
    from cart_nlp.batch.running import real_parts
    from cart_nlp.registries import Entry, read

    source = folder / "loaded.jsonl"
    source.write_bytes(b"".join(car_lines))
    entries = [entry for entry in read(str(source)) if isinstance(entry, Entry)]
    parts = real_parts(Options((str(source),), "unused.jsonl"))
    pools: list[Pool] = []

    def fresh() -> dict[str, Work]:
        while pools:
            pools.pop().close()
        ways: dict[str, Work] = {}
        for workers in (1, 2):
            pool = Pool(parts.source, workers=workers, timeout=120.0, keep_all=False)
            pools.append(pool)
            pool.warm(workers, wait_for=True)
            ways[f"loaded-{workers}"] = lambda half, pool=pool: sum(
                1 for _ in pool.outcomes(job(number, entry) for number, entry in enumerate(half))
            )
            ways[f"loaded-{workers}"](entries[: 2 * WARM])
        return ways

    benchmark.extra_info["row"] = "loaded"
    by_turns(benchmark, [entries[:1_250], entries[1_250:]], 1, 5, fresh)
    for pool in pools:
        pool.close()


def _whole(source: Path, out: Path, *more: str) -> Work:
    """The whole command, its output made anew."""

    def work(_: Any) -> Watched:
        for path in out.parent.glob(f"{out.name}*"):
            path.unlink()
        return watched("tag", str(source), "-o", str(out), *more)

    return work


def test_workers_on_car_trials(benchmark: Any, car_lines: list[bytes], folder: Path) -> None:
    source = folder / "car.jsonl"
    source.write_bytes(b"".join(car_lines))
    ways = {
        f"car-{workers}": _whole(source, folder / f"car{workers}.jsonl", "--workers", str(workers))
        for workers in (1, 2)
    }
    benchmark.extra_info["row"] = "car"
    by_turns(benchmark, [source], 1, 4, lambda: ways)
    assert (folder / "car1.jsonl").read_bytes() == (folder / "car2.jsonl").read_bytes()


@pytest.fixture(scope="module")
def registry(lines: list[bytes], folder: Path) -> Path:
    """A dump as large as a whole registry."""
    path = folder / "registry.jsonl"
    with path.open("wb") as target:
        for copy in range(COPIES):
            end = b'-%d"' % copy
            for line in lines:
                head, quote, rest = line.partition(b'", ')  # after the id, the first of its fields
                target.write(head + end + quote[1:] + rest + b"\n")
    return path


def test_all_of_a_registry(benchmark: Any, registry: Path, folder: Path) -> None:
    """The whole command on two workers, and its stream alone, beside orjson's parse of the same lines.

    Every text stands there twelve times, so that some 5,500 trials are tagged: what reading and screening
    cost is told apart from that.
    """
    from cart_nlp import lexicon
    from cart_nlp.registries import Entry, read
    from cart_nlp.screening import Screen

    hits = Screen(lexicon.load()).hits

    def stream(_: Any) -> None:
        for entry in read(str(registry)):
            if isinstance(entry, Entry):
                hits(entry.text)

    def parse(_: Any) -> None:
        with registry.open("rb") as source:
            for line in source:
                orjson.loads(line)

    whole = _whole(registry, folder / "registry.out.jsonl", "--workers", "2")
    benchmark.extra_info["row"] = "registry"
    ways = {"registry-parse": parse, "registry-stream": stream, "registry-whole": whole}
    by_turns(benchmark, [registry], 1, 2, lambda: ways)
    run = json.loads((folder / "registry.out.jsonl.run.json").read_text())
    assert run["counts"]["read"] > 600_000


def test_memory_on_a_registry(benchmark: Any, registry: Path, folder: Path) -> None:
    benchmark.extra_info["row"] = "memory-600000"
    tag(benchmark, registry, folder / "memory600000.out.jsonl", rounds=1, memory=True)


@pytest.mark.parametrize("dump_of", ["dump", "registry"])
def test_night(benchmark: Any, request: pytest.FixtureRequest, folder: Path, dump_of: str) -> None:
    """A store's first run, and one over the same dump with one record in a hundred more."""
    new = request.getfixturevalue(dump_of)
    old = folder / f"evening-{dump_of}.jsonl"
    with new.open("rb") as source, old.open("wb") as target:
        target.writelines(line for number, line in enumerate(source) if number % 100 != 50)
    out = folder / f"night-{dump_of}.duckdb"

    def second(_: Any) -> Watched:
        return watched("tag", str(new), "-o", str(out))

    benchmark.extra_info["row"] = f"night-{dump_of}"
    ways = {f"night-{dump_of}-first": _whole(old, out), f"night-{dump_of}-second": second}
    by_turns(benchmark, [new], 1, 2 if dump_of == "dump" else 1, lambda: ways, processor=True)


@pytest.mark.parametrize("size", [5_000, 50_500])
def test_memory(benchmark: Any, lines: list[bytes], folder: Path, size: int) -> None:
    source = folder / f"memory{size}.jsonl"
    source.write_bytes(b"\n".join(lines[:size]) + b"\n")
    benchmark.extra_info["row"] = f"memory-{size}"
    tag(benchmark, source, folder / f"memory{size}.out.jsonl", rounds=1, memory=True)


@pytest.mark.parametrize("run", [1, 2])
def test_store(benchmark: Any, dump: Path, folder: Path, run: int) -> None:
    out = folder / "store.duckdb"
    benchmark.extra_info["row"] = f"store-{run}"
    if run == 1:
        tag(benchmark, dump, out, rounds=1)
        return
    benchmark.pedantic(lambda: watched("tag", str(dump), "-o", str(out)), rounds=2)
    found = json.loads(Path(f"{out}.run.json").read_text())["counts"]
    benchmark.extra_info["counts"] = found
    assert found["retagged"] == 0


def test_store_with_a_longer_dump(benchmark: Any, dump: Path, folder: Path) -> None:
    """One more record that names no CAR: all is read and compared, nothing is tagged."""
    source = folder / "longer.jsonl"
    source.write_bytes(dump.read_bytes() + b'{"id": "NCT00000002", "brief_title": "Aspirin"}\n')
    out = folder / "store.duckdb"
    benchmark.extra_info["row"] = "store-3"
    benchmark.pedantic(lambda: watched("tag", str(source), "-o", str(out)), rounds=1)
    assert json.loads(Path(f"{out}.run.json").read_text())["counts"]["retagged"] == 0


def test_growth(benchmark: Any, lines: list[bytes], folder: Path) -> None:
    ways = {}
    for size in SIZES:
        source = folder / f"growth{size}.jsonl"
        step = len(lines) / size
        source.write_bytes(b"\n".join(lines[int(n * step)] for n in range(size)) + b"\n")
        ways[f"growth-{size}"] = _whole(source, folder / f"growth{size}.out.jsonl")
    benchmark.extra_info["row"] = "growth"
    by_turns(benchmark, [SIZES], 1, 4, lambda: ways)
