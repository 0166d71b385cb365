"""Messages for a worker on a broker of files (kombu's ``filesystem`` transport), which it sees when they are whole.

The transport's writer makes a file and fills it then (``_put`` of kombu/transport/filesystem.py): a worker that reads
it meanwhile ends with a JSON error. So whoever sends lets it write to a folder beside the queue's.
"""

from __future__ import annotations

from pathlib import Path


def deliver(outbox: Path, queue: Path) -> None:
    """Move what was sent to the folder that the worker reads, oldest first. Both are on one file system."""
    for message in sorted(outbox.iterdir()):
        message.rename(queue / message.name)
