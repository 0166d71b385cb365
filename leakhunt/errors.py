"""The exceptions leakhunt raises on purpose.

::

    LeakhuntError                 what the console shows as one line, exit code 2
    ├── SettingError              a LEAKHUNT_* variable or keyword has a bad value
    ├── SnapshotError             a file is no snapshot, is cut, hostile or unreadable
    │   └── NoSuchSnapshotError   a word means no file, process, node or folder with snapshots
    ├── LocationError             a snapshot holds nothing at the place that was asked for
    ├── NotHookedError            a process does not carry the hook
    ├── EngineRefusedError        a tracking engine cannot work in this process
    ├── CaptureError              a snapshot could not be taken (memory, disk, fork, watchdog)
    └── ExportError               a format cannot be written: a library or a fact is missing

Every message says what failed, on which file or process, and what to do.
Anything else that escapes is a bug and exits with 1.
"""

from __future__ import annotations


class LeakhuntError(Exception):
    """Base of all errors that are told to the user without a traceback."""


class SettingError(LeakhuntError):
    """A setting (keyword or ``LEAKHUNT_*`` variable) that cannot be used."""


class SnapshotError(LeakhuntError):
    """A file that cannot be read as a snapshot."""


class NoSuchSnapshotError(SnapshotError):
    """A word that means no snapshot: no file, and no process, node or folder in ``home``."""

    def __init__(self, message: str, word: str = "", home: str = "") -> None:
        super().__init__(message)
        self.word, self.home = word, home


class LocationError(LeakhuntError):
    """A place that no stack of a snapshot leads to."""


class NotHookedError(LeakhuntError):
    """A process that would not survive the signal, because it has no hook."""


class EngineRefusedError(LeakhuntError):
    """An engine that cannot work in this process; the message says why."""


class CaptureError(LeakhuntError):
    """A snapshot that could not be taken or written."""


class ExportError(LeakhuntError):
    """A format that cannot be written."""
