"""A report's folder holds the old report or the new one, whole, and loses nothing that is not of a report."""

import errno
import hashlib
import json
import os
import shutil
import signal
import threading
from pathlib import Path

import pytest

from cart_nlp.landscape import Options, report
from cart_nlp.landscape.export import write_workbook
from cart_nlp.landscape.folder import RUN, STAGE, claim, renewed
from cart_nlp.landscape.report import Asked, build
from cart_nlp.landscape.sponsors import COLUMNS
from cart_nlp.landscape.table import Table
from cart_nlp.places import PlaceError
from cart_nlp.schema import Record

OLD = {"report.html": "old", "tables/a.csv": "old", "tables/b.csv": "same", "figures/a.svg": "old"}
NEW = {"report.html": "new", "tables/b.csv": "same", "tables/c.csv": "new"}


class KilledError(BaseException):
    """As far as files go, a kill."""


def written(out, files, facts=None):
    claim(out, [])
    with renewed(out, facts or {}) as part:
        for name, text in files.items():
            (part / name).write_text(text)


def held(out):
    """What the folder shows: name -> text, without its list."""
    files = (p for p in out.rglob("*") if p.is_file() and STAGE not in p.parts)
    return {p.relative_to(out).as_posix(): p.read_text() for p in files if p.name != RUN}


def is_whole(out):
    listed = json.loads((out / RUN).read_bytes())["files"]
    return listed == {n: hashlib.sha256(t.encode()).hexdigest() for n, t in held(out).items()}


@pytest.fixture
def out(tmp_path):
    written(tmp_path / "out", OLD)
    assert held(tmp_path / "out") == OLD and is_whole(tmp_path / "out")
    return tmp_path / "out"


def test_a_new_report_takes_the_place_of_the_old_one(out):
    written(out, NEW, {"version": "1"})
    assert held(out) == NEW and is_whole(out) and json.loads((out / RUN).read_bytes())["version"] == "1"
    assert sorted(p.name for p in out.iterdir()) == ["report.html", RUN, "tables"], "no empty folder, no part"


@pytest.mark.parametrize("fault", [KeyboardInterrupt, KilledError, ValueError])
def test_a_run_that_ends_early_leaves_what_was_there(out, fault):
    for place, before in ((out, OLD), (out.with_name("new") / "deep", None)):
        with pytest.raises(fault), renewed(place, {}) as part:
            (part / "report.html").write_text("half")
            raise fault
        assert (held(place) == before and is_whole(place)) if before else not place.exists()
        written(place, NEW)
        assert held(place) == NEW


def test_what_a_killed_run_left_is_cleared(out):
    (out / STAGE / "tables").mkdir(parents=True)
    (out / STAGE / "tables" / "half.csv").write_text("half")
    (out / STAGE / "report.html").write_text("half")
    claim(out, [])
    assert held(out) == OLD
    written(out, NEW)
    assert held(out) == NEW and not (out / STAGE).exists()


@pytest.mark.parametrize("moves", range(5))
@pytest.mark.parametrize("fresh", [True, False])
def test_a_run_that_is_killed_while_files_move_is_ended_by_the_next(out, monkeypatch, moves, fresh):
    if fresh:
        shutil.rmtree(out)
    real, done = Path.replace, []

    def replace(path, target):
        if STAGE in path.parts and path.suffix != ".part":
            if len(done) == moves:
                raise KilledError
            done.append(path.name)
        return real(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    if moves == 4:  # three files and their list
        written(out, NEW)
    else:
        with pytest.raises(KilledError):
            written(out, NEW)
    monkeypatch.undo()
    claim(out, [])
    assert held(out) == NEW and is_whole(out) and not (out / STAGE).exists()
    written(out, OLD)
    assert held(out) == OLD


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_until_the_files_are_moved(out, monkeypatch, number):
    came = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    real = Path.replace

    def replace(path, target):
        signal.raise_signal(number)
        return real(path, target)

    monkeypatch.setattr("cart_nlp.landscape.folder.write", lambda path, data: path.write_bytes(data))
    monkeypatch.setattr(Path, "replace", replace)
    try:
        if number == signal.SIGINT:
            with pytest.raises(KeyboardInterrupt):
                written(out, NEW)
        else:
            written(out, NEW)
            assert came
    finally:
        signal.signal(signal.SIGTERM, before)
    assert held(out) == NEW and is_whole(out)


def test_a_thread_can_write_a_report(out):
    thread = threading.Thread(target=written, args=(out, NEW))
    thread.start()
    thread.join()
    assert held(out) == NEW


def test_a_full_disk_is_one_line(out):
    with pytest.raises(PlaceError) as told, renewed(out, {}) as part:
        (part / "report.html").write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert str(told.value).startswith(
        f"{out}: cannot be written: No space left on device; what was there is as"
    )
    assert held(out) == OLD and is_whole(out)
    with pytest.raises(FileNotFoundError, match="font"), renewed(out, {}):
        raise FileNotFoundError(errno.ENOENT, "No such file", "/a/font")


def test_a_file_that_cannot_move_is_told_and_moved_later(out, monkeypatch):
    def unlink(path, missing_ok=False):
        raise PermissionError(errno.EACCES, "Held", str(path))

    monkeypatch.setattr(Path, "unlink", unlink)
    monkeypatch.setattr("cart_nlp.landscape.folder.write", lambda path, data: path.write_bytes(data))
    with pytest.raises(PlaceError, match=r"not all in its place: .*csv: held; run this again when that is"):
        written(out, NEW | {"figures/a.svg": "old"})
    monkeypatch.undo()
    claim(out, [])
    assert held(out) == NEW | {"figures/a.svg": "old"} and is_whole(out)


@pytest.mark.parametrize("name", ["tables/a.csv", "report.html"])
def test_a_file_that_was_changed_is_not_written_over(out, name):
    (out / name).write_text("the curator's")
    with pytest.raises(PlaceError, match=f"{name}: was changed since its report was made; move it elsewhere"):
        written(out, NEW)
    with pytest.raises(PlaceError, match=name), renewed(out, {}) as part:  # between the claim and the end
        (part / "report.html").write_text("new")
    assert held(out) == OLD | {name: "the curator's"} and not (out / STAGE).exists()
    (out / name).unlink()
    written(out, NEW)
    assert held(out) == NEW


def test_a_file_under_a_name_that_a_report_wants_is_not_written_over(out):
    (out / "tables" / "c.csv").write_text("mine")
    with pytest.raises(
        PlaceError, match=r"c\.csv: is there and of no report; move it elsewhere, or remove it"
    ):
        written(out, NEW)
    assert held(out) == OLD | {"tables/c.csv": "mine"}


def test_a_link_is_no_file_of_a_report(out, tmp_path):
    shutil.move(out / "tables" / "a.csv", tmp_path / "a.csv")
    (out / "tables" / "a.csv").symlink_to(tmp_path / "a.csv")
    with pytest.raises(PlaceError, match=r"a\.csv: was changed"):
        written(out, NEW)
    shutil.rmtree(out / "figures")
    (out / "figures").write_text("mine")
    with pytest.raises(PlaceError, match="figures: is no folder"):
        written(out, NEW)
    (out / STAGE).symlink_to(tmp_path)
    with pytest.raises(PlaceError, match="in the way of the folder for unfinished files"):
        written(out, NEW)
    assert (tmp_path / "a.csv").read_text() == "old"


@pytest.mark.parametrize(
    "name", ["../mine", "tables/../../mine", "tables/..", "mine", "tables/", "/mine", "tables/\0"]
)
def test_a_list_that_names_other_places_is_none_of_ours(out, name):
    mine = out.parent / "mine"
    mine.write_text("old")
    facts = json.loads((out / RUN).read_bytes())
    facts["files"][name] = hashlib.sha256(b"old").hexdigest()
    (out / RUN).write_text(json.dumps(facts))
    with pytest.raises(PlaceError, match=r"is there already and no run\.json of a report lists it"):
        written(out, NEW)
    assert mine.exists() and held(out) == OLD


def test_two_runs_at_a_time(out):
    fcntl = pytest.importorskip("fcntl")
    (out / STAGE).mkdir()
    other = os.open(out / STAGE, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    try:
        for work in (lambda: claim(out, []), lambda: renewed(out, {}).__enter__()):
            with pytest.raises(PlaceError, match="another run is writing a report there"):
                work()
    finally:
        os.close(other)
    assert held(out) == OLD


def made(tmp_path):
    records = tmp_path / "r.jsonl"
    records.write_text(Record(trial_id="NCT00000001", car_trial="product").model_dump_json() + "\n")
    build(records, tmp_path / "L", Options(), Asked(figures=("flow",)))
    return records, tmp_path / "L"


def test_nothing_that_is_read_is_removed_or_written_over(tmp_path):
    records, out = made(tmp_path)
    inside, merges = out / "tables" / "records.jsonl", out / "tables" / "sponsor_merges.csv"
    shutil.copy(records, inside)
    (tmp_path / "link").symlink_to(inside)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    refused = (
        (inside, Asked()),
        (tmp_path / "link", Asked()),
        (records, Asked(sources=(merges,))),
        (records, Asked(compare=inside)),
        (records, Asked(corrections=merges)),
        (records, Asked(accuracy=out / RUN)),
    )
    for source, asked in refused:
        with pytest.raises(PlaceError, match=r"L: holds what this command reads \(.*\); copy that elsewhere"):
            build(source, out, Options(), asked)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    shutil.copy(records, out / "r.jsonl")  # in the folder, and under no name of a report
    build(out / "r.jsonl", out, Options(), Asked(figures=("flow",)))
    assert inside.exists() and (out / "r.jsonl").read_bytes() == records.read_bytes()


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_an_interrupted_report_is_the_old_one(tmp_path, monkeypatch, fault):
    records, out = made(tmp_path)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}

    def page_of(*parts):
        raise fault

    monkeypatch.setattr(report, "page_of", page_of)
    for place in (out, tmp_path / "new"):
        with pytest.raises((KeyboardInterrupt, PlaceError)):
            build(records, place, Options(title="Another"), Asked(figures=("flow",)))
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert not (tmp_path / "new").exists()
    monkeypatch.undo()
    for place in (out, tmp_path / "new"):
        build(records, place, Options(title="Another"), Asked(figures=("flow",)))
        assert "Another" in (place / "report.md").read_text("utf-8")


def test_a_workbook_that_is_broken_off_complains_of_nothing_else(tmp_path):
    """What its sheets would say when they are collected, pytest takes for a fault."""

    class Stops(Table):
        @property
        def columns(self):
            raise KeyboardInterrupt

        columns = columns.setter(lambda self, value: None)

    found = {"one": Table("one", "One", COLUMNS), "two": Stops("two", "Two", COLUMNS)}
    with pytest.raises(KeyboardInterrupt):
        write_workbook(found, tmp_path / "a.xlsx", Options().as_of)
    assert not (tmp_path / "a.xlsx").exists()
