"""``leakhunt watch`` for the eye: a line per process, as much of it as the screen holds."""

from __future__ import annotations

from collections.abc import Sequence

from leakhunt import units
from leakhunt.model.paths import visible
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.guides import guides
from leakhunt.render.terminal.sheet import Part, Sheet
from leakhunt.render.terminal.sparks import spark
from leakhunt.render.terminal.styles import GROWN, NOTE, QUIET, STRONG
from leakhunt.report.watch import Line, Sample, WatchReport
from leakhunt.report.words import processes as words

#: Fewer bars tell nothing: climbs and a plateau look the same.
CURVE = 8
_TONES = {"fine": "", "warning": NOTE, "critical": GROWN}


def watch(report: WatchReport, screen: Screen) -> str:
    sheet = Sheet(screen)
    watched = report.machine.now - report.since
    sheet.say(words.watching(watched, report.ended, report.oldest), QUIET)
    if not report.lines:
        if not report.notes:  # they say better why there is nothing
            sheet.say(words.NOTHING_TO_WATCH)
        sheet.notes(report.notes)
        return sheet.drawn()
    for line in _table(report, screen):
        sheet.line(*line)
    sheet.line()
    sheet.say(report.total, STRONG)
    for shared in report.shared:
        if shared.per_minute is not None and shared.lasts is not None:
            sheet.say(words.sharing(
                shared.processes, shared.per_minute.value, shared.per_minute.low, shared.whose,
                (shared.lasts.seconds, shared.lasts.soonest, shared.lasts.latest),
            ), _TONES[shared.level])  # fmt: skip
    if report.over:
        for each in report.worth_a_sentence:
            sheet.say(visible(words.watched(
                f"{each.process.role} {each.process.pid}",
                None if each.per_minute is None
                else (each.per_minute.value, each.per_minute.low, each.per_minute.high),
                None if each.lasts is None
                else (each.lasts.seconds, each.lasts.soonest, each.lasts.latest),
                each.verdict,
            )), _TONES[each.level])  # fmt: skip
    sheet.notes(report.notes)
    return sheet.drawn()


def _table(report: WatchReport, screen: Screen) -> list[list[Part]]:
    """Columns leave from the right where the screen is narrow; what is left goes to the curve."""
    rows = [_cells(line) for line in report.lines]
    titles = (
        "process",
        "RSS",
        "USS",
        "PSS",
        "per minute",
        "limit in",
        "per task",
        "tasks",
        "running",
        "verdict",
    )
    # The curve comes before the last five: PSS has its sum below, and where a limit and a verdict leave little room,
    # whether it climbs still or has stopped says more than a third size.
    order = (0, 1, 4, 5, 9, 3, 2, 6, 7, 8)
    wide = [max(len(title), *(len(row[n]) for row in rows)) for n, title in enumerate(titles)]
    shown: list[int] = []
    room = screen.width
    for n in order:
        if any(row[n] for row in rows) and wide[n] + 2 <= room - (CURVE + 2) * (n in order[-5:]):
            shown.append(n)
            room -= wide[n] + 2
    shown.sort()
    curve = min(60, room - 2) if room >= CURVE + 2 else 0
    followed = any(None in line.before[-curve:] for line in report.lines)
    mark = guides(screen).along.strip()
    so_far = "  RSS so far" if curve >= len("RSS so far") else "  so far"
    title = f"{so_far}{f' ({mark} replaced)' if followed and curve >= 24 else ''}"

    def laid(cells: tuple[str, ...]) -> str:
        return "  ".join(
            cells[n].ljust(wide[n]) if n in (0, 8, 9) else cells[n].rjust(wide[n]) for n in shown
        )

    lines = [[(laid(titles) + (title if curve else ""), STRONG)]]
    for line, row in zip(report.lines, rows):
        text = laid(row)
        if curve:
            text += "  " + _course([*line.before, *line.samples][-curve:], screen.lines, mark)
        lines.append([(text, _TONES[line.level])])
    return lines


def _course(samples: Sequence[Sample | None], lines: bool, mark: str) -> str:
    """A bar for each, and a mark where a process was replaced by the next."""
    bars = iter(spark([each.memory.rss or 0 for each in samples if each is not None], lines))
    return "".join(mark if each is None else next(bars) for each in samples)


def _cells(line: Line) -> tuple[str, ...]:
    memory, pulse = line.process.memory, line.process.pulse
    return (
        f"{line.process.role} {line.process.pid}",
        _bytes(memory.rss),
        _bytes(memory.uss),
        _bytes(memory.pss),
        ""
        if line.per_minute is None
        else words.interval(line.per_minute.value, line.per_minute.low),
        "" if line.lasts is None else words.lasting(line.lasts.seconds),
        "" if line.per_task is None else words.interval(line.per_task.value, line.per_task.low),
        "" if pulse is None else units.count(pulse.done),
        visible(pulse.task or "")[:24] if pulse is not None else "",
        line.verdict or "",
    )


def _bytes(amount: int | None) -> str:
    return "" if amount is None else units.size(amount)
