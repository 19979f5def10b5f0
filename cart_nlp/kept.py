"""What was compiled from lexicons, kept from one run to the next in a folder of the user's caches.

Only plain values are kept, as JSON, and what Hyperscan compiled, as it writes that itself; each beside its
checksum. What is kept of another lexicon, another version or other code is never read; what is damaged counts
as absent; where nothing can be written, nothing is kept. The folder may be deleted at any time, and processes
may share it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from cart_nlp import __version__

VARIABLE = "CART_NLP_CACHE"
"""Environment variable with the folder to keep things in; empty: nothing is kept."""
MOST = 6
"""Files of one kind that are kept: the lexicons that a user changes leave one each."""
_CHECKED = hashlib.sha256().digest_size


def folder() -> Path | None:
    """Where things are kept; None where nothing is to be."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named) if named else None
    # What `platformdirs` says for these three; to import it takes longer than to read what is kept.
    home = "~/Library/Caches" if sys.platform == "darwin" else "~/.cache"
    base = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", "")
    with contextlib.suppress(RuntimeError):  # no home
        return Path(base if Path(base).is_absolute() else home).expanduser() / "cart-nlp"
    return None


@cache
def _made_by(modules: tuple[str, ...]) -> bytes:
    """What tells the code apart: these modules, this version, this Python with its tables of Unicode."""
    whole = hashlib.sha256(f"{__version__}\0{sys.version}".encode())
    for module in modules:
        with contextlib.suppress(OSError):  # installed without sources
            whole.update(hashlib.sha256(Path(_file_of(module)).read_bytes()).digest())
    return whole.digest()


def _file_of(module: str) -> str:
    """Where a module lies, be it imported or not."""
    if module in sys.modules:
        return sys.modules[module].__file__ or ""
    found = find_spec(module)
    return (found and found.origin) or ""


def folder_hash(folder: Path) -> str:
    """Hash over the names and contents of all files below a folder; independent of where it lies."""
    found = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        if "__pycache__" in file.parts:
            continue
        content = file.read_bytes()
        found.update(f"{file.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        found.update(content)
    return found.hexdigest()


def folders_hash(folders: Iterable[Path]) -> str:
    """The same over several folders in their order."""
    return hashlib.sha256("\n".join(map(folder_hash, folders)).encode()).hexdigest()


def state_of(layers: Iterable[str | Path]) -> str:
    """What a user's folders hold now: what a process has made of them counts as long as that stays."""
    with contextlib.suppress(OSError):  # whoever reads a folder tells what is wrong with it
        return folders_hash(map(Path, layers))
    return ""


def kept(kind: str, key: bytes, modules: Iterable[str], make: Callable[[], Any]) -> Any:
    """The plain value that `make` gives, from the folder if it is there already.

    `key` tells all that the value depends on besides the code in `modules`; without one nothing is kept.
    Tuples may come back as lists.
    """
    path = _path(kind, key, modules, "json")
    if path is None:
        return make()
    with contextlib.suppress(OSError, ValueError):
        return orjson.loads(_checked(path))
    value = make()
    with contextlib.suppress(OSError, orjson.JSONEncodeError):
        _keep(path, kind, orjson.dumps(value))
    return value


def kept_bytes(kind: str, key: bytes, modules: Iterable[str], make: Callable[[], bytes]) -> bytes:
    """The same for bytes that only their own library reads: taken from nobody but this user."""
    path = _path(kind, key, modules, "bin")
    if path is None:
        return make()
    with contextlib.suppress(OSError, ValueError):
        if _is_ours(path):
            return _checked(path)
    data = make()
    with contextlib.suppress(OSError):
        _keep(path, kind, data)
    return data


def _path(kind: str, key: bytes, modules: Iterable[str], ending: str) -> Path | None:
    """Where a value is kept; None where nothing is to be."""
    place = folder() if key else None
    if place is None:
        return None
    name = hashlib.sha256(key + _made_by(tuple(modules))).hexdigest()[:40]
    return place / f"{kind}-{name}.{ending}"


def _is_ours(path: Path) -> bool:
    """Whether nobody but this user can have written a file, as far as the system tells who may."""
    if not hasattr(os, "getuid"):
        return True
    both = path.stat(), path.parent.stat()
    return all(found.st_uid == os.getuid() and not found.st_mode & 0o022 for found in both)


def _checked(path: Path) -> bytes:
    """What a file holds. Raises ValueError if it is not as it was written."""
    content = path.read_bytes()
    if hashlib.sha256(content[_CHECKED:]).digest() != content[:_CHECKED]:
        raise ValueError("damaged")
    return content[_CHECKED:]


def _keep(path: Path, kind: str, data: bytes) -> None:
    """Write a file as a whole or not at all, and let the oldest of its kind go."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    number, draft = tempfile.mkstemp(dir=path.parent, prefix=f"{kind}-", suffix=".part")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(hashlib.sha256(data).digest() + data)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    dated = sorted(((each.stat().st_mtime, each) for each in path.parent.glob(f"{kind}-*")), reverse=True)
    for _, each in dated[MOST:]:
        each.unlink(missing_ok=True)
