"""What a renderer of a plan to remove gets: nothing is removed unless it says so."""

from __future__ import annotations

from pathlib import Path

from leakhunt.report.pruned import PruneReport
from leakhunt.snapshots.prune import Plan


def test_a_plan_alone_has_removed_nothing() -> None:
    report = PruneReport(Plan(Path("/snaps"), (), (), (), 3), ("note",))
    assert (report.removed, report.freed) == (False, 0)
    assert report.plan.home == Path("/snaps")
