"""What an engineer wants to know first about a capture: connections that failed, were cut off, leak, or stalled.

Works on the numpy columns of ``flows``, all connections at once, so that the summary of a large capture needs no
pandas. Each finding names its connections; the tables have the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .lingering import close_waits, lasting, leaks
from .reuse import used_in_time_wait
from .schema import FLOWS, SIDES, STALLS
from .values import Columns, coded, count, counted, take, text_objects

if TYPE_CHECKING:
    from .capture import Capture

MANY_RETRANSMISSIONS = 0.01
"""Share of a side's segments from which sending them again is worth a finding."""
LONG_WAIT = 0.2
"""Seconds that a side has waited in all from which it is: below, a busy peer is ordinary."""
LARGE_SHARE = 0.5
"""Share of a side's time from which the peer's window is what limits it: any transfer fills a window at times."""
SLOW_ANSWER = 1.0
"""Seconds from which a program is slow to answer."""
MOST_LISTENERS = 6
"""Notes about listeners that are findings; a scan may bring hundreds."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: a word for programs, a sentence for people, the numbers of the connections it is about."""

    kind: str
    text: str
    flows: np.ndarray


def of_capture(capture: Capture, flows: Columns | None = None) -> list[Finding]:
    """What there is to find in a capture, or in some of its connections: those rows of its table ``flows``."""
    flows = capture.columns("flows") if flows is None else flows
    others = [capture.glimpse("timeline"), capture.columns("stalls"), capture.glimpse("notes")]
    return findings(flows, *others, until=capture.times[1], whole=capture.columns("flows"))


def findings(
    flows: Columns, timeline: Columns, stalls: Columns, notes: Columns, *, until: int, whole: Columns | None = None
) -> list[Finding]:
    """What there is to find, the gravest first.

    Columns of the tables of these names; of all but ``flows``, rows of other connections do not matter. ``until`` is
    the time of the last packet of the capture, ``whole`` its table ``flows`` where ``flows`` is a part of that.
    """
    if not count(flows):
        return []
    known = _Flows(flows)
    made = [finding for find in _FIRST for finding in find(known)]
    made += _not_closed(known, timeline, stalls, until)
    made += _listeners(known, notes)
    made += _used_again(known, flows if whole is None else whole, timeline)
    made += [finding for find in _THEN for finding in find(known)]
    made += _slow_answers(known, stalls)
    return [finding for finding in made if len(finding.flows)]


KINDS = (
    *("refused", "unanswered", "half_open"),
    *("abort", "abort_unread", "reset", "no_socket", "data_after_close", "bad_handshake", "keep_alive_failure"),
    *("middlebox", "timeout", "close_wait", "listener", "reused_in_time_wait"),
    *("zero_window", "timeout_stall", "delayed_ack", "receive_window", "retransmissions", "slow_answer"),
)
"""Every kind that a finding may have."""


class _Flows:
    """The table, its words as comparisons."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.number = self.array("flow")

    def array(self, name: str) -> np.ndarray:
        values = self.columns[name]
        assert isinstance(values, np.ndarray)
        return values

    def word(self, name: str, *words: str) -> np.ndarray:
        """Which flows have one of these words in a column."""
        codes, known = coded(self.columns[name], FLOWS[name].words)
        holds = np.array([*(word in words for word in known), False], bool)
        mask: np.ndarray = holds[codes]
        return mask

    def servers(self, mask: np.ndarray, most: int = 3) -> str:
        """The servers of some flows, those with the most flows first."""
        codes, words = coded(self.columns["server_address"])
        pairs, counts = np.unique(codes[mask] * np.int64(65_536) + self.array("server_port")[mask], return_counts=True)
        order = np.argsort(-counts, kind="stable")
        names = [f"{_bracketed(words[pair // 65_536])}:{pair % 65_536}" for pair in pairs[order[:most]].tolist()]
        return ", ".join(names) + (f" and {len(order) - most} more" if len(order) > most else "")


def _refused(flows: _Flows) -> list[Finding]:
    mask = flows.word("close_reason", "refused")
    text = f"{connections(mask)} refused by {flows.servers(mask)}"
    return [Finding("refused", text, flows.number[mask])]


def _unanswered(flows: _Flows) -> list[Finding]:
    mask = flows.word("opened", "unanswered")
    text = f"{connections(mask)} never answered by {flows.servers(mask)}"
    return [Finding("unanswered", text, flows.number[mask])]


def _half_open(flows: _Flows) -> list[Finding]:
    mask = flows.word("opened", "half_open")
    text = f"{connections(mask)} left half-open: the SYN,ACK was never acknowledged, with {flows.servers(mask)}"
    return [Finding("half_open", text, flows.number[mask])]


_RESETS = {
    "abort": "aborted by the {side}",
    "abort_unread": "aborted by the {side}, or closed with data unread",
    "reset": "reset by the {side}",
    "no_socket": "reset: the {side} had no such connection any more",
    "data_after_close": "reset by the {side}: data came after it had closed",
    "bad_handshake": "reset by the {side} in the handshake",
    "keep_alive_failure": "given up by the {side}: no answer to its keep-alives",
    "middlebox": "reset, it seems, by something between the two",
    "timeout": "given up by the {side} after a timeout",
}


def _resets(flows: _Flows) -> list[Finding]:
    found = []
    for reason, words in _RESETS.items():
        by_reason = flows.word("close_reason", reason)
        for side in (*SIDES, "none") if by_reason.any() else ():
            mask = by_reason & flows.word("closed_by", side)
            told = words.format(side=side if side in SIDES else "one side")
            found.append(Finding(reason, f"{connections(mask)} {told}, with {flows.servers(mask)}", flows.number[mask]))
    return sorted(found, key=lambda finding: -len(finding.flows))


def _not_closed(flows: _Flows, timeline: Columns, stalls: Columns, until: int) -> list[Finding]:
    """CLOSE_WAIT at the end: the peer has closed, the side's own program has not, and sends nothing either."""
    waited = close_waits(flows.columns, timeline, until)
    forgotten = leaks(flows.columns, timeline, stalls, until)
    found = []
    for place, side in enumerate(SIDES):
        mask = forgotten[:, place]
        longest = lasting(float(waited[:, place].max(where=mask, initial=0)))
        long = f"for at least {longest}" if mask.sum() == 1 else f"the longest for at least {longest}"
        text = f"{connections(mask)} in CLOSE_WAIT, {long}: the {side}'s program has not closed, "
        found.append(Finding("close_wait", f"{text}with {flows.servers(mask)}", flows.number[mask]))
    return found


def _listeners(flows: _Flows, notes: Columns) -> list[Finding]:
    """What the replay notes of listeners: SO_REUSEADDR, full accept queues, SYN cookies, scans. It is about many
    connections; named is the one that shows it, whose first segment is the one that the note is about."""
    kind = coded(notes["kind"])
    rows = np.flatnonzero(kind.codes == (kind.words.index("listener") if "listener" in kind.words else -2))
    texts = text_objects(take({"text": notes["text"]}, rows)["text"]).tolist()
    times = notes["time"]
    assert isinstance(times, np.ndarray)
    start = flows.array("start")
    found = [
        Finding("listener", text.rstrip("."), flows.number[start == time])
        for text, time in zip(texts[:MOST_LISTENERS], times[rows][:MOST_LISTENERS].tolist(), strict=True)
    ]
    if len(rows) > MOST_LISTENERS and found:
        more = f"{len(rows) - MOST_LISTENERS:,} more notes about listeners, in the table notes"
        found.append(Finding("listener", more, flows.number[np.isin(start, times[rows][MOST_LISTENERS:])]))
    return found


def _used_again(flows: _Flows, whole: Columns, timeline: Columns) -> list[Finding]:
    numbers = whole["flow"]
    assert isinstance(numbers, np.ndarray)
    mask = np.isin(flows.number, numbers[used_in_time_wait(whole, timeline)])
    text = f"{connections(mask)} in TIME_WAIT when the same addresses and ports were used again, with "
    return [Finding("reused_in_time_wait", text + flows.servers(mask), flows.number[mask])]


_STALLS = {
    # what a side waited for: from which share of its time, and how it is told
    "zero_window": (0.0, "{n} on which the {side} waited while the {peer}'s window was zero, {longest}"),
    "timeout_stall": (0.0, "{n} on which the {side} stood still until a retransmission timeout, {longest}"),
    "delayed_ack": (0.0, "{n} on which the {side} waited for the {peer}'s delayed acknowledgements, {longest}"),
    "receive_window": (LARGE_SHARE, "{n} on which the {peer}'s receive window held up the {side}, {longest}"),
}


def _stalls(flows: _Flows) -> list[Finding]:
    """What sides that had something to send waited for."""
    found = []
    duration = flows.array("duration")
    for cause, (least, words) in _STALLS.items():
        for side, peer in (SIDES, SIDES[::-1]):
            share = np.nan_to_num(flows.array(f"{side}_limited_{cause}"))
            waited = share * duration
            mask = (waited >= LONG_WAIT) & (share >= least)
            longest = at_most(float(waited.max(where=mask, initial=0)), mask)
            text = words.format(n=connections(mask), side=side, peer=peer, longest=longest)
            found.append(Finding(cause, text, flows.number[mask]))
    return found


def _slow_answers(flows: _Flows, stalls: Columns) -> list[Finding]:
    """A server that got something and took its time to answer."""
    side, cause, detail = (coded(stalls[name], STALLS[name].words) for name in ("side", "cause", "detail"))
    flow, duration = stalls["flow"], stalls["duration"]
    assert isinstance(flow, np.ndarray)
    assert isinstance(duration, np.ndarray)
    slow = (duration >= SLOW_ANSWER) & np.isin(flow, flows.number)
    slow &= cause.codes == cause.words.index("application")
    slow &= detail.codes == detail.words.index("slow_answer")
    # A client that takes its time is a person who reads.
    slow &= side.codes == side.words.index("server")
    mask = np.isin(flows.number, flow[slow])
    longest = at_most(float(duration.max(where=slow, initial=0)), mask)
    text = f"{connections(mask)} on which the server was silent after the client had sent something, {longest}"
    return [Finding("slow_answer", text, flows.number[mask])]


def at_most(seconds: float, mask: np.ndarray) -> str:
    """How long it took, or at most took where it is about several."""
    return f"{seconds:.1f} s" if mask.sum() == 1 else f"at most {seconds:.1f} s"


def _retransmissions(flows: _Flows) -> list[Finding]:
    found = []
    unanswered = flows.word("opened", "unanswered")
    for side in SIDES:
        again = flows.array(f"{side}_retransmissions")
        # Who gets no answer repeats his SYN: that is told already.
        mask = (again > np.maximum(MANY_RETRANSMISSIONS * flows.array(f"{side}_packets"), 1)) & ~unanswered
        text = (
            f"{connections(mask)} on which the {side} sent more than 1 % again, {again[mask].sum():,} segments in all"
        )
        found.append(Finding("retransmissions", text, flows.number[mask]))
    return found


_Finder = Callable[[_Flows], list[Finding]]
_FIRST: tuple[_Finder, ...] = (_refused, _unanswered, _half_open, _resets)
_THEN: tuple[_Finder, ...] = (_stalls, _retransmissions)


def connections(mask: np.ndarray) -> str:
    """How many, in words."""
    return counted(int(mask.sum()), "connection")


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
