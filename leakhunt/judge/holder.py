"""What keeps a growth, by a name of the code: a container that grew, or a variable from which it hangs."""

from __future__ import annotations

from collections.abc import Sequence

from leakhunt.judge.containers import ends
from leakhunt.judge.excuses.bounded import is_below_a_bound
from leakhunt.judge.history import History
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Growth
from leakhunt.judge.series.shape import LEAK
from leakhunt.model.retention import Retention, by_container, variable
from leakhunt.snapshots.counted import as_counted


def holder_of(history: History, growth: Growth) -> tuple[Retention | None, int | None]:
    """The container that holds most of its objects, with all that it holds of them, where a name of
    code leads there, and by how many entries it grew. What has not grown since the first moment, as a module that the line has imported, says
    nothing of what does; nor does what a bound ends say where a leak piles up. None where that is a small part:
    many hold a little of them.
    """
    snapshot = history.newest
    if snapshot is None:
        return None, None
    risen = [stack for stack in growth.blame.stacks if history.risen([stack]) > 0]
    ways = [
        as_counted(way)
        for stack in risen or growth.blame.stacks
        for way in snapshot.told(stack).retention
    ]
    leaks = growth.shape.verdict == LEAK
    named = [
        way
        for way in ways
        if way.container_path
        and way.container_type is not None
        and not (leaks and ends(way.container_path, way.bound))
    ]
    most, tied = next(iter(by_container(named)), None), sum(way.size for way in ways)
    if most is not None and most.size >= LEVELS.excuses.scattered * tied:
        return most, _grew(history, most)
    return (_hangs_from(ways) if leaks else None), None


def _hangs_from(ways: Sequence[Retention]) -> Retention | None:
    """The variable of a module from which most of it hangs that no bound ends, through whatever there is on the way:
    tracebacks that pile up on an exception are no container. None where that is a small part.
    """
    unended = [way for way in ways if not is_below_a_bound(way)]
    hanging = by_container(
        way._replace(
            container_path=path, container_type=path[-1].type,
            length=path[-1].length, bound=None, mark=0, retained=None,
        )
        for way in unended
        if (path := variable(way.path))
    )  # fmt: skip
    least = LEVELS.excuses.bounded * sum(way.size for way in unended)
    return hanging[0] if hanging and hanging[0].size >= least else None


def _grew(history: History, holder: Retention) -> int | None:
    """By how many entries the container grew; None where fewer than two snapshots tell of it."""
    if not holder.mark or len(history.looks) < 2:
        return None
    ends = history.ends_of(holder.mark)
    return None if ends is None else ends[1] - ends[0]
