"""``leakhunt trend`` for the eye: the verdict, the findings, what supports it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from leakhunt import units
from leakhunt.advice.match import Advice
from leakhunt.judge.series import stats
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import INCONCLUSIVE, NO_LEAK, UNEXPLAINED
from leakhunt.model.paths import visible
from leakhunt.render.terminal.console import (  # fmt: skip
    GROWN,
    NOTE,
    QUIET,
    SHRUNK,
    STRONG,
    drawn,
    make_console,
    say,
    say_notes,
    say_why,
)
from leakhunt.report.tables import who
from leakhunt.report.trend import Judged, TrendReport, per_unit, place, where

TONES = {LEAK: GROWN, UNEXPLAINED: NOTE, INCONCLUSIVE: NOTE, NO_LEAK: SHRUNK}
#: Columns of a sparkline.
SPARK = 16
_BARS = "▁▂▃▄▅▆▇█"
#: Other lines of a finding, and frames of its stack, that are listed.
LINES = 4
FRAMES = 6


def trend(report: TrendReport, width: int, color: bool, limit: int) -> str:
    """The whole report as text."""
    console = make_console(width, color)
    found = report.verdict
    head, _, rest = visible(report.summary).partition(":")
    console.print(Text.assemble((f"{head}:", TONES[found.verdict]), (rest, STRONG)))
    say_why(console, report.why)
    console.print()
    shown = report.findings[:limit] if limit else report.findings
    if shown:
        _table(console, report, shown)
    left = len(report.findings) - len(shown)
    if left:
        say(
            console,
            f"{units.count(left)} more growth{'s' if left > 1 else ''} (-n 0 shows all)",
            QUIET,
        )
    if report.hidden:
        say(console, f"dropped by filters: {units.count(report.hidden)} of the findings", QUIET)
    for number, judged in enumerate(shown, 1):
        if judged.finding.verdict == LEAK:
            _detail(console, report, number, judged)
    if report.advice is not None:
        console.print()
        _advice(console, report.advice)
    if shown or report.hidden or report.advice is not None:
        console.print()
    _support(console, report)
    say_notes(console, report.notes)
    return drawn(console)


def spark(sizes: Sequence[float], columns: int = SPARK) -> str:
    """A series as bars, the least at the bottom; longer ones keep every n-th point."""
    sizes = [sizes[index] for index in stats.spread(len(sizes), columns)]
    low, high = min(sizes), max(sizes)
    span = high - low
    return "".join(
        _BARS[round((size - low) / span * (len(_BARS) - 1))] if span else _BARS[0] for size in sizes
    )


def _table(console: Console, report: TrendReport, shown: Sequence[Judged]) -> None:
    unit = report.verdict.unit
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=STRONG, expand=False)
    for name, side in (
        ("#", "right"),
        ("verdict", "left"),
        (f"per {unit}", "right"),
        ("grown", "right"),
        ("series", "left"),
    ):
        table.add_column(name, justify="right" if side == "right" else "left", no_wrap=True)
    table.add_column("where", overflow="fold", ratio=1)
    for number, judged in enumerate(shown, 1):
        finding = judged.finding
        leak = finding.verdict == LEAK
        cell = Text(place(finding.site, report.labels), STRONG if leak else "")
        spot = report.labels.label(finding.site)
        if leak and spot.code:
            cell.append(f"\n  {visible(spot.code)}", QUIET)
        cell.append(f"\n  {visible(_reason(judged))}", QUIET)
        table.add_row(
            str(number),
            Text(finding.verdict, GROWN if leak else QUIET),
            Text(units.signed_size(finding.rate) if leak else "", GROWN),
            units.signed_size(finding.sizes[-1] - finding.sizes[0]),
            Text(spark(finding.sizes), GROWN if leak else QUIET),
            cell,
        )
    console.print(table)


def _reason(judged: Judged) -> str:
    finding = judged.finding
    parts = [finding.reason, finding.task_said or "", where(finding)]
    return ", ".join(part for part in parts if part)


def _detail(console: Console, report: TrendReport, number: int, judged: Judged) -> None:
    finding, unit = judged.finding, report.verdict.unit
    console.print()
    console.print(
        Text.assemble((f"{number}  ", STRONG), (place(finding.site, report.labels), STRONG))
    )
    figures = (
        f"{per_unit(finding.rate, unit)} (95 %: {units.size(finding.low)} to {units.size(finding.high)}), "
        f"{finding.blocks_rate:.3g} blocks per {unit}"
    )
    if finding.share is not None:
        figures += f", {units.share(min(1.0, finding.share))} of the growth"
    if finding.samples is not None:
        figures += f", by {units.count(finding.samples)} samples"
    _indent(console, Text(figures))
    if len(finding.parts) > 1:
        rates = ", ".join(
            f"{part.pid}: {units.signed_size(part.rate) if part.verdict == LEAK else part.verdict}"
            for part in finding.parts
        )
        _indent(console, Text(f"by process: {rates}", QUIET))
    others = finding.sites[1:]
    if others:
        said = ", ".join(report.labels.label(frame).where for frame in others[:LINES])
        more = f" and {len(others) - LINES} more" if len(others) > LINES else ""
        _indent(console, Text(f"with it grow {said}{more}", QUIET))
    stack = finding.stacks[0] if finding.stacks else ()
    for frame in stack[-FRAMES:]:
        label = report.labels.label(frame)
        text = Text(f"  {label.where}", STRONG if frame == finding.site else "")
        text.append(f" in {visible(label.function)}" if label.function else "", QUIET)
        _indent(console, text)
    if judged.advice is not None:
        _advice(console, judged.advice)


def _advice(console: Console, advice: Advice) -> None:
    _indent(console, Text(visible(advice.because[:1].upper() + advice.because[1:])))
    for title, text in (("why  ", advice.why), ("fix  ", advice.fix), ("see  ", advice.source)):
        _indent(console, Text.assemble((title, QUIET), visible(text)))


def _indent(console: Console, text: Text) -> None:
    console.print(Padding(text, (0, 0, 0, 3), expand=False))


def _support(console: Console, report: TrendReport) -> None:
    found, main = report.verdict, report.verdict.main
    tasks = f", {units.count(round(main.times[-1]))} tasks" if found.unit == "task" else ""
    start, end = main.first.taken_at, main.last.taken_at
    over = f", {units.duration(end - start)}" if start is not None and end is not None else ""
    count = len(found.histories)
    of = f" ({count} processes)" if count > 1 else ""
    say(console, f"from {len(main.metas)} snapshots{tasks}{over}: {visible(who(main))}{of}")
    outside = found.outside
    if outside is None or found.rss.first is None or found.rss.last is None:
        traced = found.traced
        say(
            console,
            f"traced {_pair(traced.first, traced.last)}; the files do not say the RSS",
            QUIET,
        )
        return
    text = f"RSS {_pair(found.rss.first, found.rss.last)}"
    if outside.rss_rate is not None:
        text += f", {per_unit(outside.rss_rate, found.unit)}"
    text += f"; traced {_pair(found.traced.first, found.traced.last)}"
    if outside.traced_rate is not None:
        text += f", {per_unit(outside.traced_rate, found.unit)}"
    say(console, text)
    if outside.explained is not None and outside.grows_at_all:
        say(
            console,
            f"Python objects and the tracer's tables explain {units.share(min(1.0, outside.explained))} "
            "of the RSS growth",
        )


def _pair(first: int | None, last: int | None) -> str:
    if first is None or last is None:
        return "unknown"
    return f"{units.size(first)} to {units.size(last)}"
