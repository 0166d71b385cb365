"""``leakhunt watch``: memory of processes over time, with growth, limits and thresholds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from leakhunt.cli import together
from leakhunt.cli.options import Duration, Reach, Size, folder_option, reaching, screen, show
from leakhunt.cli.watching import acts, looks
from leakhunt.cli.watching.metrics import metrics
from leakhunt.cli.watching.table import table
from leakhunt.cli.watching.watched import Watching
from leakhunt.report.watch import Limits, WatchReport
from leakhunt.snapfile import folders


@click.command(name="watch")
@click.argument("pids", metavar="[PID]...", nargs=-1, type=click.IntRange(min=1))
@click.option("--interval", type=Duration(), default="10s", metavar="TIME", show_default=True,
              help="Between two looks.")  # fmt: skip
@click.option(
    "--for", "length", type=Duration(), metavar="TIME", help="Stop after that time, with a verdict."
)
@click.option("--once", is_flag=True, help="One look.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON at the end.")
@click.option("--csv", "csv_path", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Append every look to FILE, a row per process, with USS and PSS read anew for each.")  # fmt: skip
@click.option(
    "--limit",
    type=Size(),
    metavar="SIZE",
    help="RSS that a process must not reach [--max-memory-per-child].",
)
@click.option(
    "--warning",
    type=Size(),
    metavar="SIZE",
    help="RSS from which it is shown in yellow [80 % of the limit].",
)
@click.option(
    "--critical",
    type=Size(),
    metavar="SIZE",
    help="RSS from which it is critical [95 % of the limit].",
)
@click.option(
    "--snapshot-above",
    type=Size(),
    metavar="SIZE",
    help="Dump a hooked process when its RSS exceeds SIZE.",
)
@click.option(
    "--snapshot-every",
    type=Duration(),
    metavar="TIME",
    help="Dump the hooked processes that often.",
)
@click.option("--exec", "command_line", metavar="COMMAND",
              help="Run this when a process becomes critical, without a shell (WATCH_PID, WATCH_RSS, WATCH_NODE are set).")  # fmt: skip
@click.option("--prometheus", "address", metavar="[HOST]:PORT",
              help="Serve the looks as metrics over HTTP (needs leakhunt[prometheus]).")  # fmt: skip
@click.option("--textfile", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write each look as metrics for node_exporter's textfile collector.")  # fmt: skip
@reaching
@folder_option
def command(
    pids: tuple[int, ...],
    reach: Reach,
    interval: float,
    length: float | None,
    once: bool,
    as_json: bool,
    csv_path: Path | None,
    limit: int | None,
    warning: int | None,
    critical: int | None,
    snapshot_above: int | None,
    snapshot_every: float | None,
    command_line: str | None,
    address: str | None,
    textfile: Path | None,
    folder: str | None,
) -> None:
    """Watch the memory of Celery processes (or of PIDs and their children) as it goes on.

    Growth is that of RSS, with a 95 % interval; the time until the limit is told where growth
    is sure, and of a control group's limit for all under it together. USS, PSS and open files are read in turn, within 0.3 % of one CPU, and their age is told;
    all else at every look. Processes may come and go. With -A an app's workers are asked through its broker, on
    whatever host. Ctrl-C ends it with a sentence for each process. Exits
    3 when a process is critical at the end.

    \b
    Examples:
      leakhunt watch
      leakhunt watch 4242 --for 10m --csv memory.csv
      leakhunt watch -A proj --prometheus :9898
      leakhunt watch --limit 400MiB --snapshot-above 300MiB --exec 'notify-oncall'
    """
    together.apart("--once", "--for", "--snapshot-every")
    home = folders.state_dir(folder)
    limits = Limits(limit, warning, critical)
    began = time.monotonic()
    end = began + (0 if once else length if length is not None else float("inf"))
    last = False
    with ExitStack() as stack:
        fleet = None
        if reach.app is not None:
            from leakhunt.live import remote

            fleet = stack.enter_context(remote.reached(reach.app, reach.nodes, reach.wait))
        look = (
            looks.here(home, pids, csv_path is not None)
            if fleet is None
            else looks.afar(fleet, pids)
        )
        seen_so_far = Watching(look, limits, judge=fleet is None and not once)
        doing = acts.Acts(acts.dumping(home, fleet), snapshot_above, snapshot_every, command_line)
        write = stack.enter_context(table(csv_path))
        publish = stack.enter_context(metrics(address, textfile))
        draw = stack.enter_context(_screen(once or as_json))
        stack.enter_context(suppress(KeyboardInterrupt))
        while not last:
            due = time.monotonic() + interval
            last = once or time.monotonic() >= end
            seen = seen_so_far.look()
            write(seen)
            publish(seen)
            doing.act(seen)
            draw(seen)
            if not last:
                time.sleep(max(0.0, min(due, end) - time.monotonic()))
        seen_so_far.finish()
    made = seen_so_far.made(over=not once)
    show(made, "json" if as_json else "table")
    doing.reap()
    if made.critical:
        click.get_current_context().exit(3)


@contextmanager
def _screen(quiet: bool) -> Iterator[Any]:
    """Draws each look in place of the one before, on a terminal; elsewhere nothing."""
    if quiet or not sys.stdout.isatty():
        yield lambda seen: None
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from leakhunt.render import formats
    from leakhunt.render.screen import TABLE

    console = Console(highlight=False, markup=False)
    # In the place of standard output rich would put what does not say which letters it can carry.
    with Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False) as live:

        def draw(seen: WatchReport) -> None:
            text = Text.from_ansi(formats.text(seen, TABLE, screen()))
            lines = text.split("\n")
            live.update(Text("\n").join(lines[: max(1, console.height - 1)]), refresh=True)

        yield draw
