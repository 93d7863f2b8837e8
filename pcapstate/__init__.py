"""What each endpoint's TCP was doing, from a packet capture: states, windows, and who closed, and why.

    import pcapstate as ps

    cap = ps.read("x.pcap")
    cap.timeline                    # a DataFrame: every transition of both sides, with its evidence
    print(cap.flow(0))              # the exchange in RFC 9293's own notation, with both sides' states

Everything is loaded on first use, so that ``import pcapstate`` costs nothing.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .lazy import Package

if TYPE_CHECKING:
    from . import plotting as plotting
    from .capture import Capture as Capture
    from .capture import read as read
    from .flow import Flow as Flow
    from .flow import Side as Side
    from .parser.sources import CaptureError as CaptureError
    from .stages import parse as parse
    from .stages import replay as replay

__version__ = "0.1.0"

_HOME = {
    "Capture": ".capture",
    "CaptureError": ".parser.sources",
    "Flow": ".flow",
    "Side": ".flow",
    "parse": ".stages",
    "plotting": ".plotting",
    "read": ".capture",
    "replay": ".replay",
}
"""Each public name and the module that it comes from."""

__all__ = ["Capture", "CaptureError", "Flow", "Side", "__version__", "parse", "plotting", "read", "replay"]


sys.modules[__name__].__class__ = Package
