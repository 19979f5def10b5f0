"""The example notebook runs from the first cell to the last, and shows what it says."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "docs" / "notebooks" / "landscape.ipynb"


# The notebook machinery warns about event loops of its own; errors of the kernel still fail the test.
@pytest.mark.filterwarnings("default")
@pytest.mark.slow
def test_the_notebook_runs(monkeypatch):
    nbclient = pytest.importorskip("nbclient", reason="needs nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "commit it without outputs"
    nbclient.NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(ROOT)}}).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]
    assert sum("image/png" in output["data"] for output in shown) == 1
    names = next(
        o["data"]["text/plain"] for o in shown if "'trials_by_year'" in o["data"].get("text/plain", "")
    )
    assert "'tests'" in names
