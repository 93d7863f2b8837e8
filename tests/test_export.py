"""Tables into files."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import sys
import threading

import numpy as np
import pandas as pd
import pytest
from making import START, columns_from, four_way_close

from pcapstate import export
from pcapstate.export import FORMATS, csv_lines, replaced, write_table, write_tables
from pcapstate.frames import frame
from pcapstate.schema import MISSING, TABLES, Coded, Column

ROWS = four_way_close()


def text_of(name, form="csv", rows=None):
    stream = io.BytesIO()
    write_table(TABLES[name], columns_from(name, ROWS[name] if rows is None else rows), stream, form)
    return stream.getvalue().decode()


# --- CSV -------------------------------------------------------------------------------------------------------


def test_csv_of_notes():
    assert text_of("notes") == (
        "file,file_frame,frame,time,flow,side,kind,text\n"
        ',,3,2026-01-02T03:04:05.012000000Z,0,server,refuted,"A, ""quoted""."\n'
    )


def test_csv_of_the_timeline():
    lines = text_of("timeline").splitlines()
    assert lines[0].startswith(
        "flow,side,address,port,peer_address,peer_port,frame,time,from_state,event,to_state,evidence"
    )
    assert lines[1] == (
        "0,client,10.0.0.1,40000,10.0.0.2,80,1,2026-01-02T03:04:05.000000000Z,CLOSED,snd SYN,SYN_SENT,sent,"
        "2026-01-02T03:04:05.000000000Z,2026-01-02T03:04:05.001000000Z,2026-01-02T03:04:05.000000000Z,,0.0,"
    )
    assert '"rcv SYN,ACK"' in lines[2]


@pytest.mark.parametrize("name", TABLES)
def test_csv_has_every_row_and_column(name):
    rows = list(csv.reader(io.StringIO(text_of(name))))
    assert tuple(rows[0]) == TABLES[name].names
    assert len(rows) == len(ROWS[name]) + 1
    assert {len(row) for row in rows} == {len(TABLES[name].columns)}


@pytest.mark.parametrize("name", TABLES)
def test_an_empty_table_is_its_heading(name):
    assert text_of(name, rows=[]) == ",".join(TABLES[name].names) + "\n"


@pytest.mark.parametrize("name", TABLES)
def test_pandas_reads_the_csv_as_the_frame(name):
    table = TABLES[name]
    made = frame(table, columns_from(name, ROWS[name]))
    times = [column.name for column in table.columns if column.dtype.startswith("datetime")]
    dtypes = {column.name: column.dtype for column in table.columns if column.name not in times}
    back = pd.read_csv(io.StringIO(text_of(name)), dtype=dtypes)
    for column in times:
        back[column] = pd.to_datetime(back[column], format="ISO8601", utc=True).astype("datetime64[ns, UTC]")
    for column in table.columns:
        first, second = (x[column.name].astype(object).where(x[column.name].notna(), None) for x in (made, back))
        # An empty text and no text are the same in a CSV.
        assert [cell or None if cell == "" else cell for cell in first] == second.tolist(), column.name


def test_missing_values_are_nothing_and_zeros_are_zeros():
    columns = {
        "n": np.array([MISSING, 0, -1]),
        "t": np.array([MISSING, 0, START]),
        "x": np.array([np.nan, 0.0, 1e-7]),
        "b": np.array([-1, 0, 1], np.int8),
        "w": np.array([-1, 0, 1], np.int8),
        "s": Coded(np.array([-1, 0, 1]), ["", "a"]),
    }
    known = [
        Column("n", "Int64", ""), Column("t", "datetime64[ns, UTC]", ""), Column("x", "float64", ""),
        Column("b", "boolean", ""), Column("w", "category", "", words=("", "word")), Column("s", "string", ""),
    ]  # fmt: skip
    assert csv_lines(known, columns).decode().splitlines() == [
        ",,,,,",
        "0,1970-01-01T00:00:00.000000000Z,0.0,false,,",
        "-1,2026-01-02T03:04:05.000000000Z,1e-07,true,word,a",
    ]


def test_names_that_are_no_unicode_survive():
    name = os.fsdecode(b"caf\xe9.pcap")
    line = csv_lines([Column("file", "category", "")], {"file": Coded(np.array([0]), [name])})
    assert line == b"caf\xe9.pcap\n"


@pytest.mark.parametrize("rows", [1, 7, 100_000])
def test_chunks_make_no_difference(monkeypatch, rows):
    whole = text_of("segments")
    monkeypatch.setattr(export, "CHUNK", rows)
    assert text_of("segments") == whole


def test_pyarrow_is_used_for_many_rows_and_writes_the_same(monkeypatch):
    pytest.importorskip("pyarrow")
    ours = text_of("timeline")
    monkeypatch.setattr(export, "MANY_ROWS", 1)
    assert export._csv_writer(1).__module__ == "pcapstate.arrow"
    assert text_of("timeline") == ours


def test_without_pyarrow_we_write_ourselves(monkeypatch):
    ours = text_of("timeline")
    monkeypatch.setattr(export, "MANY_ROWS", 1)
    monkeypatch.setitem(sys.modules, "pcapstate.arrow", None)
    assert export._csv_writer(1) is csv_lines
    assert text_of("timeline") == ours


# --- other formats ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
def test_ndjson_has_an_object_a_line(name):
    objects = [json.loads(line) for line in text_of(name, "ndjson").splitlines()]
    assert [tuple(found) for found in objects] == [TABLES[name].names] * len(ROWS[name])


def test_ndjson_values_have_their_types():
    note = json.loads(text_of("notes", "ndjson"))
    assert note == {
        "file": None, "file_frame": None, "frame": 3, "time": "2026-01-02T03:04:05.012000000Z", "flow": 0,
        "side": "server", "kind": "refuted", "text": 'A, "quoted".',
    }  # fmt: skip
    flow = json.loads(text_of("flows", "ndjson"))
    assert flow["client_sack"] is True
    assert flow["duration"] == 0.08
    assert flow["server_mss"] is None


def test_another_format_is_refused():
    with pytest.raises(ValueError, match="no format 'xlsx'; the formats are csv, parquet, ndjson"):
        text_of("notes", "xlsx")


def test_parquet_without_pyarrow_says_so(monkeypatch):
    monkeypatch.setattr(export, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install pcapstate\[parquet\]"):
        text_of("notes", "parquet")


# --- places ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
def test_all_tables_into_a_folder(tmp_path, form):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    tables = {name: columns_from(name, ROWS[name]) for name in TABLES}
    paths = write_tables(tables, tmp_path / "new" / "folder", form)
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == sorted(
        f"{n}.{form}" for n in TABLES
    )
    assert paths["flows"] == tmp_path / "new" / "folder" / f"flows.{form}"


def test_the_number_of_rows_is_given(tmp_path):
    assert write_table(TABLES["timeline"], columns_from("timeline", ROWS["timeline"]), tmp_path / "t.csv") == 11
    assert (tmp_path / "t.csv").read_text() == text_of("timeline")


def test_a_failed_run_leaves_the_old_file(tmp_path):
    target = tmp_path / "x.csv"
    target.write_text("old")
    with pytest.raises(RuntimeError), replaced(target) as stream:  # noqa: PT012
        stream.write(b"half of the n")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_table_leaves_all_old_files(tmp_path, monkeypatch):
    for name in ("flows", "notes"):
        (tmp_path / f"{name}.csv").write_text("old")
    columns = {name: columns_from(name, ROWS[name]) for name in ("flows", "notes")}
    columns["notes"]["text"] = np.array([7], object)
    with pytest.raises(TypeError):
        write_tables(columns, tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"flows.csv": "old", "notes.csv": "old"}


def test_an_interrupt_leaves_nothing_behind(tmp_path):
    with pytest.raises(KeyboardInterrupt), replaced(tmp_path / "x.csv"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    with replaced(tmp_path / "link.csv") as stream:
        stream.write(b"new")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "new"


def test_permissions_are_those_of_any_new_file(tmp_path):
    (tmp_path / "plain").touch()
    with replaced(tmp_path / "x.csv") as stream:
        stream.write(b"new")
    assert stat.S_IMODE((tmp_path / "x.csv").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_a_folder_cannot_be_written_over(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder"), replaced(tmp_path):
        pass


def test_no_folder_no_file(tmp_path):
    with pytest.raises(FileNotFoundError), replaced(tmp_path / "no" / "x.csv"):
        pass


def test_a_named_pipe_is_written_into(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    with replaced(pipe) as stream:
        stream.write(b"rows")
    reader.join(timeout=10)
    assert got == [b"rows"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_place_that_cannot_be_written_is_named_as_it_was_given(tmp_path):
    target = tmp_path / "nowhere" / "flows.csv"
    with pytest.raises(FileNotFoundError) as caught, replaced(target):
        pass
    assert caught.value.filename == str(target)
