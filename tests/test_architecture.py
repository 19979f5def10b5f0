"""The shape of the house: module sizes, names, layers, what is loaded when, and declared dependencies."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "cart_nlp"
MODULES = sorted(PACKAGE.rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
HEAVY = {"spacy", "scispacy", "pandas", "numpy", "pydantic", "rich", "httpx", "lxml", "pyarrow", "duckdb",
         "matplotlib", "scipy", "dask", "distributed", "orjson", "typer", "ahocorasick_rs"}  # fmt: skip


def test_there_are_modules_to_look_at():
    assert len(MODULES) > 50


def test_no_function_is_more_complex_than_its_place_allows():
    command = [sys.executable, ROOT / ".ci" / "complexity.py"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "", done.stdout


def test_no_module_is_named_after_nothing():
    vague = {"utils", "util", "helpers", "helper", "common", "core", "manager", "misc"}
    names = {part for path in MODULES for part in path.relative_to(PACKAGE).with_suffix("").parts}
    assert names & vague == set()


def test_imports_go_one_way():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_fault_is_caught_unnamed_and_click_is_never_imported():
    found = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            place = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.ExceptHandler) and _is_broad(node):
                found.append(f"{place}: except {ast.unparse(node.type) if node.type else ''}")
            if isinstance(node, (ast.Import, ast.ImportFrom)) and "click" in _imported(node):
                found.append(f"{place}: import click")
    assert found == []


def test_everything_printed_goes_through_the_console():
    found = []
    for path in MODULES:
        place = path.relative_to(PACKAGE).as_posix()
        if place != "console.py":
            found += [f"{place}: {how}" for how in _prints(ast.parse(path.read_text("utf-8")))]
    # Records on standard output: bytes for a program, each line escaped by writers.flat. And standard
    # error, which is kept aside with --quiet and --log-json.
    assert sorted(found) == ["batch/running.py: sys.stdout.buffer", "cli/_running.py: sys.stderr"]


@pytest.mark.parametrize(
    "code",
    [
        "print(1)",
        "import builtins; builtins.print(1)",
        "typer.echo(1)",
        "from typer import echo as say",
        "sys.stderr.write('1')",
        "from sys import stdout",
        "rich.print(1)",
        "from rich.console import Console",
        "from rich import print as show",
        "def f(stream=sys.stdout): stream.write('1')",
    ],
)
def test_every_way_around_the_console_is_seen(code):
    assert len(list(_prints(ast.parse(code)))) == 1


@pytest.mark.parametrize(
    "code",
    ["console.put(1, sys.stderr)", "screen.print(1)", "if TYPE_CHECKING:\n from rich.console import Console"],
)
def test_what_goes_through_the_console_is_no_way_around_it(code):
    assert list(_prints(ast.parse(code))) == []


_PRINTERS = {"typer": {"echo", "secho"}, "click": {"echo", "secho"}, "sys": {"stdout", "stderr"},
             "rich": {"print"}, "rich.console": {"Console"}, "builtins": {"print"}}  # fmt: skip
_OF_THE_STREAM = {"flush", "isatty"}


def _prints(tree: ast.AST) -> Iterator[str]:
    """What code writes to the terminal with, past the console."""
    fine = {inner for node in ast.walk(tree) if _only_typed(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("console."):
            fine.update(node.args)
        if isinstance(node, ast.Attribute) and node.attr in _OF_THE_STREAM | {"fileno"}:
            fine.add(node.value)
    taken = {node.value: node for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if node in fine:
            continue
        if isinstance(node, ast.Name) and node.id == "print":
            yield "print"
        elif isinstance(node, ast.Attribute) and node.attr in _PRINTERS.get(ast.unparse(node.value), ()):
            if isinstance(node.ctx, ast.Load):
                yield ast.unparse(taken.get(node, node))
        elif isinstance(node, ast.ImportFrom):
            yield from (each.name for each in node.names if each.name in _PRINTERS.get(node.module or "", ()))


def _only_typed(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


AUDIT = """
import sys, json
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
{code}
print(json.dumps({{"modules": sorted(sys.modules), "opened": opened}}))
"""


def _audited(code: str) -> tuple[set[str], list[str]]:
    """Top-level modules loaded and files opened by a piece of code in a fresh interpreter."""
    command = [sys.executable, "-c", AUDIT.format(code=code)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout.splitlines()[-1])
    return {name.split(".")[0] for name in said["modules"]}, said["opened"]


def test_importing_the_package_loads_nothing_heavy_and_reads_no_data():
    modules, opened = _audited("import cart_nlp")
    assert modules & HEAVY == set()
    assert [name for name in opened if not re.search(r"\.pyc?$|\.pyc\.\d+$", name)] == []


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], []], ids=["help", "version", "bare"])
def test_help_loads_nothing_heavy_and_reads_no_data(arguments):
    modules, opened = _audited(f"sys.argv[1:] = {arguments!r}\nfrom cart_nlp.cli import main\nmain()")
    assert modules & HEAVY == set()
    data = ("lexicons", "models", "benchmarks")
    assert [name for name in opened if set(Path(name).parts) & set(data)] == []


def test_every_module_imports_without_reading_a_lexicon():
    names = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in MODULES
    )
    code = f"import importlib\nfor name in {names!r}: importlib.import_module(name)"
    _, opened = _audited(code)
    shipped = tuple(str(ROOT / folder) for folder in ("lexicons", "models", "benchmarks"))
    assert [name for name in opened if name.startswith(shipped)] == []


def _is_broad(handler: ast.ExceptHandler) -> bool:
    """Whether it takes any fault, and keeps it: to clean up and raise it again is fine."""
    names = {each.id for each in ast.walk(handler.type or handler) if isinstance(each, ast.Name)}
    last = handler.body[-1]
    again = isinstance(last, ast.Raise) and last.exc is None
    return (handler.type is None or bool({"Exception", "BaseException"} & names)) and not again


def _imported(node: ast.Import | ast.ImportFrom) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    return {(node.module or "").split(".")[0]} if node.level == 0 else set()


def _third_party() -> dict[str, str]:
    """Distribution -> a place in the package that imports it."""
    homes = packages_distributions()
    found: dict[str, str] = {}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                for name in _imported(node) - sys.stdlib_module_names - {"cart_nlp", ""}:
                    found.setdefault(
                        canonicalize_name(homes.get(name, [name])[0]), f"{path.relative_to(ROOT)}: {name}"
                    )
    return found


def _declared(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(each).name) for each in requirements} - {"cart-nlp"}


def test_what_is_imported_is_declared_and_what_is_declared_is_imported():
    extras = PROJECT["optional-dependencies"]
    declared = _declared(PROJECT["dependencies"]).union(
        *(_declared(extras[name]) for name in extras if name not in ("dev", "fuzz"))
    )
    imported = _third_party()
    undeclared = {name: place for name, place in imported.items() if name not in declared}
    assert undeclared == {}
    assert declared - imported.keys() == set()


def _needed() -> set[str]:
    """Every distribution that installing with the development extra brings here."""
    extras = PROJECT["optional-dependencies"]
    groups = [PROJECT["dependencies"], *(group for name, group in extras.items() if name != "fuzz")]
    waiting = [Requirement(each) for group in groups for each in group]
    waiting = [each for each in waiting if each.marker is None or each.marker.evaluate()]
    seen = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        asked = (name, frozenset(requirement.extras))
        if name == "cart-nlp" or asked in seen:
            continue
        seen.add(asked)
        for each in map(Requirement, distribution(name).requires or []):
            wanted = {"", *requirement.extras}
            if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in wanted):
                waiting.append(each)
    return {name for name, _ in seen}


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="the pins are those of Python 3.11 and 3.12")
def test_constraints_pin_every_package_that_is_needed():
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert [line for line in pins if not re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.+!-]+", line)] == []
    pinned = {canonicalize_name(line.split("==")[0]) for line in pins}
    assert len(pinned) == len(pins)
    # setuptools comes with a new environment.
    assert _needed() - pinned - {"setuptools"} == set()
