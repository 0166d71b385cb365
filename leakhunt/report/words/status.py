"""Where one stands, and the next step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leakhunt import units
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import INCONCLUSIVE, UNEXPLAINED, Verdict
from leakhunt.model.paths import visible
from leakhunt.report.words import choices
from leakhunt.snapshots.chosen import ENOUGH
from leakhunt.snapshots.series import Series

#: Processes that are named.
NAMED = 3


def hooked(names: Sequence[str]) -> str:
    """Who carries the hook."""
    if not names:
        return "no process of this host that you may signal"
    some = ", ".join(map(visible, names[:NAMED]))
    more = f" and {units.count(len(names) - NAMED)} more" if len(names) > NAMED else ""
    return f"{units.counted(len(names), 'process')}: {some}{more}"


def snapshots(series: Sequence[Series]) -> str:
    """What there is, and the newest of it."""
    if not series:
        return "none yet"
    number = sum(len(line.entries) for line in series)
    newest = series[-1]
    of = units.counted(len(series), "process")
    when = units.moment(newest.newest.meta.taken_at)
    text = f"{units.counted(number, 'snapshot')} of {of}, the newest of {visible(newest.folder.name)}, {when}"
    return text + (f"; {choices.ENDED}" if newest.alive is False else "")


def steps(
    hooked: Sequence[str], series: Sequence[Series], verdict: Verdict | None
) -> Iterator[tuple[str, str]]:
    """What to type next, each with what it does."""
    longest = max((len(line.entries) for line in series), default=0)
    if verdict is not None and verdict.verdict == LEAK:
        yield "leakhunt verdict -v", "the evidence, line by line"
    elif verdict is not None and verdict.verdict == UNEXPLAINED:
        yield "leakhunt verdict -v", "what grows outside Python, as far as is known"
    elif not hooked and not series:
        yield "leakhunt demo", "watch it find a leak, in 20 seconds"
        yield "celery -A proj worker -I leakhunt.worker", "hook a worker"
    elif hooked and (longest < ENOUGH or (verdict is not None and verdict.verdict == INCONCLUSIVE)):
        some = "one more snapshot of each" if longest else "a first snapshot of each"
        yield (
            "leakhunt dump --all",
            f"{some}, some hundred tasks later{'' if longest else ' another one'}",
        )
    elif longest >= ENOUGH:
        yield "leakhunt ls", "every process, and which of them grows"
    elif longest == 2:
        yield "leakhunt diff", "what grew between the two"
    else:
        yield "leakhunt top", "what was alive"
    yield "leakhunt --help", "every command"
