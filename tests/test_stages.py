"""The stages one by one: ``replay(parse(path))`` is ``read(path)``."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from conftest import SAMPLES
from hypothesis import given
from hypothesis import strategies as st

import pcapstate as ps
from pcapstate import stages
from pcapstate.schema import FLAG_NAMES, TABLES
from pcapstate.stages import PARSED, REQUIRED, flag_bits, flag_text

SAMPLE_FILES = sorted(SAMPLES.glob("*.pcap"))


@pytest.fixture(scope="module")
def parsed():
    return ps.parse(SAMPLES / "handshake_and_close.pcap")


def assert_same_tables(first, second, but=()):
    for name in TABLES:
        pd.testing.assert_frame_equal(
            getattr(first, name).drop(columns=[*but], errors="ignore"),
            getattr(second, name).drop(columns=[*but], errors="ignore"),
        )


# --- both stages -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SAMPLE_FILES, ids=lambda path: path.stem)
def test_parse_and_replay_is_read(path):
    assert_same_tables(ps.replay(ps.parse(path)), ps.read(path))


def test_the_compiled_kernels_give_the_same(parsed, monkeypatch):
    interpreted = ps.replay(parsed)
    monkeypatch.setattr(stages, "worth_compiling", lambda packets: True)
    assert_same_tables(ps.replay(parsed), interpreted)


@pytest.mark.parametrize("size", [1, 3])
def test_chunks_make_no_difference(parsed, monkeypatch, size):
    whole = ps.replay(parsed)
    monkeypatch.setattr(stages, "CHUNK", size)
    assert_same_tables(ps.replay(parsed), whole)


def test_msl_is_that_of_read(parsed):
    waits = ps.replay(parsed, msl=5).timeline
    assert waits[waits.event == "2MSL"].dwell.tolist() == pytest.approx([10.0])


def test_facts_of_the_capture(parsed):
    capture = ps.replay(parsed)
    assert capture.packets == len(parsed)
    assert capture.files == (str(SAMPLES / "handshake_and_close.pcap"),)
    assert capture.start == parsed.time.min()
    assert capture.name == "capture"


# --- parse -----------------------------------------------------------------------------------------------------


def test_segments_have_the_columns_and_dtypes_of_the_schema(parsed):
    assert tuple(parsed.columns) == PARSED.names
    assert {name: str(parsed[name].dtype) for name in parsed} == {c.name: c.dtype for c in PARSED.columns}


def test_what_a_handshake_parses_to(parsed):
    syn, syn_ack, ack = (parsed.iloc[row] for row in range(3))
    assert [row["flags"] for row in (syn, syn_ack, ack)] == ["SYN", "SYN,ACK", "ACK"]
    assert (syn.src, syn.dst) == (syn_ack.dst, syn_ack.src) == ("10.77.0.1", "10.77.0.2")
    assert syn_ack.ack_raw == syn.seq_raw + 1
    assert (syn.mss, syn.sack_permitted) == (1460, 1)
    assert pd.isna(ack.mss)


def test_sack_blocks_are_text():
    sacks = ps.parse(SAMPLES / "lost_data.pcap").sack.dropna()
    assert len(sacks) > 0
    assert sacks.str.fullmatch(r"\d+-\d+(,\d+-\d+){0,3}").all()


def test_problems_are_told(tmp_path):
    whole = (SAMPLES / "handshake_and_close.pcap").read_bytes()
    (tmp_path / "cut.pcap").write_bytes(whole[:-5])
    made = ps.parse(tmp_path / "cut.pcap")
    assert len(made) == len(ps.parse(SAMPLES / "handshake_and_close.pcap")) - 1
    assert len(made.attrs["problems"]) == 1


def test_no_such_file():
    with pytest.raises(ps.CaptureError, match=r"nothing\.pcap"):
        ps.parse("nothing.pcap")


# --- replay ----------------------------------------------------------------------------------------------------


def by_hand():
    """A handshake written by hand, with only the columns that must be there."""
    client, server = ("2001:db8::1", 5000), ("2001:db8::2", 80)
    rows = [
        (0, *client, *server, 100, "SYN", 0),
        (10, *server, *client, 300, "SYN,ACK", 101),
        (12, *client, *server, 101, "ACK", 301),
    ]
    names = ["ms", "src", "src_port", "dst", "dst_port", "seq_raw", "flags", "ack_raw"]
    made = pd.DataFrame(rows, columns=names)
    return made.assign(time=pd.Timestamp("2026-01-01") + pd.to_timedelta(made.pop("ms"), unit="ms"))


def test_segments_made_by_hand():
    capture = ps.replay(by_hand())
    flow = capture.flow(0)
    assert (flow.client.endpoint, flow.server.endpoint) == ("[2001:db8::1]:5000", "[2001:db8::2]:80")
    assert flow.client.states == ("CLOSED", "SYN_SENT", "ESTABLISHED")
    assert flow.server.states == ("CLOSED", "LISTEN", "SYN_RECEIVED", "ESTABLISHED")
    assert capture.segments.frame.tolist() == [1, 2, 3]
    assert flow.start == pd.Timestamp("2026-01-01", tz="UTC")


@pytest.mark.parametrize(
    "change",
    [
        lambda made: made.assign(time=made.time.dt.tz_localize("UTC")),
        lambda made: made.assign(time=made.time.dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin")),
        lambda made: made.assign(time=made.time.dt.as_unit("ns").astype("int64")),
        lambda made: made.assign(time=made.time.dt.as_unit("ms")),
        lambda made: made.assign(src=made.src.astype("category"), flags=made["flags"].astype("string")),
        lambda made: made.set_index(pd.Index([7, 8, 9])),
        lambda made: made[list(reversed(made.columns))],
    ],
    ids=["utc", "berlin", "nanoseconds", "milliseconds", "dtypes", "index", "order"],
)
def test_the_same_segments_in_other_dress(change):
    assert_same_tables(ps.replay(change(by_hand())), ps.replay(by_hand()))


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.pcap")), ids=lambda path: path.stem)
def test_segments_may_come_out_of_a_csv_and_in_any_order(path):
    """Their frames say what came first; without them, their times do."""
    segments = ps.parse(path)
    whole = ps.replay(segments)
    shuffled = segments.sample(frac=1, random_state=3)
    text = io.StringIO(shuffled.to_csv())
    for other in (shuffled, shuffled.drop(columns="frame"), pd.read_csv(text)):
        assert_same_tables(ps.replay(other), whole)


def test_frames_go_before_times():
    """A clock that was set back changes no order; who gives no frames has no other order than the clock's."""
    made = by_hand()
    made.loc[1, "time"] = made.time[0] - pd.Timedelta("1s")
    numbered = made.assign(frame=[1, 2, 3])
    assert ps.replay(numbered).segments["flags"].tolist() == ["SYN", "SYN,ACK", "ACK"]
    assert ps.replay(numbered.iloc[::-1]).segments["flags"].tolist() == ["SYN", "SYN,ACK", "ACK"]
    by_time = ps.replay(made).segments
    assert by_time["flags"].tolist() == ["SYN,ACK", "SYN", "ACK"]
    assert by_time.frame.tolist() == [1, 2, 3]


def test_captures_that_were_put_together_go_by_their_times():
    """Their frames are numbered twice."""
    first = by_hand().assign(frame=[1, 2, 3])
    second = first.assign(src_port=first.src_port.replace(5000, 5001), dst_port=first.dst_port.replace(5000, 5001))
    both = ps.replay(pd.concat([first, second.assign(time=second.time + pd.Timedelta("5ms"))]))
    assert len(both) == 2
    assert both.segments.time.is_monotonic_increasing
    assert [flow.opened for flow in both] == ["three_way", "three_way"]


def test_a_segment_without_flags_out_of_a_csv():
    made = by_hand()
    made.loc[2, "flags"] = ""
    again = pd.read_csv(io.StringIO(made.to_csv(index=False)))
    assert again["flags"].isna().any()
    assert_same_tables(ps.replay(again), ps.replay(made))


@pytest.mark.parametrize("what", [None, [1], "x.pcap"])
def test_what_is_no_dataframe(what):
    with pytest.raises(TypeError, match="segments are a DataFrame like that of parse, not"):
        ps.replay(what)


def test_a_lifetime_that_is_none():
    with pytest.raises(ValueError, match="msl '30'"):
        ps.replay(by_hand(), msl="30")


def test_a_segment_may_be_left_out(parsed):
    """Without the SYN,ACK the client cannot be seen to get there by it."""
    capture = ps.replay(parsed[parsed["flags"] != "SYN,ACK"])
    assert len(capture) == 1
    assert capture.segments.frame.tolist() == parsed.frame[parsed["flags"] != "SYN,ACK"].tolist()


def test_no_segments_no_flows(parsed):
    capture = ps.replay(parsed.iloc[:0])
    assert len(capture) == 0
    assert capture.duration == 0


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_column_is_named(parsed, name):
    with pytest.raises(ValueError, match=f"missing: {name}"):
        ps.replay(parsed.drop(columns=name))


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("src", "nowhere", "does not appear to be an IPv4"),
        ("flags", "SYN,FLY", "no flag of TCP: FLY"),
        ("dst", None, "no dst"),
        ("time", "yesterday", "'yesterday' is no time of a segment"),
        ("time", None, "no time"),
    ],
)
def test_what_makes_no_sense_is_said(column, value, message):
    made = by_hand()
    made[column] = made[column].astype(object)
    made.loc[1, column] = value
    with pytest.raises(ValueError, match=message):
        ps.replay(made)


def test_numbers_with_a_point_are_no_times():
    """Seconds since 1970, or since the first frame? It is not guessed."""
    with pytest.raises(ValueError, match="times of segments are datetimes"):
        ps.replay(by_hand().assign(time=[0.0, 0.01, 0.012]))


# --- flags -----------------------------------------------------------------------------------------------------


@given(st.integers(0, 0x1FF))
def test_flags_by_name_and_back(bits):
    assert flag_bits(flag_text(bits)) == bits


@pytest.mark.parametrize(
    ("bits", "text"), [(0, ""), (0x02, "SYN"), (0x12, "SYN,ACK"), (0x11, "FIN,ACK"), (0x18, "PSH,ACK")]
)
def test_flags_stand_as_in_the_rfcs_figures(bits, text):
    assert flag_text(bits) == text


def test_flags_may_come_in_any_order():
    assert flag_bits("ACK,SYN") == flag_bits("SYN,ACK") == 0x12
    assert flag_bits(",".join(FLAG_NAMES)) == 0x1FF
