"""Where the resident memory is, as JSON."""

from __future__ import annotations

from leakhunt.render.json.tables import dumped, snapshot_of
from leakhunt.render.json.told import told
from leakhunt.report.account import AccountReport


def account(report: AccountReport) -> str:
    """``leakhunt/account@1``: the sizes of the parts add up to ``rss``."""
    return dumped(
        "account",
        {
            "before": None if report.before is None else snapshot_of(report.before),
            "after": snapshot_of(report.after),
            **told(report.told),
            "tasks": report.tasks,
            "notes": list(report.notes),
        },
    )
