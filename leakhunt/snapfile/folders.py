"""Where snapshots live on disk: shared by the hook that writes and the console that reads.

::

    <dir>/                             0700, LEAKHUNT_DIR or a private folder of the user's
      processes/<host>-<pid>-….json    one record per hooked process (see hook.letterbox)
      <name>-<pid>-<utc>/              one folder per process: its series
        000001-<utc>-<trigger>.bin     one snapshot
        .000002-<utc>-<trigger>.tmp    one that is being written
"""

from __future__ import annotations

import contextlib
import errno
import os
import posix
import re
import stat
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from leakhunt.errors import SettingError

PROCESSES = "processes"

#: Names that leakhunt gives: of a series' folder, a snapshot, and one that is being written.
SERIES = re.compile(r".+-(?P<pid>[0-9]+)-[0-9]{8}T[0-9]{6}Z")
SNAPSHOT = re.compile(r"[0-9]{6,}-[0-9]{8}T[0-9]{6}Z-[a-z-]+\.bin")
TORN = re.compile(r"\.[0-9]{6,}-[0-9]{8}T[0-9]{6}Z-[a-z-]+\.tmp")

Entry = TypeVar("Entry")


def state_dir(setting: str | None = None) -> Path:
    """The folder for snapshots: ``setting``, else LEAKHUNT_DIR, else a private one.

    The private one follows the XDG base directory specification
    (``$XDG_STATE_HOME/leakhunt``), on macOS ``~/Library/Application Support``; a user
    without a home gets ``leakhunt-<uid>`` in the temporary folder. Nothing is
    created here. Raises SettingError where there is no such place.
    """
    chosen = setting or os.environ.get("LEAKHUNT_DIR")
    try:
        if chosen:
            return Path(os.path.abspath(os.path.expanduser(chosen)))
        home = Path(os.path.expanduser("~"))
        if not home.is_absolute() or not os.access(home, os.W_OK | os.X_OK):
            import tempfile  # seldom needed, and slow to import

            return Path(tempfile.gettempdir()) / f"leakhunt-{os.getuid()}"
    except OSError as error:  # no usable temporary folder, or the working folder is gone
        raise SettingError(
            f"there is no folder for snapshots ({error.strerror or error}): set LEAKHUNT_DIR to one "
            "that this user may write to"
        ) from error
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "leakhunt"
    base = os.environ.get("XDG_STATE_HOME", "")
    return (Path(base) if base.startswith("/") else home / ".local" / "state") / "leakhunt"


def make_private(folder: Path, own: bool = False) -> Path:
    """Create ``folder`` (0700) with its parents, or check that it is safe to write in.

    ``own``: it lies in a folder of leakhunt's, and so must not be a link: somebody else may have
    planted one where several share that folder. Raises SettingError when it belongs to somebody
    else or others may write to it: a snapshot is read back by tools that trust its owner.
    """
    try:
        _make(folder)
        status = posix.lstat(folder)
        if stat.S_ISLNK(status.st_mode):
            # The user's own, as in /var/lib/leakhunt -> /data; not one that anybody could plant.
            if own or status.st_uid not in (os.geteuid(), 0):
                raise SettingError(f"cannot use {folder} for snapshots: it is a link")
            status = posix.stat(folder)
    except OSError as error:
        raise SettingError(f"cannot use {folder} for snapshots: {error.strerror}") from error
    if not stat.S_ISDIR(status.st_mode):
        raise SettingError(f"cannot use {folder} for snapshots: it is not a folder")
    if status.st_uid not in ((os.geteuid(),) if own else (os.geteuid(), 0)):
        raise SettingError(f"cannot use {folder} for snapshots: it belongs to uid {status.st_uid}")
    if status.st_mode & 0o022 and (own or not status.st_mode & stat.S_ISVTX):
        raise SettingError(
            f"cannot use {folder} for snapshots: others may write to it (chmod go-w {folder})"
        )
    if not posix.access(folder, os.W_OK | os.X_OK):
        raise SettingError(f"cannot use {folder} for snapshots: no permission to write there")
    return folder


def _make(folder: Path) -> None:
    """As ``mkdir -p``, but private all the way, whatever the umask."""
    missing = []
    while not _is_there(folder):
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        try:
            posix.mkdir(each, 0o700)
        except FileExistsError:  # another process of the same user was faster, or it is a link
            continue
        _open_to_its_owner(each)


def _is_there(path: Path) -> bool:
    """Whether there is something of that name, if only a link to nothing."""
    try:
        posix.lstat(path)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return False
        raise
    return True


def _open_to_its_owner(folder: Path) -> None:
    """What a umask has taken from its owner is given back; through a descriptor, which is of no link."""
    if (
        not hasattr(os, "O_PATH")
        or posix.stat(folder, follow_symlinks=False).st_mode & 0o700 == 0o700
    ):
        return
    flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = posix.open(folder, flags)
    try:
        if posix.fstat(descriptor).st_uid == os.geteuid():
            posix.chmod(f"/proc/self/fd/{descriptor}", 0o700)
    finally:
        posix.close(descriptor)


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[int]:
    """A descriptor of a folder that is no link: what is done through it is done there and nowhere else.

    Raises OSError.
    """
    descriptor = posix.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        posix.close(descriptor)


def is_own(folder: int, name: str, pattern: re.Pattern[str]) -> bool:
    """Whether a file of an opened folder is one that leakhunt wrote as this user, by its name, kind
    and owner (root may look after everybody's).
    """
    if not pattern.fullmatch(name):
        return False
    try:
        status = posix.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and os.geteuid() in (status.st_uid, 0)


def surplus(names: Sequence[Entry], keep: int) -> list[Entry]:
    """Which of a series' snapshots, oldest first, go when ``keep`` may stay: the first quarter of
    that many and the newest stay; 0 leaves all.
    """
    if not keep or len(names) <= keep:
        return []
    first = max(1, keep // 4)
    return list(names[first : len(names) - (keep - first)])


def utc(seconds: float) -> str:
    """A time as it stands in file names: ``20260131T235959Z``."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))


def series_name(label: str, pid: int, started_at: float) -> str:
    """The folder name of one process's series; ``label`` is its node or program."""
    safe = re.sub(r"[^A-Za-z0-9@._+-]+", "_", label).lstrip(".-")[:64] or "process"
    return f"{safe}-{pid}-{utc(started_at)}"


def snapshot_name(sequence: int, taken_at: float, trigger: str) -> str:
    """The file name of one snapshot; names sort in the order they were taken."""
    return f"{sequence:06d}-{utc(taken_at)}-{trigger}.bin"
