"""How each connection was opened, who closed it, and why: from its events, for a batch of flows at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..schema import CLOSE_REASONS, CLOSED_BY, OPENED
from .memory import Settled
from .rows import DEAD, FIN_ACKED, FIN_RECEIVED, FIN_SENT, SYN_ACKED, SYN_RECEIVED, SYN_SENT
from .timeline import Steps


def judge(settled: Settled, made: Steps) -> dict[str, Any]:
    """The verdict columns of ``flows``: codes into the words of their columns, shape (n,)."""
    flows = settled.flows
    client, server = settled.events[0::2], settled.events[1::2]
    out = {"opened": _opened(flows, settled.sides, client, server)}
    out["closed_by"], out["close_reason"] = _closed(flows, settled.sides, client, server, out["opened"])
    return out


def happened(events: np.ndarray, event: int) -> np.ndarray:
    return events["grade"][:, event] > 0


def _opened(flows: np.ndarray, sides: np.ndarray, client: np.ndarray, server: np.ndarray) -> np.ndarray:
    word = OPENED.index
    done = happened(client, SYN_ACKED) & happened(server, SYN_ACKED)
    out = np.full(len(flows), word("unanswered"), np.int8)
    out[flows["syn_ack_seen"] > 0] = word("half_open")
    out[done] = word("three_way")
    out[(flows["syn_ack_seen"] > 0) & ~done & (flows["reset_frame"] > 0)] = word("aborted")
    out[done & (flows["simultaneous"] == 1)] = word("simultaneous")
    fast = (sides["syn_end"][0::2] > 1) & (sides["acked"][0::2] > 1)
    out[done & fast & (sides["fast_open"][0::2] >= 0)] = word("fast_open")
    out[(flows["refused_frame"] > 0) & ~happened(server, SYN_SENT)] = word("refused")
    out[flows["midstream"] == 1] = word("midstream")
    return out


def _closed(
    flows: np.ndarray, sides: np.ndarray, client: np.ndarray, server: np.ndarray, opened: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    reason, by = CLOSE_REASONS.index, CLOSED_BY.index
    why = np.full(len(flows), reason("still_open"), np.int8)
    who = np.full(len(flows), by("none"), np.int8)
    fin_c, fin_s = happened(client, FIN_SENT), happened(server, FIN_SENT)
    why[fin_c | fin_s] = reason("half_closed")
    why[fin_c & fin_s] = reason("fin")
    first_c = np.where(fin_c, client["at"][:, FIN_SENT], 1 << 62)
    first_s = np.where(fin_s, server["at"][:, FIN_SENT], 1 << 62)
    crossed = (
        fin_c & fin_s & (sides["fin_after_fin"][0::2] == 0) & (sides["fin_after_fin"][1::2] == 0)
        & happened(client, FIN_RECEIVED) & happened(server, FIN_RECEIVED)
    )
    who[first_c < first_s] = by("client")
    who[first_s < first_c] = by("server")
    who[crossed] = by("both")
    reset = (flows["reset_frame"] > 0) & ~(happened(client, FIN_ACKED) & happened(server, FIN_ACKED))
    reset &= happened(client, DEAD) | happened(server, DEAD)
    why[reset] = reason("reset")
    none = who == by("none")
    who[reset & none] = np.where(flows["reset_by"] == 0, by("client"), by("server"))[reset & none]
    why[opened == OPENED.index("unanswered")] = reason("unanswered")
    refused = opened == OPENED.index("refused")
    why[refused] = reason("refused")
    who[refused] = by("server")
    return who, why


__all__ = ["SYN_RECEIVED", "happened", "judge"]
