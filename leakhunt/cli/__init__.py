"""The console: a group of lazy commands and the one error boundary.

Exit codes: 0 fine, 1 a bug, 2 usage or unreadable input, 3 a threshold the user set was
exceeded or a check has found a leak, 4 a check is not sure, 130 interrupted. Reports go to stdout, everything else to stderr. Each
command is ``leakhunt.cli.<name>:command``, imported when it is used: ``leakhunt
--version`` loads click and nothing else.
"""

from __future__ import annotations

import errno
import importlib
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import click

from leakhunt.errors import LeakhuntError, NoSuchSnapshotError

#: Commands with their one line of help, in the order of a first session.
COMMANDS = {
    "demo": "Watch leakhunt find a leak in a real Celery worker, in 20 seconds.",
    "run": "Run a script or module with the hook installed.",
    "ps": "The Celery processes of this host: what each holds and does, and what is wrong.",
    "watch": "Memory of processes over time: growth, limits, thresholds.",
    "tasks": "Per task name: runs, failures, time, CPU, memory kept.",
    "doctor": "What is wrong with the configuration, and the exact setting.",
    "dump": "Ask hooked processes of this host for a snapshot.",
    "arm": "Switch hooked processes to another engine while they run.",
    "ls": "List the series of snapshots: which worker grows.",
    "top": "What is alive in a snapshot.",
    "diff": "What grew between two snapshots.",
    "verdict": "Leak or not, at which line, since when: from one snapshot, or from a process now.",
    "trend": "What keeps growing, per task: a verdict from three or more snapshots.",
    "why": "What keeps the objects of a place alive.",
    "account": "Where the RSS is, or where its growth went, in parts that add up.",
    "compare": "Two series, before and after a fix: fixed, better, same, worse or new, place by place.",
    "check": "Does a function or task leak? Run it until the answer is sure.",
    "show": "Everything about one place: who leads there, what it allocates.",
    "report": "One page for the ticket: verdict, timeline, flame graph, in a file that opens anywhere.",
    "export": "Files that other tools open: pprof, speedscope, collapsed, csv, json, parquet.",
}


class Lazy(click.Group):
    """Knows its commands by name and imports them on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"leakhunt.cli.{cmd_name}").command
        return command

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        context: click.Context = _unless_closed(super().make_context, *args, **extra)
        return context

    def invoke(self, ctx: click.Context) -> Any:
        return _unless_closed(super().invoke, ctx)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> Any:
        from click.shell_completion import CompletionItem

        names = [name for name in COMMANDS if name.startswith(incomplete)]
        items = [CompletionItem(name, help=COMMANDS[name]) for name in names]
        return items or click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _unless_closed(step: Callable[..., Any], *args: Any, **extra: Any) -> Any:
    """Click makes an exit status of 1 of a broken pipe (`| head`), which is nobody's failure."""
    try:
        return step(*args, **extra)
    except BrokenPipeError:
        _discard(sys.stdout)
        raise click.exceptions.Exit(0) from None


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        import leakhunt

        click.echo(f"leakhunt {leakhunt.__version__}")
        ctx.exit()


@click.command(
    cls=Lazy, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version,
    help="Show the version and exit.",
)  # fmt: skip
@click.pass_context
def group(ctx: click.Context) -> None:
    """Find the line that leaks in a Celery worker or any long-lived Python process.

    \b
    Hook a worker, without touching its code:
      celery -A proj worker -I leakhunt.worker
    Snapshots, twice, with tasks in between:
      kill -USR1 PID          (or: leakhunt dump --all)
    Where memory grew:
      leakhunt diff
    Where you stand, and the next step:
      leakhunt
    """
    if ctx.invoked_subcommand is None:
        from leakhunt.cli.status import status

        status()


def main(arguments: list[str] | None = None) -> None:
    """The console script: runs a command and turns what it raises into an exit status."""
    if hasattr(signal, "SIGPIPE"):
        # A closed pipe (`| head`) arrives as BrokenPipeError and ends quietly below.
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started this (`>&-`)
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, PTH123 - until the process ends
    if "_LEAKHUNT_COMPLETE" in os.environ:
        from leakhunt.cli import shells

        shells.register()
    status = execute(arguments)
    flushed = [_flushed(stream) for stream in (sys.stdout, sys.stderr)]
    sys.exit(status if all(flushed) else status or 2)


def _flushed(stream: Any) -> bool:
    """Write what is still buffered; whether that worked. A closed pipe is nobody's failure.

    What cannot be written goes nowhere after that, so that the interpreter's own flush at exit does
    not fail once more (its exit status would be 120).
    """
    try:
        stream.flush()
    except BrokenPipeError:
        _discard(stream)
    except (OSError, ValueError) as error:
        _unwritten(error, stream)
        return False
    return True


def _unwritten(error: Exception, stream: Any) -> None:
    """Tell it, once."""
    _discard(stream)
    said = getattr(error, "strerror", None) or str(error)
    with suppress(OSError, ValueError):
        click.echo(f"leakhunt: the report could not be written: {said}", err=True)


def execute(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit status. Bugs get through as exceptions.

    Not called ``run``: that command's module takes this name in the package.
    """
    try:
        result: Any = group.main(arguments, prog_name="leakhunt", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except LeakhuntError as error:
        click.echo(f"leakhunt: {_known(error) or error}", err=True)
        return 2
    except OSError as error:
        if error.filename is None and error.errno in _UNWRITTEN:
            _unwritten(error, sys.stdout)
            return 2
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"leakhunt: {where}{error.strerror or error}", err=True)
        return 2


def _known(error: LeakhuntError) -> str | None:
    """What is known better where a word means no snapshot: a process of that pid may run."""
    if not isinstance(error, NoSuchSnapshotError):
        return None
    from pathlib import Path  # not before: the version needs none of it

    from leakhunt.cli import reading

    return reading.running(error.word, Path(error.home))


#: What writing to a standard stream fails with.
_UNWRITTEN = frozenset({errno.ENOSPC, errno.EIO, errno.EBADF, errno.EDQUOT, errno.EFBIG})


def _discard(stream: Any) -> None:
    """Lead the stream to nowhere."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
