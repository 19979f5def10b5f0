"""The store: only what changed is tagged again, and every value keeps its history."""

from __future__ import annotations

import datetime
import gzip
import os
import resource
import signal
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import batch_fakes as fakes
import duckdb
import pytest

from cart_nlp.batch import Options, Summary, run
from cart_nlp.batch.journal import Journal
from cart_nlp.batch.running import Parts, real_parts
from cart_nlp.batch.store import Store, connected
from cart_nlp.differences import compare, read_rows
from cart_nlp.readback import store
from cart_nlp.searches import note
from cart_nlp.writers import OutputError

FIRST = [
    {"id": "A", "title": "CAR of CD19"},
    {"id": "B", "title": "CAR of CD22"},
    {"id": "C", "title": "CAR of CD20"},
    {"id": "M", "title": "CAR only mentioned"},
    {"id": "X", "title": "other"},
]


def at(day: int) -> datetime.datetime:
    return datetime.datetime(2026, 3, day, 12, tzinfo=datetime.UTC)


class Nightly:
    """Runs over one store, a day each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "trials.duckdb"

    def __call__(self, day: int, trials: list[dict[str, Any]], **more: Any) -> Summary:
        source = fakes.dump(self.folder / f"day{day}.jsonl", trials)
        options = Options((str(source),), str(self.store), workers=0, **more)
        return run(options, self.parts(day))

    def parts(self, day: int) -> Parts:
        return fakes.parts(self.folder, now=at(day))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.store), read_only=True) as base:
            return base.execute(query).fetchall()

    def tagged(self) -> int:
        return len(fakes.noted(self.folder, "tagged"))


@pytest.fixture
def nightly(tmp_path: Path) -> Nightly:
    return Nightly(tmp_path)


def changes(summary: Summary) -> tuple[int, ...]:
    return tuple(summary.store[name] for name in ("new", "changed", "unchanged", "vanished", "retagged"))


def test_the_same_bytes_are_not_even_read_again(nightly: Nightly, monkeypatch: pytest.MonkeyPatch) -> None:
    first = nightly(1, FIRST)
    monkeypatch.setattr(fakes, "read", lambda *_: pytest.fail("the dump was read"))
    again = nightly(2, FIRST)
    assert again.counts() | {"new": 0, "unchanged": 0, "retagged": 0} == first.counts() | {
        "new": 0,
        "unchanged": 0,
        "retagged": 0,
    }
    assert changes(again) == (0, 0, 3, 0, 0)
    assert nightly.rows("SELECT count(*) FROM runs") == [(2,)]
    assert nightly.rows("SELECT DISTINCT last_seen FROM trials") == [(at(2).replace(tzinfo=None),)]


@pytest.mark.parametrize("lost", ["rejects", "store", "journal", "run", "name"])
def test_the_same_bytes_are_read_where_what_the_last_run_left_is_not_whole(
    nightly: Nightly, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    looks = []
    read = fakes.read
    monkeypatch.setattr(fakes, "read", lambda *arguments: looks.append(1) or read(*arguments))
    bad = [*FIRST, {"id": "", "title": "CAR without a number"}]
    nightly(1, FIRST)
    older = nightly.store.read_bytes()
    nightly(2, bad)
    rejects = nightly.folder / "trials.duckdb.rejects.jsonl"
    left = rejects.read_bytes()
    if lost == "rejects":
        rejects.unlink()
    elif lost == "store":
        nightly.store.write_bytes(older)
    elif lost == "run":
        (nightly.folder / "trials.duckdb.run.json").unlink()
    elif lost == "journal":
        (nightly.folder / "trials.duckdb.journal").write_bytes(b"torn")
    again = nightly(3 if lost == "name" else 2, bad)
    assert (again.read, again.written, again.rejected) == (6, 3, 1)
    assert changes(again)[2:] == (3, 0, 0)
    assert rejects.read_bytes() == (left.replace(b"day2", b"day3") if lost == "name" else left)
    assert len(looks) == 3


def test_an_unchanged_dump_is_not_tagged_again(nightly: Nightly) -> None:
    assert changes(nightly(1, FIRST)) == (3, 0, 0, 0, 4)
    again = nightly(2, FIRST)
    assert changes(again) == (0, 0, 3, 0, 0)
    assert nightly.tagged() == 4
    assert (again.read, again.screened, again.below, again.written, again.rejected) == (5, 1, 1, 3, 0)


def test_new_changed_unchanged_and_vanished_are_told_apart(nightly: Nightly) -> None:
    nightly(1, FIRST)
    second = [
        {"id": "A", "title": "CAR of CD19"},
        {"id": "B", "title": "CAR of CD22 CD19"},
        {"id": "D", "title": "CAR of BCMA"},
        {"id": "M", "title": "CAR only mentioned"},
    ]
    summary = nightly(2, second)
    assert changes(summary) == (1, 1, 1, 1, 2)
    assert summary.written == 3
    assert nightly.rows("SELECT trial_id, targets FROM records ORDER BY 1") == [
        ("A", ["CD19"]),
        ("B", ["CD19", "CD22"]),
        ("D", ["BCMA"]),
    ]
    assert nightly.rows("SELECT trial_id FROM trials WHERE vanished IS NOT NULL") == [("C",)]


def test_the_history_tells_when_a_value_held(nightly: Nightly) -> None:
    nightly(1, FIRST)
    nightly(2, [{"id": "B", "title": "CAR of CD22 CD19"}, *FIRST[2:]])
    nightly(3, [{"id": "B", "title": "CAR of CD22"}, *FIRST[:1]])
    day = [at(n).replace(tzinfo=None) for n in range(4) if n] + [None]
    assert nightly.rows(
        "SELECT value, since, until FROM history WHERE trial_id = 'B' AND field = 'targets' ORDER BY since"
    ) == [
        ('["CD22"]', day[0], day[1]),
        ('["CD19","CD22"]', day[1], day[2]),
        ('["CD22"]', day[2], None),
    ]
    # A vanished on day 2 and came back on day 3; C vanished on day 3.
    assert nightly.rows(
        "SELECT trial_id, since, until FROM history "
        "WHERE field = 'targets' AND trial_id IN ('A', 'C') ORDER BY 1, 2"
    ) == [("A", day[0], day[1]), ("A", day[2], None), ("C", day[0], day[2])]


def test_a_text_that_changed_without_its_values_changing_is_unchanged(nightly: Nightly) -> None:
    nightly(1, FIRST)
    summary = nightly(2, [{**FIRST[0], "status": "recruiting"}, *FIRST[1:]])
    assert changes(summary) == (0, 0, 3, 0, 0), "the status is no part of this trial"
    summary = nightly(3, [{"id": "A", "title": "CAR of  CD19"}, *FIRST[1:]])
    assert changes(summary) == (0, 1, 2, 0, 1), "the title is a value"


def test_a_trial_that_is_no_car_trial_any_more_is_dropped_not_vanished(nightly: Nightly) -> None:
    nightly(1, FIRST)
    summary = nightly(2, [{"id": "A", "title": "CAR only mentioned"}, {"id": "B", "title": "gone"}, FIRST[2]])
    assert (summary.screened, summary.below) == (1, 1)
    assert summary.store["dropped"] == 2
    assert summary.store["vanished"] == 0
    assert nightly.rows("SELECT trial_id FROM records ORDER BY 1") == [("C",)]
    assert nightly.rows("SELECT count(*) FROM history WHERE until IS NULL AND trial_id != 'C'") == [(0,)]
    again = nightly(3, [{"id": "A", "title": "CAR only mentioned"}, FIRST[1], FIRST[2]])
    assert changes(again) == (1, 0, 1, 0, 1)


@pytest.mark.parametrize(
    "more", [{}, {"dedupe": True}, {"screened": "list"}], ids=("plain", "dedupe", "listed")
)
def test_what_is_counted_and_listed_does_not_depend_on_what_was_run_before(
    nightly: Nightly, more: dict[str, Any]
) -> None:
    if "screened" in more:
        more = {"screened": str(nightly.folder / "list.ndjson")}
    listed = Path(more.get("screened", nightly.folder / "trials.duckdb.screened.ndjson"))
    trials = [*FIRST, {"id": "Y", "title": "of X"}]
    first, lines = nightly(1, trials, **more), listed.read_bytes()
    nightly(2, trials, keep_all=True, **more)
    assert nightly.rows("SELECT count(*) FROM records") == [(6,)]
    for day in (3, 4):
        third = nightly(day, trials, **more)
        names = ("read", "screened", "below", "written", "merged", "rejected")
        assert [getattr(third, name) for name in names] == [getattr(first, name) for name in names]
        assert listed.read_bytes() == lines
        assert third.store["dropped"] == (3 if day == 3 else 0)
        assert nightly.rows("SELECT trial_id FROM records ORDER BY 1") == [("A",), ("B",), ("C",)]


def test_a_record_stays_while_one_of_two_entries_of_its_id_names_a_car(nightly: Nightly) -> None:
    nightly(1, FIRST)
    for day in (2, 3):
        summary = nightly(day, [{"id": "A", "title": "other"}, *FIRST, {"id": "A", "title": "others"}])
        assert changes(summary) == (0, 0, 3, 0, 0)
        assert (summary.screened, summary.store["dropped"]) == (3, 0)


def test_another_version_tags_everything_again(nightly: Nightly, monkeypatch: pytest.MonkeyPatch) -> None:
    nightly(1, FIRST)
    monkeypatch.setattr("cart_nlp.batch.provenance.__version__", "99.0")
    assert changes(nightly(2, FIRST)) == (0, 0, 3, 0, 4)
    assert changes(nightly(3, FIRST)) == (0, 0, 3, 0, 0)


def test_the_tables_of_parts_go_with_the_records(nightly: Nightly) -> None:
    nightly(1, FIRST)
    nightly(2, [{"id": "A", "title": "CAR of CD19 CD22"}])
    assert nightly.rows("SELECT trial_id, number, targets, format FROM constructs") == [
        ("A", 1, ["CD19", "CD22"], "tandem")
    ]
    assert nightly.rows('SELECT value, "start", text FROM evidence ORDER BY 1') == [
        ("CD19", 7, "CD19"),
        ("CD22", 12, "CD22"),
    ]


def test_a_repeated_id_is_merged_if_equal_and_rejected_if_not(nightly: Nightly) -> None:
    summary = nightly(1, [FIRST[0], FIRST[0], {"id": "A", "title": "CAR of CD5"}])
    assert (summary.read, summary.written, summary.merged, summary.rejected) == (3, 1, 1, 1)
    assert nightly.rows("SELECT targets FROM records") == [(["CD19"],)]


def test_nothing_vanishes_because_an_input_could_not_be_read(nightly: Nightly) -> None:
    nightly(1, FIRST)
    source = fakes.dump(nightly.folder / "part.jsonl", FIRST[:1])
    options = Options((str(source), str(nightly.folder / "none.jsonl")), str(nightly.store), workers=0)
    summary = run(options, nightly.parts(2))
    assert summary.exit_code == 2
    assert changes(summary) == (0, 0, 1, 0, 0)
    assert len(nightly.rows("SELECT * FROM records")) == 3
    assert (summary.read, summary.written, summary.kept) == (1, 1, 2)


def test_what_a_run_did_not_see_is_counted_apart_and_not_called_seen(nightly: Nightly) -> None:
    nightly(1, FIRST)
    bad = [FIRST[0], {"id": "", "title": "CAR without a number"}, FIRST[4]]
    source = fakes.dump(nightly.folder / "bad.jsonl", bad)
    for day in (2, 3):
        summary = run(Options((str(source),), str(nightly.store), workers=0), nightly.parts(day))
        sum_of = summary.screened + summary.below + summary.written + summary.merged + summary.rejected
        assert (summary.read, summary.written, summary.kept) == (sum_of, 1, 2)
        assert changes(summary) == (0, 0, 1, 0, 0)
    assert nightly.rows("SELECT trial_id, day(last_seen) FROM trials WHERE included ORDER BY 1") == [
        ("A", 3),
        ("B", 1),
        ("C", 1),
    ]


def lines(folder: Path, raw: bytes, day: int, **more: Any) -> Summary:
    """A run of the readers' own over the store of a folder, with the fake tagger."""
    source = folder / f"lines{day}.jsonl"
    source.write_bytes(raw)
    options = Options((str(source),), str(folder / "trials.duckdb"), workers=0, **more)
    own, fake = real_parts(options), fakes.parts(folder, now=at(day))
    return run(options, replace(own, source=fake.source, hits=fake.hits, today=fake.today))


NUMBERED = [b'{"id": "NCT0000000%d", "title": "CAR of CD19"}\n' % number for number in range(1, 7)]


@pytest.mark.parametrize(
    ("raw", "vanished"),
    [
        (gzip.compress(b"".join(NUMBERED))[:-20], 0),
        (b"".join(NUMBERED[:3]) + NUMBERED[3][:30], 0),
        (b"[" + b",".join(NUMBERED)[:150], 0),
        (b'{"id":"x"\n', 0),
        (b"".join((*NUMBERED[:3], b'{"title": "CAR of CD19"}\n', NUMBERED[5])), 0),
        (b"".join((*NUMBERED[:3], NUMBERED[3][:-3] + b"\n", NUMBERED[5])), 1),
        (b"".join((*NUMBERED[:3], NUMBERED[3].replace(b"4", b"9")[:-3] + b"\n", NUMBERED[5])), 0),
        (b"".join((*NUMBERED[:3], NUMBERED[3].replace(b"CAR of", b"CAR raises"), NUMBERED[5])), 1),
        (b"".join((*NUMBERED[:3], NUMBERED[5])), 2),
    ],
    ids=("gzip", "line", "array", "only", "no id", "broken", "other id", "tagger", "whole"),
)
def test_only_what_an_input_cannot_have_held_vanishes(tmp_path: Path, raw: bytes, vanished: int) -> None:
    lines(tmp_path, b"".join(NUMBERED), 1)
    summary = lines(tmp_path, raw, 2)
    assert summary.store["vanished"] == vanished
    again = lines(tmp_path, b"".join(NUMBERED), 3)
    assert changes(again)[:4] == (vanished, 0, 6 - vanished, 0)


def test_nothing_vanishes_of_a_table_that_is_cut_in_a_cell(tmp_path: Path) -> None:
    table = "id,brief_title,brief_summary\n" + "".join(
        f'NCT0000000{number},CAR of CD19,"text, {number}"\n' for number in range(1, 7)
    )
    lines(tmp_path, table.encode(), 1)
    summary = lines(tmp_path, table[: table.index(", 4") + 2].encode(), 2)
    assert (summary.read, summary.rejected, summary.exit_code) == (4, 1, 1)
    assert (summary.store["vanished"], summary.kept) == (0, 3)


def test_nothing_leaves_because_a_key_is_misspelled(tmp_path: Path) -> None:
    for day in range(1, 4):
        name = b"titel" if day == 2 else b"title"
        raw = b"".join(NUMBERED).replace(b"title", name)
        summary = lines(tmp_path, raw, day, mapping={"title": "title"})
        assert (summary.exit_code, summary.written) == ((2, 0) if day == 2 else (0, 6))
    assert changes(summary) == (0, 0, 6, 0, 0)


@pytest.mark.parametrize("beside", [0, 2])
def test_nothing_vanishes_because_a_search_found_nothing(tmp_path: Path, beside: int) -> None:
    lines(tmp_path, b"".join(NUMBERED), 1)
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(b"")
    note(empty, empty, {"query": "CAR-T", "studies": 0})
    other = tmp_path / "beside.jsonl"
    other.write_bytes(b"".join(NUMBERED[:beside]))
    inputs = (str(empty), *([str(other)] if beside else []))
    options = Options(inputs, str(tmp_path / "trials.duckdb"), workers=0)
    own, fake = real_parts(options), fakes.parts(tmp_path, now=at(2))
    summary = run(options, replace(own, source=fake.source, hits=fake.hits, today=fake.today))
    assert (summary.exit_code, summary.read, summary.kept) == (0, beside, 6 - beside)
    assert changes(summary) == (0, 0, beside, 0, 0)
    assert changes(lines(tmp_path, b"".join(NUMBERED), 3)) == (0, 0, 6, 0, 0)


def test_a_search_that_found_nothing_is_seen_so_after_a_crash_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines(tmp_path, b"".join(NUMBERED), 1)
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(b"")
    note(empty, empty, {"query": "CAR-T", "studies": 0})
    options = Options((str(empty),), str(tmp_path / "trials.duckdb"), workers=0)
    own, fake = real_parts(options), fakes.parts(tmp_path, now=at(2))
    parts = replace(own, source=fake.source, hits=fake.hits, today=fake.today)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Store, "apply", die)
        with pytest.raises(Exception, match="interrupted"):
            run(options, parts)
    assert changes(run(replace(options, resume=True), parts)) == (0, 0, 0, 0, 0)


def test_a_broken_line_is_told_apart_from_an_end_also_where_the_rest_is_known(tmp_path: Path) -> None:
    others = [b'{"id": "NCT1000000%d", "title": "other"}\n' % number for number in range(9)]
    lines(tmp_path, b"".join(NUMBERED + others), 1)
    summary = lines(tmp_path, b"".join((*NUMBERED[:4], NUMBERED[4][:-3] + b"\n", *others)), 2)
    assert (summary.rejected, summary.screened, summary.store["vanished"]) == (1, 9, 1)


def test_what_a_resumed_run_rejected_before_keeps_its_trial(
    nightly: Nightly, monkeypatch: pytest.MonkeyPatch
) -> None:
    nightly(1, FIRST)
    bad = [{"id": "", "title": "CAR without a number"}, *FIRST[:1], {"id": "N", "title": "CAR of CD5"}]
    with monkeypatch.context() as patch:
        patch.setattr(fakes.FakeTagger, "__call__", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(Exception, match="interrupted"):
            nightly(2, bad)
    options = Options((str(nightly.folder / "day2.jsonl"),), str(nightly.store), workers=0, resume=True)
    assert changes(run(options, nightly.parts(2))) == (1, 0, 1, 0, 1)


def test_a_run_is_applied_once_even_if_it_died_before_it_could_say_so(
    nightly: Nightly, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(journal: Journal) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "remove", die)
        with pytest.raises(Exception, match="interrupted"):
            nightly(1, FIRST)
    options = Options((str(nightly.folder / "day1.jsonl"),), str(nightly.store), workers=0, resume=True)
    summary = run(options, nightly.parts(2))
    assert changes(summary) == (3, 0, 0, 0, 4)
    assert nightly.rows("SELECT count(*) FROM runs") == [(1,)]


def test_a_new_store_that_the_disk_cannot_hold_is_not_put_in_place(nightly: Nightly) -> None:
    # Its log fits, the file does not.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
    try:
        with pytest.raises(OutputError, match=r"trials\.duckdb: .*File too large.*--resume then goes on$"):
            nightly(1, FIRST)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in nightly.folder.glob("trials*")] == ["trials.duckdb.journal"]
    options = Options((str(nightly.folder / "day1.jsonl"),), str(nightly.store), workers=0, resume=True)
    assert changes(run(options, nightly.parts(2))) == (3, 0, 0, 0, 4)
    assert nightly.rows("SELECT count(*) FROM records") == [(3,)]


@pytest.mark.parametrize("opened", [lambda path: connected(path, False), lambda path: store(path, "records")])
def test_an_interrupt_in_a_query_is_an_interrupt(
    nightly: Nightly, opened: Callable[[Path], AbstractContextManager[duckdb.DuckDBPyConnection]]
) -> None:
    nightly(1, FIRST)
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt), opened(nightly.store) as base:
        timer.start()
        base.execute("SELECT max(hash(range)) FROM range(1000000000)").fetchall()
    timer.join()


def test_what_is_no_store_is_refused_and_left_alone(nightly: Nightly) -> None:
    nightly.store.write_bytes(b"something else entirely" * 100)
    with pytest.raises(OutputError, match="cannot be opened as a store"):
        nightly(1, FIRST)
    assert nightly.store.read_bytes() == b"something else entirely" * 100
    nightly.store.unlink()
    with duckdb.connect(str(nightly.store)) as base:
        base.execute("CREATE TABLE mine(a INTEGER)")
    with pytest.raises(OutputError, match="no store of cart-nlp"):
        nightly(1, FIRST)


def test_the_past_of_a_store_can_be_compared_with_its_present(nightly: Nightly) -> None:
    nightly(1, FIRST)
    nightly(2, [{"id": "A", "title": "CAR of CD19 CD22"}, {"id": "D", "title": "CAR of BCMA"}, FIRST[1]])
    found = compare(read_rows(f"{nightly.store}@2026-03-01"), read_rows(str(nightly.store)))
    assert (found.new, found.vanished, found.unchanged, found.changed) == (["D"], ["C"], 1, 1)
    assert {(change.field, change.old, change.new) for change in found.changes} == {
        ("targets", "CD19", "CD19; CD22"),
        ("title", "CAR of CD19", "CAR of CD19 CD22"),
        ("multi_target", "false", "true"),
        ("constructs", "CD19 (tandem)", "CD19+CD22 (tandem)"),
    }
    assert read_rows(f"{nightly.store}@2026-03-02") == read_rows(str(nightly.store))
