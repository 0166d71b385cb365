"""Where snapshots live on disk: shared by the hook that writes and the console that reads.

::

    <dir>/                             0700, LEAKHUNT_DIR or a private folder of the user's
      processes/<host>-<pid>.json      one record per hooked process (see hook.record)
      <name>-<pid>-<utc>/              one folder per process: its series
        000001-<utc>-<trigger>.bin     one snapshot
        .000002-<utc>-<trigger>.tmp    one that is being written
"""

from __future__ import annotations

import os
import re
import stat
import sys
import time
from pathlib import Path

from leakhunt.errors import SettingError

PROCESSES = "processes"


def state_dir(setting: str | None = None) -> Path:
    """The folder for snapshots: ``setting``, else LEAKHUNT_DIR, else a private one.

    The private one follows the XDG base directory specification
    (``$XDG_STATE_HOME/leakhunt``), on macOS ``~/Library/Application Support``; a user
    without a home gets ``leakhunt-<uid>`` in the temporary folder. Nothing is
    created here.
    """
    chosen = setting or os.environ.get("LEAKHUNT_DIR")
    if chosen:
        return Path(os.path.abspath(os.path.expanduser(chosen)))
    home = Path(os.path.expanduser("~"))
    if not home.is_absolute() or not os.access(home, os.W_OK | os.X_OK):
        import tempfile  # seldom needed, and slow to import

        return Path(tempfile.gettempdir()) / f"leakhunt-{os.getuid()}"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "leakhunt"
    base = os.environ.get("XDG_STATE_HOME", "")
    return (Path(base) if base.startswith("/") else home / ".local" / "state") / "leakhunt"


def make_private(folder: Path) -> Path:
    """Create ``folder`` (0700) with its parents, or check that it is safe to write in.

    Raises SettingError when it belongs to somebody else or others may write
    to it: a snapshot is read back by tools that trust its owner.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.stat() if folder.parent == folder else os.lstat(folder)
        if stat.S_ISLNK(status.st_mode):
            status = folder.stat()
    except OSError as error:
        raise SettingError(f"cannot use {folder} for snapshots: {error.strerror}") from error
    if not stat.S_ISDIR(status.st_mode):
        raise SettingError(f"cannot use {folder} for snapshots: it is not a folder")
    if status.st_uid not in (os.geteuid(), 0):
        raise SettingError(f"cannot use {folder} for snapshots: it belongs to uid {status.st_uid}")
    if status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX:
        raise SettingError(
            f"cannot use {folder} for snapshots: others may write to it (chmod go-w {folder})"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SettingError(f"cannot use {folder} for snapshots: no permission to write there")
    return folder


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
