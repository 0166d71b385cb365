"""What ``leakhunt ls --prune`` says of what would go, and of what stays."""

from __future__ import annotations

from leakhunt import units
from leakhunt.model.paths import visible
from leakhunt.snapshots.prune import Doomed, Plan, Pruned


def series(line: Pruned) -> str:
    """One that loses snapshots."""
    living = ", alive" if line.alive else ""
    size = units.size(sum(doomed.size for doomed in line.doomed))
    return f"{visible(line.folder.name)}  ({_stay(line.kept)}{living})  {size}"


def doomed(one: Doomed) -> str:
    return f"  {visible(one.path.name)}  {units.size(one.size)}"


def torn(one: Doomed) -> str:
    """A file that nobody has finished."""
    return f"{visible(one.path.parent.name)}/{visible(one.path.name)}  half-written"


def emptied(folder: str) -> str:
    return f"{visible(folder)}/  will be empty"


def more(number: int) -> str:
    """Of what would go, so many lines are not shown."""
    return f"... and {units.counted(number, 'line')} more (--json has them all)"


def whole(plan: Plan) -> str:
    """What goes and what stays, in a line."""
    stays = units.plural(plan.kept, "stays", "stay")
    kept = f"{units.counted(plan.kept, 'snapshot')} {stays}"
    if plan.is_empty:
        return f"{visible(str(plan.home))}: nothing to remove, {kept}"
    gone = sum(len(line.doomed) for line in plan.series)
    parts = [units.counted(gone, "snapshot")] if gone else []
    parts += [f"{units.count(len(plan.torn))} half-written"] if plan.torn else []
    parts += [units.counted(len(plan.folders), "folder")] if plan.folders else []
    return f"to remove: {', '.join(parts)}, {units.size(plan.size)}; {kept}"


def _stay(number: int) -> str:
    return f"{units.count(number)} {units.plural(number, 'stays', 'stay')}"
