"""The wire between the two hosts: it delays, loses, copies and holds back segments, and sees them in its middle.

The kernel of a small machine often has no netem, so the path is a process of its own that reads what one host's TAP
device sends and writes it to the other's. Between the two lies the capture point: a rule acts `before` it (the capture
never sees a segment lost there) or `after` it (the capture sees a segment that never arrives).
"""

from __future__ import annotations

import contextlib
import heapq
import multiprocessing
import os
import random
import select
import struct
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import BinaryIO

Delays = dict[str, tuple[float, float]]
"""Seconds {"client": (to the capture point, from there to the server), "server": (the same the other way)}."""

FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16}
FOR_EVER = 1 << 60
SNAPLEN = 160


@dataclass
class Rule:
    """What to do with some of the segments that `sender` ("client", "server" or "" for both) sends."""

    action: str              # drop | copy (once more `seconds` later) | hold (for `seconds`: others overtake)
    sender: str = ""
    where: str = "after"     # before | after the capture point
    flags: str = ""          # letters of FLAGS that must be set ...
    without: str = ""        # ... and that must not be
    data: bool | None = None  # must (not) carry payload
    skip: int = 0            # let so many that match pass first
    times: int = 1           # then act on so many
    every: int = 1           # or on every n-th of these
    chance: float = 1.0      # or with this probability
    seconds: float = 0.0

    def applies(self, frame: bytes, sender: str, dice: random.Random) -> bool:
        """Whether the rule acts on this frame; counts it if it matches."""
        if self.times <= 0 or self.sender not in ("", sender):
            return False
        flags, payload, _ = tcp_of(frame)
        if any(not flags & FLAGS[x] for x in self.flags) or any(flags & FLAGS[x] for x in self.without):
            return False
        if self.data not in (None, payload > 0):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if dice.random() >= self.chance:
            return False
        self.times, self.skip = self.times - 1, self.every - 1
        return True


def tcp_of(frame: bytes) -> tuple[int, int, int]:
    """Flags, octets of payload and place of the TCP header of an Ethernet frame; (0, 0, 0) if it is not TCP."""
    if frame[12:14] == b"\x08\x00" and frame[23] == 6:
        start = 14 + (frame[14] & 15) * 4
        end = 14 + int.from_bytes(frame[16:18], "big")
    elif frame[12:14] == b"\x86\xdd" and frame[20] == 6:
        start = 54
        end = 54 + int.from_bytes(frame[18:20], "big")
    else:
        return 0, 0, 0
    return frame[start + 13], end - start - (frame[start + 12] >> 4) * 4, start


class Path:
    """Carries frames between two TAP descriptors until `stop()`."""

    def __init__(self, taps: dict[str, int], delays: Delays, capture: str | None = None,
                 rules: list[Rule] | None = None, seed: int = 1) -> None:
        self._taps, self._delays, self._capture = taps, delays, capture
        self._rules, self._dice = list(rules or []), random.Random(seed)
        self._queue: list[tuple[float, int, str, str, bytes]] = []
        self._count = 0
        self._last = {"client": b"", "server": b""}
        self._control, far = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("fork").Process(target=self._run, args=(far,), daemon=True)
        self._process.start()

    # what the script says -----------------------------------------------------------------------------------------

    def _ask(self, *word: object) -> object:
        self._control.send(word)
        return self._control.recv()

    def rule(self, action: str, sender: str = "", **more: object) -> None:
        """Add a rule; it is in force when this returns. Arguments as in Rule."""
        self._ask("rule", Rule(action, sender, **more))  # type: ignore[arg-type]

    def forget_rules(self) -> None:
        self._ask("forget")

    def set_delays(self, delays: Delays) -> None:
        self._ask("delays", delays)

    def last(self, sender: str) -> bytes:
        """The last frame that this side sent, as read from its device."""
        return self._ask("last", sender)  # type: ignore[return-value]

    def inject(self, sender: str, frame: bytes) -> None:
        """Put a forged frame on the wire at the capture point, on its way from `sender` to the other side."""
        self._ask("inject", sender, frame)

    def stop(self) -> None:
        self._ask("stop")
        self._process.join()

    # what the process does ----------------------------------------------------------------------------------------

    def _run(self, control: Connection) -> None:
        with contextlib.nullcontext() if self._capture is None else open(self._capture, "wb") as out:
            if out:
                out.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, SNAPLEN, 1))   # pcap, nanoseconds, Ethernet
            self._carry(control, out)
        control.send(None)

    def _carry(self, control: Connection, out: BinaryIO | None) -> None:
        side_of = {descriptor: side for side, descriptor in self._taps.items()}
        running = True
        while running:
            wait = max(0.0, self._queue[0][0] - time.monotonic()) if self._queue else 1.0
            ready = select.select([control.fileno(), *side_of], [], [], wait)[0]
            for descriptor in ready:
                if descriptor in side_of:
                    self._read(descriptor, side_of[descriptor])
                else:
                    running = self._obey(control)
            while self._queue and self._queue[0][0] <= time.monotonic():
                due, _, place, sender, frame = heapq.heappop(self._queue)
                if place == "middle":
                    if out:
                        now = time.time_ns()
                        out.write(struct.pack("<IIII", now // 10**9, now % 10**9, min(len(frame), SNAPLEN), len(frame)))
                        out.write(frame[:SNAPLEN])
                    self._pass_on("after", due + self._delays[sender][1], "arrival", sender, frame)
                else:
                    os.write(self._taps["server" if sender == "client" else "client"], frame)

    def _obey(self, control: Connection) -> bool:
        word, *rest = control.recv()
        answer: object = None
        if word == "stop":
            return False
        if word == "rule":
            self._rules.append(rest[0])
        elif word == "forget":
            self._rules.clear()
        elif word == "delays":
            self._delays = rest[0]
        elif word == "last":
            answer = self._last[rest[0]]
        elif word == "inject":
            self._push(time.monotonic(), "middle", *rest)
        control.send(answer)
        return True

    def _read(self, descriptor: int, sender: str) -> None:
        for _ in range(64):
            try:
                frame = os.read(descriptor, 65536)
            except BlockingIOError:
                return
            if tcp_of(frame)[2]:
                self._last[sender] = frame
                self._pass_on("before", time.monotonic() + self._delays[sender][0], "middle", sender, frame)

    def _pass_on(self, where: str, due: float, place: str, sender: str, frame: bytes) -> None:
        """Send a frame on its way to the next place, unless a rule loses it. The first rule that applies is the one."""
        for rule in self._rules:
            if rule.where == where and rule.applies(frame, sender, self._dice):
                if rule.action == "drop":
                    return
                if rule.action == "copy":
                    self._push(due + rule.seconds, place, sender, frame)
                if rule.action == "hold":
                    due += rule.seconds
                break
        self._push(due, place, sender, frame)

    def _push(self, due: float, place: str, sender: str, frame: bytes) -> None:
        self._count += 1
        heapq.heappush(self._queue, (due, self._count, place, sender, frame))
