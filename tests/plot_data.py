"""Flows for the tests of the pictures: tables with the schema's columns, from short descriptions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from pcapstate import schema

START = pd.Timestamp("2024-05-01 12:00:00", tz="UTC")
ISN = {"client": 1_000_000_000, "server": 4_000_000_000}


def at(seconds: float | None) -> Any:
    """A time this many seconds after the start; NaT for None."""
    return pd.NaT if seconds is None else START + pd.Timedelta(round(seconds * 1e9), "ns")


def table(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """A table of the schema with these rows; columns that no row names are missing (words: empty)."""
    columns = schema.TABLES[name].columns
    frame = pd.DataFrame(
        [{c.name: row.get(c.name) for c in columns} for row in rows], columns=[c.name for c in columns]
    )
    for column in columns:
        values = frame[column.name]
        if column.dtype == schema.TIME:
            frame[column.name] = pd.Series(pd.DatetimeIndex(values, tz="UTC").as_unit("ns"), index=frame.index)
        elif column.dtype == schema.INTEGER:
            frame[column.name] = values.fillna(0).astype("int64") if len(frame) else values.astype("int64")
        elif column.dtype == schema.WORD:
            kinds = list(column.words) or sorted({str(v) for v in values.dropna()})
            frame[column.name] = pd.Categorical(
                values.where(values.notna(), "" if "" in kinds else None), categories=kinds
            )
        else:
            frame[column.name] = values.astype(column.dtype)
    return frame


def segment(
    seconds: float,
    side: str,
    flags: str,
    seq: int,
    ack: int | None = None,
    *,
    length: int = 0,
    window: int | None = 65536,
    **more: Any,
) -> dict[str, Any]:
    """A row of the segments table; `window=None` for an unknown scale, `window_raw` as given or 502."""
    peer = "server" if side == "client" else "client"
    return {
        "time": at(seconds),
        "side": side,
        "flags": flags,
        "seq": seq,
        "ack": ack,
        "length": length,
        "seq_raw": (ISN[side] + seq) & 0xFFFFFFFF,
        "ack_raw": None if ack is None else (ISN[peer] + ack) & 0xFFFFFFFF,
        "window": window,
        "window_raw": 502 if window is None else min(window, 65535),
        "right_edge": None if ack is None or window is None else ack + window,
        **more,
    }


def move(
    side: str,
    seconds: float,
    before: str,
    event: str,
    after: str,
    *,
    frame: int | None = None,
    evidence: str = "sent",
    bounds: tuple[float | None, float | None] = (None, None),
    **more: Any,
) -> dict[str, Any]:
    """A row of the timeline table."""
    return {
        "side": side,
        "from_state": before,
        "event": event,
        "to_state": after,
        "frame": frame,
        "time": at(seconds),
        "estimate": at(seconds),
        "evidence": evidence,
        "earliest": at(bounds[0]),
        "latest": at(bounds[1]),
        **more,
    }


def flow(
    segments: list[dict[str, Any]],
    moves: list[dict[str, Any]],
    windows: list[dict[str, Any]] | None = None,
    *,
    number: int = 0,
    rtt: tuple[float | None, float | None] = (0.006, 0.014),
    **row: Any,
) -> SimpleNamespace:
    """A flow as the pictures look at it. Frames count from 1; `rtt` is from the capture point to client and server."""
    for frame, each in enumerate(segments, start=1):
        each.setdefault("frame", frame)
        each.setdefault("flow", number)
    for each in [*moves, *(windows or [])]:
        each.setdefault("flow", number)
    made = table("segments", segments)
    flows = table(
        "flows",
        [
            {
                "flow": number,
                "client_address": "10.0.0.1",
                "client_port": 40000,
                "server_address": "10.0.0.2",
                "server_port": 80,
                "start": made["time"].iloc[0],
                "end": made["time"].iloc[-1],
                "rtt_client": rtt[0],
                "rtt_server": rtt[1],
                "opened": "three_way",
                "closed_by": "client",
                "close_reason": "fin",
                **row,
            }
        ],
    )
    facts = {name: None if pd.isna(value) else value for name, value in flows.iloc[0].items()}
    return SimpleNamespace(
        **facts,
        number=number,
        segments=made,
        timeline=table("timeline", moves),
        windows=table("windows", windows or []),
        client=SimpleNamespace(address="10.0.0.1", port=40000),
        server=SimpleNamespace(address="10.0.0.2", port=80),
    )


def whole() -> SimpleNamespace:
    """A connection from its SYN to the end of its 2MSL: 10 ms each way, 3 to the client, 7 to the server."""
    c, s = "client", "server"
    segments = [
        segment(0.003, c, "SYN", 0, window=64240, mss=1460, window_scale=7),
        segment(0.017, s, "SYN,ACK", 0, 1, window=65160, mss=1460, window_scale=7),
        segment(0.023, c, "ACK", 1, 1),
        segment(0.0235, c, "PSH,ACK", 1, 1, length=500),
        segment(0.0376, s, "ACK", 1, 501),
        segment(0.0400, s, "PSH,ACK", 1, 501, length=1448),
        segment(0.0460, c, "ACK", 501, 1449),
        segment(1.0230, c, "FIN,ACK", 501, 1449),
        segment(1.0371, s, "ACK", 1449, 502),
        segment(1.2370, s, "FIN,ACK", 1449, 502),
        segment(1.2431, c, "ACK", 502, 1450),
    ]
    moves = [
        move(c, 0.000, "CLOSED", "snd SYN", "SYN_SENT", frame=1, bounds=(None, 0.003)),
        move(c, 0.020, "SYN_SENT", "rcv SYN,ACK", "ESTABLISHED", frame=2, evidence="confirmed", bounds=(0.017, 0.023)),
        move(c, 1.020, "ESTABLISHED", "snd FIN", "FIN_WAIT_1", frame=8, bounds=(0.040, 1.023)),
        move(
            c, 1.0401, "FIN_WAIT_1", "rcv ACK of FIN", "FIN_WAIT_2", frame=9, evidence="presumed", bounds=(1.0371, None)
        ),
        move(c, 1.240, "FIN_WAIT_2", "rcv FIN", "TIME_WAIT", frame=10, evidence="confirmed", bounds=(1.2370, 1.2431)),
        move(c, 61.240, "TIME_WAIT", "2MSL", "CLOSED", evidence="timer"),
        move(s, 0.010, "LISTEN", "rcv SYN", "SYN_RECEIVED", frame=1, evidence="confirmed", bounds=(0.003, 0.017)),
        move(
            s,
            0.030,
            "SYN_RECEIVED",
            "rcv ACK of SYN",
            "ESTABLISHED",
            frame=3,
            evidence="confirmed",
            bounds=(0.023, 0.0376),
        ),
        move(s, 1.030, "ESTABLISHED", "rcv FIN", "CLOSE_WAIT", frame=8, evidence="confirmed", bounds=(1.023, 1.0371)),
        move(s, 1.244, "CLOSE_WAIT", "snd FIN", "LAST_ACK", frame=10, bounds=(None, 1.2370)),
        move(s, 1.2501, "LAST_ACK", "rcv ACK of FIN", "CLOSED", frame=11, evidence="presumed", bounds=(1.2431, None)),
    ]
    moves[9]["estimate"] = moves[9]["time"] = at(1.230)
    return flow(segments, moves)


def slow_reader() -> SimpleNamespace:
    """A receiver (the server) that stops reading: its window fills, is zero for 2 s, is probed, and opens again."""
    c, s = "client", "server"
    segments = [
        segment(0.0, c, "SYN", 0, window=64240, mss=1460, window_scale=7),
        segment(0.014, s, "SYN,ACK", 0, 1, window=4000, mss=1460, window_scale=0),
        segment(0.020, c, "ACK", 1, 1),
        segment(0.021, c, "ACK", 1, 1, length=1000),
        segment(0.022, c, "ACK", 1001, 1, length=3000),
        segment(0.036, s, "ACK", 1, 4001, window=0, window_raw=0),
        segment(0.500, c, "ACK", 4000, 1, label="window_probe"),
        segment(0.514, s, "ACK", 1, 4001, window=0, window_raw=0, label="window_probe_ack"),
        segment(2.036, s, "ACK", 1, 4001, window=4000, label="window_update"),
        segment(2.050, c, "ACK", 4001, 1, length=1000),
        segment(2.064, s, "ACK", 1, 5001, window=4000),
    ]
    moves = [
        move(c, 0.0, "CLOSED", "snd SYN", "SYN_SENT", frame=1),
        move(c, 0.017, "SYN_SENT", "rcv SYN,ACK", "ESTABLISHED", frame=2, evidence="confirmed", bounds=(0.014, 0.020)),
        move(s, 0.007, "LISTEN", "rcv SYN", "SYN_RECEIVED", frame=1, evidence="confirmed", bounds=(0.0, 0.014)),
        move(
            s,
            0.027,
            "SYN_RECEIVED",
            "rcv ACK of SYN",
            "ESTABLISHED",
            frame=3,
            evidence="confirmed",
            bounds=(0.020, 0.036),
        ),
    ]
    windows = [
        {"side": s, "frame": 2, "time": at(0.014), "window": 4000, "state": "open", "scale_known": "known"},
        {"side": s, "frame": 6, "time": at(0.036), "window": 0, "state": "zero", "scale_known": "known"},
        {"side": s, "frame": 9, "time": at(2.036), "window": 4000, "state": "open", "scale_known": "known"},
    ]
    return flow(segments, moves, windows, close_reason="still_open", closed_by="none")


def lossy() -> SimpleNamespace:
    """Data of the client, one segment lost behind the capture point and sent again, with SACK between."""
    c, s = "client", "server"
    segments = [
        segment(0.0, c, "ACK", 1, 1, length=1000),
        segment(0.001, c, "ACK", 1001, 1, length=1000, cause="lost_after"),
        segment(0.002, c, "ACK", 2001, 1, length=1000),
        segment(0.014, s, "ACK", 1, 1001),
        segment(0.016, s, "ACK", 1, 1001, sack="2001-3001", label="duplicate_ack"),
        segment(0.220, c, "ACK", 1001, 1, length=1000, label="retransmission", cause="timeout"),
        segment(0.234, s, "ACK", 1, 3001),
    ]
    moves = [
        move(side, when, "", "seen", "ESTABLISHED", frame=frame, bounds=(None, None))
        for side, when, frame in ((c, 0.0, 1), (s, 0.014, 4))
    ]
    return flow(segments, moves, opened="midstream", close_reason="still_open", closed_by="none")


def unscaled() -> SimpleNamespace:
    """Picked up in mid-stream: the server's window scale is not known."""
    c, s = "client", "server"
    segments = [
        segment(0.0, c, "ACK", 1, 1, length=1000, window=None, window_raw=700),
        segment(0.010, s, "ACK", 1, 1001, window=None, window_raw=502),
        segment(0.020, s, "ACK", 1, 1001, window=None, window_raw=400),
    ]
    windows = [{"side": s, "frame": 2, "time": at(0.010), "window": None, "state": "open", "scale_known": "unknown"}]
    moves = [move(c, 0.0, "", "seen", "ESTABLISHED", frame=1), move(s, 0.010, "", "seen", "ESTABLISHED", frame=2)]
    return flow(
        segments, moves, windows, rtt=(None, None), opened="midstream", close_reason="still_open", closed_by="none"
    )


def refused() -> SimpleNamespace:
    """A SYN that a reset answers: the server never leaves CLOSED."""
    segments = [
        segment(0.0, "client", "SYN", 0, window=64240, mss=1460),
        segment(0.014, "server", "RST,ACK", -1, 1, window=0, seq_raw=0, window_raw=0),
    ]
    moves = [
        move("client", 0.0, "CLOSED", "snd SYN", "SYN_SENT", frame=1),
        move("client", 0.014, "SYN_SENT", "rcv RST", "CLOSED", frame=2, evidence="presumed", bounds=(0.014, None)),
    ]
    facts = {"opened": "refused", "closed_by": "server", "close_reason": "refused", "server_state": "CLOSED"}
    return flow(segments, moves, rtt=(None, None), **facts)


def alone() -> SimpleNamespace:
    """A SYN between two hosts with long names, and nothing else."""
    made = flow(
        [segment(0.0, "client", "SYN", 0, window=64240, mss=1440)],
        [move("client", 0.0, "CLOSED", "snd SYN", "SYN_SENT", frame=1)],
        rtt=(None, None),
        opened="unanswered",
        closed_by="none",
        close_reason="unanswered",
    )
    made.client.address, made.server.address = "2001:db8:43c0:5ac6:5207:6db2:ec33:94fc", "2001:db8:4005:802::2003"
    return made


def several(*flows: SimpleNamespace) -> SimpleNamespace:
    """A capture of these flows, numbered anew."""
    rows, moves = [], []
    for number, one in enumerate(flows):
        rows.append({**{name: getattr(one, name) for name in schema.FLOWS.names}, "flow": number})
        moves.append(one.timeline.assign(flow=number))
    return capture_of(table("flows", rows), pd.concat(moves, ignore_index=True))


def capture_of(flows: pd.DataFrame, timeline: pd.DataFrame, until: float | None = None) -> SimpleNamespace:
    """A capture of these tables, which ends so many seconds after its start, or with its last flow."""
    last = at(until) if until is not None else flows["end"].max() if len(flows) else START
    times = (START.value, pd.Timestamp(last).as_unit("ns").value)
    return SimpleNamespace(flows=flows, timeline=timeline, stalls=table("stalls", []), times=times)


def bulk(count: int) -> SimpleNamespace:
    """A long transfer by the server: an ACK after every second segment, one in 500 sent again; `count` segments."""
    rng = np.random.default_rng(1)
    index = np.arange(count)
    ack = index % 3 == 2
    step = np.where(ack, 0, 1448)
    again = ~ack & (rng.random(count) < 0.002)
    seq = 1 + np.cumsum(np.where(again, 0, step)) - np.where(again, 0, step)
    seq = np.where(again, np.maximum(1, seq - 14480), seq)
    received = np.maximum.accumulate(np.where(ack, seq, 1))
    acked = np.maximum(1, received - 1448 * (20 + (15 * np.sin(index / count * 40)).astype(int)))
    acked = np.maximum.accumulate(acked)
    window = 60_000 + (20_000 * np.sin(index / count * 25)).astype(int)
    time = START + pd.to_timedelta(np.cumsum(rng.exponential(12e-6, count)) * 1e9, "ns")
    segments = table("segments", [])
    segments = pd.DataFrame(
        {
            "frame": index + 1,
            "time": pd.DatetimeIndex(time).as_unit("ns"),
            "flow": 0,
            "side": pd.Categorical.from_codes(np.where(ack, 0, 1), categories=list(schema.SIDES)),
            "seq": pd.array(np.where(ack, 1, seq), "Int64"),
            "ack": pd.array(np.where(ack, acked, 1), "Int64"),
            "length": step,
            "seq_raw": np.where(ack, 1, seq) & 0xFFFFFFFF,
            "ack_raw": pd.array(np.where(ack, acked, 1) & 0xFFFFFFFF, "Int64"),
            "flags": pd.Categorical.from_codes(np.zeros(count, int), categories=["ACK"]),
            "window_raw": window >> 4,
            "window": pd.array(window, "Int64"),
            "right_edge": pd.array(np.where(ack, acked + window, 65536), "Int64"),
            "label": pd.Categorical.from_codes(np.where(again, 1, 0), categories=list(schema.LABELS)),
            "cause": pd.Categorical.from_codes(np.zeros(count, int), categories=list(schema.CAUSES)),
            "sack": pd.array([None] * count, "string"),
        }
    ).reindex(columns=segments.columns)
    one = whole()
    one.segments = segments
    one.start, one.end = segments["time"].iloc[0], segments["time"].iloc[-1]
    return one
