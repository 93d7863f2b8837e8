"""The class of each segment: retransmission, reordered, duplicate, probe, ... (SEMANTICS 3.2).

``classify`` is called before ``endpoint.receive``, so it sees both sides as they were before the segment. What is
called what is decided by evidence in this order: TSval and IP ID (which tell when a copy was sent), what the peer has
said (ACK, SACK), and last the time that any sign of loss would have needed. What none of them decides stays unknown.

Three kinds of segments, three rooms: the next octets here, octets below the highest in ``copies``, no octets at all in
``answers``.
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from .answers import bare
from .codes import (
    DUPLICATE,
    NO_CAUSE,
    OF_SYN_ACK,
    ORDINARY,
    OUT_OF_WINDOW,
    OVERRUN,
    REORDERED,
    RETRANSMISSION,
    WINDOW_PROBE,
)
from .copies import again
from .first_flight import OVER, first_flight
from .flows import LONGEST_SYN_GAP
from .losses import acknowledged
from .senders import (
    CHALLENGE_ASKS,
    HALF_ID,
    LEAST_SYN_TIMEOUT,
    NOTHING_ASKED,
    PROBE_ASKS,
    watch_ids,
)
from .skipped import beyond_hole, lost_before, packets, settle_doubt
from .transmissions import alive, append, cut_back, forget_fin, forget_octets, locate, place

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
FAR = 1 << 28
"""A number this far from what is expected belongs to nothing that this connection sent (as in ``endpoint``)."""


@kernel
def classify(m: Any, x: Any, y: Any, mine: Any, theirs: Any, s: Any) -> int:
    """Sets label, cause and proof of segment ``s``, which X sends to Y, and learns from it; 0 if it teaches nothing."""
    s.label = ORDINARY
    s.cause = NO_CAUSE
    s.proof = 0
    s.in_flight = -1
    s.window_octets = -1
    s.right_edge = -1
    if mine.base != x.base:
        forget_octets(mine, x)
    if mine.tsval < 0 and s.tsval >= 0:
        mine.tsval = s.tsval
        mine.tsval_time = s.time
    ahead = s.seq_relative - mine.next
    mine.carries = packets(x, y, s) if s.length else 1
    if s.flags & SYN:
        if s.flags & ACK:
            mine.syn_acks += 1
        else:
            mine.syns += 1
    if s.flags & RST or ahead > FAR or ahead < -FAR or (s.flags & SYN and x.syn_seen and x.isn != s.seq):
        foreign(x, mine, s, ahead)
        theirs.owed += 1
        return 0
    if s.ack_known and theirs.base != y.base:
        forget_octets(theirs, y)
    if s.ack_known and not_its_own(x, y, mine, theirs, s):
        return 0
    if (mine.lost_ahead > 0 or mine.doubt > 0) and s.ip_id > 0 and ((s.ip_id - mine.ip_id) & 0xFFFF) >= HALF_ID:
        # What was skipped was not lost, only late.
        mine.lost_ahead = 0
        mine.doubt = 0
    end = s.seq_relative + s.length
    if x.fin > x.acked and s.length > 0 and end >= x.fin and mine.next == x.fin:
        forget_fin(m, mine)
        ahead = s.seq_relative - mine.next
    if s.flags & (SYN | FIN):
        end += (1 if s.flags & SYN else 0) + (1 if s.flags & FIN else 0)
    if end > s.seq_relative or ahead < 0:
        theirs.owed += 1
    if end == s.seq_relative:
        bare(m, x, y, mine, theirs, s, ahead)
    elif ahead < 0:
        again(m, x, y, mine, theirs, s, end)
    else:
        in_order(m, x, y, mine, theirs, s, end)
    if s.label != ORDINARY:
        count(x, s)
    if mine.doubt > 0:
        settle_doubt(m, x, mine)
    if s.ack_known:
        if s.flags & SYN and s.ack_relative == 1 and theirs.next > 1 and theirs.next == y.syn_end:
            # RFC 7413 4.2: the data in the SYN was ignored.
            cut_back(m, theirs, 1)
        acknowledged(m, x, y, theirs, s)
    if s.flags & SYN == 0:
        mine.window_field = s.window
    if s.ack_known and s.ack_relative >= theirs.next:
        mine.owed = 0
    return 1


@kernel
def not_its_own(x: Any, y: Any, mine: Any, theirs: Any, s: Any) -> int:
    """1 if X cannot have sent the segment, which then tells nothing of it.

    It acknowledges another SYN, or what X never let its peer send; or it lacks the timestamps that both sides agreed
    on (RFC 7323 3.2: they must be in every segment but resets) and that X has sent since its SYN: some never do, and
    something on the way may take them out; or its FIN has the number of another octet.
    """
    if s.flags & FIN and x.fin == 0 and s.seq_relative + s.length + 1 < mine.next:
        return 1
    beyond = s.ack_relative - theirs.next
    if beyond > FAR or beyond < -FAR:
        return 1
    if s.flags & SYN and y.syn_seen and (s.ack_relative < 1 or (beyond > 0 and s.ack_relative > y.syn_end)):
        return 1
    if mine.edge_max > 0 and beyond > 1 and s.ack_relative > mine.edge_max + 1:
        return 1
    if s.tsval >= 0 or s.flags & SYN or x.timestamps == 0 or y.timestamps == 0:
        return 0
    return 1 if x.tsval >= 0 and x.tsval != x.syn_tsval else 0


@kernel
def count(x: Any, s: Any) -> None:
    """The counters of the flow, which agree with the labels of its segments."""
    if s.label == RETRANSMISSION:
        x.retransmissions += 1
    elif s.label == REORDERED:
        x.reordered += 1
    elif s.label == DUPLICATE:
        x.duplicates += 1


@kernel
def foreign(x: Any, mine: Any, s: Any, ahead: int) -> None:
    """A reset, or a segment whose numbers are not this connection's: it teaches nothing, but may draw an ACK.

    RFC 5961 3 and 4, RFC 9293 3.10.7.4, first: an unacceptable segment, a SYN, a reset inside the window.
    """
    mine.asks = CHALLENGE_ASKS
    mine.asks_frame = s.frame
    if s.flags & RST and x.based == 0:
        # The answer to a SYN: its number is nobody's.
        return
    if ahead > FAR or ahead < -FAR:
        s.label = OUT_OF_WINDOW
    elif s.flags & RST and x.based and (s.seq_relative > mine.next or s.seq_relative < mine.acked - 1):
        s.label = OUT_OF_WINDOW


@kernel
def in_order(m: Any, x: Any, y: Any, mine: Any, theirs: Any, s: Any, end: int) -> None:
    """The next octets, or some beyond a hole."""
    mine.asks = NOTHING_ASKED
    mine.probing = 0
    if s.flags & SYN:
        first_syn(m, theirs, mine, x, s)
    elif theirs.edge_max > 0 and s.seq_relative + s.length > theirs.edge_max:
        beyond(y, mine, s)
    elif s.seq_relative > mine.next:
        beyond_hole(x, y, mine, theirs, s)
        append(m, mine, s, mine.next, s.seq_relative, 0)
        # Packets that were skipped before held these octets.
        mine.lost_ahead = 0
    elif (s.ip_id > 0 and ((s.ip_id - mine.ip_id) & 0xFFFF) != mine.id_used) or mine.lost_ahead > 0:
        lost_before(x, y, mine, theirs, s)
    if mine.flight != OVER and s.flags & SYN == 0:
        first_flight(m, x, y, mine, s)
    watch_ids(mine, s)
    append(m, mine, s, s.seq_relative, end, 1)
    if mine.doubt == s.frame:
        mine.doubt_row = mine.top
    mine.data_top = end
    mine.pushed = s.flags & PSH


@kernel
def beyond(y: Any, mine: Any, s: Any) -> None:
    """More octets than the largest window ever granted: a probe of a zero window, or a sender that errs."""
    if s.length == 1 and y.window == 0:
        # BSD, Windows and RFC 9293 3.8.6.1 probe a zero window with the next octet.
        s.label = WINDOW_PROBE
        mine.asks = PROBE_ASKS
        mine.asks_frame = s.frame
    else:
        s.label = OVERRUN


@kernel
def first_syn(m: Any, theirs: Any, mine: Any, x: Any, s: Any) -> None:
    """The first SYN or SYN,ACK that is seen of X.

    A SYN,ACK whose TSecr names the first of several SYNs, or the only one, was made when that came: if that is a second
    ago, this is not its first transmission (Linux keeps the first SYN's TSval). Nobody tries for longer than a minute:
    then it is the capture's clock that leapt.
    """
    if s.flags & ACK == 0:
        return
    serial = locate(m, theirs, 0)
    if alive(m, serial) == 0 or s.tsecr < 0:
        return
    row = m.sent[place(m, serial)]
    if s.tsecr == row.first_tsval and (row.copies == 1 or s.tsecr != row.tsval):
        if LEAST_SYN_TIMEOUT < s.time - row.first_time < LONGEST_SYN_GAP:
            s.label = RETRANSMISSION
            s.cause = OF_SYN_ACK
            x.lost_before += 1
