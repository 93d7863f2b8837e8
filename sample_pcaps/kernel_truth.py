"""What the two kernels say happened: every change of a TCP socket's state, as rows of a CSV file.

Two witnesses (column `source`):

* `trace`: the tracepoint sock/inet_sock_set_state, exact to the microsecond. It does not know request sockets (a
  listener's half-open connections: the row LISTEN -> SYN_RECV comes when the handshake ends) nor the small sockets that
  stand for a connection in TIME_WAIT (and in FIN_WAIT_2 after close()): there the full socket goes to CLOSE.
* `ss`: the socket table, asked every few milliseconds (as ss does, through sock_diag), in the words of ss. Late by up
  to some tens of milliseconds, but it sees those two kinds.

Needs root and tracefs (mount -t tracefs nodev /sys/kernel/tracing).
"""

from __future__ import annotations

import multiprocessing
import os
import re
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from hosts import Host

TRACING = Path("/sys/kernel/tracing")
COLUMNS = "time_ns,host,local,remote,from,to,source"
SS_NAMES = {1: "ESTAB", 2: "SYN-SENT", 3: "SYN-RECV", 4: "FIN-WAIT-1", 5: "FIN-WAIT-2", 6: "TIME-WAIT", 8: "CLOSE-WAIT",
            9: "LAST-ACK", 11: "CLOSING", 12: "SYN-RECV"}
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST_DUMP, NLMSG_DONE = 4, 20, 0x301, 3
POLL_SECONDS = 0.008
LINE = re.compile(r"\s([\d.]+): (\w+): (.*)")

Row = tuple[int, str, str, str, str, str, str]


class Trace:
    """An own instance of the kernel's trace buffer, with some events switched on."""

    def __init__(self, events: Iterable[str] = ("sock/inet_sock_set_state",)) -> None:
        self._folder = TRACING / "instances" / f"lab-{os.getpid()}"
        self._folder.mkdir()
        (self._folder / "trace_clock").write_text("mono")
        (self._folder / "buffer_size_kb").write_text("4096")
        for event in events:
            (self._folder / "events" / event / "enable").write_text("1")

    def stop(self) -> list[tuple[int, str, str]]:
        """[(time in ns since the epoch, event, its text)] in the order of time; the instance is removed."""
        offset = (time.time_ns() - time.monotonic_ns()) // 1000
        (self._folder / "tracing_on").write_text("0")
        found = [LINE.search(x) for x in (self._folder / "trace").read_text().splitlines() if not x.startswith("#")]
        for enable in self._folder.glob("events/*/*/enable"):
            if enable.read_text().startswith("1"):
                enable.write_text("0")
        self._folder.rmdir()
        rows = [((int(m[1].replace('.', '')) + offset) * 1000, m[2], m[3]) for m in found if m]
        return sorted(rows)


def state_changes(events: Iterable[tuple[int, str, str]], hosts: Iterable[Host]) -> Iterator[Row]:
    """The rows of the tracepoint that are about sockets of these hosts."""
    letter = {address: host.letter for host in hosts for address in host.address.values()}
    for when, event, text in events:
        if event != "inet_sock_set_state":
            continue
        word = dict(x.split("=", 1) for x in text.split() if "=" in x)
        v6 = word["family"] == "AF_INET6"
        local, remote = (word["saddrv6"], word["daddrv6"]) if v6 else (word["saddr"], word["daddr"])
        if local in letter:
            yield (when, letter[local], f"{local}:{word['sport']}", f"{remote}:{word['dport']}",
                   word["oldstate"].removeprefix("TCP_"), word["newstate"].removeprefix("TCP_"), "trace")


class TablePoll:
    """A process that asks for the socket tables of the hosts again and again and notes what changed."""

    def __init__(self, hosts: Iterable[Host]) -> None:
        self._netlink = {}
        for host in hosts:
            with host.inside():
                self._netlink[host.letter] = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)
        self._control, far = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("fork").Process(target=self._run, args=(far,), daemon=True)
        self._process.start()

    def stop(self) -> list[Row]:
        self._control.send("stop")
        rows: list[Row] = self._control.recv()
        self._process.join()
        for netlink in self._netlink.values():
            netlink.close()
        return rows

    def _run(self, control: Connection) -> None:
        rows: list[Row] = []
        known: dict[str, dict[tuple[str, str], str]] = {letter: {} for letter in self._netlink}
        while not control.poll(POLL_SECONDS):
            for letter, netlink in self._netlink.items():
                before, now = known[letter], read_table(netlink)
                when = time.time_ns()
                for key in sorted(before.keys() | now.keys()):
                    was, is_ = before.get(key, "CLOSED"), now.get(key, "CLOSED")
                    if was != is_:
                        rows.append((when, letter, *key, was, is_, "ss"))
                known[letter] = now
        control.send(rows)


def read_table(netlink: socket.socket) -> dict[tuple[str, str], str]:
    """{(local, remote): state as ss names it} of all TCP sockets but listeners and unconnected ones."""
    table: dict[tuple[str, str], str] = {}
    for family in (socket.AF_INET, socket.AF_INET6):
        wanted = sum(1 << state for state in SS_NAMES)
        request = struct.pack("=IHHIIBBBxI48x", 72, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST_DUMP, 1, 0, family, 6, 0, wanted)
        netlink.send(request)
        done = False
        while not done:
            answer = netlink.recv(1 << 18)
            while len(answer) >= 16 and not done:
                length, kind = struct.unpack_from("=IH", answer)
                done = kind == NLMSG_DONE
                if kind == SOCK_DIAG_BY_FAMILY:
                    table.update([_table_row(answer[16:length])])
                answer = answer[(length + 3) & ~3:]
    return table


def _table_row(body: bytes) -> tuple[tuple[str, str], str]:
    family, state = body[0], body[1]
    size = 4 if family == socket.AF_INET else 16
    local_port, remote_port = struct.unpack_from(">HH", body, 4)
    local, remote = (socket.inet_ntop(family, body[at:at + size]) for at in (8, 24))
    return (f"{local}:{local_port}", f"{remote}:{remote_port}"), SS_NAMES[state]


def write_truth(path: Path, rows: Iterable[Row]) -> None:
    """NAME.truth.csv, in the order of time."""
    lines = [COLUMNS, *(",".join(map(str, row)) for row in sorted(rows, key=lambda row: row[0]))]
    path.write_text("\n".join(lines) + "\n")
