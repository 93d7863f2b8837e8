"""Segments whose presumed effect was taken back: they passed the capture point and did not do what they carried.

``evidence.refute`` notes which; here the notes become marks in the table ``segments``: cause ``lost_after`` (or it was
ignored, which looks the same), and as proof the frame that shows it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..schema import CAUSES
from .rows import REFUTED_ACK_OF_FIN, REFUTED_ACK_OF_SYN, REFUTED_FIN, REFUTED_SYN, REFUTED_SYN_ACK

KINDS = (REFUTED_SYN, REFUTED_SYN_ACK, REFUTED_ACK_OF_SYN, REFUTED_ACK_OF_FIN, REFUTED_FIN)
OF_COPIES = (REFUTED_SYN, REFUTED_FIN)
"""Of these the frame that refutes is a copy of the one refuted."""
LOST_AFTER, SPURIOUS = CAUSES.index("lost_after"), CAUSES.index("spurious")


def mark(table: dict[str, Any], notes: np.ndarray) -> dict[str, Any]:
    """``table``: the columns of ``schema.SEGMENTS``, in the order of frames; ``notes``: rows of ``rows.Note``.

    Only segments without a cause of their own are marked, and no FIN whose copy is known to have been needless. Returns
    the table with new ``cause`` and ``proof``.
    """
    wanted = notes[np.isin(notes["kind"], KINDS)]
    frames = table["frame"]
    if not len(wanted) or not len(frames):
        return table
    at = np.minimum(np.searchsorted(frames, wanted["value"]), len(frames) - 1)
    cause, proof = table["cause"].copy(), table["proof"].copy()
    copy = np.minimum(np.searchsorted(frames, wanted["frame"]), len(frames) - 1)
    needless = np.isin(wanted["kind"], OF_COPIES) & (frames[copy] == wanted["frame"]) & (cause[copy] == SPURIOUS)
    fits = (frames[at] == wanted["value"]) & (cause[at] == 0) & ~needless
    cause[at[fits]] = LOST_AFTER
    proof[at[fits]] = wanted["frame"][fits]
    return {**table, "cause": cause, "proof": proof}
