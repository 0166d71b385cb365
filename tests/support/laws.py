"""What every report must obey, whatever it is of: the values, before anything is drawn.

Every sentence follows from the figures beside it; no two contradict; parts add up to the whole;
intervals hold their estimate. What is printed is looked after in :mod:`tests.support.reading`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from leakhunt.advice.doctor.case import SEVERITIES
from leakhunt.gate import compared
from leakhunt.gate.decision import UNSURE
from leakhunt.judge import account as causes
from leakhunt.judge import types
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import INCONCLUSIVE, NO_LEAK, UNEXPLAINED, Finding
from leakhunt.report.account import AccountReport, Told
from leakhunt.report.check import CheckReport
from leakhunt.report.compared import CompareReport
from leakhunt.report.doctor import DoctorReport, alike
from leakhunt.report.flame import FlameReport
from leakhunt.report.fleet import FleetReport
from leakhunt.report.listing import ListReport
from leakhunt.report.place import PlaceReport
from leakhunt.report.ps import PsReport
from leakhunt.report.status import StatusReport
from leakhunt.report.tables import DiffReport, TopReport
from leakhunt.report.tasks import TasksReport
from leakhunt.report.trend import TrendReport
from leakhunt.report.types import TypesReport
from leakhunt.report.watch import Rate, WatchReport
from leakhunt.report.why import WhyReport
from leakhunt.report.words import checks, growths
from leakhunt.report.words import compared as compared_words
from leakhunt.retention.ways import Branch
from leakhunt.sites.rows import Comparison

#: Sums of shares of numbers that are not whole.
SLIGHTLY = 1e-9


def obeyed(report: object) -> None:
    """The laws of a report's kind; a kind without laws is an error."""
    LAWS[type(report).__name__](report)


# -- tables ---------------------------------------------------------------------------


def _top(report: TopReport) -> None:
    _conserved(report.comparison)
    for row in report.comparison.rows:
        assert row.change.before == (0, 0)
        assert row.change.after.size <= report.comparison.totals.after.size


def _diff(report: DiffReport) -> None:
    _conserved(report.comparison)
    known = report.process
    if report.account is not None:
        _told(report.account)
        assert known.rss_diff is None or report.account.account.rss == known.rss_diff
    assert report.tasks is None or report.tasks >= 0
    if known.explained is not None:
        assert known.rss_diff is not None
        assert known.rss_diff > 0, "a part of what did not grow is none"


def _conserved(comparison: Comparison) -> None:
    """Rows, the remainder and what was dropped are all there is; what is hidden is dropped."""
    for side in ("before", "after"):
        for measure in (0, 1):
            parts = [
                *(getattr(row.change, side)[measure] for row in comparison.rows),
                getattr(comparison.remainder, side)[measure],
                getattr(comparison.dropped, side)[measure],
            ]
            assert sum(parts) == getattr(comparison.totals, side)[measure]
            hidden = getattr(comparison.hidden, side)[measure]
            assert 0 <= hidden <= getattr(comparison.dropped, side)[measure]
    assert 0 <= comparison.hidden_sites <= comparison.dropped_sites
    assert [row.rank for row in comparison.rows] == list(range(1, len(comparison.rows) + 1))


def _flame(report: FlameReport) -> None:
    obeyed(report.table)


# -- verdicts -------------------------------------------------------------------------


def _trend(report: TrendReport) -> None:
    found, leaks = report.verdict, report.leaks
    for finding in found.findings:
        _finding(finding)
    shares = [each.share for each in found.findings if each.verdict == LEAK and each.share]
    assert sum(shares) <= 1 + SLIGHTLY, shares
    if found.verdict == NO_LEAK:
        assert not [each for each in found.findings if each.verdict == LEAK]
        assert found.outside is None or not found.outside.grows
        assert not any(each.wanted for each in found.findings)
    if found.verdict == LEAK:
        assert [each for each in found.findings if each.verdict == LEAK]
    if found.verdict == UNEXPLAINED:
        assert found.outside is not None
    if found.verdict == INCONCLUSIVE and not report.ended:
        assert (found.more or 0) >= 1
    assert found.main in found.histories
    assert (found.rss.first, found.rss.last) == (found.main.first.rss, found.main.last.rss)
    assert len(report.findings) + report.hidden == len(found.findings)
    assert report.hidden >= 0
    alike = {finding.history.unit for finding in leaks}
    if leaks and len(alike) == 1:
        assert leaks[0].rate == max(leak.rate for leak in leaks)
    verdicts = [each.finding.verdict == LEAK for each in report.findings]
    assert verdicts == sorted(verdicts, reverse=True), "leaks come first"
    assert all(each.advice is None or each.finding.verdict == LEAK for each in report.findings)
    head = report.summary.partition(":")[0]
    opens = report.rising or report.unsure
    assert head == {"leak": "Leak", "no-leak": "No leak in memory" if opens else "No leak"}.get(
        found.verdict, found.verdict.capitalize()
    )
    if report.ended:
        assert "Take " not in report.summary
        assert "more will" not in report.summary
        assert "At this rate" not in report.summary
    if report.account is not None:
        _told(report.account)
    assert len(set(report.notes)) == len(report.notes), report.notes
    assert len(found.histories) >= max((each.of for each in found.findings), default=0)


def _finding(finding: Finding) -> None:
    assert finding.sites[0] == finding.site
    assert len(finding.sites) == len(set(finding.sites))
    assert len(finding.stacks) == len(finding.weights)
    assert finding.share is None or 0 <= finding.share <= 1 + SLIGHTLY
    if finding.verdict == LEAK:
        _holds(finding.low, finding.rate, finding.high)
        assert finding.rate > 0
        assert all(map(math.isfinite, (finding.low, finding.rate, finding.high, finding.p)))
    assert 0 <= finding.p <= 1
    assert finding.task_runs is None or 0 < finding.task_runs <= 1
    assert 0 < len(finding.parts) <= finding.of
    assert growths.reason(finding)
    if finding.born is not None:
        edges, sizes = finding.born
        assert len(edges) == len(sizes) + 1
        assert list(edges) == sorted(edges)
    if finding.holder is not None:
        assert finding.holder.bound is None or finding.verdict != LEAK or finding.holder.length


def _holds(low: float, value: float, high: float) -> None:
    """An interval holds its estimate."""
    near = abs(value) * SLIGHTLY + SLIGHTLY
    assert low <= value + near, (low, value, high)
    assert value <= high + near, (low, value, high)


def _status(report: StatusReport) -> None:
    if report.trend is not None:
        obeyed(report.trend)


# -- where the memory is, and who keeps it ----------------------------------------------


def _account(report: AccountReport) -> None:
    _told(report.told)
    assert report.told.grown == (report.before is not None)
    assert report.tasks is None or report.tasks >= 0
    grown = 0 if report.before is None else report.before.meta.rss
    assert report.told.account.rss == (report.after.meta.rss or 0) - (grown or 0)


def _told(told: Told) -> None:
    found, cause = told.account, told.cause
    assert sum(part.size for part in found.parts) == found.rss, "parts add up to the whole"
    names = [part.part for part in found.parts]
    assert len(set(names)) == len(names)
    assert not set(names) & set(found.unknown), "what is not known has no size"
    if cause.kind == causes.MIXED:
        largest = max(causes.by_kind(found).values())
        assert largest < LEVELS.accounts.mostly * found.rss, "a kind makes half of it"
    if cause.kind == causes.SHRUNK:
        assert found.rss < 0


def _why(report: WhyReport) -> None:
    found = report.answer
    assert 0 <= found.tied <= found.size
    assert 0 <= report.more <= len(found.ways)
    for branch in report.tree:
        _branch(branch)
    if not found.ways:
        assert not report.tree


def _branch(branch: Branch) -> None:
    """What goes on through steps below is a part of what is held through a step."""
    assert sum(each.size for each in branch.below) <= branch.size
    assert sum(each.objects for each in branch.below) <= branch.objects
    for each in branch.below:
        _branch(each)


def _place(report: PlaceReport) -> None:
    found = report.shown
    for measure in (0, 1):
        assert found.here[measure] <= found.matched[measure] <= found.totals[measure]
        assert found.matched[measure] + found.hidden[measure] <= found.totals[measure]
        shown = sum(lead.tally[measure] for lead in found.leads)
        assert shown + found.remainder[measure] == found.matched[measure]
    assert len(found.leads) + found.remainder_stacks == found.stacks
    sizes = [tally.size for _, tally in found.places]
    assert sizes == sorted(sizes, reverse=True)


# -- processes ------------------------------------------------------------------------


def _tasks(report: TasksReport) -> None:
    assert len({task.name for task in report.tasks}) == len(report.tasks)
    surely = [task.sure.low for task in report.tasks if task.keeps and task.sure]
    assert surely == sorted(surely, reverse=True), "what is surely kept most comes first"
    assert all(task.keeps for task in report.tasks[: len(surely)])
    others = [
        task.sure.high if task.sure else task.kept or 0 for task in report.tasks[len(surely) :]
    ]
    assert others == sorted(others, reverse=True), "then what may have kept most"
    for task in report.tasks:
        assert task.sure is None or task.sure.low <= (task.kept or 0) <= task.sure.high
    for task in report.tasks:
        assert task.runs >= 0
        assert task.failed is None or task.failed <= task.runs
        assert task.busy is None or 0 <= task.busy <= 1


def _ps(report: PsReport) -> None:
    assert report.rss == sum(row.process.memory.rss or 0 for row in report.rows)
    assert report.pss == sum(row.process.memory.pss or 0 for row in report.rows)
    assert sum(each.pss for each in report.sums) == report.pss, "sums of limits add up to all"
    assert len({row.process.identity for row in report.rows}) == len(report.rows)
    for row in report.rows:
        pids = [
            other.process.pid for other in report.rows if other.process.parent == row.process.pid
        ]
        assert row.children <= len(pids) or len(report.rows) == 1 or row.process.role != "main"


def _fleet(report: FleetReport) -> None:
    for host in report.hosts:
        obeyed(host.seen)


def _watch(report: WatchReport) -> None:
    for line in report.lines:
        for rate in (line.per_minute, line.per_task):
            if rate is not None:
                _rate(rate)
        if line.lasts is not None:
            _holds(line.lasts.soonest, line.lasts.seconds, line.lasts.latest)
            assert line.lasts.soonest >= 0
            assert line.per_minute is not None
            assert line.per_minute.is_sure, "of a growth that is not sure nobody knows the end"
    assert report.critical <= len(report.lines)


def _rate(rate: Rate) -> None:
    _holds(rate.low, rate.value, rate.high)


def _doctor(report: DoctorReport) -> None:
    ranks = [SEVERITIES.index(each.severity) for each in report.findings]
    assert ranks == sorted(ranks), "the serious ones come first"
    groups = [finding for group in alike(report.findings) for finding in group]
    assert sorted(map(repr, groups)) == sorted(map(repr, report.findings))


def _listing(report: ListReport) -> None:
    assert report.fastest is None or report.fastest in report.series
    folders = [line.folder for line in report.series]
    assert len(folders) <= len(report.series)


# -- gates ----------------------------------------------------------------------------


def _check(report: CheckReport) -> None:
    found, ruling = report.outcome, report.outcome.ruling
    head = report.summary.partition(":")[0]
    assert head == checks.HEADS[found.verdict]
    assert (report.status == 0) == (found.verdict == NO_LEAK)
    assert (report.status == 4) == (found.verdict == UNSURE)
    assert report.next_step is None or found.verdict == UNSURE
    if ruling is None:
        assert found.verdict == UNSURE
        return
    if math.isfinite(ruling.kept.high):
        _holds(ruling.kept.low, ruling.kept.rate, ruling.kept.high)
    if ruling.native is not None:
        _holds(ruling.native.low, ruling.native.rate, ruling.native.high)
    for judged in report.findings:
        _finding(judged.finding)
    assert not {id(each.finding) for each in report.findings} & set(map(id, report.others))
    if found.verdict == NO_LEAK:
        assert not report.sure


def _compare(report: CompareReport) -> None:
    found = report.result
    order = [compared.ORDER.index(change.word) for change in found.changes]
    assert order == sorted(order), "bad news first"
    head = report.summary.partition(":")[0]
    assert (head == compared_words.HEADS[found.word]) or not found.changes
    assert sum(compared.by_word(found).values()) == len(found.changes)
    for change in found.changes:
        for interval in (change.before, change.after):
            _holds(interval.low, interval.rate, interval.high)
        if change.word == compared.FIXED:
            assert change.after.high < change.before.high
        if change.word == compared.WORSE:
            assert change.after.rate > change.before.rate


def _nothing(report: object) -> None:
    """Of what has no figures of its own."""


Law = Callable[[Any], None]


#: By the name of the report's type: as :data:`leakhunt.render.formats.RENDERERS` has them.
def _types(report: TypesReport) -> None:
    """Each series is of the snapshots that tell; leaks come first, and each rate is in its interval."""
    told = types.told(report.history)
    assert bool(report.growths) <= (told >= LEVELS.lives.snapshots)
    leaks = [growth.verdict == LEAK for growth in report.growths]
    assert leaks == sorted(leaks, reverse=True)
    for growth in report.growths:
        assert len(growth.sizes) == told
        assert growth.low <= growth.rate <= growth.high
        assert growth.grown > 0 <= growth.count


LAWS: Mapping[str, Law] = {
    "TypesReport": _types,
    "TopReport": _top,
    "DiffReport": _diff,
    "TrendReport": _trend,
    "AccountReport": _account,
    "FlameReport": _flame,
    "CompareReport": _compare,
    "CheckReport": _check,
    "ListReport": _listing,
    "PsReport": _ps,
    "FleetReport": _fleet,
    "TasksReport": _tasks,
    "WatchReport": _watch,
    "DoctorReport": _doctor,
    "PlaceReport": _place,
    "WhyReport": _why,
    "StatusReport": _status,
    "PruneReport": _nothing,
}


def kinds() -> Sequence[type]:
    """The types of reports that are here by name."""
    found = [value for value in globals().values() if isinstance(value, type)]
    return [each for each in found if each.__name__ in LAWS]
