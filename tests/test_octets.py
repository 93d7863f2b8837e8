"""Numbers out of octets, the same at both speeds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcapstate.kernels import COMPILED, INTERPRETED
from pcapstate.parser.octets import be16, be32, le16, le32

FORMS = {be16: (2, "big"), be32: (4, "big"), le16: (2, "little"), le32: (4, "little")}


@pytest.mark.parametrize("read", FORMS, ids=lambda read: read.__name__)
@settings(deadline=None)
@given(octets=st.binary(min_size=8, max_size=8), at=st.integers(0, 4))
def test_as_python_reads_it(read, octets, at):
    size, order = FORMS[read]
    expected = int.from_bytes(octets[at : at + size], order)
    for speed in (INTERPRETED, COMPILED):
        assert speed.of(read)(speed.octets(octets), at) == expected


@pytest.mark.parametrize("read", FORMS, ids=lambda read: read.__name__)
def test_compiled_it_is_a_signed_integer(read):
    """An unsigned one would make a float, or another overload, of every sum that it gets into."""
    compiled = COMPILED.of(read)
    compiled(COMPILED.octets(b"\xff" * 8), 0)
    assert {str(made.signature.return_type) for made in compiled.overloads.values()} == {"int64"}
