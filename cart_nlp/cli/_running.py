"""How every command is run: help in plain words with examples, options from a file, faults in one line."""

from __future__ import annotations

import difflib
import io
import json
import re
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

import typer
import typer.main

from cart_nlp import console, shallow
from cart_nlp.cli._commands import COMMANDS

CONFIG = "cart-nlp.toml"

EVERYWHERE = """\b
With every command:
  --quiet        on standard error only what is wrong
  --log-json     standard error as JSON lines
  --config FILE  options from this file, by default
                 cart-nlp.toml in the folder"""

EXAMPLES = {
    "tag": (
        "cart-nlp tag dump.jsonl -o records.csv",
        "cart-nlp tag aact.zip euctr.txt --dedupe -o records.xlsx",
        "cart-nlp tag table.csv --map id=NR,title=NAME -o records.jsonl",
        "cart-nlp tag dump.jsonl.gz --workers 4 -o store.duckdb",
    ),
    "show": (
        'cart-nlp show "CD19/CD22 tandem CAR-T cells with 4-1BB"',
        "cart-nlp show NCT01234567 --file dump.jsonl",
    ),
    "evaluate": (
        "cart-nlp evaluate --split dev --errors",
        "cart-nlp evaluate --gold registry --dump dump.jsonl",
        "cart-nlp evaluate --gold mine.jsonl --records records.jsonl",
    ),
    "landscape": (
        "cart-nlp landscape records.jsonl -o landscape",
        "cart-nlp landscape records.jsonl --until 2024-12 -o landscape",
    ),
    "view": ("cart-nlp view records.jsonl --text dump.jsonl -o page.html",),
    "lexicon check": ("cart-nlp lexicon check", "cart-nlp lexicon check my-terms --fix"),
    "lexicon export": ("cart-nlp lexicon export --to entity-ruler patterns.jsonl",),
    "lexicon show": ("cart-nlp lexicon show CD269",),
    "lexicon suggest": ("cart-nlp lexicon suggest dump.jsonl --out candidates.csv",),
    "gold export": (
        "cart-nlp gold export gold.jsonl --to doccano -o tasks.jsonl",
        "cart-nlp gold export dump.jsonl --tag --limit 50 --to brat -o tasks",
    ),
    "gold import": ("cart-nlp gold import done.jsonl --from doccano -o gold.jsonl",),
    "gold agree": ("cart-nlp gold agree a.jsonl b.jsonl",),
    "corrections check": ("cart-nlp corrections check corrections.csv",),
    "corrections labels": ("cart-nlp corrections labels corrections.csv --text dump.jsonl -o gold.jsonl",),
    "corrections merge": ("cart-nlp corrections merge a.csv b.csv -o both.csv",),
    "review": (
        "cart-nlp review records.jsonl --budget 50 -o queue.csv",
        "cart-nlp review records.jsonl --text dump.jsonl -o queue.html",
    ),
    "diff": (
        "cart-nlp diff january.jsonl february.jsonl",
        "cart-nlp diff store.duckdb@2026-01-31 store.duckdb --field targets",
    ),
    "schema": (
        "cart-nlp schema > record.schema.json",
        "cart-nlp schema --table",
        "cart-nlp schema --table --out dictionary.csv",
    ),
    "fetch": (
        'cart-nlp fetch "CAR-T" -o dump.jsonl',
        'cart-nlp fetch "chimeric antigen receptor" --limit 100 -o some.jsonl',
    ),
}
"""Command -> what one types; shown at the end of its help."""


def run(name: str, module: ModuleType, arguments: list[str]) -> None:
    """Run a command with its arguments; ends the program with the command's exit code."""
    command = command_of(name, module)
    asked, arguments = _asked(arguments)
    whole = f"cart-nlp {name}"
    # Guarded within: what ends the command is to be said the way everything else of it is.
    with _said(whole, asked), console.guarded(whole):
        defaults = _defaults(name, command, asked.get("config"))
        code = None
        # command.main would end with 1 where the reader of the output has gone, and silently if interrupted.
        try:
            with command.make_context(whole, [*arguments], default_map=defaults) as context:
                code = command.invoke(context)
        except typer.Exit as end:
            code = end.exit_code
        except typer.BadParameter.__base__ as fault:  # type: ignore[misc]
            console.stop(whole, _usage(whole, fault, arguments))
        raise SystemExit(code if isinstance(code, int) else 0)


def command_of(name: str, module: ModuleType) -> Any:
    """The command of a module, its help put into plain words."""
    app = getattr(module, "app", None)
    if app is None:
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        app.command(name=name)(module.command)
    command = typer.main.get_command(app)
    for path, each in leaves(name, command):
        for param in each.params:
            _put_plainly(param)
        examples = "\n".join(f"  {_broken(line)}" for line in EXAMPLES.get(path, ()))
        shown = f"\b\nExamples:\n{examples}\n\n" if examples else ""
        each.epilog = shown + EVERYWHERE
    return command


def _broken(line: str) -> str:
    """An example that a screen of 60 columns shows: continued, before an option, on a line of its own."""
    if len(line) <= SHORT:
        return line
    at = max(line.rfind(f" {mark}", 0, SHORT) for mark in '-"')
    return f"{line[:at]} \\\n      {line[at + 1 :]}" if at > 0 else line


SHORT = 54
"""Characters of an example on one line."""


def leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """A command, or those of a group, each with its words."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    for word, each in inner.items():
        yield from leaves(f"{name} {word}", each)


def _put_plainly(param: Any) -> None:
    """FILE, TEXT or NUMBER instead of a type of Python, and ranges in words."""
    if param.param_type_name == "argument":
        if param.metavar is None:
            param.metavar = param.name.upper()
        param.display_type = lambda ctx: ""
        return
    described = param.type_descriptor
    if not described.is_choice:
        kind = str(described.annotation)
        word = (
            "FOLDER"
            if param.name == "lexicon"
            else "FILE"
            if "Path" in kind
            else "NUMBER"
            if "int" in kind or "float" in kind
            else "TEXT"
        )
        param.display_type = lambda ctx: word


_PLAINLY = (
    (r"Input should be a valid integer\b.*", "give a whole number"),
    (r"Input should be a valid number\b.*", "give a number"),
    (r"Input should be greater than or equal to (\S+)", r"give \1 or more"),
    (r"Input should be less than or equal to (\S+)", r"give \1 or less"),
)
"""What is said of a value that does not fit -> the same for somebody who knows no Python."""


_SECONDS = ("--timeout", "--pause")


def _usage(whole: str, fault: Any, words: list[str]) -> str:
    said = " ".join(fault.format_message().replace("Value error, ", "").split()).rstrip(".")
    options = getattr(getattr(fault, "param", None), "opts", ())
    given = [value for value in (_given(words, option) for option in options) if value is not None]
    for pattern, plain in _PLAINLY:
        found = re.search(pattern, said)
        if options and any(value.strip("+- ").casefold() == "nan" for value in given):
            # It is neither more nor less than any bound.
            said = f"{options[0]} {given[0]}: is no number{' of seconds' * (options[0] in _SECONDS)}"
        elif found and options:
            said = f"{' '.join([options[0], *given[:1]])}: {found.expand(plain)}"
    context = getattr(fault, "ctx", None)
    where = context.command_path if context is not None else whole
    return f"{said[:1].lower()}{said[1:]}; {where} --help tells the options"


def _given(words: list[str], option: str) -> str | None:
    """The value that follows an option."""
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name == option:
            return value if equals else (words[at + 1] if at + 1 < len(words) else None)
    return None


def _asked(arguments: list[str]) -> tuple[dict[str, str], list[str]]:
    """The options of every command, and the arguments without them."""
    asked: dict[str, str] = {}
    rest: list[str] = []
    waiting = iter(arguments)
    for word in waiting:
        if word == "--":
            rest += [word, *waiting]
        elif word in ("--quiet", "--log-json"):
            asked[word.lstrip("-")] = "yes"
        elif word == "--config" or word.startswith("--config="):
            value = word.partition("=")[2] or next(waiting, "")
            if not value:
                console.stop("cart-nlp", "--config: name a file, e.g. --config cart-nlp.toml")
            asked["config"] = value
        else:
            rest.append(word)
    return asked, rest


def _defaults(name: str, command: Any, config: str | None) -> dict[str, Any]:
    """What the configuration says for a command, by the names of its parameters."""
    path = Path(config or CONFIG)
    if config is None and not path.is_file():
        return {}
    try:
        settings = shallow.toml_of(path.read_bytes().decode())
    except ValueError as fault:
        console.stop("cart-nlp", f"{path}: not TOML: {fault}")
    for key in settings:
        if key not in COMMANDS:
            console.stop("cart-nlp", f"{path}: [{key}]: no such command{_nearest(key, COMMANDS)}")
    section = settings.get(name, {})
    found = _section(path, name, command, section)
    if found and config is None:
        console.say("cart-nlp", f"with options of {path}: {', '.join(section)}")
    return found


def _section(path: Path, name: str, command: Any, section: Any) -> dict[str, Any]:
    if not isinstance(section, dict):
        console.stop("cart-nlp", f"{path}: {name}: write [{name}] and its options below")
    inner = getattr(command, "commands", None)
    if inner is not None:
        for key in section:
            if key not in inner:
                console.stop("cart-nlp", f"{path}: [{name}.{key}]: no such command{_nearest(key, inner)}")
        return {key: _section(path, f"{name}.{key}", inner[key], value) for key, value in section.items()}
    options = {
        option.lstrip("-"): param
        for param in command.params
        if param.param_type_name == "option"
        for option in param.opts
        if option.startswith("--")
    }
    found = {}
    for key, value in section.items():
        if key not in options:
            console.stop("cart-nlp", f"{path}: [{name}] {key}: no such option{_nearest(key, options)}")
        if isinstance(value, dict) or (isinstance(value, list) != bool(options[key].multiple)):
            wanted = "a list" if options[key].multiple else "one value"
            console.stop("cart-nlp", f"{path}: [{name}] {key}: {value!r} is not {wanted}")
        found[options[key].name] = value
    return found


def _nearest(word: str, known: Mapping[str, Any]) -> str:
    found = difflib.get_close_matches(word, known, 1)
    return f"; did you mean {found[0]}?" if found else f"; there are {', '.join(known)}"


class _said:
    """Standard error while a command runs: as it is, as JSON lines, or kept back until something is wrong."""

    def __init__(self, command: str, asked: Mapping[str, str]) -> None:
        self._command, self._asked = command, asked
        self._kept: list[str] = []
        self._began = time.monotonic()

    def __enter__(self) -> None:
        self._stream = sys.stderr
        self._taken = bool(self._asked.keys() & {"log-json", "quiet"})
        if "log-json" in self._asked:
            sys.stderr = _Lines(self._stream, self._json)
        elif "quiet" in self._asked:
            sys.stderr = _Lines(self._stream, self._kept.append)

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: object) -> None:
        if not self._taken:
            return
        sys.stderr.flush()
        sys.stderr = self._stream
        code = fault.code if isinstance(fault, SystemExit) else 1 if fault else 0
        if "log-json" in self._asked:
            self._write(exit=code, seconds=round(time.monotonic() - self._began, 3))
        if code and self._kept:
            console.put("\n".join(self._kept), sys.stderr)

    def _json(self, line: str) -> None:
        command, colon, said = line.partition(": ")
        self._write(message=said if colon and command.startswith("cart-nlp") else line)

    def _write(self, **fields: Any) -> None:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = json.dumps({"time": now, "command": self._command, **fields})
        if "quiet" in self._asked:
            self._kept.append(line)
        else:
            console.put(line, self._stream)


class _Lines(io.TextIOBase):
    """A stream that hands whole lines on; no terminal, so that nothing draws on it."""

    def __init__(self, stream: TextIO, take: Any) -> None:
        self._stream, self._take, self._open = stream, take, ""

    def write(self, text: str) -> int:
        *whole, self._open = (self._open + text).split("\n")
        for line in whole:
            self._take(line)
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()
