"""Verdicts in words: one plain sentence for each flow, with the frames that prove it.

Made only when somebody asks for the text, from the columns of ``flows`` and the proof frames beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..schema import CLOSE_CALLS, CLOSE_REASONS, CLOSED_BY, OPENED, SIDES
from .groups import different

PROOFS = (
    "syn", "syn_ack", "handshake", "client_fin", "server_fin", "client_acked", "server_acked", "reset", "reset_by",
    "answers", "bad_ack",
    *(f"{side}_{what}" for side in SIDES for what in ("shutdown", "close", "again", "syn_again", "strange_ttl", "ttl", "bare", "guessed")),
)  # fmt: skip


CODES = ("opened", "closed_by", "close_reason", "client_close_call", "server_close_call")
FRAMES = (
    "syn", "syn_ack", "handshake", "client_fin", "server_fin", "client_acked", "server_acked", "reset", "answers",
    "bad_ack", *(f"{side}_{what}" for side in SIDES for what in ("shutdown", "close")),
)  # fmt: skip
"""Those of PROOFS that a sentence only names, where they are there: which frame it is changes no word of it."""


class _Place(int):
    """A frame in a pattern of sentences: true if there is one, and written as the place where its number belongs."""

    def __format__(self, _: str) -> str:
        return f"{{{FRAMES[self - 1]}}}" if self else "0"


def sentences(columns: Mapping[str, Any]) -> np.ndarray:
    """The column ``note`` of ``flows``: an object array of str. Each pattern is made once, then the frames put in."""
    count = len(columns["opened"])
    codes = [columns[name] for name in CODES]
    frames = {name: columns[f"_proof_{name}"] for name in FRAMES}
    others = {name: columns[f"_proof_{name}"] for name in PROOFS if name not in FRAMES}
    group, first = different([*codes, *others.values(), *(values > 0 for values in frames.values())], count)
    out = np.empty(count, object)
    together = np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1]) if count else ()
    for row, rows in zip(first.tolist(), together, strict=True):
        proof: dict[str, int] = {name: int(values[row]) for name, values in others.items()}
        proof |= {name: _Place(k + 1 if frames[name][row] > 0 else 0) for k, name in enumerate(FRAMES)}
        pattern = _sentence([int(values[row]) for values in codes], proof)
        named = [name for name in FRAMES if f"{{{name}}}" in pattern]
        numbers = zip(*(frames[name][rows].tolist() for name in named), strict=True)
        put = pattern.format_map
        out[rows] = [put(dict(zip(named, of, strict=True))) for of in numbers] if named else pattern
    return out


def _sentence(codes: Sequence[int], proof: dict[str, int]) -> str:
    """The sentence of one connection; with places for frames its pattern."""
    opened, why = OPENED[codes[0]], CLOSE_REASONS[codes[2]]
    calls = [CLOSE_CALLS[code] for code in codes[3:]]
    parts = (_opening(opened, why, proof), _closing(opened, codes[1], why, calls, proof))
    return " ".join(part for part in parts if part)


def _opening(opened: str, why: str, proof: dict[str, int]) -> str:
    syns = proof["client_syn_again"] + 1
    tries = "" if syns == 1 else ", sent twice" if syns == 2 else f", sent {syns} times"
    if opened == "three_way":
        more = f"; the SYN was{tries[1:]}" if tries else ""
        return f"Opened by a three-way handshake ({_handshake(proof)}{more})."
    if opened == "simultaneous":
        return f"Opened by both sides at once: their SYNs crossed (from frame {proof['syn']})."
    if opened == "fast_open":
        return f"Opened with data in the SYN, which the server took (TCP Fast Open, frames {proof['syn']}, {proof['syn_ack']})."
    if opened == "refused":
        return f"Refused: the server answers the SYN (frame {proof['syn']}{tries}) with a reset (frame {proof['reset']}): nobody listens there."
    if opened == "unanswered":
        return f"Never answered: nothing came back to the SYN (frame {proof['syn']}{tries})."
    if opened == "half_open":
        if proof["bad_ack"]:
            return f"Not opened: the SYN,ACK (frame {proof['bad_ack']}) acknowledges what the client did not send."
        return f"Half-open: the SYN,ACK (frame {proof['syn_ack']}) was never acknowledged."
    if opened == "aborted":
        if why == "abort" and proof["answers"]:
            return f"Not opened: the {SIDES[proof['reset_by']]} had given up when the SYN,ACK came (frame {proof['answers']}), and answers it with a reset (frame {proof['reset']})."
        return "Not opened: the handshake was broken off."
    return "Begun before the capture: client and server are a guess."


def _handshake(proof: dict[str, int]) -> str:
    """The frames of a three-way handshake, and which of its segments were not captured."""
    frames = {"SYN": proof["syn"], "SYN,ACK": proof["syn_ack"], "ACK": proof["handshake"]}
    if all(frames.values()):
        return "frames {}, {}, {}".format(*frames.values())
    seen = ", ".join(f"{name} in frame {frame}" for name, frame in frames.items() if frame)
    missing = " and ".join(name for name, frame in frames.items() if not frame)
    return f"{seen}; {missing} not captured" if seen else "not captured"


def _closing(opened: str, by: int, word: str, calls: list[str], proof: dict[str, int]) -> str:
    who = CLOSED_BY[by]
    if word in ("unanswered", "refused", "bad_handshake") or (opened, word) == ("aborted", "abort"):
        return ""
    if word == "still_open":
        return "" if opened == "half_open" else "Not closed within the capture."
    if word in ("fin", "half_closed"):
        return _fins(who, word, proof) + _calls(calls, proof)
    if word == "data_after_close":
        return _data_after_close(SIDES[proof["reset_by"]], SIDES[1 - proof["reset_by"]], proof) + _strange(proof)
    return _reset(word, proof) + _calls(calls, proof) + _strange(proof)


def _data_after_close(side: str, peer: str, proof: dict[str, int]) -> str:
    acked = f", acknowledged in frame {proof[f'{side}_acked']}" if proof[f"{side}_acked"] else ""
    return (
        f"The {side} closed ({_fin(side, proof)}{acked}), by close() or shutdown(SHUT_RDWR): "
        f"nobody reads what the {peer} sent after that (frame {proof['answers']}), and a reset answers it (frame {proof['reset']})."
    )


def _fin(side: str, proof: dict[str, int], name: str = "FIN in ") -> str:
    """Where a side's FIN is, or what shows that there was one: the peer acknowledged it."""
    frame = proof[f"{side}_fin"]
    return f"FIN not captured, shown by frame {frame}" if proof[f"{side}_guessed"] else f"{name}frame {frame}"


def _fins(who: str, word: str, proof: dict[str, int]) -> str:
    if who == "both":
        return f"Both closed at once: their FINs crossed (frames {proof['client_fin']} and {proof['server_fin']})."
    first, second = (who, "server" if who == "client" else "client")
    start = f"The {first} closed first ({_fin(first, proof)}"
    again = proof[f"{first}_again"] + proof[f"{second}_again"]
    more = "; 1 FIN was sent again" if again == 1 else f"; {again} FINs were sent again" if again else ""
    if word == "fin":
        open_end = "" if proof[f"{second}_acked"] else ", whose FIN was not seen acknowledged"
        return f"{start}), the {second} after it ({_fin(second, proof, '')}){open_end}{more}."
    if proof[f"{first}_acked"]:
        return f"{start}, acknowledged in frame {proof[f'{first}_acked']}); the {second} has not closed: it is in CLOSE_WAIT{more}."
    return f"{start}), which nobody acknowledged{more}."


def _calls(calls: list[str], proof: dict[str, int]) -> str:
    out = ""
    for side, call in zip(SIDES, calls, strict=True):
        if call == "shutdown_write":
            out += f" The {side} called shutdown(SHUT_WR): it still takes data after its FIN (frame {proof[f'{side}_shutdown']})."
        elif call == "close" and proof[f"{side}_fin"]:
            out += f" The {side} called close() or shutdown(SHUT_RDWR) (frame {proof[f'{side}_close']})."
    return out


def _reset(word: str, proof: dict[str, int]) -> str:
    side = SIDES[proof["reset_by"]]
    frame = proof["reset"]
    answers = f": the reset (frame {frame}) answers frame {proof['answers']}" if proof["answers"] else f" (reset in frame {frame})"
    told = proof[f"{side}_strange_ttl"] >= 0 or proof[f"{side}_bare"]
    texts = {
        "no_socket": f"The {side} had no such connection any more{answers}.",
        "abort_unread": f"The {side} closed with data unread, or aborted: a reset instead of a FIN (frame {frame}).",
        "abort": f"The {side} aborted the connection with a reset (frame {frame}), as SO_LINGER with time 0 does.",
        "keep_alive_failure": f"The {side} gave the connection up with a reset (frame {frame}): its probes had been of no effect.",
        "middlebox": f"A reset in the {side}'s name ended it (frame {frame})" + ("." if told else f", which the {side} itself outlived."),
    }
    return texts.get(word, f"The {side} reset the connection{answers}.")


def _strange(proof: dict[str, int]) -> str:
    """What a reset would not have, had the side itself sent it: another TTL; no timestamps, where RFC 7323 3.2 asks
    for them on every segment of the connection."""
    side = SIDES[proof["reset_by"]]
    if proof[f"{side}_strange_ttl"] >= 0:
        odd = f"has TTL {proof[f'{side}_strange_ttl']}, other segments of the {side} {proof[f'{side}_ttl']}"
        odd += ", and no timestamps" if proof[f"{side}_bare"] else ""
    elif proof[f"{side}_bare"]:
        odd = f"has no timestamps, other segments of the {side} do"
    else:
        return ""
    return f" The reset {odd}: something on the way may have sent it."
