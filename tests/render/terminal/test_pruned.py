"""What would be removed, for the eye: one is singular, and nothing is said of nothing."""

from __future__ import annotations

from pathlib import Path

from leakhunt.render.screen import Screen
from leakhunt.render.terminal.pruned import MOST_LINES, pruned
from leakhunt.report.pruned import PruneReport
from leakhunt.snapshots.prune import Doomed, Plan, Pruned

HOME = Path("/snaps")


def text(plan: Plan) -> str:
    return pruned(PruneReport(plan, ("note",)), Screen())


def test_files_are_named_and_the_last_line_adds_up() -> None:
    doomed = tuple(Doomed(HOME / "a" / f"{n}.bin", 1024 * n, None) for n in (1, 2))
    plan = Plan(
        HOME,
        (Pruned(HOME / "a", True, doomed, 1),),
        (Doomed(HOME / "a" / ".3.tmp", 0, None),),
        (HOME / "b",),
        1,
    )
    assert text(plan).splitlines() == [
        "a  (1 stays, alive)  3.0 KiB",
        "  1.bin  1.0 KiB",
        "  2.bin  2.0 KiB",
        "a/.3.tmp  half-written",
        "b/  will be empty",
        "to remove: 2 snapshots, 1 half-written, 1 folder, 3.0 KiB; 1 snapshot stays",
        "note: note",
    ]


def test_nothing_to_remove_is_said_so() -> None:
    assert text(Plan(HOME, (), (), (), 3)).startswith(
        "/snaps: nothing to remove, 3 snapshots stay\n"
    )


def test_a_long_list_is_cut_and_added_up() -> None:
    """Of 100,000 processes it was 300,001 lines, before a question."""
    gone = tuple(
        Pruned(HOME / f"p-{n}", False, (Doomed(HOME / "x.bin", 1024, None),), 0)
        for n in range(1000)
    )
    lines = text(Plan(HOME, gone, (), tuple(HOME / f"p-{n}" for n in range(1000)), 0)).splitlines()
    assert len(lines) == MOST_LINES + 3
    assert lines[MOST_LINES] == "... and 2,800 lines more (--json has them all)"
    assert lines[-2].startswith("to remove: 1,000 snapshots, 1,000 folders, 1,000.0 KiB")
