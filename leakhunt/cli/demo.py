"""``leakhunt demo``: a leak in a real worker, found before your eyes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from leakhunt import units
from leakhunt.cli.options import show
from leakhunt.model.query import Query
from leakhunt.report import tables
from leakhunt.snapshots.load import load_all

if TYPE_CHECKING:
    from leakhunt.demo.stage import Stage

#: Orders before the first signal (they warm the worker up) and between the two.
WARM_UP, ORDERS = 60, 300
#: The rows of the demo's diff.
QUERY = Query(limit=5)

#: What to do next, where the engine follows births from the start and where it traces from the first signal on.
NEXT = """
On your own worker:
  celery -A proj worker -I leakhunt.worker
  leakhunt dump --all          # or kill -USR1 PID, some hundred tasks later
  leakhunt verdict             # leak or not, at which line, in which task
  leakhunt why                 # what keeps it
  leakhunt trend               # from three snapshots on: surer, and what fixes it"""
NEXT_ARMED = """
On your own worker:
  celery -A proj worker -I leakhunt.worker
  leakhunt dump --all          # or kill -USR1 PID: the first one arms tracing
  leakhunt dump --all          # some hundred tasks later, and again
  leakhunt diff                # what grew, guilty line first
  leakhunt verdict             # from three snapshots on: leak or not, at which line, in which task"""

#: What the first signal does, by the state of the engine.
ARMS = "arms tracing, writes the baseline"
WRITES = "writes a snapshot"


@click.command(name="demo")
def command() -> None:
    """Start a real Celery worker that leaks, signal it twice, and show the guilty line.

    Runs in a temporary folder on Celery's filesystem broker, in under 20 seconds,
    and leaves no process and no file behind.

    \b
    Example:
      leakhunt demo
    """
    from leakhunt.demo.stage import stage

    with stage() as play:
        armed, before, after = _play(play)
        older, newer = load_all([before, after])
    report = tables.diff(older, newer, QUERY)
    _tell("$ leakhunt diff\n")
    show(report, "table")
    _tell("")
    for line in _verdict(report):
        _tell(line)
    _tell(NEXT if armed else NEXT_ARMED)


def _play(play: Stage) -> tuple[bool, Path, Path]:
    """Feed and signal the worker; whether it traced from the start, and its two snapshots."""
    _tell("$ celery -A shop worker -I leakhunt.worker --concurrency 1")
    child = play.child()
    _feed(play, 0, WARM_UP)
    armed = child["armed_at"] is not None
    _tell(f"$ kill -USR1 {child['pid']}      # the pool child {WRITES if armed else ARMS}")
    before = play.capture(child)
    _feed(play, WARM_UP, ORDERS)
    _tell(f"  ... {ORDERS} orders and {ORDERS} quotes later")
    _tell(f"$ kill -USR1 {child['pid']}")
    return armed, before, play.capture(child)


def _feed(play: Stage, first: int, orders: int) -> None:
    """Send orders and quotes and wait until the worker has done them."""
    with _progress(f"{orders} orders, {orders} quotes", 2 * orders) as bar:
        base = play.done()
        for number in range(first, first + orders):
            play.send("shop.place_order", number)
            play.send("shop.quote", number)
        play.deliver()

        def all_done() -> bool:
            done = play.done() - base
            bar(done)
            return done >= 2 * orders

        play.until(all_done, f"its {2 * orders} tasks were done")


@contextmanager
def _progress(what: str, total: int) -> Iterator[Any]:
    """A bar on stderr where that is a terminal, nothing otherwise; yields how to move it."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


def _verdict(report: tables.DiffReport) -> Iterator[str]:
    """What the rows mean, with figures taken from them and from nowhere else."""
    from leakhunt.demo.shop import PRICES_KEPT, RECEIPT

    for row in report.comparison.rows:
        kept = row.change.diff
        spot = report.after.spots.get(row.change.stack[row.depth])
        if spot is not None and spot.function == "place_order":
            yield (
                f"Line {row.rank} is the leak: {ORDERS} orders kept {units.size(kept.size / ORDERS)} "
                f"each. shop.py says so: its RECEIPT is {units.size(RECEIPT)}."
            )
        if spot is not None and spot.function == "quote":
            yield (
                f"Line {row.rank} is a cache, and no leak: {ORDERS} quotes, and the newest "
                f"{PRICES_KEPT} prices are kept."
            )


def _tell(line: str) -> None:
    click.echo(line)
