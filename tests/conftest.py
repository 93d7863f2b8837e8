"""What the tests share: where captures lie, and tables made by hand."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from making import a_pass, four_way_close

from pcapstate.capture import Capture

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "sample_pcaps"
SHARED = ROOT.parent / "shared"
"""Captures and truths that are no part of the project; tests that need them are skipped where they are not."""


@pytest.fixture(autouse=True)
def _any_terminal(monkeypatch):
    """The width of the terminal that the tests are run from is nothing to them; runs in parallel make one up."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared captures, or a skip."""
    if not SHARED.is_dir():
        pytest.skip(f"no captures at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def tshark() -> str:
    """The path of tshark, or a skip."""
    path = shutil.which("tshark")
    if path is None:
        pytest.skip("tshark is not installed")
    return path


@pytest.fixture
def rows():
    """The rows of every table for a connection with a handshake, a request and a close in four segments."""
    return four_way_close()


@pytest.fixture
def capture():
    """A capture that holds that connection."""
    return Capture(a_pass())
