"""Two Linux hosts on one machine: network namespaces, each with one TAP device as its only link.

What leaves a host is read from its TAP device by `wire.py`, which carries it to the other one. A socket belongs to the
namespace in which it was made, so one plain Python script can hold the sockets of both hosts and tell both stories.

Needs root and iproute2.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
LINK = "eth0"
Sysctls = dict[str, str | int]
"""What to write to which file under /proc/sys/net."""
_libc = ctypes.CDLL(None, use_errno=True)


def run(*command: str) -> None:
    """Run a command; its own words on failure."""
    subprocess.run(command, check=True, capture_output=True, text=True)


def open_tap(name: str) -> int:
    """A TAP device in the namespace of this thread; whoever reads the descriptor gets what the host sends."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return descriptor


class Host:
    """One host: `number` is 1 or 2, the last part of its addresses; its peer has the other one."""

    def __init__(self, number: int, letter: str, sysctls: Sysctls | None = None) -> None:
        self.letter = letter
        self._sockets: list[socket.socket] = []
        self.address = {socket.AF_INET: f"10.77.0.{number}", socket.AF_INET6: f"fd77::{number}"}
        self.namespace = f"lab-{letter.lower()}-{os.getpid()}"
        self.mac, peer_mac = f"02:00:00:00:00:0{number}", f"02:00:00:00:00:0{3 - number}"
        run("ip", "netns", "add", self.namespace)
        with self.inside():
            # No router solicitation, no duplicate address detection: nothing but TCP is to be on the wire.
            for key, value in {"ipv6/conf/all/accept_dad": 0, "ipv6/conf/default/accept_dad": 0,
                               "ipv6/conf/default/router_solicitations": 0, **(sysctls or {})}.items():
                self.sysctl(key, value)
            self.tap = open_tap(LINK)
        address4, address6 = f"{self.address[socket.AF_INET]}/24", f"{self.address[socket.AF_INET6]}/64"
        self.ip("link", "set", LINK, "address", self.mac, "up")
        self.ip("link", "set", "lo", "up")
        self.ip("address", "add", address4, "dev", LINK)
        self.ip("-6", "address", "add", address6, "dev", LINK, "nodad")
        for peer in (f"10.77.0.{3 - number}", f"fd77::{3 - number}"):
            self.ip("neighbour", "add", peer, "lladdr", peer_mac, "dev", LINK, "nud", "permanent")

    def ip(self, *arguments: str) -> None:
        run("ip", "-n", self.namespace, *arguments)

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """This thread is in the host's namespace while the block runs."""
        with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{self.namespace}") as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())

    def sysctl(self, key: str, value: str | int) -> None:
        """Set /proc/sys/net/`key` of this host."""
        with self.inside():
            Path("/proc/sys/net", key).write_text(f"{value}\n")

    def new_socket(self, family: int = socket.AF_INET, port: int | None = None, **options: int) -> socket.socket:
        """A TCP socket of this host, bound if a `port` is given (0: any). `options`: names as in `set_option`."""
        with self.inside():
            made = socket.socket(family, socket.SOCK_STREAM)
        self._sockets.append(made)
        made.settimeout(20)
        for name, value in options.items():
            set_option(made, name, value)
        if port is not None:
            made.bind((self.address[socket.AddressFamily(family)], port))
        return made

    def listen(self, port: int, backlog: int = 8, family: int = socket.AF_INET, **options: int) -> socket.socket:
        """A listening socket on the host's own address."""
        listener = self.new_socket(family, port, **options)
        listener.listen(backlog)
        return listener

    def remove(self) -> None:
        """Close what is left open, and take the namespace away."""
        for made in self._sockets:
            made.close()
        os.close(self.tap)
        run("ip", "netns", "delete", self.namespace)


def set_option(made: socket.socket, name: str, value: int) -> None:
    """Set the socket option TCP_NAME, else SO_NAME."""
    if hasattr(socket, f"TCP_{name}"):
        made.setsockopt(socket.IPPROTO_TCP, getattr(socket, f"TCP_{name}"), value)
    else:
        made.setsockopt(socket.SOL_SOCKET, getattr(socket, f"SO_{name}"), value)


def _enter(namespace: int) -> None:
    # os.setns came with Python 3.12
    if _libc.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
