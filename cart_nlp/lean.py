"""A quicker start and end: garbage is not looked for, and spaCy comes without its command line.

`import spacy` loads that too, a third of its time, for `spacy.info` alone: here it is loaded when called.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

_INFO = "spacy.cli.info"


@contextlib.contextmanager
def nothing_to_collect() -> Iterator[None]:
    """Within, garbage is not looked for: a pipeline that is being loaded leaves next to none."""
    was = gc.get_threshold()
    gc.set_threshold(0)  # `gc.disable` would not last: srsly switches the search on again after each file
    try:
        yield
    finally:
        gc.set_threshold(*was)


def settle() -> None:
    """Keep the search for garbage off what is there now, which stays for good and is shared by copies.

    It looks ten times less often than by default: a record leaves little that only a search can free.
    """
    gc.freeze()
    gc.set_threshold(7_000)


def leave_at_once() -> None:
    """At the end of the process, do not look through all that it holds: the system takes it back anyway.

    Not in a process with a store: DuckDB tells its objects, then not taken apart, as leaks.
    """
    atexit.unregister(_leave)
    atexit.register(_leave)


def _leave() -> None:
    if "duckdb" not in sys.modules:
        gc.freeze()


def import_spacy() -> None:
    """Import spaCy, if it is not there yet; whoever needs `spacy.cli` imports it afterwards as ever."""
    if "spacy" in sys.modules or _INFO in sys.modules:
        return
    stand_in = ModuleType(_INFO)
    stand_in.info = _info  # type: ignore[attr-defined]
    sys.modules[_INFO] = stand_in
    try:
        import spacy  # noqa: F401
    finally:
        del sys.modules[_INFO]


def _info(*arguments: Any, **options: Any) -> Any:
    from spacy.cli.info import info

    return info(*arguments, **options)
