"""The engine on tracemalloc."""

from __future__ import annotations

import sys

from leakhunt.engine.exact import Exact


def test_stopping_is_refused_where_it_may_crash() -> None:
    engine = Exact()
    assert engine.stop_refused(1) is None
    safe = sys.version_info >= (3, 14) or sys.version_info[:3] >= {
        (3, 12): (3, 12, 9),
        (3, 13): (3, 13, 2),
    }.get(sys.version_info[:2], (9,))
    assert (engine.stop_refused(3) is None) == safe
