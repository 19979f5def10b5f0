# ruff: noqa: E501  (bad files stand on one line)
"""A folder of lexicons that cannot be used is refused in one line, by what loads it and by the check."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import spacy
from spacy.matcher import Matcher

from cart_nlp import lint, token_patterns
from cart_nlp.batch.processes import PRELOAD
from cart_nlp.lexicon import DECISIONS, TABLES, LexiconError, load
from cart_nlp.lexicon_cells import COLUMNS
from cart_nlp.lint.rules import VERDICTS

PROGRAM = Path(sys.executable).with_name("cart-nlp")
PATTERN = {
    "label": "generation", "id": "2", "pattern": [{"LOWER": "mark"}, {"LOWER": "two"}],
    "hits": ["mark two CAR"], "misses": ["mark three CAR"],
}  # fmt: skip
RULE = """[[rule]]
name = "mine"
verdict = "other"
needs = ["in=title"]
hits = ["Imaging after CAR-T"]
misses = ["CAR-T cells"]
"""
FILES = {
    "antigens.csv": [b"", b"\xff\xfe\x00", b"title\nCD19\n", b'name,aliases\n"CD', b"name,aliases\nCD19,a,b\n",
                     b"name,aliases\n,x\n", b"name,aliases,aliases,source\nXYZ1,xyz one,,me\n",
                     b"name,hgnc_id,kind,source\nXYZ1,foo,protein,me\n", b"name,alias,kind,source\nXYZ1,xyz one,protein,me\n",
                     b"name,kind,source\nXYZ1,proteine,me\n", b"name,source,remove\nCD19,me,rows\n"],
    "products.csv": [b"name,generation,source\nXYZ-cel,second,me\n", b"name,format,source\nXYZ-cel,blah,me\n",
                     b"name,spells,source\nXYZ-cel,generation=second,me\n"],
    "generations.csv": [b"name,aliases,source\nsecond,mark two,me\n"],
    "diseases.csv": [b"name,group,source\nxyzitis,blood,me\n"],
    "stoplist.csv": [b"blocks,reason,example\nCD19,x,y\n", b"text\nCD19\n", b"name,blocks\nCD19,x\n"],
    "cues.csv": [b"text,category\nx,prior\n", b"text,category,direction,scope\nx,prior,up,clause\n",
                 b"text,category,direction,scope\n*,prior,left,clause\n"],
    "disease_qualifiers.csv": [b"text\nstage\n"],
    "rules/focus.toml": [
        b"words = 5", b"rule = 5", b"rule = [5]", b"[[rule]", b"\xff", b"[[rule]]\nname = 5\n",
        *(RULE.replace(old, new).encode() for old, new in (
            ('"mine"', "5"), ('"other"', "[5]"), ('["in=title"]', "5"), ('["in=title"]', "[5]"),
            ('["CAR-T cells"]', '"x"'), ("misses", "missed"), ("[[rule]]", "[rule]"))),
    ],
    "patterns/mine.jsonl": [
        b"{", b"[1]", b"5", b"[" * 100_000, json.dumps(PATTERN).encode()[:-2] + b"\xff", b'{"label": "generation"}\n',
        *(json.dumps({**PATTERN, **changed}).encode() for changed in (
            {"label": 5}, {"label": "antigens"}, {"id": "second"}, {"id": [2]}, {"hits": 5}, {"misses": [5]}, {"pattern": 7}, {"pattern": []}, {"pattern": [5]},
            {"pattern": [{"LOWER": 5}]}, {"pattern": [{"COLOR": "red"}]}, {"pattern": [{"TEXT": {"REGEX": "(("}}]},
            {"pattern": [{"TEXT": {"REGEX": "(a+)+$"}}]}, {"pattern": [{"LOWER": {"FUZZY": "mark"}}]},
            {"pattern": [{"LOWER": "a", "OP": "+"}]}, {"pattern": [{"OP": "{2,}"}]}, {"pattern": [{"OP": "?"}] * 7},
            {"pattern": [{"OP": "{0,7}"}]}, {"pattern": [{"OP": 5}]}, {"pattern": [{"LEMMA": "mark"}]},
            {"pattern": [{"_": {"mine": True}}]},
            {"pattern": [{"LOWER": "mark"}, {"pos": {"NOT_IN": ["VERB"]}}]})),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content"),
    [(name, content) for name, contents in FILES.items() for content in contents],
    ids=lambda value: value.decode("latin-1")[:40] if isinstance(value, bytes) else value,
)
def test_a_file_that_cannot_be_used_is_one_line_with_its_name(
    tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(LexiconError) as caught:
        load(tmp_path)
    assert str(caught.value).startswith(f"{path}:") and "\n" not in str(caught.value)
    found = lint.check(tmp_path)
    assert found and {fault.path for fault in found} == {path}


def test_files_that_can_be_used_are_not_refused(tmp_path: Path) -> None:
    for name, content in (("patterns/mine.jsonl", json.dumps(PATTERN)), ("rules/focus.toml", RULE)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(content)
    found = load(tmp_path)
    assert (found.patterns[-1].tokens, found.rules["focus"][0].name) == (tuple(PATTERN["pattern"]), "mine")
    assert list(token_patterns.faults([{"OP": "?"}, {"LOWER": "a", "OP": "{1,6}"}, {"OP": "!"}])) == []


STRANGERS = {
    "antigen.csv": "no table of that name, so it is not read; the tables are antigens, ",
    "Antigens.csv": "no table of that name",
    "antigens.CSV": "no table of that name",
    "focus.toml": "not read here; move it to the folder rules",
    "patterns/mine.json": "not a .jsonl file: it is not read",
    "rules/target.toml": "no rules of that name; there are edits, focus, formats (.toml)",
    "rules/focus.csv": "no rules of that name",
}


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside a good table"])
@pytest.mark.parametrize("name", STRANGERS)
def test_a_file_that_would_be_passed_over_is_told(tmp_path: Path, name: str, beside: bool) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("name,aliases,source\nXYZ1,xyz one,me\n", encoding="utf-8")
    if beside:
        (tmp_path / "vectors.csv").write_text("name,aliases,source\nzyx,zyx vector,me\n", encoding="utf-8")
    with pytest.raises(LexiconError) as caught:
        load(tmp_path)
    assert str(caught.value).startswith(f"{path}: {STRANGERS[name]}") and "\n" not in str(caught.value)
    (fault,) = lint.check(tmp_path)
    assert fault.path == path and fault.message.startswith(STRANGERS[name])


def test_what_is_clearly_no_lexicon_may_lie_beside_one(tmp_path: Path) -> None:
    for name in (
        "README.md",
        "cart-nlp.toml",
        "notes.txt",
        "dump.jsonl",
        "._antigens.csv",
        ".DS_Store",
        "old.csv~",
    ):
        (tmp_path / name).write_bytes(b"\xff")
    (tmp_path / "vectors.csv").write_text("name,aliases,source\nzyx,zyx vector,me\n", encoding="utf-8")
    assert load(tmp_path).get("vector", "zyx")
    assert lint.check(tmp_path) == []


def test_the_tables_and_rules_that_are_read_are_those_that_are_checked() -> None:
    assert set(TABLES) == set(COLUMNS)
    assert set(DECISIONS) == set(VERDICTS)


@pytest.mark.parametrize("kind", ["pipe", "folder", "loop"])
@pytest.mark.parametrize("name", ["antigens.csv", "patterns/mine.jsonl", "rules/focus.toml"])
def test_what_is_no_file_is_told_and_not_waited_for(tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path.name)
    with pytest.raises((LexiconError, OSError)) as caught:
        load(tmp_path)
    assert path.name in str(caught.value)
    if kind != "loop":
        assert [fault.path for fault in lint.check(tmp_path)] == [path]


def test_commands_tell_it_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "lex" / "patterns").mkdir(parents=True)
    os.mkfifo(tmp_path / "lex" / "patterns" / "mine.jsonl")
    (tmp_path / "in.jsonl").write_text('{"id": "NCT00000001", "brief_title": "CD19 CAR-T cells"}\n')
    for words in (
        ["lexicon", "check", "lex"], ["lexicon", "check", "lex", "--fix"], ["lexicon", "show", "CD19", "--lexicon", "lex"],
        ["show", "CD19 CAR-T", "--lexicon", "lex"], ["tag", "in.jsonl", "-o", "out.jsonl", "--lexicon", "lex"],
    ):  # fmt: skip
        done = subprocess.run(
            [PROGRAM, *words], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode in (1, 2)
        said = (done.stdout + done.stderr).splitlines()
        assert "lex/patterns/mine.jsonl" in said[0] and len(said) <= 2, said


@pytest.mark.parametrize(
    "words", [["show", "CD19 CAR-T"], ["tag", "in.jsonl", "-o", "out.jsonl"]], ids=" ".join
)
def test_commands_do_not_pass_over_a_misnamed_table(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "lex").mkdir()
    (tmp_path / "lex" / "antigen.csv").write_text("name,aliases,source\nXYZ1,xyz one,me\n", encoding="utf-8")
    (tmp_path / "in.jsonl").write_text('{"id": "NCT00000001", "brief_title": "CD19 CAR-T cells"}\n')
    done = subprocess.run(
        [PROGRAM, *words, "--lexicon", "lex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    (said,) = done.stderr.splitlines()
    assert said.startswith(
        f"cart-nlp {words[0]}: lex/antigen.csv: no table of that name, so it is not read; "
    )
    assert done.stdout == "" and not (tmp_path / "out.jsonl").exists()


def test_the_server_of_workers_leaves_it_to_the_run_to_tell(tmp_path: Path) -> None:
    (tmp_path / "cues.csv").write_text("text,category\nonce,prior\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", "import cart_nlp.batch.preload"],
        env={**os.environ, PRELOAD: json.dumps([str(tmp_path)])},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_pattern_that_is_let_through_takes_time_in_proportion_to_the_text() -> None:
    blank = spacy.blank("en")
    costly = [{"LOWER": "a"}, {"OP": "{0,3}"}, {"OP": "?"}, {"OP": "{1,3}"}, {"LOWER": "b"}]
    assert list(token_patterns.faults(costly)) == []
    matcher = Matcher(blank.vocab)
    matcher.add("x", [costly])
    took = []
    for size in (1_000, 4_000):
        doc = blank.make_doc("a " * size)
        began = time.perf_counter()
        matcher(doc)
        took.append(time.perf_counter() - began)
    assert took[1] < 4 * 2 * took[0]
