"""The words beside an arrow: the RFC's own, SYN, seq, ack, win, len, and what a SYN offers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

NUMBERS = ("relative", "raw")

_LABELS = {
    "reordered": "overtaken on the way",
    "keep_alive": "keep-alive",
    "keep_alive_ack": "answer to a keep-alive",
    "window_probe": "window probe",
    "window_probe_ack": "answer to a window probe",
    "window_update": "window update",
    "duplicate_ack": "duplicate ACK",
    "challenge_ack": "challenge ACK",
    "time_wait_ack": "ACK out of TIME_WAIT",
    "out_of_window": "out of the window",
    "overrun": "beyond the window",
}
_CAUSES = {
    "tail_probe": "tail loss probe",
    "syn": "SYN",
    "syn_ack": "SYN,ACK",
    "fin": "FIN",
    "network": "by the network",
    "capture": "by the capture",
    "lost_before": "the first lost before the capture",
    "lost_after": "lost after the capture point",
    "lost_in_capture": "acknowledges what the capture missed",
    "unknown": "",
    "no_effect": "no effect: lost, or ignored",
}


def segment_words(segment: Mapping[str, Any], *, numbers: str = "relative", covers: bool = False) -> str:
    """What a segment says, as ``SYN,ACK  seq=0  ack=0+1  win=65160  mss=1460  wscale=7``.

    ``segment`` has the columns of the segments table. ``covers``: its acknowledgement is the first that covers the
    peer's SYN or FIN; then ``ack`` is written as a sum, to show that it is the number of that segment plus one. Raises
    ValueError for a kind of ``numbers`` that is not relative or raw.
    """
    if numbers not in NUMBERS:
        raise ValueError(f"numbers is {numbers!r}; it may be {' or '.join(NUMBERS)}")
    raw = numbers == "raw"
    words = [str(segment["flags"]).replace(",", ",") or "no flags"]
    words.append(f"seq={_number(segment, 'seq', raw)}")
    if "ACK" in str(segment["flags"]).split(","):
        words.append(f"ack={_acknowledged(segment, raw, covers)}")
    if int(segment["length"]):
        words.append(f"len={int(segment['length'])}")
    # The window of a reset says nothing, and no tool scales it.
    if "RST" not in str(segment["flags"]).split(","):
        words.append(_window(segment))
    words += [
        f"{name}={int(segment[key])}"
        for name, key in (("mss", "mss"), ("wscale", "window_scale"))
        if _has(segment, key)
    ]
    if not _missing(segment.get("sack")) and str(segment["sack"]):
        blocks = str(segment["sack"]).split(",")
        words.append(f"sack={','.join(blocks[:2])}" + ("\N{HORIZONTAL ELLIPSIS}" if len(blocks) > 2 else ""))
    return "  ".join(words)


def mark_words(label: str, cause: str) -> str:
    """What was odd about a segment: ``retransmission (fast)``; empty for an ordinary one."""
    if not label:
        return _CAUSES.get(cause, _plain(cause)) if cause.startswith("lost") or cause == "no_effect" else ""
    why = _CAUSES.get(cause, _plain(cause))
    name = _LABELS.get(label, _plain(label))
    return f"{name} ({why})" if why else name


def count_words(count: int, one: str, many: str | None = None) -> str:
    """``1 segment``, ``1,204 segments``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def octets(count: float) -> str:
    """A number of octets: ``512 octets``, ``1.45 MB`` from ten thousand on (powers of 1000)."""
    if count < 10_000:
        return count_words(round(count), "octet")
    for unit, size in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if count < 1000 * size or unit == "GB":
            return f"{count / size:.3g} {unit}" if count < 1000 * size else f"{count / size:,.0f} {unit}"
    raise AssertionError("not reached")


def _window(segment: Mapping[str, Any]) -> str:
    """A window of unknown scale is given as it stands, with a word that says so."""
    if _has(segment, "window"):
        return f"win={int(segment['window'])}"
    return f"win={int(segment['window_raw'])} (unscaled)"


def _acknowledged(segment: Mapping[str, Any], raw: bool, covers: bool) -> str:
    number = _number(segment, "ack", raw)
    return f"{(int(number) - 1) & 0xFFFFFFFF if raw else int(number) - 1}+1" if covers and number != "?" else number


def _number(segment: Mapping[str, Any], name: str, raw: bool) -> str:
    # A number before the first of its side (a reset that answers a SYN has seq 0) is given as it stands.
    key = f"{name}_raw" if raw or (_has(segment, name) and segment[name] < 0) else name
    if _has(segment, key):
        return str(int(segment[key]))
    return str(int(segment[f"{name}_raw"])) if _has(segment, f"{name}_raw") else "?"


def _has(segment: Mapping[str, Any], key: str) -> bool:
    return not _missing(segment.get(key))


def _missing(value: Any) -> bool:
    return value is None or bool(pd.isna(value))


def _plain(word: str) -> str:
    return word.replace("_", " ")
