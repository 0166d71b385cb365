"""Every report that can be made of recorded snapshots, each held against the laws in every format.

    python -m tests.support.recorded FOLDER...

Each folder holds series as the hook writes them (a state folder, or the ``snapshots`` of a recorded run).
Says what is wrong and with which command; exit 1 where anything is.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from leakhunt import cli
from tests.support import lawful, reading


def commands(folder: Path) -> Iterator[list[str]]:
    """What a user could ask of a state folder."""
    home, at = str(folder), ["--dir", str(folder)]
    yield ["ls", *at]
    for command in ("verdict", "trend"):
        yield [command, home]
        yield [command, home, "-v", "-n", "0"]
    yield ["trend", home, "-x", "site"]
    yield ["tasks", home]
    yield ["diff", *at]
    yield ["why", *at]
    yield ["account", *at]
    if sum(path.is_dir() and any(path.glob("*.bin")) for path in folder.glob("*")) == 1:
        yield ["compare", home, home]
    yield []
    for files in (sorted(path.glob("*.bin")) for path in folder.glob("*") if path.is_dir()):
        if not files:
            continue
        first, last = str(files[0]), str(files[-1])
        for group in ("lineno", "traceback", "filename", "package", "type", "task"):
            yield ["top", last, "-g", group]
            yield ["diff", first, last, "-g", group, "-n", "5"]
        yield ["top", last, "--all", "-n", "0", "-x", "celery"]
        yield ["top", last, "--flame"]
        yield ["diff", first, last, "--all", "-f", "redis"]
        yield ["account", last]
        yield ["account", first, last]
        for row in ("1", "2", "3"):
            yield ["show", last, row]
        yield ["why", last, "1"]
        yield ["why", last, "2"]


def asked(words: Sequence[str], folder: Path) -> tuple[int, str]:
    """The exit status of a command, and what it printed; its reports are held against the laws."""
    out = io.StringIO()
    os.environ["LEAKHUNT_DIR"] = str(folder)
    try:
        with (
            lawful.noted() as reports,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(out),
        ):
            status = cli.execute(list(words))
            lawful.look(reports)
    finally:
        del os.environ["LEAKHUNT_DIR"]
    return status, out.getvalue()


def wrong(folder: Path) -> Iterator[str]:
    """What is wrong with the reports of a folder."""
    for words in commands(folder):
        try:
            status, said = asked(words, folder)
            if status not in (0, 2, 3):
                yield f"leakhunt {' '.join(words)}: exit {status}: {said[-300:]}"
            if status == 0 and "--flame" not in words:
                reading.printed(said)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told with its command
            yield f"leakhunt {' '.join(words)}: {type(error).__name__}: {error}"


def main(folders: Sequence[str]) -> int:
    lawful.note()
    number = 0
    for folder in folders:
        for problem in wrong(Path(folder)):
            number += 1
            print(problem, flush=True)
    print(f"{number} problems in {len(folders)} folders")
    return min(number, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
