"""``leakhunt ls --prune`` for the eye."""

from __future__ import annotations

from leakhunt.model.paths import visible
from leakhunt.render.screen import Screen
from leakhunt.report.pruned import PruneReport
from leakhunt.report.words import pruned as words

#: More than that nobody reads before answering: of a folder with 100,000 processes it would be 300,000.
MOST_LINES = 200


def pruned(report: PruneReport, screen: Screen) -> str:
    """What would go, file by file, and what stays."""
    plan = report.plan
    lines = []
    for line in plan.series:
        lines += [words.series(line), *map(words.doomed, line.doomed)]
    lines += map(words.torn, plan.torn)
    lines += [words.emptied(folder.name) for folder in plan.folders]
    if len(lines) > MOST_LINES:
        lines[MOST_LINES:] = [words.more(len(lines) - MOST_LINES)]
    lines.append(words.whole(plan))
    lines += [f"note: {visible(note)}" for note in report.notes]
    return "\n".join(lines) + "\n"
