"""Files that anybody may have made, or put a link to: opened where they are plain files, read up to a limit.

Of a pipe, a device or a socket the opening alone does something, and may never end.
"""

from __future__ import annotations

import errno
import os
import posix
import stat


def read(path: str, most: int, follow: bool = True) -> tuple[bytes, os.stat_result]:
    """What a plain file holds, and its status. Raises OSError: there is none, or it has more than ``most`` bytes.

    ``follow``: a link of that name leads to it.
    """
    _check(posix.stat(path, follow_symlinks=follow), path, most)
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    descriptor = posix.open(path, flags if follow else flags | os.O_NOFOLLOW)
    try:
        status = posix.fstat(descriptor)
        _check(status, path, most)
        parts, left = [], most
        while left and (part := posix.read(descriptor, left)):
            parts.append(part)
            left -= len(part)
        return b"".join(parts), status
    finally:
        posix.close(descriptor)


def _check(status: os.stat_result, path: str, most: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "is not a regular file", path)
    if status.st_size > most:
        raise OSError(errno.EFBIG, f"has more than {most} bytes", path)
