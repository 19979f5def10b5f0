"""README and docs say what is so: commands run, outputs match, links lead somewhere, figures are current."""

import doctest
import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.version import Version

import cart_nlp
from cart_nlp import __version__, console
from cart_nlp.cli import COMMANDS
from cart_nlp.fetch import client
from cart_nlp.schema import INCLUDED, TAGGED_FIELDS, Record
from cart_nlp.screening import hits_of
from cart_nlp.text import construct_text

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT.parent / "shared" / "corpus"
README = (ROOT / "README.md").read_text("utf-8")
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def examples() -> list[tuple[str, str]]:
    """Commands of the README's console blocks, each with the output that stands below it."""
    found = []
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


def tidy(text: str) -> str:
    """Without blanks at line ends: a terminal pads, a file should not."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with the bundled sample in its place, as in a checkout."""
    made = tmp_path_factory.mktemp("reader")
    (made / "benchmarks").symlink_to(ROOT / "benchmarks")
    return made


@pytest.mark.parametrize(("command", "output"), examples(), ids=[command[:40] for command, _ in examples()])
def test_command_of_the_readme_prints_what_stands_below_it(command, output, folder):
    words = shlex.split(command)
    assert words[0] == "cart-nlp"
    done = subprocess.run(
        [Path(sys.executable).with_name("cart-nlp"), *words[1:]],
        cwd=folder, env=os.environ | {"COLUMNS": "100", "NO_COLOR": "1"}, text=True, timeout=120,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    expected = ".*?".join(map(re.escape, tidy(output).split("...")))
    said = tidy(done.stdout)
    assert re.fullmatch(expected, said), said


def test_readme_has_commands_and_python_to_run():
    assert len(examples()) >= 3
    assert len(blocks("python")) >= 1


@pytest.mark.parametrize("source", blocks("python"), ids=lambda text: text[:20])
def test_python_of_the_readme_gives_what_stands_below_it(source):
    test = doctest.DocTestParser().get_doctest(source, {}, "README.md", "README.md", 0)
    assert test.examples
    said: list[str] = []
    assert doctest.DocTestRunner().run(test, out=said.append).failed == 0, "".join(said)


def test_readme_names_every_command():
    table = README.split("## Commands")[1].split("\n## ")[0]
    assert set(re.findall(r"`cart-nlp (\w+)", table)) == set(COMMANDS)


def test_readme_names_every_tagged_field():
    table = README.split("## What a record says")[1].split("\n## ")[0]
    assert set(TAGGED_FIELDS) - set(re.findall(r"`(\w+)`", table)) == set()
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) <= set(Record.model_fields)


def commands_told() -> list[tuple[str, str]]:
    told = []
    for page in PAGES:
        text = page.read_text("utf-8") if page.exists() else ""
        for kind, block in re.findall(r"^```(console)?\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
            sign = "$ " if kind else ""
            for line in block.splitlines():
                words = line.split("#")[0].strip()
                if words.startswith(f"{sign}cart-nlp ") and not words.startswith("cart-nlp tag:"):
                    told.append((str(page.relative_to(ROOT)), words.removeprefix(sign)))
    return told


@pytest.fixture(scope="module")
def options() -> dict[str, set[str]]:
    """Command -> the options that its help names."""
    found: dict[str, set[str]] = {}

    def ask(*words: str) -> str:
        program = Path(sys.executable).with_name("cart-nlp")
        wide = os.environ | {"COLUMNS": "200"}
        return subprocess.run(
            [program, *words, "--help"], capture_output=True, text=True, env=wide, timeout=60, check=True
        ).stdout

    for name in COMMANDS:
        helped = ask(name)
        found[name] = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", helped))
        for inner in re.findall(r"^  (\w+) ", helped.partition("Commands:")[2], re.MULTILINE):
            found[f"{name} {inner}"] = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", ask(name, inner)))
    return found


def test_every_command_told_exists_with_its_options(options):
    told = commands_told()
    assert len(told) > 10
    wrong = []
    for page, line in told:
        words = shlex.split(line.split(">")[0])
        name = " ".join(words[1:3]) if " ".join(words[1:3]) in options else words[1]
        used = {word.split("=")[0] for word in words if word.startswith("-") and word != "-"}
        if name not in options or used - options[name]:
            wrong.append(f"{page}: {line}: {sorted(used - options.get(name, set())) or 'no such command'}")
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_are_there(page):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


def test_figures_in_the_pages_are_those_last_measured():
    path = ROOT / "benchmarks" / "tables.py"
    spec = importlib.util.spec_from_file_location("tables", path)
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    for page in tables.PAGES:
        text = (ROOT / page).read_text("utf-8")
        assert tables.filled(text, page=page) == text, "run: python benchmarks/tables.py"


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def test_the_page_of_one_trial_tells_what_becomes_of_it():
    told = text_of("docs/explanation/one-trial.md")
    title, summary = re.findall(r"^> \*\*(?:Title|Summary)\.\*\* (.*)", told, re.MULTILINE)
    record = cart_nlp.tag({"id": "T", "brief_title": title, "brief_summary": summary})
    assert f"Here: `{record.car_trial}`." in told
    first = {(e.field, e.value): e for e in reversed(record.evidence) if e.field != "car_trial"}
    shown = [
        [field, *value.split(), e.section, f"{e.start}-{e.end}", *f'"{e.text}"'.split()]
        for (field, value), e in first.items()
    ]
    (block,) = blocks("text", told)
    assert sorted(line.split() for line in block.splitlines()) == sorted(shown)


def test_the_page_of_one_trial_names_what_the_text_screen_lets_through():
    screening = text_of("docs/explanation/one-trial.md").split("## Screening")[1].split("## ")[0]
    told = re.findall(r'"([^"]+)"', screening)
    assert len(told) == 2
    for text in told:
        assert hits_of(())(text), text
        assert cart_nlp.tag(text).car_trial not in INCLUDED


def test_every_value_that_is_read_from_text_has_evidence_and_no_other_has():
    assert "| at least one entry for every value that is read from text;" in README
    assert "those of `car_trial` and `targets` to `follow_up_years`. `target_ids`," in text_of(
        "docs/labels.md"
    )
    read = {"car_trial", "constructs", "follow_up_years", *TAGGED_FIELDS}
    fields = list(Record.model_fields)
    between = fields[fields.index("targets") : fields.index("follow_up_years") + 1]
    without = {"target_ids", "multi_target", "indication_ids"}
    assert {"car_trial", *between} - without == read
    held = set()
    for record in cart_nlp.iter_records(ROOT / "benchmarks" / "sample" / "trials.jsonl"):
        shown = {(e.field, e.value) for e in record.evidence}
        held |= {field for field, _ in shown}
        for field in read:
            value = getattr(record, field)
            for one in value if isinstance(value, tuple) else [value] * (value is not None):
                text = construct_text(one.targets, one.format) if field == "constructs" else f"{one}"
                assert (field, text.removesuffix(".0")) in shown
    assert held <= read


def test_a_fallback_of_the_text_screen_is_as_fast_as_told():
    rows = json.loads(text_of("benchmarks/results/speed.json"))["figures"]
    found = {row["what"]: row["figure"] for row in rows if row["what"].startswith("screening (")}
    hyperscan, fallback = (
        next(v for k, v in found.items() if name in k) for name in ("Hyperscan", "fallback")
    )
    assert "about\ntwo fifths of the speed" in text_of("docs/running.md")
    assert round(5 * fallback / hyperscan) == 2


def test_how_often_a_download_is_tried_is_told():
    words = {3: "three", 6: "six"}
    told = f"tried up to {words[client.TRIES]} times, {words[client.CONNECT_TRIES]} where no connection"
    assert told in text_of("docs/running.md")


def test_contributing_has_the_layers_that_are_checked():
    layers = tomllib.loads(text_of("pyproject.toml"))["tool"]["importlinter"]["contracts"][0]["layers"]
    told = text_of("CONTRIBUTING.md").split("## Layers")[1].split("```")[1]
    split = [re.split(r" [|:] |, ", layer.strip()) for layer in told.split("→")]
    assert split == [re.split(r" [|:] ", layer) for layer in layers if layer != "__main__"]


def test_pages_tell_the_same_exit_codes():
    table = (ROOT / "docs" / "running.md").read_text("utf-8").split("| exit | means |")[1].split("\n\n")[0]
    line = (ROOT / "docs/reference/commands.md").read_text("utf-8").split("Exit codes: ")[1].split("\n\n")[0]
    codes = [0, 1, 2, console.INTERRUPTED, console.CLOSED_PIPE]
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)] == codes
    assert [int(code) for code in re.findall(r"(?:^|; ?\n?)(\d+), ", line)] == codes


@pytest.mark.corpus
def test_counts_of_a_real_dump_are_those_of_today(tmp_path):
    told = text_of("docs/running.md").split("```")[3].strip().splitlines()
    words = ("tag", CORPUS / "registry-dump.jsonl.gz", "-o", "records.csv")
    done = subprocess.run(
        [Path(sys.executable).with_name("cart-nlp"), *words],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    said = done.stderr.splitlines()[-2:]
    assert [line.rpartition(" in ")[0] or line for line in told] == [
        line.rpartition(" in ")[0] or line for line in said
    ]


def test_changelog_tells_of_this_version():
    first, *others = re.findall(
        r"^## (\S+)(?: \(\d{4}-\d\d-\d\d\))?$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
    )
    if Version(__version__).is_devrelease:  # of what comes after the last release
        assert first == "Unreleased" and Version(others[0]) < Version(__version__)
    else:
        assert first == __version__


def test_version_is_the_same_everywhere():
    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text("utf-8")
