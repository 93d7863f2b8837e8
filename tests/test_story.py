"""What happened, in sentences."""

from __future__ import annotations

from dataclasses import replace

import pytest
from making import a_pass, flow_row, four_way_close, millis, step

from pcapstate.capture import Capture
from pcapstate.schema import OPENED
from pcapstate.story import octets, story


def told(**facts):
    rows = {**four_way_close(), "flows": [flow_row(**facts)]}
    return story(Capture(a_pass(rows)).flow(0))


def test_an_ordinary_connection():
    assert told() == (
        "10.0.0.1:40000 opened the connection to 10.0.0.2:80 by a three-way handshake. "
        "The client closed it first (fin). The client offered MSS 1460, SACK. "
        "It carried 100 B from the client in 0.080 s. "
        "The client is left in TIME_WAIT. The server is left in CLOSED, as it seems."
    )


@pytest.mark.parametrize("opened", OPENED)
def test_every_opening_has_words(opened):
    text = told(opened=opened)
    assert text.startswith(("10.0.0.1:40000", "The connection between 10.0.0.1:40000 and 10.0.0.2:80"))
    assert "{" not in text
    assert "exchanged segments" not in text


def test_an_opening_that_is_not_known():
    assert told(opened=None).startswith("10.0.0.1:40000 and 10.0.0.2:80 exchanged segments.")


def test_guessed_roles_are_said():
    assert "who is client and who server is guessed" in told(roles="guessed")


def test_the_verdict_of_the_replay_takes_the_place_of_our_words():
    note = "Opened by a three-way handshake (frames 1, 2, 3). The server aborted it (RST in frame 9)."
    assert told(note=note).startswith(
        f"10.0.0.1:40000 is the client, 10.0.0.2:80 the server. {note} The client offered"
    )
    assert "closed it first" not in told(note=note)
    assert "is guessed). " in told(note=note, roles="guessed")


def test_a_guess_is_said_once():
    note = "Begun before the capture: client and server are a guess."
    assert told(note=note, roles="guessed", opened="midstream").count("guess") == 1


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("server", "The server closed it first (data after close)."),
        ("both", "Both closed it at the same time (data after close)."),
        ("none", "It ended thus: data after close."),
        (None, "It ended thus: data after close."),
    ],
)
def test_without_a_verdict_the_words_of_the_table_do(who, words):
    assert words in told(closed_by=who, close_reason="data_after_close")


def test_an_end_of_which_nothing_is_known():
    assert "ended" not in told(closed_by=None, close_reason=None)


def test_what_the_syns_offered():
    assert " The client offered MSS 1460, SACK. It carried" in told()
    both = {f"{side}_{name}": value for side in ("client", "server") for name, value in
            {"mss": 1460, "window_scale": 7, "sack": True, "timestamps": True}.items()}  # fmt: skip
    assert " Both offered MSS 1460, window scale 7, SACK, timestamps. " in told(**both)
    other = {**both, "server_mss": 536, "server_window_scale": None, "server_sack": False, "server_timestamps": False}
    assert " The client offered MSS 1460, window scale 7, SACK, timestamps; the server offered MSS 536. " in told(
        **other
    )
    assert "; the server offered no options. " in told(**{**other, "server_mss": None})


def test_a_syn_that_was_not_captured_offers_nothing():
    assert "offered" not in told(client_sack=None, client_mss=None)


def test_what_was_carried():
    assert "It carried 1.5 kB from the client and 2 B from the server in 0.080 s." in told(
        client_bytes=1500, server_bytes=2
    )
    assert "carried" not in told(client_bytes=0)
    assert "; the client sent 3 segments again." in told(client_retransmissions=3)
    assert "; the client sent 1 segment again and the server sent 2 segments again." in told(
        client_retransmissions=1, server_retransmissions=2
    )


def test_what_is_only_presumed_is_marked():
    assert "The client is left in TIME_WAIT." in told()
    assert "left in CLOSED, as it seems." in told()


def test_both_sides_in_one_state_are_told_together():
    assert told(client_state="ESTABLISHED", server_state="ESTABLISHED").endswith("Both sides are left in ESTABLISHED.")
    assert told(client_state=None, server_state=None).endswith("The server's state is not known.")


def test_a_side_of_which_nothing_is_known():
    assert told(server_state=None).endswith("The server's state is not known.")


def test_a_later_timer_says_nothing_about_the_state_at_the_end():
    rows = four_way_close()
    rows["timeline"] = [step("client", 7, 70, "FIN_WAIT_2", "rcv FIN", "TIME_WAIT", "presumed"), rows["timeline"][5]]
    assert "The client is left in TIME_WAIT, as it seems." in story(Capture(a_pass(rows)).flow(0))


def test_for_how_long_a_program_has_not_closed():
    rows = four_way_close()
    rows["flows"] = [flow_row(server_state="CLOSE_WAIT", close_reason="half_closed", end=millis(60))]
    rows["timeline"] = [step("server", 5, 60, "ESTABLISHED", "rcv FIN", "CLOSE_WAIT", "confirmed", latest=millis(61))]
    made = a_pass(rows)
    assert "The server is left in CLOSE_WAIT, for at least 0.019 s." in story(Capture(made).flow(0))
    later = Capture(replace(made, last_time=millis(3_500_000)))
    assert "left in CLOSE_WAIT, for at least 58 min: its program has not closed." in story(later.flow(0))


def test_that_its_ports_were_used_again():
    rows = four_way_close()
    rows["flows"] = [flow_row(0), flow_row(1, client_port=40_000, start=millis(1080))]
    first, second = Capture(a_pass(rows))
    assert story(first).endswith(
        " Its addresses and ports were used again 1.000 s after its last segment (flow 1), when the client was in "
        "TIME_WAIT."
    )
    assert "used again" not in story(second)


def test_ports_that_were_used_again_after_time_wait():
    rows = four_way_close()
    rows["flows"] = [flow_row(0), flow_row(1, client_port=40_000, start=millis(120_080))]
    assert story(Capture(a_pass(rows)).flow(0)).endswith(" 2 min after its last segment (flow 1).")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (3_400_000, "3.4 MB"),
        (12 * 10**9, "12.0 GB"),
        (5 * 10**12, "5.0 TB"),
    ],
)
def test_octets_for_people(number, text):
    assert octets(number) == text
