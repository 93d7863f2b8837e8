"""Reading for a command: progress, interruption, what could not be read."""

from __future__ import annotations

import fcntl
import io
import os
import signal
import subprocess
import sys
import termios
import time
from types import SimpleNamespace

import pytest
from conftest import SAMPLES
from making import a_pass

from pcapstate.capture import Capture
from pcapstate.cli import reading
from pcapstate.cli.reading import Interruptible, Progress, printable, read, tell_problems
from pcapstate.parser.problems import Problem

HANDSHAKE = SAMPLES / "handshake_and_close.pcap"

# --- interruption ----------------------------------------------------------------------------------------------


def test_chunks_pass_when_nobody_interrupts():
    with Interruptible() as interrupt:
        assert list(interrupt.chunks([1, 2, 3])) == [1, 2, 3]
    assert not interrupt.interrupted


def test_an_interrupt_while_reading_ends_the_reading():
    def chunks():
        yield 1
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)
        yield 2

    with Interruptible() as interrupt:
        assert list(interrupt.chunks(chunks())) == [1]
    assert interrupt.interrupted


def test_an_interrupt_while_replaying_waits_for_the_chunk():
    got = []
    with Interruptible() as interrupt:
        for chunk in interrupt.chunks([1, 2, 3]):
            got.append(chunk)
            if chunk == 2:
                os.kill(os.getpid(), signal.SIGINT)
            got.append(-chunk)
    assert got == [1, -1, 2, -2]
    assert interrupt.interrupted


def test_a_second_interrupt_ends_all():
    with Interruptible(), pytest.raises(KeyboardInterrupt):  # noqa: PT012
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)


def test_the_handler_before_comes_back():
    before = signal.getsignal(signal.SIGINT)
    with Interruptible():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_interrupted_at_a_pipe_the_results_so_far_are_written(tmp_path):
    """A live capture that is ended with Ctrl-C: 130, and the tables hold what came until then."""
    # What runs in the background ignores Ctrl-C, and so would what it starts.
    heed = "import signal, pcapstate.cli; signal.signal(2, signal.default_int_handler); pcapstate.cli.main()"
    process = subprocess.Popen(
        [sys.executable, "-c", heed, "analyze", "-", "-o", str(tmp_path / "out")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=False,
    )  # fmt: skip
    process.stdin.write(HANDSHAKE.read_bytes())
    process.stdin.flush()
    for _ in range(300):  # until it has read that; the pipe stays open, so it waits for more
        time.sleep(0.1)
        if not int.from_bytes(fcntl.ioctl(process.stdin, termios.FIONREAD, bytes(4)), sys.byteorder):
            break
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"interrupted: what follows is what was read until then" in err
    assert b"Traceback" not in err
    assert (tmp_path / "out" / "timeline.csv").read_text().count("\n") > 5
    assert b"1 TCP connection" in out


# --- progress --------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets, and a terminal in place of stderr."""

    class Clock:
        now = 0.0
        screen = Terminal()

    monkeypatch.setattr(reading, "time", SimpleNamespace(monotonic=lambda: Clock.now))
    monkeypatch.setattr(reading, "sys", SimpleNamespace(stderr=Clock.screen))
    return Clock


def test_no_progress_within_the_first_second(clock):
    progress = Progress(10**9)
    clock.now = 0.9
    progress(10**8)
    progress.clear()
    assert clock.screen.getvalue() == ""


def test_progress_after_a_second(clock):
    progress = Progress(10**9)
    clock.now = 1.1
    progress(25 * 10**7)
    assert clock.screen.getvalue() == "\r\x1b[Kreading: 25 % of 1,000 MB"
    clock.now = 1.15
    progress(26 * 10**7)
    assert "26 %" not in clock.screen.getvalue()
    clock.now = 1.4
    progress(10**9 + 5)
    assert clock.screen.getvalue().endswith("reading: 100 % of 1,000 MB")
    progress.clear()
    assert clock.screen.getvalue().endswith("\r\x1b[K")


def test_progress_of_a_pipe_knows_no_end(clock):
    progress = Progress(0)
    clock.now = 2
    progress(12 * 10**6)
    assert clock.screen.getvalue().endswith("reading: 12 MB")


def test_progress_says_what_is_done(clock):
    progress = Progress(0, "writing")
    clock.now = 2
    progress(12 * 10**6)
    assert clock.screen.getvalue().endswith("writing: 12 MB")


def test_no_progress_where_there_is_no_terminal(monkeypatch):
    screen = io.StringIO()
    times = iter([0.0, 100.0])
    monkeypatch.setattr(reading, "sys", SimpleNamespace(stderr=screen))
    monkeypatch.setattr(reading, "time", SimpleNamespace(monotonic=lambda: next(times)))
    Progress(10**9)(10**8)
    assert screen.getvalue() == ""


# --- what could not be read ------------------------------------------------------------------------------------


def problem(text, frame=0, file=0):
    return Problem(file, frame, frame, -1, "odd", text)


def told(capsys, *problems):
    tell_problems(Capture(a_pass(problems=problems)))
    return capsys.readouterr().err.splitlines()


def test_a_line_for_each_problem(capsys):
    assert told(capsys, problem("the file ends early"), problem("a header lies", frame=7)) == [
        "pcapstate: x.pcap: the file ends early",
        "pcapstate: x.pcap: frame 7: a header lies",
    ]


def test_what_is_alike_is_one_line_with_its_frames(capsys):
    lies = [problem("the packet lies", frame=frame) for frame in (3, 5, 8)]
    assert told(capsys, lies[0], problem("odd"), *lies[1:]) == [
        "pcapstate: x.pcap: frames 3, 5, 8: the packet lies",
        "pcapstate: x.pcap: odd",
    ]
    many = [problem("the packet lies", frame=frame) for frame in range(1, 1001)]
    assert told(capsys, *many) == ["pcapstate: x.pcap: frames 1, 2, 3, 4, 5 and 995 more: the packet lies"]


def test_a_file_is_named_once(capsys):
    assert told(capsys, problem("/captures/x.pcap: the file ends, after packet 7", frame=7)) == [
        "pcapstate: x.pcap: the file ends, after packet 7"
    ]


def test_a_problem_of_no_file(capsys):
    assert told(capsys, problem("odd", file=-1)) == ["pcapstate: capture: odd"]


def test_many_problems_are_counted(capsys):
    lines = told(capsys, *(problem(f"odd {number}") for number in range(1000)))
    assert len(lines) == reading.MOST_PROBLEMS + 1
    assert lines[-1] == "pcapstate: and 980 more, all in the table notes"


def test_printable():
    assert printable("a\x1b[31mb\nc é") == "a?[31mb?c é"


# --- all together ----------------------------------------------------------------------------------------------


def test_several_files_are_read_as_one():
    capture, code = read([str(HANDSHAKE), str(SAMPLES / "refused_port.pcap")], msl=30)
    assert (len(capture), code) == (2, 0)
    assert capture.name == "2 files"


def test_one_file_keeps_its_name():
    capture, _ = read([str(HANDSHAKE)], msl=30, keep=["segments"])
    assert capture.name == HANDSHAKE.name
    assert len(capture.segments) == capture.packets


def test_a_wait_for_the_compiler_is_announced(capsys):
    Progress(0).compiling()
    said = "pcapstate: compiling its loops for large captures, this once: about half a minute\n"
    assert capsys.readouterr().err == said
