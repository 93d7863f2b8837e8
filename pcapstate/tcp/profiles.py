"""What real stacks do where the RFCs leave room: the constants that inference leans on, one place for each.

A profile never makes a state certain: it sets how long a timer is shown, how long an answer may take, and which habits
are evidence. Sources stand beside the figures; those marked * are from documentation, the others from source.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """One stack. Times in seconds.

    ``time_wait``: how long TIME_WAIT lasts (RFC 9293 3.4.2: twice the maximum segment lifetime). ``min_rto``: the
    smallest retransmission timeout (RFC 6298 2.4: 1 s). ``delayed_ack``: the longest delay of an acknowledgement
    (RFC 9293 3.8.6.3: below 0.5 s). ``probe``: form of a zero-window probe: an octet below the window that was sent
    before ("old octet"), or the next one ("new octet"). ``fin_wait_2``: how long an orphan stays in FIN_WAIT_2, 0 for
    ever. ``syn_retries``: SYNs sent again before giving up.
    """

    name: str
    time_wait: float
    min_rto: float
    delayed_ack: float
    probe: str
    fin_wait_2: float
    syn_retries: int

    @property
    def msl(self) -> float:
        """Maximum segment lifetime, half of ``time_wait``."""
        return self.time_wait / 2


PROFILES = {
    profile.name: profile
    for profile in (
        # TCP_TIMEWAIT_LEN, TCP_RTO_MIN, TCP_DELACK_MAX, tcp_xmit_probe_skb, tcp_fin_timeout, tcp_syn_retries
        Profile("linux", 60.0, 0.2, 0.2, "old octet", 60.0, 6),
        # TCPTV_MSL, TCPTV_MIN, tcp_delacktime; finwait2_timeout
        Profile("freebsd", 60.0, 0.03, 0.1, "new octet", 60.0, 8),
        Profile("macos", 30.0, 0.1, 0.1, "new octet", 60.0, 8),  # *
        Profile("windows", 120.0, 0.3, 0.2, "new octet", 120.0, 4),  # *
        Profile("lwip", 120.0, 0.5, 0.25, "new octet", 20.0, 6),  # TCP_MSL, TCP_SYNMAXRTX
        Profile("rfc", 240.0, 1.0, 0.5, "new octet", 0.0, 5),  # RFC 9293 3.4.2, RFC 6298 2.4, RFC 9293 3.8.6.3
    )
}

DEFAULT = PROFILES["linux"]

DELAYED_ACK = 200_000_000
"""ns: the longest delay of an acknowledgement on common stacks (Linux TCP_DELACK_MAX, Windows)."""

TIME_WAIT_ISN_STEP = 65537
"""A Linux socket that leaves TIME_WAIT for a new SYN begins this far after its last number (tcp_timewait_state_process,
tcp_twsk_unique: 65535 + 2): so it was in TIME_WAIT until then."""
