"""Why these snapshots, where the user named none or not each of them."""

from __future__ import annotations

from leakhunt import units
from leakhunt.model.paths import visible
from leakhunt.snapshots.chosen import GREW_MOST, NEWEST, Chosen
from leakhunt.snapshots.series import Series


def chosen(choice: Chosen) -> str:
    """What was chosen of what, and whether that process still runs."""
    line = choice.line
    text = ""
    if choice.rule == NEWEST:
        text = (
            f"the newest of {units.counted(choice.of, 'snapshot')} in {visible(str(choice.place))}"
        )
    elif line is not None and len(choice.paths) == 2:
        text = f"first and newest of {units.count(choice.of)} in {visible(line.folder.name)}"
    elif line is not None and len(choice.paths) == 1:
        text = f"the newest of {units.count(choice.of)} in {visible(line.folder.name)}"
    elif line is not None:
        text = f"{units.counted(choice.of, 'snapshot')} in {visible(line.folder.name)}"
    if choice.rule == GREW_MOST and line is not None and choice.processes > 1:
        text += f" ({_grew_most(line, choice.processes)})"
    if line is not None and line.alive is False:
        text += f"; {ended(line)}"
    if choice.problems:
        text += f"; {units.count(len(choice.problems))} not read: {choice.problems[0]}"
    return text


def _grew_most(line: Series, processes: int) -> str:
    growth, what = line.grown
    with_tasks = " with tasks" if line.newest.meta.tasks_done else ""
    of = f"of {units.counted(processes, 'process')}{with_tasks}"
    if len(line.entries) == 1:
        return f"{of}; one snapshot does not say whether it grew most"
    if growth is None:
        return f"{of}, and how much each grew is not known"
    if growth <= 0:
        return f"{of}, and its {what} has not grown"
    runs = " that run" if line.alive else ""
    return f"{of}{runs} it grew most: {units.signed_size(growth)} {what}"


ENDED = "this process has ended"


def ended(line: Series) -> str:
    """That a process is gone, and since when at most."""
    return f"{ENDED}, after {units.moment(line.newest.meta.taken_at)}"


def one_of(word: str, pid: int | None, number: int) -> str:
    """Which of several processes a word was taken to mean."""
    return f"{visible(word)} has the snapshots of {number} processes: process {pid} is compared"
