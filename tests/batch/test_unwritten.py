"""The list of what was read and not written: which trials, at which stage, why; the same whatever the way."""

from __future__ import annotations

import datetime
import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import batch_fakes as fakes
import duckdb
import pytest

from cart_nlp import tag
from cart_nlp.batch import BatchError, Options, Summary, run
from cart_nlp.batch.journal import Journal
from cart_nlp.batch.left_out import reason
from cart_nlp.schema import Evidence, Record
from cart_nlp.writers import OutputError

KINDS = ["CAR of CD19", "CAR only mentioned", "other", "CAR raises", "CAR only mentioned again"]

NOON = (
    datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC) + datetime.timedelta(days=n)
    for n in itertools.count()
)
"""Runs of a store are told apart by their time."""


def dump(path: Path, number: int = 40) -> Path:
    return fakes.dump(path, [{"id": f"T{n}", "title": KINDS[n % 5]} for n in range(number)])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return dump(tmp_path / "in.jsonl")


def tagged(source: Path, out: str = "out.jsonl", **more: Any) -> Summary:
    options = Options((str(source),), str(source.parent / out), **{"workers": 0, **more})
    return run(options, fakes.parts(source.parent, now=next(NOON)))


def listed(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def beside(source: Path, out: str = "out.jsonl") -> Path:
    return source.parent / f"{out}.screened.ndjson"


def test_a_run_lists_what_it_tagged_and_did_not_write(source: Path) -> None:
    summary = tagged(source)
    found = listed(beside(source))
    assert [one["trial_id"] for one in found] == [f"T{n}" for n in range(40) if n % 5 in (1, 4)]
    assert len(found) == summary.below == 16
    assert summary.screened == 8
    assert found[0] == {
        "trial_id": "T1",
        "stage": "study decision",
        "reason": "no CAR cells, product or target are named in what is read",
        "car_trial": "mention",
        "score": 0.9,
        "confidence": None,
        "registry": "Test",
        "title": "CAR only mentioned",
        "url": "",
    }
    said = json.loads((source.parent / "out.jsonl.run.json").read_text())
    assert said["screened_list"] == "out.jsonl.screened.ndjson"
    assert "out.jsonl.screened.ndjson" in [one["name"] for one in said["outputs"]]


def test_asked_for_the_list_begins_with_what_the_text_screen_let_go(source: Path) -> None:
    plain = tagged(source)
    summary = tagged(source, screened=str(source.parent / "mine.jsonl"))
    assert summary.counts() == plain.counts()
    assert summary.read == summary.screened + summary.below + summary.written + summary.rejected == 40
    found = listed(source.parent / "mine.jsonl")
    screened = [f"T{n}" for n in range(40) if n % 5 == 2]
    tagged_out = [f"T{n}" for n in range(40) if n % 5 in (1, 4)]
    assert [one["trial_id"] for one in found] == screened + tagged_out
    stages = [one["stage"] for one in found]
    assert stages.count("text screen") == summary.screened
    assert stages.count("study decision") == summary.below
    assert found[0] == {
        "trial_id": "T2",
        "stage": "text screen",
        "reason": "no word of CAR cells in the text",
    }
    assert str(source.parent / "mine.jsonl") in summary.files


def test_every_trial_that_is_read_is_in_one_place(source: Path) -> None:
    tagged(source, screened=str(source.parent / "mine.jsonl"))
    written = listed(source.parent / "out.jsonl")
    rejected = [one["id"] for one in listed(source.parent / "out.jsonl.rejects.jsonl")]
    unwritten = listed(source.parent / "mine.jsonl")
    ids = rejected + [one["trial_id"] for one in written + unwritten]
    assert sorted(ids) == sorted(f"T{n}" for n in range(40))


@pytest.mark.parametrize(
    ("way", "text"),
    [
        ({"workers": 1}, False),
        ({"workers": 2}, True),
        ({"engine": "dask", "workers": 1}, True),
        ("duckdb", False),
        ("duckdb", True),
    ],
)
@pytest.mark.filterwarnings("ignore")  # distributed and tornado warn about their own shutdown
def test_the_list_is_the_same_whatever_the_way(source: Path, way: Any, text: bool) -> None:
    asked = {"screened": str(source.parent / "list.jsonl")} if text else {}
    lists = []
    for out, more in (("a.jsonl", {}), ("b.duckdb", {}) if way == "duckdb" else ("b.jsonl", way)):
        if more.get("engine") == "dask":
            pytest.importorskip("distributed")
        tagged(source, out, **more, **asked)
        lists.append((source.parent / "list.jsonl" if text else beside(source, out)).read_bytes())
    assert lists[0] == lists[1]
    assert lists[0].count(b"\n") == (24 if text else 16)


@pytest.mark.parametrize("text", [False, True])
def test_a_merged_run_has_the_list_of_one_that_is_not_merged(source: Path, text: bool) -> None:
    asked = {"screened": str(source.parent / "list.jsonl")} if text else {}
    lists = []
    for workers, merged in ((0, False), (0, True), (2, True)):
        summary = tagged(source, dedupe=merged, workers=workers, **asked)
        lists.append((source.parent / "list.jsonl" if text else beside(source)).read_bytes())
        assert summary.read == (
            summary.screened + summary.below + summary.merged + summary.written + summary.rejected
        )
    assert lists[0] == lists[1] == lists[2]
    assert lists[0].count(b"\n") == (24 if text else 16)


@pytest.mark.parametrize("text", [False, True])
def test_resumed_anywhere_the_list_is_the_same(source: Path, text: bool) -> None:
    asked = {"screened": str(source.parent / "list.jsonl")} if text else {}
    path = source.parent / "list.jsonl" if text else beside(source)
    with fakes.kept_journals() as kept:
        summary = tagged(source, **asked)
    whole = path.read_bytes()
    for cut in range(200, len(kept[0]), 501):
        path.unlink()
        (source.parent / "out.jsonl.journal").write_bytes(kept[0][:cut])
        again = tagged(source, resume=True, **asked)
        assert path.read_bytes() == whole, cut
        assert again.counts() == summary.counts()


def test_a_run_that_lists_less_cannot_be_resumed_as_one_that_lists_all(source: Path) -> None:
    tagged(source)
    (source.parent / "out.jsonl.journal").write_bytes(b"")
    journal = Journal(source.parent / "out.jsonl.journal", {"inputs": []}, resume=False)
    journal.finish(0, 0, [], {}, [])
    journal.close()
    with pytest.raises(BatchError, match="of a run with other"):
        tagged(source, resume=True, screened=str(source.parent / "list.jsonl"))


def test_a_finished_run_is_made_again_where_its_list_is_gone(source: Path) -> None:
    tagged(source)
    assert tagged(source, resume=True).already
    beside(source).write_text("")
    assert not tagged(source, resume=True).already
    assert len(listed(beside(source))) == 16


def test_the_list_of_an_earlier_run_does_not_stay(source: Path) -> None:
    tagged(source)
    fakes.dump(source, [{"id": "A", "title": "CAR"}])
    tagged(source)
    assert not beside(source).exists()


def test_all_trials_written_leave_no_list(source: Path) -> None:
    assert tagged(source, keep_all=True).written == 32
    assert not beside(source).exists()


def test_a_store_keeps_the_reasons_of_trials_that_it_does_not_tag_again(source: Path) -> None:
    tagged(source, "store.duckdb")
    before = listed(beside(source, "store.duckdb"))
    fakes.dump(
        source,
        [
            {"id": "T0", "title": "CAR of CD20"},
            {"id": "T1", "title": "CAR of CD19"},
            {"id": "T4", "title": "CAR only mentioned again"},
            {"id": "T9", "title": "CAR only mentioned, newly"},
        ],
    )
    summary = tagged(source, "store.duckdb")
    assert summary.store["retagged"] == 3
    found = listed(beside(source, "store.duckdb"))
    assert [(one["trial_id"], one["title"]) for one in found] == [
        ("T4", "CAR only mentioned again"),
        ("T9", "CAR only mentioned, newly"),
    ]
    assert found[0] in before


def test_the_same_bytes_leave_a_store_its_list(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tagged(source, "store.duckdb")
    before = beside(source, "store.duckdb").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(fakes, "read", lambda *_: pytest.fail("the dump was read"))
        tagged(source, "store.duckdb")
        tagged(source, "store.duckdb")
    assert beside(source, "store.duckdb").read_bytes() == before
    said = json.loads((source.parent / "store.duckdb.run.json").read_text())
    assert said["screened_list"] == "store.duckdb.screened.ndjson"
    beside(source, "store.duckdb").unlink()
    tagged(source, "store.duckdb")
    assert beside(source, "store.duckdb").read_bytes() == before


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("number", [0, 40], ids=["nothing to list", "something"])
def test_a_list_that_is_asked_for_by_another_name_is_written(source: Path, number: int, resume: bool) -> None:
    if not number:
        fakes.dump(source, [{"id": "A", "title": "CAR"}])
    mine, other = source.parent / "mine.ndjson", source.parent / "other.ndjson"
    tagged(source, "store.duckdb", screened=str(mine))
    tagged(source, "store.duckdb", screened=str(other), resume=resume)
    assert other.read_bytes() == mine.read_bytes()
    assert json.loads((source.parent / "store.duckdb.run.json").read_text())["screened_list"] == other.name


def test_a_store_lists_the_text_screen_also_of_lines_that_it_knows(source: Path) -> None:
    mine = source.parent / "mine.jsonl"
    tagged(source, "store.duckdb")
    dump(source, 41)
    summary = tagged(source, "store.duckdb", screened=str(mine))
    assert summary.store["retagged"] == 1
    assert [one["stage"] for one in listed(mine)].count("text screen") == summary.screened == 8
    assert len(listed(mine)) == 24


def test_a_store_without_reasons_has_those_trials_tagged_again(source: Path) -> None:
    tagged(source, "store.duckdb")
    before = beside(source, "store.duckdb").read_bytes()
    with duckdb.connect(str(source.parent / "store.duckdb")) as base:
        base.execute("DELETE FROM unwritten WHERE trial_id = 'T4'")
    dump(source, 41)
    summary = tagged(source, "store.duckdb")
    assert summary.store["retagged"] == 2
    assert beside(source, "store.duckdb").read_bytes() == before


def test_standard_output_has_a_list_where_one_is_named(
    source: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    mine = source.parent / "mine.jsonl"
    options = Options((str(source),), "-", workers=0, screened=str(mine))
    summary = run(options, fakes.parts(source.parent))
    assert (summary.read, summary.screened, summary.below, summary.written, summary.rejected) == (
        40, 8, 16, 8, 8,
    )  # fmt: skip
    tagged(source, screened=str(source.parent / "other.jsonl"))
    assert mine.read_bytes() == (source.parent / "other.jsonl").read_bytes()
    with pytest.raises(OutputError, match="both lists"):
        run(replace(options, rejects=str(mine)), fakes.parts(source.parent))


def test_a_list_is_written_over_no_other_file_of_the_run(source: Path) -> None:
    for name in ("in.jsonl", "out.jsonl", "out.jsonl.rejects.jsonl", "out.jsonl.run.json"):
        with pytest.raises(OutputError, match="choose another name"):
            tagged(source, screened=str(source.parent / name))


def test_no_title_in_the_list_drives_a_terminal(tmp_path: Path) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", [{"id": "A", "title": "CAR only mentioned \u202e\u009b2J"}])
    tagged(source)
    assert beside(source).read_text().isascii()
    assert listed(beside(source))[0]["title"] == "CAR only mentioned \u202e\u009b2J"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "A cookery course for families. Volunteers who had CAR-T cells before are excluded.",
            "CAR cells are mentioned, neither given nor studied: “CAR-T cells” in text",
        ),
        ("A cookery course for families", "no CAR cells, product or target are named in what is read"),
        ("Outpatients push a CART along a corridor", "what could name CAR cells does not: “CART” in text"),
    ],
)
def test_the_reason_quotes_the_words_that_came_nearest(text: str, said: str) -> None:
    record = tag(text)
    assert record.car_trial in ("mention", "no")
    assert reason(record) == said


def test_a_curators_decision_is_the_reason() -> None:
    decided = Evidence(
        field="car_trial", value="no", basis="curator", by="AB", date="2026-11-01", note="a device"
    )
    assert (
        reason(Record(trial_id="A", evidence=(decided,))) == "a curator's decision (AB 2026-11-01): a device"
    )
