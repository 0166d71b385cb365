"""SARIF 2.1.0, which code-scanning tabs show (OASIS, *Static Analysis Results Interchange Format*)."""

from __future__ import annotations

import hashlib
import json
from math import isfinite
from typing import Any
from urllib.parse import quote

import leakhunt
from leakhunt.gate.baseline import place
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import NO_LEAK
from leakhunt.model.paths import visible
from leakhunt.model.snapshot import Frame
from leakhunt.report.check import CheckReport, Whole
from leakhunt.report.trend import Judged
from leakhunt.report.words import checks, kept

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
RULE = "memory-leak"


def check(report: CheckReport) -> str:
    """A log with one run: a result for each place that leaks for sure, and one for what leaks and has no place."""
    return json.dumps(log([report]), indent=2) + "\n"


def log(reports: list[CheckReport]) -> dict[str, Any]:
    """The log of several checks together."""
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "leakhunt",
                        "semanticVersion": leakhunt.__version__,
                        "rules": [
                            {
                                "id": RULE,
                                "shortDescription": {"text": checks.KEPT},
                                "fullDescription": {"text": checks.KEPT_FOR_GOOD},
                                "help": {"text": checks.HELP},
                                "properties": {"tags": ["memory", "leak"]},
                                "defaultConfiguration": {"level": "error"},
                            }
                        ],
                    }
                },
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "toolExecutionNotifications": [
                            {
                                "level": _level(report),
                                "message": {"text": visible(report.summary)},
                            }
                            for report in reports
                        ],
                    }
                ],
                "results": [
                    result
                    for report in reports
                    for result in (
                        *(_result(report, judged) for judged in report.sure),
                        *((_whole(report, report.whole),) if report.whole is not None else ()),
                    )
                ],
            }
        ],
    }


def _level(report: CheckReport) -> str:
    """In a low voice where the results say it all."""
    return "note" if report.outcome.verdict in (LEAK, NO_LEAK) else "warning"


def _result(report: CheckReport, judged: Judged) -> dict[str, Any]:
    finding, advice = judged.finding, judged.advice
    said = [f"{visible(report.outcome.target)} keeps {checks.figures(finding)}."]
    said += [f"It is {visible(kept.by(finding.holder))}."] if finding.holder is not None else []
    said += [visible(advice.fix)] if advice is not None else []
    result: dict[str, Any] = {
        "ruleId": RULE,
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": " ".join(said)},
        "locations": [_location(report, finding.site)],
        "partialFingerprints": {"place/v1": _fingerprint(judged)},
        "properties": {
            "bytesPerRun": finding.rate,
            "ci95": [finding.low, finding.high],
            "runs": report.outcome.runs,
        },
    }
    if finding.stack:
        result["stacks"] = [
            {
                "frames": [
                    {"location": _location(report, frame)} for frame in reversed(finding.stack)
                ]
            }
        ]
    return result


def _whole(report: CheckReport, whole: Whole) -> dict[str, Any]:
    """Code scanning shows nothing without a line: it is that of the target where no better one is known."""
    target = visible(report.outcome.target)
    location: dict[str, Any] = {} if whole.site is None else _location(report, whole.site)
    location["logicalLocations"] = [{"fullyQualifiedName": target, "kind": "function"}]
    ends = [end if isfinite(end) else None for end in (whole.kept.low, whole.kept.high)]
    return {
        "ruleId": RULE,
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": visible(whole.text)},
        "locations": [location],
        "partialFingerprints": {"target/v1": hashlib.sha256(target.encode()).hexdigest()[:32]},
        "properties": {
            "bytesPerRun": whole.kept.rate,
            "ci95": ends,
            "runs": report.outcome.runs,
        },
    }


def _location(report: CheckReport, frame: Frame) -> dict[str, Any]:
    label = report.labels.label(frame)
    region: dict[str, Any] = {"startLine": max(1, frame.line)}
    if label.code:
        region["snippet"] = {"text": visible(label.code)}
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(report, frame.file)},
            "region": region,
        }
    }


def _uri(report: CheckReport, file: str) -> str:
    """The bytes of the file's name (RFC 3986): relative where it lies in the repository, else ``file:``."""
    below = report.below(file)
    if below is None and file.startswith("/"):
        return f"file:///{_quoted(file.lstrip('/'))}"
    return _quoted(below or file)


def _quoted(file: str) -> str:
    try:
        name = file.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a surrogate that stands for no byte: no file has this name
        name = file.encode("utf-8", "backslashreplace")
    return quote(name, safe="/+-._~")


def _fingerprint(judged: Judged) -> str:
    """Of the place, not of its number: a line that moves is the same result."""
    where = place(judged.finding.site, judged.finding.history)
    return hashlib.sha256("\0".join(map(str, where)).encode()).hexdigest()[:32]
