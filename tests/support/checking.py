"""A check of one task that keeps something at one line of an awkwardly named file."""

from __future__ import annotations

from leakhunt.gate.decision import LOOKS, Limits, decide
from leakhunt.gate.outcome import Outcome
from leakhunt.gate.plan import DECIDED, OUT_OF_TIME
from leakhunt.render import formats
from leakhunt.render.screen import Screen
from leakhunt.report.check import CheckReport, check
from tests.support.builders import history

FILE = "/srv/shop/src/50%, done: tasks.py"
TASKS = [1000 + 50 * n for n in range(LOOKS)]


def report(
    rate: float, verdict: str | None = None, file: str = FILE, line: int = 40
) -> CheckReport:
    sizes = [5000 + round(rate * (done - TASKS[0])) for done in TASKS]
    known = history(
        (f"{file}:{line}", sizes, [size // 100 for size in sizes]),
        tasks=TASKS,
        frames={file: {line: ("process", "KEPT.append(order | other)")}},
    )
    ruling = decide(known, 1, Limits(), True)
    found = Outcome(
        target="shop.tasks:process", verdict=verdict or ruling.verdict or "unsure",
        stopped=OUT_OF_TIME if verdict else DECIDED, ruling=ruling, runs=TASKS[-1], seconds=1.5,
        limits=Limits(), wanted=20_000 if verdict else None, at_most=60.0,
    )  # fmt: skip
    return check(found, root="/srv/shop")


def text(found: CheckReport, form: str, width: int = 80) -> str:
    return formats.text(found, form, Screen(width))
