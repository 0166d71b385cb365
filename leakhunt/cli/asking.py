"""Asks hooked processes for something and waits: what ``dump`` and ``arm`` share."""

from __future__ import annotations

import pwd
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from leakhunt import units
from leakhunt.errors import CaptureError, LeakhuntError, NotHookedError
from leakhunt.live import processes, requests
from leakhunt.live.processes import Hooked
from leakhunt.live.requests import Asked
from leakhunt.model.paths import visible
from leakhunt.snapfile import folders

yes_option = click.option(
    "-y", "--yes", is_flag=True, help="Ask other users' processes without a question (root)."
)


def targets(pids: tuple[int, ...], folder: str | None, yes: bool = False) -> list[Hooked]:
    """The processes meant, main processes before their children; all of them without pids.

    Raises NotHookedError, and where other users' processes are meant by no name and nobody agrees.
    """
    home = folders.state_dir(folder)
    hooked = processes.hooked(home)
    if folder is not None:
        hooked = [p for p in hooked if Path(p.record["series"]).parent == home]
    if pids:
        chosen = {processes.one(home, pid).pid for pid in pids}
        mains = {
            (process.record["space"], process.record["pid"])
            for process in hooked
            if process.pid in chosen
        }
        hooked = [
            process
            for process in hooked
            if process.pid in chosen or (process.record["space"], process.record["main"]) in mains
        ]
    if not hooked:
        raise NotHookedError(
            f"no hooked process on this host (that this user may see): {processes.HOW}"
        )
    if not pids and folder is None:
        _agree(hooked, yes)
    return sorted(hooked, key=lambda process: (process.record["main"] or 0, process.pid))


def meant(words: Sequence[str], folder: str | None, yes: bool = False) -> list[Hooked]:
    """As :func:`targets` for what ``ps`` and ``ls`` print: a pid, a node's name, a series' folder.

    Raises NotHookedError for a word that means no hooked process that runs.
    """
    numbers = tuple(pid for pid in map(units.parse_pid, words) if pid is not None)
    if len(numbers) == len(words):
        return targets(numbers, folder, yes)
    hooked = processes.hooked(folders.state_dir(folder))
    pids: list[int] = []
    for word in words:
        name = Path(word).name or Path(word).parent.name
        chosen = [
            each.pid
            for each in hooked
            if word in (str(each.pid), each.record["node"])
            or name == Path(each.record["series"]).name
        ]
        if not chosen:
            nodes = sorted({each.record["node"] for each in hooked if each.record["node"]})
            near = get_close_matches(word, nodes, n=3)
            hint = f"; did you mean {' or '.join(map(visible, near))}?" if near else ""
            raise NotHookedError(
                f"{visible(word)}: no hooked process that runs has that pid, node or folder "
                f"(`leakhunt ps` lists them){hint}"
            )
        pids += chosen
    return targets(tuple(pids), folder, yes)


def _agree(hooked: Sequence[Hooked], yes: bool) -> None:
    """Root sees everybody's processes: say how many and whose, and ask."""
    owners = Counter(each.owner[0] for each in hooked if each.owner and each.is_strangers)
    if not owners:
        return
    mine = len(hooked) - sum(owners.values())
    parts = [f"{units.count(number)} of {_user(uid)}" for uid, number in sorted(owners.items())]
    whose = ", ".join([*parts, *([f"{units.count(mine)} of your own"] if mine else [])])
    total = f"{units.counted(len(hooked), 'hooked process')}: {whose}"
    if yes:
        click.echo(f"leakhunt: {total}", err=True)
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise LeakhuntError(f"{total}; add --yes to ask them all, or --dir DIR or PIDs for some")
    if not click.confirm(f"{total}. Ask them all?", err=True):
        raise LeakhuntError("no process was asked")


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def answers(asked: Sequence[Hooked], request: str, timeout: float) -> Iterator[tuple[Hooked, Any]]:
    """Ask every process, then wait: each with its answer (a dict with ``path problem note`` beside
    what the record says), or with the error that came instead.
    """
    waiting: list[Asked] = []
    for process in asked:
        try:
            waiting.append(requests.ask(process, request))
        except (OSError, LeakhuntError) as error:
            yield process, error
            continue
        if waiting[-1].by != "signal":
            how = {"task": "after its next task", "timer": "within a second"}[waiting[-1].by]
            click.echo(f"leakhunt: {process.name}: {process.silence}; it looks {how}", err=True)
    for each, answer in requests.wait(waiting, timeout):
        if isinstance(answer, Exception):
            yield each.process, answer
            continue
        (_, file, problem, note), record = answer
        path = str(Path(record["series"]) / file) if file else None
        yield each.process, {**record, "path": path, "problem": problem, "note": note}


def complain(process: Hooked, error: Exception) -> None:
    text = visible(str(error))
    prefix = "" if process.name in text else f"{process.name}: "
    click.echo(f"leakhunt: {prefix}{text}", err=True)


def taken_first(words: Sequence[str], folder: str | None, timeout: float) -> list[str]:
    """The words, those that are pids of running processes as the folders of the snapshots they take now.

    A main process takes one of each of its children. Raises LeakhuntError where none was taken.
    """
    pids = {word: pid for word in words if (pid := _pid(word)) is not None}
    taken = _taken(tuple(pids.values()), folder, timeout) if pids else []
    return [word for word in words if word not in pids] + taken


def _pid(word: str) -> int | None:
    """The pid that a word is, where it names no file."""
    pid = units.parse_pid(word)
    return None if pid is None or Path(word).exists() else pid


def _taken(pids: tuple[int, ...], folder: str | None, timeout: float) -> list[str]:
    """The folders of the processes that have taken a snapshot now; those that run no more, by their pid."""
    try:
        files = taken(pids, folder, timeout)
    except NotHookedError:
        return [str(pid) for pid in pids]  # ended: its snapshots answer, or the error says so
    return [str(path.parent) for path in files]


def taken(
    pids: tuple[int, ...], folder: str | None, timeout: float, request: str = "dump"
) -> list[Path]:
    """The snapshots that these processes take now, a main process one of each of its children too.

    ``dump full`` walks the whole heap. Raises NotHookedError, and what the last one said where none
    has taken one.
    """
    asked = targets(pids, folder)
    files = []
    failed: LeakhuntError | None = None
    for process, answer in answers(asked, request, timeout):
        if isinstance(answer, Exception):
            complain(process, answer)
            failed = answer if isinstance(answer, LeakhuntError) else CaptureError(str(answer))
        elif answer.get("path"):
            files.append(Path(str(answer["path"])))
        else:
            failed = CaptureError(str(answer.get("problem") or "no snapshot"))
            complain(process, failed)
    if not files and failed is not None:
        raise failed
    return files
