"""The gallery: every sample is in it, every picture is there, and the page is the one that the script makes."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from conftest import ROOT, SAMPLES
from PIL import Image

GALLERY = ROOT / "docs" / "gallery"


@pytest.fixture(scope="module")
def gallery():
    spec = importlib.util.spec_from_file_location("make_gallery", GALLERY / "make_gallery.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_gallery"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["make_gallery"]


def entries(gallery):
    return [entry for chapter in gallery.CHAPTERS.values() for entry in chapter]


def test_every_sample_is_shown(gallery):
    assert {entry.sample for entry in entries(gallery)} == {path.stem for path in SAMPLES.glob("*.pcap")}


def test_every_kind_of_picture_is_shown(gallery):
    kinds = {"ladder", "windows", "sequence", "states", "machine", "overview", "capture"}
    assert {entry.kind for entry in entries(gallery)} == kinds


def test_the_pictures_are_there_and_no_others(gallery):
    names = [entry.file for entry in entries(gallery)]
    assert len(set(names)) == len(names)
    assert sorted(path.name for path in GALLERY.glob("*.png")) == sorted(names)


def test_the_page_is_up_to_date(gallery):
    assert (GALLERY / "README.md").read_text(encoding="utf-8") == gallery.page()


def test_the_lines_in_it_run(gallery, monkeypatch):
    monkeypatch.chdir(ROOT)
    entry = next(entry for entry in entries(gallery) if entry.kind == "capture")
    import pcapstate as ps

    assert eval(entry.call, {"ps": ps}).figure.axes


def test_a_picture_is_stored_small(gallery, tmp_path):
    entry = next(entry for entry in entries(gallery) if entry.sample == "refused_port")
    path = tmp_path / entry.file
    gallery.store(gallery.draw(entry), path)
    with Image.open(path) as picture:
        assert picture.mode == "P"
    assert path.stat().st_size < 60_000


def test_no_picture_is_large():
    assert max(path.stat().st_size for path in Path(GALLERY).glob("*.png")) < 150_000
