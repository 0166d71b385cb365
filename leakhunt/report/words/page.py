"""The page that is attached to a ticket: what it says to somebody who was not there."""

from __future__ import annotations

from leakhunt import units
from leakhunt.judge.finding import Finding
from leakhunt.judge.history import TASK, History
from leakhunt.judge.verdict import Verdict
from leakhunt.model.meta import OFF
from leakhunt.model.paths import visible
from leakhunt.report.words.places import looked_at, who
from leakhunt.report.words.verdicts import seconds
from leakhunt.sites.flame import Flame

DAY = 86400.0
SKIP = "Skip to the findings"
HOW = "How it was measured"
TIMELINE_FIGURES = "The figures of the timeline"
NOTHING_GROWS = "Nothing grows that is worth a line."
ONE_MOMENT = "One snapshot does not show what grows; what is alive is below."
NEEDS_SCRIPT = "This part is drawn by the page's own script, which does not run here."
NO_RSS = "The newest file does not say how large the process is."
LICENCES = "Licences of the libraries in this page"
#: A pace seen for less than this (seconds) says nothing of a day.
TELLING = 10.0


def where(verdict: Verdict, ended: bool) -> str:
    """Which process, how many snapshots, over how long."""
    main = verdict.main
    text = who(main)
    number = len(verdict.histories)
    if number > 1:
        text = f"{units.counted(number, 'process')}; the figures are of {text}"
    looks = looked_at(main)
    spent = _lived(main) if main.lived else seconds(main)
    span = [units.spent(main.spent, main.noun)] if main.unit == TASK and main.spent > 0 else []
    span += [units.duration(spent)] if spent is not None and spent > 0 else []
    over = f" over {', '.join(span)}" if span else ""
    newest = main.last.taken_at
    until = f", the newest of {units.moment(newest)}" if newest is not None else ""
    gone = "It has ended since." if number == 1 else "All of them have ended since."
    return visible(f"{text}: {looks}{over}{until}.{f' {gone}' if ended else ''}")


def stack(number: int) -> str:
    """Which of so many stacks is shown."""
    said = "The stack" if number == 1 else f"The heaviest of {units.count(number)} stacks"
    return f"{said}, most recent call last"


def table(what: str, compared: bool) -> str:
    """What the table is of."""
    said = (
        f"What grew in {what}, first snapshot to newest" if compared else f"What is alive in {what}"
    )
    return f"{said}, by the line that allocated it."


def no_leaks(number: int) -> str:
    """What grew and is none."""
    return f"{units.counted(number, 'growth')} that {units.plural(number, 'is', 'are')} no leak"


def resident(size: int) -> str:
    """What the parts of a resident set are the parts of."""
    return f"Where the {units.size(size)} of RSS are"


def spread(shown: int, of: int, what: str) -> str:
    """Of which snapshots a table is, and how many are listed."""
    text = f"Snapshots of {what}"
    if shown == of:
        return text
    return f"{text}; {units.count(shown)} of {units.count(of)}, evenly spread"


def made(version: str, at: float) -> str:
    """By what and when the page was made."""
    moment = units.moment(at)
    return f"Made by leakhunt {version} at {moment}. Sizes are binary: 1 KiB = 1,024 B."


def per_day(finding: Finding) -> str | None:
    """What a rate comes to in a day at the pace that was seen; None: the pace is not known."""
    history = finding.history
    whose = " for each process" if len(finding.parts) > 1 else ""
    if history.unit == TASK:
        spent = history.spent
        taken = _lived(history) if history.lived else seconds(history)
        if taken is None or taken < TELLING or spent <= 0:
            return None
        pace = spent / taken * DAY
        return (
            f"{units.size(finding.rate * pace)} a day{whose}, at the pace seen: "
            f"{units.forecast(pace, history.noun)} a day."
        )
    if history.unit == "second" and (seconds(history) or 0.0) >= TELLING:
        return f"{units.size(finding.rate * DAY)} a day{whose}."
    return None


def _lived(history: History) -> float | None:
    """Seconds from the start of tracking to the one snapshot."""
    snapshot = history.newest
    moments = snapshot.calendar.moments if snapshot and snapshot.calendar else ()
    if len(moments) < 2 or moments[0] is None or moments[-1] is None:
        return None
    return moments[-1] - moments[0]


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def cut(tree: Flame) -> str:
    """What the flame graph does not draw; empty where it draws all."""
    number = tree.cut
    if not number:
        return ""
    noun = units.plural(number, "stack")
    are = "is" if number == 1 else "are"
    return f"{units.count(number)} of the smallest {noun} {are} drawn together, as “smaller”, where they branch off."


def hidden(size: int) -> str:
    """What is left out of pictures and table; empty where nothing is."""
    if not size:
        return ""
    return f"{units.size(size)} of tracing and import machinery is left out, as `leakhunt top` leaves it out."


def sampled(history: History) -> str:
    """How sizes were measured."""
    engine = history.last.engine
    if engine == "sampled" or history.is_sampled:
        interval = history.last.facts.get("interval")
        every = (
            f", one in about {units.size(interval)}"
            if isinstance(interval, int) and interval > 0
            else ""
        )
        return f"Sizes are estimates from samples of what was allocated{every}; each has an error of its own."
    if engine == OFF:
        return "The engine was off: there are figures of the process and no traces."
    return "Sizes are exact: tracemalloc counted every block since tracing began."


def depth(history: History) -> str:
    """How deep stacks were recorded."""
    return f"Stacks are recorded {units.counted(history.nframe, 'frame')} deep at most."
