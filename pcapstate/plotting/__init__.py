"""Pictures of connections: ladder, windows, sequence, states, machine, overview, and all flows of a capture.

Each takes a flow (``overview`` and the others) or a capture (``capture``) first and options by keyword, draws into
``ax`` if one is given and into a figure of its own if not, and returns the matplotlib Axes (``overview`` the Figure).
``layout`` holds the tables of what to draw, numpy and pandas only; ``draw`` puts them on the paper.
"""

from __future__ import annotations

from .draw.capture import capture
from .draw.ladder import ladder
from .draw.machine import machine
from .draw.overview import overview
from .draw.sequence import sequence
from .draw.states import states
from .draw.windows import windows

__all__ = ["capture", "ladder", "machine", "overview", "sequence", "states", "windows"]
