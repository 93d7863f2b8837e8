"""One capture file on its way through memory: its octets in a region of a shared space, its walk, its problems.

A file has never more than its region in memory. What a walk could not finish at the end of a region moves to its
beginning, and the file is read on behind it. A region grows only when it is full of octets that are really there.
"""

from __future__ import annotations

from typing import Any

from .compression import StreamError
from .containers import LONGEST_HEADER, begin, could_begin, recognise
from .pcapng import SECTION, Unreadable, check_section, order_of, read_interface, section_length
from .problems import Problem
from .regions import Interfaces, Space
from .sources import CaptureError, FileInfo, Origin, Stream
from .walk import BLOCKS, DAMAGE, HEADER, MORE, STRANGER


class NotACapture(CaptureError):
    """The file can be read, but is no capture."""


class CaptureFile:
    """A file that is being read. The walk is a row of a table that belongs to the caller, who hands it in as `w`."""

    def __init__(self, origin: Origin, number: int, space: Space, size: int) -> None:
        """Opens the file and finds out what it is. Raises CaptureError for what is no capture.

        `number` is its place in the set, `size` how many octets of it are in memory at a time.
        """
        self.number = number
        self.info = FileInfo(origin.name)
        self.problems: list[Problem] = []
        """Their number of the frame in the whole set is left 0: that is not known here."""
        self._space = space
        self._size = self.wanted = size
        self._stream: Stream | None = origin.open()
        self._failure: StreamError | None = None
        self._passed = 0
        self._stored = 0
        self._told_untimed = self._told_unlikely = False
        self.info.compression = self._stream.compression
        self._place = space.take(size)
        self._end = self.seen = self._place
        """`seen`: up to where `Space.parting` has seen the octets."""

    def begin(self, w: Any) -> None:
        """Reads the beginning of the file and sets its walk up. Raises CaptureError for what is no capture."""
        w.file, w.used, w.position = self.number, 1, self._place
        self._read(w, LONGEST_HEADER)
        head = bytes(self._space.data[self._place : min(self._end, self._place + LONGEST_HEADER)])
        container = recognise(head)
        if container is not None and (isinstance(container, str) or len(head) >= container.header):
            self.info.format = container if isinstance(container, str) else container.words
            odd = begin(container, head, w)
            if odd:
                self._tell(w, "odd", odd)
            if w.format != BLOCKS:
                self.info.links.append(w.link)
            return
        if self._failure is None and not could_begin(head):
            self.close(w)
            raise NotACapture(f"{self.info.path}: not a capture file")
        if not head and self._failure is None:
            self._tell(w, "empty", "the file is empty")
        elif container is not None or self._failure is None:
            self._tell(w, "cut", "the file ends within its header")
        self._tell_failure(w)
        w.position = w.end = self._end = self._place
        self.close(w)

    # --- why a walk stopped ------------------------------------------------------------------------------------

    def go_on(self, w: Any, interfaces: Interfaces) -> bool:
        """Does what the walk asks for by `w.stop`. Returns whether it can go on; if not, the file is closed."""
        if w.stop == MORE:
            return self._more(w)
        if w.stop == STRANGER:
            return self._pass_over(w)
        if w.stop == HEADER:
            self._part(w)
            try:
                going = self._header(w, interfaces)
            except Unreadable as error:
                return self._damaged(w, str(error))
            self._part(w)
            return going
        return self._damaged(w, DAMAGE[int(w.stop)].format(value=w.value))

    def _more(self, w: Any, passed: int = 0) -> bool:
        """Reads on. `passed` octets of the packet or block at which the walk stands are gone already."""
        if self._read(w, w.need):
            return True
        left = int(w.end - w.position) + passed
        if self._failure is None and left:
            self._tell(w, "cut", f"the file ends within a packet or block, after {left} of its octets")
        self._tell_failure(w)
        self.close(w)
        return False

    def _pass_over(self, w: Any) -> bool:
        """Goes past a block that is too large to be kept in memory."""
        size, passed = int(w.need), 0
        while w.end - w.position < size - passed:
            passed += int(w.end - w.position)
            w.position, w.need = w.end, 1
            if not self._more(w, passed):
                return False
        w.position += size - passed
        return True

    def _header(self, w: Any, interfaces: Interfaces) -> bool:
        """Reads the section or interface at which the walk stands."""
        at = w.position
        order = order_of(bool(w.big))
        data = self._space.data
        if int.from_bytes(data[at : at + 4], order) != SECTION:
            block = bytes(data[at : at + int.from_bytes(data[at + 4 : at + 8], order)])
            interface = read_interface(block, big=bool(w.big))
            interfaces.add(w, interface)
            if interface.link not in self.info.links:
                self.info.links.append(interface.link)
        else:
            big, length = section_length(bytes(data[at : at + 12]))
            if w.end - at < length:
                w.need = length
                return self._more(w)
            block = bytes(data[at : at + length])
            check_section(block, big=big)
            w.big, w.interfaces = int(big), 0
        w.position = at + ((len(block) + 3) & ~3)
        return True

    def _damaged(self, w: Any, text: str) -> bool:
        self._tell(w, "damaged", text)
        self.close(w)
        return False

    # --- octets ------------------------------------------------------------------------------------------------

    def _read(self, w: Any, need: int) -> bool:
        """Reads on until the region is full, the file ends, or a pipe has no more at present and there is enough.

        Returns whether `need` octets lie at the walk's position then.
        """
        self._make_room(w, need)
        data = self._space.data
        limit = self._place + self._size
        with memoryview(data) as view:
            while self._end < limit and self._stream is not None and self._failure is None:
                try:
                    got = self._stream.readinto(view[self._end : limit])
                except StreamError as error:
                    self._failure = error
                    break
                if not got:
                    self._close_stream()
                self._end += got
                self.info.octets += got
                if self._end - w.position >= need and self._stream is not None and self._stream.waits():
                    break
        w.end = self._end
        if self._end - w.position < need and self._stream is not None and self._failure is None:
            return self._read(w, need)
        return bool(self._end - w.position >= need)

    def _make_room(self, w: Any, need: int) -> None:
        """Moves what is left to the beginning of the region; to one twice as large if it fills this one."""
        self._part(w)
        data, left = self._space.data, self._end - w.position
        rest = data[w.position : self._end]
        self._passed += w.position - self._place
        if (left == self._size and need > left) or self._size < self.wanted:
            self._move(max(self.wanted, 2 * self._size))
            data = self._space.data
        data[self._place : self._place + left] = rest
        w.position, self._end = self._place, self._place + left
        self.seen = self._place

    def _part(self, w: Any) -> None:
        """Lets who copies the file see what was walked over and not seen yet."""
        if self._space.parting is not None and self._size and w.position > self.seen:
            self._space.parting(self, int(w.position))
        self.seen = int(w.position)

    def _move(self, size: int) -> None:
        self._space.give_back(self._place, self._size)
        self._place, self._size = self._space.take(size), size
        self.wanted = size

    # --- the end -----------------------------------------------------------------------------------------------

    def close(self, w: Any) -> None:
        """Gives everything back; the walk is over."""
        w.used = 0
        self._part(w)
        self._close_stream()
        if self._size:
            self._space.give_back(self._place, self._size)
            self._size = 0

    def _close_stream(self) -> None:
        if self._stream is not None:
            self._stored = self._stream.stored
            self._stream.close()
            self._stream = None

    @property
    def stored(self) -> int:
        """Octets read so far as they are stored, that is before decompression."""
        return self._stored if self._stream is None else self._stream.stored

    @property
    def growth(self) -> float:
        """Octets that decompression makes of one, so far."""
        return self.info.octets / self.stored if self.info.compression and self.stored else 1.0

    # --- what is told ------------------------------------------------------------------------------------------

    def note(self, w: Any) -> None:
        """Takes over what the walk has counted so far."""
        info = self.info
        info.frames, info.first_time, info.last_time = int(w.frame), int(w.first_time), int(w.time)
        if w.untimed and not self._told_untimed:
            self._told_untimed = True
            text = "this packet and others have no time of their own; they are given that of the packet before"
            self.problems.append(Problem(self.number, int(w.untimed), 0, -1, "untimed", text))
        if w.unlikely and not self._told_unlikely:
            self._told_unlikely = True
            text = "the time of this packet is beyond what nanoseconds in 63 bits hold; it is given the limit"
            self.problems.append(Problem(self.number, int(w.unlikely), 0, -1, "odd", text))

    def _tell_failure(self, w: Any) -> None:
        if self._failure is not None:
            self._tell(w, self._failure.kind, str(self._failure))

    def _tell(self, w: Any, kind: str, text: str) -> None:
        offset = int(self._passed + w.position - self._place)
        after = f", after packet {w.frame}" if w.frame else ""
        self.problems.append(Problem(self.number, int(w.frame), 0, offset, kind, f"{text}, at octet {offset}{after}"))


def region_for(size: int, origin: Origin) -> int:
    """`size`, or what is enough for a small file: room to read it, and to see that it ends."""
    return size if origin.size < 0 else min(size, (origin.size + 4096) & ~4095)
