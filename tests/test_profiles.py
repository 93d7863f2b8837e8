"""tcp/profiles.py: what real stacks do."""

from __future__ import annotations

from pcapstate.replay.engine import DEFAULT_MSL
from pcapstate.tcp.profiles import DEFAULT, DELAYED_ACK, PROFILES


def test_the_default_is_linux_and_its_msl_the_one_of_the_command_line():
    assert DEFAULT.name == "linux"
    assert DEFAULT.msl == DEFAULT_MSL == 30.0


def test_the_rfc_waits_four_minutes():
    assert PROFILES["rfc"].msl == 120.0  # RFC 9293 3.4.2: MSL is 2 minutes


def test_no_stack_is_less_patient_than_allowed():
    for profile in PROFILES.values():
        assert profile.delayed_ack <= 0.5  # RFC 9293 3.8.6.3
        assert profile.probe in ("old octet", "new octet")
    assert DEFAULT.delayed_ack * 1e9 == DELAYED_ACK
