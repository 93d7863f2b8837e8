"""replay/labels.py and what it asks: the class of each segment, in ladders whose last column but one says it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from ladders import replayed, segments_of, timeline
from scenarios import PERFECT, scenarios
from simulated_path import chunk, describe, run, segment_rows
from simulator import ACK, FIN, RST, SYN, near

from pcapstate.replay.engine import replay
from pcapstate.schema import CAUSES, LABELS, MISSING

OPEN = """
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED  +0.020
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> ESTABLISHED   +0.020
"""
DATA = "ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=10>  --> ESTABLISHED\n"
ACKED = "ESTABLISHED   <-- <SEQ=300><ACK=110><CTL=ACK>               <-- ESTABLISHED   +0.020\n"


def labels(text, **changes):
    table = replayed(segments_of(OPEN + text, **changes).rows).table("segments")
    return [LABELS[code] for code in table["label"]][3:]


def causes(text):
    table = replayed(segments_of(OPEN + text).rows).table("segments")
    return [CAUSES[code] for code in table["cause"]][3:]


def test_data_and_its_acknowledgement_are_ordinary():
    assert labels(DATA + ACKED) == ["", ""]


def test_the_same_octets_again_by_timeout():
    again = DATA.replace("--> ESTABLISHED\n", "--> ESTABLISHED   +0.300\n")
    assert labels(DATA + again + ACKED) == ["", "retransmission", ""]
    assert causes(DATA + again + ACKED)[1] == "timeout"


def test_a_copy_of_one_transmission_is_a_duplicate():
    copy = DATA.replace("--> ESTABLISHED\n", "--> ESTABLISHED   (copy)\n")
    assert labels(DATA + copy + ACKED) == ["", "duplicate", ""]


def test_what_was_acknowledged_long_ago_is_sent_again_for_nothing():
    again = DATA.replace("--> ESTABLISHED\n", "--> ESTABLISHED   +0.900\n")
    assert causes(DATA + ACKED + again)[2] == "spurious"


def test_a_segment_that_was_overtaken():
    """Its IP ID lies before that of the one that overtook it: the sender sent it first."""
    made = segments_of(
        OPEN
        + """
ESTABLISHED   --> <SEQ=110><ACK=300><CTL=PSH,ACK><DATA=10>  --> ESTABLISHED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=10>  --> ESTABLISHED
"""
    )
    made.rows[3]["ip_id"], made.rows[4]["ip_id"] = made.rows[4]["ip_id"], made.rows[3]["ip_id"]
    table = replayed(made.rows).table("segments")
    assert [LABELS[code] for code in table["label"]][3:] == ["", "reordered"]


def test_keep_alive_and_its_answer():
    """RFC 9293 3.8.4: no octets, or one of garbage, below SND.NXT; nothing is under way, the window open."""
    idle = "ESTABLISHED   --> <SEQ=109><ACK=300><CTL=ACK>               --> ESTABLISHED   +10.000\n"
    assert labels(DATA + ACKED + idle + ACKED)[2:] == ["keep_alive", "keep_alive_ack"]


@pytest.mark.parametrize("form", ["old octet", "new octet"])
def test_window_probe_and_its_answer(form):
    """Linux probes with an old number and no octet, BSD with the next octet (RFC 9293 3.8.6.1)."""
    closed = ACKED.replace("<CTL=ACK>     ", "<CTL=ACK><WND=0>")
    seq, data = ("109", "") if form == "old octet" else ("110", "<DATA=1>")
    probe = f"ESTABLISHED   --> <SEQ={seq}><ACK=300><CTL=ACK>{data} --> ESTABLISHED   +0.300\n"
    small = OPEN.replace("<CTL=SYN,ACK>          ", "<CTL=SYN,ACK><WND=10>  ")
    table = replayed(segments_of(small + DATA + closed + probe + closed).rows).table("segments")
    assert [LABELS[code] for code in table["label"]][3:] == ["", "", "window_probe", "window_probe_ack"]


def test_window_update():
    opened = ACKED.replace("<CTL=ACK>     ", "<CTL=ACK><WND=9000>")
    assert labels(DATA + ACKED + opened)[2] == "window_update"


def test_duplicate_acks_need_something_outstanding():
    """RFC 5681, 2: the receiver of the ACK has outstanding data."""
    more = "".join(
        f"ESTABLISHED   --> <SEQ={seq}><ACK=300><CTL=PSH,ACK><DATA=10>  --> ESTABLISHED\n" for seq in (110, 120, 130)
    )
    assert labels(DATA + ACKED + more + ACKED + ACKED)[5:] == ["duplicate_ack"] * 2


def test_an_ack_out_of_time_wait():
    close = """
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT
TIME_WAIT     <-- <SEQ=300><ACK=101><CTL=FIN,ACK>           <-- LAST_ACK      +0.020
TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>               ... LAST_ACK      +0.020
TIME_WAIT     <-- <SEQ=300><ACK=101><CTL=FIN,ACK>           <-- LAST_ACK      +0.300
TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>               --> CLOSED        +0.020
"""
    assert labels(close)[3:] == ["retransmission", "time_wait_ack"]
    assert causes(close)[3] == "fin"


def test_a_challenge_ack():
    forged = """
ESTABLISHED   --> <SEQ=200><CTL=RST><WND=0>                 --> ESTABLISHED   (forged)
ESTABLISHED   <-- <SEQ=300><ACK=100><CTL=ACK>               <-- ESTABLISHED   +0.020
"""
    assert labels(forged)[1] == "challenge_ack"


def test_a_syn_again():
    table = replayed(
        segments_of("SYN_SENT --> <SEQ=99><CTL=SYN> -->\nSYN_SENT --> <SEQ=99><CTL=SYN> -->  +1.000\n").rows
    ).table("segments")
    assert [LABELS[code] for code in table["label"]] == ["", "retransmission"]
    assert CAUSES[table["cause"][1]] == "syn"


def test_the_reset_that_refuses_a_syn_is_ordinary():
    table = replayed(
        segments_of("SYN_SENT --> <SEQ=99><CTL=SYN> -->\nCLOSED <-- <SEQ=0><ACK=100><CTL=RST,ACK><WND=0> <--\n").rows
    ).table("segments")
    assert [LABELS[code] for code in table["label"]] == ["", ""]


BARE_PATH = {"ip_id": 0, "tsval": -1}
"""Neither IP IDs nor timestamps: IPv6 with all options off."""


def test_a_copy_is_the_same_in_every_word():
    """What acknowledges more, has another window or other flags was sent anew, however soon it comes."""
    answer = "ESTABLISHED   <-- <SEQ=300><ACK=110><CTL=PSH,ACK><DATA=5>       <-- ESTABLISHED   +0.010\n"
    same = DATA.replace("--> ESTABLISHED\n", "--> ESTABLISHED   +0.001\n")
    assert labels(DATA + answer + same, **BARE_PATH)[2] == "duplicate"
    for word, other in (("PSH,ACK", "ACK"), ("ACK=300", "ACK=305"), ("<DATA", "<WND=9><DATA")):
        again = same.replace(word, other)
        assert labels(DATA + answer + again, **BARE_PATH)[2] == "retransmission"


def test_what_a_sender_acknowledges_never_goes_back():
    """Of two copies the one that acknowledges less was sent first: it was overtaken by its own retransmission."""
    answer = "ESTABLISHED   <-- <SEQ=300><ACK=100><CTL=PSH,ACK><DATA=5>       <-- ESTABLISHED   +0.020\n"
    again = DATA.replace("ACK=300", "ACK=305").replace("--> ESTABLISHED\n", "--> ESTABLISHED   +0.300\n")
    more = DATA.replace("SEQ=100", "SEQ=110").replace("ACK=300", "ACK=305")
    late = DATA.replace("--> ESTABLISHED\n", "--> ESTABLISHED   +0.001\n")
    assert labels(answer + again + more + late, **BARE_PATH)[1:] == ["retransmission", "", "reordered"]


def test_without_any_sign_of_loss_octets_come_again_as_a_copy():
    """No duplicate ACK, no timeout, not the end of what was sent, which a sender with SACK may probe for (RFC 8985)."""
    more = DATA.replace("SEQ=100", "SEQ=110")
    acked = ACKED.replace("ACK=110", "ACK=120")
    late = DATA.replace("--> ESTABLISHED\n", "--> ESTABLISHED   +0.080\n")
    tail = late.replace("SEQ=100", "SEQ=110")
    some = acked.replace("ACK=120", "ACK=110")
    assert labels(DATA + more + acked + late, **BARE_PATH)[3] == "duplicate"
    assert labels(DATA + more + some + tail, **BARE_PATH)[3] == "duplicate"
    assert labels(DATA + more + some + tail, **BARE_PATH, sack_permitted=1)[3] == "retransmission"
    # Its sender had the acknowledgement by then.
    assert labels(DATA + more + acked + tail, **BARE_PATH, sack_permitted=1)[3] == "duplicate"


def numbered(text, ids, **changes):
    """Labels of a ladder whose segments after the opening have these IP IDs; those before it fit."""
    made = segments_of(OPEN + text, **changes)
    for row, ip_id in zip(made.rows, [(ids[0] - 2) & 0xFFFF, 8999, (ids[0] - 1) & 0xFFFF, *ids], strict=True):
        row["ip_id"] = ip_id
    table = replayed(made.rows).table("segments")
    return [LABELS[code] for code in table["label"]][3:]


def stream(*numbers, wait="0.030", flags="ACK"):
    """Segments of ten octets from the client, each acknowledged."""
    return "".join(
        f"ESTABLISHED   --> <SEQ={n}><ACK=300><CTL={flags}><DATA=10>  --> ESTABLISHED   +{wait}\n"
        f"ESTABLISHED   <-- <SEQ=300><ACK={n + 10}><CTL=ACK>          <-- ESTABLISHED   +0.020\n"
        for n in numbers
    )


def with_ids(first, gaps):
    """IP IDs for a ``stream``: the client's from ``first`` on, with more than one step where ``gaps`` says so."""
    ids, now = [], first
    for i, gap in enumerate(gaps):
        now += gap
        ids += [now & 0xFFFF, 9000 + i]
    return ids


def test_a_skipped_ip_id_tells_of_a_copy_lost_before_the_capture():
    ids = with_ids(101, [1, 1, 1, 1, 2])
    assert numbered(stream(100, 110, 120, 130, 140), ids)[-2] == "retransmission"


def test_ip_ids_that_begin_anew_tell_nothing_of_a_loss():
    """One of them is 0, which stands for no ID."""
    ids = with_ids(0xFFFB, [1, 1, 1, 1, 2])
    assert numbered(stream(100, 110, 120, 130, 140), ids)[-2] == ""


def test_a_skipped_ip_id_while_losses_are_repaired_tells_nothing():
    """What was skipped may have been sent again, and been lost again."""
    hole = "".join(
        f"ESTABLISHED   --> <SEQ={n}><ACK=300><CTL=ACK><DATA=10>  --> ESTABLISHED\n" for n in (130, 140, 150, 160)
    )
    signs = "ESTABLISHED   <-- <SEQ=300><ACK=130><CTL=ACK>          <-- ESTABLISHED   +0.020\n" * 4
    healed = "ESTABLISHED   <-- <SEQ=300><ACK=170><CTL=ACK>          <-- ESTABLISHED\n"
    new = "ESTABLISHED   --> <SEQ=170><ACK=300><CTL=ACK><DATA=10>  --> ESTABLISHED   +{}\n"
    ids = [*with_ids(101, [1, 1, 1]), 105, 106, 107, 108, 9100, 9101, 9102, 9103, 9104, 110]
    soon = stream(100, 110, 120) + hole + signs + healed + new.format("0.025")
    assert numbered(soon, ids)[-1] == ""
    later = stream(100, 110, 120) + hole + signs + healed + new.format("0.900")
    assert numbered(later, ids)[-1] == "retransmission"


@pytest.mark.parametrize("stamps", [True, False])
def test_a_window_probe_after_an_update_that_was_lost(stamps):
    """The window opened, but not for the sender: it echoes a timestamp from before, or goes on as it had begun."""
    small = OPEN.replace("<CTL=SYN,ACK>          ", "<CTL=SYN,ACK><WND=10>  ")
    closed = ACKED.replace("<CTL=ACK>     ", "<CTL=ACK><WND=0>")
    opened = ACKED.replace("--> ", "...").replace("<-- ESTABLISHED   +0.020", "<-- ESTABLISHED   +0.300")
    probe = "ESTABLISHED   --> <SEQ=109><ACK=300><CTL=ACK> --> ESTABLISHED   +{}\n"
    first = "" if stamps else probe.format("0.300") + closed
    made = segments_of(small + DATA + closed + first + opened + probe.format("1.200"))
    if stamps:
        for row in made.rows:
            clock = row["time"] // 1_000_000 & 0xFFFFFFFF
            row["tsval"], row["tsecr"] = clock, made.rows[4]["time"] // 1_000_000 & 0xFFFFFFFF
    table = replayed(made.rows).table("segments")
    assert LABELS[table["label"][-1]] == "window_probe"


def test_a_fin_with_the_number_of_an_octet_is_forged():
    """It teaches nothing: what had those numbers is not taken for a retransmission."""
    forged = "ESTABLISHED   --> <SEQ=103><ACK=300><CTL=FIN,ACK>  --> ESTABLISHED   +0.300\n"
    assert labels(DATA + ACKED + forged)[0] == ""
    made = segments_of(OPEN + DATA + ACKED + forged)
    assert {row["to_state"] for row in timeline(replayed(made.rows))} == {"SYN_SENT", "SYN_RECEIVED", "ESTABLISHED"}


def test_octets_on_the_number_of_a_fin_show_that_it_was_forged():
    """Nobody sends anything beyond its FIN. The hole below it was none: what fills it is the next to be sent."""
    forged = "ESTABLISHED   --> <SEQ=150><ACK=300><CTL=FIN,ACK>  --> ESTABLISHED   (forged)\n"
    over = "ESTABLISHED   --> <SEQ=110><ACK=300><CTL=PSH,ACK><DATA=90>  --> ESTABLISHED   +0.300\n"
    more = "ESTABLISHED   --> <SEQ=200><ACK=300><CTL=PSH,ACK><DATA=10>  --> ESTABLISHED   +0.001\n"
    acked = ACKED.replace("ACK=110", "ACK=210")
    assert labels(DATA + ACKED + forged + over + more + acked)[3:] == ["", "", ""]
    assert causes(DATA + ACKED + forged + over + more + acked)[3:] == ["", "", ""]


@pytest.mark.parametrize(("wait", "label"), [("0.300", ""), ("1.020", "retransmission")])
def test_a_syn_ack_a_second_after_the_syn_that_it_answers_was_sent_before(wait, label):
    made = segments_of(OPEN.replace("SYN_RECEIVED  +0.020", f"SYN_RECEIVED  +{wait}"))
    for row, (tsval, tsecr) in zip(made.rows, ((1000, 0), (7, 1000), (1002, 7)), strict=True):
        row.update(tsval=tsval, tsecr=tsecr)
    assert LABELS[replayed(made.rows).table("segments")["label"][1]] == label


def test_a_skipped_ip_id_that_comes_late_was_not_lost():
    """The packet that was thought lost is the next one to pass, so it explains nothing of those after it."""
    written = stream(100, 110, 120) + (
        "ESTABLISHED   --> <SEQ=130><ACK=300><CTL=ACK><DATA=10>  --> ESTABLISHED\n"
        "ESTABLISHED   --> <SEQ=130><ACK=300><CTL=ACK><DATA=10>  --> ESTABLISHED   +0.300\n"
        "ESTABLISHED   --> <SEQ=140><ACK=300><CTL=ACK><DATA=10>  --> ESTABLISHED   +0.010\n"
        "ESTABLISHED   --> <SEQ=150><ACK=300><CTL=ACK><DATA=10>  --> ESTABLISHED   +0.010\n"
    )
    late = [*with_ids(101, [1, 1, 1]), 105, 107, 106, 108]
    lost = [*with_ids(101, [1, 1, 1]), 105, 107, 108, 109]
    assert numbered(written, late)[-3:] == ["retransmission", "", ""]
    assert numbered(written, lost)[-3:] == ["retransmission", "retransmission", ""]


@pytest.mark.parametrize(("step", "label"), [(2, ""), (3, "retransmission")])
def test_a_segment_of_several_packets_has_several_ip_ids(step, label):
    """Captured before the network card cut it: with an MSS of 10, twenty octets are two packets."""
    long = stream(130).replace("<DATA=10>", "<DATA=20>").replace("ACK=140", "ACK=150")
    ids = with_ids(101, [1, 1, 1, 1, step])
    assert numbered(stream(100, 110, 120) + long + stream(150), ids, mss=10)[-2] == label


# --- both sides of the claim -----------------------------------------------------------------------------------


def repeats(played):
    """Of each packet that was seen: whether its side had sent any of its octets before (SYN and FIN count as one)."""
    told = []
    known = ([], [])
    for _, packet in played.seen:
        length = packet.length + bool(packet.flags & SYN) + bool(packet.flags & FIN)
        start, end = packet.seq, packet.seq + length
        mine = known[packet.side]
        told.append(any(near(low, start) < end and near(low, start) + size > start for low, size in mine))
        if length:
            mine.append((packet.seq, length))
    return told


@seed(12)
@settings(
    max_examples=250, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)
@given(scenarios(PERFECT, taps=False))
def test_on_a_perfect_path_only_what_was_sent_again_is_called_so(scenario):
    """Nothing is lost, nothing overtaken: what has new octets is ordinary, and none is reordered or a copy.

    But for SYN,ACKs: of two simultaneous openers either may answer each SYN,ACK with one more, all of them alike, and
    nothing tells these from copies.
    """
    played = run(scenario)
    syns = [{packet.seq for _, packet in played.seen if packet.side == side and packet.flags & SYN} for side in (0, 1)]
    if not played.seen or max(map(len, syns)) > 1 or any(packet.flags & RST for _, packet in played.seen):
        return  # numbers of several connections, or after a reset, are not told apart here
    table = replay([chunk(segment_rows(played.seen))], keep=("segments",)).table("segments")
    for (_, packet), label, again in zip(played.seen, table["label"], repeats(played), strict=True):
        word = LABELS[label]
        syn_ack = packet.flags & SYN and packet.flags & ACK
        assert word != "reordered", describe(packet)
        assert word != "duplicate" or syn_ack, describe(packet)
        assert again or word != "retransmission", describe(packet)
        octets = packet.length or packet.flags & (SYN | FIN)
        if again and octets and not syn_ack:
            assert word in ("retransmission", "keep_alive", "window_probe"), (word, describe(packet))


@pytest.mark.parametrize("later", [False, True])
def test_a_segment_without_timestamps_is_forged_only_where_others_have_them(later):
    """Both SYNs offered them. Some stacks never send them then, and something on the way may take them out."""
    made = segments_of(OPEN + DATA + ACKED + DATA.replace("SEQ=100", "SEQ=110"))
    for row, clock in zip(made.rows[: 5 if later else 2], (1000, 7, 1020, 1021, 47), strict=False):
        row.update(tsval=clock, tsecr=0)
    table = replayed(made.rows).table("segments")
    told = [window != MISSING for window in table["window"]]
    assert told == [True] * 5 + [not later]
