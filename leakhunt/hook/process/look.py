"""What a snapshot says of its process beside its objects: figures of the kernel's, asked for as soon as
the process goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leakhunt.hook.process import maps, resources, vitals
from leakhunt.hook.process.threads import Thread


def look(
    pid: int, threads: Sequence[Thread], child: int | None = None, mapped: bool = True
) -> dict[str, Any]:
    """``open_files sockets threads rss_peak maps resources`` of a process.

    A forked child asks for its parent, with its own pid as ``child``: the parent's pages do not change
    by being looked at, and it does not wait. What cannot be found out is None. Without ``mapped`` its
    mappings are not looked at: the kernel walks all page tables for them.
    """
    figures = vitals.process(pid)
    idents = [thread.ident for thread in threads if thread.ident is not None]
    try:
        figures["maps"] = maps.maps(pid, idents) if mapped else None
        figures["resources"] = resources.plain(resources.resources(pid, threads, child))
    except (OSError, ValueError, LookupError):  # a kernel that writes its tables in another way
        figures.setdefault("maps", None)
        figures["resources"] = None
    return figures
