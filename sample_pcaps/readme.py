"""Writes README.md from the samples, their captures and their truth. Needs dpkt, but neither root nor Linux."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dpkt
from samples import SAMPLES, Sample
from true_states import Life, read_lives

FIN, SYN, RST, ACK = 1, 2, 4, 16
KINDS = ("SYN", "SYN,ACK", "FIN", "RST", "data", "zero window", "window probe", "repeated data", "late data")
SIDE_BY_SIDE = ("shutdown_rd", "shutdown_wr", "shutdown_rdwr", "close_with_data_coming")
SERVER = b"\x0a\x4d\x00\x02"
POINTS = {"middle": "on the path", "client": "at the client", "server": "at the server"}


@dataclass(frozen=True)
class Segment:
    """What is counted of a segment."""

    side: str
    flow: tuple[int, int]
    seq: int
    length: int     # octets of payload, from the IP header: the capture may be cut
    flags: int
    window: int


def read_segments(capture: Path) -> list[Segment]:
    """All TCP segments of a sample (Ethernet, IPv4)."""
    found = []
    with capture.open("rb") as file:
        for _, frame in dpkt.pcap.Reader(file):
            ip: Any = dpkt.ethernet.Ethernet(frame).data
            tcp = ip.data
            side = "server" if ip.src == SERVER else "client"
            ports = (tcp.dport, tcp.sport) if side == "server" else (tcp.sport, tcp.dport)
            found.append(Segment(side, ports, tcp.seq, ip.len - ip.hl * 4 - tcp.off * 4, tcp.flags, tcp.win))
    return found


def count_kinds(segments: list[Segment]) -> Counter[str]:
    """{"client SYN": 1, ...}: a segment may be of several kinds."""
    count: Counter[str] = Counter()
    sent: dict[tuple[str, tuple[int, int]], int] = {}       # the highest sequence number sent so far, plus one
    seen: set[Segment] = set()
    shut: set[tuple[str, tuple[int, int]]] = set()          # who has told the peer: window 0
    for one in segments:
        me = one.side, one.flow
        peer = "client" if one.side == "server" else "server", one.flow
        end = one.seq + one.length + bool(one.flags & FIN) + bool(one.flags & SYN)
        kinds = {
            "SYN": one.flags & (SYN | ACK) == SYN,
            "SYN,ACK": one.flags & (SYN | ACK) == SYN | ACK,
            "FIN": bool(one.flags & FIN),
            "RST": bool(one.flags & RST),
            "data": one.length > 0,
            "zero window": one.window == 0 and not one.flags & RST,
            "window probe": peer in shut and one.length == 0 and one.seq == sent.get(me, 0) - 1,
            "repeated data": one.length > 0 and one in seen,
            "late data": one.length > 0 and one not in seen and one.seq < sent.get(me, 0),
        }
        count.update(f"{one.side} {kind}" for kind, is_it in kinds.items() if is_it)
        sent[me] = end if one.flags & SYN else max(sent.get(me, 0), end)
        seen.add(one)
        if one.window == 0:
            shut.add(me)
        else:
            shut.discard(me)
    return count


def check_counts(sample: Sample, folder: Path) -> dict[str, tuple[int, int]]:
    """{kind: (promised, found)} where the capture does not hold what the sample promises."""
    found = count_kinds(read_segments(folder / f"{sample.name}.pcap"))
    return {kind: (n, found[kind]) for kind, n in sample.counts.items() if found[kind] != n}


def arrows(lives: list[Life]) -> str:
    """The states of a side, one line per incarnation."""
    return "<br>".join(" → ".join(state for _, state in life) for life in lives) or "no socket"


def connections(sample: Sample, folder: Path) -> list[tuple[str, str]]:
    """[(client's states, server's states)] of each pair of addresses and ports, as the kernels recorded them."""
    lives = read_lives(folder / f"{sample.name}.truth.csv")
    pairs = sorted({(a, b) if host == "C" else (b, a) for host, a, b in lives}, key=lambda p: min(
        life[0][0] for key in (("C", *p), ("S", *p[::-1])) for life in lives.get(key, [])))
    return [(arrows(lives.get(("C", a, b), [])), arrows(lives.get(("S", b, a), []))) for a, b in pairs]


def sample_rows(folder: Path) -> list[str]:
    rows = []
    for one in SAMPLES:
        counts = ", ".join(f"{kind}: {n}" for kind, n in one.counts.items())
        rows.append(f"| [{one.name}]({one.name}.pcap) | {POINTS[one.point]} | {one.story} | {counts} |")
    return rows


def state_rows(folder: Path, names: tuple[str, ...] | None = None) -> list[str]:
    rows = []
    for one in SAMPLES:
        if names is None or one.name in names:
            rows += [f"| {one.name} | {client} | {server} |" for client, server in connections(one, folder)]
    return rows


def render(folder: Path) -> str:
    """The text of README.md."""
    text = (folder / "README.in.md").read_text(encoding="utf-8")
    for mark, rows in (("SAMPLES", sample_rows(folder)), ("SIDE_BY_SIDE", state_rows(folder, SIDE_BY_SIDE)),
                       ("STATES", state_rows(folder))):
        text = text.replace(f"<!-- {mark} -->", "\n".join(rows))
    return text


def write_readme(folder: Path) -> None:
    (folder / "README.md").write_text(render(folder), encoding="utf-8")
