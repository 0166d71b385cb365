"""A bound that a container enforces ends an accusation; a length that stands still does not."""

from __future__ import annotations

import pytest

from leakhunt.judge import codes
from leakhunt.judge.births.life import lived
from leakhunt.judge.growths import growths
from leakhunt.judge.owners import Growth
from leakhunt.judge.series.shape import LEAK, WARM_UP
from leakhunt.model.retention import Retention
from tests.support.lives import aged, held

LINE = "/srv/shop/tasks.py:40"
FRAMEWORKS = "/srv/venv/lib/python3.11/site-packages/celery/worker/request.py:10"


def judged(retention: Retention | None, where: str = LINE) -> Growth:
    life = lived(aged((where, [2_000] * 20), retention={where: retention} if retention else {}))
    assert life is not None
    return growths(life)[0]


@pytest.mark.parametrize(
    ("kind", "bound", "verdict"),
    [
        ("collections.deque", 5000, WARM_UP),
        ("functools._lru_cache_wrapper", 1000, WARM_UP),
        ("list", None, LEAK),
        ("functools._lru_cache_wrapper", None, LEAK),
    ],
)
def test_what_a_bound_ends_is_no_leak(kind: str, bound: int | None, verdict: str) -> None:
    growth = judged(held(kind, 800, bound))
    assert growth.shape.verdict == verdict
    if bound is not None:
        assert growth.why is not None
        assert (growth.why.code, dict(growth.why.figures)) == (
            codes.BOUNDED,
            {"length": 800, "bound": bound},
        )


def test_nothing_known_of_the_holder_excuses_nothing() -> None:
    assert judged(None).shape.verdict == LEAK


def test_the_framework_is_excused_for_what_it_keeps_only() -> None:
    """A stack of Celery's own: until the walk says that another module holds what it allocates."""
    assert judged(None, FRAMEWORKS).shape.verdict == WARM_UP
    kept = held("dict", 800, None, module="celery.worker.state", size=40_000)
    assert judged(kept, FRAMEWORKS).shape.verdict == WARM_UP
    others = held("dict", 800, None, module="opentelemetry.instrumentation", size=40_000)
    assert judged(others, FRAMEWORKS).shape.verdict == LEAK
