"""Files that a command writes: never over one that it reads, never half, and not over another's unasked."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from cart_nlp.places import STANDARD, PlaceError, regular
from cart_nlp.writers.flat import clean, guarded


def claim(
    out: Path, inputs: Iterable[Path | str], *, ours: Iterable[bytes] = (), force: bool = False
) -> Path:
    """The file that `out` stands for, if it may be written; raises PlaceError with the remedy if not.

    It may not be one of the `inputs` (files, or anything inside an input folder), through links neither, nor
    a file that is there already and has none of the marks `ours` at its start, unless `force` is given. Its
    folder is made if need be.
    """
    with contextlib.suppress(OSError):
        out.parent.mkdir(parents=True, exist_ok=True)
    path = regular(out)
    for source in inputs:
        if _holds(Path(source), path):
            raise PlaceError(f"{out}: is read by this command; choose another name for the output")
    if path.exists() and not force and not _is_ours(path, tuple(ours)):
        raise PlaceError(f"{out}: is there already and not from this command; --force writes over it")
    return path


def claim_folder(out: Path, inputs: Iterable[Path | str], *, names: Iterable[str] = ("",)) -> Path:
    """The folder that `out` stands for, if no input lies where it is written; raises PlaceError if one does.

    Of the folder, `names` are what the command writes, where it does not take all of it. What else is in it
    is for the command to look at.
    """
    path = Path(os.path.realpath(out))
    if str(out) == STANDARD:
        raise PlaceError(f"{out}: standard output takes no folder; name one")
    if path.exists() and not path.is_dir():
        raise PlaceError(f"{out}: is a file; name a folder")
    places = [path / name for name in names]
    for source in map(Path, inputs):
        real = Path(os.path.realpath(source))
        if any(_holds(source, place) or _holds(place, real) for place in places):
            raise PlaceError(
                f"{out}: holds what this command reads ({source}); "
                "copy that elsewhere, or choose another folder"
            )
    return path


def _holds(source: Path, path: Path) -> bool:
    """Whether a path is an input, or lies in an input folder."""
    try:
        if path.exists() and source.samefile(path):
            return True
    except (OSError, ValueError):
        return False
    real = Path(os.path.realpath(source))
    return real == path or (real.is_dir() and path.is_relative_to(real))


def _is_ours(path: Path, marks: tuple[bytes, ...]) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(1 << 16)
    except OSError as fault:
        raise PlaceError(f"{path}: cannot be read: {fault.strerror}") from None
    return not head or any(mark in head for mark in marks)


def as_csv(head: Iterable[str], rows: Iterable[Iterable[str]], *, mark: bool = True) -> bytes:
    """A table of texts in which nothing runs in a spreadsheet; equal rows, equal bytes.

    With `mark` it begins with the byte order mark, without which Excel guesses the encoding wrongly.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(head)
    table.writerows([guarded(clean(cell)) for cell in row] for row in rows)
    return ("\ufeff" * mark + text.getvalue()).encode("utf-8", "replace")


def write(path: Path, data: bytes | str) -> None:
    """Write a file in one move: what stands there is the old one or the new one, whole.

    Raises PlaceError with one line if it cannot be written.
    """
    content = data.encode("utf-8", "replace") if isinstance(data, str) else data
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".part", dir=path.parent)
    except OSError as fault:
        raise PlaceError(f"{path}: cannot be written: {fault.strerror}") from None
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        part.replace(path)
    except OSError as fault:
        raise PlaceError(f"{path}: cannot be written: {fault.strerror}") from None
    finally:
        part.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
