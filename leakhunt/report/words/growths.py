"""Why a growth is judged as it is, and where it was seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from leakhunt import units
from leakhunt.judge import codes
from leakhunt.judge.codes import Reason
from leakhunt.judge.finding import Finding, Since
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.series.shape import LEAK, NOISE
from leakhunt.model.paths import prefixes, visible
from leakhunt.report.words.places import MAY_BE, holder

#: What others have made is told from this part on.
TOLD = 0.1

Figures = Mapping[str, float]
#: From the figures of a reason and the unit of its series to its words.
Say = Callable[[Figures, str], str]


def reason(finding: Finding) -> str:
    """Why it is judged so, with what must be said of where its memory is booked."""
    said = because(finding.reason, finding.history.noun)
    kinds = finding.kinds
    if kinds is None:
        return said
    kept = sum(one.size for one in kinds.holders)
    if kinds.holders and kinds.size and kept >= TOLD * kinds.size:
        by = holder(kinds.holders[0], prefixes(finding.history.last.facts))
        said += f"; {units.share(min(1.0, kept / kinds.size))} made by others and kept by {by}"
    return said + (f"; {MAY_BE}" if kinds.is_recycled else "")


def verdict(finding: Finding) -> str:
    """The verdict for the eye: what is undecided is not called noise."""
    return UNSURE if finding.verdict == NOISE and finding.is_open else finding.verdict


#: Of what more samples or snapshots would tell.
UNSURE = "unsure"


def because(code: Reason, unit: str) -> str:
    """A reason in words; ``unit``: what that of the series is called, ``task`` for one."""
    return SAID[code.code](dict(code.figures), unit)


def _snapshot(number: float, of: float | None = None) -> str:
    return f"snapshot {units.count(int(number))}" + (
        f" of {units.count(int(of))}" if of is not None else ""
    )


def _one_jump(given: Figures, unit: str) -> str:
    after = "the last one" if given["at"] == given["of"] else "flat since"
    return f"one jump of {units.size(given['size'])} at {_snapshot(given['at'])}, {after}"


def _falls_back(given: Figures, unit: str) -> str:
    text = f"falls back to {units.size(given['size'])}"
    apart = given.get("apart")
    if apart is None:
        return text
    if unit != "second" and round(apart) < 1:
        return f"{text}, several in each {unit}"
    return f"{text}, seen about every {_every(apart, unit)}"


def _every(apart: float, unit: str) -> str:
    """``task``, ``200 tasks``, ``3 min 20 s``."""
    text = units.spent(apart, unit)
    return text.removeprefix("1 ") if text == f"1 {unit}" else text


def _slows_down(given: Figures, unit: str) -> str:
    late = given.get("late")
    if late is None:
        return "slows down"
    return f"slows down: the second half at {units.share(late)} of the first"


def _too_few(given: Figures, unit: str) -> str:
    return (
        f"too few samples yet: {units.count(int(given['samples']))}; at this interval about "
        f"{units.size(given['size'])} (or {units.forecast(given['units'], unit)}) more are needed"
    )


def _bounded(given: Figures, unit: str) -> str:
    most = units.count(int(given["bound"]))
    length = given.get("length")
    if length is None:
        return f"kept in a container of at most {most} entries"
    if length > given["bound"]:
        return (
            f"kept in a container of {units.count(int(length))} entries that is cut back to {most}"
        )
    if length == given["bound"]:
        return f"kept in a container that is full: {most} entries"
    return f"kept in a container of {units.count(int(length))} entries that takes at most {most}"


def _each_bounded(given: Figures, unit: str) -> str:
    text = f"kept in containers of at most {units.counted(int(given['bound']), 'entry', 'entries')} each"
    if given["stands"]:
        return f"{text}, which are no more than before"
    return f"{text}: whether there are more and more of them decides"


def _born_evenly(given: Figures, unit: str) -> str:
    since = given.get("since", 0.0)
    entries = int(given.get("entries", 0))
    came = f"its {units.counted(entries, 'entry', 'entries')} came evenly"
    text = came if entries else "what lives was born evenly"
    return text if since <= 0 else f"{text} since {unit} {units.count(round(since))}"


def _hardly_sampled(given: Figures, unit: str) -> str:
    samples = int(given["samples"])
    if samples <= 0:
        return "no more samples than at first: too few to tell"
    return f"{units.counted(samples, 'sample')} more than at first: too few to tell"


SAID: Mapping[str, Say] = MappingProxyType(
    {
        codes.FROM_THE_FIRST: lambda given, unit: "since the first snapshot",
        codes.STEADY: lambda given, unit: f"steady since {_snapshot(given['since'], given['of'])}",
        codes.VALLEYS_RISE: lambda given, unit: (
            f"a sawtooth whose valleys rise since {_snapshot(given['since'], given['of'])}"
        ),
        codes.ONE_JUMP: _one_jump,
        codes.FALLS_BACK: _falls_back,
        codes.LEVELS_OFF: lambda given, unit: f"levels off since {_snapshot(given['since'])}",
        codes.SLOWS_DOWN: _slows_down,
        codes.TOO_FEW_SAMPLES: _too_few,
        codes.HARDLY_SAMPLED: _hardly_sampled,
        codes.RISES_UNSURELY: lambda given, unit: (
            "rises, but not surely: more snapshots would tell"
        ),
        codes.NO_DIRECTION: lambda given, unit: "no steady direction",
        codes.TOGETHER: lambda given, unit: "sure by the samples of all processes together",
        codes.BORN_EVENLY: _born_evenly,
        codes.BIRTHS_DIE_OUT: lambda given, unit: (
            "fewer and fewer of what lives are young: a cache that fills"
        ),
        codes.YOUNG: lambda given, unit: (
            "what lives is young, and what was older has gone: emptied, or a container that turns over"
        ),
        codes.ENLARGED: lambda given, unit: (
            "a list's table or a buffer that was made larger again and again"
            + (f", since {unit} {units.count(round(given['since']))}" if given["since"] else "")
        ),
        codes.REPLACED: lambda given, unit: (
            f"while {units.size(given['came'])} came, {units.size(given['went'])} of what was there went: "
            "a container that replaces"
        ),
        codes.BORN_AT_ONCE: lambda given, unit: (
            f"{units.size(given['size'])} of it born at once, about {unit} {units.count(round(given['at']))}"
        ),
        codes.FILLED: lambda given, unit: (
            f"what keeps it grew evenly, from {units.count(int(given['first']))} to "
            f"{units.counted(int(given['last']), 'entry', 'entries')}"
        ),
        codes.FILLS: lambda given, unit: (
            f"what keeps it fills: {units.signed_size(given['early'])} per {unit} in the first half, "
            f"{units.signed_size(given['late'])} in the second"
        ),
        codes.HOLDS_NO_MORE: lambda given, unit: (
            f"what keeps it holds {units.size(given['last'])}, and held no less at half of the "
            "earlier snapshots"
        ),
        codes.AGES_UNSURE: lambda given, unit: (
            f"its age does not decide yet: {units.counted(int(given.get('samples', 0)), 'sample')}"
        ),
        codes.BOUNDED: _bounded,
        codes.EACH_BOUNDED: _each_bounded,
        codes.SCATTERED: lambda given, unit: (
            "kept a little everywhere: blocks that others have taken over from a freelist"
        ),
        codes.TRIFLE: lambda given, unit: (
            f"rises by {units.small_size(given['rate'])} per {unit} only"
        ),
        codes.FRAMEWORK_TABLES: lambda given, unit: (
            "the framework's own tables, which fill until about task 1,700 (about 280 KiB)"
        ),
        codes.UNCOLLECTED: lambda given, unit: (
            "unreachable objects in cycles, which the next full garbage collection frees"
        ),
        codes.OVERRATED: lambda given, unit: (
            f"the allocators have handed out only {units.size(given['handed_out'])} more: the "
            "sampled blocks live longer than others"
        ),
        codes.FREE_LIST: lambda given, unit: (
            f"blocks of {units.size(given['size'])} alone, and nothing that holds them: CPython's "
            f"free lists keep up to {units.count(int(given['most']))} of a size"
        ),
    }
)


def task(finding: Finding) -> str:
    """``in shop.take, +1.9 KiB per run, 12 % of the runs``; empty where there is no other task."""
    if finding.task is None or finding.task_runs is None:
        return ""
    text = f"in {visible(finding.task)}"
    if finding.per_run is not None and finding.verdict == LEAK:
        text += f", {units.rate(finding.per_run, 'run')}"
    return f"{text}, {units.share(finding.task_runs)} of the runs"


def since(start: Since, unit: str) -> str:
    """``since task 12,000 (2026-11-24 03:10)``."""
    text = f"since {unit} {units.count(start.unit)}"
    return text if start.time is None else f"{text} ({units.moment(start.time)})"


def where(finding: Finding) -> str:
    """``in 3 of 4 children``, ``in the main process``; empty for the only process."""
    if finding.role == "main":
        return "in the main process"
    if finding.of < 2:
        return ""
    what = units.counted(finding.of, "child", "children")
    if finding.role != "child":
        what = units.counted(finding.of, "process")
    if finding.together:
        return f"in {units.count(len(finding.parts))} of {what}"
    alike = [part for part in finding.parts if part.verdict == finding.verdict]
    if finding.samples is not None:  # the others may have too few samples
        return f"seen in {units.count(len(alike))} of {what}"
    text = f"in {units.count(len(alike))} of {what}"
    if len(alike) == 1 and alike[0].pid is not None:
        text += f" (only {alike[0].pid})"
    return text


def by_process(finding: Finding) -> str:
    """``4242: +1.9 KiB, 4243: noise``: what the place is in each of them."""
    told = (
        f"{part.pid}: {units.signed_size(part.rate) if part.verdict == LEAK else part.verdict}"
        for part in finding.parts
    )
    return f"by process: {', '.join(told)}"


def figures(finding: Finding) -> str:
    """How fast, how sure, in how many blocks."""
    unit = finding.history.noun
    text = (
        f"{units.rate(finding.rate, unit)} (95 %: {units.small_size(finding.low)} to "
        f"{units.small_size(finding.high)}), {blocks(finding)} per {unit}"
    )
    if (
        finding.samples is not None
        and finding.samples >= LEVELS.samples.fewest
        and not finding.together
    ):
        text += f", by {units.counted(finding.samples, 'sample')}"
    return text


def blocks(finding: Finding) -> str:
    """``1 block``, ``0.25 blocks``, ``4,690 blocks``."""
    number = units.decimal(finding.blocks_rate)
    return f"{number} {'block' if number == '1' else 'blocks'}"
