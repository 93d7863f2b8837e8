"""Figure 5 of RFC 9293, cell by cell: 11 states by every event."""

from __future__ import annotations

import numpy as np
import pytest

from pcapstate.schema import STATES
from pcapstate.tcp import machine
from pcapstate.tcp.machine import EDGES, EVENTS, NEXT, NO_STATE, compile_table, read

# The table once more, the other way round: for each event the states that it leads on, and where to. Written from
# the text of RFC 9293, not from figure 5, so that a slip in one of the two is seen.
SYNCHRONIZED = ("ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "CLOSE_WAIT", "CLOSING", "LAST_ACK")
EXPECTED = {
    # 3.10.1 OPEN call
    "passive OPEN": {"CLOSED": "LISTEN"},
    "snd SYN": {"CLOSED": "SYN_SENT", "LISTEN": "SYN_SENT"},
    # 3.10.7.2, third; 3.10.7.3, fourth
    "rcv SYN": {"LISTEN": "SYN_RECEIVED", "SYN_SENT": "SYN_RECEIVED"},
    "rcv SYN,ACK": {"SYN_SENT": "ESTABLISHED"},
    # 3.10.7.4, fifth
    "rcv ACK of SYN": {"SYN_RECEIVED": "ESTABLISHED"},
    # 3.10.4 CLOSE call, known by its FIN
    "snd FIN": {"SYN_RECEIVED": "FIN_WAIT_1", "ESTABLISHED": "FIN_WAIT_1", "CLOSE_WAIT": "LAST_ACK"},
    # 3.10.7.4, eighth
    "rcv FIN": {
        "SYN_RECEIVED": "CLOSE_WAIT",
        "ESTABLISHED": "CLOSE_WAIT",
        "FIN_WAIT_1": "CLOSING",
        "FIN_WAIT_2": "TIME_WAIT",
    },
    # 3.10.7.4, fifth
    "rcv ACK of FIN": {"FIN_WAIT_1": "FIN_WAIT_2", "CLOSING": "TIME_WAIT", "LAST_ACK": "CLOSED"},
    # 3.10.8
    "2MSL": {"TIME_WAIT": "CLOSED"},
    # 3.10.4 CLOSE call that sends nothing
    "close": {"LISTEN": "CLOSED", "SYN_SENT": "CLOSED"},
    # 3.10.7.3, second; 3.10.7.4, second. After a passive OPEN SYN_RECEIVED returns to LISTEN
    "rcv RST": {
        "SYN_SENT": "CLOSED",
        "SYN_RECEIVED": "LISTEN",
        "TIME_WAIT": "CLOSED",
        **dict.fromkeys(SYNCHRONIZED, "CLOSED"),
    },
    "rcv RST, active": {"SYN_RECEIVED": "CLOSED"},
    # 3.10.5 ABORT call
    "snd RST": {
        "SYN_SENT": "CLOSED",
        "SYN_RECEIVED": "CLOSED",
        "TIME_WAIT": "CLOSED",
        **dict.fromkeys(SYNCHRONIZED, "CLOSED"),
    },
    # 3.10.8 user timeout
    "timeout": {"SYN_SENT": "CLOSED", "SYN_RECEIVED": "CLOSED", **dict.fromkeys(SYNCHRONIZED, "CLOSED")},
}


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("state", STATES)
def test_cell(state, event):
    target = EXPECTED[event].get(state)
    found = int(NEXT[STATES.index(state), EVENTS.index(event)])
    assert (None if found == NO_STATE else STATES[found]) == target


def test_the_expectation_names_every_event():
    assert tuple(EXPECTED) == EVENTS


# And by state: what ends it. The words are those of RFC 9293 3.3.2, which says what each state waits for.
ENDS = {
    # "no connection state at all": only its user's OPEN
    "CLOSED": ("passive OPEN", "snd SYN"),
    # "waiting for a connection request"; its user may SEND or CLOSE
    "LISTEN": ("rcv SYN", "snd SYN", "close"),
    # "waiting for a matching connection request after having sent a connection request"
    "SYN_SENT": ("rcv SYN,ACK", "rcv SYN", "close", "rcv RST", "snd RST", "timeout"),
    # "waiting for a confirming connection request acknowledgment after having both received and sent" one
    "SYN_RECEIVED": (
        "rcv ACK of SYN", "snd FIN", "rcv FIN", "rcv RST", "rcv RST, active", "snd RST", "timeout",
    ),
    # "an open connection": until either side closes
    "ESTABLISHED": ("snd FIN", "rcv FIN", "rcv RST", "snd RST", "timeout"),
    # "waiting for a connection termination request from the remote TCP peer, or an acknowledgment of" its own
    "FIN_WAIT_1": ("rcv ACK of FIN", "rcv FIN", "rcv RST", "snd RST", "timeout"),
    # "waiting for a connection termination request from the remote TCP peer"
    "FIN_WAIT_2": ("rcv FIN", "rcv RST", "snd RST", "timeout"),
    # "waiting for a connection termination request from the local user"
    "CLOSE_WAIT": ("snd FIN", "rcv RST", "snd RST", "timeout"),
    # "waiting for a connection termination request acknowledgment from the remote TCP peer"
    "CLOSING": ("rcv ACK of FIN", "rcv RST", "snd RST", "timeout"),
    # the same, of the FIN that answers the peer's
    "LAST_ACK": ("rcv ACK of FIN", "rcv RST", "snd RST", "timeout"),
    # "waiting for enough time to pass": its one timer is that of 2 MSL
    "TIME_WAIT": ("2MSL", "rcv RST", "snd RST"),
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_what_ends_a_state(state):
    row = NEXT[STATES.index(state)]
    assert {event for event, target in zip(EVENTS, row, strict=True) if target != NO_STATE} == set(ENDS[state])


def test_no_event_leaves_a_state_as_it_is():
    """What changes nothing is no edge: the replay would show a transition that is none."""
    assert all(NEXT[number, event] != number for number in range(len(STATES)) for event in range(len(EVENTS)))


def test_the_table_is_small_and_cannot_be_changed():
    assert NEXT.shape == (len(STATES), len(EVENTS))
    assert NEXT.dtype == np.uint8
    with pytest.raises(ValueError, match="read-only"):
        NEXT[0, 0] = 1


def test_the_states_are_those_of_rfc_9293():
    names = (
        "CLOSED LISTEN SYN_SENT SYN_RECEIVED ESTABLISHED FIN_WAIT_1 FIN_WAIT_2 CLOSE_WAIT CLOSING LAST_ACK TIME_WAIT"
    )
    assert " ".join(STATES) == names


@pytest.mark.parametrize("number", range(len(STATES)))
def test_states_have_names_for_their_numbers(number):
    assert getattr(machine, STATES[number]) == number


@pytest.mark.parametrize("number", range(len(EVENTS)))
def test_events_have_names_for_their_numbers(number):
    names = {
        "passive OPEN": "PASSIVE_OPEN", "snd SYN": "SND_SYN", "rcv SYN": "RCV_SYN", "rcv SYN,ACK": "RCV_SYN_ACK",
        "rcv ACK of SYN": "RCV_ACK_OF_SYN", "snd FIN": "SND_FIN", "rcv FIN": "RCV_FIN",
        "rcv ACK of FIN": "RCV_ACK_OF_FIN", "2MSL": "TWO_MSL", "close": "CLOSE", "rcv RST": "RCV_RST",
        "rcv RST, active": "RCV_RST_ACTIVE", "snd RST": "SND_RST", "timeout": "TIMEOUT",
    }  # fmt: skip
    assert getattr(machine, names[EVENTS[number]]) == number


def test_figure_5_draws_what_it_draws():
    drawn = sorted((edge.source, edge.target) for edge in EDGES if edge.drawn)
    assert drawn == [
        ("CLOSED", "LISTEN"),
        ("CLOSED", "SYN_SENT"),
        ("CLOSE_WAIT", "LAST_ACK"),
        ("CLOSING", "TIME_WAIT"),
        ("ESTABLISHED", "CLOSE_WAIT"),
        ("ESTABLISHED", "FIN_WAIT_1"),
        ("FIN_WAIT_1", "CLOSING"),
        ("FIN_WAIT_1", "FIN_WAIT_2"),
        ("FIN_WAIT_2", "TIME_WAIT"),
        ("LAST_ACK", "CLOSED"),
        ("LISTEN", "CLOSED"),
        ("LISTEN", "SYN_RECEIVED"),
        ("LISTEN", "SYN_SENT"),
        ("SYN_RECEIVED", "ESTABLISHED"),
        ("SYN_RECEIVED", "FIN_WAIT_1"),
        ("SYN_RECEIVED", "LISTEN"),
        ("SYN_SENT", "CLOSED"),
        ("SYN_SENT", "ESTABLISHED"),
        ("SYN_SENT", "SYN_RECEIVED"),
        ("TIME_WAIT", "CLOSED"),
    ]


def walk(*events, start="CLOSED"):
    """The states that a side goes through."""
    states = [STATES.index(start)]
    for event in events:
        states.append(int(NEXT[states[-1], EVENTS.index(event)]))
        assert states[-1] != NO_STATE, f"{event} has no effect in {STATES[states[-2]]}"
    return [STATES[state] for state in states]


def test_figure_6_three_way_handshake():
    assert walk("snd SYN", "rcv SYN,ACK") == ["CLOSED", "SYN_SENT", "ESTABLISHED"]
    assert walk("passive OPEN", "rcv SYN", "rcv ACK of SYN") == ["CLOSED", "LISTEN", "SYN_RECEIVED", "ESTABLISHED"]


def test_figure_7_simultaneous_open():
    assert walk("snd SYN", "rcv SYN", "rcv ACK of SYN")[-2:] == ["SYN_RECEIVED", "ESTABLISHED"]


def test_figure_12_normal_close():
    active = walk("snd FIN", "rcv ACK of FIN", "rcv FIN", "2MSL", start="ESTABLISHED")
    assert active == ["ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT", "CLOSED"]
    passive = walk("rcv FIN", "snd FIN", "rcv ACK of FIN", start="ESTABLISHED")
    assert passive == ["ESTABLISHED", "CLOSE_WAIT", "LAST_ACK", "CLOSED"]


def test_figure_13_simultaneous_close():
    states = walk("snd FIN", "rcv FIN", "rcv ACK of FIN", "2MSL", start="ESTABLISHED")
    assert states == ["ESTABLISHED", "FIN_WAIT_1", "CLOSING", "TIME_WAIT", "CLOSED"]


def test_every_state_is_reached_from_closed_and_leads_back_to_it():
    def reached(start, follow):
        found, edge = {start}, [start]
        while edge:
            state = edge.pop()
            new = {t for s, t in follow if s == state} - found
            found |= new
            edge += new
        return found

    forward = [(edge.source, edge.target) for edge in EDGES]
    assert reached("CLOSED", forward) == set(STATES)
    assert reached("CLOSED", [(target, source) for source, target in forward]) == set(STATES)


# --- reading the text ------------------------------------------------------------------------------------------

HEAD = """
from          event            to            as RFC 9293 has it
------------  ---------------  ------------  ----------------
"""


def test_read_takes_columns_by_the_rule():
    (edge,) = read(HEAD + "CLOSED        snd SYN          SYN_SENT      active OPEN / create TCB, snd SYN\n")
    assert (edge.source, edge.event, edge.target) == ("CLOSED", "snd SYN", "SYN_SENT")
    assert edge.label == "active OPEN / create TCB, snd SYN"
    assert edge.drawn


def test_a_line_with_a_section_is_not_drawn():
    (edge,) = read(HEAD + "LISTEN        close            CLOSED        3.10.4: CLOSE call\n")
    assert not edge.drawn


@pytest.mark.parametrize(
    "line",
    [
        "OPEN          snd SYN          SYN_SENT      x",
        "CLOSED        send SYN         SYN_SENT      x",
        "CLOSED        snd SYN          SYN-SENT      x",
    ],
)
def test_what_is_not_the_rfcs_is_refused(line):
    with pytest.raises(ValueError, match="not a state or an event"):
        read(HEAD + line)


def test_two_edges_by_one_event_are_refused():
    line = "CLOSED        snd SYN          SYN_SENT      x\n"
    with pytest.raises(ValueError, match="two edges from CLOSED by snd SYN"):
        read(HEAD + line + line)


def test_an_empty_table_leads_nowhere():
    assert (compile_table(()) == NO_STATE).all()
