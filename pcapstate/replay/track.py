"""The loop over a chunk of segments, and the sweep that finds the flows whose story is complete: the entries that the
engine calls at either speed."""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from .endpoint import receive, relate
from .flows import ended, flow_of, unchain
from .history import tell
from .labels import classify
from .limits import account
from .losses import RELABELS_A_SEGMENT
from .rows import BUCKET_MASK, CHANGE_COUNT, FREE_COUNT, NOTE_COUNT, RELABEL_COUNT, STALL_COUNT
from .rtt import observe
from .transmissions import needs_room
from .windows import advertise

NOTE_MARGIN = 64
"""Notes that one segment can make, with room to spare."""


@kernel
def track(m: Any, segments: Any, first: int, count: int) -> int:
    """Replays segments ``first`` to ``count``; stops before one for which there might be no room. Returns where."""
    for i in range(first, count):
        if m.control[FREE_COUNT] < 1 or m.control[NOTE_COUNT] > len(m.notes) - NOTE_MARGIN:
            return i
        if m.control[RELABEL_COUNT] > len(m.relabels) - 2 * RELABELS_A_SEGMENT or needs_room(m):
            return i
        if m.control[CHANGE_COUNT] > len(m.changes) - 4 or m.control[STALL_COUNT] > len(m.stalls) - 4:
            return i
        s = segments[i]
        slot = flow_of(m, s)
        f = m.flows[slot]
        x = m.sides[2 * slot + s.side]
        y = m.sides[2 * slot + 1 - s.side]
        relate(f, x, y, s)
        tell(f, x, y, s)
        mine = m.senders[2 * slot + s.side]
        theirs = m.senders[2 * slot + 1 - s.side]
        its_own = classify(m, x, y, mine, theirs, s)
        receive(m, s)
        if its_own:
            advertise(m, x, y, mine, theirs, s)
            account(m, x, y, mine, theirs, s)
        if x.rtt_count != mine.heard:
            mine.heard = x.rtt_count
            observe(mine, x.rtt_last)
    return count


@kernel
def sweep(m: Any, slots: Any, now: int, patience: int) -> int:
    """Fills ``slots`` with flows that are over: both sides have ended, or their 4-tuple is another's, and nothing came
    for ``patience`` ns. Their slots are free from then on (copy them before the next ``track``). Returns how many."""
    found = 0
    for slot in range(len(m.flows)):
        f = m.flows[slot]
        if f.used == 0 or now - f.last_time < patience or found >= len(slots):
            continue
        if f.retired == 0 and ended(m, slot) == 0:
            continue
        if f.retired == 0:
            unchain(m, slot)
        f.used = 0
        slots[found] = slot
        found += 1
        m.free[m.control[FREE_COUNT]] = slot
        m.control[FREE_COUNT] += 1
    return found


@kernel
def chain_all(m: Any) -> None:
    """Hangs every flow into its bucket anew, older incarnations first."""
    mask = m.control[BUCKET_MASK]
    for slot in range(len(m.flows)):
        f = m.flows[slot]
        if f.used and f.retired == 0:
            link(m, slot, f.hash & mask)


@kernel
def link(m: Any, slot: int, bucket: int) -> None:
    """Into the chain of a bucket, so that higher numbers come first (a candidate before what it may replace)."""
    f = m.flows[slot]
    at = m.buckets[bucket]
    if at < 0 or m.flows[at].number < f.number:
        f.chain = at
        m.buckets[bucket] = slot
        return
    while m.flows[at].chain >= 0 and m.flows[m.flows[at].chain].number > f.number:
        at = m.flows[at].chain
    f.chain = m.flows[at].chain
    m.flows[at].chain = slot
