"""Every notebook runs from top to bottom, and is committed without its outputs."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def test_there_are_notebooks():
    assert NOTEBOOKS, f"no notebook in {FOLDER}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs(path):
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute(cwd=str(FOLDER))
    last = [cell for cell in notebook.cells if cell.cell_type == "code"][-1]
    assert "assert" in last.source, "a notebook ends in a cell that asserts its answer"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_stripped(path):
    cells = nbformat.read(path, as_version=4).cells
    full = [k for k, cell in enumerate(cells) if cell.get("outputs") or cell.get("execution_count")]
    assert not full, f"cells {full} carry outputs; strip them before committing"
