"""What is printed: no text steers a terminal, no encoding ends in a traceback, a fault is one line."""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, ConsoleRenderable
    from rich.segment import Segment

# Registry text may hold escape sequences and signs that turn the reading direction: they are shown, not sent.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]"
)

EXTRAS = {
    "dask": "dask",
    "distributed": "dask",
    "duckdb": "tables",
    "matplotlib": "landscape",
    "openpyxl": "tables",
    "psycopg": "postgres",
    "pyarrow": "tables",
    "scipy": "evaluation",
    "statsmodels": "landscape",
    "xlsxwriter": "tables",
    "zstandard": "zstd",
}
"""Package that not every installation has -> the extra that brings it."""

_PLAIN = {"–": "-", "−": "-", "→": "->", "…": "...", "°": "*", "×": "x"}

CLOSED_PIPE, INTERRUPTED = 141, 130
"""Exit codes, as a shell gives them for SIGPIPE and SIGINT."""


def safe(text: str, *, lines: bool = True) -> str:
    """The text with control signs as visible escapes, so that nothing in it steers a terminal.

    Tabs become blanks and line breaks stay, unless `lines` is false: then they are blanks too.

    >>> safe("a\\x1b[31mb")
    'a\\\\x1b[31mb'
    """
    text = text.replace("\r\n", "\n").replace("\t", " ")
    if not lines:
        text = re.sub(r"\s+", " ", text)
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(), text)


def escaped_json(value: Any) -> str:
    """Indented JSON in which the signs that could steer a terminal are \\u escapes."""
    import orjson

    return _in_json(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def _in_json(text: str) -> str:
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _plainer(fault: UnicodeError) -> tuple[str, int]:
    """What an old encoding cannot say: our own signs in plain letters, others as escapes."""
    if not isinstance(fault, UnicodeEncodeError):
        raise fault
    sign = fault.object[fault.start]
    return _PLAIN.get(sign) or sign.encode("ascii", "backslashreplace").decode(), fault.start + 1


def put(line: str, stream: TextIO | None = None) -> None:
    """Print a line of the answer, to standard output if no other stream is given."""
    print(safe(line), file=stream)


def put_json(value: Any) -> None:
    """Print a value as indented JSON."""
    print(escaped_json(value))


def put_json_lines(lines: Iterable[str]) -> None:
    """Print lines of JSON in UTF-8, whatever the terminal's encoding: another program is to read them."""
    for line in lines:
        sys.stdout.buffer.write(_in_json(line).encode("utf-8") + b"\n")


class _Safe:
    """Something that rich draws, with control signs in its text as visible escapes."""

    def __init__(self, drawn: ConsoleRenderable) -> None:
        self._drawn = drawn

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        from rich.segment import Segment

        for text, style, control in console.render(self._drawn, options):
            yield Segment(text if control else safe(text), style, control)


def screen(*, stderr: bool = False) -> Console:
    """What draws tables and colors on the terminal, text as it is: neither markup nor what steers it."""
    from rich.console import Console, RenderHook

    class Drawing(Console):
        def on_broken_pipe(self) -> None:
            raise  # for `guarded` to end the command; rich would, with a code of its own

    class Hook(RenderHook):
        def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
            return [_Safe(each) for each in renderables]

    drawing = Drawing(stderr=stderr, highlight=False, markup=False, emoji=False)
    drawing.push_render_hook(Hook())
    return drawing


def say(command: str, line: str) -> None:
    """Print a line about the run to standard error, with the command before it."""
    print(f"{command}: {safe(line, lines=False)}", file=sys.stderr)


def stop(command: str, line: str, code: int = 2) -> NoReturn:
    """Say what is wrong, in one line, and end the command."""
    say(command, line)
    raise SystemExit(code)


def stop_all(command: str, lines: Iterable[str], code: int = 2) -> NoReturn:
    """The same for several faults, a line each; a fault without words is told as one too.

    A fault that many lines of a file share is told of the first of them, with their number.
    """
    told = list(lines) or ["it failed, and nothing says why"]
    kinds = Counter(map(_kind, told))
    for line in told:
        many = kinds[_kind(line)]
        if many > MANY:
            kinds[_kind(line)] = -1
            line = f"{line} ({many - 1:,} other lines have the same fault)"
        if many > 0:
            say(command, line)
    raise SystemExit(code)


MANY = 20
"""Lines with the same fault from which on only the first is told."""
_PLACE = re.compile(r"^(\S+):\d+: ")


def _kind(line: str) -> str:
    """A fault without the number of its line."""
    return _PLACE.sub(r"\1: ", line)


def fault_line(fault: OSError) -> str:
    """What the system refused, with the file, in words."""
    what = fault.strerror or str(fault) or type(fault).__name__
    if fault.filename is None:
        return what
    return f"{os.fsdecode(fault.filename)}: {what[:1].lower()}{what[1:]}"


def reason(fault: Exception) -> str:
    """What went wrong, without the number that the system has for it."""
    return getattr(fault, "strerror", None) or str(fault)


def missing_line(fault: ModuleNotFoundError) -> str | None:
    """Which extra brings a package that is not installed; None for one that no extra brings."""
    package = (fault.name or "").partition(".")[0]
    extra = EXTRAS.get(package)
    return extra and f"this needs {package}, which is not installed; pip install 'cart-nlp[{extra}]'"


@contextlib.contextmanager
def guarded(command: str) -> Iterator[None]:
    """Around a whole command: what the system or the installation refuses becomes one line and an exit code.

    A reader of the output that goes away (`| head`) ends the command silently.
    """
    codecs.register_error("plainer", _plainer)
    _stand_in()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):  # replaced by something that is no text file
            stream.reconfigure(errors="plainer")  # type: ignore[union-attr]
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        _let_go()
        raise SystemExit(CLOSED_PIPE) from None
    except KeyboardInterrupt:
        stop(command, "interrupted", INTERRUPTED)
    except ModuleNotFoundError as fault:
        line = missing_line(fault)
        if line is not None and command == "cart-nlp landscape":
            line = line.replace("[evaluation]", "[landscape]")  # scipy comes with either
        if line is None:
            raise
        stop(command, line)
    except OSError as fault:
        _let_go()
        stop(command, fault_line(fault))


def _stand_in() -> None:
    """Take the place of standard streams that were closed: else the next file opened would, and get what is
    said. What is lost on standard output is a fault, what is said on standard error goes unheard."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            number = os.open(os.devnull, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
            stream = os.fdopen(number, "r" if name == "stdin" else "w", encoding="utf-8", closefd=False)
            setattr(sys, name, stream)


def _let_go() -> None:
    """Drop what standard output still holds: it cannot be written, and the interpreter would try again."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
