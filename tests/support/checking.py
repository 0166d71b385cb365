"""A check of one task that keeps something at one line of an awkwardly named file."""

from __future__ import annotations

from dataclasses import replace

from leakhunt.gate.confidence import Interval
from leakhunt.gate.decision import LOOKS, Limits, decide
from leakhunt.gate.outcome import Outcome
from leakhunt.gate.plan import DECIDED, OUT_OF_TIME
from leakhunt.model.snapshot import Frame
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


def scattered(found: CheckReport, at: Frame | None) -> CheckReport:
    """The same leak where no line is sure and the target is defined there: only all together is."""
    ruling = found.outcome.ruling
    assert ruling is not None
    spread = replace(ruling, sure=(), suspects=())
    return replace(found, findings=(), outcome=replace(found.outcome, ruling=spread, at=at))


def outside(found: CheckReport, at: Frame | None) -> CheckReport:
    """The same, and 4 KiB a run outside Python."""
    ruling = found.outcome.ruling
    assert ruling is not None
    grows = replace(ruling, native=Interval(4096.0, 4000.0, 4192.0), native_leaks=True)
    return replace(found, outcome=replace(found.outcome, ruling=grows, at=at))
