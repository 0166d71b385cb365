"""The looks of one stage as they are judged: each file is read once, not again for every judgement."""

from __future__ import annotations

from pathlib import Path

from leakhunt.errors import SnapshotError
from leakhunt.judge.history import History, choose, history
from leakhunt.model.gcpause import uncollected
from leakhunt.model.snapshot import Snapshot
from leakhunt.snapshots.columns import of
from leakhunt.snapshots.load import load
from leakhunt.snapshots.series import lines_of


class Readings:
    """Files of one process, oldest first."""

    def __init__(self) -> None:
        self.paths: list[Path] = []
        self._read: dict[Path, Snapshot] = {}
        self._whole: set[Path] = set()
        """Those that were read with their blocks: the first and, each in its time, the newest."""

    def __len__(self) -> int:
        return len(self.paths)

    def history(self) -> History:
        """All of them. Raises SnapshotError."""
        problems: list[str] = []
        lines = lines_of(self.paths, problems)
        if problems:
            raise SnapshotError(problems[0])
        choice = choose(lines[0])
        chosen = [entry.path for entry in choice.entries]
        ends = {chosen[0], chosen[-1]}
        with uncollected():
            for path in chosen:
                if path not in self._read or (path in ends and path not in self._whole):
                    self._read[path] = load(path, detail=path in ends)
                    self._whole.update(ends & {path})
            columns = of(self._read[path] for path in chosen)
        assert columns is not None
        return history(choice, columns)
