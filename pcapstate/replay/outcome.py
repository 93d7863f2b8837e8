"""What is told of a connection whose story is complete, in whole numbers: a row for it, and one for each side.

Most columns of the table ``flows`` are fields of these rows, by their own names; the others are made from them when
somebody asks (``columns``). Times and spans are nanoseconds; what is not known is MISSING, or -1 where it says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernels import Row, kernel
from ..schema import LIMITS, MISSING, SIDES
from .packed import Batches
from .rows import EVENTS_PER_SIDE, SYN_ACKED

Outcome = Row(
    "Outcome",
    # Addresses as four 32-bit words each.
    "flow stream client0 client1 client2 client3 server0 server1 server2 server3 client_port server_port roles "
    "start end first_frame last_frame completeness history0 history1 history2 history_count "
    # Codes of the words of `schema` (``verdicts``), of its POINTS; -1: not known.
    "opened closed_by close_reason capture_point rtt_handshake "
    # For the notes on listeners (``attempts``).
    "syns syn_acks acks_ignored "
    # What the sentences name (``sentences``): frames, 0 where there is none, and counts.
    "proof_syn proof_syn_ack proof_handshake proof_reset proof_reset_by proof_answers proof_bad_ack",
)

SideOutcome = Row(
    "SideOutcome",
    # `state`: the last that its steps show, -1: none; `timer`: when TIME_WAIT's timer ends it. When it came into
    # SYN_RECEIVED and left it, into TIME_WAIT and left that, by the estimates; into CLOSE_WAIT at the latest.
    "packets bytes state timer received received_until waited waited_until close_waits "
    "close_call mss window_scale sack timestamps isn "
    "zero_windows retransmissions reordered duplicates lost_before lost_after "
    # `scale_known`: a code of schema.SCALE_KNOWN; `scale`: -1, there is none. Round trips: negative or NEVER, none.
    "window_min window_max receive_buffer zero_time scale scale_known rtt rtt_median rtt_smoothed "
    "proof_fin proof_acked proof_shutdown proof_close proof_again proof_syn_again proof_strange_ttl proof_ttl "
    "proof_bare proof_guessed "
    # The time that each cause has.
    + " ".join(f"of_{limit}" for limit in LIMITS),
)

MOST = 0xFFFF
"""Attempts are counted up to that."""


@kernel
def tell_facts(m: Any, slot: int, at: int) -> None:
    """What the memory of a flow holds as it is told."""
    f, o = m.flows[slot], m.outcomes[at]
    o.flow = f.number
    o.stream = f.stream
    if f.flip:
        o.client0, o.client1, o.client2, o.client3, o.client_port = f.b0, f.b1, f.b2, f.b3, f.bport
        o.server0, o.server1, o.server2, o.server3, o.server_port = f.a0, f.a1, f.a2, f.a3, f.aport
    else:
        o.client0, o.client1, o.client2, o.client3, o.client_port = f.a0, f.a1, f.a2, f.a3, f.aport
        o.server0, o.server1, o.server2, o.server3, o.server_port = f.b0, f.b1, f.b2, f.b3, f.bport
    o.roles = f.roles
    o.start = f.first_time
    o.end = f.last_time
    o.first_frame = f.first_frame
    o.last_frame = f.last_frame
    o.completeness = f.completeness
    o.history0, o.history1, o.history2, o.history_count = f.history0, f.history1, f.history2, f.history_count
    for side in range(2):
        tell_side(m.sides[2 * slot + side], m.side_outcomes[2 * at + side])
    client, server = m.sides[2 * slot], m.sides[2 * slot + 1]
    o.syns = min(client.syn_copies + client.syn_pure, MOST)
    o.syn_acks = min(server.syn_copies + (1 if server.syn_seen and not server.syn_pure else 0), MOST)
    o.acks_ignored = min(m.events[EVENTS_PER_SIDE * (2 * slot + 1) + SYN_ACKED].refuted, MOST)


@kernel
def tell_side(x: Any, o: Any) -> None:
    """The same of a side. What its SYN offers is known if that was seen."""
    o.packets = x.packets
    o.bytes = x.bytes
    o.mss = x.mss if x.syn_seen and x.mss >= 0 else MISSING
    o.window_scale = x.offered_scale if x.syn_seen and x.offered_scale >= 0 else MISSING
    o.sack = x.sack if x.syn_seen else -1
    o.timestamps = x.timestamps if x.syn_seen else -1
    o.isn = x.isn if x.isn_known else MISSING
    o.zero_windows = x.zero_windows
    o.retransmissions = x.retransmissions
    o.reordered = x.reordered
    o.duplicates = x.duplicates
    o.lost_before = x.lost_before
    o.lost_after = x.lost_after
    o.rtt = x.rtt_min


class Outcomes:
    """What was told of all flows so far, in the order in which their stories ended."""

    def __init__(self) -> None:
        self._flows = Batches(Outcome)
        self._sides = Batches(SideOutcome)

    def __bool__(self) -> bool:
        return bool(self._flows)

    @property
    def rows(self) -> int:
        """How many flows."""
        return self._flows.rows

    def add(self, flows: np.ndarray, sides: np.ndarray) -> None:
        """Rows of ``Outcome``, and twice as many of ``SideOutcome``; their memory may be used again."""
        self._flows.add(flows)
        self._sides.add(sides)

    def column(self, name: str) -> np.ndarray:
        """A field of ``Outcome``; or one of ``SideOutcome``, with its side: ``client_mss``, ``proof_server_fin``."""
        for k, side in enumerate(SIDES):
            field = name.replace(f"{side}_", "")
            if field != name and name not in self._flows.names:
                return self._sides.column(field)[k::2]
        return self._flows.column(name)

    def addresses(self, side: str) -> np.ndarray:
        """The addresses of a side, shape (flows, 4): four 32-bit words each."""
        return np.stack([self._flows.column(f"{side}{i}") for i in range(4)], axis=1)
