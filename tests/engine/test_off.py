"""The engine that tracks nothing answers every question with nothing, and says why it is off."""

from __future__ import annotations

import tracemalloc

from leakhunt.engine.off import Off
from leakhunt.engine.retention import Walked


def test_it_knows_nothing_and_costs_nothing() -> None:
    engine = Off("LEAKHUNT_ENGINE=off")
    engine.start(25)
    engine.begin_task(1, "/srv/a.py")
    engine.end_task(0, 1, None)
    assert (engine.tracing, engine.nframe, engine.bytes_needed()) == (False, 1, 0)
    assert not tracemalloc.is_tracing()
    assert tuple(engine.harvest(engine.read()).runs) == ()
    assert engine.retention(engine.read(), Walked({})) == []
    engine.stop()


def test_it_says_why() -> None:
    assert Off("no C part").why == "no C part"
    assert Off("no C part").facts() == {"interval": None}
    assert Off("no C part").stop_refused(3) is None
