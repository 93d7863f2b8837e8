"""What the comments say, on which frames, and that a capture with them is still the same capture."""

from __future__ import annotations

import io
import os
import struct

import pytest
from conftest import SAMPLES
from containers_made import enhanced, interface, pcap, record, section
from making import a_pass, flow_row, millis, step
from test_copying import commented

import pcapstate as ps
from pcapstate import annotate as module
from pcapstate.annotate import Remarks, annotate, check_target
from pcapstate.capture import Capture
from pcapstate.kernels import INTERPRETED
from pcapstate.parser.reader import Reader
from pcapstate.parser.sources import CaptureError


def said(capture, labels=False, flows=None, last=10**9):
    """All comments of a capture, frame by frame."""
    found = {}
    for frame, text in zip(*Remarks(capture, flows, labels=labels).until(last), strict=True):
        found.setdefault(frame, []).append(text.removeprefix("pcapstate: "))
    return found


def with_frames(rows):
    """The rows of `making.four_way_close`, of which the flow knows its frames."""
    return {**rows, "flows": [flow_row(first_frame=1, last_frame=8, note="Closed at leisure.")]}


@pytest.fixture
def closed(rows):
    """A connection with a handshake, a request and a close."""
    return Capture(a_pass(with_frames(rows)))


def test_each_transition_is_told_on_its_frame(closed):
    assert said(closed) == {
        1: [
            "flow 0 client CLOSED -> SYN_SENT (snd SYN)",
            "flow 0 server LISTEN -> SYN_RECEIVED (rcv SYN; confirmed by frame 2)",
        ],
        2: ["flow 0 client SYN_SENT -> ESTABLISHED (rcv SYN,ACK; confirmed by frame 3)"],
        3: ["flow 0 server SYN_RECEIVED -> ESTABLISHED (rcv ACK of SYN; confirmed by frame 6)"],
        5: [
            "flow 0 client ESTABLISHED -> FIN_WAIT_1 (snd FIN)",
            "flow 0 server ESTABLISHED -> CLOSE_WAIT (rcv FIN; confirmed by frame 6)",
        ],
        6: ["flow 0 client FIN_WAIT_1 -> FIN_WAIT_2 (rcv ACK of FIN; presumed)"],
        7: [
            "flow 0 client FIN_WAIT_2 -> TIME_WAIT (rcv FIN; confirmed by frame 8)",
            "flow 0 server CLOSE_WAIT -> LAST_ACK (snd FIN)",
        ],
        8: [
            "flow 0 server LAST_ACK -> CLOSED (rcv ACK of FIN; presumed)",
            "flow 0 client TIME_WAIT -> CLOSED (2MSL; a timer, 60.000 s after it came to TIME_WAIT)",
            "flow 0 closed by client (fin). Closed at leisure.",
        ],
    }


def test_comments_come_as_far_as_frames_are_asked_for(closed, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 3)
    remarks = Remarks(closed, None, labels=False)
    parts = [remarks.until(frame) for frame in (1, 4, 4, 6, 100)]
    assert [frames for frames, _ in parts] == [[1, 1], [2, 3], [], [5, 5, 6], [7, 7, 8, 8, 8]]
    whole = Remarks(closed, None, labels=False).until(100)
    assert [text for _, texts in parts for text in texts] == whole[1]
    assert len(remarks) == 12


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (step("client", 1, 0, "", "seen", "ESTABLISHED"), "flow 0 client found in ESTABLISHED (seen)"),
        (
            step("client", 1, 0, "LAST_ACK", "rcv ACK of FIN", "CLOSED", "deduced", proof=4, note="It came late."),
            "flow 0 client LAST_ACK -> CLOSED (rcv ACK of FIN; deduced by frame 4). It came late.",
        ),
        (
            step("server", None, 9, "TIME_WAIT", "2MSL", "CLOSED", "timer", dwell=None, note="It began anew."),
            "flow 0 server TIME_WAIT -> CLOSED (2MSL; a timer). It began anew.",
        ),
    ],
)
def test_rarer_transitions(row, text):
    capture = Capture(a_pass({"flows": [flow_row(last_frame=1)], "timeline": [row]}))
    assert said(capture)[1][0] == text


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"closed_by": "server", "close_reason": "abort"}, "flow 0 closed by server (abort)"),
        ({"closed_by": "both", "close_reason": "fin"}, "flow 0 closed by both (fin)"),
        ({"closed_by": "none", "close_reason": "still_open"}, "flow 0 still_open"),
        ({"closed_by": None, "close_reason": None}, "flow 0 not known how it ended"),
    ],
)
def test_the_verdict_is_on_the_last_frame(facts, text):
    assert said(Capture(a_pass({"flows": [flow_row(last_frame=5, **facts)]}))) == {5: [text]}


def test_only_some_connections():
    flows = [flow_row(0, last_frame=3), flow_row(1, last_frame=4), flow_row(2, last_frame=5)]
    timeline = [step("client", number + 1, 0, "CLOSED", "snd SYN", "SYN_SENT", flow=number) for number in range(3)]
    capture = Capture(a_pass({"flows": flows, "timeline": timeline}))
    assert sorted(said(capture, flows=[2])) == [3, 5]
    assert sorted(said(capture, flows=[0, 1])) == [1, 2, 3, 4]
    assert said(capture, flows=[]) == {}


def test_labels_stalls_and_zero_windows_on_wish(rows):
    rows = with_frames(rows)
    rows["segments"][3] |= {"label": "retransmission", "cause": "fast", "proof": 3}
    rows["segments"][4] |= {"label": "window_probe"}
    rows["windows"] = [
        {"flow": 0, "side": "server", "frame": 4, "time": millis(20), "window": 0, "state": "zero"},
        {"flow": 0, "side": "server", "frame": 6, "time": millis(2520), "window": 9, "state": "open"},
        {"flow": 0, "side": "client", "frame": 7, "time": millis(2530), "window": 0, "state": "zero"},
    ]
    found = said(Capture(a_pass(rows)), labels=True)
    assert found[4] == [
        "flow 0 client retransmission (fast; shown by frame 3)",
        "flow 0 server zero window, until frame 6",
    ]
    assert found[5][-2:] == [
        "flow 0 client window_probe",
        "flow 0 client stalled for 0.020 s on its program, which was idle (frames 4 to 5)",
    ]
    assert found[6][-1] == "flow 0 server window open again, after 2.500 s, probed once"
    assert "flow 0 client zero window, to the end" in found[7]
    assert found[8][-1].startswith("flow 0 closed by client")


# --- whole captures --------------------------------------------------------------------------------------------


def packets(source):
    return [
        (each.frame, each.time, each.link, each.wire, each.octets)
        for each in Reader(source, speed=INTERPRETED).packets()
    ]


@pytest.mark.parametrize("name", ["lost_last_ack", "slow_reader_zero_window", "listener_restart_reuseaddr"])
def test_a_capture_with_comments_is_the_same_capture(name, tmp_path):
    path, target = SAMPLES / f"{name}.pcap", tmp_path / "y.pcapng"
    capture = ps.read(path)
    comments = capture.annotate(target, labels=True)
    assert packets(target) == packets(path)
    again = ps.read(target)
    for table in ("flows", "timeline", "windows", "stalls"):
        assert again.table(table).equals(capture.table(table))
    assert sum(map(len, commented(target.read_bytes()))) == comments


def test_the_comments_of_a_copy_stay_when_it_is_copied_again(tmp_path):
    first, second = tmp_path / "1.pcapng", tmp_path / "2.pcapng"
    comments = ps.read(SAMPLES / "refused_port.pcap").annotate(first)
    ps.read(first).annotate(second)
    once, twice = (commented(path.read_bytes()) for path in (first, second))
    assert twice == [each + each for each in once]
    assert sum(map(len, once)) == comments


def test_several_files_have_the_frames_of_the_tables(tmp_path):
    files = [str(SAMPLES / f"{name}.pcap") for name in ("refused_port", "half_close")]
    capture = ps.read(files)
    capture.annotate(tmp_path / "y.pcapng")
    made = commented((tmp_path / "y.pcapng").read_bytes())
    for row in capture.timeline.dropna(subset=["frame"]).itertuples():
        assert any(f"flow {row.flow} {row.side} " in text and row.to_state in text for text in made[row.frame - 1])
    assert ps.read(tmp_path / "y.pcapng").timeline.equals(capture.timeline)


def test_a_stream_is_written_to_as_it_is():
    written = io.BytesIO()
    capture = ps.read(SAMPLES / "refused_port.pcap")
    assert annotate(capture, written, flows=[]) == 0
    assert struct.unpack_from("<I", written.getvalue()) == (0x0A0D0D0A,)
    assert len(commented(written.getvalue())) == capture.packets


def test_without_any_connection(tmp_path):
    (tmp_path / "x.pcap").write_bytes(pcap(record()))
    assert ps.read(tmp_path / "x.pcap").annotate(tmp_path / "y.pcapng") == 0
    assert packets(tmp_path / "y.pcapng") == packets(tmp_path / "x.pcap")


def test_what_was_read_from_a_pipe_cannot_be_copied(tmp_path):
    capture = ps.read(io.BytesIO((SAMPLES / "refused_port.pcap").read_bytes()))
    with pytest.raises(CaptureError, match="cannot be read a second time: only files can"):
        capture.annotate(tmp_path / "y.pcapng")
    with pytest.raises(CaptureError, match="cannot be read a second time"):
        ps.replay(ps.parse(SAMPLES / "refused_port.pcap")).annotate(tmp_path / "y.pcapng")
    assert os.listdir(tmp_path) == []


def test_the_capture_itself_is_never_written_to(tmp_path):
    path = tmp_path / "x.pcapng"
    path.write_bytes(section() + interface() + enhanced())
    (tmp_path / "link.pcapng").symlink_to(path)
    before = path.read_bytes()
    for target in (path, tmp_path / "link.pcapng", str(path)):
        with pytest.raises(ValueError, match="is the capture itself"):
            ps.read(path).annotate(target)
    with pytest.raises(ValueError, match="is the capture itself"):
        ps.read(tmp_path).annotate(path)
    assert path.read_bytes() == before
    check_target([str(path), str(tmp_path / "gone")], tmp_path / "another")


def test_a_capture_that_changes_meanwhile_leaves_the_old_file(tmp_path, monkeypatch):
    path, target = tmp_path / "x.pcap", tmp_path / "y.pcapng"
    path.write_bytes(pcap(record(), record()))
    target.write_bytes(b"old")
    capture = ps.read(path)
    path.write_bytes(pcap(record()))
    with pytest.raises(CaptureError, match="has changed since it was read"):
        capture.annotate(target)
    monkeypatch.setattr(Capture, "given", lambda self: path)  # it changes after that was looked at
    with pytest.raises(CaptureError, match="has changed since it was read"):
        capture.annotate(target)
    assert target.read_bytes() == b"old"
    assert sorted(os.listdir(tmp_path)) == ["x.pcap", "y.pcapng"]


def test_a_damaged_capture_is_copied_up_to_there(tmp_path):
    data = (SAMPLES / "half_close.pcap").read_bytes()
    (tmp_path / "x.pcap").write_bytes(data[:-9])
    capture = ps.read(tmp_path / "x.pcap")
    capture.annotate(tmp_path / "y.pcapng")
    assert len(packets(tmp_path / "y.pcapng")) == capture.packets
    assert ps.read(tmp_path / "y.pcapng").problems == ()
