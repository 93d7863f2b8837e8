"""The notebooks: stored without outputs, readable, and every one of them runs from its first cell to its last."""

from __future__ import annotations

import json
import re

import pytest
from conftest import ROOT, SAMPLES

FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
NAMES = ["01_first_look", "02_handshake_and_close", "03_sliding_window", "04_who_closed_and_why", "05_many_captures"]

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path, kind):
    return [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == kind]


def source(cell):
    return "".join(cell["source"])


def test_they_are_there():
    assert [path.stem for path in NOTEBOOKS] == NAMES


@each
def test_no_outputs_are_stored(path):
    for cell in cells(path, "code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@each
def test_nothing_of_the_machine_that_wrote_it_is_stored(path):
    book = json.loads(path.read_text("utf-8"))
    assert book["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert all(cell["metadata"] == {} for cell in book["cells"])


@each
def test_it_explains_at_least_as_often_as_it_computes(path):
    assert source(cells(path, "markdown")[0]).startswith(f"# {int(path.stem[:2])}. ")
    assert len(cells(path, "markdown")) * 3 >= len(cells(path, "code"))
    assert "**Try it.**" in "".join(source(cell) for cell in cells(path, "markdown"))


@each
def test_captures_are_named_relative_to_the_notebook_and_exist(path):
    text = "".join(source(cell) for cell in cells(path, "code"))
    assert not re.search(r"[\"'](/|[A-Z]:)", text)
    for name in re.findall(r"\.\./sample_pcaps/([\w.]+\.(?:pcap|csv))", text):
        assert (SAMPLES / name).exists()
    for name in re.findall(r"sample\(\"(\w+)\"\)", text):
        assert (SAMPLES / f"{name}.pcap").exists()


def test_the_lecture_has_every_sequence_of_the_samples():
    text = "".join(source(cell) for path in NOTEBOOKS for cell in json.loads(path.read_text("utf-8"))["cells"])
    shown = {path.stem for path in SAMPLES.glob("*.pcap") if path.stem in text}
    # The textbook close with the client as the first to close is told with handshake_and_close.
    assert {path.stem for path in SAMPLES.glob("*.pcap")} - shown <= {"active_close_time_wait"}


def outputs_of(path):
    """Runs a notebook where it lies, as Jupyter would."""
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    resources = {"metadata": {"path": str(FOLDER)}}
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3", resources=resources).execute()
    return [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@each
def test_it_runs(path):
    before = sorted(FOLDER.iterdir())
    outputs = outputs_of(path)
    assert [output for output in outputs if output.output_type == "error"] == []
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert pictures
    assert sorted(FOLDER.iterdir()) == before
