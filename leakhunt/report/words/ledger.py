"""What ``leakhunt tasks`` says beside its table."""

from __future__ import annotations

from leakhunt import units
from leakhunt.model.paths import visible

NONE = "no task has finished there"

#: Where all that was asked are main processes of prefork pools.
MAIN = f"{NONE}: a main process runs none, its children do; name one of them, or the node"


def over(processes: int, kept: bool) -> str:
    """What the figures are of; ``kept``: whether any tells memory that is kept."""
    number = units.counted(processes, "process", "processes")
    return f"tasks of {number}, each over its life{'; kept: since tracing began' if kept else ''}"


def sentence(name: str, per_run: float, error: float, keepers: int, tasks: int) -> str:
    """What the table comes to, where ``keepers`` of all tasks have kept memory surely: ``name`` the most.

    ``per_run`` and its standard ``error``: bytes.
    """
    told = f"{visible(name)} has kept {units.with_error(per_run, error)} per run"
    if keepers > 1:
        return f"{told}; {units.counted(keepers - 1, 'other task')} kept memory too."
    return f"{told}{'; no other task is seen to have kept any' if tasks > 1 else ''}."


#: Where none has.
NO_KEEPER = "No task is seen to have kept memory."
#: Of a task whose figure is not told from nothing.
NOT_SURE = "not sure"
#: Below the table, where one is.
KEY = f"{NOT_SURE}: not told from nothing at 95 %, and no more per run than what is said"
#: Below the table, where one has kept memory.
NEXT = (
    "kept is not leaked yet: what waits for the garbage collector counts too; `leakhunt verdict` tells a leak from "
    "that and from a cache that fills"
)


def more(tasks: int, runs: int) -> str:
    """``186 tasks more, 744 runs (-n 0 shows all)``: those that are not shown."""
    return f"{units.counted(tasks, 'task')} more, {units.counted(runs, 'run')} (-n 0 shows all)"


def at_most(per_run: float) -> str:
    """``under 1.2 KiB``: the end of what is likely, of one that is not sure."""
    return f"under {units.bound(per_run)}" if per_run > 0 else units.size(0)
