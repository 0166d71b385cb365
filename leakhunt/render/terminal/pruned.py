"""``leakhunt ls --prune`` for the eye."""

from __future__ import annotations

from leakhunt import units
from leakhunt.model.paths import visible
from leakhunt.render.screen import Screen
from leakhunt.report.pruned import PruneReport


def pruned(report: PruneReport, screen: Screen) -> str:
    """What would go, file by file, and what stays."""
    plan = report.plan
    lines = []
    for line in plan.series:
        size = units.size(sum(doomed.size for doomed in line.doomed))
        living = ", alive" if line.alive else ""
        stay = "1 stays" if line.kept == 1 else f"{units.count(line.kept)} stay"
        lines.append(f"{visible(line.folder.name)}  ({stay}{living})  {size}")
        lines += [
            f"  {visible(doomed.path.name)}  {units.size(doomed.size)}" for doomed in line.doomed
        ]
    lines += [
        f"{visible(torn.path.parent.name)}/{visible(torn.path.name)}  half-written"
        for torn in plan.torn
    ]
    lines += [f"{visible(folder.name)}/  will be empty" for folder in plan.folders]
    kept = units.counted(plan.kept, "snapshot") + (" stays" if plan.kept == 1 else " stay")
    if plan.is_empty:
        lines.append(f"{visible(str(plan.home))}: nothing to remove, {kept}")
    else:
        gone = sum(len(line.doomed) for line in plan.series)
        parts = [units.counted(gone, "snapshot")] if gone else []
        parts += [f"{units.count(len(plan.torn))} half-written"] if plan.torn else []
        parts += [units.counted(len(plan.folders), "folder")] if plan.folders else []
        lines.append(f"to remove: {', '.join(parts)}, {units.size(plan.size)}; {kept}")
    lines += [f"note: {visible(note)}" for note in report.notes]
    return "\n".join(lines) + "\n"
