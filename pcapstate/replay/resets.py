"""Resets: whose, in which form, whether they count, and what comes back to life when they did not.

Two forms are told apart (RFC 9293 3.10.7.1 and 3.10.5): the *reply*, made from the segment that it answers, which says
that there was no socket; and the *active* one, which a live connection sends when it is aborted. A reset counts at its
target only if its number is acceptable (RFC 5961, 3); whether it did is decided by what the target does next.
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from ..schema import CLOSE_REASONS
from ..tcp import machine
from .evidence import guard_of, hear, note, sample
from .rows import (
    CONFIRMED,
    DEAD,
    DEDUCED,
    FIN_ACKED,
    FIN_RECEIVED,
    FIN_SENT,
    NEVER,
    NOTHING,
    PRESUMED,
    RESET_CHALLENGED,
    RESET_IGNORED,
    RESET_OUTLIVED,
    SENT,
    SYN_ACKED,
    SYN_RECEIVED,
    SYN_SENT,
)

RST, ACK = 4, 16
SND_RST, RCV_RST, RCV_RST_ACTIVE, CLOSE = machine.SND_RST, machine.RCV_RST, machine.RCV_RST_ACTIVE, machine.CLOSE
TWO_MSL = machine.TWO_MSL
(REFUSED, NO_SOCKET, DATA_AFTER_CLOSE, ABORT, ABORT_UNREAD, KEEP_ALIVE_FAILURE, MIDDLEBOX) = (
    CLOSE_REASONS.index(word)
    for word in ("refused", "no_socket", "data_after_close", "abort", "abort_unread", "keep_alive_failure", "middlebox")
)
NO_FORM, REPLY, REPLY_TO_SYN, ACTIVE = range(4)
SENT_HERE, MAYBE, FORGED = range(3)
ROOM = 1 << 20
"""Octets that may have been under way unseen around a reset."""

SILENCE = 1_000_000_000
"""A side that was not heard of for longer, ns, may have gone in silence: no stack gives up sooner (RFC 6298 2.4)."""

LATE = 5_000_000
"""A segment seen this much after its sender's own reset was sent after it (else the wire may have swapped them), ns."""


@kernel
def form_of(x: Any, s: Any) -> int:
    """The form of a reset, by its flags, window and numbers."""
    if s.flags & ACK == 0:
        return REPLY
    if s.seq == 0 and s.window == 0 and s.tsval < 0:
        return REPLY_TO_SYN
    return ACTIVE


@kernel
def synchronized(m: Any, first: int) -> int:
    """1 if the side has sent and received a SYN, or was found in mid-stream."""
    if m.events[first + SYN_SENT].grade == NOTHING:
        return 0
    return 1 if m.events[first + SYN_RECEIVED].grade != NOTHING else 0


@kernel
def is_over(m: Any, first: int) -> int:
    """1 if the side is CLOSED, 2 if it is in TIME_WAIT, as far as has been seen."""
    if m.events[first + DEAD].grade != NOTHING:
        return 1
    return 2 if waited(m, first) else 0


@kernel
def waited(m: Any, first: int) -> int:
    """1 if the side was in TIME_WAIT: that ends by itself, so that it is gone does not show what a reset did to it."""
    sent_fin, got = m.events[first + FIN_SENT].grade, m.events[first + FIN_RECEIVED].grade
    return 1 if sent_fin != NOTHING and got != NOTHING and m.events[first + FIN_ACKED].grade != NOTHING else 0


@kernel
def reset(m: Any, f: Any, x: Any, y: Any, first: int, peer: int, s: Any) -> None:
    """A segment with RST from X to Y."""
    form = form_of(x, s)
    x.rst_first = x.rst_first if x.rst_first > 0 else s.time
    x.rst_form = form
    x.rst_ttl = s.ttl
    x.rst_bare = 1 if form == ACTIVE and s.tsval < 0 and x.tsval >= 0 else 0
    if f.bad_ack and form == REPLY and m.events[first + SYN_RECEIVED].grade == NOTHING:
        # The answer to a SYN,ACK with a wrong acknowledgement: its sender stays in SYN_SENT (RFC 9293 3.10.7.3, first).
        return
    strange = x.ttl >= 0 and s.ttl != x.ttl
    reason = MIDDLEBOX if strange and x.rst_bare else reason_of(m, f, x, y, first, form)
    over_before = is_over(m, first) & is_over(m, peer)
    sender_dies(m, f, x, y, first, s, form)
    if m.events[first + DEAD].frame == s.frame and m.events[first + DEAD].grade == SENT and (strange or x.rst_bare):
        # Something on the way may have sent it.
        m.events[first + DEAD].grade = PRESUMED
    target_dies(m, f, x, y, first, peer, s, form)
    effective = m.events[first + DEAD].frame == s.frame or m.events[peer + DEAD].frame == s.frame
    earlier = f.reset_frame > 0
    if earlier and m.events[first + DEAD].frame != f.reset_frame and m.events[peer + DEAD].frame != f.reset_frame:
        # That one has been taken back.
        earlier = f.reset_frame == f.refused_frame
    if not earlier and (effective or f.refused_frame == s.frame) and over_before == 0:
        f.reset_frame = s.frame
        f.reset_by = s.side
        f.reset_reason = reason
        f.reset_answers = y.sent_frame if form != ACTIVE else 0
        if reason == ABORT_UNREAD or reason == DATA_AFTER_CLOSE or (reason == ABORT and form == ACTIVE):
            x.close_frame = s.frame


@kernel
def reason_of(m: Any, f: Any, x: Any, y: Any, first: int, form: int) -> int:
    """Why a reset is sent, by its form and by what went before (SEMANTICS 2.8): a code of schema.CLOSE_REASONS."""
    if m.events[first + SYN_SENT].grade == NOTHING and f.midstream == 0:
        return REFUSED
    if form != ACTIVE:
        if x.syn_pure and f.simultaneous == 0 and x.packets <= x.syn_copies + 2 and x.acked <= 1 and y.bytes == 0:
            if m.events[first + SYN_RECEIVED].grade == PRESUMED:
                return ABORT
        return DATA_AFTER_CLOSE if x.fin > 0 else NO_SOCKET
    if x.probes > 1:
        return KEEP_ALIVE_FAILURE
    if y.data_at > x.data_at:
        return ABORT_UNREAD
    return ABORT


@kernel
def sender_dies(m: Any, f: Any, x: Any, y: Any, first: int, s: Any, form: int) -> None:
    """What the reset says of the side that sent it: CLOSED by then, if it was ever anything else."""
    e = m.events[first + DEAD]
    if e.grade == SENT:
        return
    if e.grade == PRESUMED and e.how != SND_RST and form == ACTIVE and could_send(x, s) == SENT_HERE:
        # No socket that is CLOSED aborts: the peer's reset crossed this one.
        forget(e)
    if e.grade != NOTHING:
        # It was presumed gone; a reply shows that it is, unless both are a forger's.
        shown = form == REPLY and could_send(x, s) == SENT_HERE
        if shown and e.grade == PRESUMED and e.how != SND_RST and waited(m, first) == 0:
            # It may have gone before, for another reason.
            e.grade = CONFIRMED
            e.low = x.had
            e.high = s.time
            e.proof = s.frame
        if e.grade != PRESUMED or e.how != SND_RST or could_send(x, s) != SENT_HERE:
            return
        forget(e)
    started = m.events[first + SYN_SENT].grade
    if started == NOTHING and f.midstream == 0:
        if f.refused_frame == 0 and form != REPLY:
            f.refused_frame = s.frame
            if y.syn_pure and y.syn_copies == 0 and s.ack_known and s.ack_relative == y.syn_end:
                sample(x, s.time - y.syn_last, 1)
        return
    plausible = could_send(x, s)
    if plausible == FORGED:
        return
    got = m.events[first + FIN_RECEIVED]
    if got.grade == PRESUMED and (form == REPLY or (s.ack_known and s.ack_relative < y.fin)):
        # It would have acknowledged the FIN, had a socket taken it.
        unsee(got)
    if is_over(m, first) == 2 and form != ACTIVE:
        # An answer to a SYN shows nothing: it may be from before this side had a socket.
        if form == REPLY:
            over(m, x, y, first, s)
        return
    acked = m.events[first + FIN_ACKED]
    if acked.grade == PRESUMED and form == REPLY and s.seq_relative < x.fin:
        # It answers what was sent before the peer had the FIN: by the time of the ACK there was no socket.
        unsee(acked)
    # An answer to a SYN may be from before this side had a socket.
    e.grade = SENT if plausible == SENT_HERE and form != REPLY_TO_SYN else PRESUMED
    e.how = SND_RST
    e.at = s.time
    e.frame = s.frame
    if form == ACTIVE and s.ack_known:
        hear(m, x, y, s, s.ack_relative)
    e.low = x.had if plausible == SENT_HERE else -NEVER
    e.high = s.time
    e.proof = s.frame
    done = m.events[first + SYN_ACKED]
    if form == REPLY and done.grade == PRESUMED:
        unopened(m, x, y, first, e, done)


@kernel
def unopened(m: Any, x: Any, y: Any, first: int, e: Any, done: Any) -> None:
    """A reset answers the very segment that would have opened the connection: it found no socket."""
    if x.syn_pure and x.crossed == 0:
        # A SYN,ACK draws it: the opener gave up before it came, maybe before its SYN was here.
        e.how = CLOSE
        e.low = -NEVER
        unsee(m.events[first + SYN_RECEIVED])
        unsee(done)
        if x.syn_unseen:
            # Or it never was an opener of this: a SYN,ACK with a wrong number draws the same (RFC 9293 3.10.7.3).
            unsee(m.events[first + SYN_SENT])
            unsee(e)
    elif x.syn_pure == 0 and y.sent_frame == done.frame:
        # The ACK of the SYN,ACK draws it: the listener has gone, and its half-open connection with it.
        e.grade = DEDUCED
        unsee(done)


@kernel
def could_send(x: Any, s: Any) -> int:
    """Whether the side can have sent a reset with this number: it has sent up to there, or somebody else speaks for it.

    An active reset carries SND.NXT, a reply what the peer had acknowledged. What was not captured leaves some room.
    """
    if x.based == 0 or x.acked - 1 <= s.seq_relative <= x.next:
        return SENT_HERE
    return MAYBE if -ROOM < s.seq_relative - x.next < ROOM else FORGED


@kernel
def unsee(e: Any) -> None:
    """The arrival was of no effect."""
    e.grade = NOTHING


@kernel
def over(m: Any, x: Any, y: Any, first: int, s: Any) -> None:
    """A reply from a side that was in TIME_WAIT or LAST_ACK: it is gone by now."""
    e = m.events[first + DEAD]
    e.grade = SENT
    e.how = TWO_MSL
    e.at = s.time
    e.frame = s.frame
    e.low = x.had
    e.high = s.time
    e.proof = s.frame


@kernel
def target_dies(m: Any, f: Any, x: Any, y: Any, first: int, peer: int, s: Any, form: int) -> None:
    """What the reset does to its target, if it arrives (RFC 9293 3.10.7.3 and 3.10.7.4, RFC 5961 3)."""
    e = m.events[peer + DEAD]
    state = is_over(m, peer)
    if e.grade != NOTHING:
        return
    if m.events[peer + SYN_SENT].grade == NOTHING and f.midstream == 0:
        return
    closed_by_ack = 0
    if state == 2:
        closed_by_ack = y.fin_after_fin
    if closed_by_ack:
        return
    if acceptable(m, x, y, peer, s) == 0:
        x.rst_refused = s.frame
        note(m, s, RESET_CHALLENGED if s.seq_relative > x.next else RESET_IGNORED, s.frame, 0)
        return
    e.grade = PRESUMED
    e.how = RCV_RST
    if y.syn_pure and m.events[peer + SYN_RECEIVED].grade != NOTHING and m.events[peer + SYN_ACKED].grade == NOTHING:
        e.how = RCV_RST_ACTIVE
    e.at = s.time
    e.frame = s.frame
    # An earlier reset may have been the one, whatever it looked like.
    e.low = max(x.rst_first, y.had)
    e.high = NEVER
    e.proof = 0
    # A side that nothing shows alive at that moment may have gone before, in silence.
    if y.repeated_unanswered or s.time - y.sent_at > SILENCE:
        e.low = min(e.low, y.sent_at) if y.sent_at > 0 else e.low


@kernel
def acceptable(m: Any, x: Any, y: Any, peer: int, s: Any) -> int:
    """1 if the target would take the reset: its number lies between what Y has acknowledged and what X has sent."""
    if m.events[peer + SYN_RECEIVED].grade == NOTHING and y.syn_pure:
        # SYN_SENT: only a reset that acknowledges the SYN counts.
        if s.flags & ACK == 0:
            return 0
        return 1 if s.ack_known and 1 <= s.ack_relative <= y.syn_end else 0
    if x.based == 0 or (s.seq_relative < 0 and x.base == 0):
        return 1
    low = x.acked - 1
    return 1 if low <= s.seq_relative <= x.next else 0


@kernel
def from_before(x: Any, y: Any, s: Any) -> int:
    """1 if X may have sent the segment before, or as, another that was seen already.

    It is the latest one once more, by its IP ID; or nothing in it is newer: TSvals and acknowledgements never go back.
    """
    if s.ip_id > 0 and s.ip_id == x.proof_ip_id:
        return 1
    if s.tsval >= 0 and x.tsval >= 0 and ((x.tsval - s.tsval) & 0xFFFFFFFF) < 0x80000000:
        return 1
    return 1 if s.ack_known and s.ack_relative < y.acked else 0


@kernel
def alive_after_all(m: Any, f: Any, x: Any, y: Any, first: int, peer: int, s: Any) -> None:
    """A side that goes on after a reset was not closed by it (SEMANTICS R5, R6).

    What was sent before and is late on its way shows nothing.
    """
    e = m.events[first + DEAD]
    if e.grade == NOTHING or from_before(x, y, s):
        return
    if e.grade == SENT:
        if s.time - e.at <= LATE or e.how != SND_RST:
            return
        if s.seq_relative < x.next and s.length > 0:
            # A copy that was on its way: it proves nothing.
            return
    elif e.grade != PRESUMED or s.time - e.at <= guard_of(x):
        return
    if e.frame != x.rst_refused:
        note(m, s, RESET_OUTLIVED if e.how == SND_RST else RESET_IGNORED, e.frame, e.at)
    if f.reset_frame == e.frame:
        # It ended nothing; or the peer alone, and then somebody else sent it.
        if m.events[peer + DEAD].frame != e.frame or e.how != SND_RST:
            f.reset_frame = 0
        f.reset_reason = MIDDLEBOX
    forget(e)


@kernel
def forget(e: Any) -> None:
    """The event did not happen."""
    e.grade = NOTHING
    e.low = -NEVER
    e.high = NEVER
    e.how = 0
    e.frame = 0
    e.proof = 0
    e.first = 0
