"""A command that cannot go on says so in one line, whatever the terminal, the disk or the installation."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

from cart_nlp import console
from cart_nlp.cli import _running
from cart_nlp.console import EXTRAS, INTERRUPTED, guarded, safe

PROGRAM = Path(sys.executable).with_name("cart-nlp")
PROJECT = tomllib.loads((Path(__file__).resolve().parent.parent / "pyproject.toml").read_text("utf-8"))
OLD_TERMINALS = [{"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "iso-8859-1"}]


def run(*words, **options):
    return subprocess.run(
        [PROGRAM, *words], capture_output=True, text=True, timeout=60, check=False, **options
    )


def ended(command="cart-nlp x", raising=None):
    with pytest.raises(SystemExit) as end, guarded(command):
        raise raising
    return end.value.code


@pytest.mark.parametrize("package", sorted(EXTRAS))
def test_a_missing_package_is_told_with_the_extra_that_brings_it(package, capsys):
    fault = ModuleNotFoundError(f"No module named {package!r}", name=f"{package}.part")
    assert ended(raising=fault) == 2
    line = f"this needs {package}, which is not installed; pip install 'cart-nlp[{EXTRAS[package]}]'"
    assert capsys.readouterr().err == f"cart-nlp x: {line}\n"
    brought = " ".join(PROJECT["project"]["optional-dependencies"][EXTRAS[package]])
    assert package in brought or (package, "distributed" in brought) == ("dask", True)


def test_a_module_that_no_extra_brings_is_a_fault_of_the_program():
    with pytest.raises(ModuleNotFoundError), guarded("cart-nlp x"):
        raise ModuleNotFoundError("No module named 'nonsense'", name="nonsense")


def test_what_the_system_refuses_is_one_line_with_the_file(capsys):
    with pytest.raises(SystemExit) as end, guarded("cart-nlp x"):
        Path("no\x1b[31m/such").read_text()
    assert end.value.code == 2
    assert capsys.readouterr().err == "cart-nlp x: no\\x1b[31m/such: no such file or directory\n"


def test_an_interrupt_is_one_line(capsys):
    assert ended(raising=KeyboardInterrupt()) == INTERRUPTED
    assert capsys.readouterr().err == "cart-nlp x: interrupted\n"


def test_an_interrupted_command_says_so(capsys):
    def command():
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as end:
        _running.run("schema", SimpleNamespace(command=command), [])
    assert end.value.code == INTERRUPTED
    assert capsys.readouterr().err == "cart-nlp schema: interrupted\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize(
    "words",
    [(), ("--help",), ("--version",), ("show", "--help"), ("lexicon", "show", "CD19"), ("schema",)],
    ids=" ".join,
)
def test_a_full_disk_under_standard_output_is_one_line(words):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [PROGRAM, *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--help",),
        ("--version",),
        ("show", "--help"),
        ("show", "CD19 CAR-T cells"),
        ("lexicon", "show", "CD19"),
        ("lexicon", "export", "--to", "entity-ruler", "-"),
        ("schema",),
        ("schema", "--quiet"),
    ],
    ids=" ".join,
)
def test_a_reader_that_goes_away_ends_the_command_without_a_word(words):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        done = subprocess.run(
            [PROGRAM, *words], stdout=pipe, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert (done.returncode, done.stderr) == (console.CLOSED_PIPE, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("gone", [True, False], ids=["reader", "room"])
def test_what_ends_a_command_is_a_json_line_too(gone):
    """Of a reader that has gone only the code is told; of a full disk the fault as well."""
    reading, pipe = os.pipe()
    os.close(reading)
    with os.fdopen(pipe if gone else os.open("/dev/full", os.O_WRONLY), "w") as stream:
        done = subprocess.run(
            [PROGRAM, "schema", "--log-json"], stdout=stream, stderr=subprocess.PIPE, text=True, timeout=60
        )
    *said, end = map(json.loads, done.stderr.splitlines())
    assert end["exit"] == done.returncode == (console.CLOSED_PIPE if gone else 2)
    assert [line["message"] for line in said] == ([] if gone else ["No space left on device"])


@pytest.mark.skipif(not Path("/bin/sh").exists(), reason="closes streams by a shell")
def test_standard_streams_that_are_closed_stop_no_command_that_needs_none(tmp_path):
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"id": "T1", "title": "CD19 CAR-T cells in lymphoma"}\n', "utf-8")
    whole = [sys.executable, "-m", "cart_nlp", "tag", str(source), "-o"]
    closed = ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    assert subprocess.run([*closed, *whole, str(out)]).returncode == 0
    assert len(out.read_bytes().splitlines()) == 1
    closed[2] = 'exec "$@" >&-'
    told = subprocess.run([*closed, *whole, "-"], stderr=subprocess.PIPE, text=True)
    assert told.returncode == 2
    assert told.stderr.startswith("cart-nlp tag: standard output: ") and told.stderr.count("\n") == 1


@pytest.mark.parametrize("terminal", OLD_TERMINALS, ids=lambda terminal: terminal["PYTHONIOENCODING"])
def test_a_terminal_of_an_old_encoding_gets_what_it_can_show(terminal):
    done = run("show", "抗CD19 CAR-T – with 4-1BB", env=os.environ | terminal)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u6297[CD19]{targets}" in done.stdout
    assert "CAR-T]" in done.stdout


def test_text_that_is_no_text_is_read_as_well_as_it_can_be():
    done = subprocess.run([PROGRAM, "show", b"CD19 CAR-T \xff"], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_nothing_that_is_drawn_steers_the_terminal(capsys):
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None)
    table.add_column(Text("a\x1b]0;title\x07"))
    table.add_row(Text("b\u202ec", style="bold"))
    drawing = console.screen()
    drawing.print(table)
    drawing.print("[bold]d\x9b31m :smile:")
    console.put_json({"e\x9b": "\u2066"})
    console.put_json_lines(['{"f": "ζ\x9b"}'])
    said = capsys.readouterr()
    assert not {*"\x1b\x07\x9b\u202e\u2066"} & {*said.out, *said.err}
    assert "\\x1b]0;title" in said.out and "b\\u202ec" in said.out
    assert "[bold]d\\x9b31m :smile:" in said.out
    assert '"e\\u009b": "\\u2066"' in said.out and '{"f": "ζ\\u009b"}\n' in said.out


def test_python_m_cart_nlp_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "cart_nlp", "--version"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == run("--version").stdout


@pytest.mark.parametrize(
    ("text", "shown"), [("a\tb\nc", "a b c"), ("\x9b31m", "\\x9b31m"), ("\u202e", "\\u202e")]
)
def test_a_line_holds_nothing_that_steers_a_terminal(text, shown):
    assert safe(text, lines=False) == shown


def test_a_fault_of_many_lines_is_told_once(capsys):
    faults = [f"g.jsonl:{n}: holds no labels" for n in range(1, 101)] + ["g.jsonl:7: is no JSON"]
    with pytest.raises(SystemExit):
        console.stop_all("cart-nlp gold", faults)
    assert capsys.readouterr().err.splitlines() == [
        "cart-nlp gold: g.jsonl:1: holds no labels (99 other lines have the same fault)",
        "cart-nlp gold: g.jsonl:7: is no JSON",
    ]


def test_a_fault_of_a_few_lines_is_told_of_each(capsys):
    with pytest.raises(SystemExit):
        console.stop_all("cart-nlp gold", [f"g.jsonl:{n}: holds no labels" for n in range(1, 21)])
    assert len(capsys.readouterr().err.splitlines()) == 20
