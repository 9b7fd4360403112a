"""The notebook of the documentation: it runs from top to bottom, and is stored without outputs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hfs_vision.landmarks.mediapipe_models import carries_face_mesh
from tests.golden import tutorial
from tests.paths import ROOT

NOTEBOOK = ROOT / "docs" / "notebook.ipynb"


def test_it_is_stored_without_outputs():
    stored = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    code = [cell for cell in stored["cells"] if cell["cell_type"] == "code"]
    assert len(code) > 5
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert not any(cell.get("attachments") for cell in stored["cells"])


@pytest.mark.filterwarnings("default")  # what a notebook's own libraries warn of is theirs
@pytest.mark.skipif(not carries_face_mesh(), reason="it counts with Face Mesh")
def test_it_runs_and_shows_what_its_words_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    nbclient = pytest.importorskip("nbclient", reason='pip install "hfs-vision[test]" brings it')
    pytest.importorskip("ipykernel")
    nbformat = pytest.importorskip("nbformat")
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    tutorial.prepare(tmp_path)
    book = nbformat.read(NOTEBOOK, as_version=4)
    place = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(book, timeout=600, kernel_name="python3", resources=place).execute()
    shown = [
        output["data"]
        for cell in book.cells
        if cell["cell_type"] == "code"
        for output in cell["outputs"]
        if "data" in output
    ]
    assert sum("image/png" in data for data in shown) == 2
    assert sum("text/html" in data for data in shown) == 2  # counts and events, as tables
    kept = tmp_path / "spasms.results" / "events.csv"
    events = len(kept.read_text(encoding="utf-8").splitlines()) - 1
    assert events > 5
    assert shown[-1]["text/plain"] == str(events)
