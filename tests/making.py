"""Tables made by hand, for the tests of what comes after the replay."""

from __future__ import annotations

import numpy as np

from pcapstate.pipeline import Pass
from pcapstate.schema import INTEGER, MISSING, NULLABLE, REAL, TABLES, TEXT, TIME, WORD, Coded

START = 1_767_323_045_000_000_000
"""2026-01-02T03:04:05Z in nanoseconds."""


def millis(number):
    """A time so many milliseconds after START."""
    return START + round(number * 1_000_000)


def columns_from(name, rows):
    """The numpy columns of a table, from a dict for each row; what a row does not name is missing (0 if it must be)."""
    table = TABLES[name]
    for row in rows:
        assert set(row) <= set(table.names), set(row) - set(table.names)
    return {column.name: _values(column, [row.get(column.name) for row in rows]) for column in table.columns}


def _values(column, cells):
    if column.dtype == INTEGER:
        return np.array([0 if cell is None else cell for cell in cells], np.int64)
    if column.dtype in (NULLABLE, TIME):
        return np.array([MISSING if cell is None else cell for cell in cells], np.int64)
    if column.dtype == REAL:
        return np.array([np.nan if cell is None else cell for cell in cells], np.float64)
    if column.dtype == "boolean":
        return np.array([-1 if cell is None else int(cell) for cell in cells], np.int8)
    if column.dtype == WORD and column.words:
        return np.array([-1 if cell is None else column.words.index(cell) for cell in cells], np.int8)
    assert column.dtype in (WORD, TEXT)
    words = sorted({cell for cell in cells if cell is not None})
    return Coded(np.array([-1 if cell is None else words.index(cell) for cell in cells], np.int32), words)


class FakeTables:
    """What the replay hands back, made from rows."""

    def __init__(self, **rows):
        self._columns = {name: columns_from(name, rows.get(name, [])) for name in TABLES}
        self.flow_count = len(rows.get("flows", []))
        self.last_time = max((row["end"] for row in rows.get("flows", [])), default=0)

    def table(self, name):
        return self._columns[name]


A, B = "10.0.0.1", "10.0.0.2"
PORTS = {"client": (A, 40_000, B, 80), "server": (B, 80, A, 40_000)}


def flow_row(number=0, **facts):
    row = {
        "flow": number, "stream": number, "client_address": A, "client_port": 40_000 + number,
        "server_address": B, "server_port": 80, "roles": "syn", "start": millis(0), "end": millis(80),
        "duration": 0.08, "client_packets": 4, "server_packets": 3, "client_bytes": 100, "server_bytes": 0,
        "client_state": "TIME_WAIT", "server_state": "CLOSED", "opened": "three_way", "closed_by": "client",
        "close_reason": "fin", "client_isn": 99, "server_isn": 299, "client_mss": 1460, "client_sack": True,
        "rtt_server": 0.02,
    }  # fmt: skip
    return {**row, **facts}


def step(side, frame, at, source, event, target, evidence="sent", flow=0, **more):
    """A row of the timeline; ``at`` in milliseconds."""
    address, port, peer_address, peer_port = PORTS[side]
    row = {
        "flow": flow, "side": side, "address": address, "port": port, "peer_address": peer_address,
        "peer_port": peer_port, "frame": frame, "time": millis(at), "from_state": source, "event": event,
        "to_state": target, "evidence": evidence, "earliest": millis(at), "latest": millis(at + 1),
        "estimate": millis(at), "dwell": 0.0,
    }  # fmt: skip
    return {**row, **more}


def segment(frame, at, side, seq, ack, flags, length=0, flow=0, **more):
    """A row of the segments; ``at`` in milliseconds, numbers relative (the ISNs are 99 and 299)."""
    isn = {"client": 99, "server": 299}
    peer = {"client": 299, "server": 99}
    row = {
        "frame": frame, "time": millis(at), "file": "x.pcap", "file_frame": frame, "flow": flow, "side": side,
        "seq_raw": isn[side] + seq, "ack_raw": None if ack is None else peer[side] + ack, "seq": seq, "ack": ack,
        "length": length, "flags": flags, "window_raw": 1000, "window": 64_000, "label": "",
    }  # fmt: skip
    return {**row, **more}


def four_way_close():
    """Handshake, a request, and a close in four segments: rows of every table."""
    timeline = [
        step("client", 1, 0, "CLOSED", "snd SYN", "SYN_SENT"),
        step("client", 2, 10, "SYN_SENT", "rcv SYN,ACK", "ESTABLISHED", "confirmed", proof=3),
        step("client", 5, 50, "ESTABLISHED", "snd FIN", "FIN_WAIT_1"),
        step("client", 6, 60, "FIN_WAIT_1", "rcv ACK of FIN", "FIN_WAIT_2", "presumed", latest=None),
        step("client", 7, 70, "FIN_WAIT_2", "rcv FIN", "TIME_WAIT", "confirmed", proof=8),
        step("client", None, 60_070, "TIME_WAIT", "2MSL", "CLOSED", "timer", latest=None, dwell=60.0),
        step("server", 1, 5, "LISTEN", "rcv SYN", "SYN_RECEIVED", "confirmed", proof=2),
        step("server", 3, 20, "SYN_RECEIVED", "rcv ACK of SYN", "ESTABLISHED", "confirmed", proof=6),
        step("server", 5, 55, "ESTABLISHED", "rcv FIN", "CLOSE_WAIT", "confirmed", proof=6),
        step("server", 7, 70, "CLOSE_WAIT", "snd FIN", "LAST_ACK"),
        step("server", 8, 80, "LAST_ACK", "rcv ACK of FIN", "CLOSED", "presumed", latest=None),
    ]
    segments = [
        segment(1, 0, "client", 0, None, "SYN", mss=1460, window_scale=6),
        segment(2, 10, "server", 0, 1, "SYN,ACK", mss=1460, window_scale=7),
        segment(3, 12, "client", 1, 1, "ACK"),
        segment(4, 30, "client", 1, 1, "PSH,ACK", 100),
        segment(5, 50, "client", 101, 1, "FIN,ACK"),
        segment(6, 60, "server", 1, 102, "ACK"),
        segment(7, 70, "server", 1, 102, "FIN,ACK"),
        segment(8, 80, "client", 102, 2, "ACK"),
    ]
    windows = [
        {"flow": 0, "side": "client", "frame": 3, "time": millis(12), "window": 64_000, "state": "open",
         "scale_known": "known"},
        {"flow": 0, "side": "server", "frame": 6, "time": millis(60), "window": 64_000, "state": "open",
         "scale_known": "known"},
    ]  # fmt: skip
    stalls = [
        {"flow": 0, "side": "client", "start": millis(30), "end": millis(50), "duration": 0.02,
         "cause": "application", "detail": "idle", "start_frame": 4, "end_frame": 5},
        {"flow": 0, "side": "server", "start": millis(12), "end": millis(20), "duration": 0.008,
         "cause": "application", "detail": "waits_for_peer", "start_frame": 3, "end_frame": 7},
    ]  # fmt: skip
    notes = [{"frame": 3, "time": millis(12), "flow": 0, "side": "server", "kind": "refuted", "text": 'A, "quoted".'}]
    tables = {"timeline": timeline, "segments": segments, "windows": windows, "stalls": stalls, "notes": notes}
    return {"flows": [flow_row()], **tables}


def a_pass(rows=None, problems=(), kept=("segments", "windows")):
    """A pass over a capture that gave these rows (default: ``four_way_close``)."""
    tables = FakeTables(**(four_way_close() if rows is None else rows))
    return Pass(
        tables=tables, kept=frozenset(kept), files=("/captures/x.pcap",), frames=8, first_time=START,
        last_time=millis(80), problems=tuple(problems),
    )  # fmt: skip
