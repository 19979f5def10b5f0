"""Run the notebooks and store what they show: python docs/notebooks/execute.py [--check]

With --check nothing is written; the exit code is 1 where a cell shows something else than is stored.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).resolve().parent


def executed(path: Path) -> Any:
    """The notebook with fresh outputs, run in an empty folder as a user's would be."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": folder}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times of the run
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def texts(notebook: Any) -> list[list[str]]:
    """What each cell shows in letters; of a picture, that it is one."""
    found = []
    for cell in notebook.cells:
        shown = []
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            text = output.get("text") or data.get("text/plain", output.get("ename", ""))
            shown.append("a picture" if "image/png" in data else text)
        found.append(shown)
    return found


def stale(path: Path, made: Any) -> list[str]:
    """A line for each cell that shows something else in a fresh notebook than is stored."""
    stored = nbformat.read(path, as_version=4)
    return [
        f"{path.name}: {cell.source.splitlines()[0]} …: stored {before!r}, now {now!r}"
        for cell, before, now in zip(stored.cells, texts(stored), texts(made), strict=True)
        if before != now
    ]


def main() -> int:
    """Run all notebooks of the folder."""
    wrong = []
    for path in sorted(HERE.glob("*.ipynb")):
        made = executed(path)
        if "--check" in sys.argv:
            wrong += stale(path, made)
        else:
            nbformat.write(made, path)
    print(*wrong, sep="\n", end="\n" * bool(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
