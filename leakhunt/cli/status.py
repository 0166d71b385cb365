"""``leakhunt`` without a command: where one stands, and the next step."""

from __future__ import annotations

from leakhunt.cli import reading
from leakhunt.cli.judging import gather
from leakhunt.cli.options import show
from leakhunt.live import processes
from leakhunt.report.status import StatusReport
from leakhunt.report.trend import TrendReport, trend
from leakhunt.snapfile import folders
from leakhunt.snapshots.chosen import ENOUGH, most_telling
from leakhunt.snapshots.load import series
from leakhunt.snapshots.series import Series


def status() -> None:
    """Print it."""
    home = folders.state_dir(None)
    lines = series(home, [], reading.runs) if home.is_dir() else []
    hooked = tuple(process.name for process in processes.hooked(home))
    show(StatusReport(str(home), hooked, tuple(lines), _judged(lines)), "table")


def _judged(lines: list[Series]) -> TrendReport | None:
    choice = most_telling(lines) if lines else None
    if choice is None or choice.line is None or len(choice.paths) < ENOUGH:
        return None
    with reading.progress(choice.paths):
        history = gather(choice.line.entries, [])
    return trend([history], ended=choice.line.alive is False) if history is not None else None
