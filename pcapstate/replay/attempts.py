"""Every attempt to connect, as the listener that it went to saw it: the ground for what is said about listeners.

Gathered from the columns of settled flows and from their steps, for all flows of a capture at once. A listener is a
server's address and port. Connections found in mid-stream tell nothing of their opening, so they are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..schema import MISSING, OPENED, SIDES
from ..tcp import machine
from .groups import different
from .outcome import Outcomes
from .packed import Batches

UNANSWERED, REFUSED, HALF_OPEN = (OPENED.index(word) for word in ("unanswered", "refused", "half_open"))


@dataclass(slots=True)
class Attempts:
    """One entry per attempt, in the order of flow numbers; arrays of shape (n,), ``client`` and ``server`` (n, 4).

    Times are nanoseconds. ``listener`` numbers the different (server, port), ``caller`` the different clients.
    ``asked`` and ``ended`` are the first and the last frame's times; ``received`` and ``left`` say when the server was
    in SYN_RECEIVED, ``waited`` and ``waited_until`` when it was in TIME_WAIT (MISSING: never).
    """

    client: np.ndarray
    server: np.ndarray
    port: np.ndarray
    listener: np.ndarray
    caller: np.ndarray
    listeners: int
    callers: int
    asked: np.ndarray
    ended: np.ndarray
    frame: np.ndarray
    opened: np.ndarray
    octets: np.ndarray
    syns: np.ndarray
    syn_acks: np.ndarray
    acks_ignored: np.ndarray
    packets: np.ndarray
    received: np.ndarray
    left: np.ndarray
    waited: np.ndarray
    waited_until: np.ndarray
    last_time: int


def attempts(outcomes: Outcomes, steps: Batches, last_time: int) -> Attempts:
    """All attempts of a capture, from its batches. ``last_time``: of the capture, nanoseconds."""
    numbers = outcomes.column("flow")
    order = np.argsort(numbers, kind="stable")
    opened = outcomes.column("opened")[order]
    kept = opened != OPENED.index("midstream")
    order = order[kept]

    def get(name: str) -> np.ndarray:
        values: np.ndarray = outcomes.column(name)[order]
        return values

    client, server = (outcomes.addresses(side)[order] for side in SIDES)
    port = get("server_port")
    listener, _ = different([*server.T, port], len(port))
    caller, _ = different([*client.T], len(port))
    spans = _spans(steps, len(numbers), last_time)
    received, left, waited, waited_until = (span[numbers[order]] for span in spans)
    return Attempts(
        client=client,
        server=server,
        port=port,
        listener=listener,
        caller=caller,
        listeners=int(listener.max(initial=-1)) + 1,
        callers=int(caller.max(initial=-1)) + 1,
        asked=get("start"),
        ended=get("end"),
        frame=get("first_frame"),
        opened=opened[kept],
        octets=get("client_bytes") + get("server_bytes"),
        syns=get("syns"),
        syn_acks=get("syn_acks"),
        acks_ignored=get("acks_ignored"),
        packets=get("client_packets") + get("server_packets"),
        received=received,
        left=np.where(left == MISSING, get("end"), left),
        waited=waited,
        waited_until=waited_until,
        last_time=last_time,
    )


def _spans(steps: Batches, flows: int, last_time: int) -> list[np.ndarray]:
    """When each server entered and left SYN_RECEIVED and TIME_WAIT, by the estimates; shape (flows,) each."""
    out = [np.full(flows, MISSING) for _ in range(4)]
    flow, side, before, after, estimate = map(steps.column, ("flow", "side", "before", "after", "estimate"))
    server = side == 1
    for k, state in ((0, machine.SYN_RECEIVED), (2, machine.TIME_WAIT)):
        enters, leaves = server & (after == state), server & (before == state)
        out[k][flow[enters]] = estimate[enters]
        out[k + 1][flow[leaves]] = estimate[leaves]
    out[3] = np.where((out[2] != MISSING) & (out[3] == MISSING), last_time, out[3])
    return out
