"""What completes an argument: snapshot files and the folders on the way to them.

Imported by every command: the standard library only, until Tab is pressed.
"""

from __future__ import annotations

import os
from typing import Any

from leakhunt.snapfile import SUFFIX
from leakhunt.snapfile import folders as places

#: More candidates than anybody reads; a folder may hold 10^5.
MANY = 2000


def snapshots(ctx: Any, param: Any, incomplete: str) -> list[Any]:
    """Folders, and files that end in ``.bin``; where nothing matches here, series of the user's folder."""
    from click.shell_completion import CompletionItem

    found = _paths(incomplete)
    if not found and "/" not in incomplete:
        home = places.state_dir(ctx.params.get("folder"))
        found = _paths(f"{home}/{incomplete}")
    return [CompletionItem(path) for path in found]


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
    found = []
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
                found.append(f"{folder}{slash}{name}/")
            elif not is_folder and name.endswith(SUFFIX):
                found.append(f"{folder}{slash}{name}")
            if len(found) >= MANY:
                break
    return sorted(found)
