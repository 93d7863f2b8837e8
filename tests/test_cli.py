"""The command as a user meets it: exit codes, streams, help, failures."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from conftest import SAMPLES

from pcapstate import cli, schema
from pcapstate.cli import DAMAGED, DONE, FAULT, INTERRUPTED, WRONG, commands, run
from pcapstate.export import FORMATS

HANDSHAKE = str(SAMPLES / "handshake_and_close.pcap")
PCAPSTATE = [sys.executable, "-m", "pcapstate"]


@pytest.fixture
def cut(tmp_path):
    path = tmp_path / "cut.pcap"
    with open(HANDSHAKE, "rb") as whole:
        path.write_bytes(whole.read()[:-5])
    return str(path)


def start(*arguments, **options):
    return subprocess.run([*PCAPSTATE, *arguments], capture_output=True, text=True, check=False, **options)


# --- exit codes ------------------------------------------------------------------------------------------------


def test_done(capsys):
    assert run(["analyze", HANDSHAKE]) == DONE == 0
    out, err = capsys.readouterr()
    assert "1 TCP connection" in out
    assert err == ""


def test_a_capture_that_was_cut_short(cut, capsys):
    assert run(["analyze", cut]) == DAMAGED == 1
    out, err = capsys.readouterr()
    assert "Not everything could be read: 1 in the table notes." in out
    assert err.startswith("pcapstate: cut.pcap: the file ends within a packet")
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", ["analyze", "ladder"])
def test_no_such_file(command, capsys):
    assert run([command, "nothing.pcap"]) == WRONG == 2
    assert capsys.readouterr().err == "pcapstate: nothing.pcap: No such file or directory\n"


def test_not_a_capture(tmp_path, capsys):
    (tmp_path / "letter.txt").write_text("Dear reader, this is no capture.")
    assert run(["analyze", str(tmp_path / "letter.txt")]) == WRONG
    assert "letter.txt" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["analyze"],
        ["analyse", HANDSHAKE],
        ["analyze", HANDSHAKE, "--flow", "7"],
        ["analyze", HANDSHAKE, "--filter", "host nowhere"],
        ["analyze", HANDSHAKE, "--table", "packets"],
        *(["analyze", HANDSHAKE, "--msl", msl] for msl in ("-1", "nan", "inf", "1e300", "x")),
        ["analyze", HANDSHAKE, "--format", "parquet"],
        ["analyze", HANDSHAKE, "-o", "timeline.csv.gz"],
        ["ladder", HANDSHAKE, "--flow", "x"],
        ["plot", HANDSHAKE],
        ["schema", "packets"],
    ],
    ids=" ".join,
)
def test_wrong_use(arguments, capsys):
    assert run(arguments) == WRONG
    out, err = capsys.readouterr()
    assert "Error: " in err
    assert "Traceback" not in out + err


def test_an_output_that_cannot_be_written(tmp_path, capsys):
    assert run(["analyze", HANDSHAKE, "-o", str(tmp_path / "no" / "timeline.csv")]) == WRONG
    assert "No such file or directory" in capsys.readouterr().err


@pytest.fixture
def faulty(monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("what never happens")

    monkeypatch.setattr("pcapstate.cli.analyze.analyze", fail)


def test_a_fault_of_ours_is_said_without_a_traceback(faulty, capsys):
    assert run(["analyze", HANDSHAKE]) == FAULT == 70
    err = capsys.readouterr().err
    assert err == "pcapstate: a fault of pcapstate: RuntimeError: what never happens (--debug shows where)\n"


@pytest.mark.parametrize("arguments", [["analyze", HANDSHAKE, "--debug"], ["--debug", "analyze", HANDSHAKE]])
def test_debug_shows_the_traceback(faulty, arguments):
    with pytest.raises(RuntimeError, match="what never happens"):
        run(arguments)


def test_an_interrupt(monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("pcapstate.cli.analyze.analyze", interrupt)
    assert run(["analyze", HANDSHAKE]) == INTERRUPTED == 130
    assert capsys.readouterr().err == "pcapstate: interrupted\n"


def test_missing_extras_are_said(monkeypatch, capsys):
    monkeypatch.setattr("pcapstate.export.find_spec", lambda name: None)
    assert run(["analyze", HANDSHAKE, "-o", "timeline.parquet"]) == WRONG
    assert capsys.readouterr().err == "pcapstate: Parquet needs pyarrow: pip install pcapstate[parquet]\n"


def test_a_missing_module_of_ours_is_a_fault(monkeypatch, capsys):
    def fail(*_, **__):
        raise ModuleNotFoundError("No module named 'pcapstate.nonsense'", name="pcapstate.nonsense")

    monkeypatch.setattr("pcapstate.cli.analyze.analyze", fail)
    assert run(["analyze", HANDSHAKE]) == FAULT
    assert "a fault of pcapstate: ModuleNotFoundError" in capsys.readouterr().err


def test_main_exits(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["pcapstate", "schema", "notes"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == DONE


# --- streams ---------------------------------------------------------------------------------------------------


def test_a_capture_from_a_pipe():
    with open(HANDSHAKE, "rb") as file:
        done = start("analyze", "-", stdin=file)
    assert done.returncode == DONE
    assert done.stdout.startswith("standard input: ")
    assert done.stderr == ""


def test_a_table_on_standard_output():
    done = start("analyze", HANDSHAKE, "--table", "timeline")
    assert done.returncode == DONE
    assert done.stdout.splitlines()[0].startswith("flow,side,address")
    assert done.stderr == ""


@pytest.mark.parametrize(
    "command", ["schema", f"analyze {HANDSHAKE}", f"ladder {HANDSHAKE}", f"analyze {HANDSHAKE} --flow 0"]
)
def test_who_reads_only_the_beginning_is_no_failure(command):
    done = subprocess.run(
        f'"{sys.executable}" -m pcapstate {command} | head -n 1; echo ${{PIPESTATUS[0]}}',
        shell=True, executable="/bin/bash", capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "0"
    assert done.stderr == ""


def test_no_colours_and_no_progress_where_there_is_no_terminal():
    done = start("analyze", HANDSHAKE)
    assert "\x1b" not in done.stdout + done.stderr


# --- help ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [[], *([name] for name in commands.pcapstate.commands)], ids=str)
def test_help(command, capsys):
    assert run([*command, "--help"]) == DONE
    assert "Usage: pcapstate" in capsys.readouterr().out


def test_the_version(capsys):
    assert run(["--version"]) == DONE
    assert capsys.readouterr().out == "pcapstate 0.1.0\n"


def test_help_loads_nothing_heavy():
    code = """if True:
        import sys
        from pcapstate.cli import run
        run(["analyze", "--help"])
        heavy = {"numpy", "pandas", "matplotlib", "numba", "rich", "pyarrow"} & set(sys.modules)
        print(sorted(heavy), file=sys.stderr)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_the_summary_loads_no_pandas():
    code = f"""if True:
        import sys
        from pcapstate.cli import run
        run(["analyze", {HANDSHAKE!r}])
        run(["analyze", {HANDSHAKE!r}, "--flow", "0"])
        run(["analyze", {HANDSHAKE!r}, "--table", "segments"])
        run(["ladder", {HANDSHAKE!r}])
        heavy = {{"pandas", "matplotlib", "numba", "pyarrow"}} & set(sys.modules)
        print(sorted(heavy), file=sys.stderr)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def seconds(*arguments, **options):
    """Processor time of a command, the least of three runs: other work on the machine does not count."""
    taken = []
    for _ in range(3):
        before = os.times()
        assert start(*arguments, **options).returncode == DONE
        after = os.times()
        taken.append(after.children_user - before.children_user + after.children_system - before.children_system)
    return min(taken)


def test_help_answers_at_once():
    assert seconds("--help") < 0.3


def test_a_small_capture_answers_at_once(tmp_path):
    """From start to prompt, with nothing compiled and nothing cached."""
    assert seconds("analyze", HANDSHAKE, env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)}) < 1.0


# --- what is said twice ----------------------------------------------------------------------------------------


def test_tables_and_formats_are_those_of_the_library():
    """They are written out in the commands, so that help need not load the library."""
    assert tuple(schema.TABLES) == commands.TABLE_NAMES
    assert FORMATS == commands.FORMATS


def test_an_interrupt_while_loading_leaves_no_traceback(monkeypatch):
    from pcapstate import __main__ as command

    class Interrupted:
        def find_spec(self, name, *_):
            if name == "pcapstate.cli":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "pcapstate.cli")
    monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
    with pytest.raises(SystemExit) as end:
        command.main()
    assert end.value.code == INTERRUPTED
