"""Opens what is said to be a snapshot: a file with something in it, and not what only passes for one."""

from __future__ import annotations

import os
import stat

from leakhunt.errors import SnapshotError
from leakhunt.model.paths import visible
from leakhunt.snapfile.untrusted import PROTO

#: A file system may leave out runs of zeros; no snapshot has many.
MOST_HOLES = 8 << 20


def opened(path: str) -> tuple[int, int]:
    """A descriptor of the file, which whoever asks closes, and its bytes. Raises SnapshotError."""
    descriptor = -1
    try:
        problem = _no_file(os.stat(path))
        if problem is None:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SnapshotError(f"{visible(path)}: cannot be read: {reason}") from error
    size = 0
    if descriptor >= 0:
        status = os.fstat(descriptor)
        size, problem = status.st_size, _no_file(status)
        if problem is None and _holes(descriptor, size) > MOST_HOLES:
            problem = "has holes where a snapshot has data: was the copy interrupted?"
    if problem:
        if descriptor >= 0:
            os.close(descriptor)
        raise SnapshotError(f"{visible(path)}: {problem}")
    return descriptor, size


def _no_file(status: os.stat_result) -> str | None:
    """Why that is no file with something in it. Asked before it is opened, too: of a pipe or a device, to
    which somebody may have left a link, the opening alone does something.
    """
    if stat.S_ISDIR(status.st_mode):
        return "is a folder, not a snapshot"
    if not stat.S_ISREG(status.st_mode):
        return "is not a regular file"
    if status.st_size == 0:
        return "is empty: the program that wrote it was interrupted, or the disk was full"
    return None


def is_pickle(descriptor: int) -> bool:
    """Whether it begins as one; also where that cannot be read, which the child says better.

    Of a folder of other files, a child for each would take minutes to say so.
    """
    try:
        return os.pread(descriptor, 1, 0) == PROTO
    except OSError:
        return True


def _holes(descriptor: int, size: int) -> int:
    """Bytes of a file that are not there: what is read of it is limited by its size, which anybody
    can make as large as they like.
    """
    holes = at = 0
    try:
        while at < size and holes <= MOST_HOLES:
            begin = os.lseek(descriptor, at, os.SEEK_HOLE)
            if begin >= size:
                break
            try:
                at = os.lseek(descriptor, begin, os.SEEK_DATA)
            except OSError:  # none follows
                at = size
            holes += at - begin
    except (OSError, AttributeError):  # a system or filesystem that does not tell
        return 0
    finally:
        os.lseek(descriptor, 0, os.SEEK_SET)
    return holes
