"""Sides in CLOSE_WAIT at the end: for how long, and whether that is a leak."""

from __future__ import annotations

import numpy as np
import pytest
from making import a_pass, columns_from, flow_row, four_way_close, millis, step

from pcapstate.capture import Capture
from pcapstate.lingering import PATIENCE, close_wait, close_waits, lasting, leaks, told_how_long
from pcapstate.values import text_objects

SILENT = {"flow": 0, "side": "server", "cause": "application", "detail": "unended", "start": millis(40)}


def fin(flow=0, side="server", at=60, **more):
    return step(side, 5, at, "ESTABLISHED", "rcv FIN", "CLOSE_WAIT", flow=flow, **more)


def tables(flows, timeline, stalls=()):
    rows = {"flows": flows, "timeline": timeline, "stalls": stalls}
    return [columns_from(name, list(of)) for name, of in rows.items()]


def waited(flows, timeline, until):
    return close_waits(*tables(flows, timeline)[:2], millis(until))


def forgotten(until, flow=None, timeline=None, stalls=()):
    flow = flow_row(0, server_state="CLOSE_WAIT") if flow is None else flow
    return leaks(*tables([flow], [fin()] if timeline is None else timeline, stalls), millis(until))[0].tolist()


def test_from_when_it_is_certain_to_the_end_of_the_capture():
    flows = [flow_row(0, server_state="CLOSE_WAIT")]
    assert waited(flows, [fin(latest=millis(61))], 1061)[0].tolist() == pytest.approx([np.nan, 1.0], nan_ok=True)
    # Where nothing proves it, from when it most likely was.
    assert waited(flows, [fin(latest=None)], 1060)[0, 1] == 1.0
    assert waited(flows, [fin(latest=millis(90))], 80)[0, 1] == 0.0


def test_each_connection_and_side_has_its_own():
    flows = [flow_row(3, client_state="CLOSE_WAIT"), flow_row(5), flow_row(7, server_state="CLOSE_WAIT")]
    rows = [fin(1), fin(3, "client", latest=None), fin(5), fin(7, at=1060, latest=None), fin(9)]
    found = waited(flows, rows, 2060)
    assert found.shape == (3, 2)
    assert found[0, 0] == 2.0
    assert found[2, 1] == 1.0
    assert np.isnan(found).sum() == 4


def test_no_connections():
    assert waited([], [fin()], 80).shape == (0, 2)


def test_who_neither_closes_nor_sends_for_a_while_leaks():
    patience = PATIENCE * 1000
    assert forgotten(62 + patience, flow_row(0, server_state="CLOSE_WAIT", end=millis(62))) == [False, True]
    assert forgotten(61 + patience, flow_row(0, server_state="CLOSE_WAIT", end=millis(62))) == [False, False]
    assert forgotten(112) == [False, False]
    assert forgotten(1e9, flow_row(0, server_state="LAST_ACK")) == [False, False]


def test_who_still_sends_does_not_leak():
    end = millis(50_000)
    sending = flow_row(0, server_state="CLOSE_WAIT", end=end)
    assert forgotten(50_100, sending) == [False, False]
    # The last segments were keep-alives of the other side: this one has sent nothing for long.
    assert forgotten(50_100, sending, stalls=[SILENT]) == [False, True]
    assert forgotten(50_100, sending, stalls=[{**SILENT, "side": "client"}]) == [False, False]
    assert forgotten(50_100, sending, stalls=[{**SILENT, "detail": "idle"}]) == [False, False]


def test_of_one_side():
    rows = {**four_way_close(), "flows": [flow_row(0, server_state="CLOSE_WAIT")], "timeline": [fin(latest=millis(61))]}
    flow = Capture(a_pass(rows)).flow(0)
    assert close_wait(flow.client) is None
    assert close_wait(flow.server) == (pytest.approx(0.019), False)


def test_the_notes_say_it_too():
    note = {"flow": 0, "side": "server", "kind": "close_wait", "text": "In CLOSE_WAIT since this frame."}
    other = {**note, "kind": "refuted", "text": "It did not arrive."}
    columns = tables([flow_row(0, server_state="CLOSE_WAIT", end=millis(60))], [fin(latest=millis(61))])
    notes = columns_from("notes", [other, note, {**note, "flow": 9}, {**note, "side": "client"}])
    untold = [other["text"], note["text"], note["text"], note["text"]]
    for until, text in (
        (80, "In CLOSE_WAIT since this frame, for at least 0.019 s."),
        (3_500_000, "In CLOSE_WAIT since this frame, for at least 58 min: the program on this side has not closed."),
    ):
        made = told_how_long(notes, *columns, millis(until))
        assert text_objects(made["text"]).tolist() == [untold[0], text, *untold[2:]]
    assert text_objects(notes["text"]).tolist() == untold
    none = columns_from("notes", [other])
    assert told_how_long(none, *columns, millis(80)) is none


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0521, "0.052 s"),
        (12.34, "12.3 s"),
        (125, "2 min"),
        (3500, "58 min"),
        (11_520, "3.2 h"),
        (181_440, "2.1 days"),
    ],
)
def test_lengths_of_time_for_people(seconds, text):
    assert lasting(seconds) == text
