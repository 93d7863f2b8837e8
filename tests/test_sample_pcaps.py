"""The samples hold what their README says, and the modules that make them do what they say."""

from __future__ import annotations

import os
import random
import re
import socket
import struct
import sys
from itertools import chain
from pathlib import Path

import dpkt
import pytest
from conftest import SAMPLES as FOLDER

sys.path.insert(0, str(FOLDER))  # the folder is a set of scripts, not a package

import kernel_truth
import readme
import samples
import true_states
import wire
from true_states import read_lives

NAMES = sorted(path.stem for path in FOLDER.glob("*.pcap"))
README = (FOLDER / "README.md").read_text(encoding="utf-8")
WANTED = {
    "handshake_and_close", "refused_port", "slow_reader_zero_window", "active_close_time_wait",
    "passive_close_time_wait", "lost_last_ack", "half_close", "shutdown_rd", "shutdown_wr", "shutdown_rdwr",
    "close_with_data_coming", "reset_by_abort", "port_reuse_in_time_wait", "listener_restart_reuseaddr",
    "simultaneous_open", "simultaneous_close",
}


def readme_row(name: str) -> list[str]:
    """The cells of the row that introduces a sample."""
    rows = [line for line in README.splitlines() if line.startswith(f"| [{name}]({name}.pcap) |")]
    assert len(rows) == 1
    return [cell.strip() for cell in rows[0].strip("|").split("|")]


def states(name: str) -> dict[str, list[list[str]]]:
    """{"C": states of each life of the client, "S": of the server}"""
    found: dict[str, list[list[str]]] = {"C": [], "S": []}
    for (host, _, _), lives in sorted(read_lives(FOLDER / f"{name}.truth.csv").items()):
        found[host] += [[state for _, state in life] for life in lives]
    return found


# The folder ---------------------------------------------------------------------------------------------------------


def test_every_promised_sample_is_there() -> None:
    assert set(NAMES) >= WANTED
    assert sorted(one.name for one in samples.SAMPLES) == NAMES


def test_all_captures_and_truths_are_under_a_megabyte() -> None:
    assert 0 < sum(path.stat().st_size for path in FOLDER.iterdir() if path.is_file()) < 1_000_000


@pytest.mark.parametrize("name", NAMES)
def test_capture_has_its_truth_and_its_row(name: str) -> None:
    assert (FOLDER / f"{name}.truth.csv").read_text().startswith(kernel_truth.COLUMNS + "\n")
    assert len(readme_row(name)) == 4


@pytest.mark.parametrize("name", NAMES)
def test_capture_is_nanosecond_ethernet_that_dpkt_reads(name: str) -> None:
    data = (FOLDER / f"{name}.pcap").read_bytes()
    assert struct.unpack_from("<I", data)[0] == 0xA1B23C4D
    with (FOLDER / f"{name}.pcap").open("rb") as file:
        packets = list(dpkt.pcap.Reader(file))
    assert packets
    assert all(isinstance(dpkt.ethernet.Ethernet(frame).data.data, dpkt.tcp.TCP) for _, frame in packets)
    assert [when for when, _ in packets] == sorted(when for when, _ in packets)


@pytest.mark.parametrize("name", NAMES)
def test_capture_holds_the_segments_of_its_readme_row(name: str) -> None:
    found = readme.count_kinds(readme.read_segments(FOLDER / f"{name}.pcap"))
    claims = re.findall(r"((?:client|server) [\w ,]+?): (\d+)", readme_row(name)[3])
    assert claims
    for kind, number in claims:
        assert kind.split(" ", 1)[1] in readme.KINDS
        assert found[kind] == int(number), kind


def test_readme_says_what_truth_and_captures_say_today() -> None:
    assert readme.render(FOLDER) == README


@pytest.mark.parametrize("name", NAMES)
def test_truth_and_capture_tell_of_the_same_time(name: str) -> None:
    """One clock: every change of state lies within the capture, but for the ends that leave no packet."""
    with (FOLDER / f"{name}.pcap").open("rb") as file:
        times = [when for when, _ in dpkt.pcap.Reader(file)]
    starts = [life[1][0] / 1e9 for lives in read_lives(FOLDER / f"{name}.truth.csv").values() for life in lives]
    assert starts
    assert all(float(times[0]) - 0.1 < start < float(times[-1]) + 0.1 for start in starts)


# What the kernels said ----------------------------------------------------------------------------------------------

ACTIVE = ["CLOSED", "SYN_SENT", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT"]
PASSIVE = ["LISTEN", "SYN_RECEIVED", "ESTABLISHED", "CLOSE_WAIT", "LAST_ACK", "CLOSED"]


@pytest.mark.parametrize("name", ["handshake_and_close", "lost_last_ack", "half_close", "shutdown_wr", "lost_data"])
def test_client_that_closes_first_ends_in_time_wait(name: str) -> None:
    assert states(name) == {"C": [ACTIVE], "S": [PASSIVE]}


def test_time_wait_lasts_two_msl() -> None:
    lives = read_lives(FOLDER / "active_close_time_wait.truth.csv")
    life = next(lives[key][0] for key in lives if key[0] == "C")
    assert [state for _, state in life] == [*ACTIVE, "CLOSED"]
    assert life[-1][0] - life[-2][0] == pytest.approx(60e9, rel=0.05)


def test_server_that_closes_first_waits_in_its_place() -> None:
    assert states("passive_close_time_wait")["S"] == [["LISTEN", "SYN_RECEIVED", *ACTIVE[2:], "CLOSED"]]
    assert states("passive_close_time_wait")["C"] == [["CLOSED", "SYN_SENT", *PASSIVE[2:]]]


def test_refused_client_falls_back_and_server_has_no_socket() -> None:
    assert states("refused_port") == {"C": [["CLOSED", "SYN_SENT", "CLOSED"]], "S": []}


def test_four_ways_to_stop_leave_four_different_truths() -> None:
    assert states("shutdown_rd")["C"] == [["CLOSED", "SYN_SENT", "ESTABLISHED", "CLOSE_WAIT", "CLOSED"]]
    assert states("shutdown_wr")["C"] == [ACTIVE]
    for name in ("shutdown_rdwr", "close_with_data_coming"):
        assert states(name)["C"] == [[*ACTIVE[:-1], "CLOSED"]]
        assert states(name)["S"] == [[*PASSIVE[:4], "CLOSED"]]


def test_abort_skips_all_closing_states() -> None:
    assert states("reset_by_abort") == {"C": [["CLOSED", "SYN_SENT", "ESTABLISHED", "CLOSED"]],
                                        "S": [["LISTEN", "SYN_RECEIVED", "ESTABLISHED", "CLOSED"]]}


def test_reused_port_is_two_lives_of_one_pair() -> None:
    lives = read_lives(FOLDER / "port_reuse_in_time_wait.truth.csv")
    assert {host: len(found) for (host, _, _), found in lives.items()} == {"C": 2, "S": 2}
    assert states("port_reuse_in_time_wait")["S"][0][-1] == "TIME_WAIT"


def test_restarted_listener_serves_while_the_old_connection_waits() -> None:
    truth = (FOLDER / "listener_restart_reuseaddr.truth.csv").read_text()
    assert truth.count(",CLOSE,LISTEN,trace") == 2
    assert len(states("listener_restart_reuseaddr")["C"]) == 3
    assert len(states("listener_restart_reuseaddr")["S"]) == 2


def test_simultaneous_open_and_close_take_the_middle_way() -> None:
    for life in chain.from_iterable(states("simultaneous_open").values()):
        assert life[:4] == ["CLOSED", "SYN_SENT", "SYN_RECEIVED", "ESTABLISHED"]
    for life in chain.from_iterable(states("simultaneous_close").values()):
        assert life[-3:] == ["FIN_WAIT_1", "CLOSING", "TIME_WAIT"]


# true_states: reading truth -----------------------------------------------------------------------------------------


def lives_of(tmp_path: Path, *rows: str) -> list[list[str]]:
    """The lives that rows "from to source" of one socket make."""
    lines = [f"{at},S,10.77.0.2:80,10.77.0.1:99,{row.replace(' ', ',')}" for at, row in enumerate(rows, 1)]
    (tmp_path / "x.truth.csv").write_text("\n".join([kernel_truth.COLUMNS, *lines]) + "\n")
    (found,) = read_lives(tmp_path / "x.truth.csv").values()
    return [[state for _, state in life] for life in found]


def test_passive_life_begins_when_the_table_shows_it(tmp_path: Path) -> None:
    lives = lives_of(tmp_path, "CLOSED SYN-RECV ss", "LISTEN SYN_RECV trace", "SYN_RECV ESTABLISHED trace")
    assert lives == [["LISTEN", "SYN_RECEIVED", "ESTABLISHED"]]


def test_passive_life_that_no_poll_caught_begins_with_the_trace(tmp_path: Path) -> None:
    lives = lives_of(tmp_path, "LISTEN SYN_RECV trace", "SYN_RECV ESTABLISHED trace")
    assert lives == [["LISTEN", "SYN_RECEIVED", "ESTABLISHED"]]


def test_half_open_connection_that_is_given_up_ends_in_closed(tmp_path: Path) -> None:
    assert lives_of(tmp_path, "CLOSED SYN-RECV ss", "SYN-RECV CLOSED ss") == [["LISTEN", "SYN_RECEIVED", "CLOSED"]]


def test_time_wait_takes_the_place_of_the_handed_over_socket(tmp_path: Path) -> None:
    begin = ["CLOSE SYN_SENT trace", "SYN_SENT ESTABLISHED trace", "ESTABLISHED FIN_WAIT1 trace"]
    via_fin_wait_2 = [*begin, "FIN_WAIT1 FIN_WAIT2 trace", "FIN_WAIT2 CLOSE trace", "FIN-WAIT-2 TIME-WAIT ss"]
    assert lives_of(tmp_path, *via_fin_wait_2) == [ACTIVE]
    via_closing = [*begin, "FIN_WAIT1 CLOSING trace", "CLOSING CLOSE trace", "CLOSING TIME-WAIT ss"]
    assert lives_of(tmp_path, *via_closing) == [[*ACTIVE[:4], "CLOSING", "TIME_WAIT"]]


def test_time_wait_ends_by_its_timer_or_by_a_new_connection(tmp_path: Path) -> None:
    begin = ["CLOSE SYN_SENT trace", "SYN_SENT CLOSE trace", "FIN-WAIT-2 TIME-WAIT ss"]
    assert lives_of(tmp_path, *begin, "TIME-WAIT CLOSED ss") == [["CLOSED", "SYN_SENT", "TIME_WAIT", "CLOSED"]]
    assert lives_of(tmp_path, *begin, "TIME-WAIT SYN-RECV ss") == [
        ["CLOSED", "SYN_SENT", "TIME_WAIT"], ["LISTEN", "SYN_RECEIVED"]]


def test_orphan_in_fin_wait_2_is_closed_when_the_table_forgets_it(tmp_path: Path) -> None:
    rows = ["CLOSE SYN_SENT trace", "SYN_SENT FIN_WAIT2 trace", "FIN_WAIT2 CLOSE trace", "FIN-WAIT-2 CLOSED ss"]
    assert lives_of(tmp_path, *rows) == [["CLOSED", "SYN_SENT", "FIN_WAIT_2", "CLOSED"]]
    assert next(iter(read_lives(tmp_path / "x.truth.csv").values()))[0][-1][0] == 4


def test_states_have_the_names_of_the_rfc() -> None:
    assert true_states.state_name("FIN_WAIT1") == true_states.state_name("FIN-WAIT-1") == "FIN_WAIT_1"
    assert true_states.state_name("SYN-RECV") == "SYN_RECEIVED"
    assert true_states.state_name("CLOSING") == "CLOSING"


# readme: counting ---------------------------------------------------------------------------------------------------


def segment(side: str, seq: int, *, length: int = 0, flags: int = 16, window: int = 100) -> readme.Segment:
    return readme.Segment(side, (1, 2), seq, length, flags, window)


def test_flags_are_counted_per_side() -> None:
    handshake = [segment("client", 9, flags=2), segment("server", 5, flags=18)]
    found = readme.count_kinds([*handshake, segment("client", 10, flags=17)])
    assert found == {"client SYN": 1, "server SYN,ACK": 1, "client FIN": 1}


def test_data_seen_again_are_repeated_and_data_behind_are_late() -> None:
    first, second, third = (segment("client", seq, length=10) for seq in (0, 10, 20))
    found = readme.count_kinds([first, third, second, first])
    assert (found["client data"], found["client repeated data"], found["client late data"]) == (4, 1, 1)


def test_probe_is_a_probe_only_while_the_peers_window_is_shut() -> None:
    shut, open_, probe = segment("server", 0, window=0), segment("server", 0), segment("client", 9)
    data = segment("client", 0, length=10)
    found = readme.count_kinds([data, shut, probe, shut, probe, open_, probe])
    assert (found["client window probe"], found["server zero window"]) == (2, 2)


def test_reset_is_no_zero_window() -> None:
    assert readme.count_kinds([segment("server", 0, flags=4, window=0)]) == {"server RST": 1}


def test_wrong_count_is_told(tmp_path: Path) -> None:
    (tmp_path / "lost_last_ack.pcap").write_bytes((FOLDER / "lost_last_ack.pcap").read_bytes())
    promise = samples.Sample("lost_last_ack", "middle", {"server FIN": 3, "client FIN": 1}, lambda _: None, "")
    assert readme.check_counts(promise, tmp_path) == {"server FIN": (3, 2)}


# wire: the path's rules ---------------------------------------------------------------------------------------------


def frame(flags: int, payload: bytes = b"", *, v6: bool = False) -> bytes:
    """An Ethernet frame with a TCP segment."""
    tcp = dpkt.tcp.TCP(sport=1, dport=2, flags=flags, data=payload)
    ip = (dpkt.ip6.IP6(src=bytes(16), dst=bytes(16), nxt=6, data=tcp, plen=len(tcp)) if v6
          else dpkt.ip.IP(src=bytes(4), dst=bytes(4), p=6, data=tcp, len=20 + len(tcp)))
    return bytes(dpkt.ethernet.Ethernet(type=0x86DD if v6 else 0x800, data=ip))


def acted_on(rule: wire.Rule, *frames: tuple[str, bytes]) -> list[bool]:
    dice = random.Random(1)
    return [rule.applies(what, sender, dice) for sender, what in frames]


@pytest.mark.parametrize("v6", [False, True])
def test_tcp_of_finds_flags_and_payload(v6: bool) -> None:
    assert wire.tcp_of(frame(0x12, b"abc", v6=v6)) == (0x12, 3, 54 if v6 else 34)


def test_tcp_of_passes_over_what_is_not_tcp() -> None:
    assert wire.tcp_of(bytes(12) + b"\x08\x06" + bytes(40)) == (0, 0, 0)


def test_rule_acts_once_on_the_first_match() -> None:
    fin, ack = frame(0x11), frame(0x10)
    rule = wire.Rule("drop", "client", flags="F")
    done = acted_on(rule, ("server", fin), ("client", ack), ("client", fin), ("client", fin))
    assert done == [False, False, True, False]


def test_rule_skips_and_then_acts_on_every_second() -> None:
    rule = wire.Rule("drop", skip=1, times=2, every=2)
    assert acted_on(rule, *[("client", frame(0x10))] * 6) == [False, True, False, True, False, False]


def test_rule_heeds_missing_flags_and_data() -> None:
    rule = wire.Rule("drop", without="S", data=True, times=wire.FOR_EVER)
    cases = [("client", frame(0x02, b"x")), ("client", frame(0x10)), ("client", frame(0x10, b"x"))]
    assert acted_on(rule, *cases) == [False, False, True]


def test_rule_with_a_chance_acts_on_about_so_many() -> None:
    rule = wire.Rule("drop", chance=0.3, times=wire.FOR_EVER)
    assert 250 < sum(acted_on(rule, *[("client", frame(0x10))] * 1000)) < 350


# kernel_truth: the rows ---------------------------------------------------------------------------------------------


class FakeHost:
    """What state_changes needs of a host."""

    def __init__(self, letter: str, *addresses: str) -> None:
        self.letter, self.address = letter, dict(enumerate(addresses))


def test_tracepoint_text_becomes_a_row_of_the_right_host() -> None:
    text = ("family=AF_INET6 protocol=IPPROTO_TCP sport=80 dport=99 saddr=0.0.0.0 daddr=0.0.0.0 saddrv6=fd77::2 "
            "daddrv6=fd77::1 oldstate=TCP_LISTEN newstate=TCP_SYN_RECV")
    of_another = text.replace("fd77::2", "::")
    events = [(5, "inet_sock_set_state", text), (6, "tcp_probe", ""), (7, "inet_sock_set_state", of_another)]
    hosts = [FakeHost("C", "10.77.0.1"), FakeHost("S", "fd77::2")]
    rows = list(kernel_truth.state_changes(events, hosts))  # type: ignore[arg-type]
    assert rows == [(5, "S", "fd77::2:80", "fd77::1:99", "LISTEN", "SYN_RECV", "trace")]


def test_truth_is_written_in_the_order_of_time(tmp_path: Path) -> None:
    rows = [(at, "C", "a:1", "b:2", "ESTAB", "CLOSE-WAIT", "ss") for at in (30, 10, 20)]
    kernel_truth.write_truth(tmp_path / "t.csv", rows)
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert lines[0] == kernel_truth.COLUMNS
    assert [line.split(",")[0] for line in lines[1:]] == ["10", "20", "30"]


def test_socket_table_row_is_read_from_the_kernels_answer() -> None:
    body = bytes([socket.AF_INET, 6, 0, 0]) + struct.pack(">HH", 80, 99) + bytes([10, 77, 0, 2]).ljust(16, b"\0")
    body += bytes([10, 77, 0, 1]).ljust(16, b"\0") + bytes(36)
    assert kernel_truth._table_row(body) == (("10.77.0.2:80", "10.77.0.1:99"), "TIME-WAIT")


# The whole lab, where it may run ------------------------------------------------------------------------------------


@pytest.mark.skipif("PCAPSTATE_LAB" not in os.environ, reason="needs root, tracefs and tcpdump; set PCAPSTATE_LAB=1")
@pytest.mark.parametrize("name", ["refused_port", "reset_by_abort", "lost_last_ack"])
def test_sample_can_be_made_again(name: str, tmp_path: Path) -> None:
    import make_samples

    one = next(one for one in samples.SAMPLES if one.name == name)
    make_samples.make(one, tmp_path)
    assert readme.check_counts(one, tmp_path) == {}
    assert readme.connections(one, tmp_path) == readme.connections(one, FOLDER)
