from __future__ import annotations

from pathlib import Path

import pytest

import hyperspy_twin

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path, tmp_path, monkeypatch):
    # The package of this checkout and its compiled kernels, whichever is installed.
    monkeypatch.setenv("PYTHONPATH", str(Path(hyperspy_twin.__file__).parents[1]))
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    assert all(cell.get("execution_count") for cell in notebook.cells if cell.cell_type == "code")
    plots = [cell.outputs for cell in notebook.cells if ".plot(" in cell.source]
    assert plots
    for outputs in plots:
        assert any("image/png" in output.get("data", {}) for output in outputs)
