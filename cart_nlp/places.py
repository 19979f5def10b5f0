"""Where a file may be read or written; one is begun without following what somebody has planted there."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import IO

STANDARD = "-"
"""What stands for standard output where a file is to be named."""


class PlaceError(Exception):
    """A place where no file can be written: one line with its name and the reason."""


def regular(named: Path, remedy: str = "name a file") -> Path:
    """The file that a name stands for, there or not; raises PlaceError if it is none.

    A symbolic link is resolved: it is written through, not replaced. `-` is none: who writes it means
    standard output.
    """
    if str(named) == STANDARD:
        raise PlaceError(f"{named}: standard output takes no such file; {remedy}")
    try:
        path = named.resolve()
        kind = path.stat().st_mode if path.exists() else stat.S_IFREG
    except (OSError, RuntimeError, ValueError) as fault:
        if isinstance(fault, RuntimeError) or getattr(fault, "errno", None) == errno.ELOOP:
            raise PlaceError(f"{named}: is a symbolic link that leads back to itself") from None
        raise PlaceError(f"{named}: cannot be written: {getattr(fault, 'strerror', fault)}") from None
    if stat.S_ISDIR(kind):
        raise PlaceError(f"{named}: is a directory; name a file in it, e.g. {named / 'records.jsonl'}")
    if not stat.S_ISREG(kind):
        raise PlaceError(f"{named}: is not a regular file; {remedy}")
    if not path.parent.is_dir():
        raise PlaceError(f"{named}: there is no folder {path.parent}; make it first")
    return path


def no_file(path: Path) -> str:
    """Why there is no file to read under a name."""
    if path.is_dir():
        return "is a directory, not a file"
    return "is a pipe or device, not a file" if path.exists() else "no such file"


def lock(descriptor: int) -> bool:
    """Hold an open file or folder for this process alone; False if another one does.

    True, and no lock, on a system that has none of that kind.
    """
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def begun(path: Path, mode: int = 0o666) -> IO[bytes]:
    """A new empty file, in place of one that is there; raises OSError.

    A link of that name is removed, not followed, also if it comes between the two steps.
    """
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, mode), "wb")
