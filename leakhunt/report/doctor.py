"""What is wrong with the configuration and the running processes. Pure: values in, a report out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from leakhunt.advice.doctor import examine
from leakhunt.advice.doctor.case import (
    SERIOUS,
    SEVERITIES,
    Case,
    Collector,
    Finding,
    Measured,
    is_of,
    workers,
)
from leakhunt.model.configuration import Configuration, Surroundings
from leakhunt.report.problems import Problem
from leakhunt.report.ps import Growth, PsReport, Row
from leakhunt.report.words import doctor as words

#: Where what is said of a process is explained.
_SOURCES = {
    "orphan": "https://man7.org/linux/man-pages/man2/pr_set_pdeathsig.2const.html",
    "over-limit": "https://github.com/celery/celery/issues/4125",
}


@dataclass(frozen=True)
class DoctorReport:
    """Findings, the serious ones first, and what they were found in."""

    findings: tuple[Finding, ...]
    looked_at: str
    notes: tuple[str, ...]

    @property
    def serious(self) -> int:
        return sum(finding.severity == SERIOUS for finding in self.findings)


def doctor(
    configuration: Configuration | None, seen: PsReport, surroundings: Surroundings
) -> DoctorReport:
    rows = [
        row for row in seen.rows if configuration is None or is_of(row.process, configuration.app)
    ]
    processes = [row.process for row in rows]
    growths = {
        row.process.pid: measured for row in rows if (measured := _measured(row.growth)) is not None
    }
    case = Case(
        configuration,
        processes,
        tuple(workers(configuration, processes, growths)),
        seen.machine,
        surroundings,
        {row.process.pid: _collector(row.growth) for row in rows if row.growth is not None},
    )
    findings = [*_of_processes(rows, seen.crowds), *examine(case)]
    ordered = tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))
    app = None if configuration is None else configuration.app
    return DoctorReport(ordered, words.looked_at(app, len(processes)), seen.notes)


def alike(findings: Sequence[Finding]) -> tuple[tuple[Finding, ...], ...]:
    """Findings by what is said of them: those of one rule with the same reason and the same advice are
    one group, whatever each is about and the figures in it.
    """
    groups: dict[Finding, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(replace(finding, where="", what="", value=None), []).append(finding)
    return tuple(map(tuple, groups.values()))


def _measured(growth: Growth | None) -> Measured | None:
    if growth is None or growth.per_task is None or growth.tasks is None:
        return None
    return Measured(growth.per_task, growth.tasks, growth.snapshots)


def _collector(growth: Growth) -> Collector:
    return Collector(growth.collects, growth.frozen)


def _of_processes(rows: Sequence[Row], crowds: Sequence[Problem]) -> list[Finding]:
    """What ``leakhunt ps`` says is wrong; a lost signal has a rule of its own."""
    findings = [
        Finding(
            SERIOUS, problem.code, f"{row.process.role} {row.process.pid}", problem.what, "",
            source=_SOURCES.get(problem.code, ""), todo=problem.todo,
        )
        for row in rows
        for problem in row.problems
        if problem.code != "deaf"
    ]  # fmt: skip
    findings += [
        Finding(SERIOUS, problem.code, "this machine", problem.what, "", todo=problem.todo)
        for problem in crowds
    ]
    return findings
