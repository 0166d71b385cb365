"""What growths must show to be told: their worth, whose they are, and what excuses them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Worth:
    """What is worth a look, a line of the report, or the name of an answer."""

    floor: int = 1024
    """Growth below this, from end to end, is not looked at."""
    rate: float = 12.0
    """Bytes per task below which a steady growth is no finding: 12 MB in a million tasks."""
    share: float = 0.05
    """Findings that are no leaks are shown from this part of the traced growth on,"""
    size: int = 64 << 10
    """or from this size on;"""
    greater: float = 0.5
    """where less has grown, from this part of it on: two such lines are all of it."""
    unsettled: float = 0.25
    """What may still be a leak keeps the question open where it is so much of what the lines have grown by."""
    snapshots: int = 8
    """Snapshots with which a steady leak is told from chance in a busy worker."""
    answer: float = 0.2
    """Leaks that explain less of the growth of the resident set than this are not the answer."""
    mostly: float = 0.8
    """Leaks that explain so much of a wider growth stand for it."""
    falls: int = 3
    """Falls from which on the time between them is told."""


@dataclass(frozen=True)
class Blames:
    """Which line answers for a growth, and which lines are one leak."""

    caller: float = 0.8
    """A caller of whom so much of a growth comes answers for it; stacks of which so many pass
    a line are called from there."""
    near: int = 20
    """Lines of one file that are so near are taken for one function's, where functions are not known."""
    in_step: float = 0.05
    """Series that differ nowhere by more than this part of their range go in step; added to what
    chance explains where they are estimates,"""
    in_step_tables: float = 0.2
    """where a table alone stands for a line, which grows in jumps,"""
    in_step_cut: float = 0.1
    """where the stack ends in a library, and is all that is known,"""
    in_step_holder: float = 0.15
    """and where a line that may keep what strangers leak is looked for."""
    few_frames: int = 3
    """With fewer recorded frames than this a library's own lines may stand for the application's: a task's
    call of ``json.loads`` takes as many (``loads``, ``decode``, ``raw_decode``)."""
    table: int = 128
    """The least table, in bytes, that a block is taken for: a list's of sixteen entries,"""
    per_entry: float = 4.0
    """which has so many bytes for each entry at least: half a pointer, since it grew with what was known last;"""
    entries: float = 8.0
    """and so many entries: a dict has room for as many at first (``PyDict_MINSIZE``)."""
    moves: float = 0.5
    """What leaks in some stacks of a line, and goes from others at this part of the pace, only moves."""
    leads: float = 0.5
    """The line with so much of the growth gives a finding of several lines its name."""


@dataclass(frozen=True)
class Excuses:
    """What must be so before a growth is called no leak after all."""

    framework_tasks: int = 3000
    """Celery's own bounded tables fill until about task 1,700 (``celery/worker/state.py``,
    ``celery/utils/collections.py``: 1,000 task ids among them); nearly twice that is left,"""
    framework_bytes: int = 320 << 10
    """and take about 280 KiB in all,"""
    framework_per_task: float = 320.0
    """which is less than this for each of the first thousand tasks."""
    framework_held: float = 0.5
    """The holder decides where it is known of so much."""
    garbage: float = 0.5
    """A growth of which so many objects are unreachable is the collector's business."""
    bounded: float = 0.6
    """So much of what is tied of a growth must be held alike."""
    tied: float = 0.5
    """Most of a growth must have a holder that is known before anything is said of all holders,"""
    scattered: float = 1 / 3
    """and the place that holds most of it must hold less than this: two others hold as much as it then."""
    overrated: float = 2.0
    """Standard errors by which an estimate must exceed what the allocators say."""
    others: float = 0.5
    """Objects of a type that free lists do not serve, as a part of what is alive, that rule them out."""
    one_size: float = 0.95
    """The part of a growth that blocks of one size make where a free list explains it."""
