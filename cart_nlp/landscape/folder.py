"""The folder of a report: what in it is ours, and how a new report takes the place of the old one, whole.

`run.json` lists the files of a report with their hashes: only what still is byte for byte as listed is ever
removed or written over. A new report is made in a folder inside and sealed with its own `run.json`; then its
files move to their places. A run that ends before that leaves the old report; what one that is killed in
between has not moved, the next one moves.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from cart_nlp.console import fault_line, reason
from cart_nlp.outputs import claim_folder, write
from cart_nlp.places import PlaceError, lock
from cart_nlp.writers.flat import escaped

MARK = "cart-nlp landscape"
RUN = "run.json"
SINGLE = ("report.html", "report.md", "landscape.xlsx")
FOLDERS = ("tables", "figures")
STAGE = ".cart-nlp-part"
"""The folder of what is not finished, inside that of the report: moving is safe on one file system only."""


def claim(out: Path, inputs: Iterable[Path]) -> None:
    """Raise PlaceError with the remedy if no report may be written there.

    Files of others may be in the folder, but none under a name of a report, and no input where it writes.
    """
    claim_folder(out, inputs, names=(*SINGLE, *FOLDERS, RUN, STAGE))
    if os.path.lexists(out / STAGE):
        with _held(out) as stage:
            _settle(out, stage)
    old = _listed(out)
    there = [name for name in (*SINGLE, *FOLDERS, RUN) if os.path.lexists(out / name)]
    if there and not old:
        raise PlaceError(
            f"{out / there[0]}: is there already and no {RUN} of a report lists it; "
            "name another folder, or remove it"
        )
    _check(out, old, {})


@contextlib.contextmanager
def renewed(out: Path, facts: Mapping[str, Any]) -> Iterator[Path]:
    """A folder to make the next report in; where that ends without a fault, it replaces the old one.

    `facts` of the run go into its `run.json`. Raises PlaceError if it cannot be written.
    """
    is_new = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        with _held(out) as stage:
            try:
                for left in stage.iterdir():  # by a run that was killed
                    shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
                for name in FOLDERS:
                    (stage / name).mkdir()
                yield stage
                _seal(out, stage, facts)
            except BaseException:
                shutil.rmtree(stage, ignore_errors=True)
                raise
            _settle(out, stage)
    except OSError as fault:
        if isinstance(fault.filename, str) and not Path(fault.filename).is_relative_to(out):
            raise  # of another file: a font, or the folder above
        raise PlaceError(
            f"{out}: cannot be written: {reason(fault)}; what was there is as it was, "
            "so run this again when it can be written, or name another folder"
        ) from None
    finally:
        if is_new:
            with contextlib.suppress(OSError):  # there is something in it
                out.rmdir()


@contextlib.contextmanager
def _held(out: Path) -> Iterator[Path]:
    """The folder of what is not finished, made if need be, for this run alone."""
    stage = out / STAGE
    if os.path.lexists(stage) and (stage.is_symlink() or not stage.is_dir()):
        raise PlaceError(f"{stage}: is in the way of the folder for unfinished files; remove it")
    stage.mkdir(mode=0o700, exist_ok=True)
    if os.name == "nt":  # a folder cannot be opened there, and there are no such locks
        yield stage
        return
    descriptor = os.open(stage, os.O_RDONLY)
    try:
        if not lock(descriptor):
            raise PlaceError(f"{out}: another run is writing a report there; wait for its end")
        yield stage
    finally:
        os.close(descriptor)


def _seal(out: Path, stage: Path, facts: Mapping[str, Any]) -> None:
    """List what was made, if all of it may go to its place; from then on it will."""
    files = {}
    for path in sorted(each for each in stage.rglob("*") if each.is_file()):
        with path.open("rb") as file:
            os.fsync(file.fileno())
        files[path.relative_to(stage).as_posix()] = _sha256(path)
    _check(out, _listed(out), files)
    content = orjson.dumps({"made_by": MARK, **facts, "files": files}, option=orjson.OPT_INDENT_2)
    write(stage / RUN, escaped(content))


def _settle(out: Path, stage: Path) -> None:
    """Move a sealed report to its place, and remove what the old one had besides, before any interrupt."""
    try:
        with _undisturbed():
            _move(out, stage)
    except OSError as fault:
        raise PlaceError(
            f"{out}: the new report is made and not all in its place: {fault_line(fault)}; "
            "run this again when that is mended"
        ) from None


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Signals that would end the run in here are obeyed after it."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # only there can they be held up
        yield
        return
    ending = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(each, lambda number, frame: came.append(number)) for each in ending]
    try:
        yield
    finally:
        for each, handler in zip(ending, before, strict=True):
            signal.signal(each, handler or signal.SIG_DFL)
        for number in came:
            signal.raise_signal(number)


def _move(out: Path, stage: Path) -> None:
    """The moving itself, which the next run can go on with after a stop at any line."""
    new, old = _listed(stage), _listed(out)
    if not new:
        return
    _check(out, old, new)
    for name in new:
        if (stage / name).exists():
            (out / name).parent.mkdir(exist_ok=True)
            (stage / name).replace(out / name)
    for name in old.keys() - new.keys():
        (out / name).unlink(missing_ok=True)
    for name in FOLDERS:
        with contextlib.suppress(OSError):  # only one that is empty goes
            (out / name).rmdir()
    (stage / RUN).replace(out / RUN)
    shutil.rmtree(stage, ignore_errors=True)


def _listed(folder: Path) -> dict[str, str]:
    """The files of the report in a folder: name -> SHA-256; none where there is no report of ours."""
    try:
        facts = orjson.loads((folder / RUN).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    files = facts.get("files") if isinstance(facts, dict) and facts.get("made_by") == MARK else None
    return files if isinstance(files, dict) and all(map(_is_of_a_report, files)) else {}


def _is_of_a_report(name: str) -> bool:
    """Whether a name is one that a report can have: a list that names other places is none of ours."""
    folder, _, rest = name.partition("/")
    return name in SINGLE or (
        folder in FOLDERS and name.isprintable() and rest == Path(rest).name and rest not in ("", "..")
    )


def _check(out: Path, old: Mapping[str, str], new: Mapping[str, str]) -> None:
    """Raise PlaceError if a file that is to go, or to be written over, is not as a report made it."""
    for name in FOLDERS:
        if os.path.lexists(out / name) and not (out / name).is_dir():
            raise PlaceError(f"{out / name}: is no folder; move it elsewhere, or remove it")
    for name in sorted({*old, *new}):
        path = out / name
        if not os.path.lexists(path):
            continue
        plain = path.is_file() and not path.is_symlink()
        if not plain or _sha256(path) not in (old.get(name), new.get(name)):
            what = "was changed since its report was made" if name in old else "is there and of no report"
            raise PlaceError(f"{path}: {what}; move it elsewhere, or remove it")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
