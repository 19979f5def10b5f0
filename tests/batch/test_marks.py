"""A store's next run does not parse records that it knows by their bytes, and finds the same as with them."""

from __future__ import annotations

import datetime
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import batch_fakes as fakes
import duckdb
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kill_campaign import tables

from cart_nlp import __version__
from cart_nlp.batch import Options, Summary, provenance, run
from cart_nlp.batch.running import real_parts
from cart_nlp.registries import Entry, read

Trials = list[dict[str, Any]]
FIRST: Trials = [
    {"id": "A", "title": "CAR of CD19"},
    {"id": "B", "title": "CAR only mentioned"},
    {"id": "X", "title": "other"},
    {"id": "Y", "title": "CAR raises"},
]


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of what was parsed."""
    found: list[str] = []
    parse = fakes.parse

    def noting(line: bytes) -> Any:
        found.append(orjson.loads(line)["id"])
        return parse(line)

    monkeypatch.setattr(fakes, "parse", noting)
    return found


def night(folder: Path, day: int, trials: Trials, forget: bool = False, **more: Any) -> Summary:
    store = folder / "store.duckdb"
    if forget and store.exists():
        with duckdb.connect(str(store)) as base:
            base.execute("DROP TABLE IF EXISTS marks")
    source = fakes.dump(folder / f"day{day}.jsonl", trials)
    now = datetime.datetime(2026, 3, day, tzinfo=datetime.UTC)
    return run(Options((str(source),), str(store), workers=0, **more), fakes.parts(folder, now=now))


def test_only_what_is_new_or_changed_or_was_rejected_is_parsed(tmp_path: Path, parsed: list[str]) -> None:
    night(tmp_path, 1, FIRST)
    assert parsed == ["A", "B", "Y"]
    parsed.clear()
    new = [*FIRST[1:], {"id": "A", "title": "CAR of CD22"}, {"id": "C", "title": "CAR of CD7"}]
    summary = night(tmp_path, 2, new)
    assert parsed == ["Y", "A", "C"]
    assert (summary.read, summary.screened, summary.below, summary.written) == (5, 1, 1, 2)
    assert summary.store["retagged"] == 2
    assert summary.read == summary.screened + summary.below + summary.written + summary.rejected


def test_a_record_that_is_only_written_otherwise_is_parsed_and_the_same(tmp_path: Path) -> None:
    night(tmp_path, 1, FIRST[:1])
    source = tmp_path / "day2.jsonl"
    source.write_bytes(b'{ "title" : "CAR of CD19", "id": "A" }\n')
    summary = run(Options((str(source),), str(tmp_path / "store.duckdb"), workers=0), fakes.parts(tmp_path))
    assert (summary.store["unchanged"], summary.store["retagged"]) == (1, 0)


@pytest.mark.parametrize("what", ["version", "lexicons", "options"])
def test_marks_of_another_tool_or_lexicon_or_other_options_count_for_nothing(
    tmp_path: Path, parsed: list[str], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    night(tmp_path, 1, FIRST)
    parsed.clear()
    more: dict[str, Any] = {}
    if what == "version":
        monkeypatch.setattr(provenance, "__version__", __version__ + ".1")
    elif what == "lexicons":
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "stoplist.csv").write_text("text,blocks,reason,example\n")
        more["lexicons"] = (str(tmp_path / "mine"),)
    else:
        more["keep_all"] = True
    summary = night(tmp_path, 2, [*FIRST, {"id": "N", "title": "other"}], **more)
    assert set(parsed) >= {"A", "B", "Y"}
    assert summary.tagged == (4 if what == "options" else 2)


def test_a_decision_on_a_marked_trial_is_applied_and_taken_back(tmp_path: Path, parsed: list[str]) -> None:
    def costim() -> list[Any]:
        with duckdb.connect(str(tmp_path / "store.duckdb"), read_only=True) as base:
            return base.execute("SELECT costim FROM records WHERE trial_id = 'A'").fetchall()

    decisions = tmp_path / "decisions.csv"
    decisions.write_text(
        "trial_id,field,action,value,comment,curator,date\nA,costim,add,CD28,told,me,2026-03-01\n"
    )
    night(tmp_path, 1, FIRST)
    assert costim() == [([],)]
    night(tmp_path, 2, [*FIRST, {"id": "N", "title": "other"}], corrections=str(decisions))
    assert costim() == [(["CD28"],)]
    night(tmp_path, 3, FIRST)
    assert costim() == [([],)]


def test_what_became_a_trial_in_an_incomplete_night_is_looked_at_when_it_changes_back(tmp_path: Path) -> None:
    night(tmp_path, 1, FIRST)
    changed = fakes.dump(tmp_path / "changed.jsonl", [*FIRST[:2], {"id": "X", "title": "CAR of CD7"}])
    inputs = (str(changed), str(tmp_path / "none.jsonl"))
    store = str(tmp_path / "store.duckdb")
    now = datetime.datetime(2026, 3, 2, tzinfo=datetime.UTC)
    summary = run(Options(inputs, store, workers=0), fakes.parts(tmp_path, now=now))
    assert (summary.store["new"], summary.exit_code) == (1, 2)
    summary = night(tmp_path, 3, FIRST)
    assert (summary.store["dropped"], summary.store["vanished"]) == (1, 0)


def marking(store: Path) -> tuple[Any, list[Any]]:
    """How a store marks, and the marks it has."""
    with duckdb.connect(str(store), read_only=True) as base:
        return (
            base.execute("SELECT kind, seed FROM marking").fetchall(),
            base.execute("SELECT mark FROM marks ORDER BY 1").fetchall(),
        )


@pytest.mark.parametrize("installed", [True, False])
def test_each_store_draws_how_it_marks_and_stays_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parsed: list[str], installed: bool
) -> None:
    if not installed:
        monkeypatch.setattr("cart_nlp.batch.marks._has_xxhash", lambda: False)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        night(tmp_path / name, 1, FIRST)
    (way, first), (other, second) = (marking(tmp_path / name / "store.duckdb") for name in ("a", "b"))
    assert way != other
    assert (first == second) is (way[0][0] == "sha256")
    assert len(first) == 4
    parsed.clear()
    night(tmp_path / "a", 2, FIRST[::-1])
    assert parsed == ["Y"]
    assert marking(tmp_path / "a" / "store.duckdb") == (way, first)


def test_marks_that_cannot_be_made_here_count_for_nothing_and_are_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parsed: list[str]
) -> None:
    pytest.importorskip("xxhash")
    night(tmp_path, 1, FIRST)
    monkeypatch.setattr("cart_nlp.batch.marks._has_xxhash", lambda: False)
    for night_of, again in ((2, ["Y", "B", "A"]), (3, ["Y"])):
        parsed.clear()
        summary = night(tmp_path, night_of, FIRST[::-1])
        assert (parsed, summary.store["retagged"]) == (again, 0)
        (way, marks) = marking(tmp_path / "store.duckdb")
        assert (way[0][0], len(marks)) == ("sha256", 4)


def test_marks_of_an_older_version_which_drew_no_seed_count_for_nothing(
    tmp_path: Path, parsed: list[str]
) -> None:
    night(tmp_path, 1, FIRST)
    with duckdb.connect(str(tmp_path / "store.duckdb")) as base:
        base.execute("DROP TABLE marking")
    parsed.clear()
    night(tmp_path, 2, FIRST[::-1])
    assert parsed == ["Y", "B", "A"]
    assert len(marking(tmp_path / "store.duckdb")[1]) == 4


def test_two_contents_of_one_id_are_told_in_every_run(tmp_path: Path) -> None:
    twice = [*FIRST[:3], {"id": "A", "title": "CAR of CD22"}]
    first = night(tmp_path, 1, twice)
    second = night(tmp_path, 2, [*twice, {"id": "N", "title": "other"}])
    assert first.rejected == second.rejected == 1
    assert second.store["retagged"] == 0


TITLES = st.sampled_from(["CAR of CD19", "CAR of CD22", "CAR only mentioned", "CAR raises", "other"])
DUMPS = st.lists(
    st.lists(st.tuples(st.sampled_from("ABCD"), TITLES), max_size=5, unique_by=lambda pair: pair[0]),
    min_size=2,
    max_size=3,
)


@settings(max_examples=6, deadline=None)
@given(DUMPS)
def test_with_marks_a_store_is_what_it_is_without(dumps: list[list[tuple[str, str]]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        found = []
        for forget in (False, True):
            folder = Path(place) / str(forget)
            folder.mkdir()
            counts = []
            for day, dump in enumerate(dumps, 1):
                trials = [{"id": trial, "title": title} for trial, title in dump]
                counts.append(night(folder, day, trials, forget).counts())
            found.append((counts, tables(folder / "store.duckdb") if any(dumps) else None))
        assert found[0] == found[1]


def test_the_reader_hands_on_what_is_not_settled_and_some_of_the_rest(tmp_path: Path) -> None:
    source = tmp_path / "dump.jsonl"
    lines = [b'{"id": "NCT%08d", "brief_title": "aspirin"}' % number for number in range(150)]
    source.write_bytes(b"\n".join([*lines[:100], b"broken", *lines[100:]]) + b"\n")
    known, asked = {*lines} - {lines[7]}, []

    def settled(raw: bytes, may_keep: bool) -> str:
        asked.append(may_keep)
        return "new" if raw not in known else "keep" if may_keep and raw != lines[70] else "known"

    found = list(read(source, settled=settled))
    assert [each.place for each in found] == [
        "line 1",
        "line 8",
        "line 65",
        "line 71",
        "line 101",
        "line 129",
    ]
    assert [isinstance(each, Entry) for each in found] == [True, True, True, True, False, True]
    assert (asked.count(True), asked.count(False)) == (148, 3)
    assert isinstance(found[3], Entry) and found[3].trial().id == "NCT00000070"


def test_a_dump_in_another_order_with_one_more_is_counted_and_marked_as_ever(tmp_path: Path) -> None:
    trials = [{"id": f"NCT{number:08}", "brief_title": "aspirin"} for number in range(200)]
    trials[0]["brief_title"] = "IFN-? and aspirin"
    trials[9]["brief_summary"] = "IFN-?"
    trials[9]["brief_title"] = trials[150]["brief_title"] = "CD19 CAR-T cells"
    more = [*trials[50:], {"id": "NCT99999999", "brief_title": "water"}, *trials[:50]]
    store = tmp_path / "store.duckdb"
    marks = []
    for day, dump in enumerate([trials, more, more[:-1]], 1):
        source = fakes.dump(tmp_path / f"day{day}.jsonl", dump)
        options = Options((str(source),), str(store), workers=0)
        summary = run(options, replace(real_parts(options), source=fakes.parts(tmp_path).source))
        assert (summary.read, summary.written, summary.rejected) == (len(dump), 2, 0)
        assert summary.screened == len(dump) - 2
        assert len(summary.notes) == (day == 1)  # what harm a record took is told of those that are read
        with duckdb.connect(str(store), read_only=True) as base:
            marks.append(
                base.execute("SELECT count(*), count(DISTINCT mark), count(trial_id) FROM marks").fetchone()
            )
    assert marks == [(200, 200, 2), (201, 201, 2), (200, 200, 2)]
