"""What must not happen to data: lost records, a journal cut by another run, an input written over."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import batch_fakes as fakes
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from cart_nlp.batch import BatchError, Options, Summary, run
from cart_nlp.batch.jobs import Job, Outcome, TaggerSource, packed, tag_job, unpacked
from cart_nlp.batch.journal import Journal
from cart_nlp.batch.pool import Pool
from cart_nlp.batch.target import STAGE
from cart_nlp.writers import OutputError


def options(tmp_path: Path, source: Path, out: str = "out.jsonl", **more: Any) -> Options:
    return Options((str(source),), str(tmp_path / out), workers=more.pop("workers", 0), **more)


def ids(path: Path) -> list[str]:
    return [json.loads(line)["trial_id"] for line in path.read_text().splitlines()]


# Parsers of records: plain, or one that no pickle takes; sound, without an id, or with a fault of its reader.


def faulty(line: bytes) -> Any:
    raise KeyError("a key that its reader relies on")


PARSERS: dict[str, Callable[[bytes], Any]] = {
    "plain": fakes.parse,
    "closed": lambda line: fakes.parse(line),
    "plain fault": faulty,
    "closed fault": lambda line: faulty(line),
}
WAYS = st.lists(st.tuples(st.sampled_from(sorted(PARSERS)), st.booleans()), min_size=1, max_size=9)


def jobs(ways: list[tuple[str, bool]]) -> list[Job]:
    made = []
    for number, (parser, has_id) in enumerate(ways):
        line = json.dumps({"id": f"T{number}" if has_id else "", "title": "CAR"}).encode()
        made.append(Job(number, "in", f"line {number + 1}", line, PARSERS[parser], size=len(line)))
    return made


def wanted(ways: list[tuple[str, bool]]) -> list[tuple[int, str]]:
    kinds = ["record" if has_id and "fault" not in parser else "reject" for parser, has_id in ways]
    return list(enumerate(kinds))


@settings(max_examples=150, deadline=None)
@given(WAYS)
def test_every_job_of_a_chunk_arrives_or_is_refused(ways: list[tuple[str, bool]]) -> None:
    data, sent, refused = packed(jobs(ways))
    assert [job.number for job in unpacked(data)] == [job.number for job in sent]
    tagged = [tag_job(fakes.record_of, job, False) for job in unpacked(data)]
    found = sorted([*tagged, *refused])
    assert [(outcome.number, outcome.kind) for outcome in found] == wanted(ways)
    assert all(outcome.kind == "reject" for outcome in refused)


def test_what_cannot_be_pickled_beside_what_makes_no_trial_ends_no_run(tmp_path: Path) -> None:
    ways = [
        ("closed", True),
        ("plain", False),
        ("closed fault", True),
        ("plain", True),
        ("closed", False),
    ] * 9
    pool = Pool(TaggerSource(fakes.load, (str(tmp_path), 0.0)), workers=1, timeout=20, keep_all=False)
    try:
        found = list(pool.outcomes(iter(jobs(ways))))
    finally:
        pool.close()
    assert [(outcome.number, outcome.kind) for outcome in found] == wanted(ways)


def test_a_record_nested_too_deeply_to_be_pickled_is_told(tmp_path: Path) -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RecursionError):
        pickle.dumps(deep)
    job = Job(0, "in", "line 1", deep, lambda data: fakes.parse(b'{"id": "A", "title": "CAR"}'))
    data, sent, refused = packed([job])
    assert [tag_job(fakes.record_of, each, False).id for each in unpacked(data)] == ["A"]
    assert (len(sent), refused) == (1, [])


# Two runs of one output.


@pytest.mark.parametrize("resume", [False, True])
def test_a_run_that_is_refused_has_not_touched_the_journal_of_the_other(tmp_path: Path, resume: bool) -> None:
    """They start together: the second looks for the journal before the first has made it."""
    path = tmp_path / "out.jsonl.journal"
    began = threading.Barrier(8)
    held: list[Journal] = []
    refused: list[str] = []

    def start() -> None:
        began.wait()
        try:
            journal = Journal(path, {"inputs": []}, resume)
        except BatchError as fault:
            refused.append(str(fault))
        else:
            held.append(journal)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(held), len(refused)) == (1, 7)
    assert all("is in use: another run" in line for line in refused)
    (journal,) = held
    for number in range(5):
        journal.add(Outcome(number, "record", f"T{number}", "", b"{}"))
        with pytest.raises(BatchError, match="is in use"):
            Journal(path, {"inputs": []}, resume)
    assert [outcome.number for outcome in journal.outcomes()] == list(range(5))
    journal.remove()


def test_two_commands_started_together_lose_nothing(tmp_path: Path) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", 400)
    script = tmp_path / "job.py"
    script.write_text(
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import batch_fakes as fakes\nfrom pathlib import Path\n"
        "from cart_nlp.batch import BatchError, Options, run\n"
        "folder = Path(sys.argv[2])\n"
        "try:\n"
        "    run(Options((sys.argv[3],), str(folder / 'out.jsonl'), workers=0), fakes.parts(folder, 0.001))\n"
        "except BatchError as fault:\n"
        "    sys.exit(3 if 'is in use' in str(fault) else 4)\n"
    )
    command = [sys.executable, str(script), str(Path(__file__).parent), str(tmp_path), str(source)]
    running = [subprocess.Popen(command, cwd=Path(__file__).parents[2]) for _ in range(4)]
    codes = sorted(job.wait(60) for job in running)
    assert set(codes) <= {0, 3}
    assert 0 in codes
    assert ids(tmp_path / "out.jsonl") == [f"T{n:05}" for n in range(0, 400, 2)]


def test_an_outcome_that_cannot_be_read_back_is_an_error(tmp_path: Path) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", 60)
    finish = Journal.finish

    def damaged(journal: Journal, *arguments: Any) -> None:
        finish(journal, *arguments)
        with journal.path.open("r+b") as file:
            content = file.read()
            file.seek(content.index(b"T00030"))
            file.write(b"X")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "finish", damaged)
        with pytest.raises(BatchError, match="holds 29 of 30 outcomes"):
            run(options(tmp_path, source), fakes.parts(tmp_path))
    assert not (tmp_path / "out.jsonl").exists()


# Files that a run would write over.

OWN = ("out.parquet.journal", "out.parquet.run.json", "out.constructs.parquet", "out.evidence.parquet",
       "out.parquet.rejects.jsonl", "out.parquet")  # fmt: skip


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("how", ["named", "symbolic", "hard"])
def test_an_input_is_never_written_over(tmp_path: Path, name: str, how: str) -> None:
    source = fakes.dump(tmp_path / (name if how == "named" else "in.jsonl"), 10)
    if how == "symbolic":
        (tmp_path / name).symlink_to(source)
    elif how == "hard":
        os.link(source, tmp_path / name)
    before = source.read_bytes()
    with pytest.raises(OutputError, match=r"is an input as well|a symbolic link"):
        run(options(tmp_path, source, "out.parquet"), fakes.parts(tmp_path))
    assert source.read_bytes() == before
    assert fakes.noted(tmp_path, "loads") == []


@pytest.mark.parametrize("name", [name for name in OWN if name != "out.parquet"])
def test_a_symbolic_link_beside_the_output_is_not_followed(tmp_path: Path, name: str) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", 10)
    (tmp_path / "precious").write_text("mine")
    (tmp_path / name).symlink_to(tmp_path / "precious")
    with pytest.raises(OutputError, match="is a symbolic link; remove it"):
        run(options(tmp_path, source, "out.parquet"), fakes.parts(tmp_path))
    assert (tmp_path / "precious").read_text() == "mine"


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "xlsx", "parquet", "duckdb"])
def test_unfinished_files_stand_in_a_folder_that_nobody_else_can_enter(tmp_path: Path, suffix: str) -> None:
    """A link planted where a file will be written leads nowhere, and what an earlier kill left is cleared."""
    source = fakes.dump(tmp_path / "in.jsonl", 10)
    stage = tmp_path / f"out.{suffix}{STAGE}"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "precious").write_text("mine")
    stage.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="is in the way"):
        run(options(tmp_path, source, f"out.{suffix}"), fakes.parts(tmp_path))
    stage.unlink()
    stage.mkdir()
    (stage / f"out.{suffix}").symlink_to(tmp_path / "precious")
    (stage / ".cart-nlp-left-by-a-kill").mkdir()
    run(options(tmp_path, source, f"out.{suffix}"), fakes.parts(tmp_path))
    assert (tmp_path / "precious").read_text() == "mine"
    assert not stage.exists()
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert {path.name for path in tmp_path.glob("out*")} >= {f"out.{suffix}", f"out.{suffix}.run.json"}


def test_a_lexicon_is_never_written_over(tmp_path: Path) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", 10)
    (tmp_path / "mine").mkdir()
    rows = tmp_path / "mine" / "antigens.csv"
    rows.write_text("name\nCD19\n")
    chosen = options(tmp_path, source, "mine/antigens.csv", lexicons=(str(tmp_path / "mine"),))
    with pytest.raises(OutputError, match="is a lexicon of this run"):
        run(chosen, fakes.parts(tmp_path))
    assert rows.read_text() == "name\nCD19\n"


@pytest.mark.parametrize("out", ["out.jsonl", "-"])
def test_the_rejects_file_is_a_file_and_no_other_one(
    tmp_path: Path, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", 10)
    before = source.read_bytes()
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)
    others = [("out.jsonl.journal", "as well"), ("out.jsonl.run.json", "as well"), ("out.jsonl", "as well")]
    for name, said in [
        ("/dev/null", "is not a regular file"),
        ("pipe", "is not a regular file"),
        (".", "is a directory"),
        ("in.jsonl", "is an input as well"),
        *(others if out != "-" else []),
    ]:
        with pytest.raises(OutputError, match=said):
            run(Options(("in.jsonl",), out, workers=0, rejects=name), fakes.parts(tmp_path))
    assert Path("/dev/null").is_char_device()
    assert (tmp_path / "pipe").is_fifo()
    assert source.read_bytes() == before


# What counts as complete.


def resumed(tmp_path: Path, source: Path, out: str, **more: Any) -> Summary:
    return run(options(tmp_path, source, out, resume=True, **more), fakes.parts(tmp_path))


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet", "xlsx", "duckdb"])
def test_an_output_that_was_changed_is_not_complete(tmp_path: Path, suffix: str) -> None:
    source = fakes.dump(
        tmp_path / "in.jsonl", [{"id": "A", "title": "CAR CD19"}, {"id": "B", "title": "CAR raises"}]
    )
    out = tmp_path / f"out.{suffix}"
    resumed(tmp_path, source, out.name)
    assert resumed(tmp_path, source, out.name).already
    for path in sorted(tmp_path.glob("out*")):
        if path.name.endswith(".run.json") or suffix == "duckdb":
            continue
        whole = path.read_bytes()
        for damage in (b"", whole[:-1], whole[:-1] + b"x"):
            path.write_bytes(damage)
            assert not resumed(tmp_path, source, out.name).already
            assert path.read_bytes() == whole
        path.unlink()
        assert not resumed(tmp_path, source, out.name).already
        assert path.read_bytes() == whole
    if suffix == "duckdb":
        out.unlink()
        assert resumed(tmp_path, source, out.name).written == 1
        assert out.exists()


def test_another_formula_guard_is_another_run(tmp_path: Path) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", [{"id": "A", "title": "=CAR"}])
    resumed(tmp_path, source, "out.csv")
    assert "'=CAR" in (tmp_path / "out.csv").read_text()
    assert not resumed(tmp_path, source, "out.csv", guard=False).already
    assert "'=CAR" not in (tmp_path / "out.csv").read_text()
    assert resumed(tmp_path, source, "out.csv", guard=False).already


@pytest.mark.parametrize(
    "content", ["[]", "{}", "null", '{"options": 1}', '{"options": {}, "counts": []}', "x", ""]
)
def test_provenance_that_makes_no_sense_is_no_earlier_run(tmp_path: Path, content: str) -> None:
    source = fakes.dump(tmp_path / "in.jsonl", 10)
    for out in ("out.jsonl", "out.duckdb"):
        (tmp_path / f"{out}.run.json").write_text(content)
        assert resumed(tmp_path, source, out).written == 5


# Text that is too long.


def test_text_that_is_too_long_to_be_read_is_told(tmp_path: Path) -> None:
    import spacy

    from cart_nlp.pipeline import MAX_SECTION, MAX_TEXT, make_doc, unread
    from cart_nlp.schema import Trial

    short = Trial(id="A", sections={"brief_title": "CAR", "brief_summary": "x" * MAX_SECTION})
    long = Trial(id="B", sections={"brief_title": "CAR", "eligibility": "y" * (MAX_SECTION + 7)})
    many = {f"conditions[{n}]": "z" * MAX_SECTION for n in range(MAX_TEXT // MAX_SECTION + 1)}
    for trial, told in ((short, {}), (long, {"eligibility": MAX_SECTION})):
        assert unread(trial) == told
    cut = unread(Trial(id="C", sections=many))
    assert set(cut.values()) == {0}
    for trial in (short, long, Trial(id="C", sections=many)):
        doc = make_doc(spacy.blank("en"), trial)
        read = sum(end - start for _, start, end in doc._.cart_sections)
        left = sum(len(trial.sections[key]) - start for key, start in unread(trial).items())
        assert read + left == sum(map(len, trial.sections.values()))

    source = fakes.dump(
        tmp_path / "in.jsonl", [{"id": "A", "title": "CAR"}, {"id": "B", "title": "CAR" * 30_000}]
    )
    for out in ("out.jsonl", "-"):
        chosen = options(tmp_path, source, out) if out != "-" else Options((str(source),), "-", workers=0)
        summary = run(chosen, fakes.parts(tmp_path))
        assert summary.unread == 1
        (note,) = summary.notes
        assert note.startswith("1 trial longer than what is read; most in B: 30,000 characters were not")


def test_whoever_tags_a_text_that_is_too_long_is_told(tmp_path: Path) -> None:
    import pandas as pd

    import cart_nlp
    from cart_nlp.assembly import record
    from cart_nlp.cli.show import command
    from cart_nlp.pipeline import as_trial, make_doc, tag_trials

    trial = {
        "id": "A",
        "brief_title": "CD19 CAR-T cells",
        "brief_summary": "x " * 30_000 + "4-1BB",
        "phase": "Phase 1",
    }
    source, nlp = fakes.dump(tmp_path / "in.jsonl", [trial]), cart_nlp.load()
    found = [cart_nlp.tag(trial), *tag_trials(nlp, [as_trial(trial)]), *cart_nlp.iter_records(source)]
    doc = nlp(make_doc(nlp, as_trial(trial)))
    raws = [one.raw for one in (*found, record(doc, as_trial(trial)))]
    raws += list(cart_nlp.tag_frame(pd.DataFrame([trial])).raw)
    assert raws == [{"phase": "Phase 1", "unread": "brief_summary from 60000"}] * 5
    assert record(doc).raw == {"unread": "brief_summary from 60000"}
    app = typer.Typer()
    app.command()(command)
    shown = CliRunner().invoke(app, ["A", "--file", str(source)]).stdout
    assert re.search("^unread +brief_summary from 60000$", shown, re.MULTILINE)


@pytest.mark.skipif(sys.platform != "linux", reason="names of other bytes than UTF-8")
@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet", "duckdb"])
def test_names_that_are_no_utf_8_are_names(tmp_path: Path, suffix: str) -> None:
    odd = os.fsdecode(b"caf\xe9")
    source = fakes.dump(tmp_path / f"{odd}.jsonl", [{"id": "A", "title": "CAR"}, {"id": "", "title": "CAR"}])
    chosen = options(tmp_path, source, f"{odd}.out.{suffix}", resume=True, mapping={"title": odd})
    if suffix in ("parquet", "duckdb"):
        with pytest.raises(OutputError, match="has to have a name in UTF-8"):
            run(chosen, fakes.parts(tmp_path))
        return
    done = run(chosen, fakes.parts(tmp_path))
    assert (done.written, done.notes) == (1, [])
    assert run(chosen, fakes.parts(tmp_path)).already
    said = json.loads((tmp_path / f"{odd}.out.{suffix}.run.json").read_text("utf-8"))
    assert said["inputs"][0]["path"].endswith("caf\ufffd.jsonl")
