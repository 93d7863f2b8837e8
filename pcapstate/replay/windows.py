"""The windows that each side advertises, and what they grant (RFC 9293 3.8.6, RFC 7323 2; SEMANTICS 2.9).

``granted`` is called after ``endpoint.receive``, which has scaled the segment's window and moved the edge in force.
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel


@kernel
def granted(m: Any, s: Any) -> None:
    """What the window in segment ``s`` changes for the peer of its sender."""
    mine = m.senders[2 * s.slot + s.side]
    if s.right_edge > mine.edge_max:
        mine.edge_max = s.right_edge
    if s.window == 0:
        if s.flags & 6 == 0:
            mine.zero = 1
    elif mine.zero:
        mine.zero = 0
        mine.zero_until = s.time
