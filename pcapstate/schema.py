"""Every table of pcapstate: its columns, their types, their units, what they mean, and Wireshark's name for them.

The tables of a user (``TABLES``) and the rows that the stages hand on (``Record``, ``Segment``) are written here and
nowhere else; the documentation, the exports and the tests are made from this page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from .kernels import Row

if TYPE_CHECKING:
    import numpy as np

# --- what the stages hand on -----------------------------------------------------------------------------------

Record = Row(
    "Record",
    # A packet as a container holds it. `offset` and `captured` tell where its octets lie in the buffer of the chunk,
    # `block` where the record or block that holds it begins; `wire` is its length on the wire, `link` its link type
    # (LINKTYPE_ number), `time` nanoseconds since 1970 UTC.
    "frame file file_frame time offset captured wire link block",
)

Segment = Row(
    "Segment",
    # From the parser. Addresses are four 32-bit words, most significant first; IPv4 is 0, 0, 0xffff, address.
    # `length` is the payload as the IP header has it, in octets, `captured` what of the payload is in the file.
    # `ip_id` is -1 on IPv6; `tos` is the traffic class octet (DSCP and ECN). `flags` are the 12 bits after the
    # data offset (reserved bits, AE, CWR, ECE, URG, ACK, PSH, RST, SYN, FIN).
    "frame file file_frame time version src0 src1 src2 src3 dst0 dst1 dst2 dst3 sport dport seq ack flags window urgent "
    "length captured checksum ttl tos ip_id "
    # Options: -1 where absent. `sack_permitted` is 0 or 1, `fast_open` the length of its cookie.
    # SACK edges are sequence numbers; `sacks` says how many blocks of the four are there.
    "mss window_scale sack_permitted tsval tsecr fast_open sacks "
    "sack_left0 sack_right0 sack_left1 sack_right1 sack_left2 sack_right2 sack_left3 sack_right3 "
    # From the replay. `flow` is the number of the connection, `slot` its place in memory, `side` 0 for the client, 1
    # for the server (of the sender). Relative numbers are unwrapped, and -1 shows a number that is not known.
    "flow slot side seq_relative ack_relative ack_known window_octets in_flight right_edge label cause proof",
)

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR, AE = 1, 2, 4, 8, 16, 32, 64, 128, 256
FLAG_NAMES = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE")

# --- words -----------------------------------------------------------------------------------------------------

SIDES = ("client", "server")
STATES = (
    "CLOSED",
    "LISTEN",
    "SYN_SENT",
    "SYN_RECEIVED",
    "ESTABLISHED",
    "FIN_WAIT_1",
    "FIN_WAIT_2",
    "CLOSE_WAIT",
    "CLOSING",
    "LAST_ACK",
    "TIME_WAIT",
)
EVIDENCE = ("sent", "confirmed", "presumed", "deduced", "timer")
ROLES = ("syn", "syn_ack", "guessed")
LABELS = (
    "",
    "retransmission",
    "reordered",
    "duplicate",
    "keep_alive",
    "keep_alive_ack",
    "window_probe",
    "window_probe_ack",
    "window_update",
    "duplicate_ack",
    "challenge_ack",
    "time_wait_ack",
    "out_of_window",
    "overrun",
)
CAUSES = (
    "",
    "timeout",
    "fast",
    "tail_probe",
    "spurious",
    "crossing",
    "syn",
    "syn_ack",
    "fin",
    "network",
    "capture",
    "lost_before",
    "lost_after",
    "lost_in_capture",
    "unknown",
    "no_effect",
)
LIMITS = (
    "handshake",
    "teardown",
    "zero_window",
    "receive_window",
    "recovery",
    "timeout_stall",
    "delayed_ack",
    "network",
    "application",
)
STALL_DETAILS = ("", "sent_again_before", "tail", "waits_for_peer", "slow_answer", "idle", "unended")
OPENED = (
    "three_way",
    "simultaneous",
    "fast_open",
    "refused",
    "unanswered",
    "half_open",
    "aborted",
    "midstream",
)
CLOSE_REASONS = (
    "still_open",
    "half_closed",
    "fin",
    "abort",
    "abort_unread",
    "refused",
    "no_socket",
    "data_after_close",
    "bad_handshake",
    "reset",
    "keep_alive_failure",
    "middlebox",
    "timeout",
    "unanswered",
)
CLOSE_CALLS = ("", "close", "shutdown_write", "unknown")
CLOSED_BY = ("client", "server", "both", "none")
SCALE_KNOWN = ("known", "inferred", "at_least", "unknown")
WINDOW_STATES = ("open", "full", "zero")

# --- the tables ------------------------------------------------------------------------------------------------

MISSING = -(2**63)
"""In the numpy columns that the replay hands out: no value (also numpy's NaT). A word that is missing is code -1."""

TIME = "datetime64[ns, UTC]"
INTEGER = "int64"
NULLABLE = "Int64"
REAL = "float64"
TEXT = "string"
WORD = "category"


class Coded(NamedTuple):
    """A column of text as the stages hand it on: ``words[codes[i]]`` is row i, and code -1 is missing."""

    codes: np.ndarray
    words: Sequence[str]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its pandas dtype, its unit (empty where it has none), its meaning, Wireshark's field."""

    name: str
    dtype: str
    meaning: str
    unit: str = ""
    wireshark: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """One table: what a row of it is, and its columns in their order."""

    name: str
    row: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def _both(make: Column) -> tuple[Column, ...]:
    """A column of each side, `{side}` standing for its name."""
    return tuple(
        Column(
            f"{side}_{make.name}",
            make.dtype,
            make.meaning.replace("{side}", side).replace("{peer}", peer),
            make.unit,
            make.wireshark,
            make.words,
        )
        for side, peer in (SIDES, SIDES[::-1])
    )


_FLOW = Column("flow", INTEGER, "Number of the connection in this capture, from 0, in the order of first frames.")
_SIDE = Column("side", WORD, "Which endpoint: client (it sent the first SYN) or server.", words=SIDES)

TIMELINE = Table(
    "timeline",
    "one transition of one side's state",
    (
        _FLOW,
        _SIDE,
        Column("address", TEXT, "The side's IP address."),
        Column("port", INTEGER, "The side's port."),
        Column("peer_address", TEXT, "The peer's IP address."),
        Column("peer_port", INTEGER, "The peer's port."),
        Column("frame", NULLABLE, "The frame that caused the transition; empty for a timer.", "", "frame.number"),
        Column("time", TIME, "Capture time of that frame; for a timer the estimate.", "", "frame.time_epoch"),
        Column("from_state", WORD, "State before; empty in the first row of a side picked up mid-stream.", words=("", *STATES)),
        Column("event", TEXT, "What happened, in the words of RFC 9293 figure 5; `seen` for a side picked up mid-stream."),
        Column("to_state", WORD, "State after.", words=STATES),
        Column("evidence", WORD, "Why it is believed: sent, confirmed, presumed, deduced, timer.", words=EVIDENCE),
        Column("earliest", TIME, "The side did not change its state before this, if no packet is missing; empty where unbounded."),
        Column("latest", TIME, "The side had changed its state by then; empty where nothing bounds it."),
        Column("estimate", TIME, "Best guess of the time at that side."),
        Column("proof", NULLABLE, "The frame that confirms it.", "", "frame.number"),
        Column("dwell", REAL, "Time spent in from_state, by the estimates.", "s"),
        Column("note", TEXT, "One short sentence where there is something to say."),
    ),
)

FLOWS = Table(
    "flows",
    "one connection (one incarnation of a 4-tuple)",
    (
        _FLOW,
        Column("stream", INTEGER, "Wireshark's number of the stream.", "", "tcp.stream"),
        Column("client_address", TEXT, "The client's IP address."),
        Column("client_port", INTEGER, "The client's port."),
        Column("server_address", TEXT, "The server's IP address."),
        Column("server_port", INTEGER, "The server's port."),
        Column("roles", WORD, "How client and server are known: syn, syn_ack, guessed.", words=ROLES),
        Column("start", TIME, "Capture time of the first frame."),
        Column("end", TIME, "Capture time of the last frame."),
        Column("duration", REAL, "From the first frame to the last.", "s"),
        Column("first_frame", INTEGER, "The first frame.", "", "frame.number"),
        Column("last_frame", INTEGER, "The last frame.", "", "frame.number"),
        *_both(Column("packets", INTEGER, "Segments that the {side} sent.")),
        *_both(Column("bytes", INTEGER, "Payload that the {side} sent, each octet counted once.", "octets")),
        *_both(Column("state", WORD, "State of the {side} at the last frame of the capture.", words=("", *STATES))),
        Column("opened", WORD, "How it was opened.", words=OPENED),
        Column("closed_by", WORD, "Who closed: the sender of the first FIN, or of the reset that ended it.", words=CLOSED_BY),
        Column("close_reason", WORD, "Why it ended, or that it did not; abort_unread: a reset in place of a FIN, the peer's octets coming last.", words=CLOSE_REASONS),
        *_both(Column("close_call", WORD, "What the {side}'s program called, where the wire tells.", words=CLOSE_CALLS)),
        Column("note", TEXT, "The verdict in a sentence, with the frames that prove it."),
        Column("conn_state", TEXT, "Zeek's conn_state."),
        Column("history", TEXT, "Zeek's history."),
        Column("completeness", INTEGER, "Wireshark's bits.", "", "tcp.completeness"),
        *_both(Column("mss", NULLABLE, "Maximum segment size that the {side} offered.", "octets", "tcp.options.mss_val")),
        *_both(
            Column("window_scale", NULLABLE, "Shift count that the {side} offered.", "bits", "tcp.options.wscale.shift")
        ),
        *_both(Column("sack", "boolean", "The {side} offered selective acknowledgement.")),
        *_both(Column("timestamps", "boolean", "The {side} offered timestamps.")),
        *_both(Column("isn", NULLABLE, "Initial sequence number of the {side}.", "", "tcp.seq_raw")),
        *_both(Column("window_min", NULLABLE, "Smallest window that the {side} advertised after its SYN.", "octets")),
        *_both(Column("window_max", NULLABLE, "Largest window that the {side} advertised after its SYN.", "octets")),
        *_both(
            Column("receive_buffer", NULLABLE, "Largest window of the {side}, its SYN's too: its buffer is no smaller.", "octets")
        ),
        *_both(Column("zero_windows", INTEGER, "Segments of the {side} with window 0; several may tell of one time without window.")),
        *_both(Column("zero_window_time", REAL, "Time for which the {side}'s window was 0.", "s")),
        *_both(Column("retransmissions", INTEGER, "Segments that the {side} sent again.")),
        *_both(Column("reordered", INTEGER, "Segments of the {side} that were overtaken on the way.")),
        *_both(Column("duplicates", INTEGER, "Copies of one transmission of the {side}.")),
        *_both(Column("lost_before", INTEGER, "Segments of the {side} lost before the capture point.")),
        *_both(Column("lost_after", INTEGER, "Segments of the {side} lost after the capture point.")),
        Column("rtt_client", REAL, "Round trip from the capture point to the client, smallest.", "s"),
        Column("rtt_client_median", REAL, "The same, median.", "s"),
        Column("rtt_client_smoothed", REAL, "The same, smoothed as RFC 6298 does, at the end.", "s"),
        Column("rtt_server", REAL, "Round trip from the capture point to the server, smallest.", "s"),
        Column("rtt_server_median", REAL, "The same, median.", "s"),
        Column("rtt_server_smoothed", REAL, "The same, smoothed as RFC 6298 does, at the end.", "s"),
        Column("rtt_handshake", REAL, "Round trip from end to end in the handshake: SYN to the ACK of the SYN,ACK.", "s"),
        Column("capture_point", TEXT, "Where the capture was made: at the client, at the server, between, or empty."),
        *_both(Column("limited_by", TEXT, "What limited the {side}'s sending longest, with its share of the time.")),
        *(
            column
            for limit in LIMITS
            for column in _both(Column(f"limited_{limit}", REAL, f"Share of the {{side}}'s time: {limit}.", "0 to 1"))
        ),
    ),
)

SEGMENTS = Table(
    "segments",
    "one TCP segment",
    (
        Column("frame", INTEGER, "Number of the packet in the (merged) capture.", "", "frame.number"),
        Column("time", TIME, "Capture time.", "", "frame.time_epoch"),
        Column("file", WORD, "The file that held it."),
        Column("file_frame", INTEGER, "Number of the packet in that file."),
        _FLOW,
        Column("side", WORD, "Who sent it.", words=SIDES),
        Column("seq_raw", INTEGER, "Sequence number as it stands in the segment.", "", "tcp.seq_raw"),
        Column("ack_raw", NULLABLE, "Acknowledgement number as it stands, where ACK is set.", "", "tcp.ack_raw"),
        Column("seq", NULLABLE, "Sequence number relative to the sender's ISN, unwrapped.", "octets", "tcp.seq"),
        Column("ack", NULLABLE, "Acknowledgement relative to the peer's ISN, unwrapped.", "octets", "tcp.ack"),
        Column("length", INTEGER, "Payload.", "octets", "tcp.len"),
        Column("flags", WORD, "Flags by name, in the order SYN,FIN,RST,PSH,ACK,URG,ECE,CWR,AE.", "", "tcp.flags"),
        Column("window_raw", INTEGER, "Window field as it stands.", "", "tcp.window_size_value"),
        Column("window", NULLABLE, "Window after scaling; empty while the scale is unknown.", "octets", "tcp.window_size"),
        Column("mss", NULLABLE, "Option on this segment.", "octets", "tcp.options.mss_val"),
        Column("window_scale", NULLABLE, "Option on this segment.", "bits", "tcp.options.wscale.shift"),
        Column("tsval", NULLABLE, "Option on this segment.", "", "tcp.options.timestamp.tsval"),
        Column("tsecr", NULLABLE, "Option on this segment.", "", "tcp.options.timestamp.tsecr"),
        Column("sack", TEXT, "SACK blocks, relative to the peer's ISN: left-right,...", "octets"),
        Column("in_flight", NULLABLE, "Octets of the sender not acknowledged after it (FlightSize).", "octets", "tcp.analysis.bytes_in_flight"),
        Column("right_edge", NULLABLE, "Up to where the peer may send after it, relative to the peer's ISN.", "octets"),
        Column("label", WORD, "What the segment was; empty for an ordinary one.", words=LABELS),
        Column("cause", WORD, "Why, or what became of it; no_effect: lost or ignored, nobody can tell.", words=CAUSES),
        Column("proof", NULLABLE, "The frame that shows it.", "", "frame.number"),
    ),
)

WINDOWS = Table(
    "windows",
    "one change of an advertised window",
    (
        _FLOW,
        Column("side", WORD, "Who advertises.", words=SIDES),
        Column("frame", INTEGER, "The segment that carries it, or the peer's that fills it.", "", "frame.number"),
        Column("time", TIME, "Its capture time."),
        Column("window", NULLABLE, "Advertised window; empty while the scale is unknown.", "octets", "tcp.window_size"),
        Column("right_edge", NULLABLE, "Up to where the peer may send, relative to the peer's ISN.", "octets"),
        Column("in_flight", NULLABLE, "Octets of the peer under way then.", "octets"),
        Column("usable", NULLABLE, "What of the window the peer has not used.", "octets"),
        Column("state", WORD, "open, full (nothing of it is usable) or zero.", words=WINDOW_STATES),
        Column("scale_known", WORD, "known, inferred, at_least or unknown.", words=SCALE_KNOWN),
    ),
)

STALLS = Table(
    "stalls",
    "one long gap in one side's sending of octets",
    (
        _FLOW,
        Column("side", WORD, "Who did not send.", words=SIDES),
        Column("start", TIME, "Capture time of its last segment with octets before the gap."),
        Column("end", TIME, "Capture time of the next one; where none came, of the connection's last segment."),
        Column("duration", REAL, "From start to end.", "s"),
        Column("cause", WORD, "What most of it is explained by, as in the columns limited_* of flows.", words=LIMITS),
        Column(
            "detail",
            WORD,
            "What more is known. Of a timeout: sent_again_before (what had been sent again did nothing) or tail (too "
            "little followed it for duplicate ACKs). Of an application: waits_for_peer, slow_answer (the peer had sent "
            "something), idle (nothing came, nothing was written). unended: no octets followed.",
            words=STALL_DETAILS,
        ),
        Column("start_frame", INTEGER, "The segment at its start.", "", "frame.number"),
        Column("end_frame", INTEGER, "The segment at its end.", "", "frame.number"),
    ),
)

ZERO_WINDOWS = Table(
    "zero_windows",
    "one stretch of time in which a side's window was zero; worked out of windows and segments on demand",
    (
        _FLOW,
        Column("side", WORD, "Whose window.", words=SIDES),
        Column("start", TIME, "Capture time of the segment that closed it."),
        Column("end", TIME, "Capture time of the one that opened it; empty where none did."),
        Column("start_frame", INTEGER, "The segment that closed it.", "", "frame.number"),
        Column("end_frame", NULLABLE, "The segment that opened it.", "", "frame.number"),
        Column("probes", INTEGER, "Window probes of the peer meanwhile."),
    ),
)

NOTES = Table(
    "notes",
    "one thing that could not be read or decided, was refuted, or concerns a listener",
    (
        Column("file", TEXT, "The file, where the note is about one."),
        Column("file_frame", NULLABLE, "The frame in that file."),
        Column("frame", NULLABLE, "The frame.", "", "frame.number"),
        Column("time", TIME, "Its capture time."),
        Column("flow", NULLABLE, "The connection."),
        Column("side", WORD, "The endpoint.", words=("", *SIDES)),
        Column("kind", TEXT, "cut, damaged, refuted, listener, ..."),
        Column("text", TEXT, "One sentence."),
    ),
)

TABLES = {table.name: table for table in (FLOWS, TIMELINE, SEGMENTS, WINDOWS, STALLS, NOTES)}
