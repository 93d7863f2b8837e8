"""replay/outcome.py: what is told of a connection in whole numbers, and how it is found again."""

from __future__ import annotations

import numpy as np
import pytest
from ladders import INTERPRETED, both_speeds, rows_of

from pcapstate.kernels import COMPILED
from pcapstate.replay.memory import Store
from pcapstate.replay.outcome import MOST, Outcome, Outcomes, SideOutcome, tell_facts, tell_side
from pcapstate.replay.rows import EVENTS_PER_SIDE, SYN_ACKED
from pcapstate.schema import FLOWS, MISSING

OPEN = """
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED  +0.010
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> ESTABLISHED   +0.004
"""


def column(name, text=OPEN, changes=None):
    (value,) = both_speeds(rows_of(text, changes)).table("flows")[name].tolist()
    return None if value == MISSING else value


def outcomes(*flows):
    made = Outcomes()
    for number, (client, server) in flows:
        one, sides = np.zeros(1, Outcome.dtype), np.zeros(2, SideOutcome.dtype)
        one["flow"] = number
        one["client3"] = 0xFFFFFFFF
        sides["mss"] = client, server
        sides["proof_fin"] = 7, 8
        made.add(one, sides)
    return made


# --- what is told ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("mss", {}, None),
        ("mss", {"mss": 1460}, 1460),
        ("window_scale", {}, None),
        ("window_scale", {"window_scale": 0}, 0),
        ("sack", {}, 0),
        ("sack", {"sack_permitted": 1}, 1),
        ("timestamps", {"tsval": 5, "tsecr": 0}, 1),
    ],
)
def test_what_a_syn_offers(name, options, told):
    assert column(f"client_{name}", changes={0: options}) == told


@pytest.mark.parametrize(("name", "told"), [("mss", None), ("window_scale", None), ("sack", -1), ("isn", None)])
def test_a_syn_that_was_not_seen_offers_nothing(name, told):
    data = "ESTABLISHED --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=10> --> ESTABLISHED\n"
    assert column(f"client_{name}", data) == told


def test_an_option_of_a_syn_that_was_not_seen_is_not_told():
    store = Store(INTERPRETED, room=1)
    x, told = store.memory.sides[0], store.memory.side_outcomes[0]
    x.mss = x.offered_scale = 7
    tell_side(x, told)
    assert (told.mss, told.window_scale, told.sack, told.timestamps) == (MISSING, MISSING, -1, -1)
    x.syn_seen = 1
    tell_side(x, told)
    assert (told.mss, told.window_scale, told.sack, told.timestamps) == (7, 7, 0, 0)


@pytest.mark.parametrize(("flip", "client", "server"), [(0, (1, 40), (2, 80)), (1, (2, 80), (1, 40))])
def test_the_client_need_not_have_been_seen_first(flip, client, server):
    m = Store(INTERPRETED, room=1).memory
    f = m.flows[0]
    f.flip, f.a3, f.aport, f.b3, f.bport = flip, 1, 40, 2, 80
    tell_facts(m, 0, 0)
    told = m.outcomes[0]
    assert (told.client3, told.client_port) == client
    assert (told.server3, told.server_port) == server


def test_attempts_are_counted_up_to_a_bound():
    m = Store(INTERPRETED, room=1).memory
    client, server = m.sides[0], m.sides[1]
    client.syn_copies, client.syn_pure = 2, 1
    server.syn_copies, server.syn_seen = MOST + 9, 1
    m.events[EVENTS_PER_SIDE + SYN_ACKED].refuted = 4
    tell_facts(m, 0, 0)
    told = m.outcomes[0]
    assert (told.syns, told.syn_acks, told.acks_ignored) == (3, MOST, 4)
    server.syn_copies, server.syn_pure = 1, 1  # its own SYN is no answer
    tell_facts(m, 0, 0)
    assert told.syn_acks == 1


# --- how it is found -------------------------------------------------------------------------------------------


def test_outcomes_are_found_by_name_and_side():
    made = outcomes((5, (1460, 536)), (3, (9000, MISSING)))
    assert made
    assert made.rows == 2
    assert made.column("flow").tolist() == [5, 3]
    assert made.column("client_mss").tolist() == [1460, 9000]
    assert made.column("server_mss").tolist() == [536, MISSING]
    assert made.column("proof_client_fin").tolist() == [7, 7]
    assert made.column("proof_server_fin").tolist() == [8, 8]
    assert made.addresses("client").tolist() == [[0, 0, 0, 0xFFFFFFFF]] * 2
    with pytest.raises(KeyError):
        made.column("client_nonsense")


def test_without_flows_nothing_was_told():
    made = Outcomes()
    assert not made
    assert made.rows == 0
    assert made.column("flow").tolist() == made.column("server_mss").tolist() == []
    assert made.addresses("server").shape == (0, 4)


def test_names_of_fields_are_those_of_columns_where_they_mean_the_same():
    names = {*Outcome.fields, *(f"{side}_{field}" for side in ("client", "server") for field in SideOutcome.fields)}
    assert {"client_mss", "server_retransmissions", "stream", "completeness"} <= names & set(FLOWS.names)


@pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)
def test_outcomes_in_the_memory_have_both_forms(speed):
    store = Store(speed, room=1)
    speed.of(tell_facts)(store.memory, 0, 0)
    assert store.view_settled()[1].dtype == Outcome.dtype
