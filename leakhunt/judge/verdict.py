"""From the growths of all processes to one verdict, with what supports it.

``leak``: places grow for good. ``unexplained``: the resident set keeps growing, and Python objects
explain less than half of it. ``inconclusive``: something rises, or may, and there are too few
snapshots to tell. ``no-leak``: none of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

from leakhunt.judge import codes, pool, reasons
from leakhunt.judge import enough as wanted
from leakhunt.judge.born import born
from leakhunt.judge.codes import because
from leakhunt.judge.enough import Wanted
from leakhunt.judge.finding import Course as Course
from leakhunt.judge.finding import Finding as Finding
from leakhunt.judge.finding import Line
from leakhunt.judge.finding import Part as Part
from leakhunt.judge.history import TASK, History, ledger
from leakhunt.judge.holder import holder_of
from leakhunt.judge.informed import informed
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Growth
from leakhunt.judge.rss import Outside, outside
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.whose import Paths
from leakhunt.model.meta import OFF, Meta
from leakhunt.model.paths import prefixes
from leakhunt.model.snapshot import Frame, Stack
from leakhunt.snapshots.objects import Holder, joined, summed

NO_LEAK, UNEXPLAINED, INCONCLUSIVE = "no-leak", "unexplained", "inconclusive"
VERDICTS = (LEAK, NO_LEAK, UNEXPLAINED, INCONCLUSIVE)


@dataclass(frozen=True)
class Verdict:
    """What ``leakhunt trend`` says."""

    verdict: str
    unit: str
    findings: tuple[Finding, ...]
    rss: Course
    traced: Course
    explained: float | None
    """Growth of traced memory and of the tracer's tables as a part of the growth of the resident set."""
    outside: Outside | None
    histories: tuple[History, ...]
    main: History
    """The process that the figures are of: the one that grows most."""
    more: int | None
    """Snapshots to take for a surer answer; None where none are missing."""
    wanted: Wanted | None = None
    """The same in samples, where they are what is missing."""

    @property
    def noun(self) -> str:
        """What the unit is called."""
        return self.main.noun if self.unit == self.main.unit else self.unit


def judge(histories: Sequence[History]) -> Verdict:
    """The verdict of one or several processes with one snapshot or more each."""
    return conclude([informed(history) for history in histories])


def conclude(grown: Sequence[tuple[History, list[Growth]]]) -> Verdict:
    """The same of what :func:`informed` says of each process."""
    histories = [history for history, _ in grown]
    findings = _findings(grown)
    main = max(histories, key=_weight)
    leading = next((finding.history for finding in findings if finding.verdict == LEAK), None)
    if leading is not None:
        main = leading
    beyond = {id(history): outside(history) for history in histories}
    worst = max(beyond.values(), key=lambda each: (each.grows, each.rest or 0.0))
    if worst.grows and leading is None:
        main = next(history for history in histories if beyond[id(history)] is worst)
    native = beyond[id(main)]
    leaks = [finding for finding in findings if finding.verdict == LEAK]
    findings = _shared(findings, main, native)
    answer = sum(finding.rate for finding in leaks if finding.history is main)
    enough = any(
        len(each.metas) >= (LEVELS.worth.snapshots if each.lived else LEVELS.lives.snapshots)
        for each in histories
    )
    unseen = None
    if native.keeps:
        unseen = wanted.located(main, (native.rss_rate or 0.0) - _settled(findings, main))
    more = missing = None
    if native.grows and answer < LEVELS.worth.answer * (native.rss_rate or 0.0):
        verdict = UNEXPLAINED
    elif leaks:
        verdict = LEAK
    elif native.fragmented and native.held >= LEVELS.resident.held_part * (main.first.rss or 0):
        verdict = UNEXPLAINED
    elif not enough or _undecided(findings, grown) or unseen is not None or main.last.engine == OFF:
        verdict = INCONCLUSIVE
        missing = next((finding.wanted for finding in findings if finding.wanted), unseen)
        more = _more(histories, missing)
    else:
        verdict = NO_LEAK
    return Verdict(
        verdict=verdict,
        unit=main.unit,
        findings=tuple(findings),
        rss=Course(native.first if main.lived else main.first.rss, main.last.rss, native.rss_rate),
        traced=Course(main.sizes[0], main.sizes[-1], native.traced_rate),
        explained=native.explained,
        outside=native if native.told else None,
        histories=tuple(histories),
        main=main,
        more=more,
        wanted=missing,
    )


def _settled(findings: Sequence[Finding], main: History) -> float:
    """Bytes per unit by which lines of a process have grown that are excused: what their sizes alone tell explains nothing."""
    risen = sum(
        max(0.0, finding.rise)
        for finding in findings
        if finding.history is main and finding.reason.code in codes.EXCUSES and not finding.is_open
    )
    return risen / main.times[-1] if main.times[-1] > 0 else 0.0


def _more(histories: Sequence[History], missing: Wanted | None) -> int:
    """Snapshots to take: until they are enough, and until there are enough samples."""
    longest = max(histories, key=lambda history: len(history.looks))
    number = len(longest.looks)
    more = max(1, LEVELS.worth.snapshots - number)
    if missing is None or number < 2:
        return more
    return max(more, ceil(missing.units / (longest.times[-1] / (number - 1))))


def _weight(history: History) -> tuple[float, float, int]:
    rise = (history.last.rss or 0) - (history.first.rss or 0)
    return (
        rise if history.last.rss else 0,
        history.sizes[-1] - history.sizes[0],
        len(history.metas),
    )


def _undecided(findings: Sequence[Finding], grown: Sequence[tuple[History, list[Growth]]]) -> bool:
    """Whether something material still rises that too few snapshots leave open."""
    if any(finding.wanted for finding in findings):
        return True
    snapshots = max(len(history.metas) for history, _ in grown)
    if snapshots >= LEVELS.worth.snapshots:
        return False
    total = sum(max(0.0, finding.rise) for finding in findings)
    still = sum(finding.rise for finding in findings if finding.is_open)
    return still >= LEVELS.worth.unsettled * total and still >= LEVELS.worth.size


# -- findings -------------------------------------------------------------------------


def _findings(grown: Sequence[tuple[History, list[Growth]]]) -> list[Finding]:
    """The same place in several processes is one finding; the main process is told apart."""
    by_place: dict[tuple[bool, Frame], list[tuple[History, Growth]]] = {}
    for history, growths_of in pool.named(grown):
        for growth in growths_of:
            key = (history.last.role == "main", growth.blame.frame)
            by_place.setdefault(key, []).append((history, growth))
    risen = sum(max(0, history.sizes[-1] - history.sizes[0]) for history, _ in grown)
    worth = max(LEVELS.worth.share * risen, min(LEVELS.worth.size, LEVELS.worth.greater * risen))
    alike = {
        is_main: [history for history, _ in grown if (history.last.role == "main") is is_main]
        for is_main in (True, False)
    }
    made = (_finding(each, alike[is_main], worth) for (is_main, _), each in by_place.items())
    return sorted((finding for finding in made if finding is not None), key=_order)


def _order(finding: Finding) -> tuple[object, ...]:
    leak = finding.verdict == LEAK
    amount = finding.rate if leak else finding.rise
    return (not leak, leak and finding.history.unit != TASK, -amount, finding.site)


def _finding(
    each: list[tuple[History, Growth]], alike: list[History], worth: float
) -> Finding | None:
    """One place in all processes of a kind; None for what is no leak and grew by less than ``worth``."""
    each = pool.doubted(each, len(alike))
    leaking = [pair for pair in each if pair[1].shape.verdict == LEAK]
    together = not leaking and pool.together(each, len(alike))
    unit = TASK if any(history.unit == TASK for history, _ in leaking or each) else None
    # An idle process beside busy ones counts in seconds: what it grows by is no rate per task.
    counted = [pair for pair in leaking or each if unit in (None, pair[0].unit)]
    history, growth = max(counted, key=lambda pair: pair[1].shape.rate)
    verdict = LEAK if together else growth.shape.verdict
    missing = None if together else wanted.wanted(history, growth)
    if verdict != LEAK and growth.grown < worth and not wanted.suspicious(missing):
        return None
    number = len(counted)
    rates = [one.shape.rate for _, one in counted]
    down = sum((one.shape.rate - one.shape.low) ** 2 for _, one in counted) ** 0.5
    up = sum((one.shape.high - one.shape.rate) ** 2 for _, one in counted) ** 0.5
    rate = sum(rates) / number
    weights = {stack: _risen(history, stack) for stack in growth.blame.stacks}
    heaviest = sorted(weights, key=lambda stack: (-weights[stack], stack))
    paths = Paths(prefixes(history.last.facts), history.spots, growth.blame.stacks)
    ages = born(history, growth)
    task, part = ages.task if ages is not None else _task(history, growth, paths)
    alive = {stack: history.tracks[stack].sizes[-1] for stack in growth.blame.stacks}
    held = summed(history.types, history.recycled, alive)
    if held is not None:
        held = held._replace(holders=_kept(history, growth, paths))
    holder, grew = growth.holder or holder_of(history, growth)
    return Finding(
        verdict=verdict,
        site=growth.blame.frame,
        stacks=tuple(heaviest),
        weights=tuple(weights[stack] for stack in heaviest),
        sites=tuple(
            dict.fromkeys(
                (growth.blame.frame, *growth.parts, *(f for _, g in counted for f in g.parts))
            )
        ),
        sizes=tuple(growth.sizes),
        rate=rate,
        low=rate - down / number,
        high=rate + up / number,
        blocks_rate=sum(one.shape.blocks_rate for _, one in counted) / number,
        p=min(one.shape.p for _, one in counted),
        share=None,
        reason=because(codes.TOGETHER) if together else reasons.reason(history, growth, missing),
        task=task,
        task_runs=part,
        role=history.last.role,
        parts=tuple(Part(h.last.pid, g.shape.rate, g.shape.verdict) for h, g in each),
        of=len(alike),
        history=history,
        is_open=growth.shape.open and not together,
        together=together,
        samples=growth.shape.samples,
        wanted=missing,
        kinds=held,
        holder=holder,
        holder_grew=grew,
        since=None if ages is None else ages.since,
        line=Line(growth.shape.since, growth.shape.rate, growth.shape.low, growth.shape.high)
        if growth.shape.verdict == LEAK
        else None,
        per_run=_per_run(history, task, rate),
        born=None if ages is None else ages.series,
    )


def _kept(history: History, growth: Growth, paths: Paths) -> tuple[Holder, ...]:
    """What keeps those of its bytes that others have allocated."""
    return joined(
        Holder(kind, paths.owner(stack)[1], size)
        for stack in growth.blame.stacks
        for kind, size in history.kept.get(stack, ())
    )


def _risen(history: History, stack: Stack) -> float:
    sizes = history.tracks[stack].sizes
    return float(sizes[-1] - sizes[0])


def _shared(findings: Sequence[Finding], main: History, native: Outside) -> list[Finding]:
    """The findings with their part of the growth of the main process, and of those like it.

    Of what the resident set grows by, where that is known; else of the growth of traced memory. Leaks
    may be faster than that, where other memory shrinks: then they share what they make among
    themselves. So the shares of leaks add up to one at most; a finding of another kind of process has none.
    """
    alike = [finding for finding in findings if finding.role == main.last.role]
    leaks = [finding for finding in alike if finding.verdict == LEAK]
    by_rate = native.grows_at_all and bool(native.rss_rate)

    def amount(finding: Finding) -> float:
        return finding.rate if by_rate else finding.rise

    whole = (native.rss_rate or 0.0) if by_rate else float(main.sizes[-1] - main.sizes[0])
    most = max(whole, sum(map(amount, leaks)))
    return [
        replace(finding, share=amount(finding) / most)
        if most > 0 and finding.role == main.last.role and 0 <= amount(finding) <= most
        else finding
        for finding in findings
    ]


def _per_run(history: History, task: str | None, rate: float) -> float | None:
    """Bytes per run of the task, of a rate per unit of all tasks."""
    number = history.runs(task) if task is not None else None
    return rate * history.spent / number if number else None


# -- which task -----------------------------------------------------------------------


def _task(history: History, growth: Growth, paths: Paths) -> tuple[str | None, float | None]:
    """The task and its part of all runs, where others ran as well; from the stacks, else from the ledger."""
    runs = _delta(history.first, history.last)
    ran = {name: number for name, number in runs.items() if number > 0}
    if not ran:
        return None, None
    named = [name for name in ran if _passes(name, growth, paths)]
    task = named[0] if len(named) == 1 else growth.shape.axis if growth.shape.axis in ran else None
    if task is None and len(ran) == 1:
        task = next(iter(ran))
    if task is None or len(ran) == 1:
        return task, None
    return task, ran[task] / sum(ran.values())


def _delta(first: Meta, last: Meta) -> dict[str, int]:
    before, after = ledger(first) or {}, ledger(last) or {}
    return {name: number - before.get(name, 0) for name, number in after.items()}


def _passes(name: str, growth: Growth, paths: Paths) -> bool:
    """Whether most of the growth is allocated below the function that gave the task its name."""
    module, _, function = name.rpartition(".")
    ending = f"/{module.replace('.', '/')}."

    def is_task(frame: Frame) -> bool:
        return paths.function(frame) == function and ending in f"/{frame.file}"

    return (
        sum(any(map(is_task, stack)) for stack in growth.blame.stacks)
        > len(growth.blame.stacks) / 2
    )
