"""Speed and memory, each beside its anchor measured in the same run; `report.py` makes the table.

Run with `python -m pytest benchmarks/speed --benchmark-json=FILE`. Every benchmark names its row and its
anchor in `extra_info`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from conftest import watched

SIZES = (5_000, 10_000, 25_000, 50_000)


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


@pytest.fixture(scope="session")
def nlp() -> Any:
    from cart_nlp import load

    return load()


def test_orjson_parse(benchmark: Any, lines: list[bytes]) -> None:
    benchmark.extra_info["row"] = "orjson"
    benchmark.pedantic(lambda: [None for line in lines if not orjson.loads(line)], rounds=7)


@pytest.mark.parametrize("engine", ["hyperscan", "ahocorasick"])
def test_screening(benchmark: Any, lines: list[bytes], engine: str) -> None:
    from cart_nlp import lexicon
    from cart_nlp.screening import Screen

    if engine == "hyperscan":
        pytest.importorskip("hyperscan")
    hits = Screen(lexicon.load(), engine).hits  # type: ignore[arg-type]
    benchmark.extra_info["row"] = f"screening-{engine}"
    benchmark.extra_info["candidates"] = benchmark.pedantic(lambda: sum(map(hits, lines)), rounds=7)


def test_orjson_parse_again(benchmark: Any, lines: list[bytes]) -> None:
    """Before and after the screening: a machine that slows down must not favor either."""
    benchmark.extra_info["row"] = "orjson"
    benchmark.pedantic(lambda: [None for line in lines if not orjson.loads(line)], rounds=7)


def test_whole_job_one_worker(benchmark: Any, dump: Path, folder: Path) -> None:
    benchmark.extra_info["row"] = "whole-1"
    tag(benchmark, dump, folder / "whole1.jsonl", rounds=3)


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
    from cart_nlp.registries.native import parse

    return [parse(orjson.loads(line)) for line in car_lines[:count]]


WARM, MEASURED = 300, 700
"""Trials that a fresh pipeline sees first, and those that are timed: in a stream no text comes twice."""


def test_tokenization_of_car_trials(benchmark: Any, car_lines: list[bytes]) -> None:
    import spacy

    texts = ["\n\n".join(t.sections.values()) for t in _car_trials(car_lines, WARM + MEASURED)]

    def fresh() -> tuple[tuple[Any], dict[str, Any]]:
        blank = spacy.blank("en")
        for text in texts[:WARM]:
            blank.make_doc(text)
        return (blank,), {}

    benchmark.extra_info["row"] = "tokenize"
    benchmark.pedantic(
        lambda blank: sum(len(blank.make_doc(text)) for text in texts[WARM:]), setup=fresh, rounds=5
    )


def test_tagging_of_car_trials(benchmark: Any, car_lines: list[bytes]) -> None:
    from cart_nlp.pipeline import TrialTagger, load

    trials = _car_trials(car_lines, WARM + MEASURED)

    def fresh() -> tuple[tuple[Any], dict[str, Any]]:
        tagger = TrialTagger(load())
        for trial in trials[:WARM]:
            tagger.tag(trial)
        return (tagger,), {}

    benchmark.extra_info["row"] = "tag"
    benchmark.pedantic(
        lambda tagger: [tagger.tag(trial).trial_id for trial in trials[WARM:]], setup=fresh, rounds=5
    )


def test_docs_of_car_trials(benchmark: Any, car_lines: list[bytes]) -> None:
    """The same through spaCy, for those who want a Doc: tokens and spans on top."""
    from cart_nlp.pipeline import load, make_doc

    trials = _car_trials(car_lines, WARM + MEASURED)

    def fresh() -> tuple[tuple[Any], dict[str, Any]]:
        nlp = load()
        for trial in trials[:WARM]:
            nlp(make_doc(nlp, trial))
        return (nlp,), {}

    benchmark.extra_info["row"] = "docs"
    benchmark.pedantic(
        lambda nlp: sum(len(nlp(make_doc(nlp, trial))) for trial in trials[WARM:]), setup=fresh, rounds=5
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_loaded_workers_on_car_trials(
    benchmark: Any, car_lines: list[bytes], folder: Path, workers: int
) -> None:
    """What the workers do once they have loaded: a long run is this alone."""
    from cart_nlp.batch import Options
    from cart_nlp.batch.jobs import job
    from cart_nlp.batch.pool import Pool
    from cart_nlp.batch.running import real_parts
    from cart_nlp.registries import Entry, read

    source = folder / "loaded.jsonl"
    source.write_bytes(b"".join(car_lines))
    entries = [entry for entry in read(str(source)) if isinstance(entry, Entry)]
    parts = real_parts(Options((str(source),), "unused.jsonl"))

    def loaded() -> tuple[tuple[Any], dict[str, Any]]:
        pool = Pool(parts.source, workers=workers, timeout=120.0, keep_all=False)
        pool.warm(workers, wait=True)
        for _ in pool.outcomes(job(number, entry) for number, entry in enumerate(entries[: 2 * WARM])):
            pass
        return (pool,), {}

    def run(pool: Pool) -> None:
        for _ in pool.outcomes(job(number, entry) for number, entry in enumerate(entries)):
            pass
        pool.close()

    benchmark.extra_info["row"] = f"loaded-{workers}"
    benchmark.pedantic(run, setup=loaded, rounds=4)


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_on_car_trials(benchmark: Any, car_lines: list[bytes], folder: Path, workers: int) -> None:
    source = folder / "car.jsonl"
    source.write_bytes(b"".join(car_lines))
    benchmark.extra_info["row"] = f"car-{workers}"
    tag(benchmark, source, folder / f"car{workers}.jsonl", "--workers", str(workers))
    if workers == 2:
        assert (folder / "car1.jsonl").read_bytes() == (folder / "car2.jsonl").read_bytes()


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


@pytest.mark.parametrize("size", SIZES)
def test_growth(benchmark: Any, lines: list[bytes], folder: Path, size: int) -> None:
    source = folder / f"growth{size}.jsonl"
    step = len(lines) / size
    source.write_bytes(b"\n".join(lines[int(n * step)] for n in range(size)) + b"\n")
    benchmark.extra_info |= {"row": f"growth-{size}", "size": size}
    tag(benchmark, source, folder / f"growth{size}.out.jsonl", rounds=2)
