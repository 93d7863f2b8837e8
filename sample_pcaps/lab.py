"""A lab for one experiment: two hosts, the path between them, the capture points, and the kernels' own record.

    with Lab(Path("out"), "my_name", points={"middle": "my_name.pcap"}) as lab:
        listener = lab.server.listen(5001)
        ...

leaves out/my_name.pcap and out/my_name.truth.csv.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import wire
from hosts import LINK, Host, Sysctls
from kernel_truth import TablePoll, Trace, state_changes, write_truth

DELAYS: wire.Delays = {"client": (0.003, 0.007), "server": (0.007, 0.003)}


class Lab:
    """The hosts `client` and `server` and the `path` between them, ready for sockets; stopped on leaving the block."""

    def __init__(self, folder: Path, name: str, points: dict[str, str], *, delays: wire.Delays = DELAYS,
                 rules: list[wire.Rule] | None = None, client: Sysctls | None = None, server: Sysctls | None = None,
                 seed: int = 1, events: tuple[str, ...] = ()) -> None:
        """`points`: {"middle" | "client" | "server": name of the capture made there}; `events`: more tracepoints."""
        self.folder, self.name = folder, name
        self.events: list[tuple[int, str, str]] = []
        with contextlib.ExitStack() as undo:
            self.client, self.server = Host(1, "C", client), Host(2, "S", server)
            undo.callback(self.client.remove)
            undo.callback(self.server.remove)
            self._trace = Trace(("sock/inet_sock_set_state", *events))
            undo.callback(self._write_truth)
            self._poll = TablePoll((self.client, self.server))
            for point, file in points.items():
                if point != "middle":
                    undo.enter_context(sniff(getattr(self, point), folder / file))
            middle = str(folder / points["middle"]) if "middle" in points else None
            self.path = wire.Path({"client": self.client.tap, "server": self.server.tap}, delays, middle, rules, seed)
            undo.callback(self.path.stop)
            self._undo = undo.pop_all()

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def connect(self, port: int, listener: socket.socket, *, client_port: int = 0, family: int = socket.AF_INET,
                **options: int) -> tuple[socket.socket, socket.socket]:
        """Open a connection; (the client's socket, the server's)."""
        ours = self.client.new_socket(family, client_port, **options)
        ours.connect((self.server.address[socket.AddressFamily(family)], port))
        return ours, listener.accept()[0]

    def _write_truth(self) -> None:
        rows = self._poll.stop()
        self.events = self._trace.stop()
        rows += state_changes(self.events, (self.client, self.server))
        write_truth(self.folder / f"{self.name}.truth.csv", rows)


@contextlib.contextmanager
def sniff(host: Host, file: Path) -> Iterator[None]:
    """tcpdump on the host's own link while the block runs."""
    command = ["ip", "netns", "exec", host.namespace, "tcpdump", "-i", LINK, "-s", str(wire.SNAPLEN), "-w", str(file),
               "-U", "--immediate-mode", "--time-stamp-precision=nano", "-Z", "root", "-n", "tcp"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    while "listening" not in process.stderr.readline():
        if process.poll() is not None:
            process.communicate()
            raise RuntimeError("tcpdump did not start")
    try:
        yield
    finally:
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.communicate()
