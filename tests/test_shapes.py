"""Every layer without a number in a registry has a kernel, and what is none of them ends the walk."""

from __future__ import annotations

import pytest

from pcapstate.kernels import COMPILED, INTERPRETED
from pcapstate.parser import links
from pcapstate.parser.links import CUT, LINK, NOTHING, SHAPE, VERSION, Cursor
from pcapstate.parser.shapes import shape

NAMES = ["FAMILY", "PPP", "LLC", "TOKEN_RING", "ARCNET", "JUNIPER", "PFLOG", "WLAN"]
NAMES += ["RADIOTAP", "PRISM", "AVS", "PPI", "NFLOG", "NETLINK"]


def after(layer, octets, speed):
    cursor = speed.table(Cursor, 1)[0]
    if speed is COMPILED:
        cursor["at"], cursor["end"], cursor["layer"] = 8, 8 + len(octets), layer
    else:
        cursor.at, cursor.end, cursor.layer = 8, 8 + len(octets), layer
    speed.of(shape)(speed.octets(bytes(8) + octets), cursor)
    return int(cursor["layer"]) if speed is COMPILED else cursor.layer


@pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)
@pytest.mark.parametrize("name", NAMES)
def test_every_shape_has_a_kernel(name, speed):
    """Each wants some octets: with none it is cut, except lists, which then hold nothing."""
    assert after(getattr(links, name), b"", speed) == (NOTHING if name == "NFLOG" else CUT)


def test_the_names_are_all_that_there_are():
    shapes = {value for name, value in vars(links).items() if name.isupper() and isinstance(value, int)}
    assert {value for value in shapes if SHAPE < value < SHAPE + 0x1000} == {getattr(links, name) for name in NAMES}


@pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)
@pytest.mark.parametrize("layer", [VERSION, LINK + 1, SHAPE + 999])
def test_anything_else_ends_the_walk(layer, speed):
    assert after(layer, bytes(64), speed) == NOTHING
