"""What ``ls --prune`` says: one stays, several stay, and nothing is said of what there is none of."""

from __future__ import annotations

from pathlib import Path

import pytest

from leakhunt.report.words import pruned
from leakhunt.snapshots.prune import Doomed, Plan, Pruned

HOME = Path("/var/lib/leakhunt")
ONE = Doomed(HOME / "web1-7" / "000001.bin", 2048, None)


def plan(doomed: int = 0, torn: int = 0, folders: int = 0, kept: int = 3) -> Plan:
    line = Pruned(HOME / "web1-7", False, (ONE,) * doomed, kept)
    return Plan(HOME, (line,) if doomed else (), (ONE,) * torn, (HOME / "web1-7",) * folders, kept)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (plan(), "/var/lib/leakhunt: nothing to remove, 3 snapshots stay"),
        (plan(kept=1), "/var/lib/leakhunt: nothing to remove, 1 snapshot stays"),
        (plan(doomed=1), "to remove: 1 snapshot, 2.0 KiB; 3 snapshots stay"),
        (plan(2, 1, 1, 0), "to remove: 2 snapshots, 1 half-written, 1 folder, 6.0 KiB; 0 snapshots stay"),
    ],
)  # fmt: skip
def test_all_of_it_in_a_line(made: Plan, said: str) -> None:
    assert pruned.whole(made) == said


@pytest.mark.parametrize(
    ("kept", "alive", "said"), [(1, False, "1 stays"), (2, True, "2 stay, alive")]
)
def test_a_series_that_loses_some(kept: int, alive: bool, said: str) -> None:
    line = Pruned(HOME / "web1-7", alive, (ONE, ONE), kept)
    assert pruned.series(line) == f"web1-7  ({said})  4.0 KiB"


def test_a_file_and_a_folder() -> None:
    assert pruned.doomed(ONE) == "  000001.bin  2.0 KiB"
    assert pruned.torn(ONE) == "web1-7/000001.bin  half-written"
    assert pruned.emptied("web1-7\x1b[31m") == "web1-7\\x1b[31m/  will be empty"
