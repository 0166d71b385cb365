"""``leakhunt why``: what keeps the objects of a place."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

from leakhunt import units
from leakhunt.cli import asking, completion, judging, reading
from leakhunt.cli.options import folder_option, show, timeout_option
from leakhunt.errors import LocationError, NotHookedError, SnapshotError
from leakhunt.model.query import Query
from leakhunt.model.snapshot import Snapshot
from leakhunt.report.why import WhyReport, of_finding, of_place
from leakhunt.sites import place as taking_apart
from leakhunt.snapfile import SUFFIX, folders
from leakhunt.snapshots.named import named


@click.command(name="why")
@click.argument("snapshot", required=False, metavar="[SNAPSHOT | PID]",
                shell_complete=completion.snapshots)  # fmt: skip
@click.argument("location", required=False, metavar="[LOCATION]")
@click.option("-n", "--limit", type=click.IntRange(min=0), default=5, show_default=True,
              metavar="N", help="Ways in the table; 0 shows all.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@timeout_option("With a PID: how long to wait for its snapshot.", 120.0)
@folder_option
def command(
    snapshot: str | None,
    location: str | None,
    limit: int,
    as_json: bool,
    timeout: float,
    folder: str | None,
) -> None:
    """Tell what keeps the objects alive that LOCATION has allocated.

    LOCATION is a line (tasks.py:8), a file, a function, or a number: a row of `leakhunt top` where a
    SNAPSHOT is named, else a finding of the newest `leakhunt trend`. Without one the first finding is meant.
    A PID of a running process takes a new snapshot first, of its whole heap.

    The ways lead from a root (a module, a running call, a thread, a context) to the objects, by
    names of code only: what stands for a key or a position is called item. Earlier snapshots of the
    process tell how the container grew.

    \b
    Examples:
      leakhunt why                           # the first finding of the newest trend
      leakhunt why 4242                      # of that process, looked at now
      leakhunt why after.bin                 # the first finding of that snapshot's verdict
      leakhunt why 4242 tasks.py:8
      leakhunt why after.bin place_order --json
    """
    if location is None and snapshot is not None and not _is_source(snapshot, folder):
        snapshot, location = None, snapshot
    report = None
    taken = _taken(snapshot, folder, timeout) if snapshot is not None else None
    if snapshot is None or taken is not None or location is None:
        where = snapshot if taken is None else str(taken.parent)
        report = _finding([] if where is None else [where], location, limit, folder)
    if report is None:
        report = _place(str(taken) if taken is not None else snapshot, location, limit, folder)
    show(report, "json" if as_json else "table")


def _taken(word: str, folder: str | None, timeout: float) -> Path | None:
    """The snapshot that a running process of that pid takes now; None where the word is no such pid.

    Of a main process and its children the one with most to tell is taken.
    """
    pid = units.parse_pid(word)
    if pid is None or Path(word).exists():
        return None
    with reading.waiting(f"process {word} walks its heap"), suppress(NotHookedError):
        files = asking.taken((pid,), folder, timeout, "dump full")
        return max(files, key=lambda path: path.stat().st_size)
    return None


def _finding(
    words: list[str], location: str | None, limit: int, folder: str | None
) -> WhyReport | None:
    """A finding by its number, in what the words say or the process that tells most; None where a
    place is meant, or nothing is found and no number was asked for.
    """
    rank = 1 if location is None else units.parse_pid(location)
    if rank is None:
        return None
    try:
        judged = judging.look(words, judging.Asked(folder=folder), quiet=True)
    except SnapshotError:
        if not words:
            raise
        return None
    if not 0 < rank <= len(judged.findings):
        if location is None:
            return None
        raise LocationError(
            f"there is no finding {rank}: `leakhunt trend` tells of {units.count(len(judged.findings))}"
        )
    finding = judged.findings[rank - 1]
    newest = finding.finding.history.newest
    assert newest is not None  # a history that was read from files has it
    return of_finding(rank, finding, newest, _earlier(Path(newest.path), newest), limit)


def _place(snapshot: str | None, location: str | None, limit: int, folder: str | None) -> WhyReport:
    """A place of a snapshot."""
    problems: list[str] = []
    path, _ = reading.one(snapshot, folder, problems)
    (loaded,) = reading.snapshots([path], detail=True)
    shown = taking_apart.show(loaded, location or "1", Query(limit=0))
    return of_place(shown, loaded, _earlier(path, loaded), limit)


def _earlier(path: Path, newest: Snapshot) -> list[Snapshot]:
    """The snapshots of the same process that stand before it in its folder, oldest first."""
    names = sorted(each for each in path.parent.glob(f"*{SUFFIX}") if each.name < path.name)
    if newest.meta.pid is None or not names:
        return []
    return [each for each in reading.snapshots(names) if each.meta.process == newest.meta.process]


def _is_source(word: str, folder: str | None) -> bool:
    """Whether a word means snapshots or a process, and no place."""
    path = Path(word)
    if path.is_dir() or (path.suffix == SUFFIX and path.exists()):
        return True
    home = folders.state_dir(folder)
    pid = units.parse_pid(word)
    if pid is not None:
        return _is_process(pid, home)
    with suppress(SnapshotError):
        return bool(home.is_dir() and ":" not in word and named(word, home, []))
    return False


def _is_process(pid: int, home: Path) -> bool:
    """Whether a number is the pid of a hooked process, or of one that has left snapshots."""
    from leakhunt.live import processes

    with suppress(NotHookedError):
        return processes.one(home, pid).pid == pid
    with suppress(SnapshotError):
        return bool(home.is_dir() and named(str(pid), home, []))
    return False
