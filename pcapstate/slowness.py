"""What slowed a connection, in words: what limited each side's sending, and its longest stalls with their frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .schema import LIMITS, SIDES, STALLS
from .values import records

if TYPE_CHECKING:
    from .flow import Flow

LEAST_SHARE = 0.05
"""Share of the time from which a cause is told."""
MOST_CAUSES, MOST_STALLS = 3, 3

LIMITED = {
    "handshake": "the handshake",
    "teardown": "the close of the connection",
    "zero_window": "the {peer}'s zero window",
    "receive_window": "the {peer}'s receive window",
    "recovery": "the repair of losses",
    "timeout_stall": "retransmission timeouts",
    "delayed_ack": "the {peer}'s delayed acknowledgements",
    "network": "the network or its congestion control",
    "application": "the programs, which sent nothing",
}
"""A word of LIMITS as the end of "was limited by ..."; of one side, whose peer is ``{peer}``."""

STALLED = {
    "handshake": "the handshake",
    "teardown": "the close of the connection",
    "zero_window": "a zero window of the {peer}",
    "receive_window": "the {peer}'s receive window, which was full",
    "recovery": "the repair of a loss",
    "timeout_stall": "a retransmission timeout",
    "delayed_ack": "a delayed acknowledgement of the {peer}",
    "network": "the network",
    "application": "its program",
}
"""The same as the end of "it stalled on ..."."""

MORE = {
    "": "",
    "sent_again_before": ", what had been sent again having had no effect either",
    "tail": ", as too little followed the loss to tell of it sooner",
    "waits_for_peer": ", which waited for the {peer}'s",
    "slow_answer": ", which was slow to answer",
    "idle": ", which was idle",
    "unended": ", to the end",
}
"""What a word of STALL_DETAILS adds to that."""


def slowness(flow: Flow) -> list[str]:
    """Sentences about each side that sent anything: what limited it, with shares, and where it stalled longest."""
    stalls = records(STALLS, flow.columns("stalls"))
    sentences = []
    for side, peer in (SIDES, SIDES[::-1]):
        limits = limited(flow.facts, side, peer) if flow.facts[f"{side}_bytes"] else ""
        if limits:
            mine = [row for row in stalls if row["side"] == side and row["detail"] not in ("waits_for_peer", "idle")]
            sentences.append(" ".join(filter(None, (limits, stalled(mine, peer)))))
    return sentences


def limited(facts: dict[str, Any], side: str, peer: str) -> str:
    """What limited a side, the largest share first; empty where no time went by."""
    shares = {limit: facts.get(f"{side}_limited_{limit}") for limit in LIMITS}
    told = sorted(((share, limit) for limit, share in shares.items() if share is not None), reverse=True)
    causes = [
        f"by {LIMITED[limit].format(peer=peer)} for {100 * share:.0f} %{'' if place else ' of the time'}"
        for place, (share, limit) in enumerate(told[:MOST_CAUSES])
        if share >= LEAST_SHARE
    ]
    return f"The {side} was limited {listed(causes)}." if causes else ""


def stalled(rows: list[dict[str, Any]], peer: str) -> str:
    """The longest of a side's stalls; empty where there is none."""
    longest = sorted(rows, key=lambda row: -row["duration"])[:MOST_STALLS]
    told = [f"{row['duration']:.3f} s on {reason(row, peer)} ({frames(row)})" for row in longest]
    if not told:
        return ""
    often = f"{len(rows):,} times, longest for" if len(rows) > len(told) else "for"
    return f"It stalled {often} {listed(told)}."


def reason(row: dict[str, Any], peer: str) -> str:
    """Why a stall, a row of the table ``stalls``, was one."""
    return (STALLED[row["cause"]] + MORE[row["detail"] or ""]).format(peer=peer)


def frames(row: dict[str, Any]) -> str:
    """From where to where a stall is in the capture."""
    return f"frames {row['start_frame']} to {row['end_frame']}"


def listed(words: list[str]) -> str:
    """Several things as a part of a sentence."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
