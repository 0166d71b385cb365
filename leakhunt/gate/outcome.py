"""What came of a check."""

from __future__ import annotations

from dataclasses import dataclass

from leakhunt.gate.decision import UNSURE, Limits, Ruling
from leakhunt.gate.orders import Answer
from leakhunt.gate.plan import Gate
from leakhunt.model.snapshot import Frame


@dataclass(frozen=True)
class Outcome:
    """A decided or undecided check."""

    target: str
    verdict: str
    """``leak``, ``no-leak`` or ``unsure``."""
    stopped: str
    """Why it stopped: ``decided``, ``out-of-time``, ``out-of-runs``."""
    ruling: Ruling | None
    """None where there were not looks enough to say anything."""
    runs: int
    """All runs, the warm-up included."""
    seconds: float
    limits: Limits
    wanted: int | None
    """About how many runs would make it sure; None: nobody knows, or it is sure."""
    at_most: float
    """Seconds that it had."""
    is_short: bool = False
    """Whether a leak was found after so short a warm-up that it may be a cache that fills."""
    at: Frame | None = None
    """Where the target is defined; None: not known."""


@dataclass(frozen=True)
class Broken:
    """A target that could not be run."""

    target: str
    failure: Answer
    output: tuple[str, ...] = ()
    """The last lines that it printed, where it ended without a word."""


def outcome(gate: Gate, target: str, seconds: float) -> Outcome:
    """What a gate that has stopped says."""
    verdict = gate.ruling.verdict if gate.ruling is not None else None
    return Outcome(
        target=target,
        verdict=verdict or UNSURE,
        stopped=gate.stopped or "",
        ruling=gate.ruling,
        runs=gate.runs,
        seconds=seconds,
        limits=gate.terms.limits,
        wanted=gate.wanted() if verdict is None else None,
        at_most=gate.terms.at_most,
        is_short=gate.is_short,
        at=None if gate.at is None else Frame(*gate.at),
    )
