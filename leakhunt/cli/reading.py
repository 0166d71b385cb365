"""Reads snapshots for a command, with a progress bar where it takes long."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from leakhunt import units
from leakhunt.errors import NotHookedError, SnapshotError
from leakhunt.model.meta import Meta
from leakhunt.model.paths import visible
from leakhunt.model.snapshot import Snapshot
from leakhunt.snapfile import folders
from leakhunt.snapshots.chosen import NAMED, Chosen, most_grown, newest
from leakhunt.snapshots.load import load_all
from leakhunt.snapshots.named import expand, named

#: Seconds that nobody needs a bar for.
PATIENCE = 0.6


def snapshots(paths: Sequence[Path], detail: bool = False) -> list[Snapshot]:
    """Read the files in order; ``detail`` fills their blocks. Raises SnapshotError."""
    with progress(paths):
        return load_all(paths, detail=detail)


def runs(meta: Meta) -> bool | None:
    """Whether the process of a snapshot still runs, by its pid and its start; None where that cannot be
    known: it is another host's, or the file does not say.
    """
    from leakhunt.live import processes

    return processes.runs(meta)


def running(word: str, home: Path) -> str | None:
    """Where a word that means no snapshot is the pid of a process that runs: what to do about it."""
    pid = units.parse_pid(word)
    if pid is None:
        return None
    from leakhunt.hook.process import alive
    from leakhunt.live import processes

    if not alive.runs(pid):
        return None
    none = f"there is no snapshot of process {word} in {visible(str(home))}"
    try:
        process = processes.one(home, pid)
    except NotHookedError as error:
        return f"{none}: {error}"
    place = Path(str(process.record["series"])).parent
    if place != home:
        return f"{none}: it carries the hook and writes to {visible(str(place))}: add --dir"
    forks = (process.record.get("role"), process.record.get("pool")) == ("main", "prefork")
    whose = "of each of its children" if forks else "of it"
    return f"{none}: it carries the hook, and `leakhunt dump {word}` takes one {whose}"


def one(word: str | None, folder: str | None, problems: list[str]) -> tuple[Path, Chosen | None]:
    """The one snapshot that a word means, or without one the newest; and how it was chosen, if it was.

    A process, its folder or a node stands for its newest snapshot. Raises SnapshotError.
    """
    home = folders.state_dir(folder)
    if word is None:
        choice = newest(home, runs)
        problems += choice.problems
        return choice.paths[0], choice
    paths = expand([word], problems, home, runs)
    if len(paths) == 1:
        return paths[0], None
    lines = named(word, home, problems, runs)
    if not lines:
        raise SnapshotError(
            f"{word}: these are {units.count(len(paths))} snapshots, and one is wanted"
        )
    line = lines[-1]
    return line.newest.path, Chosen(
        (line.newest.path,), NAMED, line.folder, len(line.entries), line, len(lines)
    )


def two(
    words: Sequence[str], folder: str | None, problems: list[str]
) -> tuple[Path, Path, Chosen | None]:
    """Two snapshots to compare: what each word means; of one word the first and the newest of one
    stretch; without any those of the process that grew most. Raises SnapshotError, UsageError.
    """
    home = folders.state_dir(folder)
    if not words:
        choice = most_grown(home, runs)
        problems += choice.problems
        return choice.paths[0], choice.paths[1], choice
    if len(words) == 2:
        return one(words[0], folder, problems)[0], one(words[1], folder, problems)[0], None
    paths = expand(words, problems, home, runs)
    lines = named(words[0], home, [], runs) if len(words) == 1 else None
    if lines and len(paths) > 1:
        line = max(lines, key=lambda line: (len(line.stretch) > 1, line.growth or 0))
        stretch = line.stretch if len(line.stretch) > 1 else line.entries
        if len(stretch) > 1:
            ends = (stretch[0].path, stretch[-1].path)
            return (*ends, Chosen(ends, NAMED, line.folder, len(stretch), line, len(lines)))
    if len(paths) == 2:
        return paths[0], paths[1], None
    given = f"{units.count(len(paths))} {units.plural(len(paths), 'was', 'were')} given"
    raise click.UsageError(
        f"a diff compares two snapshots and {given}; name BEFORE and AFTER, one "
        "process or folder, or nothing"
    )


@contextmanager
def progress(paths: Sequence[Path], quiet: bool = False) -> Iterator[None]:
    """A bar while these files are read, where that takes long and somebody looks."""
    if quiet or not sys.stderr.isatty():  # no file is looked at for nobody
        yield
        return
    size = sum(path.stat().st_size for path in paths if path.is_file())
    with waiting(f"reading {units.counted(len(paths), 'snapshot')}, {units.size(size)}"):
        yield


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """A bar on stderr from PATIENCE on, which leaves nothing behind; none where nobody looks."""
    if not sys.stderr.isatty():
        yield
        return
    lock = threading.Lock()
    shown: list[Any] = []
    over = False

    def show() -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(pulse_style="cyan"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        bar.add_task(what, total=None)
        with lock:
            if not over:
                bar.start()
                shown.append(bar)

    timer = threading.Timer(PATIENCE, show)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # it ends at once, or has just shown the bar
        with lock:
            over = True
        for bar in shown:
            bar.stop()
