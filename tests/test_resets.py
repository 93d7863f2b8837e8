"""replay/resets.py: the forms of resets, whether they count, and what they are the answer to."""

from __future__ import annotations

import pytest
from ladders import check, replayed, row_of, segment, segments_of, states, timeline

from pcapstate.replay.resets import ACTIVE, REPLY, REPLY_TO_SYN, form_of
from pcapstate.schema import CLOSE_REASONS, CLOSED_BY

OPEN = """
CLOSED                                                           LISTEN
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> ESTABLISHED
"""


def verdict(result, flow=0):
    flows = result.table("flows")
    return CLOSED_BY[flows["closed_by"][flow]], CLOSE_REASONS[flows["close_reason"][flow]]


@pytest.mark.parametrize(
    ("row", "form"),
    [
        ({"flags": 4, "seq": 5}, REPLY),
        ({"flags": 20, "seq": 0, "window": 0, "tsval": -1}, REPLY_TO_SYN),
        ({"flags": 20, "seq": 5, "window": 100, "tsval": 9}, ACTIVE),
        ({"flags": 20, "seq": 5, "window": 0, "tsval": -1}, ACTIVE),
    ],
)
def test_forms(row, form):
    assert form_of(None, segment(**row)) == form


def test_the_reply_names_the_frame_that_it_answers():
    _, result = check(
        OPEN
        + """
CLOSE_WAIT    <-- <SEQ=300><ACK=100><CTL=FIN,ACK>           <-- FIN_WAIT_1
CLOSE_WAIT    --> <SEQ=100><ACK=301><CTL=ACK>               --> FIN_WAIT_2
CLOSE_WAIT    --> <SEQ=100><ACK=301><CTL=PSH,ACK><DATA=4>   --> CLOSED
CLOSED        <-- <SEQ=301><CTL=RST><WND=0>                 <-- CLOSED
"""
    )
    assert verdict(result) == ("server", "data_after_close")
    assert "(frame 6), and a reset answers it (frame 7)." in result.table("flows")["note"][0]


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        ("ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=5>   --> ESTABLISHED\n", "abort_unread"),
        ("ESTABLISHED   <-- <SEQ=300><ACK=100><CTL=PSH,ACK><DATA=5>   <-- ESTABLISHED\n", "abort"),
    ],
)
def test_abort_with_and_without_unread_data(before, reason):
    seq = 305 if "SEQ=300" in before else 300
    ack = 105 if "SEQ=100" in before else 100
    _, result = check(OPEN + before + f"CLOSED        <-- <SEQ={seq}><ACK={ack}><CTL=RST,ACK>           <-- CLOSED\n")
    assert verdict(result) == ("server", reason)


def test_keep_alive_failure():
    text = OPEN + "ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=5>   --> ESTABLISHED\n"
    text += "ESTABLISHED   <-- <SEQ=300><ACK=105><CTL=ACK>               <-- ESTABLISHED\n"
    text += "ESTABLISHED   --> <SEQ=104><ACK=300><CTL=ACK>               ... ESTABLISHED  +10.000\n" * 3
    made = segments_of(text + "CLOSED        --> <SEQ=105><ACK=300><CTL=RST,ACK>           --> CLOSED  +10.000\n")
    result = replayed(made.rows)
    assert verdict(result) == ("client", "keep_alive_failure")
    assert states(timeline(result), "client")[-1] == "CLOSED"


def test_the_peer_forgot_the_connection():
    """RFC 9293 3.5.1, figure 10: half-open; data is answered by a reset. When it forgot, nobody knows."""
    made = segments_of(
        OPEN
        + """
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=4>   --> CLOSED        +5.000
CLOSED        <-- <SEQ=300><CTL=RST><WND=0>                 <-- CLOSED
"""
    )
    result = replayed(made.rows)
    assert verdict(result) == ("server", "no_socket")
    gone = row_of(timeline(result), "server", "CLOSED")
    assert gone["latest"] == made.rows[4]["time"]
    assert gone["earliest"] < made.rows[3]["time"]
    assert gone["note"] == "Gone in silence, at the latest when it answered with a reset."


def test_a_reset_that_comes_after_the_close_is_no_reason():
    made = segments_of(
        OPEN
        + """
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT
FIN_WAIT_2    <-- <SEQ=300><ACK=101><CTL=FIN,ACK>           <-- LAST_ACK
TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>               --> CLOSED
TIME_WAIT     --> <SEQ=101><ACK=301><CTL=RST,ACK>           --> CLOSED
"""
    )
    assert verdict(replayed(made.rows)) == ("client", "fin")


def test_a_reset_far_outside_is_ignored_and_noted():
    made = segments_of(
        OPEN
        + """
ESTABLISHED   --> <SEQ=90><CTL=RST><WND=0>                  --> ESTABLISHED
"""
    )
    result = replayed(made.rows)
    assert states(timeline(result), "server")[-1] == "ESTABLISHED"
    assert "reset_ignored" in result.table("notes")["kind"].tolist()


def test_in_syn_sent_only_a_reset_that_acknowledges_the_syn_counts():
    """RFC 9293 3.10.7.3, second."""
    blind = replayed(segments_of("SYN_SENT --> <SEQ=99><CTL=SYN> -->\nSYN_SENT <-- <SEQ=7><CTL=RST><WND=0> <--\n").rows)
    assert states(timeline(blind), "client") == ["CLOSED", "SYN_SENT"]


def test_the_reset_of_a_middlebox_has_another_ttl():
    made = segments_of(OPEN + "CLOSED        <-- <SEQ=300><ACK=100><CTL=RST,ACK>           <-- CLOSED\n")
    made.rows[-1]["ttl"] = 254
    note = replayed(made.rows).table("flows")["note"][0]
    assert "TTL 254, other segments of the server 64" in note


def test_a_second_forged_reset_does_not_confirm_the_first():
    """The claimed sender goes on: neither was its own, whatever their numbers (SEMANTICS R5)."""
    check(
        OPEN
        + """
ESTABLISHED   --> <SEQ=150><CTL=RST><WND=0>                 --> ESTABLISHED  (forged)
ESTABLISHED   --> <SEQ=900><CTL=RST><WND=0>                 --> ESTABLISHED  (forged)
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=5>   --> ESTABLISHED  +0.500
ESTABLISHED   <-- <SEQ=300><ACK=105><CTL=ACK>               <-- ESTABLISHED
"""
    )


def test_the_listener_has_gone_before_the_handshake_ends():
    made = segments_of(
        """
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> CLOSED
CLOSED        <-- <SEQ=300><CTL=RST><WND=0>                 <-- CLOSED
"""
    )
    assert states(timeline(replayed(made.rows)), "server") == ["LISTEN", "SYN_RECEIVED", "CLOSED"]


def test_a_reset_that_answers_a_syn_ack_without_a_syn_proves_no_opener():
    made = segments_of(
        """
SYN_SENT      <-- <SEQ=299><ACK=7><CTL=SYN,ACK>             <-- SYN_RECEIVED
SYN_SENT      --> <SEQ=7><CTL=RST><WND=0>                   --> LISTEN
"""
    )
    assert states(timeline(replayed(made.rows)), "client") == []


def test_the_reset_of_a_middlebox_has_no_timestamps():
    """RFC 7323 3.2: once negotiated, the option is on every segment; Linux puts it on an active reset too."""
    made = segments_of(OPEN + "CLOSED        <-- <SEQ=300><ACK=100><CTL=RST,ACK>           <-- CLOSED\n")
    for number, row in enumerate(made.rows):
        row.update(tsval=1000 + number, tsecr=0)
    assert "timestamps" not in replayed(made.rows).table("flows")["note"][0]
    made.rows[-1].update(tsval=-1, tsecr=-1)
    note = replayed(made.rows).table("flows")["note"][0]
    assert "The reset has no timestamps, other segments of the server do" in note




@pytest.mark.parametrize(
    ("ack", "comment", "dead"), [(105, "", True), (110, "", False), (110, "(copy)", True)], ids=["old", "new", "copy"]
)
def test_what_was_sent_before_does_not_undo_a_reset(ack, comment, dead):
    """A copy that was long on its way acknowledges less than its sender did later; it shows nobody alive."""
    made = segments_of(
        OPEN
        + f"""
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK><DATA=5>       --> ESTABLISHED
ESTABLISHED   <-- <SEQ=300><ACK=105><CTL=ACK>               <-- ESTABLISHED   +0.010
ESTABLISHED   --> <SEQ=105><ACK=300><CTL=ACK><DATA=5>       --> ESTABLISHED
ESTABLISHED   <-- <SEQ=300><ACK=110><CTL=ACK>               <-- ESTABLISHED   +0.010
CLOSED        --> <SEQ=110><ACK=300><CTL=RST,ACK>           --> CLOSED
CLOSED        <-- <SEQ=300><ACK={ack}><CTL=ACK>             <-- CLOSED        +0.900  {comment}
"""
    )
    assert (states(timeline(replayed(made.rows)), "server")[-1] == "CLOSED") == dead


def test_what_ended_time_wait_stays_presumed():
    """It ends by itself; that a later reply shows the socket gone does not show that the reset did it (RFC 1337)."""
    made = segments_of(
        OPEN
        + """
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT
FIN_WAIT_2    <-- <SEQ=300><ACK=101><CTL=ACK>               <-- CLOSE_WAIT
TIME_WAIT     <-- <SEQ=300><ACK=101><CTL=FIN,ACK>           <-- LAST_ACK
TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>               --> CLOSED
TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>               --> CLOSED        +1.000
CLOSED        <-- <SEQ=301><CTL=RST><WND=0>                 <-- CLOSED
CLOSED        <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- CLOSED        (copy)
CLOSED        --> <SEQ=100><CTL=RST><WND=0>                 --> CLOSED
"""
    )
    rows = timeline(replayed(made.rows))
    assert states(rows, "client")[-1] == "CLOSED"
    assert row_of(rows, "client", "CLOSED")["evidence"] == "presumed"


FORGED = "ESTABLISHED   --> <SEQ=100><CTL=RST><WND=0>                 --> CLOSED        +0.100  (forged)\n"
GOES_ON = "ESTABLISHED   --> <SEQ=100><ACK=310><CTL=PSH,ACK><DATA=10>  --> CLOSED        +0.100\n"
BOTH_SENT = (
    OPEN
    + """
ESTABLISHED   <-- <SEQ=300><ACK=100><CTL=PSH,ACK><DATA=10>  <-- ESTABLISHED
ESTABLISHED   --> <SEQ=100><ACK=310><CTL=ACK>               --> ESTABLISHED   +0.020
"""
)


def test_whose_sender_goes_on_may_have_closed_the_target_all_the_same():
    """SEMANTICS R5 says that it was not the sender's; R7, the reset in reply, that the target had no socket then."""
    text = BOTH_SENT + FORGED + GOES_ON + "CLOSED        <-- <SEQ=310><CTL=RST><WND=0>                 <-- CLOSED\n"
    rows, result = check(text)
    gone = row_of(rows, "server", "CLOSED")
    assert (gone["frame"], gone["evidence"], gone["proof"]) == (6, "confirmed", 8)
    assert verdict(result) == ("none", "middlebox")
    assert "in the client's name" in result.table("flows")["note"][0]


def test_a_target_that_goes_on_as_well_makes_it_nobodys():
    answer = "ESTABLISHED   <-- <SEQ=310><ACK=110><CTL=ACK>               <-- ESTABLISHED   +0.100\n"
    text = BOTH_SENT + (FORGED + GOES_ON + answer).replace("CLOSED     ", "ESTABLISHED")
    _, result = check(text)
    assert verdict(result) == ("none", "still_open")
    assert result.table("notes")["text"].tolist() == [
        "The reset in frame 6 was somebody else's, or of no effect: its sender goes on.",
        "The reset in frame 6 had no effect.",
    ]


def test_a_reset_that_was_refused_by_its_number_is_told_once():
    beyond = "ESTABLISHED   --> <SEQ=400><CTL=RST><WND=0>                 --> ESTABLISHED   +0.100  (forged)\n"
    _, result = check(BOTH_SENT + beyond + GOES_ON.replace("CLOSED     ", "ESTABLISHED"))
    assert result.table("notes")["kind"].tolist() == ["reset_challenged"]
    assert verdict(result) == ("none", "still_open")


@pytest.mark.parametrize(
    ("tags", "evidence", "reason"),
    [
        ("<TSval=30><TSecr=12>", "sent", "abort_unread"),
        ("<TSval=30><TSecr=12><TTL=255>", "presumed", "abort_unread"),
        ("", "presumed", "abort_unread"),
        ("<TTL=255>", "presumed", "middlebox"),
    ],
)
def test_what_its_sender_would_not_send_is_not_certainly_his(tags, evidence, reason):
    """Another TTL than all other segments, no timestamps (RFC 7323 3.2): the two together name something between."""
    text = f"""
SYN_SENT      --> <SEQ=99><CTL=SYN><TSval=10><TSecr=0>                  --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK><TSval=5><TSecr=10>    <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK><TSval=11><TSecr=5>        --> ESTABLISHED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=10><TSval=12><TSecr=5> --> ESTABLISHED
ESTABLISHED   <-- <SEQ=300><ACK=110><CTL=ACK><TSval=7><TSecr=12>        <-- ESTABLISHED
CLOSED        <-- <SEQ=300><ACK=110><CTL=RST,ACK>{tags}                 <-- CLOSED  +0.500
"""
    rows = segments_of(text).rows
    result = replayed(rows)
    assert row_of(timeline(result), "server", "CLOSED")["evidence"] == evidence
    assert verdict(result) == ("none" if reason == "middlebox" else "server", reason)


def test_keep_alives_without_effect_are_no_call_of_the_program():
    probe = "ESTABLISHED   --> <SEQ=99><ACK=310><CTL=ACK>                --> ESTABLISHED   +2.000\n"
    _, result = check(BOTH_SENT + probe * 2 + "CLOSED --> <SEQ=100><ACK=310><CTL=RST,ACK> --> CLOSED  +2.000\n")
    assert verdict(result) == ("client", "keep_alive_failure")
    assert result.table("flows")["client_close_call"][0] == 0
