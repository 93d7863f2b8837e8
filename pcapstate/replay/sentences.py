"""Verdicts in words: one plain sentence for each flow, with the frames that prove it.

Made only when somebody asks for the text, from the columns of ``flows`` and the proof frames beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..schema import CLOSE_CALLS, CLOSE_REASONS, CLOSED_BY, OPENED, SIDES

PROOFS = (
    "syn", "syn_ack", "handshake", "client_fin", "server_fin", "client_acked", "server_acked", "reset", "reset_by",
    "answers", "bad_ack",
    *(f"{side}_{what}" for side in SIDES for what in ("shutdown", "close", "again", "syn_again", "strange_ttl", "ttl", "bare")),
)  # fmt: skip


def sentences(columns: Mapping[str, Any]) -> np.ndarray:
    """The column ``note`` of ``flows``: an object array of str."""
    names = ("opened", "closed_by", "close_reason", "client_close_call", "server_close_call")
    rows = zip(*(columns[n].tolist() for n in (*names, *(f"_proof_{p}" for p in PROOFS))), strict=True)
    out = np.empty(len(columns["opened"]), object)
    for i, row in enumerate(rows):
        proof = dict(zip(PROOFS, row[len(names) :], strict=True))
        calls = [CLOSE_CALLS[code] for code in row[3:5]]
        out[i] = " ".join(
            part for part in (_opening(OPENED[row[0]], proof), _closing(row[1], row[2], calls, proof)) if part
        )
    return out


def _opening(opened: str, proof: dict[str, int]) -> str:
    tries = proof["client_syn_again"]
    again = f", after {tries} more SYN" + ("s" if tries > 1 else "") if tries else ""
    if opened == "three_way":
        return (
            f"Opened by a three-way handshake (frames {proof['syn']}, {proof['syn_ack']}, {proof['handshake']}{again})."
        )
    if opened == "simultaneous":
        return f"Opened by both sides at once: their SYNs crossed (from frame {proof['syn']})."
    if opened == "fast_open":
        return f"Opened with data in the SYN, which the server took (TCP Fast Open, frames {proof['syn']}, {proof['syn_ack']})."
    if opened == "refused":
        return f"Refused: the server answers the SYN (frame {proof['syn']}) with a reset (frame {proof['reset']}): nobody listens there."
    if opened == "unanswered":
        return f"Never answered: a SYN (frame {proof['syn']}{again}), and nothing came back."
    if opened == "half_open":
        if proof["bad_ack"]:
            return f"Not opened: the SYN,ACK (frame {proof['bad_ack']}) acknowledges what the client did not send."
        return f"Half-open: the SYN,ACK (frame {proof['syn_ack']}) was never acknowledged."
    if opened == "aborted":
        return f"Given up while opening (SYN in frame {proof['syn']}, reset in frame {proof['reset']})."
    return "Begun before the capture: client and server are a guess."


def _closing(by: int, reason: int, calls: list[str], proof: dict[str, int]) -> str:
    word = CLOSE_REASONS[reason]
    who = CLOSED_BY[by]
    if word in ("unanswered", "refused", "bad_handshake"):
        return ""
    if word == "still_open":
        return "Not closed within the capture."
    if word in ("fin", "half_closed"):
        return _fins(who, word, proof) + _calls(calls, proof)
    return _reset(word, proof) + _calls(calls, proof) + _strange(proof)


def _fins(who: str, word: str, proof: dict[str, int]) -> str:
    if who == "both":
        return f"Both closed at once: their FINs crossed (frames {proof['client_fin']} and {proof['server_fin']})."
    first, second = (who, "server" if who == "client" else "client")
    start = f"The {first} closed first (FIN in frame {proof[f'{first}_fin']}"
    again = proof[f"{first}_again"] + proof[f"{second}_again"]
    more = f", with {again} FIN{'s' if again > 1 else ''} sent again" if again else ""
    if word == "fin":
        return f"{start}), the {second} after it (frame {proof[f'{second}_fin']}){more}."
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
    peer = SIDES[1 - proof["reset_by"]]
    frame = proof["reset"]
    answers = f" It answers frame {proof['answers']}." if proof["answers"] else ""
    texts = {
        "data_after_close": f"The {side} had closed already: it answers data of the {peer} with a reset (frame {frame}), and that data is lost.{answers}",
        "no_socket": f"The {side} had no such connection any more and said so with a reset (frame {frame}).{answers}",
        "abort_unread": f"The {side} closed with data unread, or aborted: a reset instead of a FIN (frame {frame}).",
        "abort": f"The {side} aborted the connection with a reset (frame {frame}), as SO_LINGER with time 0 does.",
        "keep_alive_failure": f"The {side} gave the connection up with a reset (frame {frame}) after probes without effect.",
    }
    return texts.get(word, f"The {side} reset the connection (frame {frame}).{answers}")


def _strange(proof: dict[str, int]) -> str:
    """What a reset would not have, had the side itself sent it: another TTL; no timestamps, where RFC 7323 3.2 asks
    for them on every segment of the connection."""
    side = SIDES[proof["reset_by"]]
    if proof[f"{side}_strange_ttl"] >= 0:
        odd = f"has TTL {proof[f'{side}_strange_ttl']}, other segments of the {side} {proof[f'{side}_ttl']}"
    elif proof[f"{side}_bare"]:
        odd = f"has no timestamps, other segments of the {side} do"
    else:
        return ""
    return f" The reset {odd}: something on the way may have sent it."
