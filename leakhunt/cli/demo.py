"""``leakhunt demo``: a leak in a real worker, found before your eyes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import click

from leakhunt import report
from leakhunt.cli.diff import render
from leakhunt.cli.options import show
from leakhunt.load import load_all
from leakhunt.query import Query

#: Orders before the first signal (they warm the worker up) and between the two.
WARM_UP, ORDERS = 60, 300


@click.command(name="demo")
def command() -> None:
    """Start a real Celery worker that leaks, signal it twice, and show the guilty line.

    Runs in a temporary folder on Celery's filesystem broker, in under 20 seconds,
    and leaves no process and no file behind.

    \b
    Example:
      leakhunt demo
    """
    from leakhunt.demo import stage

    with stage.stage() as play:
        _tell("$ celery -A shop worker -I leakhunt.worker --concurrency 1")
        play.until(lambda: play.record("main"), "it was ready", stage.START)
        child = play.until(lambda: play.record("child"), "its pool child was hooked", stage.START)
        pid, series = child["pid"], child["series"]
        with _progress(WARM_UP + ORDERS) as advance:
            _feed(play, 0, WARM_UP, advance)
            before = _signal(play, pid, series, 1)
            _feed(play, WARM_UP, ORDERS, advance)
            after = _signal(play, pid, series, 2)
        _tell(f"$ kill -USR1 {pid}      # the pool child: arms tracing and writes the baseline")
        _tell(f"  ... {ORDERS} orders and {ORDERS} quotes later")
        _tell(f"$ kill -USR1 {pid}")
        _tell("$ leakhunt diff")
        _tell("")
        older, newer = load_all([before, after])
        found = report.diff(older, newer, Query(limit=5))
        show(render(found, "table"))
    _tell("")
    _tell("The leak is the first line: every order keeps its receipt. The second is a cache")
    _tell("of 64 prices filling up: growth, and no leak, because from then on it stays so.")
    _tell("")
    _tell("On your own worker:")
    _tell("  celery -A proj worker -I leakhunt.worker")
    _tell("  leakhunt dump --all          # or kill -USR1 PID: the first one arms tracing")
    _tell("  leakhunt dump --all          # some hundred tasks later")
    _tell("  leakhunt diff                # what grew, guilty line first")


def _feed(play: Any, first: int, orders: int, advance: Callable[[int], None]) -> None:
    """Send orders and quotes and wait until the worker has done them."""
    os.environ["SHOP_FOLDER"] = str(play.folder)
    os.environ["SHOP_OUTBOX"] = str(play.folder / "outbox")
    from leakhunt.demo import shop

    base = play.done()
    for number in range(first, first + orders):
        shop.place_order.delay(number)
        shop.quote.delay(number)
    play.deliver()
    seen = 0

    def all_done() -> bool:
        nonlocal seen
        done = (play.done() - base) // 2
        advance(done - seen)
        seen = done
        return bool(done >= orders)

    play.until(all_done, f"{orders} orders were done")


def _signal(play: Any, pid: int, series: str, number: int) -> Any:
    os.kill(pid, signal.SIGUSR1)
    play.until(lambda: len(play.snapshots(series)) >= number, f"snapshot {number} was written")
    return play.snapshots(series)[number - 1]


class _progress:  # noqa: N801 - called like a function
    """A bar on stderr where that is a terminal, nothing otherwise."""

    def __init__(self, total: int) -> None:
        self._bar: Any = None
        self._total = total

    def __enter__(self) -> Callable[[int], None]:
        if not sys.stderr.isatty():
            return lambda number: None
        from rich.console import Console
        from rich.progress import Progress

        self._bar = Progress(console=Console(stderr=True), transient=True)
        task = self._bar.add_task("orders", total=self._total)
        self._bar.start()
        return lambda number: self._bar.advance(task, number)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()


def _tell(line: str) -> None:
    click.echo(line)
