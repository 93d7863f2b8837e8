"""``--filter``: addresses, ports, states, how it was opened and ended, findings; and, or, not."""

from __future__ import annotations

import click
import numpy as np
import pytest
from making import columns_from, flow_row

from pcapstate.cli.filters import matching
from pcapstate.findings import Finding

FLOWS = columns_from(
    "flows",
    [
        flow_row(
            0, client_address="10.0.0.1", client_port=5000, server_address="10.0.0.2", server_port=80,
            client_state="FIN_WAIT_2", server_state="CLOSE_WAIT", close_reason="half_closed",
        ),
        flow_row(1, client_address="10.0.0.3", client_port=5001, server_address="10.0.0.2", server_port=443,
                 client_state="CLOSE_WAIT", opened="fast_open", closed_by="server"),
        flow_row(2, client_address="2001:db8::1", client_port=443, server_address="2001:db8::2", server_port=8080,
                 opened="refused", close_reason="refused", closed_by=None),
        flow_row(3, client_address="192.0.2.7", client_port=6000, server_address="10.0.0.1", server_port=443,
                 client_state=None),
    ],
)  # fmt: skip
FOUND = [
    Finding("close_wait", "The client.", np.array([1])),
    Finding("close_wait", "The server.", np.array([0])),
    Finding("refused", "Refused.", np.array([2])),
]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("host 10.0.0.1", [0, 3]),
        ("client host 10.0.0.1", [0]),
        ("server host 10.0.0.1", [3]),
        ("host 2001:db8::2", [2]),
        ("host 2001:0DB8:0::2", [2]),
        ("net 10.0.0.0/8", [0, 1, 3]),
        ("client net 10.0.0.0/30", [0, 1]),
        ("net 2001:db8::/32", [2]),
        ("port 443", [1, 2, 3]),
        ("server port 443", [1, 3]),
        ("port 5000-5001", [0, 1]),
        ("host 10.0.0.2 and port 443", [1]),
        ("host 10.0.0.2 && port 443", [1]),
        ("port 80 or port 8080", [0, 2]),
        ("port 80 || port 8080", [0, 2]),
        ("not port 443", [0]),
        ("!port 443", [0]),
        ("not not port 80", [0]),
        # `and` binds closer than `or`, as everywhere
        ("port 80 or port 443 and host 10.0.0.1", [0, 3]),
        ("(port 80 or port 443) and host 10.0.0.1", [0, 3]),
        ("port 80 and (host 10.0.0.1 or host 192.0.2.7)", [0]),
        ("not (port 80 or port 443)", []),
        ("HOST 10.0.0.1 AND PORT 80", [0]),
        ("  host   10.0.0.1  ", [0, 3]),
        ("state CLOSE_WAIT", [0, 1]),
        ("client state CLOSE_WAIT", [1]),
        ("server state close-wait", [0]),
        ("not client state TIME_WAIT", [0, 1, 3]),
        ("opened refused", [2]),
        ("opened fast-open or reason half_closed", [0, 1]),
        ("reason fin", [1, 3]),
        ("closed-by server", [1]),
        ("finding close_wait", [0, 1]),
        ("finding close_wait and client state CLOSE_WAIT", [1]),
        ("finding refused", [2]),
        ("finding abort", []),
    ],
)
def test_what_an_expression_means(expression, expected):
    assert matching(expression, FLOWS, lambda: FOUND).nonzero()[0].tolist() == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("host", "'host' wants ADDRESS"),
        ("not net", "'net' wants ADDRESS/BITS"),
        ("server state", "'state' wants STATE"),
        ("port 80 and", "it ends too early"),
        ("not", "it ends too early"),
        ("server", "it ends too early"),
        ("bogus", "'bogus' is no test"),
        ("state WAITING", "'waiting' is none of CLOSED, LISTEN, SYN_SENT"),
        ("opened slowly", "'slowly' is none of three_way, simultaneous"),
        ("reason none", "'none' is none of still_open"),
        ("finding leak", "'leak' is none of refused, unanswered"),
        ("client opened refused", "'opened' is of the whole connection, not of the client alone"),
        ("server finding refused", "'finding' is of the whole connection, not of the server alone"),
        ("host example.org", "'example.org' is no IP address"),
        ("host 10.0.0.300", "is no IP address"),
        ("net 10.0.0.0/99", "is no network"),
        ("port http", "'http' is no port"),
        ("port 70000", "'70000' is no port"),
        ("port 80 or 443", "'443' is no test"),
        ("tcp port 80", "'tcp' is no test"),
        ("src host 10.0.0.1", "'src' is no test"),
        ("tcp[tcpflags] == tcp-syn", "'tcp[tcpflags]' is no test"),
        ("(port 80", "a parenthesis is not closed"),
        ("port 80)", "')' is not expected here"),
        ("port 80 port 443", "'port' is not expected here"),
        ("port 80 & port 443", "'& port 443' is not understood"),
    ],
)
def test_what_is_not_understood_is_said_with_what_is(expression, message):
    with pytest.raises(click.UsageError) as raised:
        matching(expression, FLOWS)
    assert message in raised.value.message
    assert "a filter is made of 'host ADDRESS'" in raised.value.message


def test_no_flows_none_chosen():
    assert matching("port 80", columns_from("flows", [])).tolist() == []
