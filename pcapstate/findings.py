"""What an engineer wants to know first about a capture: connections that failed, were cut off, leak, or stalled.

Works on the numpy columns of ``flows``, all connections at once, so that the summary of a large capture needs no
pandas. Each finding names its connections; the tables have the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .schema import FLOWS, SIDES
from .values import Columns, coded, count

MANY_RETRANSMISSIONS = 0.01
"""Share of a side's segments from which sending them again is worth a finding."""
LONG_ZERO_WINDOW = 0.2
"""Seconds of a zero window from which it is: below, a busy receiver is ordinary."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: a word for programs, a sentence for people, the numbers of the connections it is about."""

    kind: str
    text: str
    flows: np.ndarray


def findings(flows: Columns) -> list[Finding]:
    """What there is to find, the gravest first. ``flows``: the columns of the table ``flows``."""
    if not count(flows):
        return []
    made = [finding for find in _FINDERS for finding in find(_Flows(flows))]
    return [finding for finding in made if len(finding.flows)]


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


_RESETS = {
    "abort": "aborted by the {side}",
    "abort_unread": "aborted by the {side}, which had not read everything",
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


def _not_closed(flows: _Flows) -> list[Finding]:
    """CLOSE_WAIT at the end: the peer has closed, the side's own program has not."""
    found = []
    for side in SIDES:
        mask = flows.word(f"{side}_state", "CLOSE_WAIT")
        text = f"{connections(mask)} in CLOSE_WAIT: the {side}'s program has not closed, with {flows.servers(mask)}"
        found.append(Finding("close_wait", text, flows.number[mask]))
    return found


def _zero_windows(flows: _Flows) -> list[Finding]:
    found = []
    for side in SIDES:
        time = np.nan_to_num(flows.array(f"{side}_zero_window_time"))
        mask = time >= LONG_ZERO_WINDOW
        longest = float(time.max())
        text = f"{connections(mask)} held up by the {side}, whose window was zero, at most {longest:.1f} s"
        found.append(Finding("zero_window", text, flows.number[mask]))
    return found


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


_FINDERS: tuple[Callable[[_Flows], list[Finding]], ...] = (
    _refused,
    _unanswered,
    _resets,
    _not_closed,
    _zero_windows,
    _retransmissions,
)


def connections(mask: np.ndarray) -> str:
    """How many, in words."""
    number = int(mask.sum())
    return f"{number:,} connection{'' if number == 1 else 's'}"


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
