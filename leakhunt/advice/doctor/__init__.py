"""What is wrong with a configuration: one small function per rule, in one ordered list.

A rule says only what follows from what was read or measured, with the public page that says so.
"""

from __future__ import annotations

from leakhunt.advice.doctor import messages, recycling, surroundings
from leakhunt.advice.doctor.case import SEVERITIES, Case, Finding

RULES = (*recycling.RULES, *messages.RULES, *surroundings.RULES)


def examine(case: Case) -> tuple[Finding, ...]:
    """Every finding, the serious ones first."""
    findings = [finding for rule in RULES for finding in rule(case)]
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))
