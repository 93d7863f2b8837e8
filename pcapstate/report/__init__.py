"""One HTML file about a capture, for people: findings first, all connections in a table, the interesting ones in full.

The file needs nothing but itself: no network, no other file, and without its script it is still all there.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..export import replaced

if TYPE_CHECKING:
    from ..capture import Capture

__all__ = ["write"]


def write(capture: Capture, path: str | Path, *, details: int = 50) -> None:
    """Writes the report of a capture. It is written beside its place and renamed when it is whole.

    At most ``details`` connections are told in full, those with findings and failures before others, and at most
    20,000 are in the table; the page says what it left out. Raises OSError where the file cannot be written.
    """
    from .page import page

    with replaced(path) as stream:
        for part in page(capture, details):
            stream.write(part.encode("utf-8", "replace"))
