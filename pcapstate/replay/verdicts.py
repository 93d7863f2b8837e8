"""How each connection was opened, who closed it, with which call and why: from its events, for many flows at once.

Each verdict is a code into the words of its column, and comes with the frames that prove it; ``sentences`` makes one
plain sentence of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..schema import CLOSE_CALLS, CLOSE_REASONS, CLOSED_BY, MISSING, OPENED, SIDES, Coded
from .memory import Settled
from .rows import DEAD, DEDUCED, FIN_ACKED, FIN_RECEIVED, FIN_SENT, NEVER, SYN_ACKED, SYN_RECEIVED, SYN_SENT
from .sentences import PROOFS
from .timeline import Steps

NEAR = 200_000
"""A round trip below this, ns, has no wire in it: the capture was made at that host (a LAN's is longer)."""

NEAR_SHARE = 0.02
"""... and is at most this share of the whole."""

POINTS = ("at the client", "at the server", "between")


def judge(settled: Settled, made: Steps) -> dict[str, Any]:
    """The verdict columns of ``flows``, shape (n,), and beside them ``_proof_...`` frames for the sentences."""
    flows, sides = settled.flows, settled.sides
    client, server = settled.events[0::2], settled.events[1::2]
    opened = _opened(flows, sides, client, server)
    who, why = _closed(flows, sides, client, server, opened)
    out: dict[str, Any] = {"opened": opened, "closed_by": who, "close_reason": why}
    for k, side in enumerate(SIDES):
        out[f"{side}_close_call"] = _call(sides[k::2], happened(settled.events[k::2], FIN_SENT))
    out["capture_point"] = Coded(_point(sides), list(POINTS))
    return out | _proofs(flows, sides, client, server)


def happened(events: np.ndarray, event: int) -> np.ndarray:
    """Whether the event is believed to have happened, per side."""
    there: np.ndarray = events["grade"][:, event] > 0
    return there


def _opened(flows: np.ndarray, sides: np.ndarray, client: np.ndarray, server: np.ndarray) -> np.ndarray:
    word = OPENED.index
    syn_ack = flows["syn_ack_seen"] > 0
    done = happened(client, SYN_ACKED) & happened(server, SYN_ACKED)
    out = np.full(len(flows), word("unanswered"), np.int8)
    out[syn_ack | (flows["bad_ack"] > 0)] = word("half_open")
    out[done] = word("three_way")
    out[~done & (flows["reset_frame"] > 0)] = word("aborted")
    out[done & (flows["simultaneous"] == 1)] = word("simultaneous")
    out[done & (sides["syn_end"][0::2] > 1) & (flows["fast_open_taken"] > 0)] = word("fast_open")
    out[(flows["refused_frame"] > 0) & ~happened(server, SYN_SENT)] = word("refused")
    out[flows["midstream"] == 1] = word("midstream")
    return out


def _closed(
    flows: np.ndarray, sides: np.ndarray, client: np.ndarray, server: np.ndarray, opened: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    reason, by = CLOSE_REASONS.index, CLOSED_BY.index
    why = np.full(len(flows), reason("still_open"), np.int8)
    who = np.full(len(flows), by("none"), np.int8)
    fins = [happened(events, FIN_SENT) for events in (client, server)]
    why[fins[0] | fins[1]] = reason("half_closed")
    why[fins[0] & fins[1]] = reason("fin")
    after = [sides["fin_after_fin"][k::2] > 0 for k in (0, 1)]
    first = [
        np.where(sent, events["at"][:, FIN_SENT], NEVER) for sent, events in zip(fins, (client, server), strict=True)
    ]
    # A FIN that acknowledges the other was sent after it; else the capture point's order is all there is.
    client_first = fins[0] & (~fins[1] | after[1] | (~after[0] & (first[0] < first[1])))
    who[client_first] = by("client")
    who[fins[1] & ~client_first] = by("server")
    who[fins[0] & fins[1] & ~after[0] & ~after[1]] = by("both")
    reset = (flows["reset_frame"] > 0) & (happened(client, DEAD) | happened(server, DEAD))
    why[reset] = flows["reset_reason"][reset]
    who[reset] = np.where(flows["reset_by"] == 0, by("client"), by("server"))[reset]
    who[why == reason("middlebox")] = by("none")
    why[(flows["bad_ack"] > 0) & (opened == OPENED.index("half_open"))] = reason("bad_handshake")
    unanswered = opened == OPENED.index("unanswered")
    why[unanswered] = reason("unanswered")
    refused = opened == OPENED.index("refused")
    why[refused] = reason("refused")
    who[refused] = by("server")
    return who, why


def _call(x: np.ndarray, sent_fin: np.ndarray) -> np.ndarray:
    """What the program called: proved by what its side does with data that comes after its FIN."""
    word = CLOSE_CALLS.index
    out = np.full(len(x), word(""), np.int8)
    out[sent_fin] = word("unknown")
    out[x["close_frame"] > 0] = word("close")
    out[x["shutdown_frame"] > 0] = word("shutdown_write")
    return out


def _point(sides: np.ndarray) -> np.ndarray:
    """Where the capture was made: codes into POINTS, -1 where a round trip is not known."""
    to = [np.where(sides["rtt_min"][k::2] < NEVER, sides["rtt_min"][k::2], -1) for k in (0, 1)]
    known = (to[0] >= 0) & (to[1] >= 0)
    total = np.maximum(to[0] + to[1], 1)
    out = np.where(known, 2, -1).astype(np.int32)
    for k in (1, 0):
        near = known & (to[k] < NEAR) & (to[k] < to[1 - k]) & ((to[k] <= NEAR_SHARE * total) | (to[1 - k] > 3 * to[k]))
        out[near] = k
    return out


def _captured(events: np.ndarray, event: int) -> np.ndarray:
    """The frame that carried an event, 0 where it is only deduced from later ones."""
    return np.where(events["grade"][:, event] == DEDUCED, 0, events["frame"][:, event])


def _proofs(flows: np.ndarray, sides: np.ndarray, client: np.ndarray, server: np.ndarray) -> dict[str, Any]:
    """The frames that the sentences name; 0 where there is none."""
    found = {
        "syn": _captured(client, SYN_SENT),
        "syn_ack": flows["syn_ack_seen"],
        "handshake": _captured(server, SYN_ACKED),
        "client_fin": np.where(happened(client, FIN_SENT), client["frame"][:, FIN_SENT], 0),
        "server_fin": np.where(happened(server, FIN_SENT), server["frame"][:, FIN_SENT], 0),
        "client_acked": np.where(happened(client, FIN_ACKED), client["frame"][:, FIN_ACKED], 0),
        "server_acked": np.where(happened(server, FIN_ACKED), server["frame"][:, FIN_ACKED], 0),
        "reset": np.where(flows["refused_frame"] > 0, flows["refused_frame"], flows["reset_frame"]),
        "reset_by": flows["reset_by"],
        "answers": flows["reset_answers"],
        "bad_ack": flows["bad_ack"],
    }
    for k, side in enumerate(SIDES):
        x = sides[k::2]
        found[f"{side}_shutdown"] = x["shutdown_frame"]
        found[f"{side}_close"] = x["close_frame"]
        found[f"{side}_again"] = x["fin_copies"]
        found[f"{side}_syn_again"] = x["syn_copies"]
        strange = (x["rst_ttl"] >= 0) & (x["ttl"] >= 0) & (x["rst_ttl"] != x["ttl"])
        found[f"{side}_strange_ttl"] = np.where(strange, x["rst_ttl"], -1)
        found[f"{side}_ttl"] = x["ttl"]
        found[f"{side}_bare"] = x["rst_bare"]
    assert set(found) == set(PROOFS)
    return {f"_proof_{name}": values for name, values in found.items()}


__all__ = ["FIN_RECEIVED", "MISSING", "SYN_RECEIVED", "happened", "judge"]
