"""The notebooks run from the first cell to the last, from any folder, and show what is stored in them."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def cells(path: Path) -> list[dict]:
    return [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]


def kinds(outputs: list[dict]) -> list[list[str]]:
    """Of each output what a page would show of it."""
    return [sorted(one.get("data", {one["output_type"]: ""})) for one in outputs]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_stored_outputs_of_a_run_in_order(path):
    found = cells(path)
    assert [cell["execution_count"] for cell in found] == list(range(1, len(found) + 1))
    assert all(cell["outputs"] for cell in found)
    assert not [one for cell in found for one in cell["outputs"] if one["output_type"] == "error"]
    assert str(FOLDER.parents[1]) not in path.read_text("utf-8")


def test_the_landscape_shows_its_tables_and_a_picture():
    outputs = [one for cell in cells(FOLDER / "landscape.ipynb") for one in cell["outputs"]]
    assert sum("image/png" in one.get("data", {}) for one in outputs) == 1
    assert any("'trials_by_year'" in "".join(one.get("data", {}).get("text/plain", "")) for one in outputs)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_without_a_checkout_around_it(path, tmp_path):
    code = "\n".join("".join(cell["source"]) for cell in cells(path))
    done = subprocess.run(
        [sys.executable, "-c", f"import matplotlib; matplotlib.use('Agg')\n{code}"],
        cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


# The notebook machinery warns about event loops of its own; errors of the kernel still fail the test.
@pytest.mark.filterwarnings("default")
@pytest.mark.slow
def test_run_anew_a_notebook_shows_the_same_kinds_of_things():
    for name in ("nbclient", "nbformat", "ipykernel"):
        pytest.importorskip(name, reason=f"needs {name}")
    spec = importlib.util.spec_from_file_location("execute", FOLDER / "execute.py")
    execute = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(execute)
    path = FOLDER / "first-steps.ipynb"
    made = [cell for cell in execute.executed(path).cells if cell.cell_type == "code"]
    for cell, stored in zip(made, cells(path), strict=True):
        assert kinds(cell.outputs) == kinds(stored["outputs"]), cell.source
