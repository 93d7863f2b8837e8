"""Segments whose presumed effect was taken back: they passed the capture point and did not do what they carried.

``evidence.refute`` notes which; here the notes become marks in the table ``segments``: cause ``lost_after``, and as
proof the frame that shows it. A listener whose accept queue is full ignores the ACK of its SYN,ACK and what follows
that, which looks the same as if they were lost: their cause is ``no_effect``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .codes import LOST_AFTER, NO_EFFECT, SPURIOUS
from .rows import REFUTED_ACK_OF_FIN, REFUTED_ACK_OF_SYN, REFUTED_FIN, REFUTED_SYN, REFUTED_SYN_ACK

KINDS = (REFUTED_SYN, REFUTED_SYN_ACK, REFUTED_ACK_OF_SYN, REFUTED_ACK_OF_FIN, REFUTED_FIN)
OF_COPIES = (REFUTED_SYN, REFUTED_FIN)
"""Of these the frame that refutes is a copy of the one refuted."""


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
    cause[at[fits]] = np.where(wanted["kind"][fits] == REFUTED_ACK_OF_SYN, NO_EFFECT, LOST_AFTER)
    proof[at[fits]] = wanted["frame"][fits]
    cause[_unheard(table, cause, wanted[wanted["kind"] == REFUTED_ACK_OF_SYN])] = NO_EFFECT
    return {**table, "cause": cause, "proof": proof}


def _unheard(table: dict[str, Any], cause: np.ndarray, acks: np.ndarray) -> np.ndarray:
    """The rows of what was sent again between an ACK of a SYN,ACK and the SYN,ACK that shows that it did nothing.

    Nobody knows whether the server ignored that too, or whether it was lost as well.
    """
    rows = np.flatnonzero(cause == LOST_AFTER)
    flows, nth = np.unique(acks["flow"], return_inverse=True)
    if not len(flows) or not len(rows):
        return rows[:0]
    first, last = np.full(len(flows), np.iinfo(np.int64).max), np.zeros(len(flows), np.int64)
    np.minimum.at(first, nth, acks["value"])
    np.maximum.at(last, nth, acks["frame"])
    place = np.minimum(np.searchsorted(flows, table["flow"][rows]), len(flows) - 1)
    frames = table["frame"][rows]
    inside = (flows[place] == table["flow"][rows]) & (first[place] < frames) & (frames < last[place])
    unheard: np.ndarray = rows[inside]
    return unheard
