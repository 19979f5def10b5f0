"""The stream: counts add up, order and bytes do not depend on the workers, bad records do not stop it."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import batch_fakes as fakes
import pytest

from cart_nlp.batch import BatchError, Options, Summary, run
from cart_nlp.registries.entry import Entry
from cart_nlp.writers import OutputError


def options(tmp_path: Path, source: Path | str, out: str = "out.jsonl", **more: Any) -> Options:
    return Options((str(source),), str(tmp_path / out), **more)


def adds_up(summary: Summary) -> bool:
    return summary.read == (
        summary.screened + summary.below + summary.written + summary.merged + summary.rejected
    )


def ids(path: Path) -> list[str]:
    return [json.loads(line)["trial_id"] for line in path.read_text().splitlines()]


def rejects(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_counts_add_up_over_every_kind_of_record(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    lines = [
        '{"id": "A", "title": "CAR of CD19"}',
        '{"id": "B", "title": "nothing of the kind"}',
        '{"id": "C", "title": "CAR only mentioned"}',
        '{"id": "", "title": "CAR without id"}',
        "not json",
        '{"id": "D", "title": "CAR raises"}',
        '{"id": "E", "title": "CAR of CD22"}',
    ]
    source.write_text("\n".join(lines) + "\n")
    summary = run(options(tmp_path, source), fakes.parts(tmp_path))
    assert (summary.read, summary.screened, summary.below, summary.written, summary.rejected) == (
        7,
        1,
        1,
        2,
        3,
    )
    assert adds_up(summary)
    assert summary.exit_code == 1
    assert ids(tmp_path / "out.jsonl") == ["A", "E"]
    assert rejects(tmp_path / "out.jsonl.rejects.jsonl") == [
        {"source": str(source), "place": "line 4", "id": None, "reason": "record without an id"},
        {"source": str(source), "place": "line 5", "id": None, "reason": "not JSON"},
        {
            "source": str(source),
            "place": "line 6",
            "id": "D",
            "reason": "the tagger failed on it: ValueError: bad luck over two lines",
        },
    ]


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet", "xlsx"])
def test_the_number_of_workers_changes_no_byte(tmp_path: Path, suffix: str) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", 300)
    made = []
    for workers in (0, 1, 2):
        run(
            options(tmp_path, source, f"out{workers}.{suffix}", workers=workers),
            fakes.parts(tmp_path, pace=0.001),
        )
        made.append((tmp_path / f"out{workers}.{suffix}").read_bytes())
    assert made[0] == made[1] == made[2]
    assert len(made[0]) > 1_000


def test_two_workers_share_the_work(tmp_path: Path) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", 600)
    run(options(tmp_path, source, workers=2), fakes.parts(tmp_path, pace=0.005))
    tagged = fakes.noted(tmp_path, "tagged")
    assert len(tagged) == 300
    assert len(set(tagged)) == 2
    assert sorted(fakes.noted(tmp_path, "loads")) == sorted(set(tagged))


def test_a_small_input_starts_one_worker_only(tmp_path: Path) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", 10)
    run(options(tmp_path, source, workers=4), fakes.parts(tmp_path))
    assert len(fakes.noted(tmp_path, "loads")) == 1


@pytest.mark.parametrize(("records", "workers"), [(300, 1), (1_800, 3)])
def test_workers_that_nobody_asked_for_start_where_much_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, records: int, workers: int
) -> None:
    monkeypatch.setattr("cart_nlp.batch.pool._processors", lambda: 3)
    monkeypatch.setattr("cart_nlp.batch.pool.WORTH", 16)
    source = fakes.dump(tmp_path / "in.jsonl", records)
    run(options(tmp_path, source, workers=None), fakes.parts(tmp_path, pace=0.005))
    assert len(fakes.noted(tmp_path, "loads")) == workers


@pytest.mark.parametrize("workers", [1, 2])
def test_a_record_that_kills_its_worker_is_rejected_and_the_rest_goes_on(
    tmp_path: Path, workers: int
) -> None:
    trials = [{"id": f"T{n}", "title": f"CAR {n}"} for n in range(40)]
    trials[5]["title"] = "CAR kills always"
    trials[20]["title"] = "CAR exits"
    source = fakes.dump(tmp_path / "in.jsonl", trials)
    summary = run(options(tmp_path, source, workers=workers), fakes.parts(tmp_path))
    assert (summary.written, summary.rejected) == (38, 2)
    assert adds_up(summary)
    assert ids(tmp_path / "out.jsonl") == [f"T{n}" for n in range(40) if n not in (5, 20)]
    assert [line["reason"] for line in rejects(tmp_path / "out.jsonl.rejects.jsonl")] == [
        "tagging it ended the worker process (SIGKILL), twice",
        "tagging it ended the worker process (exit code 3), twice",
    ]


def test_a_worker_killed_once_costs_no_record(tmp_path: Path) -> None:
    trials = [{"id": f"T{n}", "title": "CAR kills once" if n % 10 == 3 else "CAR"} for n in range(40)]
    source = fakes.dump(tmp_path / "in.jsonl", trials)
    summary = run(options(tmp_path, source, workers=2), fakes.parts(tmp_path))
    assert (summary.written, summary.rejected) == (40, 0)
    assert ids(tmp_path / "out.jsonl") == [f"T{n}" for n in range(40)]


def test_a_record_that_takes_too_long_is_rejected(tmp_path: Path) -> None:
    trials = [{"id": f"T{n}", "title": "CAR hangs" if n == 3 else "CAR"} for n in range(12)]
    source = fakes.dump(tmp_path / "in.jsonl", trials)
    before = time.monotonic()
    summary = run(options(tmp_path, source, timeout=0.5), fakes.parts(tmp_path))
    assert time.monotonic() - before < 40
    assert (summary.written, summary.rejected) == (11, 1)
    (line,) = rejects(tmp_path / "out.jsonl.rejects.jsonl")
    assert line["reason"] == "tagging it took longer than 0.5 s, twice"


def test_a_tagger_that_cannot_be_loaded_ends_the_run_with_its_reason(tmp_path: Path) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", 10)
    with pytest.raises(BatchError, match="cannot be loaded: OSError: no model there"):
        run(options(tmp_path, source), fakes.parts(tmp_path, loader=fakes.refuse))
    assert not (tmp_path / "out.jsonl").exists()


def test_workers_that_die_while_they_load_end_the_run(tmp_path: Path) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", 10)
    with pytest.raises(BatchError, match="3 workers in a row failed to load"):
        run(options(tmp_path, source), fakes.parts(tmp_path, loader=fakes.die_loading))


def test_a_parser_that_cannot_be_pickled_is_called_in_this_process(tmp_path: Path) -> None:
    def read(source: str, report: Any) -> Any:
        for entry in fakes.read(source, report):
            assert isinstance(entry, Entry)
            yield entry._replace(parse=lambda line: fakes.parse(line))

    trials = [{"id": "" if n == 4 else f"T{n}", "title": "CAR"} for n in range(20)]
    source = fakes.dump(tmp_path / "in.jsonl", trials)
    summary = run(options(tmp_path, source), replace(fakes.parts(tmp_path), reader=read))
    assert (summary.written, summary.rejected) == (19, 1)
    assert ids(tmp_path / "out.jsonl") == [f"T{n}" for n in range(20) if n != 4]


def test_one_unreadable_input_does_not_stop_the_others(tmp_path: Path) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", 10)
    both = Options((str(tmp_path / "none.jsonl"), str(source)), str(tmp_path / "out.jsonl"))
    summary = run(both, fakes.parts(tmp_path))
    assert summary.faults == [f"{tmp_path / 'none.jsonl'}: no such file"]
    assert summary.exit_code == 2
    assert summary.written == 5


def test_nothing_is_written_when_no_input_can_be_read(tmp_path: Path) -> None:
    summary = run(options(tmp_path, tmp_path / "none.jsonl"), fakes.parts(tmp_path))
    assert summary.exit_code == 2
    assert summary.files == []
    assert list(tmp_path.glob("out*")) == []


def test_an_output_that_cannot_be_is_refused_before_any_work(tmp_path: Path) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", 10)
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "pipe.csv").symlink_to("/dev/null")
    for out, said in (
        ("out.xml", "no format of that suffix"),
        ("folder.csv", "is a directory"),
        ("missing/out.csv", "there is no folder"),
        ("in.jsonl", "is an input as well"),
        ("pipe.csv", "is not a regular file"),
    ):
        with pytest.raises(OutputError, match=said):
            run(options(tmp_path, source, out), fakes.parts(tmp_path))
    assert fakes.noted(tmp_path, "loads") == []


def test_rejects_of_an_earlier_run_do_not_stay(tmp_path: Path) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", [{"id": "A", "title": "CAR raises"}])
    run(options(tmp_path, source), fakes.parts(tmp_path))
    assert (tmp_path / "out.jsonl.rejects.jsonl").exists()
    fakes.dump(source, [{"id": "A", "title": "CAR"}])
    run(options(tmp_path, source), fakes.parts(tmp_path))
    assert not (tmp_path / "out.jsonl.rejects.jsonl").exists()


def test_a_rejects_file_that_was_asked_for_is_always_written(tmp_path: Path) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", 4)
    (tmp_path / "mine.jsonl").write_text("of an earlier run\n")
    run(options(tmp_path, source, rejects=str(tmp_path / "mine.jsonl")), fakes.parts(tmp_path))
    assert (tmp_path / "mine.jsonl").read_text() == ""


def test_a_symbolic_link_is_written_through(tmp_path: Path) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", 10)
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "real.jsonl")
    run(options(tmp_path, source, "link.jsonl"), fakes.parts(tmp_path))
    assert (tmp_path / "link.jsonl").is_symlink()
    assert len(ids(tmp_path / "real.jsonl")) == 5


def test_all_writes_every_trial_read(tmp_path: Path) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", 20)
    summary = run(options(tmp_path, source, keep_all=True), fakes.parts(tmp_path))
    assert (summary.written, summary.screened) == (20, 0)
    assert ids(tmp_path / "out.jsonl") == [f"T{n:05}" for n in range(20)]
    assert len(fakes.noted(tmp_path, "tagged")) == 10


def test_the_provenance_file_says_what_was_done(tmp_path: Path) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", 10)
    run(options(tmp_path, source), fakes.parts(tmp_path))
    said = json.loads((tmp_path / "out.jsonl.run.json").read_text())
    import hashlib

    assert said["inputs"] == [
        {
            "path": str(source),
            "bytes": source.stat().st_size,
            "sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
        }
    ]
    assert said["counts"] == {"read": 10, "screened": 5, "below": 0, "written": 5, "merged": 0, "rejected": 0}
    assert {"version", "lexicons", "model", "options"} <= said.keys()
