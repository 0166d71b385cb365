"""``leakhunt ls --prune`` as JSON."""

from __future__ import annotations

from leakhunt.render.json.tables import dumped
from leakhunt.report.pruned import PruneReport


def pruned(report: PruneReport) -> str:
    """``leakhunt/prune@1``."""
    plan = report.plan
    return dumped(
        "prune",
        {
            "dir": str(plan.home),
            "removed": report.removed,
            "freed": report.freed,
            "size": plan.size,
            "kept": plan.kept,
            "files": [
                {"path": str(doomed.path), "size": doomed.size, "taken_at": doomed.taken_at}
                for doomed in plan.files
            ],
            "folders": [str(folder) for folder in plan.folders],
            "notes": list(report.notes),
        },
    )
