"""What docs/evaluation.md says can be typed, and its counts are true."""

from __future__ import annotations

import ast
import inspect
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
from cart_nlp.evaluation import conditions, errors, registry_labels
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
    tools = TEXT.split("## Annotation tools")[1]
    assert re.findall(r"^\| `([a-z-]+)` \|", tools, re.MULTILINE) == list(FORMATS)


def test_every_set_is_in_a_table_with_its_count_and_card():
    rows = re.findall(r"^\| `--gold ([a-z0-9-]+)` \| ([\d,]+) (.*)", TEXT, re.MULTILINE)
    counted = {name: int(count.replace(",", "")) for name, count, _ in rows}
    found = {
        name: len(registry_labels.read(registry_labels.folder(name))[0]) for name in registry_labels.SETS
    }
    assert counted == {**found, "conditions": len(conditions.gold())}
    for name, _, rest in rows:
        assert name == "conditions" or f"(../benchmarks/gold/{name}/README.md)" in rest


def kinds_of_errors() -> set[str]:
    """What `errors` calls a kind: the strings that it gives as one, an ellipsis for what differs."""
    found = {f"{kind}, it seems" for kind, _, _ in errors._CUES}
    for function in ast.walk(ast.parse(inspect.getsource(errors))):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Return) and re.match("_why|_construct_kind", function.name):
                given = [node.value]
            elif isinstance(node, ast.IfExp) and function.name == "_trial_errors":
                given = [node.body, node.orelse]
            else:
                continue
            for value in given:
                if isinstance(value, ast.JoinedStr) and isinstance(value.values[0], ast.Constant):
                    found.add(f"{value.values[0].value}…")
                elif isinstance(value, ast.Constant):
                    found.add(value.value)
    return found


def test_every_kind_of_error_is_told_as_it_is_printed():
    table = TEXT.split("| kind | the error |")[1].split("\n\n")[0]
    told = [
        name
        for row in table.splitlines()
        for name in re.findall(r"`([^`]+)`", row.split("|")[1:2][0] if row else "")
    ]
    assert sorted(told) == sorted(kinds_of_errors())


def test_counts_of_the_retold_trials():
    lines = {
        file.stem: len(file.read_text("utf-8").splitlines())
        for file in (ROOT / "benchmarks" / "gold" / "retold").glob("*.jsonl")
    }
    real = lines["read"] + lines["last"]
    assert f"\n{real} real trials that no labeled dump holds ({lines['read']} and {lines['last']})" in TEXT
    assert f"{lines['formats']} invented texts (`formats.jsonl`)" in TEXT


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
    teaching = (gold / "taught" / "labels.jsonl").read_text("utf-8").splitlines()
    taught = {json.loads(line)["trial"].get("brief_title") for line in teaching}
    whole = (
        file for name in ("natural*", "plain", "retold", "shared") for file in gold.glob(f"{name}/*.jsonl")
    )
    for measures in (wordings["TEXTS"], *whole):
        lines = measures.read_text("utf-8").splitlines()
        titles = [json.loads(line)["trial"]["brief_title"] for line in lines]
        assert titles and not taught.intersection(titles)
