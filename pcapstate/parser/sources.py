"""What a user may name as a capture, and its octets: paths, lists, globs, folders, open binary files, `-`.

Octets are read forward only, so pipes and compressed files are as good as any. What the octets mean is not known here.
"""

from __future__ import annotations

import glob
import io
import os
import re
import select
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from .compression import LONGEST_MAGIC, Decompressed, Forward, MissingModule, StreamError, compression

SourceLike = str | os.PathLike[str] | BinaryIO
"""One thing that a user may name."""


class CaptureError(Exception):
    """There is no such file, or it is no capture: nothing can be read at all."""


@dataclass(slots=True)
class FileInfo:
    """What was read of one file. Times are nanoseconds since 1970 UTC, 0 while there is no packet.

    `format` is like "pcap us LE" or "pcapng", `compression` a word or empty, `frames` the packets, `octets` those read
    (after decompression), `links` the LINKTYPE_ numbers in the order in which they were found.
    """

    path: str
    format: str = ""
    compression: str = ""
    frames: int = 0
    octets: int = 0
    first_time: int = 0
    last_time: int = 0
    links: list[int] = field(default_factory=list)


class _Stored:
    """Octets of a file or a pipe that is open; the operating system's errors become StreamError."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._head = b""
        self.octets = 0

    def peek(self, count: int) -> bytes:
        """The first `count` octets, fewer where the file is shorter; they are read again afterwards."""
        buffer = bytearray(count)
        view = memoryview(buffer)
        filled = 0
        while filled < count and (got := self.readinto(view[filled:])):
            filled += got
        self._head = bytes(buffer[:filled]) + self._head
        self.octets -= filled
        return self._head[:count]

    def readinto(self, view: memoryview) -> int:
        if self._head:
            count = min(len(view), len(self._head))
            view[:count] = self._head[:count]
            self._head = self._head[count:]
        else:
            count = self._readinto(view)
        self.octets += count
        return count

    def _readinto(self, view: memoryview) -> int:
        try:
            # readinto1 asks a pipe once and gives what has come.
            for name in ("readinto1", "readinto"):
                if hasattr(self._file, name):
                    return getattr(self._file, name)(view) or 0
            data = self._file.read(len(view))
        except (OSError, ValueError, EOFError) as error:
            raise StreamError("unreadable", getattr(error, "strerror", None) or str(error)) from None
        if isinstance(data, str):
            raise CaptureError("a capture is binary: open the file with mode 'rb'")
        view[: len(data)] = data
        return len(data)


class Stream:
    """The octets of one source, decompressed. `compression` is how it was compressed; close it when it is read."""

    def __init__(self, name: str, file: Any, *, owned: bool, live: bool = True) -> None:
        """`owned` tells whether the file is closed with the stream, `live` whether its octets may be still to come.

        Raises CaptureError for a missing module.
        """
        self._file = file
        self._live = live
        self._owned = owned
        self._stored = _Stored(file)
        self._octets: Forward = self._stored
        try:
            head = self._stored.peek(LONGEST_MAGIC)
            if not head and not owned and _position(file) > 0:
                raise CaptureError(f"{name}: this open file has been read to its end: seek(0), or give its path")
            self.compression = compression(head)
            if self.compression:
                self._octets = Decompressed(self._stored, self.compression)
        except (MissingModule, StreamError) as error:
            self.close()
            raise CaptureError(f"{name}: {error}") from None

    def readinto(self, view: memoryview) -> int:
        """How many octets came into the beginning of `view`; 0 at the end. Raises StreamError."""
        return self._octets.readinto(view)

    def waits(self) -> bool:
        """Whether this is a pipe, or the like, that has nothing more to give at present."""
        if not self._live:
            return False
        try:
            return not select.select([self._file], [], [], 0)[0]
        except (OSError, ValueError, TypeError):
            # It has no descriptor, or the system cannot tell: better to wait for octets than to ask for ever.
            self._live = False
            return False

    @property
    def stored(self) -> int:
        """Octets read so far as they are stored, that is before decompression."""
        return self._stored.octets

    def close(self) -> None:
        """Closes the file, if it was opened here."""
        if self._owned:
            self._file.close()


@dataclass(frozen=True, slots=True)
class Origin:
    """One file or stream to read. `size` is that of the regular file `name`, -1 for anything else, which is read once.

    `optional` files come from a folder: they are passed over when they are no captures.
    """

    name: str
    size: int = -1
    file: Any = None
    optional: bool = False

    def open(self) -> Stream:
        """Raises CaptureError when it cannot be opened."""
        if self.file is not None:
            return Stream(self.name, self.file, owned=False)
        try:
            file = open(self.name, "rb", buffering=0)  # noqa: SIM115 -- the stream closes it
        except OSError as error:
            raise CaptureError(f"{self.name}: {error.strerror or error}") from None
        return Stream(self.name, file, owned=True, live=self.size < 0)


def origins(source: SourceLike | Iterable[SourceLike]) -> list[Origin]:
    """Every file that `source` names, in the order in which files are numbered: as given, those of a folder or a glob
    in natural order (cap2 before cap10). A folder gives its own files, without hidden ones and those of folders in it.

    Raises CaptureError where a name leads to no file, TypeError for what is no source at all.
    """
    if isinstance(source, str | os.PathLike) or hasattr(source, "read"):
        return list(_origins(source))
    if not isinstance(source, Iterable) or isinstance(source, bytes | bytearray | memoryview):
        raise TypeError(
            f"a path, a list of paths, an open binary file or '-' is a capture, not {type(source).__name__}"
        )
    found = [origin for one in source for origin in _origins(one)]
    if not found:
        raise CaptureError("no file is named")
    return found


def _origins(source: Any) -> Iterator[Origin]:
    if not isinstance(source, str | os.PathLike):
        if not hasattr(source, "read"):
            raise TypeError(f"a capture is a path or an open binary file, not {type(source).__name__}")
        yield _open_file(source)
        return
    path = os.fsdecode(source)
    if path == "-":
        yield _open_file(sys.stdin.buffer, "standard input")
    elif os.path.isdir(path):
        names = (os.path.join(path, name) for name in os.listdir(path) if not name.startswith("."))
        yield from _regular(names, f"{path}: no capture file is in this folder", optional=True)
    elif not os.path.lexists(path) and glob.has_magic(path):
        yield from _regular(glob.glob(path, recursive=True), f"{path}: no file has such a name", optional=False)
    else:
        yield Origin(path, _size(path))


def _open_file(file: Any, name: str = "") -> Origin:
    if isinstance(file, io.TextIOBase):
        raise CaptureError("a capture is binary: open the file with mode 'rb'")
    return Origin(name or str(getattr(file, "name", "an open file")), file=file)


def _regular(names: Iterable[str], none: str, *, optional: bool) -> Iterator[Origin]:
    files = sorted((name for name in names if os.path.isfile(name)), key=_natural)
    if not files:
        raise CaptureError(none)
    for name in files:
        yield Origin(name, _size(name), optional=optional)


def _natural(name: str) -> list[tuple[int, int, str]]:
    parts = re.split(r"([0-9]+)", name)
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]


def _position(file: Any) -> int:
    """Where an open file is read next; 0 for a pipe or the like, which has no places."""
    try:
        return int(file.tell())
    except (OSError, ValueError, AttributeError):
        return 0


def _size(path: str) -> int:
    """The size of a regular file, -1 for a pipe, a device or a socket. Raises CaptureError where there is nothing."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise CaptureError(f"{path}: {error.strerror}") from None
    return status.st_size if stat.S_ISREG(status.st_mode) else -1
