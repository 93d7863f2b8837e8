"""The two stages one by one, DataFrame in and out: ``parse`` gives segments, ``replay`` takes them.

``replay(parse(path))`` is ``read(path)``. Between the two a user may look at the segments, drop or change some, or
bring others: from another reader, or made by hand.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import pipeline
from .capture import Capture
from .kernels import COMPILED, INTERPRETED, Speed, convert, worth_compiling
from .schema import FLAG_NAMES, INTEGER, MISSING, NULLABLE, TEXT, TIME, WORD, Coded, Column, Segment, Table
from .values import Columns, coded

if TYPE_CHECKING:
    import pandas as pd

PARSED = Table(
    "parsed",
    "one TCP segment as the parser reads it, before it belongs to a connection",
    (
        Column("frame", INTEGER, "Number of the packet in the (merged) capture.", "", "frame.number"),
        Column("time", TIME, "Capture time.", "", "frame.time_epoch"),
        Column("file", WORD, "The file that held it."),
        Column("file_frame", INTEGER, "Number of the packet in that file."),
        Column("src", TEXT, "The sender's IP address.", "", "ip.src"),
        Column("src_port", INTEGER, "The sender's port.", "", "tcp.srcport"),
        Column("dst", TEXT, "The receiver's IP address.", "", "ip.dst"),
        Column("dst_port", INTEGER, "The receiver's port.", "", "tcp.dstport"),
        Column("seq_raw", INTEGER, "Sequence number as it stands in the segment.", "", "tcp.seq_raw"),
        Column("ack_raw", INTEGER, "Acknowledgement number as it stands.", "", "tcp.ack_raw"),
        Column("flags", WORD, "Flags by name: SYN,FIN,RST,PSH,ACK,URG,ECE,CWR,AE.", "", "tcp.flags"),
        Column("length", INTEGER, "Payload.", "octets", "tcp.len"),
        Column("captured", INTEGER, "Payload that is in the file.", "octets"),
        Column("window_raw", INTEGER, "Window field as it stands.", "", "tcp.window_size_value"),
        Column("urgent", INTEGER, "Urgent pointer as it stands.", "", "tcp.urgent_pointer"),
        Column("checksum", INTEGER, "Checksum as it stands.", "", "tcp.checksum"),
        Column("ttl", INTEGER, "Time to live, or hop limit.", "", "ip.ttl"),
        Column("tos", INTEGER, "The octet of DSCP and ECN.", "", "ip.dsfield"),
        Column("ip_id", NULLABLE, "Identification; IPv6 has none.", "", "ip.id"),
        Column("mss", NULLABLE, "Option on this segment.", "octets", "tcp.options.mss_val"),
        Column("window_scale", NULLABLE, "Option on this segment.", "bits", "tcp.options.wscale.shift"),
        Column("sack_permitted", INTEGER, "1 where the option is on this segment.", "", "tcp.options.sack_perm"),
        Column("tsval", NULLABLE, "Option on this segment.", "", "tcp.options.timestamp.tsval"),
        Column("tsecr", NULLABLE, "Option on this segment.", "", "tcp.options.timestamp.tsecr"),
        Column("fast_open", NULLABLE, "Length of the cookie of the option.", "octets", "tcp.options.tfo"),
        Column("sack", TEXT, "SACK blocks as they stand: left-right,...", "", "tcp.options.sack_le"),
    ),
)
"""What ``parse`` gives and ``replay`` takes."""

REQUIRED = ("time", "src", "src_port", "dst", "dst_port", "seq_raw", "flags")
"""Columns without which ``replay`` cannot do. What others would say is then not so: no option, no payload."""

_SAME = {"frame", "time", "file_frame", "flags", "length", "captured", "urgent", "checksum", "ttl", "tos", "ip_id"}
_SAME |= {"mss", "window_scale", "sack_permitted", "tsval", "tsecr", "fast_open"}
_FIELDS = {"src_port": "sport", "dst_port": "dport", "seq_raw": "seq", "ack_raw": "ack", "window_raw": "window"}
"""Columns that a segment's row has under another name."""
_DEFAULTS = {"window_raw": 65_535, "ttl": 64}
CHUNK = 65_536


def parse(source: Any, *, progress: Callable[[int], None] | None = None) -> pd.DataFrame:
    """Reads a capture into a DataFrame with a row per TCP segment, its columns those of ``stages.PARSED``.

    Sources and errors are those of ``read``; what could not be read is in ``DataFrame.attrs["problems"]``, a text each.
    """
    from .frames import frame
    from .parser.reader import Reader

    reader = Reader(source, progress=progress)
    parts = [_rows(chunk) for chunk in reader]
    rows = np.concatenate(parts) if parts else np.zeros(0, Segment.dtype)
    segments = frame(PARSED, parsed_columns(rows, [str(file.path) for file in reader.files]))
    segments.attrs["problems"] = [problem.text for problem in reader.problems]
    return segments


def replay(segments: pd.DataFrame, *, msl: float = 30.0, keep: Collection[str] = pipeline.LARGE) -> Capture:
    """Replays segments, in the order of their frames, through both endpoints' state machines.

    ``segments``: columns of ``stages.PARSED``, of which those in ``REQUIRED`` must be there; also as they come back
    from a CSV, where times are text. The order of the rows does not matter where ``frame`` numbers them; where it is
    not there, or numbers several rows alike (captures put together), they are taken in the order of their times, equal
    ones as they stand. ``msl`` and ``keep`` are those of ``read``.

    Raises TypeError for what is no DataFrame, and ValueError for a missing column, and for what is no time, no address
    and no flag.
    """
    from .replay.engine import replay as run

    msl = pipeline.check_msl(msl)
    rows, files = segment_rows(segments)
    tables = run(_chunks(rows), msl=msl, keep=tuple(keep))
    times = (int(rows["time"].min()), int(rows["time"].max())) if len(rows) else (0, 0)
    made = pipeline.Pass(
        tables=tables,
        kept=frozenset(keep),
        files=tuple(files),
        frames=len(rows),
        first_time=times[0],
        last_time=times[1],
    )
    return Capture(made, msl=msl)


def _rows(chunk: Any) -> np.ndarray:
    """A chunk's segments as a structured array of its own: the next chunk may use the same memory."""
    speed: Speed = chunk.speed
    return speed.array(Segment, chunk.segments, chunk.count)


# --- rows to columns -------------------------------------------------------------------------------------------


def parsed_columns(rows: np.ndarray, files: list[str]) -> Columns:
    """The columns of ``PARSED`` from rows of ``schema.Segment``."""
    columns: Columns = {}
    for column in PARSED.columns:
        if column.name in _SAME or column.name in _FIELDS:
            values = rows[_FIELDS.get(column.name, column.name)].astype(np.int64)
            columns[column.name] = np.where(values < 0, MISSING, values) if column.dtype == NULLABLE else values
    columns["flags"] = _flag_words(rows["flags"])
    columns["file"] = Coded(rows["file"].astype(np.int32), list(files) or ["0"])
    for end in ("src", "dst"):
        columns[end] = _addresses(np.stack([rows[f"{end}{word}"] for word in range(4)], axis=1))
    columns["sack"] = _sack_texts(rows)
    return columns


def _flag_words(flags: np.ndarray) -> Coded:
    different, codes = np.unique(flags & 0x1FF, return_inverse=True)
    return Coded(codes.astype(np.int32), [flag_text(bits) for bits in different.tolist()])


def flag_text(bits: int) -> str:
    """Flags by name, SYN first as in RFC 9293's figures: ``SYN,ACK``, ``FIN,ACK``."""
    order = sorted(range(len(FLAG_NAMES)), key=lambda bit: (FLAG_NAMES[bit] != "SYN", bit))
    return ",".join(FLAG_NAMES[bit] for bit in order if bits >> bit & 1)


def flag_bits(text: str) -> int:
    """The other way round. Raises ValueError for what is no flag."""
    names = [name for name in text.split(",") if name]
    if unknown := set(names) - set(FLAG_NAMES):
        raise ValueError(f"no flag of TCP: {', '.join(sorted(unknown))}")
    return sum(1 << FLAG_NAMES.index(name) for name in set(names))


def _addresses(words: np.ndarray) -> Coded:
    different, codes = np.unique(words, axis=0, return_inverse=True)
    texts = []
    for first, second, third, fourth in different.tolist():
        if (first, second, third) == (0, 0, 0xFFFF):
            texts.append(str(ipaddress.IPv4Address(fourth)))
        else:
            texts.append(str(ipaddress.IPv6Address(first << 96 | second << 64 | third << 32 | fourth)))
    return Coded(codes.reshape(-1).astype(np.int32), texts)


def _sack_texts(rows: np.ndarray) -> np.ndarray:
    texts = np.full(len(rows), None, object)
    for row in np.flatnonzero(rows["sacks"] > 0).tolist():
        blocks = range(int(rows["sacks"][row]))
        texts[row] = ",".join(f"{rows[f'sack_left{i}'][row]}-{rows[f'sack_right{i}'][row]}" for i in blocks)
    return texts


# --- columns to rows -------------------------------------------------------------------------------------------


def segment_rows(segments: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """Rows of ``schema.Segment`` from a DataFrame, and the names of the files that they number."""
    if not hasattr(segments, "columns"):
        raise TypeError(f"segments are a DataFrame like that of parse, not {type(segments).__name__}")
    if missing := [name for name in REQUIRED if name not in segments.columns]:
        raise ValueError(f"segments need the columns {', '.join(REQUIRED)}; missing: {', '.join(missing)}")
    rows = np.zeros(len(segments), Segment.dtype)
    for column in PARSED.columns:
        if column.dtype not in (TEXT, WORD):
            rows[_FIELDS.get(column.name, column.name)] = _integers(segments, column)
    if "captured" not in segments.columns:
        rows["captured"] = rows["length"]
    # A segment without any flag has an empty text, which a CSV cannot tell from a missing one.
    rows["flags"] = _looked_up(segments["flags"].astype(object).fillna(""), flag_bits)
    for end in ("src", "dst"):
        words = _looked_up(segments[end], _address_words).reshape(-1, 4)
        for word in range(4):
            rows[f"{end}{word}"] = words[:, word]
    rows["version"] = np.where((rows["src0"] == 0) & (rows["src1"] == 0) & (rows["src2"] == 0xFFFF), 4, 6)
    _put_sack(rows, segments)
    files = _put_files(rows, segments)
    return _in_order(rows, numbered="frame" in segments.columns), files


def _in_order(rows: np.ndarray, *, numbered: bool) -> np.ndarray:
    """The rows as they were captured: by their frames, or where these do not tell by their times."""
    frames, times = rows["frame"], rows["time"]
    if numbered and (np.diff(frames) >= 0).all():
        return rows
    if numbered and len(np.unique(frames)) == len(frames):
        return rows[np.argsort(frames, kind="stable")]
    if (np.diff(times) >= 0).all():
        return rows
    ordered = rows[np.argsort(times, kind="stable")]
    if not numbered:
        ordered["frame"] = np.arange(1, len(rows) + 1)
    return ordered


def _integers(segments: pd.DataFrame, column: Column) -> np.ndarray:
    """A column of numbers; -1 is how a segment's row shows an option that is not there."""
    absent = -1 if column.dtype == NULLABLE else _DEFAULTS.get(column.name, 0)
    if column.name not in segments.columns:
        return np.arange(1, len(segments) + 1) if column.name.endswith("frame") else np.full(len(segments), absent)
    values = segments[column.name]
    if column.dtype == TIME:
        return _times(values)
    return values.astype("Int64").fillna(absent).to_numpy(np.int64)


def _times(values: pd.Series[Any]) -> np.ndarray:
    """Times as nanoseconds since 1970 UTC: of datetimes, of text (as a CSV has them), of such integers."""
    import pandas as pd

    if values.dtype.kind not in "iM":
        # A number with a point may be seconds since 1970 or since the first frame: it is not guessed.
        if values.dtype.kind in "fcb":
            raise ValueError("times of segments are datetimes, texts like 2026-01-02T12:00:01.5Z, or int nanoseconds")
        read = pd.to_datetime(values, utc=True, format="ISO8601", errors="coerce")
        if (wrong := values[read.isna() & values.notna()]).size:
            raise ValueError(f"{wrong.iloc[0]!r} is no time of a segment, like 2026-01-02T12:00:01.5Z")
        values = read
    if values.isna().any():
        raise ValueError(f"a segment has no {values.name}")
    if values.dtype.kind == "M":
        values = values.dt.tz_convert("UTC") if values.dt.tz is not None else values.dt.tz_localize("UTC")
        values = values.dt.as_unit("ns")
    return values.astype("int64").to_numpy()


def _looked_up(values: pd.Series[Any], make: Callable[[str], Any]) -> np.ndarray:
    """``make`` of each text, asked once for each different text."""
    codes, words = coded(np.asarray(values.astype(object), object))
    if len(codes) and codes.min() < 0:
        raise ValueError(f"a segment has no {values.name}")
    made = np.array([make(str(word)) for word in words], np.int64)
    return made[codes] if len(codes) else made


def _address_words(text: str) -> list[int]:
    address = ipaddress.ip_address(text)
    value = int(address) | 0xFFFF << 32 if address.version == 4 else int(address)
    return [value >> shift & 0xFFFFFFFF for shift in (96, 64, 32, 0)]


def _put_sack(rows: np.ndarray, segments: pd.DataFrame) -> None:
    if "sack" not in segments.columns:
        return
    texts = segments["sack"]
    for row in np.flatnonzero(texts.notna().to_numpy()).tolist():
        blocks = str(texts.iloc[row]).split(",")[:4]
        rows["sacks"][row] = len(blocks)
        for place, block in enumerate(blocks):
            left, _, right = block.partition("-")
            rows[f"sack_left{place}"][row], rows[f"sack_right{place}"][row] = int(left), int(right)


def _put_files(rows: np.ndarray, segments: pd.DataFrame) -> list[str]:
    if "file" not in segments.columns:
        return []
    codes, words = coded(np.asarray(segments["file"].astype(object).where(segments["file"].notna(), None), object))
    rows["file"] = np.maximum(codes, 0)
    return list(words)


# --- chunks ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Chunk:
    speed: Speed
    segments: Any
    count: int
    last_time: int


def _chunks(rows: np.ndarray) -> Iterator[_Chunk]:
    speed: Speed = COMPILED if worth_compiling(len(rows)) else INTERPRETED
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        yield _Chunk(speed, convert(Segment, part, speed), len(part), int(part["time"][-1]))


__all__ = ["PARSED", "REQUIRED", "parse", "replay"]
