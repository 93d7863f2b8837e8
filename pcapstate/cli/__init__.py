"""The command ``pcapstate``: the only part that prints. Everything heavy is imported inside the commands.

Exit codes: 0 done; 1 done, but a capture was cut short, odd or damaged; 2 wrong use, no such file, not a capture, or
the output cannot be written; 70 a fault of pcapstate; 130 interrupted, the results so far written.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from .commands import pcapstate

DONE, DAMAGED, WRONG, FAULT, INTERRUPTED = 0, 1, 2, 70, 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line (by default that of the process) and returns the exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        # Not click's own main: that takes interrupts and broken pipes for itself.
        with pcapstate.make_context("pcapstate", list(arguments)) as context:
            code = pcapstate.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return WRONG
    except (KeyboardInterrupt, click.Abort):
        click.echo("pcapstate: interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output (head, a pager) has seen enough. Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        if "--debug" in arguments:
            raise
        return _failed(error)
    return code if isinstance(code, int) else DONE


def _failed(error: Exception) -> int:
    """Says in a line what went wrong, and tells our faults from others'."""
    from ..parser.sources import CaptureError

    if isinstance(error, OSError) and error.filename:
        click.echo(f"pcapstate: {error.filename}: {error.strerror or error}", err=True)
        return WRONG
    # A module that is missing is an extra that was not installed; one of our own would be a fault.
    missing = isinstance(error, ImportError) and not str(error.name or "").startswith("pcapstate")
    if missing or isinstance(error, CaptureError | OSError):
        click.echo(f"pcapstate: {error}", err=True)
        return WRONG
    click.echo(f"pcapstate: a fault of pcapstate: {type(error).__name__}: {error} (--debug shows where)", err=True)
    return FAULT
