"""What we write is read by the tools' own importers, and what they give back is read by us.

label-studio-sdk and doccano are large and pin other versions of our dependencies: each may live in an
environment of its own, whose interpreter CART_NLP_LABEL_STUDIO_PYTHON or CART_NLP_DOCCANO_PYTHON names.
Prodigy is not on the package index; its format is checked against spaCy's tokenization rules only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from gold_lines import line

from cart_nlp.evaluation.exchange import formats
from cart_nlp.evaluation.exchange.tasks import task_of

HERE = Path(__file__).parent


def interpreter(variable: str, package: str) -> str:
    """A Python that has the package, or skip with what to do."""
    python = os.environ.get(variable, sys.executable)
    found = f"import importlib.util as u, sys; sys.exit(u.find_spec({package!r}) is None)"
    if subprocess.run([python, "-c", found], capture_output=True, timeout=60).returncode:
        pytest.skip(f"{package} is not installed; install it, or name a Python that has it in {variable}")
    return python


@pytest.fixture
def lines():
    """Two trials with what is hard: an emoji, line ends, nested spans, markup, several values."""
    first = line(title="😀 CD19 CAR-T in B-ALL\nsecond\r\nline, tab\there")
    second = line("NCT00000002", targets=["CD19", "NKG2D ligands"], note="x & y <script>", generation=[2])
    second["labels"]["constructs"].append({"targets": ["CD19", "NKG2D ligands"], "format": "tandem"})
    second["labels"]["uncertain"] = ["products"]
    outer = {"start": 0, "end": 8, "text": "CD19 CAR", "label": "product", "concept": "x/y", "role": ""}
    second["mentions"].append({**second["mentions"][0], **outer})
    return [first, second]


@pytest.mark.slow
def test_label_studio_sdk_accepts_and_converts_the_tasks(lines, tmp_path):
    python = interpreter("CART_NLP_LABEL_STUDIO_PYTHON", "label_studio_sdk")
    path = tmp_path / "tasks.json"
    formats.export(lines, "label-studio", path)
    done = subprocess.run(
        [python, HERE / "with_label_studio.py", path, path.with_suffix(".xml"), tmp_path],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert formats.imported("label-studio", tmp_path / "converted" / "result.json") == lines
    flat = json.loads((tmp_path / "min" / "result.json").read_text("utf-8"))
    for row, gold in zip(flat, lines, strict=True):
        assert sorted(m["text"] for m in row["label"]) == sorted(m["text"] for m in gold["mentions"])
        for mark in row["label"]:
            assert row["text"][mark["start"] : mark["end"]] == mark["text"]


@pytest.mark.slow
def test_doccano_imports_the_lines_and_its_export_comes_back(lines, tmp_path):
    python = interpreter("CART_NLP_DOCCANO_PYTHON", "backend.data_import")
    path, out = tmp_path / "tasks.jsonl", tmp_path / "exported.jsonl"
    formats.export(lines, "doccano", path)
    done = subprocess.run(
        [python, HERE / "with_doccano.py", path, out], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert formats.imported("doccano", out) == lines


def test_brat_standoff_is_read_by_pybrat(lines, tmp_path):
    pybrat = pytest.importorskip("pybrat.parser", reason="pybrat is not installed: pip install pybrat")
    formats.export(lines, "brat", tmp_path)
    examples = pybrat.BratParser(error="raise").parse(tmp_path)
    assert [Path(e.id).name for e in examples] == [gold["id"] for gold in lines]
    for gold, example in zip(lines, examples, strict=True):
        task = task_of(gold)
        assert example.text == task.text
        found = {
            (e.type, e.start, e.end, e.mention, tuple((r.rid, r.eid, r.entry) for r in e.references))
            for e in example.entities
            if e.type != "Record"
        }
        from urllib.parse import quote

        assert found == {
            (
                s.label,
                s.start,
                s.end,
                task.text[s.start : s.end],
                (("lexicon", quote(s.concept, safe=""), s.concept),),
            )
            for s in task.spans
        }


def test_prodigy_tokens_follow_its_rules(lines):
    from cart_nlp.evaluation.exchange import prodigy

    for gold in lines:
        row = prodigy.to_json(task_of(gold))
        assert "".join(t["text"] + " " * t["ws"] for t in row["tokens"]) == row["text"]
        for i, token in enumerate(row["tokens"]):
            assert token["id"] == i
            assert row["text"][token["start"] : token["end"]] == token["text"]
        for span in row["spans"]:
            assert row["tokens"][span["token_start"]]["start"] == span["start"]
            assert row["tokens"][span["token_end"]]["end"] == span["end"]
        assert set(row["accept"]) <= {option["id"] for option in row["options"]}
