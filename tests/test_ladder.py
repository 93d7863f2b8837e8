"""RFC 9293's notation: its own figures can be read, and what is written reads back the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcapstate.ladder import Exchange, Line, Segment, read, write
from pcapstate.schema import STATES

# Exchanges of RFC 9293 3.5 and 3.6, as its figures have them.
FIGURE_6 = """
    TCP Peer A                                           TCP Peer B

1.  CLOSED                                               LISTEN

2.  SYN-SENT    --> <SEQ=100><CTL=SYN>               --> SYN-RECEIVED

3.  ESTABLISHED <-- <SEQ=300><ACK=101><CTL=SYN,ACK>  <-- SYN-RECEIVED

4.  ESTABLISHED --> <SEQ=101><ACK=301><CTL=ACK>       --> ESTABLISHED

5.  ESTABLISHED --> <SEQ=101><ACK=301><CTL=ACK><DATA> --> ESTABLISHED
"""
FIGURE_7 = """
    TCP Peer A                                       TCP Peer B

1.  CLOSED                                           CLOSED

2.  SYN-SENT     --> <SEQ=100><CTL=SYN>              ...

3.  SYN-RECEIVED <-- <SEQ=300><CTL=SYN>              <-- SYN-SENT

4.               ... <SEQ=100><CTL=SYN>              --> SYN-RECEIVED

5.  SYN-RECEIVED --> <SEQ=100><ACK=301><CTL=SYN,ACK> ...

6.  ESTABLISHED  <-- <SEQ=300><ACK=101><CTL=SYN,ACK> <-- SYN-RECEIVED

7.               ... <SEQ=100><ACK=301><CTL=SYN,ACK> --> ESTABLISHED
"""
FIGURE_8 = """
    TCP Peer A                                           TCP Peer B

1.  CLOSED                                               LISTEN

2.  SYN-SENT    --> <SEQ=100><CTL=SYN>               ...

3.  (duplicate) ... <SEQ=90><CTL=SYN>               --> SYN-RECEIVED

4.  SYN-SENT    <-- <SEQ=300><ACK=91><CTL=SYN,ACK>  <-- SYN-RECEIVED

5.  SYN-SENT    --> <SEQ=91><CTL=RST>               --> LISTEN

6.              ... <SEQ=100><CTL=SYN>               --> SYN-RECEIVED

7.  ESTABLISHED <-- <SEQ=400><ACK=101><CTL=SYN,ACK>  <-- SYN-RECEIVED

8.  ESTABLISHED --> <SEQ=101><ACK=401><CTL=ACK>      --> ESTABLISHED
"""
FIGURE_9 = """
      TCP Peer A                                      TCP Peer B

  1.  (REBOOT)                              (send 300,receive 100)

  2.  CLOSED                                           ESTABLISHED

  3.  SYN-SENT --> <SEQ=400><CTL=SYN>              --> (??)

  4.  (!!)     <-- <SEQ=300><ACK=100><CTL=ACK>     <-- ESTABLISHED

  5.  SYN-SENT --> <SEQ=100><CTL=RST>              --> (Abort!!)

  6.  SYN-SENT                                         CLOSED

  7.  SYN-SENT --> <SEQ=400><CTL=SYN>              -->
"""
FIGURE_10 = """
      TCP Peer A                                          TCP Peer B

1.  (REBOOT)                                  (send 300,receive 100)

2.  (??)    <-- <SEQ=300><ACK=100><DATA=10><CTL=ACK> <-- ESTABLISHED

3.          --> <SEQ=100><CTL=RST>                   --> (ABORT!!)
"""
FIGURE_11 = """
    TCP Peer A                                      TCP Peer B

1.  LISTEN                                          LISTEN

2.       ... <SEQ=90><CTL=SYN>                  --> SYN-RECEIVED

3.  (??) <-- <SEQ=300><ACK=91><CTL=SYN,ACK>     <-- SYN-RECEIVED

4.       --> <SEQ=91><CTL=RST>                  --> (return to LISTEN!)

5.  LISTEN                                          LISTEN
"""
FIGURE_12 = """
      TCP Peer A                                           TCP Peer B

  1.  ESTABLISHED                                          ESTABLISHED

  2.  (Close)
      FIN-WAIT-1  --> <SEQ=100><ACK=300><CTL=FIN,ACK>  --> CLOSE-WAIT

  3.  FIN-WAIT-2  <-- <SEQ=300><ACK=101><CTL=ACK>      <-- CLOSE-WAIT

  4.                                                       (Close)
      TIME-WAIT   <-- <SEQ=300><ACK=101><CTL=FIN,ACK>  <-- LAST-ACK

  5.  TIME-WAIT   --> <SEQ=101><ACK=301><CTL=ACK>      --> CLOSED

  6.  (2 MSL)
      CLOSED
"""
FIGURE_13 = """
      TCP Peer A                                           TCP Peer B

  1.  ESTABLISHED                                          ESTABLISHED

  2.  (Close)                                              (Close)
      FIN-WAIT-1  --> <SEQ=100><ACK=300><CTL=FIN,ACK>  ... FIN-WAIT-1
                  <-- <SEQ=300><ACK=100><CTL=FIN,ACK>  <--
                  ... <SEQ=100><ACK=300><CTL=FIN,ACK>  -->

  3.  CLOSING     --> <SEQ=101><ACK=301><CTL=ACK>      ... CLOSING
                  <-- <SEQ=301><ACK=101><CTL=ACK>      <--
                  ... <SEQ=101><ACK=301><CTL=ACK>      -->

  4.  TIME-WAIT                                            TIME-WAIT
      (2 MSL)                                              (2 MSL)
      CLOSED                                               CLOSED
"""
FIGURES = {
    6: FIGURE_6,
    7: FIGURE_7,
    8: FIGURE_8,
    9: FIGURE_9,
    10: FIGURE_10,
    11: FIGURE_11,
    12: FIGURE_12,
    13: FIGURE_13,
}


def words(text):
    """A text without its spaces, states spelled as ours."""
    spelled = {name.replace("_", "-"): name for name in STATES}
    return [spelled.get(word, word) for word in text.split()]


@pytest.mark.parametrize("number", FIGURES)
def test_a_figure_is_read_and_written_without_loss(number):
    exchange = read(FIGURES[number])
    assert (exchange.client, exchange.server) == ("TCP Peer A", "TCP Peer B")
    # The order of DATA and CTL is the only thing that may change.
    expected = FIGURES[number].replace("<DATA=10><CTL=ACK>", "<CTL=ACK><DATA=10>")
    assert words(write(exchange)) == words(expected)
    assert read(write(exchange)) == exchange


def test_figure_6_line_by_line():
    lines = read(FIGURE_6).lines
    assert lines[0] == Line(client="CLOSED", server="LISTEN", number=1)
    assert lines[1] == Line("SYN_SENT", "-->", Segment("SYN", 100), "-->", "SYN_RECEIVED", 2)
    assert lines[2] == Line("ESTABLISHED", "<--", Segment("SYN,ACK", 300, 101), "<--", "SYN_RECEIVED", 3)
    assert lines[4].segment == Segment("ACK", 101, 301, length=None)
    assert [line.sender for line in lines] == ["", "client", "server", "client", "client"]
    assert all(line.arrives for line in lines[1:])


def test_figure_7_segments_under_way():
    lines = read(FIGURE_7).lines
    assert [(line.sender, line.arrives) for line in lines[1:]] == [
        ("client", False),
        ("server", True),
        ("client", True),
        ("client", False),
        ("server", True),
        ("client", True),
    ]
    assert lines[3].client == ""
    assert [line.departs for line in lines[1:]] == [True, True, False, True, True, False]


def test_figure_12_events_stand_at_their_side():
    lines = read(FIGURE_12).lines
    assert lines[1] == Line(client="(Close)", number=2)
    assert lines[4] == Line(server="(Close)", number=4)
    assert lines[-2:] == (Line(client="(2 MSL)", number=6), Line(client="CLOSED"))


def test_times_comments_and_lost_segments():
    text = """
    The ACK of the last FIN is lost; the passive closer sends its FIN again.

    TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>          ... LAST_ACK
    TIME_WAIT     <-- <SEQ=300><ACK=101><CTL=FIN,ACK>      <-- LAST_ACK      +0.200  (retransmission, fin)
    TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>          --> CLOSED
    """
    exchange = read(text)
    assert exchange.title == "The ACK of the last FIN is lost; the passive closer sends its FIN again."
    assert exchange.lines[1].wait == 200_000_000
    assert exchange.lines[1].comment == "retransmission, fin"
    assert not exchange.lines[0].arrives
    assert read(write(exchange)) == exchange


def test_a_folded_line():
    line = Line("ESTABLISHED", "...", None, "...", "ESTABLISHED", comment="1,482 segments not shown")
    exchange = Exchange(lines=(line,))
    assert "... (1,482 segments not shown) ... ESTABLISHED" in write(exchange)
    assert read(write(exchange)) == exchange
    assert line.sender == ""


def test_an_empty_exchange():
    assert read("") == Exchange()
    assert read(write(Exchange())) == Exchange()


def test_a_zero_window_and_data_are_shown():
    assert str(Segment("ACK", 1, 2, 10, 0)) == "<SEQ=1><ACK=2><CTL=ACK><WND=0><DATA=10>"
    assert str(Segment()) == ""


def test_options_and_what_the_ip_header_says_follow_the_tags_of_the_rfc():
    text = "SYN_SENT --> <SEQ=99><CTL=SYN><DATA=5><MSS=1460><SACKOK><TSval=10><TSecr=0><FO=8><ID=0><TTL=63> --> LISTEN"
    (line,) = read(text).lines
    more = (("MSS", "1460"), ("SACKOK", ""), ("TSval", "10"), ("TSecr", "0"), ("FO", "8"), ("ID", "0"), ("TTL", "63"))
    assert line.segment == Segment("SYN", 99, length=5, more=more)
    assert write(read(text)).split() == text.split()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ESTABLISHED --> <SEQ=1><XYZ=2> --> ESTABLISHED", "not a tag"),
        ("ESTABLISHED --> <SEQ=1><CTL=ACK> --> ESTABLISHED  what is this", "not understood"),
        ("CLOSED  LISTEN\nCLOSED  CLOSED  CLOSED", "not understood"),
    ],
)
def test_what_cannot_be_understood_is_said(line, message):
    with pytest.raises(ValueError, match=message):
        read(line)


# --- read(write(x)) == x ---------------------------------------------------------------------------------------

NUMBERS = st.integers(0, 2**32 - 1)
CELLS = st.sampled_from(["", *STATES, "(2 MSL)", "(Close)", "(??)"])
SEGMENTS = st.builds(
    Segment,
    flags=st.sampled_from(["SYN", "SYN,ACK", "ACK", "FIN,ACK", "PSH,ACK", "RST", "RST,ACK", "SYN,ACK,ECE"]),
    seq=st.none() | NUMBERS,
    ack=st.none() | NUMBERS,
    length=st.none() | st.integers(0, 65_535),
    window=st.none() | st.integers(0, 2**30),
    more=st.lists(
        st.sampled_from([("TSval", "10"), ("TSecr", "0"), ("SACK", "120-130,140-150"), ("SACKOK", ""), ("ID", "0")]),
        max_size=3,
    ).map(tuple),
)
COMMENTS = st.sampled_from(["", "retransmission, timeout", "duplicate ack", "keep alive"])
WAITS = st.none() | st.integers(-(10**12), 10**12)
FRAMES = st.none() | st.integers(1, 10**7)
ARROWS = st.sampled_from(
    [("-->", "-->"), ("-->", "..."), ("...", "-->"), ("<--", "<--"), ("...", "<--"), ("<--", "XXX")]
)
SEGMENT_LINES = st.builds(
    lambda client, server, arrows, segment, number, wait, comment: Line(
        client, arrows[0], segment, arrows[1], server, number, wait, comment
    ),
    CELLS, CELLS, ARROWS, SEGMENTS, FRAMES, WAITS, COMMENTS,
)  # fmt: skip
FOLDED = st.builds(
    lambda client, server, number: Line(client, "...", None, "...", server, comment=f"{number} segments not shown"),
    CELLS, CELLS, st.integers(2, 10**6),
)  # fmt: skip
STATE_LINES = st.builds(
    lambda client, server, number, wait: Line(client, "", None, "", server, number, wait), CELLS, CELLS, FRAMES, WAITS
).filter(lambda line: line.client or line.server)
NAMES = st.sampled_from([("", ""), ("10.0.0.1:40000", "10.0.0.2:80"), ("[2001:db8::1]:5", "[2001:db8::2]:443")])


@settings(deadline=None)
@given(
    names=NAMES,
    title=st.sampled_from(["", "Flow 3: a -> b", "Two lines\nof prose."]),
    first=SEGMENT_LINES,
    lines=st.lists(SEGMENT_LINES | FOLDED | STATE_LINES, max_size=12),
)
def test_what_is_written_reads_back_the_same(names, title, first, lines):
    exchange = Exchange(title, *names, (first, *lines))
    assert read(write(exchange)) == exchange


@given(st.lists(STATE_LINES, min_size=1, max_size=4).filter(lambda lines: lines[0].client and lines[0].server))
def test_states_alone_read_back_the_same(lines):
    exchange = Exchange(lines=(lines[0],))
    assert read(write(exchange)) == exchange
