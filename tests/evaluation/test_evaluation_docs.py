"""What docs/evaluation.md says can be typed, and its counts are true."""

from __future__ import annotations

import json
import re
import runpy
import shlex
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from cart_nlp.cli import evaluate
from cart_nlp.cli import gold as gold_cli
from cart_nlp.evaluation import registry_labels
from cart_nlp.evaluation.exchange.formats import FORMATS

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "evaluation.md").read_text("utf-8")
COMMANDS = [
    shlex.split(line.split("#")[0].split(">")[0])
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    if not language
    for line in block.splitlines()
]


def options_of(name):
    """The option names of a command."""
    if name == "evaluate":
        app = typer.Typer(add_completion=False)
        app.command()(evaluate.command)
        command = get_command(app)
    else:
        command = get_command(gold_cli.app).commands[name]
    return {text for parameter in command.params for text in getattr(parameter, "opts", ())}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_command_has_the_options_of_the_docs(words):
    assert words[0] == "cart-nlp"
    name = words[2] if words[1] == "gold" else words[1]
    assert {word for word in words if word.startswith("-")} <= options_of(name)


def test_every_format_is_in_the_table():
    assert re.findall(r"^\| `([a-z-]+)` \|", TEXT, re.MULTILINE) == list(FORMATS)


def test_every_option_of_evaluate_is_told():
    missing = {o for o in options_of("evaluate") if o.startswith("--")} - set(re.findall(r"--[a-z-]+", TEXT))
    assert missing == set()


def test_counts_of_the_registry_labels():
    found, _ = registry_labels.read()
    card = (registry_labels.folder() / "README.md").read_text("utf-8")
    included = sum(label.labels["car_trial"] in ("product", "related") for label in found)
    near = sum(label.source == "near miss" for label in found)
    assert f"{len(found)} trials: " in card
    assert f"{included} included, {len(found) - included} not, {near} of these near misses" in card
    assert f"labels of {len(found)} trials by id" in TEXT


def test_texts_in_other_words_are_found() -> None:
    """What was measured is what the tool does; and no text of them trains."""
    wordings = runpy.run_path(str(ROOT / "benchmarks" / "wordings.py"))
    assert wordings["measured"]() == json.loads(wordings["RESULT"].read_text("utf-8"))
    gold = ROOT / "benchmarks" / "gold"
    taught = (gold / "taught" / "labels.jsonl").read_text("utf-8")
    whole = (file for name in ("natural*", "plain", "retold") for file in gold.glob(f"{name}/*.jsonl"))
    for measures in (wordings["TEXTS"], *whole):
        lines = measures.read_text("utf-8").splitlines()
        titles = [json.loads(line)["trial"]["brief_title"] for line in lines]
        assert titles and not [one for one in titles if json.dumps(one, ensure_ascii=False) in taught]
