"""Every command tells its options, quickly, and wrong usage gets one line and exit code 2."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cart_nlp import __version__
from cart_nlp.cli import COMMANDS

PROGRAM = Path(sys.executable).with_name("cart-nlp")
FOLDER = Path(__file__).resolve().parent.parent / "cart_nlp" / "cli"
HEAVY = {"spacy", "scispacy", "pandas", "numpy", "pydantic", "httpx", "lxml", "pyarrow", "duckdb",
         "matplotlib", "scipy", "distributed", "orjson", "ahocorasick_rs", "hyperscan"}  # fmt: skip
LOADED = """
import json, sys
sys.argv = ["cart-nlp", *{words!r}]
from cart_nlp.cli import main
try:
    main()
except SystemExit as end:
    code = end.code
else:
    code = 0
print()
print(json.dumps([code or 0, sorted({{name.split(".")[0] for name in sys.modules}})]))
"""


def run(*words):
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=60, check=False)


def test_commands_are_the_modules_of_the_folder():
    assert set(COMMANDS) == {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}


def test_overview_names_every_command_with_its_line():
    said = run("--help").stdout
    for name, line in COMMANDS.items():
        assert f"  {name} " in said
        assert line in said


@pytest.mark.parametrize("words", [(), ("-h",), ("help",)], ids=["bare", "-h", "help"])
def test_overview_is_what_one_gets_without_a_command(words):
    assert run(*words).stdout == run("--help").stdout


def test_version():
    assert run("--version").stdout == f"cart-nlp {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_loads_nothing_heavy(name):
    source = LOADED.format(words=[name, "--help"])
    wide = os.environ | {"COLUMNS": "100", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, env=wide, timeout=60, check=True
    )
    text, _, last = done.stdout.rstrip().rpartition("\n")
    code, modules = json.loads(last)
    assert code == 0
    assert text.startswith(f"Usage: cart-nlp {name} ")
    assert set(modules) & HEAVY == set()


def test_unknown_command_is_one_line_that_names_the_known_ones():
    done = run("tagg", "x.jsonl")
    assert done.returncode == 2
    assert done.stdout == ""
    assert (
        done.stderr == f"cart-nlp: no command 'tagg' (did you mean tag?); there are {', '.join(COMMANDS)}\n"
    )


@pytest.mark.parametrize(
    "words", [("tag",), ("tag", "--workres", "2"), ("lexicon", "chek"), ("fetch",)], ids=" ".join
)
def test_bad_usage_exits_with_2_and_no_traceback(words):
    done = run(*words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()
