"""Every attempt to connect, as the listener that it went to saw it: the ground for what is said about listeners.

Gathered from the outcomes of settled flows, for all flows of a capture at once. A listener is a server's address and
port. Connections found in mid-stream tell nothing of their opening, so they are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..schema import MISSING, OPENED, SIDES
from .groups import different
from .outcome import Outcomes

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


def attempts(outcomes: Outcomes, last_time: int) -> Attempts:
    """All attempts of a capture. ``last_time``: of the capture, nanoseconds."""
    order = np.argsort(outcomes.column("flow"), kind="stable")
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
    left, waited, until = (get(f"server_{name}") for name in ("received_until", "waited", "waited_until"))
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
        received=get("server_received"),
        left=np.where(left == MISSING, get("end"), left),
        waited=waited,
        waited_until=np.where((waited != MISSING) & (until == MISSING), last_time, until),
        last_time=last_time,
    )
