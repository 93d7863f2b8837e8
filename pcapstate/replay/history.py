"""What two other tools say of a connection: Zeek's ``history`` and ``conn_state``, and Wireshark's ``completeness``.

A kernel writes the letters of each flow down as its segments come, five bits a letter; when somebody asks, the
different histories, which are few, are turned into text, and each text into Zeek's word for the state. Both follow
what Zeek's documentation says of the columns of conn.log, and Wireshark's User's Guide of "TCP Conversation
Completeness". Known to differ: bad checksums are no letter here (``c``), and a connection is never cut in two by
a timer of ours, as Zeek does with long silences.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..kernels import kernel
from ..schema import Coded
from .groups import different

FIN, SYN, RST, ACK = 1, 2, 4, 16

LETTERS = "shadfrwtgiq^"
"""SYN, SYN,ACK, bare ACK, data, FIN, RST, zero window, sent again, gap, FIN with RST, SYN with FIN or RST, flipped."""

(
    SYN_ALONE,
    SYN_ACK,
    BARE_ACK,
    DATA,
    CLOSES,
    RESETS,
    ZERO_WINDOW,
    SENT_AGAIN,
    GAP,
    FIN_AND_RST,
    SYN_AND_MORE,
    FLIPPED,
) = range(len(LETTERS))
LETTER_BITS, LETTERS_A_WORD, MOST_LETTERS = 5, 12, 36
SYNS = 1 << SYN_ALONE | 1 << SYN_ACK
FAR = 1 << 28

HAS_SYN, HAS_SYN_ACK, HAS_ACK, HAS_DATA, HAS_FIN, HAS_RST = 1, 2, 4, 8, 16, 32


# --- letter by letter ------------------------------------------------------------------------------------------


@kernel
def tell(f: Any, x: Any, y: Any, s: Any) -> None:
    """Writes down what segment ``s`` of side X adds. Comes after ``relate`` and before ``receive``, which moves on
    what is known of both sides."""
    if f.frames == 0 and f.flip:
        write(f, FLIPPED, 0)
    control = s.flags & (FIN | SYN | RST)
    if control:
        told_control(f, x, s, control)
    elif s.length > 0:
        if s.flags & ACK:
            # Without ACK it belongs to no conversation: receivers drop it (RFC 9293 3.10.7.4, fifth).
            f.completeness |= HAS_DATA
        once(f, x, s, DATA)
    elif s.flags & ACK:
        f.completeness |= HAS_ACK
        once(f, x, s, BARE_ACK)
    if s.window == 0 and control & RST == 0 and y.told & 1 << CLOSES == 0 and x.told & 1 << RESETS == 0:
        # After the peer's FIN there is nothing left that the window could hold back.
        x.told_zero += 1
        now_and_then(f, s, ZERO_WINDOW, x.told_zero)
    if control & RST == 0:
        told_octets(f, x, y, s, control)


@kernel
def told_control(f: Any, x: Any, s: Any, control: int) -> None:
    """SYN, FIN and RST: again when the sequence number is another than that of the last one."""
    if control & SYN:
        f.completeness |= HAS_SYN_ACK if s.flags & ACK else HAS_SYN
    elif s.flags & ACK and s.length == 0:
        f.completeness |= HAS_ACK
    if s.length > 0 and (s.flags & ACK or control & SYN):
        f.completeness |= HAS_DATA
    if control & FIN and s.flags & ACK:
        f.completeness |= HAS_FIN
    if control & RST:
        f.completeness |= HAS_RST
    if control == SYN:
        if x.told & SYNS == 0 or x.isn != s.seq:
            write(f, SYN_ACK if s.flags & ACK else SYN_ALONE, s.side)
        x.told |= 1 << (SYN_ACK if s.flags & ACK else SYN_ALONE)
    elif control == FIN:
        if x.told & 1 << CLOSES == 0 or x.fin != s.seq_relative + s.length + 1:
            write(f, CLOSES, s.side)
        x.told |= 1 << CLOSES
    elif control == RST:
        if x.told & 1 << RESETS == 0 or x.told_rst != s.seq:
            write(f, RESETS, s.side)
        x.told |= 1 << RESETS
        x.told_rst = s.seq
    else:
        once(f, x, s, FIN_AND_RST if control & SYN == 0 else SYN_AND_MORE)


@kernel
def told_octets(f: Any, x: Any, y: Any, s: Any, control: int) -> None:
    """Payload that had been seen before, and octets of the peer that were never seen but are acknowledged."""
    end = s.seq_relative + s.length + (1 if control & SYN else 0) + (1 if control & FIN else 0)
    if s.length > 0 and x.told & 1 << RESETS == 0:
        if end <= x.told_end and end > x.told_end - FAR:
            x.told_again += 1
            now_and_then(f, s, SENT_AGAIN, x.told_again)
    if (end > x.told_end and end < x.told_end + FAR) or x.packets == 0:
        x.told_end = end
    # Without the handshake, from one side only, or after a reset, numbers that do not fit tell nothing.
    if s.ack_known and f.syn_ack_seen > 0 and y.told > 0 and (x.told | y.told) & 1 << RESETS == 0:
        beyond = s.ack_relative - y.next
        if 0 < beyond < FAR or (y.hole < y.hole_end and s.ack_relative > y.hole):
            y.told_gaps += 1
            if milestone(y.told_gaps):
                write(f, GAP, 1 - s.side)


@kernel
def once(f: Any, x: Any, s: Any, letter: int) -> None:
    """Writes a letter the first time that the side gives cause for it."""
    if x.told & 1 << letter == 0:
        x.told |= 1 << letter
        write(f, letter, s.side)


@kernel
def now_and_then(f: Any, s: Any, letter: int, count: int) -> None:
    """Writes a letter the first time, the tenth, the hundredth, and so on."""
    if milestone(count):
        write(f, letter, s.side)


@kernel
def milestone(count: int) -> int:
    """1 if ``count`` is a power of ten."""
    power = 1
    while power < count:
        power *= 10
    return 1 if power == count else 0


@kernel
def write(f: Any, letter: int, side: int) -> None:
    """Adds a letter to the history of the flow, as long as there is room."""
    code = 2 * letter + side
    count = f.history_count
    if count >= MOST_LETTERS:
        return
    shift = LETTER_BITS * (count % LETTERS_A_WORD)
    if count < LETTERS_A_WORD:
        f.history0 |= code << shift
    elif count < 2 * LETTERS_A_WORD:
        f.history1 |= code << shift
    else:
        f.history2 |= code << shift
    f.history_count = count + 1


# --- text ------------------------------------------------------------------------------------------------------


def history_columns(words: Sequence[np.ndarray], count: np.ndarray, octets: np.ndarray) -> dict[str, Coded]:
    """The columns ``history`` and ``conn_state`` of ``flows``, from the packed letters (three words a flow), how many
    they are, and how many octets of payload were sent."""
    some = (octets > 0).astype(np.int64)
    fields = [*words, count]
    code, first = different([*fields, some], len(count))
    texts = [text(*(int(field[i]) for field in fields)) for i in first.tolist()]
    states = [conn_state(word, bool(some[i])) for word, i in zip(texts, first.tolist(), strict=True)]
    return {
        "history": Coded(code.astype(np.int32), texts),
        "conn_state": Coded(code.astype(np.int32), states),
    }


def text(history0: int, history1: int, history2: int, count: int) -> str:
    """The letters of a packed history: upper case from the client, lower case from the server."""
    words = (history0, history1, history2)
    mask = (1 << LETTER_BITS) - 1
    codes = [words[i // LETTERS_A_WORD] >> LETTER_BITS * (i % LETTERS_A_WORD) & mask for i in range(count)]
    return "".join(LETTERS[code >> 1] if code & 1 else LETTERS[code >> 1].upper() for code in codes)


def conn_state(history: str, octets: bool) -> str:
    """Zeek's word for a connection with that history; ``octets``: whether any payload was sent.

    Zeek sees five states of an endpoint: nothing seen of it, SYN sent, established, closed (its FIN was seen) and
    reset (its RST was), and ``partial`` where it was first seen without a SYN.
    """
    client, server = _endpoints(history)
    unseen = ("inactive", "partial")
    if server == "reset":
        if client == "syn_sent" or (client == "reset" and not octets):
            return "REJ"
        return "RSTRH" if client in unseen else "RSTR"
    if client == "reset":
        if server not in unseen:
            return "RSTO"
        before = history.lstrip("^").split("R")[0]
        return "RSTOS0" if before.startswith("S") and not set(before) & set("HAFGIQ") else "OTH"
    if client == "closed":
        return "SF" if server == "closed" else "SH" if server in unseen else "S2"
    if server == "closed":
        return "SHR" if client in unseen else "S3"
    return {("syn_sent", "inactive"): "S0", ("established", "established"): "S1"}.get((client, server), "OTH")


def _endpoints(history: str) -> tuple[str, str]:
    """What Zeek takes the client and the server for, after that history."""
    state = ["inactive", "inactive"]
    before_reset = ["", ""]
    for letter in history:
        me = 1 if letter.islower() else 0
        peer = 1 - me
        kind = letter.lower()
        if kind == "f" and state[me] != "reset":
            state[me] = "closed"
            if state[peer] == "reset" and before_reset[peer] == "closed":
                state[peer] = "closed"  # the peer's reset came after its FIN: a normal end after all
        elif kind == "r" and state[me] != "reset" and state != ["closed", "closed"]:
            before_reset[me], state[me] = state[me], "reset"
        elif kind in "sh" and state[me] == "inactive":
            state[me] = "established" if me == 1 else "syn_sent"
            if me == 1 and state[0] == "syn_sent":
                state[0] = "established"
        elif kind == "s" and state[me] == "partial" and state[peer] == "inactive":
            state[me] = "syn_sent"
        elif kind in "ad" and state[me] == "inactive":
            if state[peer] == "established":
                state[me] = "established"
            elif kind == "d" or state[peer] != "syn_sent":
                state[me] = "partial"
    return state[0], state[1]
