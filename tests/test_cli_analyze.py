"""``pcapstate analyze``: which tables go where, and for which connections."""

from __future__ import annotations

import csv
import json
import os

import click
import numpy as np
import pytest
from conftest import SAMPLES
from making import columns_from, flow_row, four_way_close

from pcapstate.cli import DONE, analyze, run
from pcapstate.cli.analyze import Plan, of_flows
from pcapstate.schema import MISSING, TABLES

TWO_FLOWS = str(SAMPLES / "port_reuse_in_time_wait.pcap")


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


# --- the plan --------------------------------------------------------------------------------------------------


def plan(output=None, form=None, *tables):
    made = Plan(output, form, tables)
    place = "stdout" if made.to_stdout else "folder" if made.folder else "file" if made.file else "nowhere"
    return place, made.form, made.tables


ALL = tuple(TABLES)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), ("nowhere", "csv", ())),
        (("tables",), ("folder", "csv", ALL)),
        (("tables/",), ("folder", "csv", ALL)),
        (("x.csv/",), ("folder", "csv", ALL)),
        (("half_close.middle",), ("folder", "csv", ALL)),
        (("tables", "parquet"), ("folder", "parquet", ALL)),
        (("tables", None, "flows", "notes", "flows"), ("folder", "csv", ("flows", "notes"))),
        (("timeline.csv",), ("file", "csv", ("timeline",))),
        (("segments.parquet",), ("file", "parquet", ("segments",))),
        (("out/windows.NDJSON",), ("file", "ndjson", ("windows",))),
        (("anything.csv",), ("file", "csv", ("timeline",))),
        (("anything.csv", None, "flows"), ("file", "csv", ("flows",))),
        (("timeline.csv", "ndjson"), ("file", "ndjson", ("timeline",))),
        (("-",), ("stdout", "csv", ("timeline",))),
        (("-", "ndjson", "flows"), ("stdout", "ndjson", ("flows",))),
        ((None, None, "flows"), ("stdout", "csv", ("flows",))),
    ],
)
def test_where_tables_go(arguments, expected):
    assert plan(*arguments) == expected


@pytest.mark.parametrize("output", ["x.csv", "-", None])
def test_one_place_holds_one_table(output):
    with pytest.raises(click.UsageError, match="one file holds one table"):
        plan(output, None, "flows", "notes")


def test_a_file_that_is_there_is_no_folder(tmp_path):
    (tmp_path / "old.txt").touch()
    with pytest.raises(click.UsageError, match="names no format"):
        plan(str(tmp_path / "old.txt"))
    assert plan(str(tmp_path / "old.txt"), "csv") == ("file", "csv", ("timeline",))


@pytest.mark.parametrize(
    "output", ["flows.xyz", "states.xlsx", "timeline.txt", "x.json", "x.csv.d", "flows.2024.old", "Notes.TXT"]
)
def test_the_name_of_a_file_makes_no_folder(output):
    """Who types it means a file, in a format that we do not write."""
    with pytest.raises(click.UsageError, match=f"names no format: it may be .csv.*{output}/ would be a folder"):
        plan(output)
    assert plan(output, "csv")[0] == "file"
    assert plan(output + "/")[0] == "folder"


@pytest.mark.parametrize("output", ["timeline.csv.gz", "x.zst", "all.tar.xz", "flows.zip"])
@pytest.mark.parametrize("form", [None, "csv"])
def test_nothing_is_compressed(output, form):
    """Plain text under such a name could be read by nobody."""
    with pytest.raises(click.UsageError, match=f"-o {output}: tables are written as they are, not compressed"):
        plan(output, form)
    assert plan(output + "/", form)[0] == "folder"


def test_a_format_without_a_place():
    with pytest.raises(click.UsageError, match="--format is of the tables"):
        plan(None, "parquet")
    assert plan(None, "parquet", "flows") == ("stdout", "parquet", ("flows",))


def test_a_device_or_a_pipe_takes_one_table(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert plan(os.devnull) == ("file", "csv", ("timeline",))
    assert plan(os.devnull, None, "flows") == ("file", "csv", ("flows",))
    assert plan(str(tmp_path / "pipe"), "ndjson") == ("file", "ndjson", ("timeline",))
    assert run(["analyze", TWO_FLOWS, "-q", "-o", os.devnull]) == DONE


@pytest.mark.parametrize("output", ["tables", "run.2024-05-01", "v1.2", "night.d"])
def test_a_folder_may_have_a_dot_in_its_name(output):
    assert plan(output)[0] == "folder"


def test_a_folder_that_is_there_is_a_folder(tmp_path):
    (tmp_path / "odd.csv").mkdir()
    assert plan(str(tmp_path / "odd.csv"))[0] == "folder"


# --- rows ------------------------------------------------------------------------------------------------------


def test_rows_of_the_chosen_flows():
    columns = columns_from("flows", [flow_row(number) for number in range(5)])
    assert of_flows(columns, np.array([1, 3]))["flow"].tolist() == [1, 3]
    assert of_flows(columns, None) is columns
    assert of_flows(columns, np.array([], np.int64))["flow"].tolist() == []


def test_notes_about_no_flow_are_left_out_when_flows_are_chosen():
    notes = columns_from("notes", [{"text": "cut"}, *four_way_close()["notes"]])
    assert notes["flow"].tolist() == [MISSING, 0]
    assert of_flows(notes, np.array([0]))["flow"].tolist() == [0]


# --- the command -----------------------------------------------------------------------------------------------


def test_every_table_into_a_folder(tmp_path, capsys):
    assert run(["analyze", TWO_FLOWS, "-o", str(tmp_path / "out")]) == DONE
    out = capsys.readouterr().out
    names = "flows.csv, timeline.csv, segments.csv, windows.csv, stalls.csv, notes.csv"
    assert f"Wrote {names} into {tmp_path / 'out'}" in out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(f"{name}.csv" for name in TABLES)
    flows = rows_of(tmp_path / "out" / "flows.csv")
    assert [row["flow"] for row in flows] == ["0", "1"]
    assert {row["flow"] for row in rows_of(tmp_path / "out" / "timeline.csv")} == {"0", "1"}
    assert len(rows_of(tmp_path / "out" / "segments.csv")) == sum(
        int(row["client_packets"]) + int(row["server_packets"]) for row in flows
    )


def test_only_some_flows(tmp_path):
    for number, option in enumerate((["--flow", "1"], ["--filter", "port 1-65535", "--flow", "1"])):
        out = tmp_path / str(number)
        assert run(["analyze", TWO_FLOWS, "-q", "-o", str(out), *option]) == DONE
        for name in ("flows", "timeline", "segments", "windows"):
            assert {row["flow"] for row in rows_of(out / f"{name}.csv")} == {"1"}


def test_a_filter_that_finds_nothing(tmp_path):
    assert run(["analyze", TWO_FLOWS, "-o", str(tmp_path), "--filter", "port 9"]) == DONE
    assert rows_of(tmp_path / "flows.csv") == []


def test_one_table_into_a_file(tmp_path, capsys):
    assert run(["analyze", TWO_FLOWS, "-o", str(tmp_path / "flows.ndjson")]) == DONE
    lines = (tmp_path / "flows.ndjson").read_text().splitlines()
    assert [json.loads(line)["flow"] for line in lines] == [0, 1]
    assert f"Wrote {tmp_path / 'flows.ndjson'}: flows, 2 rows" in capsys.readouterr().out


def test_one_row_is_one_row(tmp_path, capsys):
    assert run(["analyze", TWO_FLOWS, "--flow", "1", "-o", str(tmp_path / "flows.csv")]) == DONE
    assert capsys.readouterr().out.endswith("flows, 1 row\n")


def test_quiet_says_nothing(tmp_path, capsys):
    assert run(["analyze", TWO_FLOWS, "-q", "-o", str(tmp_path)]) == DONE
    assert capsys.readouterr() == ("", "")


def test_msl_is_half_of_time_wait(tmp_path):
    place = tmp_path / "timeline.csv"
    assert run(["analyze", str(SAMPLES / "simultaneous_close.pcap"), "-q", "--msl", "5", "-o", str(place)]) == DONE
    waits = [float(row["dwell"]) for row in rows_of(place) if row["event"] == "2MSL"]
    assert waits == pytest.approx([10.0, 10.0])


def test_several_files_are_one_capture(tmp_path):
    files = [str(SAMPLES / f"{name}.pcap") for name in ("handshake_and_close", "refused_port")]
    assert run(["analyze", "-q", *files, "-o", str(tmp_path)]) == DONE
    assert len(rows_of(tmp_path / "flows.csv")) == 2
    assert {row["file"] for row in rows_of(tmp_path / "segments.csv")} == set(files)


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
def test_every_format(tmp_path, form):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    assert run(["analyze", TWO_FLOWS, "-q", "--format", form, "-o", str(tmp_path / "out")]) == DONE
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(f"{name}.{form}" for name in TABLES)


@pytest.mark.parametrize(
    ("arguments", "spared"),
    [
        ([], ["timeline"]),
        (["--table", "flows"], ["timeline"]),
        (["--table", "timeline"], []),
        (["-o", "-"], []),
        (["--flow", "0"], []),
    ],
)
def test_the_timeline_is_spared_where_nothing_shows_it(arguments, spared, monkeypatch, capsys):
    asked = []
    real = analyze.read
    monkeypatch.setattr(analyze, "read", lambda *given, **options: asked.append(options) or real(*given, **options))
    assert run(["analyze", TWO_FLOWS, *arguments]) == DONE
    assert capsys.readouterr().out
    assert [list(options["leave_out"]) for options in asked] == [spared]
