"""What a verdict rests on: the snapshots, the process's memory, and how the parts add up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leakhunt import units
from leakhunt.judge.history import TASK
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import Course, Finding, Verdict
from leakhunt.report.words import growths
from leakhunt.report.words.places import looked_at, who
from leakhunt.report.words.verdicts import seconds, share_of

MORE = "-v shows the evidence; `leakhunt show LOCATION` takes a line apart"
#: A rate that would make so many times the growth that there was, or so little of it, is not told beside it: whoever
#: divides one figure by the other finds what is said, but for what rounding and a robust fit change.
APART = 1.1
#: Parts of the growth of the resident set that may be apart, as both are estimates.
ROUGHLY = 0.05


def more(number: int, verbose: bool) -> str:
    """What the table leaves out."""
    noun = units.plural(number, "growth")
    return f"{units.count(number)} more {noun} ({'-n 0' if verbose else '-v'} shows all)"


def hidden(number: int) -> str:
    return f"dropped by filters: {units.counted(number, 'finding')}"


def lines(verdict: Verdict, gone: bool, accounted: bool = False) -> Iterator[tuple[str, bool]]:
    """Each line with whether it weighs: the snapshots, then the memory. ``gone``: every process has ended;
    ``accounted``: how much of the growth is Python's is said below.
    """
    main = verdict.main
    text = f"from {looked_at(main)}"
    done = main.last.tasks_done
    if done and len(main.looks) == 1 and not main.lived:
        text += f" after {units.spent(done, main.noun)}"  # and none between it and another
    elif verdict.unit == TASK:
        text += f", {units.spent(main.spent, main.noun)}"
    spent = seconds(main)
    text += f", {units.duration(spent)}" if spent is not None and spent > 0 else ""
    count = len(verdict.histories)
    of = f" ({units.counted(count, 'process')})" if count > 1 else ""
    ended = f"; ended after {units.moment(main.last.taken_at)}" if gone else ""
    yield f"{text}: {who(main)}{of}{ended}", True
    traced = f"traced {_over(verdict.traced, main.spent, verdict.noun)}"
    if main.lived:
        yield _now(verdict), True
        yield from _explains(verdict)
        return
    if verdict.rss.last is None:
        yield f"{traced}; the files do not say the RSS", False
        return
    yield f"RSS {_over(verdict.rss, main.spent, verdict.noun)}; {traced}", True
    if not accounted:
        yield from _explains(verdict)


def _explains(verdict: Verdict) -> Iterator[tuple[str, bool]]:
    part = explained(verdict)
    if part is not None:
        yield (
            f"Python objects and the tracer's tables explain {units.share(part)} of the RSS growth",
            False,
        )


def _now(verdict: Verdict) -> str:
    """What one snapshot says of memory: of the RSS how it grew, where the process has taken note of it."""
    traced = f"{units.size(verdict.traced.last or 0)} traced, as estimated from samples"
    if verdict.rss.last is None:
        return f"{traced}; the file does not say the RSS"
    if verdict.rss.first is None:
        return f"RSS {units.size(verdict.rss.last)}; {traced}"
    return f"RSS {_over(verdict.rss, verdict.main.spent, verdict.noun)}; {traced}"


def explained(verdict: Verdict) -> float | None:
    """What Python explains of the growth of the resident set, where that can be told beside the leaks.

    What leaks may be more than what all of traced memory grew by, where other memory shrank: then
    the two would contradict each other.
    """
    outside = verdict.outside
    if outside is None or not outside.grows_at_all or outside.explained is None:
        return None
    part = min(1.0, outside.explained)
    leaks = sum(each.share or 0.0 for each in verdict.findings if each.verdict == LEAK)
    return part if leaks <= part + ROUGHLY else None


def _over(course: Course, spent: float, unit: str) -> str:
    """``12.9 MiB to 23.6 MiB, +1.9 KiB per task``; no rate where the ends tell another story."""
    if course.first is None or course.last is None:
        return "unknown at one end"
    text = units.between(course.first, course.last)
    grown = course.last - course.first
    if course.per_unit is None or spent <= 0 or not grown:
        return text
    times = course.per_unit * spent / grown
    return f"{text}, {units.rate(course.per_unit, unit)}" if 1 / APART <= times <= APART else text


def figures(verdict: Verdict, finding: Finding) -> str:
    """How fast, how sure, in how many blocks, and which part of the growth."""
    text = growths.figures(finding)
    if finding.share is not None:
        text += f", {units.share(min(1.0, finding.share))} of the {share_of(verdict)}"
    return text


def with_it(places: Sequence[str], most: int) -> str:
    """Other lines of the same leak."""
    rest = len(places) - most
    said = ", ".join(places[:most]) + (f" and {units.count(rest)} more" if rest > 0 else "")
    return f"with it {'grows' if len(places) == 1 else 'grow'} {said}"
