"""A flow's tables as the lines of a ladder."""

from __future__ import annotations

import pytest
from making import a_pass, flow_row, four_way_close, millis, segment, step

from pcapstate.capture import Capture
from pcapstate.exchange import EDGE, of_flow
from pcapstate.ladder import Segment, read, write


def flow_of(rows):
    return Capture(a_pass(rows)).flow(0)


def cells(exchange):
    return [(line.client, line.server) for line in exchange.lines]


def test_the_ladder_of_a_whole_connection(capture):
    text = write(of_flow(capture.flow(0)))
    assert [line.rstrip() for line in text.splitlines()] == [
        "Flow 0: 10.0.0.1:40000 -> 10.0.0.2:80",
        "",
        "      10.0.0.1:40000                                             10.0.0.2:80",
        "",
        "      CLOSED                                                     LISTEN",
        "  1.  SYN_SENT     --> <SEQ=0><CTL=SYN>                      --> SYN_RECEIVED",
        "  2.  ESTABLISHED  <-- <SEQ=0><ACK=1><CTL=SYN,ACK>           <-- SYN_RECEIVED  +0.010",
        "  3.  ESTABLISHED  --> <SEQ=1><ACK=1><CTL=ACK>               --> ESTABLISHED   +0.002",
        "  4.  ESTABLISHED  --> <SEQ=1><ACK=1><CTL=PSH,ACK><DATA=100> --> ESTABLISHED   +0.018",
        "  5.  FIN_WAIT_1   --> <SEQ=101><ACK=1><CTL=FIN,ACK>         --> CLOSE_WAIT    +0.020",
        "  6.  FIN_WAIT_2   <-- <SEQ=1><ACK=102><CTL=ACK>             <-- CLOSE_WAIT    +0.010",
        "  7.  TIME_WAIT    <-- <SEQ=1><ACK=102><CTL=FIN,ACK>         <-- LAST_ACK      +0.010",
        "  8.  TIME_WAIT    --> <SEQ=102><ACK=2><CTL=ACK>             --> CLOSED        +0.010",
        "      (2 MSL)                                                                  +59.990",
        "      CLOSED",
    ]


def test_it_reads_back_the_same(capture):
    exchange = of_flow(capture.flow(0))
    assert read(write(exchange)) == exchange


def test_raw_numbers_are_those_on_the_wire(capture):
    lines = of_flow(capture.flow(0), raw=True).lines
    assert lines[2].segment == Segment("SYN,ACK", 299, 100)


def test_without_relative_numbers_the_raw_ones_have_to_do(rows):
    rows["segments"][3].update(seq=None, ack=None)
    assert of_flow(flow_of(rows)).lines[4].segment == Segment("PSH,ACK", 100, 300, 100)


def test_a_transition_that_was_captured_early_does_not_go_back(rows):
    """The server's side was captured in another order: a state never returns to one before it."""
    rows["timeline"][8]["frame"] = 2
    states = [line.server for line in of_flow(flow_of(rows)).lines]
    assert "CLOSE_WAIT" in states
    assert states == sorted(states, key=states.index)


def test_a_side_of_which_nothing_is_known(rows):
    rows["timeline"] = [row for row in rows["timeline"] if row["side"] == "client"]
    rows["flows"] = [flow_row(server_state=None)]
    exchange = of_flow(flow_of(rows))
    assert {line.server for line in exchange.lines} == {""}


def test_a_side_without_transitions_keeps_its_state(rows):
    """A refused connection: the server was CLOSED and stays so."""
    rows["timeline"] = [row for row in rows["timeline"] if row["side"] == "client"]
    rows["flows"] = [flow_row(server_state="CLOSED")]
    servers = {line.server for line in of_flow(flow_of(rows)).lines if line.segment}
    assert servers == {"CLOSED"}


def test_picked_up_mid_stream_there_is_no_line_before_the_first(rows):
    rows["timeline"] = [
        step("client", 4, 30, "", "seen", "ESTABLISHED"),
        step("server", 6, 60, "", "seen", "ESTABLISHED"),
    ]
    rows["segments"] = rows["segments"][3:6]
    exchange = of_flow(flow_of(rows))
    assert cells(exchange) == [("ESTABLISHED", ""), ("ESTABLISHED", ""), ("ESTABLISHED", "ESTABLISHED")]


@pytest.mark.parametrize(("text", "end"), [("did not arrive", "..."), ("did not take effect", "XXX")])
def test_what_was_refuted_is_seen_at_the_receivers_end(rows, text, end):
    rows["notes"] = [
        {"flow": 0, "kind": "refuted", "frame": 7, "text": f"The ACK in frame 3 {text}: it is sent again."}
    ]
    lines = of_flow(flow_of(rows)).lines
    assert (lines[3].left, lines[3].right) == ("-->", end)
    assert (lines[2].left, lines[2].right) == ("<--", "<--")


def test_a_segment_lost_after_the_capture_point(rows):
    rows["segments"][5]["cause"] = "lost_after"
    line = of_flow(flow_of(rows)).lines[6]
    assert (line.left, line.right, line.arrives) == ("...", "<--", False)
    assert line.comment == "lost after"


def test_a_segment_that_was_lost_or_ignored(rows):
    rows["segments"][4]["cause"] = "no_effect"
    line = of_flow(flow_of(rows)).lines[5]
    assert (line.left, line.right, line.arrives) == ("-->", "XXX", False)
    assert line.comment == "no effect"


def test_an_acknowledgement_of_what_was_not_captured_was_captured_itself(rows):
    rows["segments"][5]["cause"] = "lost_in_capture"
    assert of_flow(flow_of(rows)).lines[6].comment == "acknowledges what the capture missed"


def test_labels_and_zero_windows_are_shown(rows):
    rows["segments"][3].update(label="retransmission", cause="timeout", window_raw=0, window=0)
    line = of_flow(flow_of(rows)).lines[4]
    assert line.comment == "retransmission, timeout"
    assert line.segment.window == 0


def test_a_resets_window_means_nothing(rows):
    rows["segments"][7].update(flags="RST", window_raw=0)
    assert of_flow(flow_of(rows)).lines[8].segment.window is None


def test_a_transition_without_a_frame_stands_at_its_time(rows):
    rows["timeline"][3].update(frame=None, event="rcv ACK of FIN", time=millis(65), evidence="deduced")
    lines = of_flow(flow_of(rows)).lines
    place = next(n for n, line in enumerate(lines) if line.client == "(rcv ACK of FIN)")
    assert lines[place + 1].client == "FIN_WAIT_2"
    assert lines[place - 1].number == 6


# --- folding ---------------------------------------------------------------------------------------------------


def long_rows(middle=200):
    rows = four_way_close()
    first, last = rows["segments"][:3], rows["segments"][4:]
    data = [segment(4 + i, 20 + i * 0.01, "client", 1 + 10 * i, 1, "ACK", 10) for i in range(middle)]
    for row in last:
        row["frame"] += middle
    rows["segments"] = [*first, *data, *last]
    for row in rows["timeline"]:
        if row["frame"] is not None and row["frame"] > 3:
            row["frame"] += middle
    rows["notes"] = []
    return rows


def test_a_long_exchange_is_folded():
    exchange = of_flow(flow_of(long_rows()), limit=20)
    folded = [line for line in exchange.lines if line.left == line.right == "..."]
    shown = [line for line in exchange.lines if line.segment]
    assert len(shown) == 20
    assert sum(int(line.comment.split()[0]) for line in folded) == 207 - 20
    assert folded[-1].comment.endswith("octets from the client")
    assert folded[0].client == folded[0].server == "ESTABLISHED"
    assert read(write(exchange)) == exchange


def test_every_change_of_state_stays_when_folded():
    flow = flow_of(long_rows())
    full, folded = of_flow(flow, limit=None), of_flow(flow, limit=12)
    assert list(dict.fromkeys(cells(full))) == list(dict.fromkeys(cells(folded)))


def test_the_ends_and_the_labelled_come_before_the_rest():
    rows = long_rows()
    rows["segments"][100]["label"] = "retransmission"
    numbers = [line.number for line in of_flow(flow_of(rows), limit=16).lines if line.segment]
    assert numbers[:EDGE] == [1, 2, 3, 4, 5, 6]
    assert numbers[-1] == 208
    assert rows["segments"][100]["frame"] in numbers


def test_no_limit_shows_every_segment():
    assert len([line for line in of_flow(flow_of(long_rows()), limit=None).lines if line.segment]) == 207


def test_one_segment_alone_is_not_folded():
    exchange = of_flow(flow_of(long_rows(middle=8)), limit=14)
    assert not [line for line in exchange.lines if line.left == line.right == "..."]

