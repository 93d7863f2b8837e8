"""Octets out of compressed files, told by their magic and never by their name; reads forward only.

Every member, frame or stream of a file is read, one after the other. How much is decompressed at a time is bounded
by the caller's buffer, so a small file that claims gigabytes costs no more memory than any other.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Any, Protocol

PIECE = 1 << 16
"""Octets that are read from a compressed file at a time."""

XZ_MEMORY = 1 << 29
"""Octets of dictionary that an xz file may ask for: eight times what `xz -9` needs."""


class StreamError(Exception):
    """Octets cannot be read on. `kind` is one word, as in `Problem`; the message is half a sentence."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class MissingModule(Exception):
    """The module that reads this compression is not installed."""


class Forward(Protocol):
    """What this module reads from, and what it gives: `readinto` returns how many octets came, 0 at the end."""

    def readinto(self, view: memoryview, /) -> int:
        """Fills the beginning of `view`. Raises StreamError where reading on is impossible."""
        ...


class Engine(Protocol):
    """A decompressor as `bz2`, `lzma` and `lz4` have it; the other two are brought into this form."""

    eof: bool
    needs_input: bool
    unused_data: bytes | None

    def decompress(self, data: bytes, limit: int, /) -> bytes:
        """At most `limit` octets; what of `data` is not used yet is kept, and `needs_input` is then False."""
        ...


class _Gzip:
    """zlib's decompressor, which hands back what it did not use instead of keeping it."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes, limit: int) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, limit)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data


class _Zstd:
    """zstandard's decompressor, which knows no limit: it gets a kilobyte at a time (4 octets can mean 128 KiB)."""

    STEP = 1 << 10

    def __init__(self) -> None:
        import zstandard

        self._zstd = zstandard.ZstdDecompressor().decompressobj()
        self._waiting = b""

    def decompress(self, data: bytes, limit: int) -> bytes:
        data = self._waiting + data
        self._waiting = data[self.STEP :]
        return self._zstd.decompress(data[: self.STEP])

    @property
    def eof(self) -> bool:
        return self._zstd.eof

    @property
    def needs_input(self) -> bool:
        return not self._waiting

    @property
    def unused_data(self) -> bytes:
        return self._zstd.unused_data + self._waiting


def _lz4() -> Engine:
    import lz4.frame

    engine: Engine = lz4.frame.LZ4FrameDecompressor()  # type: ignore[no-untyped-call, unused-ignore]
    return engine


_ENGINES: dict[str, Callable[[], Any]] = {
    "gzip": _Gzip,
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(memlimit=XZ_MEMORY),
    "zstd": _Zstd,
    "lz4": _lz4,
}
_MODULES = {"zstd": "zstandard", "lz4": "lz4"}

LONGEST_MAGIC = 6


def compression(head: bytes) -> str:
    """The word for how a file that begins with `head` is compressed; empty if it is not."""
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    if head[:3] == b"BZh" and b"1" <= head[3:4] <= b"9":
        return "bzip2"
    if head[:6] == b"\xfd7zXZ\0":
        return "xz"
    # RFC 8878: a zstd file may begin with skippable frames, 0x184D2A50 to 5F.
    if head[:4] == b"\x28\xb5\x2f\xfd" or (head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50):
        return "zstd"
    return "lz4" if head[:4] == b"\x04\x22\x4d\x18" else ""


class Decompressed:
    """The octets of a compressed file, as a `Forward` of its own."""

    def __init__(self, source: Forward, name: str) -> None:
        """Raises MissingModule, with the word what to install, where the compression's module is missing."""
        self._source = source
        self._name = name
        self._make = _ENGINES[name]
        try:
            self._engine: Engine = self._make()
        except ImportError:
            raise MissingModule(
                f"it is compressed with {name}, and the Python package {_MODULES[name]} is not installed: "
                "pip install 'pcapstate[compress]'"
            ) from None
        self._buffer = bytearray(PIECE)
        self._input = b""
        self._made = memoryview(b"")

    def readinto(self, view: memoryview) -> int:
        """As `Forward` has it."""
        while not self._made:
            if self._engine.eof and not self._next_member():
                return 0
            self._step(len(view))
        count = min(len(view), len(self._made))
        view[:count] = self._made[:count]
        self._made = self._made[count:]
        return count

    def _step(self, limit: int) -> None:
        data = b""
        if self._engine.needs_input:
            data = self._input or self._read()
            self._input = b""
            if not data:
                raise StreamError("cut", f"the {self._name} data end too early")
        try:
            self._made = memoryview(self._engine.decompress(data, limit))
        except Exception as error:  # each module has its own: zlib.error, OSError, LZMAError, ZstdError, RuntimeError
            raise StreamError("damaged", f"the {self._name} data are damaged ({error})") from None

    def _next_member(self) -> bool:
        """Whether another member follows the one that has ended. Zeros between and after members are padding."""
        rest = (self._engine.unused_data or b"").lstrip(b"\0")
        while len(rest) < LONGEST_MAGIC and (more := self._read()):
            rest = (rest + more).lstrip(b"\0")
        if not rest:
            return False
        if compression(rest) != self._name:
            raise StreamError("damaged", f"after the {self._name} data come octets that are no {self._name} data")
        self._engine = self._make()
        self._input = rest
        return True

    def _read(self) -> bytes:
        return bytes(self._buffer[: self._source.readinto(memoryview(self._buffer))])
