"""No command writes over what it reads or over another's file, and no fault steers the terminal."""

import json

import pytest

from cart_nlp.curation.decisions import COLUMNS, Correction
from cart_nlp.curation.writing import write
from cart_nlp.schema import Record
from cart_nlp.suggest import COLUMNS as SUGGESTED
from cart_nlp.suggest import Candidate, Survey

NOT_OURS = "is there already and not from this command; --force writes over it"
HEAD = ",".join(COLUMNS) + "\n"
RECORD = Record(trial_id="NCT90000001", car_trial="product", car_score=0.9, title="cart-nlp record")


@pytest.fixture
def run(in_process):
    return in_process


@pytest.fixture
def records(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_text(RECORD.model_dump_json() + "\n")
    return path


def refused(done, file, before, why=NOT_OURS):
    assert (done.returncode, file.read_bytes()) == (2, before), done.stderr
    (line,) = done.stderr.splitlines()
    assert why in line


def test_an_export_is_not_written_over_a_lexicon_or_its_patterns(run, tmp_path):
    (tmp_path / "mine" / "patterns").mkdir(parents=True)
    (tmp_path / "mine" / "antigens.csv").write_text("name,aliases,kind,source\nFZ9,frizzle nine,protein,me\n")
    own = (
        b'{"label": "antigen", "id": "FZ9", "pattern": [{"LOWER": "fz"}], "hits": ["fz"], "misses": ["zz"]}\n'
    )
    file, loose = tmp_path / "mine" / "patterns" / "antigen.jsonl", tmp_path / "loose.jsonl"
    for path in (file, loose):
        path.write_bytes(own)
    words = ("lexicon", "export", "--to", "entity-ruler", "--lexicon", tmp_path / "mine")
    refused(run(*words, file, "--force"), file, own, "is read by this command")
    refused(run(*words, loose), loose, own)
    assert run(*words, loose, "--force").returncode == 0
    assert run(*words, loose).returncode == 0, "an export of ours"


def test_candidates_are_not_written_over_the_corpus_or_another_table(run, tmp_path, monkeypatch):
    dump, other, out = tmp_path / "dump.jsonl", tmp_path / "other.csv", tmp_path / "new" / "terms.csv"
    trial = b'{"id": "NCT90000001", "brief_title": "Anti-XYZ1 CAR-T cells"}\n'
    dump.write_bytes(trial)
    other.write_bytes(b"a,b\n")
    refused(run("lexicon", "suggest", dump, "-o", dump, "--force"), dump, trial, "is read by this command")
    refused(run("lexicon", "suggest", dump, "-o", other), other, b"a,b\n")
    for _ in range(2):
        assert run("lexicon", "suggest", dump, "-o", out).returncode == 0
    found = Survey(1, 1, 0, [Candidate("＝1+1", "antigen", {"NCT1"}, 1, example="")])
    monkeypatch.setattr("cart_nlp.suggest.suggest", lambda *given: found)
    assert run("lexicon", "suggest", dump, "-o", out).returncode == 0
    head, row = out.read_text("utf-8").splitlines()
    assert (head, row) == (",".join(SUGGESTED), "'＝1+1,antigen,1,1,,,")


@pytest.mark.parametrize(
    ("name", "words"),
    [("notes.md", ("--table",)), ("notes.csv", ("--table",)), ("other.json", ())],
    ids=["md", "csv", "json"],
)
def test_a_schema_is_not_written_over_another_file(run, tmp_path, name, words):
    file = tmp_path / name
    file.write_bytes(b"mine")
    refused(run("schema", *words, "--out", file), file, b"mine")
    assert run("schema", *words, "--out", file, "--force").returncode == 0
    written = file.read_bytes()
    assert run("schema", *words, "--out", file).returncode == 0 and file.read_bytes() == written


def test_corrections_are_not_written_over_records_but_over_corrections(run, tmp_path, records):
    a, b, out = tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "out.jsonl"
    for path in (a, b):
        path.write_text(HEAD + "NCT90000001,focus,set,treatment\n")
    before = records.read_bytes()
    refused(run("corrections", "merge", a, b, "-o", records), records, before)
    refused(run("corrections", "check", a, "-o", records), records, before)
    for _ in range(2):
        assert run("corrections", "merge", a, b, "-o", out).returncode == 0


def test_corrections_of_annotators_are_written_over_lines_that_were_corrections(run, tmp_path, monkeypatch):
    from cart_nlp.evaluation.exchange import formats

    monkeypatch.setattr(formats, "pairs", lambda kind, source, note: [])
    out, source = tmp_path / "c.jsonl", tmp_path / "tasks.json"
    source.write_text("[]")
    write([Correction("NCT90000001", "targets", "set", ("CD19",))], out)
    done = run("gold", "import", source, "--from", "doccano", "--as", "corrections", "-o", out)
    assert (done.returncode, out.read_bytes()) == (0, b""), done.stderr


@pytest.mark.parametrize("command", ["view", "review"])
def test_a_page_is_not_written_over_a_text_that_names_the_tool(run, tmp_path, records, command):
    file = tmp_path / "readme.html"
    text = b"# How I use cart-nlp\n"
    file.write_bytes(text)
    refused(run(command, records, "-o", file), file, text)
    assert run(command, records, "-o", file, "--force").returncode == 0
    assert run(command, records, "-o", file).returncode == 0, "a page of ours"


def test_a_page_of_scores_is_not_written_over_a_text_that_names_the_tool(run, tmp_path):
    file = tmp_path / "readme.html"
    file.write_bytes(b"cart-nlp")
    refused(run("evaluate", "--html", file), file, b"cart-nlp")


@pytest.mark.parametrize(
    "words",
    [
        ("gold", "agree", "no\x1b[31m.jsonl", "b.jsonl"),
        ("evaluate", "--gold", "no\x1b[31m.jsonl"),
        ("corrections", "check", "no\x1b[31m.csv"),
        ("lexicon", "export", "--to", "no\x1b[31m", "-"),
        ("view", "no\x1b[31m.jsonl", "-o", "p.html"),
        ("review", "no\x1b[31m.jsonl"),
        ("landscape", "no\x1b[31m.jsonl", "-o", "out"),
        ("tag", "no\x1b[31m.jsonl", "-o", "out.jsonl"),
    ],
    ids=lambda words: words[0],
)
def test_a_fault_does_not_steer_the_terminal(run, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    done = run(*words)
    assert done.returncode == 2
    assert "\x1b" not in done.stderr and "\\x1b[31m" in done.stderr


def test_what_two_labelings_disagree_on_does_not_steer_the_terminal(run, tmp_path, monkeypatch):
    from cart_nlp.evaluation import agreement
    from cart_nlp.evaluation import gold as gold_set

    monkeypatch.setattr(gold_set, "read", lambda path: None)
    monkeypatch.setattr(agreement, "agree", lambda a, b: {"x": "\x9b31m"})
    monkeypatch.setattr(agreement, "lines", lambda result: ["CD19 \x1b[31m"])
    assert run("gold", "agree", "a", "b").stdout == "CD19 \\x1b[31m\n"
    told = run("gold", "agree", "a", "b", "--json").stdout
    assert "\x9b" not in told and json.loads(told) == {"x": "\x9b31m"}


@pytest.mark.parametrize("fault", ["", "one", "one\ntwo"])
def test_a_fault_of_any_number_of_lines_ends_a_command(run, monkeypatch, records, fault):
    from cart_nlp.registries.entry import InputError
    from cart_nlp.reviewing import run as reviewing

    def failing(*given, **more):
        raise InputError(fault)

    monkeypatch.setattr(reviewing, "review", failing)
    done = run("review", records)
    told = fault.split("\n") if fault else ["it failed, and nothing says why"]
    assert (done.returncode, done.stderr.splitlines()) == (2, [f"cart-nlp review: {line}" for line in told])
