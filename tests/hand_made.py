"""Segments made by hand, replayed at both speeds: for tests of one rule of the replay at a time."""

from __future__ import annotations

import types

import numpy as np

from pcapstate.kernels import COMPILED, INTERPRETED
from pcapstate.replay.engine import Engine, Replayed
from pcapstate.schema import ACK, FIN, PSH, RST, SYN, Coded, Segment

START = 1_767_323_045_000_000_000
FLAGS = {"S": SYN, "A": ACK, "F": FIN, "R": RST, "P": PSH}
CLIENT, SERVER = 0x0A000001, 0x0A000002
ABSENT = ("mss", "window_scale", "tsval", "tsecr", "fast_open", "ip_id")


def segment(
    side, flags, seq, ack=0, length=0, *, at=None, port=40_000, server_port=80, client=CLIENT, window=1000, **more
):
    """A segment of the client (``"C"``) or the server (``"S"``); ``at`` in milliseconds (None: 1 ms after the last)."""
    source, target = (client, port), (SERVER, server_port)
    if side == "S":
        source, target = target, source
    values = dict.fromkeys(Segment.fields, 0) | dict.fromkeys(ABSENT, -1)
    values |= {"version": 4, "src2": 0xFFFF, "dst2": 0xFFFF, "ttl": 64, "window": window}
    values |= {"src3": source[0], "sport": source[1], "dst3": target[0], "dport": target[1]}
    values |= {"seq": seq, "ack": ack, "length": length, "captured": length, "flags": sum(FLAGS[f] for f in flags)}
    return {**values, "time": at, **more}


def handshake(**more):
    """SYN, SYN,ACK, ACK: the client's next number is 101, the server's 301."""
    return [
        segment("C", "S", 100, **more),
        segment("S", "SA", 300, 101, **{**more, "at": None}),
        segment("C", "A", 101, 301, **{**more, "at": None}),
    ]


def chunk(speed, segments, first_frame=1, now=START):
    """A chunk as the parser hands it on."""
    table = speed.table(Segment, len(segments))
    for number, values in enumerate(segments):
        now = now + 1_000_000 if values["time"] is None else START + round(values["time"] * 1_000_000)
        row = {**values, "time": now, "frame": first_frame + number, "file_frame": first_frame + number}
        if isinstance(table, np.ndarray):
            table[number] = tuple(row[name] for name in Segment.fields)
        else:
            for name, value in row.items():
                setattr(table[number], name, value)
    return types.SimpleNamespace(speed=speed, segments=table, count=len(segments), last_time=now)


def replayed(segments, speed=INTERPRETED, size=10_000):
    """The tables of a replay of these segments, handed over in chunks of ``size``."""
    engine = Engine(msl=30.0, keep=())
    now = START
    for at in range(0, len(segments), size):
        made = chunk(speed, segments[at : at + size], at + 1, now)
        now = made.last_time
        engine.feed(made)
    engine.finish()
    return Replayed(engine)


def column(segments, table, name):
    """A column of a table as a list, which must be the same at both speeds."""
    one, two = (plain(replayed(segments, speed).table(table)[name]) for speed in (INTERPRETED, COMPILED))
    assert one == two
    return one


def plain(values):
    """A column as a list; text as text, None where it is missing."""
    if isinstance(values, Coded):
        return [values.words[code] if code >= 0 else None for code in values.codes.tolist()]
    return values.tolist()
