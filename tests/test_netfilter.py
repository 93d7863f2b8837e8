"""Packets that Linux netfilter logged or queued."""

from __future__ import annotations

import struct

import pytest
from packets import decode, finds_tcp, ip, ip6

NFLOG, NETLINK = 239, 253
PAYLOAD, QUEUE_PAYLOAD, PREFIX, MARK = 9, 10, 10, 3


def attribute(kind, value, order="<"):
    return struct.pack(order + "HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def nflog(*attributes):
    return b"\2\0\0\1" + b"".join(attributes)


def netlink(subsystem, *attributes, order="<"):
    body = b"\2\0\0\0" + b"".join(attributes)
    message = struct.pack(order + "IHHII", 16 + len(body), subsystem * 256, 0, 0, 0) + body
    return bytes.fromhex("00040338") + bytes(10) + b"\0\x0c" + message


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_payload_is_found_among_the_attributes(order):
    prefix = attribute(PREFIX, b"dropped\0", order)
    mark = attribute(MARK, b"\0\0\1", order)
    assert finds_tcp(nflog(prefix, mark, attribute(PAYLOAD, ip(), order)), NFLOG)
    assert finds_tcp(nflog(mark, attribute(PAYLOAD, ip6(), order), prefix), NFLOG)


@pytest.mark.parametrize(
    "octets",
    [
        nflog(attribute(PREFIX, b"dropped\0")),
        nflog(b"\0\0\x0a\0", attribute(PAYLOAD, ip())),
        nflog(b"\3\0\x0a\0", attribute(PAYLOAD, ip())),
        nflog(),
    ],
    ids=["no payload", "length 0", "length 3", "nothing"],
)
def test_no_payload(octets):
    assert len(decode(octets, link=NFLOG)) == 0


@pytest.mark.parametrize("order", ["<", ">"])
def test_netlink_messages_of_the_log_and_of_the_queue(order):
    assert finds_tcp(netlink(4, attribute(PAYLOAD, ip(), order), order=order), NETLINK)
    assert finds_tcp(netlink(3, attribute(QUEUE_PAYLOAD, ip(), order), order=order), NETLINK)


def test_another_netlink_message():
    assert len(decode(netlink(1, attribute(PAYLOAD, ip())), link=NETLINK)) == 0
