"""Every command tells its options, quickly, and wrong usage gets one line and exit code 2."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cart_nlp import __version__
from cart_nlp.cli import COMMANDS
from cart_nlp.cli._commands import CORRECTIONS, RECORDS
from cart_nlp.cli._running import EXAMPLES

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
    assert set(COMMANDS) == {path.stem for path in FOLDER.glob("[!_]*.py")}


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


def _leaves():
    import importlib

    from cart_nlp.cli._running import command_of, leaves

    for name in COMMANDS:
        yield from leaves(name, command_of(name, importlib.import_module(f"cart_nlp.cli.{name}")))


LEAVES = dict(_leaves())


def _helped(command):
    return command.get_help(command.context_class(command, info_name="x", terminal_width=60))


@pytest.mark.parametrize("path", LEAVES)
def test_help_shows_examples_with_options_that_exist_and_no_type_of_python(path):
    helped = _helped(LEAVES[path])
    examples = EXAMPLES[path]
    options = {name for param in LEAVES[path].params for name in (*param.opts, *param.secondary_opts)}
    for line in examples:
        assert line in re.sub(r" \\\n\s+", " ", helped)
        assert line.startswith(f"cart-nlp {path} ") or line == f"cart-nlp {path}"
        used = {word for word in line.split() if word.startswith("-") and word != "-"}
        assert used <= options, line
    assert not re.search(r"<(?:str|int|float|path|list|bool)|\brange>", helped)
    assert "--log-json" in helped
    assert max(map(len, helped.splitlines())) <= 60


def test_no_example_is_of_a_command_that_is_not_there():
    assert set(EXAMPLES) == set(LEAVES)


def test_help_of_tag_names_every_input_format():
    from cart_nlp.registries import READERS

    (option,) = (param for param in LEAVES["tag"].params if param.name == "format")
    assert set(re.findall(r"[a-z0-9-]+", option.help.partition("There are")[2])) == set(READERS)


def test_help_tells_every_format_that_is_read():
    told = dict.fromkeys(("corrections", "adjudicated"), CORRECTIONS) | {"records": RECORDS}
    own = dict.fromkeys(("file", "a", "b"), CORRECTIONS)
    read = 0
    for path, command in LEAVES.items():
        names = told | own if path.startswith("corrections ") else told
        for param in command.params:
            assert names.get(param.name, "") in (param.help or ""), (path, param.name)
            read += param.name in names
    assert read > 12


@pytest.mark.parametrize(
    "path", [path for path in LEAVES if path not in ("evaluate", "show", "lexicon show")]
)
def test_what_a_command_writes_is_named_by_out(path):
    names = {name for param in LEAVES[path].params for name in param.opts}
    assert not names & {"--output", "--csv", "--to-file"}


def config(folder, text, *words):
    (folder / "cart-nlp.toml").write_text(text)
    return subprocess.run(
        [PROGRAM, *words], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def test_options_come_from_a_file_in_the_folder(tmp_path):
    done = config(tmp_path, '[schema]\ntable = true\nout = "dictionary.csv"\n', "schema")
    assert done.returncode == 0
    assert (tmp_path / "dictionary.csv").exists()
    assert done.stderr.splitlines()[0] == "cart-nlp: with options of cart-nlp.toml: table, out"


def test_an_option_that_is_given_goes_before_the_file(tmp_path):
    config(tmp_path, '[schema]\ntable = true\nout = "a.csv"\n', "schema", "--out", "b.csv")
    assert [path.name for path in tmp_path.glob("*.csv")] == ["b.csv"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[schema\n", "cart-nlp.toml: not TOML"),
        ("x = " + "[" * 5_000, "cart-nlp.toml: not TOML: nested deeper than 100 levels"),
        ("schema." + "a." * 5_000 + "b = 1", "cart-nlp.toml: not TOML: nested deeper than 100 levels"),
        ("[shema]\n", "cart-nlp.toml: [shema]: no such command; did you mean schema?"),
        ("[schema]\ntabel = true\n", "cart-nlp.toml: [schema] tabel: no such option; did you mean table?"),
        ("[schema]\nout = ['a']\n", "cart-nlp.toml: [schema] out: ['a'] is not one value"),
        ("schema = 3\n", "cart-nlp.toml: schema: write [schema] and its options below"),
    ],
)
def test_a_wrong_file_of_options_is_one_line(tmp_path, text, told):
    done = config(tmp_path, text, "schema")
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr and len(done.stderr.splitlines()) == 1


def test_quiet_says_nothing_unless_something_is_wrong(tmp_path):
    out = tmp_path / "d.csv"
    assert run("schema", "--table", "--out", out).stderr == f"cart-nlp schema: → {out}\n"
    assert run("schema", "--table", "--out", out, "--quiet").stderr == ""
    wrong = run("schema", "--quiet", "--out", tmp_path / "d.txt")
    assert wrong.returncode == 2 and "name the file .json" in wrong.stderr


def test_what_is_said_comes_as_json_lines(tmp_path):
    done = run("schema", "--table", "--log-json", "--out", tmp_path / "d.csv")
    said, end = map(json.loads, done.stderr.splitlines())
    assert (said["command"], said["message"]) == ("cart-nlp schema", f"→ {tmp_path / 'd.csv'}")
    assert end["exit"] == 0
    wrong = [json.loads(line) for line in run("schema", "--log-json", "--out", "d.txt").stderr.splitlines()]
    assert wrong[-1]["exit"] == 2 and "name the file" in wrong[0]["message"]


@pytest.mark.parametrize("engine", [(), ("--engine", "local")])
def test_a_scheduler_without_dask_is_refused(tmp_path, engine):
    (tmp_path / "d.jsonl").write_text('{"id": "NCT90000001", "brief_title": "CD19 CAR-T cells"}\n')
    words = ("tag", tmp_path / "d.jsonl", "-o", tmp_path / "o.csv", "--scheduler", "tcp://h:1", *engine)
    done = run(*words)
    told = "cart-nlp tag: --scheduler tcp://h:1: is for --engine dask only; give that too\n"
    assert (done.returncode, done.stderr) == (2, told)
    assert not (tmp_path / "o.csv").exists()


def test_quiet_json_lines_are_told_only_if_something_is_wrong(tmp_path):
    assert run("schema", "--table", "--quiet", "--log-json", "--out", tmp_path / "d.csv").stderr == ""
    wrong = run("schema", "--log-json", "--quiet", "--out", "d.txt").stderr.splitlines()
    said, end = map(json.loads, wrong)
    assert end["exit"] == 2 and "name the file" in said["message"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["tag", "--workres"], "no such option: --workres (possible options: --corrections, --workers)"),
        (["lexicon", "chek"], "no such command 'chek'. did you mean 'check'?"),
        (["tag"], "missing argument 'inputs'"),
        (["tag", "x", "-o", "y", "--workers", "many"], "tag: --workers many: give a whole number;"),
        (["tag", "x", "-o", "y", "--workers=-1"], "tag: --workers -1: give 0 or more;"),
        (["tag", "x", "-o", "y", "--timeout", "0"], "tag: --timeout 0: give 0.1 or more;"),
        (["tag", "x", "-o", "y", "--timeout", "nan"], "tag: --timeout nan: is no number of seconds;"),
        (["fetch", "x", "-o", "y.jsonl", "--pause", "nan"], "fetch: --pause nan: is no number of seconds;"),
        (["fetch", "x", "-o", "y.jsonl", "--limit", "nan"], "fetch: --limit nan: is no number;"),
        (["tag", "x", "-o", "y", "--workers", "9" * 20], f"tag: --workers {'9' * 20}: give 10000 or less;"),
        (["gold", "export", "x", "--limit", "9" * 20], f"--limit {'9' * 20}: give 1000000000 or less;"),
        (["fetch", "x", "-o", "y", "--timeout", "1e300"], "--timeout 1e300: give 86400 or less;"),
        (["fetch", "x", "-o", "y", "--pause", "inf"], "--pause inf: give 86400 or less;"),
        (["evaluate", "--prevalence", "2"], "evaluate: --prevalence 2: give 1 or less;"),
        (["evaluate", "--prevalence", "few"], "evaluate: --prevalence few: give a number;"),
    ],
)
def test_wrong_usage_is_one_line_with_the_nearest_and_the_way_to_the_help(words, told):
    done = run(*words)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert told in done.stderr.lower()
    assert done.stderr.rstrip().endswith("--help tells the options")


def test_every_whole_number_has_a_bound_that_64_bits_hold():
    for path, command in LEAVES.items():
        for param in command.params:
            if "int" in str(param.type_descriptor.annotation):
                assert param.max < 1 << 63, (path, param.name)


def test_a_number_of_the_configuration_has_the_same_bounds(tmp_path):
    (tmp_path / "big.toml").write_text(f"[tag]\nworkers = {'9' * 20}\n")
    done = run("tag", "x", "-o", tmp_path / "y.jsonl", "--config", tmp_path / "big.toml")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "--workers: give 10000 or less" in done.stderr


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
