"""``leakhunt trend`` as JSON."""

from __future__ import annotations

import json
from typing import Any

from leakhunt.judge.history import History
from leakhunt.judge.series.errors import Estimates
from leakhunt.judge.verdict import Course, Finding
from leakhunt.render.documents import advice_of
from leakhunt.render.json.tables import frame_of, kinds_keys, meta_of
from leakhunt.render.json.told import opened, rising, told
from leakhunt.report.labels import Labels
from leakhunt.report.trend import Judged, TrendReport
from leakhunt.report.words import growths, kept


def trend(report: TrendReport) -> str:
    """The contract's ``leakhunt/trend@1`` or ``leakhunt/verdict@1``, with a few keys more."""
    verdict = report.verdict
    content: dict[str, Any] = {
        "schema": f"leakhunt/{report.command}@1",
        "series": _snapshots(verdict.main),
        "unit": verdict.unit,
        "unit_name": verdict.noun,
        "verdict": verdict.verdict,
        "summary": report.summary,
        "rss": _course(verdict.rss),
        "traced": _course(verdict.traced),
        "explained": verdict.explained,
        "outside": None
        if verdict.outside is None
        else {
            "grows": verdict.outside.grows,
            "per_unit": verdict.outside.rest,
            "kind": verdict.outside.kind,
            "held": verdict.outside.held,
        },
        "findings": [finding_of(report.labels, number, judged) for number, judged in report.ranked],
        "account": None if report.account is None else told(report.account),
        "resources": [rising(one) for one in report.rising],
        "resources_unsure": [opened(one) for one in report.unsure],
        "processes": [
            {
                "pid": history.last.pid,
                "role": history.last.role,
                "node": history.last.node,
                "snapshots": len(history.looks),
                "traced": [history.sizes[0], history.sizes[-1]],
                "rss": [history.first.rss, history.last.rss],
            }
            for history in verdict.histories
        ],
        "more_snapshots": verdict.more,
        "more_bytes": verdict.wanted.size if verdict.wanted else None,
        "more_units": verdict.wanted.units if verdict.wanted else None,
        "notes": list(report.notes),
    }
    return json.dumps(content, indent=2) + "\n"


def _snapshots(history: History) -> list[dict[str, Any]]:
    paths = {id(entry.meta): str(entry.path) for entry in history.entries}
    by_time = {entry.meta.taken_at: str(entry.path) for entry in history.entries}
    return [
        meta_of(paths.get(id(look)) or by_time.get(look.taken_at) or "", look)
        for look in history.looks
    ]


def _course(course: Course) -> dict[str, Any]:
    return {"first": course.first, "last": course.last, "per_unit": course.per_unit}


def finding_of(labels: Labels, number: int, judged: Judged) -> dict[str, Any]:
    """A finding as every document has it."""
    finding = judged.finding
    return {
        **_sampled(finding),
        **kinds_keys(finding.kinds),
        "rank": number,
        "unit": finding.history.unit,
        "verdict": finding.verdict,
        "site": _site(finding.site, labels),
        "stack": [frame_of(frame, labels) for frame in finding.stack],
        "sites": [_site(frame, labels) for frame in finding.sites],
        "size_first": round(finding.sizes[0]),
        "size_last": round(finding.sizes[-1]),
        "bytes_per_unit": finding.rate,
        "ci95": [finding.low, finding.high],
        "blocks_per_unit": finding.blocks_rate,
        "p": finding.p,
        "share": finding.share,
        "reason": growths.reason(finding),
        "because": {"code": finding.reason.code, **dict(finding.reason.figures)},
        "series": [round(size) for size in finding.sizes],
        "task": finding.task,
        "bytes_per_run": finding.per_run,
        "holder": _holder(finding),
        "since": None if finding.since is None else finding.since._asdict(),
        "born": None
        if finding.born is None
        else {"edges": [round(edge) for edge in finding.born[0]], "bytes": list(finding.born[1])},
        "advice": advice_of(judged.advice),
        "role": finding.role,
        "processes": [
            {"pid": part.pid, "verdict": part.verdict, "bytes_per_unit": part.rate}
            for part in finding.parts
        ],
    }


def _holder(finding: Finding) -> dict[str, Any] | None:
    held = finding.holder
    if held is None:
        return None
    return {
        "path": [kept.step(one) for one in held.container_path],
        "type": held.container_type,
        "length": held.length,
        "bound": held.bound,
        "objects": held.objects,
        "size": held.size,
        "retained": held.retained,
        "grew": finding.holder_grew,
    }


def _sampled(finding: Finding) -> dict[str, Any]:
    """What is known of the sizes of a finding where they are estimates."""
    estimates = finding.history.errors(finding.stacks)
    if not isinstance(estimates, Estimates):
        return {}
    return {"stderr": estimates.variances[-1] ** 0.5, "samples": list(estimates.samples)}


def _site(frame: Any, labels: Labels) -> dict[str, Any]:
    return {
        "file": frame.file,
        "line": frame.line,
        "function": labels.spot(frame).function,
    }
