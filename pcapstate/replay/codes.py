"""The codes of labels, causes and limits: places in the lists of words of ``schema``."""

from __future__ import annotations

from ..schema import CAUSES, LABELS

(
    ORDINARY,
    RETRANSMISSION,
    REORDERED,
    DUPLICATE,
    KEEP_ALIVE,
    KEEP_ALIVE_ACK,
    WINDOW_PROBE,
    WINDOW_PROBE_ACK,
    WINDOW_UPDATE,
    DUPLICATE_ACK,
    CHALLENGE_ACK,
    TIME_WAIT_ACK,
    OUT_OF_WINDOW,
    OVERRUN,
) = range(len(LABELS))

(
    NO_CAUSE,
    TIMEOUT,
    FAST,
    TAIL_PROBE,
    SPURIOUS,
    CROSSING,
    OF_SYN,
    OF_SYN_ACK,
    OF_FIN,
    BY_NETWORK,
    BY_CAPTURE,
    LOST_BEFORE,
    LOST_AFTER,
    LOST_IN_CAPTURE,
    UNKNOWN,
    NO_EFFECT,
) = range(len(CAUSES))
