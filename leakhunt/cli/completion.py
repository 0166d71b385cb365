"""What completes an argument: snapshot files and the folders on the way to them.

Imported by every command: the standard library only, until Tab is pressed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from leakhunt.snapfile import SUFFIX
from leakhunt.snapfile import folders as places

#: More candidates than anybody reads; a folder may hold 10^5.
MANY = 2000


def snapshots(ctx: Any, param: Any, incomplete: str) -> list[Any]:
    """Folders, and files that end in ``.bin``; where nothing matches here, series of the user's folder."""
    from click.shell_completion import CompletionItem

    paths = _paths(incomplete)
    if not paths and "/" not in incomplete:
        home = places.state_dir(ctx.params.get("folder"))
        paths = _paths(f"{home}/{incomplete}")
    return [CompletionItem(path) for path in paths]


def processes(ctx: Any, param: Any, incomplete: str) -> list[Any]:
    """Pids and nodes of the hooked processes of the user's folder, and their series."""
    from click.shell_completion import CompletionItem

    home = places.state_dir(ctx.params.get("folder"))
    pids = {}
    for told in _records(f"{home}/{places.PROCESSES}"):
        node, role = told["node"], told["role"]
        told_of = f"{role or 'process'}" + (f" of {node}" if node else "")
        pids[str(told["pid"])] = told_of if told_of.isprintable() else "process"
        if node:
            pids[node] = "every process of that node"
    for path in _paths(f"{home}/"):
        if path.endswith("/"):
            pids[os.path.basename(path[:-1])] = "series"  # noqa: PTH119 - fast
    return [
        CompletionItem(name, help=what)
        for name, what in sorted(pids.items())
        if name.startswith(incomplete) and name.isprintable()
    ]


def _records(folder: str) -> Iterator[dict[str, Any]]:
    """What the records of that folder say whose processes run."""
    from leakhunt.hook.process import alive
    from leakhunt.live.records import read_record

    try:
        entries = sorted(os.listdir(folder))[:MANY]  # noqa: PTH208 - fast
    except OSError:
        return
    for name in entries:
        told = read_record(f"{folder}/{name}", None)
        if told is not None and alive.runs(told["pid"], told["ticks"], told["started_at"]):
            yield told


def files(ctx: Any, param: Any, incomplete: str) -> list[Any]:
    """Any file: the shell knows best how."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def folders(ctx: Any, param: Any, incomplete: str) -> list[Any]:
    """Any folder: the shell knows best how."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="dir")]


def _paths(incomplete: str) -> list[str]:
    folder, slash, start = incomplete.rpartition("/")
    try:
        entries = os.scandir(os.path.expanduser(folder + slash) or ".")  # noqa: PTH111 - fast
    except (OSError, ValueError):
        return []
    paths = []
    with entries:
        for entry in entries:
            name = entry.name
            if not name.startswith(start) or (name.startswith(".") and not start) or "\n" in name:
                continue
            try:
                is_folder = entry.is_dir()
            except OSError:
                continue
            if is_folder and name != places.PROCESSES:
                paths.append(f"{folder}{slash}{name}/")
            elif not is_folder and name.endswith(SUFFIX):
                paths.append(f"{folder}{slash}{name}")
            if len(paths) >= MANY:
                break
    return sorted(paths)
