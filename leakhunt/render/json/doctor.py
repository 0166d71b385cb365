"""``leakhunt doctor`` as JSON."""

from __future__ import annotations

import json

from leakhunt.advice.doctor.case import Finding
from leakhunt.report.doctor import DoctorReport


def doctor(report: DoctorReport) -> str:
    return (
        json.dumps(
            {
                "schema": "leakhunt/doctor@1",
                "looked_at": report.looked_at,
                "serious": report.serious,
                "findings": [_finding(finding) for finding in report.findings],
                "notes": list(report.notes),
            },
            indent=2,
        )
        + "\n"
    )


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "severity": finding.severity,
        "rule": finding.rule,
        "where": finding.where,
        "what": finding.what,
        "why": finding.why,
        "fix": None
        if finding.setting is None
        else {"setting": finding.setting, "value": finding.value},
        "todo": finding.todo or None,
        "source": finding.source or None,
    }
