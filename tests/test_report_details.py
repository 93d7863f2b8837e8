"""One connection in full: filters that Wireshark takes, facts, transitions, notes."""

from __future__ import annotations

import re
import subprocess

import pytest
from conftest import SAMPLES
from making import a_pass, flow_row, four_way_close
from report_data import Page

import pcapstate as ps
from pcapstate.capture import Capture
from pcapstate.report import details as told


def frames_of(tshark, path, display_filter):
    command = [tshark, "-n", "-r", str(path), "-Y", display_filter, "-T", "fields", "-e", "frame.number"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [int(line) for line in done.stdout.split()]


@pytest.fixture
def flow(capture):
    return capture.flow(0)


def changed(**facts):
    rows = four_way_close()
    rows["flows"] = [flow_row(**facts)]
    return Capture(a_pass(rows)).flow(0)


def test_the_order_of_a_section(flow):
    page = Page(told.details(flow, 1))
    places = [page.text.index(word) for word in ("Flow 0:", flow.story(), "tcp.stream", "packets", "States", "Ladder",
                                                 "Windows", "Timeline", "Stalls", "refuted")]  # fmt: skip
    assert places == sorted(places)


def test_stalls_come_with_the_longest_first(monkeypatch):
    rows = four_way_close()
    one = rows["stalls"][0]
    rows["stalls"] = [one, {**one, "duration": 0.5, "cause": "zero_window", "detail": ""}]
    page = Page(told.details(Capture(a_pass(rows)).flow(0), 1))
    zero = "0.500 s: client, a zero window of the server (frames 4 to 5)"
    assert page.text.index(zero) < page.text.index("0.020 s: client, its program, which was idle (frames 4 to 5)")
    monkeypatch.setattr(told, "MOST_STALLS", 1)
    page = Page(told.details(Capture(a_pass(rows)).flow(0), 1))
    assert "and 1 shorter in the table stalls" in page.text


def test_a_flow_without_stalls():
    rows = four_way_close()
    rows["stalls"] = []
    assert "Stalls" not in Page(told.details(Capture(a_pass(rows)).flow(0), 1)).text


def test_transition_frames(flow):
    assert told.transition_frames(flow) == [1, 2, 3, 5, 6, 7, 8]


def test_transition_frames_of_a_flow_with_a_great_many(monkeypatch, flow):
    monkeypatch.setattr(told, "MOST_FRAMES", 3)
    assert told.transition_frames(flow) == [1, 2, 3]


def test_the_filter_of_endpoints(flow):
    assert told.endpoints_filter(flow) == (
        "ip.addr eq 10.0.0.1 and ip.addr eq 10.0.0.2 and tcp.port eq 40000 and tcp.port eq 80"
        " and frame.number >= 1 and frame.number <= 8"
    )


@pytest.mark.parametrize("name", ["handshake_and_close", "port_reuse_in_time_wait", "listener_restart_reuseaddr"])
def test_wireshark_takes_the_filters(tshark, name):
    path = SAMPLES / f"{name}.pcap"
    for flow in ps.read(path):
        frames = flow.segments["frame"].tolist()
        assert frames_of(tshark, path, told.endpoints_filter(flow)) == frames
        assert frames_of(tshark, path, f"tcp.stream eq {flow.stream}") == frames
        wanted = told.transition_frames(flow)
        assert frames_of(tshark, path, f"frame.number in {{{', '.join(map(str, wanted))}}}") == wanted


def test_the_files_are_named_where_there_are_several(flow):
    assert "x.pcap" not in Page(told.details(flow, 1)).text
    assert "in /captures/x.pcap" in Page(told.details(flow, 2)).text


def test_of_several_files_the_filters_are_for_the_one_that_wireshark_has_open(tshark):
    """Its frames are counted from its own first, and its streams are its own."""
    names = ("half_close", "handshake_and_close", "lost_last_ack")
    cap = ps.read([SAMPLES / f"{name}.pcap" for name in names])
    for flow in cap:
        text = Page(told.details(flow, 3)).text
        assert "tcp.stream" not in text
        (path,) = (SAMPLES / f"{name}.pcap" for name in names if f"{name}.pcap" in text)
        shown = re.search(r"in Wireshark (ip.addr .*?) what changed a state (frame.number in \{.*?\})", text)
        frames = flow.segments["file_frame"].tolist()
        assert frames_of(tshark, path, shown[1]) == frames
        assert set(frames_of(tshark, path, shown[2])) <= set(frames)
        assert len(frames_of(tshark, path, shown[2])) == len(told.transition_frames(flow))


def test_a_connection_in_several_files_is_found_in_all_of_them_merged(tmp_path):
    whole = (SAMPLES / "handshake_and_close.pcap").read_bytes()
    third = 24 + sum(16 + length for length in (74, 74, 66))
    (tmp_path / "a.pcap").write_bytes(whole[:third])
    (tmp_path / "b.pcap").write_bytes(whole[:24] + whole[third:])
    (flow,) = ps.read([tmp_path / "a.pcap", tmp_path / "b.pcap"])
    text = Page(told.details(flow, 2)).text
    assert "in Wireshark tcp.stream eq 0 or ip.addr" in text
    assert "a.pcap, " in text
    assert "b.pcap merged in the order of time" in text


def test_facts_of_both_sides():
    flow = changed(
        client_window_min=500, client_window_max=64_000, client_zero_windows=2, client_zero_window_time=1.5,
        client_lost_before=1, client_lost_after=2, client_sack=True, server_sack=False, client_window_scale=7,
        server_timestamps=None, rtt_server=0.0123, server_limited_by="receive_window 80 %",
    )  # fmt: skip
    rows = Page(told._facts(flow)).text.replace("\N{EN DASH}", "-")
    assert "client 100 B 4 0 1 / 2 1460 7 yes - 500 B to 64.0 kB 2 segments, 1.500 s - -" in rows
    assert "server 0 B 3 0 0 / 0 - - no - - 0 12.300 ms receive window 80 %" in rows


def test_transitions_stand_in_the_order_of_time(flow):
    text = Page(told._timeline(flow)).text
    frames = [text.index(word) for word in ("snd SYN", "rcv SYN ", "rcv SYN,ACK", "snd FIN", "2MSL")]
    assert frames == sorted(frames)
    assert "0.010000 2 client SYN_SENT rcv SYN,ACK ESTABLISHED confirmed 0.010000 0.011000 3" in text


def test_a_timer_has_no_frame_and_a_presumption_no_end(flow):
    text = Page(told._timeline(flow)).text
    assert "60.070000 client TIME_WAIT 2MSL CLOSED timer 60.070000" in text
    assert "0.060000 6 client FIN_WAIT_1 rcv ACK of FIN FIN_WAIT_2 presumed 0.060000" in text


def test_a_side_picked_up_in_mid_stream():
    rows = four_way_close()
    rows["timeline"] = [{**rows["timeline"][0], "from_state": None, "event": "seen", "earliest": None}]
    assert "client seen SYN_SENT sent" in Page(told._timeline(Capture(a_pass(rows)).flow(0))).text


def test_no_notes_no_list():
    rows = four_way_close()
    rows["notes"] = []
    assert told._notes(Capture(a_pass(rows)).flow(0)) == ""


def test_many_notes_are_counted():
    rows = four_way_close()
    rows["notes"] = [{"frame": k, "flow": 0, "kind": "refuted", "text": f"Number {k}."} for k in range(1, 31)]
    text = Page(told._notes(Capture(a_pass(rows)).flow(0))).text
    assert "refuted (frame 12): Number 12." in text
    assert "Number 13." not in text
    assert "and 18 more in the table notes" in text
    # Under a title of their own: stalls, a list too, come before them.
    assert text.startswith("Notes")


def test_a_note_may_have_nothing_but_its_kind():
    bare = {"frame": None, "side": None, "kind": None, "text": None}
    assert Page(told.note_item(bare)).text == "note:"


def test_tables_are_made_once(flow, monkeypatch):
    held = told.Held(flow)
    assert held.segments is held.segments
    assert held.windows is held.windows
    assert held.timeline is held.timeline
    assert held.number == 0
