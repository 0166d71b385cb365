"""The per-task ledger: how often each task ran in this process, when, and what it kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import monotonic, time
from typing import Any

from leakhunt.engine.interface import Life, Mark
from leakhunt.hook.process import vitals

#: What units are called of which each comes in a message: None are Celery's tasks.
WITH_MESSAGES = (None, "job")
#: So many tasks have a number of their own; further ones share the next (a name may hold an id).
MOST_NAMES = 255
#: The name that these share.
OTHERS = "(other tasks)"
OTHER_UNITS = "(others)"
#: Characters of a unit's name.
LONGEST_NAME = 200
#: Moments that are remembered, and the least seconds between two of a steady stream of tasks:
#: also this part of the time that has passed.
MOST_MARKS = 64
SPAN, PART = 1.0, 1 / 128
#: Moments of which RSS is remembered.
MOST_SIZES = 96
#: Pieces into which a task's runs are cut, evenly: what they kept in each says how sure their sum is.
MOST_PIECES = 32
#: A CPU time that cannot be told makes the whole sum negative for good.
UNKNOWN = float("-inf")
#: RSS is read at most so often, in seconds, and a step is this many bytes at least.
RSS_INTERVAL, STEP = 0.05, 1 << 20


class _Entry:
    """What is booked under one name."""

    __slots__ = (
        "cpu", "due", "every", "failed", "kept", "left", "marks", "number", "runs", "steps", "timed",
        "traced", "wall",
    )  # fmt: skip

    def __init__(self) -> None:
        self.number = 0
        """What stands for it in the engine; 0: none was asked for yet."""
        self.runs = 0
        self.traced = 0
        """Runs since tracing began."""
        self.kept = 0
        """Bytes, over ``kept_runs`` of them: see :class:`Ledger`."""
        self.marks: list[int] = []
        """``kept`` after each ``every`` runs."""
        self.every = self.due = self.left = 1
        """``due``: at how many of its runs the next mark is made; ``left``: in how many more. Only that one
        is counted: a task has the time for no second count."""
        self.timed = False
        """Whether ``wall``, ``cpu``, ``failed`` and ``steps`` were ever told."""
        self.wall = 0.0
        self.cpu = 0.0
        self.failed = 0
        self.steps = 0

    def mark(self) -> None:
        """Remember ``kept`` as of now; where there is no room, every second mark goes."""
        self.marks.append(self.kept)
        if len(self.marks) >= MOST_PIECES:
            del self.marks[::2]
            self.every *= 2
        self.left, self.due = self.every, self.due + self.every

    def book(self, size: int) -> None:
        """One more run, which kept so many bytes."""
        if not self.left:
            self.mark()
        self.kept += size
        self.left -= 1

    def forget_kept(self) -> None:
        self.traced, self.kept, self.marks = 0, 0, []
        self.every = self.due = self.left = 1

    @property
    def kept_runs(self) -> int:
        return self.due - self.left

    def pieces(self) -> tuple[int, ...]:
        """What each ``every`` runs kept, in order; the last piece may have fewer runs."""
        ends = [0, *self.marks, self.kept]
        return tuple(after - before for before, after in zip(ends, ends[1:]))


class Ledger:
    """Counts finished tasks by name; cheap enough for every task: one look-up by name, one clock.

    ``kept`` is the growth of the engine's traced memory from where a run begins to where
    the next begins, summed per name: it charges a task with what it left behind, and with what
    the worker itself did in between. Where the next begins, the task's message and result have
    gone, unless something keeps them, and the next one's message is there. Messages of one task
    are alike, those of two need not be: so of Celery's tasks the runs that one of the same task follows are
    booked, and no others, and of jobs; other units have no message. Where nobody tells that a run begins, it is taken from the
    end of the one before. It is only kept where tasks run one at a time.
    """

    def __init__(self, alone: bool = True) -> None:
        self.alone = alone
        self.done = 0
        self._entries: dict[str, _Entry] = {}
        self._numbered: list[str] = []
        self._rss: int | None = None
        self._rss_due = 0.0
        self._traced: int | None = None
        self._idle = False
        """No run has begun or ended since tracing began."""
        self._last: _Entry | None = None
        """Whose run has ended, while none has begun since."""
        self._grown: int | None = None
        """What that run came to until its end, in bytes; None: it is booked, or not to be."""
        self._moments = Moments()
        self._resident = Resident()
        self.unit: str | None = None
        """What the units are called; None: tasks, or nothing has counted yet."""

    def named(self, name: str) -> str:
        """The name under which a unit is booked: of those that a program gives there may be without end."""
        name = str(name)[:LONGEST_NAME]
        return name if name in self._entries or len(self._entries) < MOST_NAMES else OTHER_UNITS

    def call(self, noun: str) -> None:
        """What the unit that is booked next is called; units of several kinds are called units."""
        self.unit = noun if self.unit in (None, noun) else "unit"

    def share(self) -> None:
        """Several units are under way at once: what grows meanwhile is nobody's in particular."""
        if self.alone:
            self.alone = False
            self._forget_kept()

    def number(self, name: str) -> int:
        """Stands for a task from now on: 1 and up."""
        try:
            entry = self._entries[name]
        except KeyError:
            entry = self._entries.setdefault(name, _Entry())
        if not entry.number:
            entry.number = min(len(self._numbered), MOST_NAMES) + 1
            if entry.number <= MOST_NAMES:
                self._numbered.append(name)
        return entry.number

    def begins(self, name: str, traced: Callable[[], int | None] | None) -> None:
        """A run begins: what the one before still had in hand at its end has gone by now, or is kept."""
        last, self._last = self._last, None
        if traced is None or not self.alone:
            return
        if self._idle:  # a worker's own start is no task's
            self._idle, self._traced = False, traced()
        if last is None:
            return
        size, before, grown = traced(), self._traced, self._grown
        self._traced = size
        if size is None or before is None or grown is None:
            return
        if self._is_like(last, self._entries.get(name)):
            last.book(grown + size - before)

    def count(
        self,
        name: str,
        traced: Callable[[], int | None] | None,
        wall: float | None = None,
        cpu: float | None = None,
        failed: bool = False,
        nested: bool = False,
    ) -> int:
        """Book one finished task; returns how many are done.

        ``wall`` and ``cpu`` are the seconds that it took; None: cannot be told. ``nested``: another has
        called it, and goes on.
        """
        now = monotonic()
        try:
            entry = self._entries[name]
        except KeyError:
            entry = self._entries.setdefault(name, _Entry())
        entry.runs += 1
        self.done = done = self.done + 1
        self._moments.pass_by(done, now)
        if wall is not None:
            entry.timed = True
            entry.wall += wall
            entry.cpu += UNKNOWN if cpu is None else cpu
            if failed:
                entry.failed += 1
        if now >= self._rss_due:
            self._look(now, entry if wall is not None and self.alone else None)
        if traced is not None and self.alone:
            size = traced()
            if size is not None and self._traced is not None:
                entry.traced += 1
                self._grew(entry, size - self._traced, nested)
            self._traced, self._idle = size, False
            self._last = None if nested else entry
        return done

    def _grew(self, entry: _Entry, size: int, nested: bool) -> None:
        """A run has ended, so many bytes after the last look: at its begin, or else at the end before it."""
        last, grown = self._last, self._grown
        self._grown = None
        if nested:
            entry.book(size)
        elif last is None:
            self._grown = size
        elif self._is_like(last, entry):
            if grown is not None:
                last.book(grown)
            entry.book(size)

    def _is_like(self, one: _Entry, other: _Entry | None) -> bool:
        """Whether what is in hand in a run of the one is as large as in a run of the other."""
        return one is other or self.unit not in WITH_MESSAGES

    def _look(self, now: float, entry: _Entry | None) -> None:
        """Read RSS. Where it has made a step since it was read last, the run that ends now is held to have
        made it, of ``entry``. It is read every so often only: reading takes longer than all the rest of
        the ledger.
        """
        self._rss_due = now + RSS_INTERVAL
        rss = vitals.rss()
        if rss is None:
            return
        self._resident.was(self.done, rss)
        if entry is not None:
            if self._rss is not None and rss - self._rss >= STEP:
                entry.steps += 1
            self._rss = rss

    def armed(self, traced: int | None) -> None:
        """Tracing has just begun (or ended: None): differences start here."""
        self._traced, self._last, self._grown = traced, None, None
        self._idle = traced is not None
        self._forget_kept()

    def _forget_kept(self) -> None:
        for entry in list(self._entries.values()):
            entry.forget_kept()

    def facts(self) -> dict[str, dict[str, Any]]:
        """{task name: {"runs", "traced_runs", "kept", "kept_runs", "kept_every", "kept_pieces", "failed", "wall", "cpu",
        "rss_steps"}}.

        ``traced_runs``: since tracing began; ``kept``: bytes, over ``kept_runs`` of these; ``kept_pieces``: what each ``kept_every`` of these kept, in
        order, the last piece with what runs are left over; ``wall`` and ``cpu``: seconds of all runs;
        None for what was not counted.
        """
        return {
            name: {
                "runs": entry.runs,
                "traced_runs": entry.traced,
                "kept": entry.kept if entry.kept_runs else None,
                "kept_runs": entry.kept_runs,
                "kept_every": entry.every,
                "kept_pieces": entry.pieces() if entry.kept_runs else (),
                "failed": entry.failed if entry.timed else None,
                "wall": entry.wall if entry.timed else None,
                "cpu": entry.cpu if entry.timed and entry.cpu >= 0 else None,
                "rss_steps": entry.steps if entry.timed and self.alone else None,
            }
            for name, entry in list(self._entries.items())
            if entry.runs
        }

    def resident(self) -> tuple[tuple[int, int], ...]:
        """(Units done, RSS then in bytes), evenly spread over the process's work: at most MOST_SIZES."""
        told: list[tuple[int, int]] = []
        for units, size in list(self._resident.sizes):
            if not told or units > told[-1][0]:  # two threads may have been there at once
                told.append((units, size))
        return tuple(told)

    def life(self) -> Life:
        """What the births of a capture that is made now are told by."""
        return Life((*self._numbered, OTHERS), self._moments.until(self.done))


def settled(
    tasks: Mapping[str, Mapping[str, Any]], names: Sequence[str], let_go: Mapping[int, int]
) -> dict[str, dict[str, Any]]:
    """A ledger's facts without what only the interpreter's cache of attributes kept.

    That cache (Objects/typeobject.c) finds its slot by a name's address. Names that C code makes anew for each
    look-up come to the same address and replace each other, but for those that are sampled, which have
    addresses of their own: they stay, and no task keeps them. ``let_go``: bytes by the number of the task, 0: by what the
    worker did between runs, in which all runs have a part. ``names``: of the tasks 1, 2, ..., the last of all
    that have no number.
    """
    numbered = dict(zip(names[:MOST_NAMES], range(1, MOST_NAMES + 1)))
    numbers = {name: numbered.get(name, MOST_NAMES + 1) for name in tasks}
    runs: dict[int, int] = {}
    for name, entry in tasks.items():
        runs[numbers[name]] = runs.get(numbers[name], 0) + entry["traced_runs"]
    every = sum(runs.values())
    result = {}
    for name, entry in tasks.items():
        result[name] = dict(entry)
        if entry["kept"] is None or not runs[numbers[name]]:
            continue
        per_run = let_go.get(numbers[name], 0) / runs[numbers[name]] + let_go.get(0, 0) / every
        ends = [entry["kept_every"] * at for at in range(1, len(entry["kept_pieces"]))]
        shares = [round(per_run * end) for end in (0, *ends, entry["kept_runs"])]
        result[name]["kept"] = entry["kept"] - shares[-1]
        result[name]["kept_pieces"] = tuple(
            piece - (after - before)
            for piece, before, after in zip(entry["kept_pieces"], shares, shares[1:])
        )
    return result


class Resident:
    """RSS over the units of work: as many points as there is room for, evenly spread.

    Where the room is full, every second one goes, and the next ones are kept twice as far apart.
    """

    def __init__(self) -> None:
        self.sizes: list[tuple[int, int]] = []
        self._apart = 1

    def was(self, units: int, size: int) -> None:
        """RSS is ``size`` bytes when so many units are done."""
        if self.sizes and units - self.sizes[-1][0] < self._apart:
            return
        self.sizes.append((units, size))
        if len(self.sizes) >= MOST_SIZES:
            del self.sizes[1::2]
            self._apart = max(2 * self._apart, (units - self.sizes[0][0]) // MOST_SIZES)


class Moments:
    """When so many units of work were done: a line with at most so many corners.

    Idle times have a corner at both ends. A corner that tells least, by the seconds that the
    line would be off without it, makes room for the next.
    """

    def __init__(self) -> None:
        self.marks = [Mark(0, time(), monotonic())]
        self._before, self._then = 0, self.marks[0].clock
        self._due = self._next_due()

    def pass_by(self, units: int, now: float) -> None:
        """So many are done now, by the monotonic clock."""
        if now < self._due:
            self._before, self._then = units, now
            return
        marks, before, then = self.marks, self._before, self._then
        self._before, self._then = units, now
        span = max(SPAN, (now - marks[0].clock) * PART)
        wall = time()
        if now - then >= span and before > marks[-1].units:
            marks.append(Mark(before, wall - (now - then), then))
        marks.append(Mark(units, wall, now))
        while len(marks) > MOST_MARKS:
            del marks[min(range(1, len(marks) - 1), key=self._error)]
        self._due = self._next_due()

    def _next_due(self) -> float:
        """When the last mark is a span ago, which grows meanwhile: solved for the moment."""
        first, last = self.marks[0].clock, self.marks[-1].clock
        return max(last + SPAN, (last - first * PART) / (1 - PART))

    def _error(self, at: int) -> float:
        before, mark, after = self.marks[at - 1 : at + 2]
        part = (mark.units - before.units) / max(1, after.units - before.units)
        return abs(before.clock + part * (after.clock - before.clock) - mark.clock)

    def until(self, units: int) -> tuple[Mark, ...]:
        """The corners, and now."""
        return (*self.marks, Mark(units, time(), monotonic()))
