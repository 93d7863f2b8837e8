"""replay/flows.py: which connection a segment belongs to, who is the client, incarnations."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from ladders import chunk_of, replayed, segment, segments_of, states, timeline

from pcapstate.kernels import COMPILED
from pcapstate.replay.engine import replay
from pcapstate.replay.flows import mix, tuple_hash
from pcapstate.schema import ROLES

words = st.integers(0, 2**32 - 1)
ports = st.integers(0, 65535)


@given(*(words for _ in range(8)), ports, ports)
def test_both_directions_have_one_hash(s0, s1, s2, s3, d0, d1, d2, d3, sport, dport):
    there = segment(src0=s0, src1=s1, src2=s2, src3=s3, dst0=d0, dst1=d1, dst2=d2, dst3=d3, sport=sport, dport=dport)
    back = segment(src0=d0, src1=d1, src2=d2, src3=d3, dst0=s0, dst1=s1, dst2=s2, dst3=s3, sport=dport, dport=sport)
    assert tuple_hash(there) == tuple_hash(back)
    assert 0 <= tuple_hash(there) < 2**31


def test_the_hash_is_the_same_at_both_speeds():
    fast = COMPILED.of(mix)
    for h, word in ((0, 0), (2**31 - 1, 2**32 - 1), (12345, 0xDEADBEEF)):
        assert fast(h, word) == mix(h, word)


CLOSED_CONNECTION = """
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> ESTABLISHED
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT
FIN_WAIT_2    <-- <SEQ=300><ACK=101><CTL=FIN,ACK>           <-- LAST_ACK
TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>               --> CLOSED
"""


def column(result, name, table="flows"):
    return result.table(table)[name].tolist()


def test_a_new_syn_after_the_close_is_a_new_flow():
    result = replayed(
        segments_of(
            CLOSED_CONNECTION
            + """
SYN_SENT      --> <SEQ=5000><CTL=SYN>                       --> SYN_RECEIVED  +0.500
ESTABLISHED   <-- <SEQ=9000><ACK=5001><CTL=SYN,ACK>         <-- SYN_RECEIVED
"""
        ).rows
    )
    assert column(result, "flow", "segments") == [0] * 6 + [1] * 2
    assert column(result, "stream") == [0, 1]
    rows = timeline(result)
    cut = [row for row in rows if row["event"] == "2MSL"]
    assert [row["note"] for row in cut] == ["Cut short: the 4-tuple was used again (RFC 6191)."]


def test_linux_shows_that_it_was_in_time_wait():
    """The next ISN is 65537 above the last number (tcp_timewait_state_process)."""
    result = replayed(
        segments_of(
            CLOSED_CONNECTION
            + f"""
SYN_SENT      --> <SEQ={101 + 65537}><CTL=SYN>              --> SYN_RECEIVED  +1.500
"""
        ).rows
    )
    assert "time_wait_left" in column(result, "kind", "notes")


def test_the_same_syn_again_is_a_copy():
    result = replayed(
        segments_of("""
SYN_SENT      --> <SEQ=99><CTL=SYN>                         ...
SYN_SENT      --> <SEQ=99><CTL=SYN>                         ...  +1.000
""").rows
    )
    assert column(result, "flow") == [0]


def test_half_open_discovery():
    """RFC 9293 3.5.1, figure 9: a SYN into an ESTABLISHED connection is challenged; the reset is the old one's."""
    result = replayed(
        segments_of("""
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> ESTABLISHED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=5>   --> ESTABLISHED
ESTABLISHED   <-- <SEQ=300><ACK=105><CTL=ACK>               <-- ESTABLISHED
SYN_SENT      --> <SEQ=70000><CTL=SYN>                      --> ESTABLISHED   +9.000
SYN_SENT      <-- <SEQ=300><ACK=105><CTL=ACK>               <-- ESTABLISHED
SYN_SENT      --> <SEQ=105><CTL=RST><WND=0>                 --> CLOSED
SYN_SENT      --> <SEQ=70000><CTL=SYN>                      --> SYN_RECEIVED  +1.000
ESTABLISHED   <-- <SEQ=8000><ACK=70001><CTL=SYN,ACK>        <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=70001><ACK=8001><CTL=ACK>            --> ESTABLISHED
""").rows
    )
    assert column(result, "flow", "segments") == [0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 1]
    rows = timeline(result)
    assert states(rows, "server", 0)[-2:] == ["ESTABLISHED", "CLOSED"]
    assert states(rows, "client", 1) == ["CLOSED", "SYN_SENT", "ESTABLISHED"]


def test_a_refused_candidate_leaves_the_old_connection_alone():
    result = replayed(
        segments_of("""
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> ESTABLISHED
SYN_SENT      --> <SEQ=70000><CTL=SYN>                      --> ESTABLISHED   +9.000
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=5>   --> ESTABLISHED
ESTABLISHED   <-- <SEQ=300><ACK=105><CTL=ACK>               <-- ESTABLISHED
""").rows
    )
    assert column(result, "flow", "segments") == [0, 0, 0, 1, 0, 0]
    assert states(timeline(result), "client", 0) == ["CLOSED", "SYN_SENT", "ESTABLISHED"]
    assert states(timeline(result), "client", 1) == ["CLOSED", "SYN_SENT"]


def test_roles():
    def roles(text):
        flows = replayed(segments_of(text).rows).table("flows")
        return ROLES[flows["roles"][0]], flows["client_port"][0]

    assert roles("SYN_SENT --> <SEQ=99><CTL=SYN> -->\n") == ("syn", 40000)
    assert roles("SYN_SENT <-- <SEQ=99><ACK=5><CTL=SYN,ACK> <-- SYN_RECEIVED\n") == ("syn_ack", 40000)
    # Mid-stream the lower port serves, whoever is seen first.
    assert roles("ESTABLISHED <-- <SEQ=99><ACK=5><CTL=ACK> <-- ESTABLISHED\n") == ("guessed", 40000)


def test_many_flows_at_once_and_growing_memory():
    """More flows than there is room for at first, interleaved: each finds its own."""
    rows = []
    for turn in range(3):
        for port in range(500):
            made = segments_of("""
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> ESTABLISHED
""").rows[turn]
            made["sport" if turn != 1 else "dport"] = 10000 + port
            made["frame"] = len(rows) + 1
            rows.append(made)
    result = replay([chunk_of(rows)], keep=("segments",))
    assert column(result, "flow", "segments") == [*range(500)] * 3
    assert column(result, "opened") == [0] * 500


def test_a_forged_syn_into_a_connection_that_goes_on_opens_nothing():
    """RFC 5961, 4: the SYN is challenged; its claimed sender goes on with the old connection."""
    result = replayed(
        segments_of("""
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> ESTABLISHED
ESTABLISHED   --> <SEQ=9000><CTL=SYN>                       --> ESTABLISHED   +0.100
ESTABLISHED   <-- <SEQ=300><ACK=100><CTL=ACK>               <-- ESTABLISHED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=5>   --> ESTABLISHED   +0.100
""").rows
    )
    assert states(timeline(result), "client", 0) == ["CLOSED", "SYN_SENT", "ESTABLISHED"]
    assert states(timeline(result), "client", 1) == []


def test_the_old_socket_was_gone_when_its_host_asked_anew():
    """The challenge ACK draws the reset of the old connection; but the SYN before it bounds the old socket's end."""
    rows = segments_of("""
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> ESTABLISHED
SYN_SENT      --> <SEQ=9000><CTL=SYN>                       --> ESTABLISHED   +9.000
SYN_SENT      <-- <SEQ=300><ACK=100><CTL=ACK>               <-- ESTABLISHED
SYN_SENT      --> <SEQ=100><CTL=RST><WND=0>                 --> CLOSED
SYN_SENT      --> <SEQ=9000><CTL=SYN>                       --> SYN_RECEIVED  +0.010
ESTABLISHED   <-- <SEQ=7000><ACK=9001><CTL=SYN,ACK>         <-- SYN_RECEIVED
""").rows
    (gone,) = [r for r in timeline(replayed(rows)) if (r["flow"], r["side"], r["to_state"]) == (0, "client", "CLOSED")]
    assert (gone["frame"], gone["evidence"]) == (6, "sent")
    assert gone["latest"] == rows[3]["time"] >= gone["estimate"]


NEXT_WITHOUT_ITS_SYN = """
ESTABLISHED   --> <SEQ=5001><ACK=9001><CTL=PSH,ACK><DATA=5> --> ESTABLISHED   +0.500
ESTABLISHED   <-- <SEQ=9001><ACK=5006><CTL=ACK>             <-- ESTABLISHED
"""


def test_numbers_outside_of_a_closed_connection_are_of_the_next_one():
    """Nothing is sent after a FIN: the SYN of another connection was not captured."""
    result = replayed(segments_of(CLOSED_CONNECTION + NEXT_WITHOUT_ITS_SYN).rows)
    assert column(result, "flow", "segments") == [0] * 6 + [1] * 2
    assert column(result, "roles") == [ROLES.index("syn"), ROLES.index("guessed")]
    for side in ("client", "server"):
        alone = timeline(replayed(segments_of(CLOSED_CONNECTION).rows))
        assert states(timeline(result), side) == states(alone, side)


def test_one_number_outside_of_a_closed_connection_is_a_late_or_a_forged_segment():
    for ladder in (
        "FIN_WAIT_2    <-- <SEQ=300><ACK=101><CTL=FIN,ACK>           <-- LAST_ACK  +0.500\n",
        "FIN_WAIT_2    <-- <SEQ=9001><ACK=101><CTL=ACK>              <-- LAST_ACK  +0.500\n",
    ):
        result = replayed(segments_of(CLOSED_CONNECTION + ladder).rows)
        assert column(result, "flow", "segments") == [0] * 7


def test_two_connections_taken_for_one_make_nothing_certain():
    """Both numbers leap, and no SYN was captured: of whose FINs these are nothing is known."""
    opened = CLOSED_CONNECTION.split("FIN_WAIT_1", maxsplit=1)[0]
    result = replayed(
        segments_of(
            opened
            + """
ESTABLISHED   --> <SEQ=70000><ACK=90000><CTL=ACK>           --> ESTABLISHED   +0.500
FIN_WAIT_1    --> <SEQ=70000><ACK=90000><CTL=FIN,ACK>       --> CLOSE_WAIT
FIN_WAIT_2    <-- <SEQ=90000><ACK=70001><CTL=FIN,ACK>       <-- LAST_ACK
"""
        ).rows
    )
    sure = [row["to_state"] for row in timeline(result) if row["evidence"] in ("sent", "confirmed")]
    assert sure == ["SYN_SENT"]
