"""``leakhunt trend`` for the eye.

The first page is for somebody tired, at 80 by 24: leak or not, which line, how fast, until when, what
to do. One sentence, one line per finding, the fix of the first one, what it rests on. All else is for
``-v``.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from leakhunt import units
from leakhunt.advice.match import Advice
from leakhunt.judge import account as causes
from leakhunt.judge.series import stats
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import INCONCLUSIVE, NO_LEAK, UNEXPLAINED, Finding
from leakhunt.model.paths import visible
from leakhunt.model.snapshot import Frame, Stack
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.account import say_next, say_parts
from leakhunt.render.terminal.console import drawn, make_console, say, say_notes, say_why
from leakhunt.render.terminal.sparks import spark
from leakhunt.render.terminal.styles import GROWN, NOTE, QUIET, SHRUNK, STRONG, unbroken
from leakhunt.report.labels import Label
from leakhunt.report.trend import Judged, TrendReport
from leakhunt.report.words import growths, kept, resources, supports
from leakhunt.report.words.places import place

TONES = {LEAK: GROWN, UNEXPLAINED: NOTE, INCONCLUSIVE: NOTE, NO_LEAK: SHRUNK}
#: Columns of a sparkline on a wide page and on one of 80 columns.
SPARK, NARROW_SPARK, WIDE = 16, 8, 100
#: Growths that are no leaks, on the first page.
OTHERS = 3
#: Other lines of a finding, and frames of its stack, that are listed.
LINES, FRAMES = 4, 6


def trend(report: TrendReport, screen: Screen) -> str:
    """The page, or with a verbose screen all the evidence."""
    console = make_console(screen)
    verdict = report.verdict
    head, _, rest = visible(report.summary).partition(":")
    console.print(Text.assemble((f"{head}:", TONES[verdict.verdict]), (unbroken(rest), STRONG)))
    say_why(console, report.why)
    shown = report.ranked if screen.verbose else _first_page(report.ranked)
    if shown:
        console.print()
        for text in _table(report, shown, screen):
            console.print(text, soft_wrap=True)
    left = len(report.findings) - len(shown)
    if left:
        say(console, supports.more(left, screen.verbose), QUIET)
    if report.hidden:
        say(console, supports.hidden(report.hidden), QUIET)
    if screen.verbose:
        for rank, judged in shown:
            _detail(console, report, rank, judged)
    else:
        _remedy(console, report)
    if report.advice is not None:
        console.print()
        _advice(console, report.advice, screen.verbose)
    console.print()
    told = report.account
    accounted = told is not None and told.cause.kind == causes.PYTHON and not screen.verbose
    for line, weighs in supports.lines(verdict, report.ended, accounted):
        say(console, visible(line), "" if weighs else QUIET)
    _say_account(console, report, screen)
    for one in report.rising[: None if screen.verbose else OTHERS]:
        say(console, visible(resources.opens(one)), NOTE)
    say_notes(console, report.notes)
    if not screen.verbose and report.findings:
        say(console, supports.MORE, QUIET)
    return drawn(console)


def _say_account(console: Console, report: TrendReport, screen: Screen) -> None:
    """Where the growth went, in a line; with a verbose screen part by part."""
    told = report.account
    if told is None or (told.cause.kind in (causes.NOTHING, causes.SHRUNK) and not screen.verbose):
        return
    say(console, visible(told.sentence), QUIET)
    if screen.verbose:
        say_parts(console, told)
    if screen.verbose or report.verdict.verdict == UNEXPLAINED:
        say_next(console, told)


def _first_page(ranked: Sequence[tuple[int, Judged]]) -> list[tuple[int, Judged]]:
    leaks = [each for each in ranked if each[1].finding.verdict == LEAK]
    return [*leaks, *ranked[len(leaks) : len(leaks) + OTHERS]]


# -- the table ------------------------------------------------------------------------


def _thinned(sizes: Sequence[float], columns: int) -> list[float]:
    """Every n-th point of a longer series."""
    return [sizes[index] for index in stats.spread(len(sizes), columns)]


def _rate(finding: Finding, unit: str) -> str:
    """Without the unit that the head of the column says."""
    text = units.rate(finding.rate, finding.history.noun)
    return text.removesuffix(f" per {unit}")


def _table(report: TrendReport, shown: Sequence[tuple[int, Judged]], screen: Screen) -> list[Text]:
    """A line per finding that is never folded: the path gives way, from its left."""
    columns = SPARK if screen.width >= WIDE else NARROW_SPARK
    heads = ["#", "verdict", f"per {report.verdict.noun}", "grown", "series"]
    rows = []
    for rank, judged in shown:
        finding = judged.finding
        leak = finding.verdict == LEAK
        rows.append([
            str(rank), growths.verdict(finding),
            _rate(finding, report.verdict.noun) if leak else "",
            units.signed_size(finding.rise),
            spark(_thinned(finding.sizes, columns), screen.lines),
        ])  # fmt: skip
    wide = [max(map(cell_len, column)) for column in zip(heads, *rows)]
    room = screen.width - sum(wide) - 2 * len(wide)
    if room < NARROW_SPARK + 12:  # a very narrow page: the line is more than its picture
        heads, rows, wide = heads[:-1], [row[:-1] for row in rows], wide[:-1]
        room = screen.width - sum(wide) - 2 * len(wide)
    text = [Text("".join(_padded(heads, wide)) + "where", STRONG)]
    for (_, judged), row in zip(shown, rows):
        leak = judged.finding.verdict == LEAK
        cells = list(_padded(row, wide))
        line = Text("".join(cells), GROWN if leak else QUIET)
        where = fitted(report.labels.label(judged.finding.site), room)
        line.append(where, STRONG if leak else "")
        why = f"  {visible(growths.reason(judged.finding))}"
        if not screen.verbose and cell_len(where) + cell_len(why) <= room:
            line.append(why, QUIET)
        text.append(line)
    return text


def _padded(cells: Sequence[str], wide: Sequence[int]) -> list[str]:
    """Text to the left, numbers to the right."""
    padded = []
    for index, (cell, width) in enumerate(zip(cells, wide)):
        blank = " " * (width - cell_len(cell))
        padded.append((cell + blank if index in (1, 4) else blank + cell) + "  ")
    return padded


def fitted(label: Label, room: int) -> str:
    """A place in so many columns: without its function, then without the left of its path."""
    where = visible(label.where)
    if label.function:
        whole = f"{where} in {visible(label.function)}"
        if cell_len(whole) <= room:
            return whole
    if cell_len(where) <= room:
        return where
    parts = where.split("/")
    while len(parts) > 1 and cell_len("…/" + "/".join(parts)) > room:
        parts.pop(0)
    short = "…/" + "/".join(parts)
    while cell_len(short) > room and len(short) > 2:
        short = "…" + short[2:]
    return short


# -- what to do, and what is known ----------------------------------------------------


def _remedy(console: Console, report: TrendReport) -> None:
    """The source line of the first leak, and what ends it."""
    first = next((each for each in report.ranked if each[1].finding.verdict == LEAK), None)
    if first is None:
        return
    rank, judged = first
    held = judged.finding.holder
    code = report.labels.label(judged.finding.site).code
    if not code and judged.advice is None and held is None:
        return
    console.print()
    if code and (judged.advice is None or visible(code) not in judged.advice.because):
        console.print(Text.assemble((f"{rank}  ", STRONG), visible(code)), soft_wrap=True)
    if held is not None:
        _indent(console, Text(visible(kept.by(held, judged.finding.holder_grew))))
    if judged.advice is not None:
        _advice(console, judged.advice, False)


def _detail(console: Console, report: TrendReport, rank: int, judged: Judged) -> None:
    finding, labels = judged.finding, report.labels
    console.print()
    console.print(Text.assemble((f"{rank}  ", STRONG), (place(finding.site, labels), STRONG)))
    reasons = (growths.reason(finding), growths.task(finding), growths.where(finding))
    _indent(console, Text(visible(", ".join(filter(None, reasons)))))
    if finding.verdict != LEAK:
        return
    _indent(console, Text(supports.figures(report.verdict, finding)))
    if len(finding.parts) > 1:
        _indent(console, Text(growths.by_process(finding), QUIET))
    if finding.holder is not None:
        _indent(console, Text(visible(kept.by(finding.holder, finding.holder_grew))))
    others = finding.sites[1:]
    if others:
        said = [labels.label(frame).where for frame in others]
        _indent(console, Text(supports.with_it(said, LINES), QUIET))
    for frame in _innermost(finding.stack, finding.site):
        label = labels.label(frame)
        text = Text(f"  {label.where}", STRONG if frame == finding.site else "")
        text.append(f" in {visible(label.function)}" if label.function else "", QUIET)
        _indent(console, text)
        if frame == finding.site and label.code:
            _indent(console, Text(f"    {visible(label.code)}", QUIET))
    if judged.advice is not None:
        _advice(console, judged.advice, True)


def _innermost(stack: Stack, site: Frame) -> list[Frame]:
    """The frames nearest to the allocation, and the blamed one wherever it is; most recent call last."""
    frames = list(stack[-FRAMES:])
    if site in stack and site not in frames:
        frames = [site, *frames[1:]]
    return frames


def _advice(console: Console, advice: Advice, verbose: bool) -> None:
    _indent(console, Text(visible(advice.because[:1].upper() + advice.because[1:])))
    told = (("why  ", advice.why), ("fix  ", advice.fix), ("see  ", advice.source))
    for title, text in told if verbose else told[1:2]:
        _indent(console, Text.assemble((title, QUIET), visible(text)))


def _indent(console: Console, text: Text) -> None:
    console.print(Padding(text, (0, 0, 0, 3), expand=False))
