"""The notebooks run from top to bottom, and are committed without what a run leaves behind."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.paths import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@every_notebook
def test_a_notebook_runs_anywhere(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("ENDPOINT_NAME", raising=False)
    notebook = _read(path)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert not [output for output in _outputs(notebook) if output.get("name") == "stderr"]
    assert [output for output in _outputs(notebook) if "image/png" in output.get("data", {})]
    assert not list(tmp_path.iterdir())


@every_notebook
def test_a_notebook_is_committed_as_written(path: Path) -> None:
    notebook = _read(path)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert not _outputs(notebook)
    assert not [cell for cell in _code(notebook) if cell.execution_count is not None]
    text = path.read_text("utf-8")
    assert str(ROOT) not in text
    assert not re.search(r"/(home|Users|root|tmp)/", text)


def _read(path: Path) -> nbformat.NotebookNode:
    notebook: nbformat.NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def _code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in _code(notebook) for output in cell.outputs]
