"""A program of ``fixtures/collection`` as a target of ``leakhunt check``: one run is one task, drawn as it is mixed.

``BENCH_GATE_PROGRAM`` names the program. Nothing else is imported: this is the process that is checked.
"""

from __future__ import annotations

import importlib
import itertools
import os
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

COLLECTION = Path(__file__).resolve().parent.parent.parent / "fixtures" / "collection"


def run(number: int) -> None:
    """One task of the program, drawn as it is mixed."""
    _runs()[number % len(_runs())](number)


def numbers() -> Iterator[tuple[int]]:
    """The numbers of the messages."""
    for number in itertools.count():
        yield (number,)


def __getattr__(name: str) -> Any:
    """``task``: the same as a task of the program's app, for a real worker."""
    if name != "task":
        raise AttributeError(name)
    _runs()
    module = importlib.import_module(os.environ["BENCH_GATE_PROGRAM"])
    return module.app.task(name=f"{__name__}.task")(run)


_CHOSEN: list[Callable[[int], Any]] = []


def _runs() -> list[Callable[[int], Any]]:
    if not _CHOSEN:
        sys.path[:0] = [str(COLLECTION)]
        stage = importlib.import_module("stage")

        name = os.environ["BENCH_GATE_PROGRAM"]
        path = stage.programs()[name]
        sys.path[:0] = [str(path.parent), str(COLLECTION / "fresh")]
        module = importlib.import_module(name)
        dice = random.Random(7)
        mix = module.PROGRAM.mix
        for task in dice.choices(list(mix), list(mix.values()), k=997):
            _CHOSEN.append(module.app.tasks[task].run)
    return _CHOSEN
