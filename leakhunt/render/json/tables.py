"""Reports as JSON: stable, nothing rounded, bytes and counts as integers."""

from __future__ import annotations

import json
from typing import Any

from leakhunt.model.query import SPLIT, Query
from leakhunt.render.documents import frame_of as frame_of
from leakhunt.render.documents import live as live
from leakhunt.render.documents import meta_of as meta_of
from leakhunt.render.documents import snapshot_of as snapshot_of
from leakhunt.render.json.told import told
from leakhunt.report.labels import Labels
from leakhunt.report.tables import DiffReport, TopReport, born_of, garbage_of, kinds_of
from leakhunt.sites.rows import Amount, Comparison, Row
from leakhunt.sites.split import NO_TASK, UNKNOWN
from leakhunt.snapshots.births import Born
from leakhunt.snapshots.objects import Kinds


def top(report: TopReport) -> str:
    labels = Labels(report.snapshot)
    total = report.comparison.totals.after.size
    return dumped(
        "top",
        {
            "snapshot": snapshot_of(report.snapshot),
            "group_by": report.query.group_by,
            "totals": live(report.comparison.totals.after),
            "dropped": {
                **live(report.comparison.dropped.after),
                "hidden": live(report.comparison.hidden.after),
            },
            "remainder": {
                **live(report.comparison.remainder.after),
                "sites": report.comparison.remainder_sites,
            },
            "rows": [
                {
                    **_place(row, labels, report.query),
                    **kinds_keys(kinds_of(report, row)),
                    **_waiting(garbage_of(report, row)),
                    **born_keys(born_of(report, row)),
                    **live(row.change.after),
                    "average": ratio(row.change.after.size, row.change.after.count),
                    "share": ratio(row.change.after.size, total),
                }
                for row in report.comparison.rows
            ],
            "notes": list(report.notes),
        },
    )


def diff(report: DiffReport) -> str:
    labels = Labels(report.after, report.before)
    comparison: Comparison = report.comparison
    process = report.process
    return dumped(
        "diff",
        {
            "before": snapshot_of(report.before),
            "after": snapshot_of(report.after),
            "tasks": report.tasks,
            "group_by": report.query.group_by,
            "totals": _amount(comparison.totals),
            "dropped": {
                **_amount(comparison.dropped),
                "hidden": _amount(comparison.hidden),
            },
            "remainder": {**_amount(comparison.remainder), "sites": comparison.remainder_sites},
            "rows": [
                {
                    **_place(row, labels, report.query),
                    **kinds_keys(kinds_of(report, row)),
                    **_waiting(garbage_of(report, row)),
                    **_amount(Amount(row.change.before, row.change.after)),
                    "bytes_per_task": ratio(row.change.diff.size, report.tasks),
                }
                for row in comparison.rows
            ],
            "process": {
                "rss_diff": process.rss_diff,
                "traced_diff": process.traced_diff,
                "tracer_diff": process.tracer_diff,
                "explained": process.explained,
            },
            "account": None if report.account is None else told(report.account),
            "seconds": report.seconds,
            "notes": list(report.notes),
        },
    )


def dumped(command: str, content: dict[str, Any]) -> str:
    return json.dumps({"schema": f"leakhunt/{command}@1", **content}, indent=2) + "\n"


def ratio(part: int, whole: int | None) -> float | None:
    return part / whole if whole else None


def _amount(amount: Amount) -> dict[str, int]:
    return {
        "size_before": amount.before.size,
        "size_after": amount.after.size,
        "size_diff": amount.diff.size,
        "count_before": amount.before.count,
        "count_after": amount.after.count,
        "count_diff": amount.diff.count,
    }


def _place(row: Row, labels: Labels, query: Query) -> dict[str, Any]:
    site, stack = row.change.site, row.change.stack
    lined = site.line is not None and stack and row.depth >= 0
    place: dict[str, Any] = {
        "file": site.file,
        "line": site.line,
        "function": labels.spot(stack[row.depth]).function if lined else None,
    }
    if query.group_by == "package":
        place["package"] = site.package
    if query.group_by in SPLIT:
        place[query.group_by] = None if site.name in (UNKNOWN, NO_TASK) else site.name
        place["name"] = site.name
    fields = {
        "rank": row.rank,
        "site": place,
        "stack": [frame_of(frame, labels) for frame in stack],
    }
    return fields if row.stderr is None else {**fields, "stderr": row.stderr}


def _waiting(number: int) -> dict[str, int]:
    """The key ``garbage``: objects that only wait for the collector, or how many more do."""
    return {"garbage": number} if number else {}


def kinds_keys(kinds: Kinds | None) -> dict[str, Any]:
    """The keys ``types``, ``recycled`` (bytes) and ``holders``, where they are known."""
    if kinds is None:
        return {}
    types = [{"type": name, "size": size} for name, size in kinds.types]
    holders = [
        {
            "type": holder.kind,
            "site": None if holder.frame is None else holder.frame._asdict(),
            "size": holder.size,
        }
        for holder in kinds.holders
    ]
    return {"types": types, "recycled": kinds.recycled, "holders": holders}


def born_keys(born: Born | None) -> dict[str, Any]:
    """The key ``born``, where it is known: bytes by period, from before the fork, and by task."""
    if born is None:
        return {}
    tasks = sorted(born.tasks.items(), key=lambda item: (-item[1], item[0] or ""))
    return {
        "born": {
            "unit": born.unit,
            "edges": list(born.edges),
            "bytes": list(born.sizes),
            "before": born.before,
            "shape": born.shape,
            "events": born.events,
            "tasks": [{"task": task, "size": size} for task, size in tasks],
        }
    }
