"""Random programs for the gate, of lines that hold memory as lines do, and how their checks go.

Nothing runs: a line says how many bytes it holds after so many runs more, and the looks of a check are
laid out and judged as ``leakhunt check`` does, look by look, stage after stage.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import NamedTuple

from leakhunt.gate.decision import LIMIT, LOOKS, UNSURE, Limits, decide
from leakhunt.gate.plan import FEWEST, JITTER
from tests.support.builders import history

#: Stages after which a check gives up, and runs before the first.
STAGES, WARM_UP = 5, 1000

#: A line of a program: run it so many times more, and it says how many bytes it holds then.
Line = Callable[[int], float]


class Checked(NamedTuple):
    """What came of a check."""

    verdict: str
    runs: int
    """All of them, the warm-up too."""
    kinds: tuple[str, ...]
    """Of the program's lines."""


def healthy(number: int) -> Checked:
    """The check of the random healthy program of that number: one to twelve lines."""
    dice = random.Random(f"healthy {number}")
    lines, kinds = _program(dice)
    return _checked(lines, kinds, dice)


def leaking(number: int) -> Checked:
    """The same with a line more that leaks, between twice the limit and 340 times as much, evenly by its logarithm."""
    dice = random.Random(f"leaking {number}")
    lines, kinds = _program(dice)
    lines.append(leak(dice, 2 * LIMIT * 170 ** dice.random()))
    return _checked(lines, [*kinds, "leak"], dice)


def beside(noise: str | None, rate: float, number: int) -> Checked:
    """One leak of so many bytes a run, alone or beside one line of a kind (of :data:`KINDS`)."""
    dice = random.Random(f"{noise or 'quiet'} {rate} {number}")
    lines = [] if noise is None else [KINDS[noise](dice)]
    return _checked([*lines, leak(dice, rate, every=1)], [noise or "quiet"], dice)


def _checked(lines: list[Line], kinds: list[str], dice: random.Random) -> Checked:
    verdict, runs = judged(lines, dice)
    return Checked(verdict, runs, tuple(kinds))


def judged(lines: list[Line], dice: random.Random) -> tuple[str, int]:
    """(verdict, runs) as a check has it: stage after stage, look by look."""
    done = WARM_UP
    sizes = [line(WARM_UP) for line in lines]
    for stage in range(1, STAGES + 1):
        tasks, columns = [done], [[size] for size in sizes]
        weights = [1 + JITTER * (2 * dice.random() - 1) for _ in range(LOOKS - 1)]
        total = done
        for look, weight in enumerate(weights, 2):
            runs = max(1, round(total * weight / sum(weights)))
            done += runs
            sizes = [line(runs) for line in lines]
            tasks.append(done)
            for column, size in zip(columns, sizes):
                column.append(size)
            if look < FEWEST:
                continue
            parts = []
            for number, column in enumerate(columns):
                rounded = [max(0, round(size)) for size in column]
                parts.append(
                    (f"/srv/shop/tasks.py:{40 + number}", rounded, [s // 100 for s in rounded])
                )
            ruling = decide(history(*parts, tasks=tasks), stage, Limits(), look == LOOKS)
            if ruling.verdict is not None:
                return ruling.verdict, done
    return UNSURE, done


def _program(dice: random.Random) -> tuple[list[Line], list[str]]:
    kinds = [dice.choice(list(KINDS)) for _ in range(dice.randint(1, 12))]
    return [KINDS[kind](dice) for kind in kinds], kinds


def _level(dice: random.Random) -> float:
    """Bytes that a line holds, from some hundred to some million."""
    return 300 * 10 ** (4 * dice.random())


def _still(dice: random.Random) -> Line:
    level = _level(dice)
    return lambda runs: level


def _wanders(dice: random.Random) -> Line:
    """About a level, anew at each look."""
    level = _level(dice)
    spread = level * dice.random() / 2
    return lambda runs: level + dice.gauss(0, spread)


def _lingers(dice: random.Random) -> Line:
    """About a level, with a memory of many runs: a working set whose parts come and go."""
    level, memory = _level(dice), 10 ** (1 + 2.3 * dice.random())
    spread = level * dice.random() / 4
    state = [dice.gauss(0, spread)]

    def after(runs: int) -> float:
        kept = math.exp(-runs / memory)
        state[0] = kept * state[0] + dice.gauss(0, spread * math.sqrt(1 - kept * kept))
        return level + state[0]

    return after


def _drifts(dice: random.Random) -> Line:
    """What is added stays, and as much is taken away."""
    share, size = 1 / dice.randint(1, 50), 10 ** (1.5 + 2 * dice.random())
    state = [20 * size * 200]

    def after(runs: int) -> float:
        state[0] += dice.gauss(0, size * math.sqrt(runs * share))
        return state[0]

    return after


def _sawtooth(dice: random.Random) -> Line:
    """A buffer that is emptied every so many runs."""
    period, size = round(10 ** (0.7 + 2 * dice.random())), 10 ** (1.5 + 2 * dice.random())
    done = [0]

    def after(runs: int) -> float:
        done[0] += runs
        return 1000 + size * (done[0] % period)

    return after


def _cache(dice: random.Random) -> Line:
    """Full before the warm-up is over; then what is replaced has another size."""
    entries, size = dice.randint(10, 500), 10 ** (1.5 + 2 * dice.random())
    kept = [0.0]
    filled = [0]

    def after(runs: int) -> float:
        new = min(runs, entries - filled[0])
        kept[0] += sum(dice.expovariate(1 / size) for _ in range(new))
        filled[0] += new
        replaced = min(runs - new, 3 * entries)
        for _ in range(replaced):
            kept[0] += dice.expovariate(1 / size) - kept[0] / entries
        return kept[0]

    return after


def _steps(dice: random.Random) -> Line:
    """What is loaded once, at some run."""
    at, level, size = round(10 ** (1 + 3.5 * dice.random())), _level(dice), _level(dice)
    done = [0]

    def after(runs: int) -> float:
        done[0] += runs
        return level + (size if done[0] >= at else 0)

    return after


KINDS: dict[str, Callable[[random.Random], Line]] = {
    "still": _still, "wanders": _wanders, "lingers": _lingers, "drifts": _drifts,
    "sawtooth": _sawtooth, "cache": _cache, "steps": _steps,
}  # fmt: skip


def leak(dice: random.Random, rate: float, every: int | None = None) -> Line:
    """So many bytes a run on average: in one run of some, of sizes that vary."""
    every = every or (1 if dice.random() < 0.5 else dice.randint(2, 50))
    varies = every > 1
    state = [5000.0]

    def after(runs: int) -> float:
        if not varies:
            state[0] += rate * runs
            return state[0]
        hits = sum(dice.random() < 1 / every for _ in range(runs))
        state[0] += sum(dice.expovariate(1 / (every * rate)) for _ in range(hits))
        return state[0]

    return after
