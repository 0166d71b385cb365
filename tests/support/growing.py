"""What the parts of the judgement are asked about: shapes, growths, findings, estimates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from leakhunt.judge import codes
from leakhunt.judge.codes import because
from leakhunt.judge.finding import Finding, Part
from leakhunt.judge.history import History
from leakhunt.judge.owners import Book, Growth
from leakhunt.judge.series.shape import LEAK, Shape
from leakhunt.judge.whose import Blame
from leakhunt.model.snapshot import Snapshot
from leakhunt.snapshots import columns
from leakhunt.snapshots.columns import Columns
from leakhunt.snapshots.facts import meta
from leakhunt.snapshots.series import Entry, Series
from tests.support.builders import FACTS, history, stack

#: A line of the application.
LINE = "/srv/shop/tasks.py:40"


def rising(each: int, number: int = 8) -> list[int]:
    """``each``, twice that, three times that."""
    return [each * (index + 1) for index in range(number)]


def shape(verdict: str = LEAK, **changed: Any) -> Shape:
    """A judged series of 10 bytes per unit, without a doubt."""
    return replace(Shape(verdict, 10.0, 9.0, 11.0, 0.0, 0, 1.0), **changed)


def growth(book: Book, *places: str, ours: bool | None = None, **judged: Any) -> Growth:
    """The growth of those stacks, blamed on the owner of the first, judged as ``judged`` says."""
    stacks = tuple(map(stack, places))
    is_ours, frame = book.paths.owner(stacks[0])
    made = book.of(Blame(frame, is_ours if ours is None else ours, stacks))
    return replace(made, shape=replace(made.shape, **judged))


def estimated(made: History, samples: Mapping[str, Sequence[int]], interval: int) -> History:
    """The history, with sizes that are estimated from so many samples at each snapshot.

    A sample of Poisson's stands for ``interval`` bytes, with a variance of its square.
    """
    return replace(
        made,
        variances={
            stack(where): [float(number * interval**2) for number in numbers]
            for where, numbers in samples.items()
        },
        samples={stack(where): list(numbers) for where, numbers in samples.items()},
    )


def sampled(
    samples: Mapping[str, Sequence[int]], interval: int = 1000, blocks: int = 1, **facts: Any
) -> History:
    """A history of estimates alone: each stack is as large as its samples say."""
    made = history(
        *(
            (where, [interval * number for number in numbers], [blocks * number for number in numbers])
            for where, numbers in samples.items()
        ),
        engine="sampled", interval=interval, **facts,
    )  # fmt: skip
    return estimated(made, samples, interval)


def side_by_side(*snapshots: Snapshot) -> Columns:
    """The snapshots in columns, as if they had been read from files."""
    growing = columns._Growing()
    for snapshot in snapshots:
        growing.add(snapshot)
    return growing.full()


def entry(name: str = "0.bin", folder: str = ".", **facts: Any) -> Entry:
    """A listed file with those facts over FACTS; None takes a fact away."""
    known = {name: value for name, value in {**FACTS, **facts}.items() if value is not None}
    return Entry(Path(folder) / name, meta(known))


def finding(**changed: Any) -> Finding:
    """A leak of 10 bytes per task at one line, in one of one child."""
    where = stack(LINE)
    made = history((LINE, rising(1000), rising(1)))
    plain = Finding(
        verdict=LEAK, site=where[-1], stacks=(where,), weights=(7000.0,), sites=(where[-1],),
        sizes=tuple(map(float, rising(1000))), rate=10.0, low=9.0, high=11.0, blocks_rate=0.01, p=0.0,
        share=None, reason=because(codes.FROM_THE_FIRST), task=None, task_runs=None, role="child",
        parts=(Part(4242, 10.0, LEAK),), of=1, history=made,
    )  # fmt: skip
    return replace(plain, **changed)


#: 2027-01-15 12:00:00Z.
NOON = 1_800_014_400.0


def hourly(*rss: int, alive: bool | None = None, **facts: Any) -> Series:
    """A process's snapshots with that resident set, an hour apart, from noon on."""
    every = tuple(
        entry(f"{n}.bin", rss=size, taken_at=NOON + 3600 * n, monotonic=3600.0 * n, **facts)
        for n, size in enumerate(rss)
    )
    return Series(Path("/snaps/4242"), every, alive)
