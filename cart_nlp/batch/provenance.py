"""What a run was: hashes of its inputs, lexicons and model, and the file that says so beside the output."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cart_nlp import __version__, paths
from cart_nlp.kept import folder_hash, folders_hash
from cart_nlp.registries.clinicaltrials import aactdatabase
from cart_nlp.searches import search_of

_EDGE = 1 << 16


def tagger_identity(lexicons: Sequence[str]) -> dict[str, str]:
    """What decides on the values besides the text: the version, the lexicons in order, the model."""
    layered = folders_hash([paths.lexicons(), *map(Path, lexicons)])
    return {"version": __version__, "lexicons": layered, "model": folder_hash(paths.model())}


def fingerprint(source: str) -> dict[str, Any] | None:
    """Cheap identity of an input file: size, time of change, hash of both ends. None if it is no file."""
    path = Path(source)
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            edges = hashlib.sha256(file.read(_EDGE))
            file.seek(max(0, status.st_size - _EDGE))
            edges.update(file.read(_EDGE))
    except (OSError, ValueError):
        return None  # the reader will say what is wrong with it
    return {
        "path": source,
        "bytes": status.st_size,
        "changed": status.st_mtime_ns,
        "edges": edges.hexdigest(),
    }


def shown_source(source: str) -> str:
    """The name of an input for messages and files: of a database without its password."""
    return aactdatabase.shown_address(source) if aactdatabase.recognizes(source) else source


class Hashing:
    """SHA-256 of the input files, computed in a thread while the work goes on."""

    def __init__(self, sources: Sequence[str]) -> None:
        self._sources = sources
        self._found: list[dict[str, Any]] = []
        self._stop = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def result(self) -> list[dict[str, Any]]:
        """Path, bytes and SHA-256 of every input, in order; null for what is not a file.

        An input that `fetch` wrote has its search, too.
        """
        self._thread.join()
        return self._found

    def stop(self) -> None:
        """Give up."""
        self._stop = True

    def _run(self) -> None:
        for source in self._sources:
            entry: dict[str, Any] = {"path": shown_source(source), "bytes": None, "sha256": None}
            try:
                if Path(source).is_file():
                    entry |= self._hash(Path(source))
                    if search := search_of(Path(source), entry["sha256"]):
                        entry["search"] = search
            except (OSError, ValueError):
                pass  # unreadable: the reader reports it, the entry stays null
            self._found.append(entry)

    def _hash(self, path: Path) -> dict[str, Any]:
        found = hashlib.sha256()
        size = 0
        with path.open("rb") as file:
            while not self._stop and (chunk := file.read(1 << 20)):
                found.update(chunk)
                size += len(chunk)
        return {"bytes": size, "sha256": found.hexdigest()}
