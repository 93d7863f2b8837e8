"""Two simulated endpoints, the path between them, and a capture point anywhere on it.

``run(scenario)`` plays a scenario to its end and gives what the tap saw, as rows of ``schema.Segment``, and what each
side truly did and when. ``story(run)`` tells it in words; ``write_pcap`` makes a capture for other eyes.
"""

from __future__ import annotations

import heapq
import struct
import types
from dataclasses import dataclass, field

from simulator import ACK, FIN, PSH, RST, SECOND, SYN, SYNCHRONIZED, Endpoint, Habits

from pcapstate.kernels import INTERPRETED
from pcapstate.schema import Segment

START = 1_767_323_045 * SECOND
PORTS = (40_000, 80)
ADDRESSES = (0x0A000001, 0x0A000002)
SIDES = ("client", "server")
MOST_PACKETS = 400


@dataclass(frozen=True)
class Fate:
    """What the path does to one transmission. Times in nanoseconds, beyond the path's own delay.

    ``lost`` and ``copied``: "", "before" or "after" the tap; ``missed``: it passes, but the capture has not got it.
    """

    lost: str = ""
    late_before: int = 0
    late_after: int = 0
    copied: str = ""
    copy_late: int = 0
    missed: bool = False


@dataclass(frozen=True)
class Scenario:
    """All that decides a run.

    ``scripts``: for each side, (wait in ns, what to call, how many octets); ``when_open`` waits for the handshake.
    """

    habits: tuple[Habits, Habits] = (Habits(), Habits(iss=9000))
    scripts: tuple = ((), ())
    delays: tuple[int, int] = (0, 0)
    fates: dict = field(default_factory=dict)
    starts: int = 0
    stops: int = 10_000 * SECOND
    sees: tuple[bool, bool] = (True, True)
    lasts: int = 300 * SECOND

    @property
    def complete(self):
        """Whether the capture holds all that passes the tap."""
        whole = (self.starts, self.stops, self.sees) == (0, Scenario.stops, Scenario.sees)
        return whole and not any(fate.missed for fate in self.fates.values())


class World:
    """The clock, what is due, and the path."""

    def __init__(self, scenario):
        self.scenario = scenario
        self.now = 0
        self.due = []
        self.count = 0
        self.sent = [0, 0]
        self.waiting = [None, None]
        self.seen = []
        self.log = []
        self.ends = tuple(Endpoint(side, scenario.habits[side], self) for side in (0, 1))

    def after(self, delay, action):
        self.count += 1
        heapq.heappush(self.due, (self.now + delay, self.count, action))

    def play(self):
        for side in (0, 1):
            self.act(side, 0)
        while self.due and self.due[0][0] <= self.scenario.lasts and sum(self.sent) < MOST_PACKETS:
            self.now, _, action = heapq.heappop(self.due)
            action()

    def act(self, side, step):
        script = self.scenario.scripts[side]
        if step < len(script):
            wait, call, octets = script[step]

            def now():
                if call != "when_open":
                    getattr(self.ends[side], call)(octets)
                elif self.ends[side].state not in SYNCHRONIZED:
                    self.waiting[side] = now
                    return
                self.act(side, step + 1)

            self.after(wait, now)

    def moved(self, side):
        """An endpoint has changed its state: its application may have waited for that."""
        if self.ends[side].state in SYNCHRONIZED and self.waiting[side]:
            self.after(0, self.waiting[side])
            self.waiting[side] = None

    def transmit(self, packet):
        """From an endpoint: to the tap, and past it, as the fate of this transmission has it."""
        side = packet.side
        fate = self.scenario.fates.get((side, self.sent[side]), Fate())
        self.sent[side] += 1
        self.log.append((self.now, "sends", packet, fate))
        if fate.lost == "before":
            return
        delay = self.scenario.delays[side] + fate.late_before
        self.after(delay, lambda: self.tap(packet, fate))
        if fate.copied == "before":
            self.after(delay + fate.copy_late, lambda: self.tap(packet, fate))

    def tap(self, packet, fate):
        s = self.scenario
        if s.starts <= self.now <= s.stops and s.sees[packet.side] and not fate.missed:
            self.seen.append((self.now, packet))
            self.log.append((self.now, "passes the tap", packet, len(self.seen)))
        if fate.lost == "after":
            return
        delay = s.delays[1 - packet.side] + fate.late_after
        self.after(delay, lambda: self.deliver(packet))
        if fate.copied == "after":
            self.after(delay + fate.copy_late, lambda: self.deliver(packet))

    def deliver(self, packet):
        self.log.append((self.now, "reaches", packet, None))
        self.ends[1 - packet.side].receive(packet)


@dataclass(frozen=True)
class Run:
    """What the tap saw, and the truth: for each side, (ns, state before, event, state after) in order."""

    scenario: Scenario
    seen: list
    truth: tuple[list, list]
    log: list


def run(scenario):
    world = World(scenario)
    world.play()
    return Run(scenario, world.seen, tuple(end.history for end in world.ends), world.log)


# --- what the replay gets ---------------------------------------------------------------------------------------


def segment_row(frame, time, packet):
    """The row that the parser would make of a packet."""
    row = Segment.object()
    row.frame = row.file_frame = frame
    row.time = START + time
    row.version = 4 if packet.ip_id >= 0 else 6
    row.src2 = row.dst2 = 0xFFFF
    row.src3, row.dst3 = ADDRESSES[packet.side], ADDRESSES[1 - packet.side]
    row.sport, row.dport = PORTS[packet.side], PORTS[1 - packet.side]
    row.captured = packet.length
    row.ttl = 64
    row.fast_open = -1
    for name in ("seq", "ack", "flags", "length", "window", "ip_id", "mss", "window_scale", "sack_permitted"):
        setattr(row, name, getattr(packet, name))
    row.tsval, row.tsecr = packet.tsval, packet.tsecr
    row.sacks = len(packet.sacks)
    for i, (left, right) in enumerate(packet.sacks):
        setattr(row, f"sack_left{i}", left)
        setattr(row, f"sack_right{i}", right)
    return row


def segment_rows(seen):
    return [segment_row(i + 1, time, packet) for i, (time, packet) in enumerate(seen)]


def chunk(rows, speed=INTERPRETED):
    """A chunk as the parser hands it to the replay."""
    table = rows
    if speed is not INTERPRETED:
        table = INTERPRETED.array(Segment, rows, len(rows))
    last = max((row.time for row in rows), default=0)
    return types.SimpleNamespace(speed=speed, segments=table, count=len(rows), last_time=last)


# --- for people -------------------------------------------------------------------------------------------------

FLAGS = ((SYN, "SYN"), (FIN, "FIN"), (RST, "RST"), (PSH, "PSH"), (ACK, "ACK"))


def describe(packet):
    flags = ",".join(name for bit, name in FLAGS if packet.flags & bit)
    ack = f" ack {packet.ack}" if packet.flags & ACK else ""
    stamps = f" TS {packet.tsval}/{packet.tsecr}" if packet.tsval >= 0 else ""
    sacks = f" SACK {packet.sacks}" if packet.sacks else ""
    return f"{SIDES[packet.side]} {flags} seq {packet.seq}{ack} len {packet.length} win {packet.window}{stamps}{sacks}"


def story(played):
    """Every transmission, every arrival, every change of state, line by line in order of time (ms)."""
    lines = []
    for i, (time, what, packet, more) in enumerate(played.log):
        note = "" if more is None or more == Fate() else f"   {more}" if isinstance(more, Fate) else f"   frame {more}"
        lines.append((time, i, f"{what:15} {describe(packet)}{note}"))
    for side in (0, 1):
        for time, before, event, after in played.truth[side]:
            lines.append((time, len(played.log), f"{'':15} {SIDES[side]}: {before} -> {after} ({event})"))
    return "\n".join(f"{time / 1e6:12.3f} {text}" for time, _, text in sorted(lines))


def write_pcap(path, seen):
    """The capture as a file (LINKTYPE_RAW, nanoseconds), without checksums."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 101))
        for time, packet in seen:
            octets = ip_packet(packet)
            seconds, rest = divmod(START + time, SECOND)
            file.write(struct.pack("<IIII", seconds, rest, len(octets), len(octets)) + octets)


def ip_packet(packet):
    options = b""
    if packet.mss >= 0:
        options += struct.pack(">BBH", 2, 4, packet.mss)
    if packet.window_scale >= 0:
        options += bytes((1, 3, 3, packet.window_scale))
    if packet.sack_permitted:
        options += bytes((1, 1, 4, 2))
    if packet.tsval >= 0:
        options += struct.pack(">BBBBII", 1, 1, 8, 10, packet.tsval, packet.tsecr)
    if packet.sacks:
        edges = b"".join(struct.pack(">II", *block) for block in packet.sacks)
        options += bytes((1, 1, 5, 2 + len(edges))) + edges
    offset = (20 + len(options)) // 4 << 12
    ports = PORTS[packet.side], PORTS[1 - packet.side]
    tcp = struct.pack(
        ">HHIIHHHH", *ports, packet.seq, packet.ack, offset | packet.flags, packet.window, 0, 0
    ) + options + bytes(packet.length)  # fmt: skip
    ends = ADDRESSES[packet.side], ADDRESSES[1 - packet.side]
    head = struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(tcp), max(0, packet.ip_id), 0, 64, 6, 0, *ends)
    return head + tcp
