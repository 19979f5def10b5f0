"""A quicker start: spaCy without its command line, which `import spacy` loads too, a third of its time.

Only `spacy.info` is taken from there: here it loads the rest when it is called.
"""

from __future__ import annotations

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
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


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
