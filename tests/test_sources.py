"""What may be named as a capture, in which order files come, and octets that come forward only."""

from __future__ import annotations

import gzip
import io
import os
import sys
import threading

import pytest

from pcapstate.parser.compression import StreamError
from pcapstate.parser.sources import CaptureError, Origin, Stream, origins


@pytest.fixture
def folder(tmp_path):
    for name in ("cap10.pcap", "cap2.pcap", "cap1.pcap", ".hidden", "notes.txt"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "deep.pcap").write_bytes(b"deep")
    return tmp_path


def names(source) -> list[str]:
    return [os.path.basename(origin.name) for origin in origins(source)]


def everything(stream: Stream, piece: int = 4096) -> bytes:
    buffer, got = bytearray(piece), b""
    while count := stream.readinto(memoryview(buffer)):
        got += buffer[:count]
    return got


# --- names -------------------------------------------------------------------------------------------------------


def test_a_path_is_one_file(folder):
    path = folder / "cap1.pcap"
    for source in (path, str(path)):
        assert origins(source) == [Origin(str(path), 9)]


def test_a_list_keeps_its_order(folder):
    assert names([folder / "cap2.pcap", str(folder / "cap1.pcap")]) == ["cap2.pcap", "cap1.pcap"]


def test_a_generator_of_paths_is_a_list(folder):
    assert names(folder / f"cap{i}.pcap" for i in (1, 2)) == ["cap1.pcap", "cap2.pcap"]


def test_a_glob_gives_its_files_in_natural_order(folder):
    assert names(str(folder / "*.pcap")) == ["cap1.pcap", "cap2.pcap", "cap10.pcap"]


def test_a_glob_may_go_into_folders(folder):
    assert "deep.pcap" in names(str(folder / "**" / "*.pcap"))


def test_a_file_whose_name_looks_like_a_glob_is_that_file(folder):
    (folder / "cap[1].pcap").write_bytes(b"x")
    assert names(str(folder / "cap[1].pcap")) == ["cap[1].pcap"]


def test_a_folder_gives_its_own_files_which_need_not_be_captures(folder):
    assert names(folder) == ["cap1.pcap", "cap2.pcap", "cap10.pcap", "notes.txt"]
    assert all(origin.optional for origin in origins(folder))
    assert not any(origin.optional for origin in origins(str(folder / "*.pcap")))


def test_folders_and_files_may_be_mixed(folder):
    assert names([folder / "inner", folder / "cap1.pcap"]) == ["deep.pcap", "cap1.pcap"]


def test_names_with_and_without_numbers_can_be_ordered(tmp_path):
    for name in ("1.pcap", "a.pcap", "a1.pcap", "01.pcap"):
        (tmp_path / name).touch()
    assert sorted(names(tmp_path)) == sorted(["1.pcap", "01.pcap", "a.pcap", "a1.pcap"])


@pytest.mark.parametrize("missing", ["nothing.pcap", "nothing*.pcap", "inner/nothing/x.pcap"])
def test_a_name_that_leads_nowhere_is_an_error(folder, missing):
    with pytest.raises(CaptureError, match="nothing"):
        origins(str(folder / missing))


def test_one_missing_file_of_a_list_is_an_error(folder):
    with pytest.raises(CaptureError, match="gone"):
        origins([folder / "cap1.pcap", folder / "gone.pcap"])


def test_a_folder_without_files_is_an_error(tmp_path):
    with pytest.raises(CaptureError, match="no capture file"):
        origins(tmp_path)


def test_no_name_at_all_is_an_error():
    with pytest.raises(CaptureError, match="no file"):
        origins([])


@pytest.mark.parametrize("wrong", [3, None, b"x.pcap", [3], [None]])
def test_what_is_no_source_is_a_type_error(wrong):
    with pytest.raises(TypeError):
        origins(wrong)


def test_a_minus_is_standard_input(monkeypatch):
    class Text:
        buffer = io.BytesIO(b"octets")

    monkeypatch.setattr(sys, "stdin", Text)
    (origin,) = origins("-")
    assert origin.name == "standard input"
    assert everything(origin.open()) == b"octets"


def test_an_open_file_is_read_from_where_it_stands(folder):
    with open(folder / "cap1.pcap", "rb") as file:
        file.read(3)
        (origin,) = origins(file)
        assert origin.name.endswith("cap1.pcap")
        assert origin.size == -1
        stream = origin.open()
        assert everything(stream) == b"1.pcap"
        stream.close()
        assert not file.closed


def test_an_open_file_that_was_read_to_its_end_is_an_error(folder):
    """It would be a capture without packets; an empty file is one."""
    with open(folder / "cap1.pcap", "rb") as file:
        file.read()
        (origin,) = origins(file)
        with pytest.raises(CaptureError, match=r"this open file has been read to its end: seek\(0\), or give its path"):
            origin.open()
        file.seek(0)
        origin.open()
    (empty,) = origins(io.BytesIO())
    empty.open()


def test_an_open_file_without_a_name_has_one_for_messages():
    (origin,) = origins(io.BytesIO(b""))
    assert origin.name == "an open file"


def test_text_files_are_refused(folder):
    with open(folder / "notes.txt", encoding="utf-8") as file, pytest.raises(CaptureError, match="rb"):
        origins(file)


def test_a_file_that_gives_text_is_refused():
    class GivesText:
        def read(self, count):
            return "text"

    with pytest.raises(CaptureError, match="rb"):
        origins(GivesText())[0].open()


# --- octets ------------------------------------------------------------------------------------------------------


def test_octets_of_a_file_are_given_whole(folder):
    stream = Origin(str(folder / "cap1.pcap")).open()
    assert stream.compression == ""
    assert everything(stream, 2) == b"cap1.pcap"
    assert stream.stored == 9
    stream.close()
    stream.close()


def test_a_file_shorter_than_any_magic_is_given_whole():
    for data in (b"", b"a", b"\x1f"):
        assert everything(Stream("x", io.BytesIO(data), owned=False)) == data


def test_compressed_octets_are_told_by_magic_and_not_by_name(folder):
    (folder / "cap1.pcap").write_bytes(gzip.compress(b"inside" * 100))
    stream = Origin(str(folder / "cap1.pcap")).open()
    assert stream.compression == "gzip"
    assert everything(stream) == b"inside" * 100
    assert stream.stored == os.path.getsize(folder / "cap1.pcap")
    stream.close()


def test_a_file_that_can_only_be_read_is_enough():
    class OnlyRead:
        def __init__(self):
            self.left = gzip.compress(b"octets")

        def read(self, count):
            got, self.left = self.left[:2], self.left[2:]
            return got

    assert everything(Stream("x", OnlyRead(), owned=False)) == b"octets"


def test_a_pipe_is_read_as_it_fills():
    reading, writing = os.pipe()
    data = bytes(range(256)) * 1000

    def write():
        with open(writing, "wb", buffering=0) as file:
            for at in range(0, len(data), 5000):
                file.write(data[at : at + 5000])

    thread = threading.Thread(target=write)
    thread.start()
    with open(reading, "rb") as file:
        assert everything(Stream("pipe", file, owned=False)) == data
    thread.join()


def test_a_pipe_tells_when_it_has_no_more_at_present():
    reading, writing = os.pipe()
    os.write(writing, b"0123456789")
    with open(reading, "rb", buffering=0) as file:
        stream = Stream("pipe", file, owned=False)
        buffer = bytearray(100)
        while stream.stored < 10:
            stream.readinto(memoryview(buffer))
        assert stream.waits()
        os.write(writing, b"more")
        assert not stream.waits()
        os.close(writing)


def test_files_never_wait(folder):
    stream = Origin(str(folder / "cap1.pcap"), 9).open()
    assert everything(stream) == b"cap1.pcap"
    assert not stream.waits()
    stream.close()
    assert not Stream("x", io.BytesIO(b"0123456789"), owned=False).waits()


def test_a_named_pipe_has_no_size_and_is_opened_once(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    (origin,) = origins(path)
    assert origin.size == -1
    thread = threading.Thread(target=path.write_bytes, args=(b"octets",))
    thread.start()
    stream = origin.open()
    assert everything(stream) == b"octets"
    stream.close()
    thread.join()


def test_a_file_that_vanished_is_an_error(tmp_path):
    with pytest.raises(CaptureError, match=r"gone.*No such file"):
        Origin(str(tmp_path / "gone")).open()


class Breaks(io.RawIOBase):
    """Gives some octets, then the operating system has a problem."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def readable(self):
        return True

    def readinto(self, view):
        if not self.data:
            raise OSError(5, "Input/output error")
        count = min(len(view), len(self.data))
        view[:count], self.data = self.data[:count], self.data[count:]
        return count


def test_what_the_operating_system_says_becomes_a_stream_error():
    stream = Stream("x", Breaks(b"0123456789"), owned=False)
    buffer = bytearray(100)
    assert stream.readinto(memoryview(buffer)) == 6
    assert stream.readinto(memoryview(buffer)) == 4
    with pytest.raises(StreamError, match="Input/output error") as caught:
        stream.readinto(memoryview(buffer))
    assert caught.value.kind == "unreadable"


def test_a_file_that_cannot_be_read_at_all_is_a_capture_error():
    with pytest.raises(CaptureError, match="x: Input/output error"):
        Stream("x", Breaks(b""), owned=False)


def test_a_missing_module_is_a_capture_error(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zstandard", None)
    path = tmp_path / "x.pcap"
    path.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(20))
    with pytest.raises(CaptureError, match="zstandard"):
        Origin(str(path)).open()
