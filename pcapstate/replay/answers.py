"""The class of a segment without octets: keep-alives, window probes, and the kinds of ACK (SEMANTICS 3.2, 3 and 9).

An ACK that acknowledges something new is an ordinary one. One that repeats the last acknowledgement is told by what
its sender had just been sent: something that asks for an answer, data (then it is a duplicate ACK, RFC 5681 2), or
nothing (then its window is the news).
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from .codes import (
    BY_NETWORK,
    CHALLENGE_ACK,
    DUPLICATE,
    DUPLICATE_ACK,
    KEEP_ALIVE,
    KEEP_ALIVE_ACK,
    REORDERED,
    TIME_WAIT_ACK,
    WINDOW_PROBE,
    WINDOW_PROBE_ACK,
    WINDOW_UPDATE,
)
from .evidence import guard_of
from .losses import signal
from .senders import (
    CHALLENGE_ASKS,
    FIN_ASKS,
    HALF_ID,
    KEEP_ALIVE_ASKS,
    NOTHING_ASKED,
    PROBE_ASKS,
    ids_run,
    order,
    watch_ids,
)
from .transmissions import append

LEAST_IDLE = 500_000_000
"""ns: a keep-alive is sent after a second of silence at least (Linux TCP_KEEPINTVL, in seconds)."""


@kernel
def bare(m: Any, x: Any, y: Any, mine: Any, theirs: Any, s: Any, ahead: int) -> None:
    """A segment of X without octets, ``ahead`` of the highest octet that was seen of X (below it if negative)."""
    asked = theirs.asks
    mine.asks = NOTHING_ASKED
    if ahead > 0:
        append(m, mine, s, mine.next, s.seq_relative, 0)
    elif ahead < 0 and below(x, y, mine, theirs, s, ahead):
        return
    elif ahead == 0 and ((s.ip_id - mine.ip_id) & 0xFFFF) < HALF_ID:
        # By now nothing was sent beyond what was seen: what was skipped held something else.
        mine.lost_ahead = 0
    if s.ack_known == 0:
        return
    if s.ack_relative > theirs.acked:
        theirs.asks = NOTHING_ASKED
    elif copied(mine, s):
        s.label = DUPLICATE
        s.cause = BY_NETWORK
        s.proof = mine.bare_frame
        return
    elif s.ack_relative < theirs.acked:
        # What a receiver acknowledges never goes back: this one was sent before.
        s.label = REORDERED
        return
    else:
        repeats(x, y, mine, theirs, s, asked)
    watch_ids(mine, s)
    mine.bare_ip_id = s.ip_id
    mine.bare_tsval = s.tsval
    mine.bare_ack = s.ack_relative
    mine.bare_frame = s.frame


@kernel
def copied(mine: Any, s: Any) -> int:
    """1 if the segment is the latest bare ACK once more: the same IP ID from a host that gives each packet its own."""
    if s.ip_id <= 0 or s.ip_id != mine.bare_ip_id or s.ack_relative != mine.bare_ack or s.tsval != mine.bare_tsval:
        return 0
    return ids_run(mine)  # type: ignore[no-any-return]


@kernel
def below(x: Any, y: Any, mine: Any, theirs: Any, s: Any, ahead: int) -> int:
    """1 if a bare segment below what X has sent is labelled: overtaken on its way, or a probe of some kind."""
    sent = order(mine, s, x.tsval, mine.ip_id, -1)
    if sent < 0 or (s.ack_known and s.ack_relative < theirs.acked):
        s.label = REORDERED
        return 1
    if s.flags & 16 == 0 or (ahead != -1 and s.seq_relative != mine.acked - 1):
        return 0
    if y.window == 0 or blocked(x, mine, theirs, s):
        # Linux probes a zero window with the octet below the first that is not acknowledged (tcp_xmit_probe_skb).
        s.label = WINDOW_PROBE
        mine.asks = PROBE_ASKS
        mine.probing = 1
    elif ahead == -1 and mine.acked >= mine.next and (sent > 0 or s.time - x.sent_at > LEAST_IDLE):
        s.label = KEEP_ALIVE
        mine.keeps = 1
        mine.asks = KEEP_ALIVE_ASKS
    else:
        return 0
    mine.asks_frame = s.frame
    watch_ids(mine, s)
    return 1


@kernel
def blocked(x: Any, mine: Any, theirs: Any, s: Any) -> int:
    """1 if X, when it sent the segment, had not heard that the window is open again: that was lost, or is under way.

    It would have sent what it probes for; or it echoes a TSval from before the opening.
    """
    if s.time - theirs.zero_until < guard_of(x) or mine.probing:
        return 1
    if s.tsecr < 0 or theirs.zero_tsval < 0:
        return 0
    return 1 if ((theirs.zero_tsval - s.tsecr - 1) & 0xFFFFFFFF) < 0x7FFFFFFF else 0


@kernel
def repeats(x: Any, y: Any, mine: Any, theirs: Any, s: Any, asked: int) -> None:
    """An ACK of what was acknowledged before. ``asked``: what Y sent last that asks for an answer."""
    same_window = s.window == mine.window_field
    theirs.asks = NOTHING_ASKED
    if asked == PROBE_ASKS:
        s.label = WINDOW_PROBE_ACK if s.window == 0 or same_window else WINDOW_UPDATE
        s.proof = theirs.asks_frame
    elif asked == KEEP_ALIVE_ASKS:
        s.label = KEEP_ALIVE_ACK
        s.proof = theirs.asks_frame
    elif asked == FIN_ASKS and x.fin > 0:
        s.label = TIME_WAIT_ACK
        s.proof = theirs.asks_frame
    elif asked == CHALLENGE_ASKS:
        s.label = CHALLENGE_ACK
        s.proof = theirs.asks_frame
    elif (theirs.next > theirs.acked or reports_more(s)) and (same_window or news(y, theirs, s)):
        # RFC 5681 2: data outstanding, no data in it, the same acknowledgement and window; or (6675) new SACK blocks.
        s.label = DUPLICATE_ACK
        theirs.duplicate_acks += 1
        if theirs.duplicate_acks > 2:
            signal(y, theirs, s)
    elif same_window == 0 and mine.window_field >= 0:
        s.label = WINDOW_UPDATE


@kernel
def reports_more(s: Any) -> int:
    """1 if a SACK block of the segment lies above its acknowledgement: Y has sent that, even if it was not captured."""
    first = (s.sack_right0 - s.ack - 1) & 0xFFFFFFFF
    second = (s.sack_right1 - s.ack - 1) & 0xFFFFFFFF
    return 1 if (s.sacks > 0 and first < 0x7FFFFFFF) or (s.sacks > 1 and second < 0x7FFFFFFF) else 0


@kernel
def news(y: Any, theirs: Any, s: Any) -> int:
    """1 if the segment reports octets of Y that no earlier one did."""
    if s.sacks == 0:
        return 0
    right = (s.sack_right0 - y.base - theirs.sack_right) & 0xFFFFFFFF
    return 1 if right != 0 else 0
