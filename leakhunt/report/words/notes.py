"""What a reader must know besides: how a snapshot came about, and what it cannot show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from leakhunt import units
from leakhunt.judge import codes, enough
from leakhunt.judge.codes import Reason
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.rss import Outside
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import NO_LEAK, UNEXPLAINED, Finding, Verdict
from leakhunt.model.meta import OFF, Meta
from leakhunt.model.paths import visible
from leakhunt.model.query import Query
from leakhunt.model.snapshot import NOTHING, Snapshot
from leakhunt.report.labels import Labels
from leakhunt.report.words import lines
from leakhunt.report.words.growths import Say
from leakhunt.sites.place import Shown
from leakhunt.snapshots import facts

RECYCLED = (
    "of what is recycled, the line that filled the freelist is charged, not the one that keeps the "
    "objects"
)
#: Files of a place that are named.
SOME = 5
#: So many files that were left out are told one by one.
MOST_UNREAD = 5


def unread(problems: Sequence[str]) -> tuple[str, ...]:
    """Files that were left out: the first few one by one, of the rest how many."""
    told = tuple(f"not read: {problem}" for problem in problems[:MOST_UNREAD])
    rest = len(problems) - len(told)
    more = f"not read: {units.count(rest)} more file{'s' * (rest != 1)}"
    return (*told, more) if rest else told


# -- of one snapshot or two -----------------------------------------------------------


def of_one(snapshot: Snapshot, query: Query) -> tuple[str, ...]:
    notes = []
    meta = snapshot.meta
    if meta.armed_at is not None and meta.facts.get("start") == "signal":
        before = f" ({units.size(meta.armed_rss)} RSS by then)" if meta.armed_rss else ""
        notes.append(_armed(meta.armed_at, before))
    if meta.engine == OFF:
        notes.append("the engine was off: this snapshot holds the process's figures and no traces")
    if snapshot.nframe == 1 and query.group_by == "traceback":
        notes.append("taken with nframe 1: a stack is cut to its innermost frame")
    if meta.facts.get("exact") is False:
        notes.append(
            "captured without leakhunt's C part: a few blocks of fork hooks may be missing or extra"
        )
    if meta.light:
        notes.append(_light(meta))
    return tuple(notes)


def _light(meta: Meta) -> str:
    asks = (
        f"`leakhunt why {meta.pid}` takes one that does, while it runs"
        if meta.pid
        else "another one does"
    )
    return (
        f"a light snapshot, taken without a fork: it does not tell what holds the objects; {asks}"
    )


def _armed(moment: float, before: str = "") -> str:
    return f"tracing began at {units.moment(moment)}: what was allocated before{before} is not seen"


def of_two(before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    notes = []
    old, new = before.meta, after.meta
    if old.pid is not None and new.pid is not None and not old.same_process(new):
        notes.append(
            f"these are snapshots of different {_different(old, new)}: the difference is not growth"
        )
    seconds = new.since(old)
    if seconds is not None and seconds < 0:
        notes.append("BEFORE was taken after AFTER: what grew is shown as shrinking")
    if before.nframe != after.nframe:
        notes.append(
            f"nframe differs ({before.nframe} and {after.nframe}): stacks are cut at different depths, "
            "so -g traceback compares unlike stacks"
        )
    if old.python and new.python and old.python != new.python:
        notes.append(f"different Pythons ({old.python} and {new.python}) allocate differently")
    if old.armed_at is not None and new.armed_at is not None and old.armed_at != new.armed_at:
        notes.append(
            "tracing was stopped and begun again in between: older memory is missing in AFTER"
        )
    if old.engine and new.engine and old.engine != new.engine:
        notes.append(
            f"different engines ({old.engine} and {new.engine}) see different memory: the difference is not growth"
        )
    return tuple(notes)


def _different(old: Meta, new: Meta) -> str:
    if old.host != new.host:
        return f"hosts {old.host} and {new.host}"
    if old.pid != new.pid:
        return f"processes {old.pid} and {new.pid}"
    return f"processes: pid {old.pid} was used twice"


def of_place(shown: Shown, labels: Labels) -> tuple[str, ...]:
    notes = []
    frame = shown.places[0][0]
    if shown.rank is not None and shown.elsewhere != NOTHING:
        notes.append(
            f"row {shown.rank} is what is ranked at this line; {lines.alive(shown.elsewhere)} more "
            f"{'passes' if shown.elsewhere.count == 1 else 'pass'} through it and "
            f"{'is' if shown.elsewhere.count == 1 else 'are'} ranked deeper "
            f"(name the place, {visible(frame.file.rpartition('/')[2])}:{frame.line}, to see all)"
        )
    files = sorted({place.file for place, _ in shown.places})
    if len(files) > 1:
        some = ", ".join(map(labels.file, files[:SOME]))
        more = f" and {units.count(len(files) - SOME)} more" if len(files) > SOME else ""
        notes.append(
            f"{visible(shown.location)} is in {units.count(len(files))} files, all are shown: {some}{more}"
        )
    return tuple(notes)


# -- of a series ----------------------------------------------------------------------

_LEFT_OUT: Mapping[str, Say] = MappingProxyType(
    {
        codes.OTHER_STRETCH: lambda figures, unit: (
            "tracing was stopped and begun again: "
            f"{units.count(int(figures['left']))} of {units.counted(int(figures['of']), 'snapshot')} "
            f"{_are(figures['left'])} of another stretch and left out"
        ),
        codes.READ_IN_PART: lambda figures, unit: (
            f"of {units.counted(int(figures['of']), 'snapshot')} {units.count(int(figures['left']))} "
            f"{_are(figures['left'])} read without traces"
        ),
        codes.IDLE: lambda figures, unit: (
            f"{units.counted(int(figures['left']), 'snapshot')} of {units.count(int(figures['of']))} left out: "
            "no task was done until the next"
        ),
    }
)


def _are(number: float) -> str:
    return "is" if number == 1 else "are"


def left_out(reasons: Iterable[Reason]) -> tuple[str, ...]:
    """What of a series was left out, once each."""
    told = (_LEFT_OUT[each.code](dict(each.figures), "") for each in reasons)
    return tuple(dict.fromkeys(told))


def too_short(number: int) -> str:
    """Of processes that were left out."""
    return f"{units.counted(number, 'process')} with fewer than three snapshots left out"


def _of_one_look(leak: Finding) -> str:
    """What the births in one snapshot cannot know, and what decides."""
    life = leak.history
    text = (
        "one snapshot does not tell a leak from a cache that takes longer than "
        f"{units.spent(life.spent, life.noun)} to fill: "
    )
    held = leak.holder
    if held is None or held.length is None or held.container_type is None:
        return text + "two more decide"
    entries = units.counted(held.length, "entry", "entries")
    kind = visible(held.container_type)
    return (
        text + f"whether the {kind} that keeps it ({entries}) goes on growing decides, in two more"
    )


def _held(outside: Outside, free: int | None) -> str:
    """What RSS holds that Python does not explain. That it ceases is said where that is seen."""
    held = units.size(outside.held)
    if outside.stands is False:
        return f"RSS has grown by {held} beyond what Python objects explain"
    ceased = ", and that has ceased to grow" if outside.stands else ""
    return f"RSS stays {held} above what Python objects explain{ceased}: {_what_stays(outside.held, free)}"


def _what_stays(held: int, free: int | None) -> str:
    """``free``: all that the allocators hold free by now, in bytes; None: nobody says."""
    peak = "memory of a peak that the allocator has not returned"
    if free is None:
        return f"{peak}, or native memory that is in use"
    return peak if free >= 0.5 * held else "native memory that is in use, as a library's cache is"


def of_verdict(verdict: Verdict) -> tuple[str, ...]:
    notes = []
    if any(each.kinds is not None and each.kinds.is_recycled for each in verdict.findings):
        notes.append(RECYCLED)
    outside = verdict.outside
    if (
        verdict.verdict != UNEXPLAINED
        and outside is not None
        and not outside.grows
        and outside.stays(verdict.rss.first)
    ):
        notes.append(_held(outside, facts.figure(verdict.main.last, facts.FREE)))
    main = verdict.main
    first = next((each for each in verdict.findings if each.verdict == LEAK), None)
    if verdict.verdict == UNEXPLAINED and main.lived and outside is not None and outside.grows:
        notes.append(
            "one snapshot does not tell native memory that leaks from what a library still fills, a cache or its "
            "buffers: two more, later, decide"
        )
    elif first is not None and first.history.lived:
        notes.append(_of_one_look(first))
    least = enough.blind_below(main)
    if least is not None and verdict.verdict == NO_LEAK:
        notes.append(
            f"sizes are sampled: a leak of less than about {units.small_size(least)} per {verdict.noun} may "
            "not show yet"
        )
    armed = main.first.armed_at
    if main.last.engine == "exact" and armed and main.first.facts.get("start") == "signal":
        notes.append(_armed(armed))
    if main.last.light and verdict.findings:
        notes.append(_light(main.last))
    if main.nframe < LEVELS.blames.few_frames and verdict.findings:
        notes.append(
            f"taken with nframe {main.nframe}: stacks are cut, and memory that libraries allocate may be "
            "named by the library's line"
        )
    return tuple(notes)
