"""Reading captures for a command: progress, interruption, and what could not be read."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import click

from ..capture import Capture
from ..pipeline import Source, run

MOST_PROBLEMS = 20
"""Lines on stderr about what could not be read; the rest is in the notes."""
MOST_FRAMES = 5
"""Frames named in such a line."""


class Interruptible:
    """While chunks are read, an interrupt ends the reading: what came before is analyzed. A second one ends all."""

    def __init__(self, *, standard_input: bool = False) -> None:
        """``standard_input``: whether that is what is read."""
        self.interrupted = False
        self._standard_input = standard_input
        self._reading = True  # until the first chunk has come: opening a capture reads too
        self._drained = True

    def __enter__(self) -> Interruptible:
        try:
            self._before = signal.signal(signal.SIGINT, self._interrupt)
        except ValueError:  # not in the main thread: nobody can interrupt us here
            self._before = None
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _interrupt(self, *_: object) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True
        if self._standard_input:
            # The reader may have more of a pipe than it has handed on. It gets an end of file instead of an exception.
            os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
            self._drained = False
        elif self._reading:
            raise KeyboardInterrupt

    def chunks(self, chunks: Iterable[Any]) -> Iterator[Any]:
        """The chunks, up to the interrupt."""
        iterator = iter(chunks)
        while not (self.interrupted and self._drained):
            self._reading = True
            try:
                chunk = next(iterator, None)
            except KeyboardInterrupt:
                return
            finally:
                self._reading = False
            if chunk is None:
                return
            yield chunk


class Progress:
    """How far the reading is, on stderr: only on a terminal, and only after a second."""

    def __init__(self, size: int, doing: str = "reading") -> None:
        """``size``: octets of the files, 0 where it is not known."""
        self._size = size
        self._doing = doing
        self._shown = sys.stderr.isatty()
        self._next = time.monotonic() + 1.0
        self._drawn = False

    def __call__(self, octets: int) -> None:
        """``octets``: those read so far, as they are stored."""
        if not self._shown or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + 0.2
        self._drawn = True
        share = f"{octets / 1e6:,.0f} MB"
        if self._size:
            share = f"{min(100 * octets // self._size, 100)} % of {self._size / 1e6:,.0f} MB"
        sys.stderr.write(f"\r\x1b[K{self._doing}: {share}")
        sys.stderr.flush()

    def compiling(self) -> None:
        """A word before a wait that is not for the file."""
        self.clear()
        click.echo("pcapstate: compiling its loops for large captures, this once: about half a minute", err=True)

    def clear(self) -> None:
        """Takes the line away."""
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._drawn = False


def read(
    files: Collection[str], *, msl: float, keep: Collection[str] = (), leave_out: Collection[str] = ()
) -> tuple[Capture, int]:
    """Reads the files as one capture, says on stderr what could not be read, and gives the exit code so far.

    ``keep`` and ``leave_out``: tables, as for ``pipeline.run``.
    """
    from . import DAMAGED, DONE, INTERRUPTED

    given: Any = list(files) if len(files) > 1 else next(iter(files))
    source = Source(given)
    progress = Progress(source.size)
    with Interruptible(standard_input="-" in files) as interrupt:
        try:
            made = run(
                given,
                msl=msl,
                keep=keep,
                leave_out=leave_out,
                progress=progress,
                compiling=progress.compiling,
                through=interrupt.chunks,
            )
        finally:
            progress.clear()
    capture = Capture(made, source, msl=msl)
    tell_problems(capture)
    if interrupt.interrupted:
        click.echo("pcapstate: interrupted: what follows is what was read until then", err=True)
        return capture, INTERRUPTED
    return capture, DAMAGED if capture.problems else DONE


def printable(text: str) -> str:
    """A text from outside, without what would steer the terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def tell_problems(capture: Capture) -> None:
    """A line on stderr for each kind of thing that could not be read in a file, with the frames that it is about."""
    alike: dict[tuple[str, str], list[int]] = {}
    for problem in capture.problems:
        file = capture.files[problem.file] if 0 <= problem.file < len(capture.files) else capture.name
        # Some say themselves which file they are about, or which packet.
        text = problem.text.removeprefix(f"{file}: ")
        frames = alike.setdefault((os.path.basename(file), text), [])
        if problem.frame and not re.search(rf"\bpacket {problem.file_frame or problem.frame}\b", text):
            frames.append(problem.frame)
    for (file, text), frames in list(alike.items())[:MOST_PROBLEMS]:
        where = f"{_frames(frames)}: " if frames else ""
        click.echo(f"pcapstate: {printable(file)}: {where}{printable(text)}", err=True)
    if len(alike) > MOST_PROBLEMS:
        click.echo(f"pcapstate: and {len(alike) - MOST_PROBLEMS:,} more, all in the table notes", err=True)


def _frames(numbers: list[int]) -> str:
    """Some frames in a few words: frames 7, 12, 15 and 4 more."""
    if len(numbers) == 1:
        return f"frame {numbers[0]}"
    more = f" and {len(numbers) - MOST_FRAMES:,} more" if len(numbers) > MOST_FRAMES else ""
    return f"frames {', '.join(map(str, numbers[:MOST_FRAMES]))}{more}"
