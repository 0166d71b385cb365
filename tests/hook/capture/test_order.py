"""What every snapshot says of its process, whoever takes it."""

from __future__ import annotations

import gc
import time
from pathlib import Path

from leakhunt.hook import config
from leakhunt.hook.capture.order import Outcome, facts_before_fork
from leakhunt.hook.process.identity import Process
from leakhunt.hook.tracing import Tracing
from leakhunt.snapfile import SCHEMA


def test_the_process_its_tracing_and_the_moment_are_told(tmp_path: Path) -> None:
    process = Process("program")
    tracing = Tracing(config.settings({"dir": str(tmp_path), "engine": "exact"}, {}))
    before = time.monotonic()
    facts = facts_before_fork(
        process, tracing, 5.0, 3, "signal", True, memory=lambda: {"rss": 7, "uss": None}
    )
    assert before <= facts["monotonic"] <= time.monotonic()
    assert facts["schema"] == SCHEMA
    told = ("taken_at", "sequence", "trigger", "baseline", "rss", "uss", "engine")
    assert [facts[name] for name in told] == [5.0, 3, "signal", True, 7, None, "exact"]
    assert facts["gc"]["enabled"] is gc.isenabled()
    assert {**process.who(), **tracing.facts()}.items() <= facts.items()


def test_an_outcome_without_a_word_is_no_refusal() -> None:
    """A refused light capture is made in another way; one that was made and failed is not."""
    plain = Outcome(None, "no snapshot")
    assert (plain.refused, plain.again, plain.walking) == (False, False, False)
