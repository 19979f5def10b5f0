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


def texts(notebook: Any) -> list[str]:
    """What the cells show in letters; of a picture, that it is one."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            shown = output.get("text") or data.get("text/plain", output.get("ename", ""))
            found.append("a picture" if "image/png" in data else shown)
    return found


def main() -> int:
    """Run all notebooks of the folder."""
    wrong = 0
    for path in sorted(HERE.glob("*.ipynb")):
        made = executed(path)
        if "--check" in sys.argv:
            stored = texts(nbformat.read(path, as_version=4))
            for before, now in zip(stored, texts(made), strict=True):
                if before != now:
                    wrong = 1
                    print(f"{path.name}: stored {before!r}, now {now!r}")
        else:
            nbformat.write(made, path)
    return wrong


if __name__ == "__main__":
    sys.exit(main())
