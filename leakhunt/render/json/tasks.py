"""``leakhunt tasks`` as JSON."""

from __future__ import annotations

import json

from leakhunt.report.tasks import TasksReport


def tasks(report: TasksReport) -> str:
    document = {
        "schema": "leakhunt/tasks@1",
        "snapshots": list(report.snapshots),
        "tasks": [
            {
                "task": task.name,
                "runs": task.runs,
                "failed": task.failed,
                "wall": task.wall,
                "cpu": task.cpu,
                "kept": task.kept,
                "kept_runs": task.kept_runs,
                "kept_per_run": task.kept_per_run,
                "kept_stderr": task.sure and task.sure.error,
                "kept_per_run_ci95": task.per_run_ci95,
                "rss_steps": task.rss_steps,
            }
            for task in report.tasks
        ],
        "notes": list(report.notes),
    }
    return json.dumps(document, indent=2) + "\n"
