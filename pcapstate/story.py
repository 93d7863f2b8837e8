"""What happened on a connection, in sentences. Says what the tables say, and marks what is only presumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .lingering import close_wait, lasting
from .reuse import next_use
from .schema import SIDES
from .slowness import slowness
from .values import counted

if TYPE_CHECKING:
    from .flow import Flow, Side

_OPENED = {
    "three_way": "{client} opened the connection to {server} by a three-way handshake",
    "simultaneous": "{client} and {server} opened the connection to each other at the same time",
    "fast_open": "{client} opened the connection to {server} with data in its SYN (fast open)",
    "refused": "{client} asked for a connection to {server} and was refused",
    "unanswered": "{client} asked for a connection to {server} and got no answer",
    "half_open": "{client} asked for a connection to {server}; the handshake was not completed",
    "aborted": "{client} asked for a connection to {server}; the handshake was broken off",
    "midstream": "The connection between {client} and {server} was open before the capture began",
}


def story(flow: Flow) -> str:
    """A few sentences: how it was opened and ended, what the SYNs offered and what was carried, what slowed it, in
    which states it was left.
    """
    facts = flow.facts
    sentences = [_opening(flow), _ending(facts), _offers(facts), _carried(facts), *slowness(flow)]
    sentences += [*_left(flow), _used_again(flow)]
    return " ".join(sentence for sentence in sentences if sentence)


def _opening(flow: Flow) -> str:
    if flow.facts["note"]:  # the verdict says itself how it was opened
        text = "{client} is the client, {server} the server"
    else:
        text = _OPENED.get(flow.facts["opened"] or "", "{client} and {server} exchanged segments")
    # Of a connection found in mid-stream the verdict says that itself.
    untold = flow.facts["roles"] == "guessed" and not (flow.facts["note"] and flow.facts["opened"] == "midstream")
    guessed = " (who is client and who server is guessed)" if untold else ""
    return f"{text.format(client=flow.client.endpoint, server=flow.server.endpoint)}{guessed}."


def _carried(facts: dict[str, Any]) -> str:
    sent = [f"{octets(facts[f'{side}_bytes'])} from the {side}" for side in SIDES if facts[f"{side}_bytes"]]
    again = [
        f"the {side} sent {counted(facts[f'{side}_retransmissions'], 'segment')} again"
        for side in SIDES
        if facts[f"{side}_retransmissions"]
    ]
    if not sent:
        return ""
    carried = f"It carried {' and '.join(sent)} in {facts['duration']:.3f} s"
    return f"{carried}; {' and '.join(again)}." if again else f"{carried}."


def _offers(facts: dict[str, Any]) -> str:
    """What the SYNs offered, of those that are in the capture."""
    client, server = (_offer(facts, side) for side in SIDES)
    if client == server and client:
        return f"Both offered {client}."
    told = [f"the {side} offered {offer}" for side, offer in zip(SIDES, (client, server), strict=True) if offer]
    sentence = "; ".join(told)
    return f"{sentence[0].upper()}{sentence[1:]}." if sentence else ""


def _offer(facts: dict[str, Any], side: str) -> str:
    """The options of a side's SYN; empty where that was not captured."""
    if facts[f"{side}_sack"] is None:
        return ""
    numbers = {"MSS": facts[f"{side}_mss"], "window scale": facts[f"{side}_window_scale"]}
    offers = [f"{name} {number}" for name, number in numbers.items() if number is not None]
    offers += [name for name, column in (("SACK", "sack"), ("timestamps", "timestamps")) if facts[f"{side}_{column}"]]
    return ", ".join(offers) or "no options"


def _ending(facts: dict[str, Any]) -> str:
    """The verdict of the replay is a sentence of its own; without it the words of the table have to do."""
    if facts["note"]:
        return str(facts["note"])
    reason = (facts["close_reason"] or "").replace("_", " ")
    who = facts["closed_by"]
    if who in SIDES:
        return f"The {who} closed it first ({reason})."
    return (
        f"Both closed it at the same time ({reason})."
        if who == "both"
        else f"It ended thus: {reason}."
        if reason
        else ""
    )


def _left(flow: Flow) -> list[str]:
    """Where the sides are left: one sentence for both if that is the same."""
    client, server = (_state(side) for side in flow.sides)
    if client == server and client:
        return [f"Both sides are left in {client}."]
    return [
        f"The {side.name} is left in {state}{_waiting(side)}." if state else f"The {side.name}'s state is not known."
        for side, state in zip(flow.sides, (client, server), strict=True)
    ]


def _waiting(side: Side) -> str:
    """For how long a side has been in CLOSE_WAIT, and whether its program has forgotten it."""
    waited = close_wait(side)
    if waited is None:
        return ""
    return f", for at least {lasting(waited[0])}{': its program has not closed' if waited[1] else ''}"


def _used_again(flow: Flow) -> str:
    """The next connection between the same two ends, and who was not done with this one then."""
    following = next_use(flow.capture.columns("flows"), flow.number)
    if following < 0:
        return ""
    start = flow.capture.flow(following).facts["start"]
    states = {side.name: side.at(start - 1) for side in flow.sides}
    busy = [f"the {name} was in {state}" for name, state in states.items() if state not in (None, "CLOSED")]
    then = f", when {' and '.join(busy)}" if busy else ""
    after = lasting((start - flow.facts["end"]) / 1e9)
    return f"Its addresses and ports were used again {after} after its last segment (flow {following}){then}."


def _state(side: Side) -> str:
    """The side's last state, and whether that is only presumed; empty where nothing is known."""
    shown = [row for row in side.transitions if row["evidence"] != "timer"]
    presumed = bool(shown) and shown[-1]["evidence"] == "presumed" and shown[-1]["to_state"] == side.final_state
    return f"{side.final_state}{', as it seems' if presumed else ''}" if side.final_state else ""


def octets(number: int) -> str:
    """A number of octets for people: 812 B, 1.2 kB, 3.4 MB."""
    if number < 1000:
        return f"{number} B"
    value = float(number)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} TB"
