"""The notebooks run from the first cell to the last, from any folder, and show what is stored in them."""

import importlib.util
import json
from importlib.metadata import version
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


def pinned() -> bool:
    """Whether this is the pandas that `make` installs: others show tables a little differently."""
    pins = (FOLDER.parents[1] / "constraints.txt").read_text("utf-8").splitlines()
    return f"pandas=={version('pandas')}" in pins


# The notebook machinery warns about event loops of its own; errors of the kernel still fail the test.
@pytest.mark.filterwarnings("default")
@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_run_anew_without_a_checkout_around_it_a_notebook_shows_what_is_stored(path):
    for name in ("nbclient", "nbformat", "ipykernel"):
        pytest.importorskip(name, reason=f"needs {name}")
    spec = importlib.util.spec_from_file_location("execute", FOLDER / "execute.py")
    execute = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(execute)
    made = execute.executed(path)
    code = [cell for cell in made.cells if cell.cell_type == "code"]
    for cell, stored in zip(code, cells(path), strict=True):
        assert kinds(cell.outputs) == kinds(stored["outputs"]), cell.source
    if pinned():
        assert execute.stale(path, made) == [], "run: python docs/notebooks/execute.py"
