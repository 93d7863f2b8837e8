"""The samples: what is played for each capture, and what the README says about it.

Every function plays one exchange on a lab; the decorator says where it is captured, how many segments of each kind the
capture must hold (the README prints them, the tests count them), and tells the story.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from lab import Lab

PORT = 8080
TWO_MSL = 60.0  # Linux: TCP_TIMEWAIT_LEN


@dataclass(frozen=True)
class Sample:
    """One capture. `counts`: {"server FIN": 2} in the words of readme.KINDS."""

    name: str
    point: str                # middle | client | server
    counts: dict[str, int]
    play: Callable[[Lab], None]
    story: str


SAMPLES: list[Sample] = []


def sample(point: str = "middle", **counts: int) -> Callable[[Callable[[Lab], None]], None]:
    """Add the function to SAMPLES under its own name, its docstring being the story; `counts`: client_SYN_ACK=1."""

    def add(play: Callable[[Lab], None]) -> None:
        words = {key.replace("SYN_ACK", "SYN,ACK").replace("_", " "): n for key, n in counts.items()}
        SAMPLES.append(Sample(play.__name__, point, words, play, " ".join((play.__doc__ or "").split())))
    return add


def settle() -> None:
    """Longer than a round trip and a delayed ACK together."""
    time.sleep(0.15)


def read_to_the_end(reader: socket.socket) -> None:
    with contextlib.suppress(ConnectionError):
        while reader.recv(65536):
            pass


def close_in_turn(first: socket.socket, second: socket.socket) -> None:
    """`first` closes actively; `second` sees the end of the data, waits a moment and closes too."""
    first.close()
    read_to_the_end(second)
    settle()
    second.close()
    settle()


def talk(client: socket.socket, server: socket.socket) -> None:
    """A small request and its answer."""
    client.sendall(b"How are you?\n")
    server.recv(1000)
    server.sendall(b"Fine, thank you.\n")
    client.recv(1000)
    settle()


@sample(client_SYN=1, server_SYN_ACK=1, client_FIN=1, server_FIN=1, client_RST=0, server_RST=0)
def handshake_and_close(lab: Lab) -> None:
    """The textbook case: three-way handshake, a request and its answer, then each side closes its own direction with a
    FIN that the other acknowledges (four segments). The client closes first."""
    client, server = lab.connect(PORT, lab.server.listen(PORT))
    talk(client, server)
    close_in_turn(client, server)


@sample("client", client_SYN=1, server_SYN_ACK=0, server_RST=1)
def refused_port(lab: Lab) -> None:
    """Nobody listens on the port: the server's TCP answers the SYN with a reset, connect() fails with "Connection
    refused". The reset acknowledges the SYN, else the client would not believe it."""
    with contextlib.suppress(ConnectionRefusedError):
        lab.client.new_socket(port=0).connect((lab.server.address[socket.AF_INET], PORT))
    settle()


@sample(client_SYN=1, server_zero_window=4, client_window_probe=3, server_FIN=1)
def slow_reader_zero_window(lab: Lab) -> None:
    """The client sends as fast as it may, the server's program sleeps, its small receive buffer fills, and its TCP
    shrinks the window down to zero. The client asks with window probes (one octet below what is expected next) until
    the server reads again and reports an open window."""
    client, server = lab.connect(PORT, lab.server.listen(PORT, RCVBUF=8000))
    sender = threading.Thread(target=client.sendall, args=(bytes(60_000),))
    sender.start()
    time.sleep(2.2)
    left = 60_000
    while left:
        left -= len(server.recv(4000))
        time.sleep(0.01)
    sender.join()
    settle()
    close_in_turn(client, server)


@sample(client_FIN=1, server_FIN=1)
def active_close_time_wait(lab: Lab) -> None:
    """The client closes first (active close), so it is the client that waits in TIME_WAIT, for 2 MSL, which is 60
    seconds in Linux. Nothing on the wire shows its end; the kernel's record does."""
    client, server = lab.connect(PORT, lab.server.listen(PORT))
    talk(client, server)
    close_in_turn(client, server)
    time.sleep(TWO_MSL + 2)


@sample(client_FIN=1, server_FIN=1)
def passive_close_time_wait(lab: Lab) -> None:
    """The server closes first, as many servers do after an answer: now the server waits in TIME_WAIT, and the client,
    which closes passively, is CLOSED as soon as its FIN is acknowledged."""
    client, server = lab.connect(PORT, lab.server.listen(PORT))
    talk(client, server)
    close_in_turn(server, client)
    time.sleep(TWO_MSL + 2)


@sample(client_FIN=1, server_FIN=2, client_RST=0, server_RST=0)
def lost_last_ack(lab: Lab) -> None:
    """The last ACK is lost behind the capture point: it is in the capture, but never arrived. The server, still in
    LAST_ACK, sends its FIN again, and the client, in TIME_WAIT, acknowledges again. This is what TIME_WAIT is for."""
    client, server = lab.connect(PORT, lab.server.listen(PORT))
    talk(client, server)
    lab.path.rule("drop", "client", where="after", flags="A", without="FP")
    close_in_turn(client, server)
    time.sleep(0.5)


@sample(client_FIN=1, server_FIN=1, server_data=3, client_RST=0, server_RST=0)
def half_close(lab: Lab) -> None:
    """The client has asked and says with shutdown(SHUT_WR) that it has no more to say; the server answers in three
    pieces and then closes. Between the two FINs the client is in FIN_WAIT_2 and receives, the server in CLOSE_WAIT and
    sends."""
    client, server = lab.connect(PORT, lab.server.listen(PORT))
    client.sendall(b"Three lines, please.\n")
    client.shutdown(socket.SHUT_WR)
    read_to_the_end(server)
    for line in (b"one\n", b"two\n", b"three\n"):
        server.sendall(line)
        settle()
    server.close()
    read_to_the_end(client)
    client.close()
    settle()


def end_while_data_comes(lab: Lab, end: Callable[[socket.socket], None]) -> None:
    """The server sends a line every 0.15 s; after the second one the client calls `end`. The same for four samples."""
    client, server = lab.connect(PORT, lab.server.listen(PORT))
    for number in range(1, 6):
        with contextlib.suppress(ConnectionError):
            server.sendall(b"line %d\n" % number)
        if number <= 2:
            client.recv(1000)
        settle()
        if number == 2:
            end(client)
            settle()
    server.close()
    settle()
    client.close()
    settle()


@sample(server_data=5, client_FIN=0, server_FIN=1, client_RST=1)
def shutdown_rd(lab: Lab) -> None:
    """The client says shutdown(SHUT_RD): nothing goes out, its TCP keeps acknowledging, the server never learns. When
    the client at last closes, lines that it never read are still in its buffer, so its TCP sends a reset."""
    end_while_data_comes(lab, lambda client: client.shutdown(socket.SHUT_RD))


@sample(server_data=5, client_FIN=1, server_FIN=1, client_RST=0)
def shutdown_wr(lab: Lab) -> None:
    """The client says shutdown(SHUT_WR): a FIN, that is all. It still receives and acknowledges every line: a
    half-close."""
    end_while_data_comes(lab, lambda client: client.shutdown(socket.SHUT_WR))


@sample(server_data=3, client_FIN=1, server_FIN=0, client_RST=1)
def shutdown_rdwr(lab: Lab) -> None:
    """The client says shutdown(SHUT_RDWR): a FIN too, the same on the wire as SHUT_WR, until the next line comes:
    nobody may ever read it, so the client's TCP answers with a reset."""
    end_while_data_comes(lab, lambda client: client.shutdown(socket.SHUT_RDWR))


@sample(server_data=3, client_FIN=1, server_FIN=0, client_RST=1)
def close_with_data_coming(lab: Lab) -> None:
    """The client says close(): a FIN, and a reset when the next line comes. On the wire it is the same as SHUT_RDWR."""
    end_while_data_comes(lab, socket.socket.close)


@sample(client_RST=1, client_FIN=0, server_FIN=0)
def reset_by_abort(lab: Lab) -> None:
    """The client aborts (close() with SO_LINGER and a time of 0): one reset, no FIN, no TIME_WAIT on either side."""
    client, server = lab.connect(PORT, lab.server.listen(PORT))
    talk(client, server)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    settle()
    server.close()


@sample(client_SYN=2, server_SYN_ACK=2, server_FIN=2, client_FIN=2, server_RST=0)
def port_reuse_in_time_wait(lab: Lab) -> None:
    """Two connections with the same addresses and ports. The server closed the first one and is in TIME_WAIT when the
    same client port calls again; the SYN is newer (timestamp, sequence number), so TIME_WAIT ends early (RFC 6191)."""
    listener = lab.server.listen(PORT)
    for _ in range(2):
        client, server = lab.connect(PORT, listener, client_port=40000)
        talk(client, server)
        close_in_turn(server, client)


@sample(client_SYN=3, server_SYN_ACK=2, server_RST=1)
def listener_restart_reuseaddr(lab: Lab) -> None:
    """A server is stopped and started again while one of its connections is in TIME_WAIT. A start without SO_REUSEADDR
    fails in bind() ("Address already in use"): nobody listens, and the next client is refused. A start with
    SO_REUSEADDR succeeds (Linux wants the first server to have set it too), and the third client is served, although
    the old connection is still in TIME_WAIT."""
    listener = lab.server.listen(PORT, REUSEADDR=1)
    client, server = lab.connect(PORT, listener)
    talk(client, server)
    listener.close()
    close_in_turn(server, client)
    with contextlib.suppress(OSError):
        lab.server.listen(PORT)
    with contextlib.suppress(ConnectionRefusedError):
        lab.client.new_socket(port=0).connect((lab.server.address[socket.AF_INET], PORT))
    settle()
    client, server = lab.connect(PORT, lab.server.listen(PORT, REUSEADDR=1))
    talk(client, server)
    close_in_turn(client, server)


@sample(client_SYN=1, server_SYN=1, client_SYN_ACK=1, server_SYN_ACK=1)
def simultaneous_open(lab: Lab) -> None:
    """Both sides call connect() with each other's port, and the SYNs cross on the way. Nobody listens. Each answers the
    other's SYN with a SYN,ACK, and one connection comes of it, not two."""
    client, server = lab.client.new_socket(port=PORT + 1), lab.server.new_socket(port=PORT)
    for side, host, port in ((client, lab.server, PORT), (server, lab.client, PORT + 1)):
        side.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            side.connect((host.address[socket.AF_INET], port))
    settle()
    for side in (client, server):
        side.settimeout(10)
    talk(client, server)
    close_in_turn(client, server)


@sample(client_FIN=1, server_FIN=1)
def simultaneous_close(lab: Lab) -> None:
    """Both sides close at the same moment, the FINs cross on the way: both go through CLOSING, and both end in
    TIME_WAIT."""
    client, server = lab.connect(PORT, lab.server.listen(PORT))
    talk(client, server)
    client.close()
    server.close()
    settle()


@sample(client_repeated_data=1, client_late_data=1, client_FIN=1)
def lost_data(lab: Lab) -> None:
    """The client sends 120,000 octets. One segment is lost behind the capture point, so it is seen twice; another
    before it, so it is seen only once, late. The server's SACK blocks say what is missing, and the client sends it
    again at once."""
    client, server = lab.connect(PORT, lab.server.listen(PORT))
    lab.path.rule("drop", "client", where="after", data=True, skip=14)
    lab.path.rule("drop", "client", where="before", data=True, skip=44)
    sender = threading.Thread(target=client.sendall, args=(bytes(120_000),))
    sender.start()
    left = 120_000
    while left:
        left -= len(server.recv(65536))
    sender.join()
    settle()
    close_in_turn(client, server)
