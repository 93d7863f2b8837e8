"""Compressed octets: every kind, several members, cut and damaged files, and what is not installed."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcapstate.parser.compression import Decompressed, MissingModule, StreamError, compression


def zstd(data: bytes) -> bytes:
    return pytest.importorskip("zstandard").ZstdCompressor().compress(data)


def lz4(data: bytes) -> bytes:
    pytest.importorskip("lz4.frame")
    import lz4.frame

    return lz4.frame.compress(data)


KINDS = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress, "zstd": zstd, "lz4": lz4}
TEXT = bytes(range(256)) * 40 + b"the end"


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def read(data: bytes, kind: str, piece: int = 1000) -> bytes:
    source = Decompressed(io.BytesIO(data), kind)
    return b"".join(pieces(source, piece))


def pieces(source: Decompressed, size: int):
    buffer = bytearray(size)
    while count := source.readinto(memoryview(buffer)):
        yield bytes(buffer[:count])


def read_what_comes(data: bytes, kind: str, piece: int = 1000) -> tuple[bytes, StreamError | None]:
    """The octets up to the first error, and the error."""
    got = b""
    try:
        for more in pieces(Decompressed(io.BytesIO(data), kind), piece):
            got += more
    except StreamError as error:
        return got, error
    return got, None


def test_every_kind_is_told_by_its_magic(kind):
    assert compression(KINDS[kind](TEXT)) == kind


@pytest.mark.parametrize("head", [b"", b"\x1f", b"BZ", b"BZh0", b"\xd4\xc3\xb2\xa1", b"\xfd7zXZ", b"\x0a\x0d\x0d\x0a"])
def test_other_octets_are_not_compressed(head):
    assert compression(head) == ""


def test_a_zstd_file_may_begin_with_a_skippable_frame():
    skippable = bytes.fromhex("502a4d1804000000") + b"abcd"
    data = skippable + zstd(TEXT)
    assert compression(data) == "zstd"
    assert read(data, "zstd") == TEXT


def test_octets_come_back(kind):
    assert read(KINDS[kind](TEXT), kind) == TEXT


def test_the_size_of_the_pieces_changes_nothing(kind):
    data = KINDS[kind](TEXT)
    for piece in (1, 7, 4096, 1 << 20):
        assert read(data, kind, piece) == TEXT


def test_members_follow_each_other(kind):
    make = KINDS[kind]
    assert read(make(b"one, ") + make(b"") + make(b"two"), kind) == b"one, two"


def test_zeros_after_the_end_are_padding(kind):
    assert read(KINDS[kind](TEXT) + bytes(1024), kind) == TEXT


def test_members_may_be_parted_by_more_zeros_than_are_read_at_a_time(kind):
    make = KINDS[kind]
    assert read(make(b"one, ") + bytes(200_000) + make(b"two"), kind) == b"one, two"


def test_other_octets_after_the_end_are_told_after_everything_was_given(kind):
    got, error = read_what_comes(KINDS[kind](TEXT) + b"something else", kind)
    assert got == TEXT
    assert error is not None
    assert error.kind == "damaged"
    assert kind in str(error)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_cut_file_gives_what_came_before(kind, share):
    text = b"".join(i.to_bytes(4, "big") for i in range(100_000))
    whole = KINDS[kind](text)
    got, error = read_what_comes(whole[: max(8, int(share * len(whole)))], kind)
    assert error is not None
    assert error.kind == "cut"
    assert text.startswith(got)
    # bzip2 gives a block of 900 kB when it has the whole of it.
    assert share < 0.9 or kind == "bzip2" or len(got) > len(text) // 3


def test_only_the_last_octets_are_missing(kind):
    got, error = read_what_comes(KINDS[kind](TEXT)[:-1], kind)
    assert TEXT.startswith(got)
    assert error is not None
    assert error.kind == "cut"


@settings(deadline=None)
@given(data=st.data())
def test_a_damaged_file_never_raises_anything_else(data):
    kind = data.draw(st.sampled_from([*KINDS]))
    whole = bytearray(KINDS[kind](TEXT))
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=5)):
        whole[place] ^= data.draw(st.integers(1, 255))
    got, error = read_what_comes(bytes(whole), kind)
    assert isinstance(got, bytes)
    assert error is None or error.kind in ("cut", "damaged")


def test_what_claims_gigabytes_is_given_in_the_pieces_that_are_asked_for(kind):
    data = KINDS[kind](bytes(20_000_000))
    buffer = bytearray(1000)
    source = Decompressed(io.BytesIO(data), kind)
    assert source.readinto(memoryview(buffer)) == 1000
    made = len(source._made)
    # zstd knows no limit: one kilobyte of its octets may become some megabytes.
    assert made <= 1000 if kind != "zstd" else made < 200_000_000


def test_an_error_of_the_file_below_passes_through():
    class Broken:
        def readinto(self, view):
            raise StreamError("unreadable", "the disk is on fire")

    with pytest.raises(StreamError, match="on fire") as caught:
        Decompressed(Broken(), "gzip").readinto(memoryview(bytearray(10)))
    assert caught.value.kind == "unreadable"


@pytest.mark.parametrize(("kind", "module"), [("zstd", "zstandard"), ("lz4", "lz4.frame")])
def test_a_missing_module_is_named_with_what_to_install(kind, module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingModule, match=rf"compressed with {kind}.*pcapstate\[compress\]"):
        Decompressed(io.BytesIO(b""), kind)
