"""Where tasks may be written: never over what an annotator did, nor over another's file, unasked."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from cart_nlp import outputs
from cart_nlp.evaluation.exchange import formats
from cart_nlp.evaluation.gold import GoldError
from cart_nlp.places import PlaceError


def claim(name: str, out: Path, inputs: Iterable[Path | str], force: bool = False) -> Path:
    """The file or folder for tasks of the format `name`; raises PlaceError with the remedy if it may not be.

    An earlier export is written over only if it still is, byte for byte, what an export of its trials makes:
    then it holds no work of an annotator. With `force` it is, whatever it holds, but never one of `inputs`.
    """
    formats.named(name)
    inputs = list(inputs)
    if name == "brat":
        path = outputs.claim_folder(out, inputs)
    else:
        path = outputs.claim(out, inputs, force=True)
        if name == "label-studio":
            outputs.claim(out.with_suffix(".xml"), inputs, ours=(b"<View>",), force=force)
    held = _held(path)
    if not force and held and (other := _other(name, path, held)):
        raise PlaceError(
            f"{other}: was changed since it was exported, or is not from this command; "
            "choose another name for the output, or --force writes over it"
        )
    return path


def _held(path: Path) -> dict[str, Path]:
    """The files at a place by their names; a tool's hidden notes in a folder count for nothing."""
    if path.is_dir():
        return {each.name: each for each in sorted(path.iterdir()) if not each.name.startswith(".")}
    return {path.name: path} if path.exists() and path.stat().st_size else {}


def _other(name: str, path: Path, held: dict[str, Path]) -> Path | None:
    """The first file that an export of the trials that stand there would not make."""
    try:
        tasks = [before for before, _ in formats.pairs(name, path)]
    except GoldError:
        return path
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / path.name
        formats.export(tasks, name, made)
        again = _held(made)
        for each, file in held.items():
            if each not in again or not file.is_file() or file.read_bytes() != again[each].read_bytes():
                return file
    return None
