"""What was refuted or odd, in sentences."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..schema import MISSING, Coded
from .rows import NOTE_KINDS

SENTENCES = {
    "refuted_syn": "The SYN in frame {value} did not arrive: it is sent again.",
    "refuted_syn_ack": "The SYN,ACK in frame {value} did not take effect: the SYN is sent again.",
    "refuted_ack_of_syn": "The ACK in frame {value} did not take effect: the SYN,ACK is sent again.",
    "refuted_ack_of_fin": "The ACK of the FIN in frame {value} did not arrive: the FIN is sent again.",
    "refuted_fin": "The FIN in frame {value} was not acknowledged: it is sent again.",
    "reset_ignored": "The reset in frame {value} had no effect.",
    "reset_outlived": "The reset in frame {value} was somebody else's, or of no effect: its sender goes on.",
    "reset_challenged": "The reset lies beyond what was sent: the target answers with a challenge ACK, if at all.",
    "bad_ack": "The SYN,ACK acknowledges {value}, which is not the ISN + 1 of the SYN.",
    "two_syn_acks": "A second SYN,ACK with another initial sequence number.",
    "port_reused": "The 4-tuple is used again.",
    "pool_full": "More was under way than is kept: older segments are forgotten.",
    "scale_inferred": (
        "The window scale is inferred to be {value}: the SYN that tells it was not captured, and no other fits the "
        "windows."
    ),
    "window_shrunk": "The right edge of the window moved left by {value} octets: what was granted was taken back.",
    "no_answer_to_syn": (
        "Nothing came back to {value} SYN{s}, the last in this frame. When the opener gave up, no packet tells."
    ),
    "no_answer": (
        "{value} retransmissions in a row were not answered, the last in this frame: the sender may have given up "
        "since, which leaves no packet."
    ),
    "accept_queue": (
        "The SYN,ACK came again, {value} time{s}, although the ACK and data had passed: they were lost further on, or "
        "the listener's accept queue was full."
    ),
    "close_wait": "In CLOSE_WAIT since this frame.",
    "fin_wait_2": (
        "In FIN_WAIT_2 since this frame: the peer has not closed. A socket that its program closed is dropped after a "
        "while (60 s on Linux), which leaves no packet."
    ),
    "time_wait_left": (
        "Its initial sequence number is 65537 above the last one of the connection before: this end, a Linux, was in "
        "TIME_WAIT until now."
    ),
}
KINDS = {
    "refuted": ("refuted_syn", "refuted_syn_ack", "refuted_ack_of_syn", "refuted_ack_of_fin", "refuted_fin"),
    "reset_ignored": ("reset_outlived",),
}
_KIND = {kind: name for name, kinds in KINDS.items() for kind in kinds}


def note_columns(found: np.ndarray) -> dict[str, Any]:
    """The columns of ``notes`` from rows of ``rows.Note``; the file is the reader's to tell."""
    count = len(found)
    if not count:
        found = np.zeros(0, [(name, np.int64) for name in ("kind", "frame", "time", "flow", "side", "value")])
    found = found[np.argsort(found["frame"], kind="stable")]
    kinds = [NOTE_KINDS[code] for code in found["kind"].tolist()]
    values = found["value"].tolist()
    texts = [
        SENTENCES[kind].format(value=value, s="" if value == 1 else "s")
        for kind, value in zip(kinds, values, strict=True)
    ]
    return {
        "file": Coded(np.full(count, -1, np.int32), []),
        "file_frame": np.full(count, MISSING),
        "frame": found["frame"],
        "time": found["time"],
        "flow": found["flow"],
        "side": (found["side"] + 1).astype(np.int8),
        "kind": np.array([_KIND.get(kind, kind) for kind in kinds] + [None], object)[:-1],
        "text": np.array([*texts, None], object)[:-1],
    }
