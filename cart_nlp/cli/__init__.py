"""The command line: one module a command, imported when it is called."""

from __future__ import annotations

import importlib
import os
import sys

from cart_nlp import console
from cart_nlp.cli._commands import COMMANDS


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = "\n".join(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items())
    return (
        "Usage: cart-nlp COMMAND [OPTIONS]\n\n"
        "Read clinical-trial registry dumps and tell, for every CAR cell therapy trial,\n"
        "what its text says of the product, with the words it came from.\n\n"
        f"Commands:\n{lines}\n\n"
        "Options:\n  --version  Print the version.\n  --help     Print this.\n\n"
        "cart-nlp COMMAND --help tells a command's options.\n"
        "First steps: cart-nlp tag dump.jsonl -o records.csv"
    )


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    found = get_close_matches(name, COMMANDS, 1)
    return f" (did you mean {found[0]}?)" if found else ""


def main() -> None:
    """Run the command that the arguments name; whatever ends it early is told in one line."""
    arguments = sys.argv[1:]
    name = arguments[0] if arguments and arguments[0] in COMMANDS else ""
    with console.guarded(f"cart-nlp {name}".rstrip()):
        _dispatch(arguments)


def _dispatch(arguments: list[str]) -> None:
    """Only the module of the command is imported."""
    if not arguments or arguments[0] in ("--help", "-h", "help"):
        console.put(_overview())
        return
    if arguments[0] == "--version":
        from cart_nlp import __version__

        console.put(f"cart-nlp {__version__}")
        return
    name = arguments[0]
    if name not in COMMANDS:
        console.stop("cart-nlp", f"no command {name!r}{_nearest(name)}; there are {', '.join(COMMANDS)}")
    # To look for plugins of pydantic reads the metadata of all that is installed; we have none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # Nothing here multiplies large matrices; numpy would start a thread for each core of the machine.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from cart_nlp.cli._running import run

    run(name, importlib.import_module(f"cart_nlp.cli.{name}"), arguments[1:])
