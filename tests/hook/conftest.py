"""A hook of this very process, that nobody has claimed: it has no signal, and takes snapshots."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from leakhunt.hook import config
from leakhunt.hook.hook import Hook

Hooking = Callable[..., Hook]


@pytest.fixture
def hooking(tmp_path: Path) -> Iterator[Hooking]:
    """Makes hooks with the given settings; unless they say otherwise the engine is off, and nobody walks over the heap
    of the tests' process, which takes longer than all else. What they leave open or under way ends with the test.
    """
    made: list[Hook] = []

    def hook(**settings: Any) -> Hook:
        given = {"dir": str(tmp_path / "dir"), "engine": "off", "walk": "off", **settings}
        made.append(Hook(config.settings(given, {})))
        return made[-1]

    yield hook
    for each in reversed(made):  # SIGCHLD goes back the way it came
        if each.captures.under_way is not None:
            each.captures.under_way.wait()
        each.handlers.release_child()
        each.record.withdraw()
        each.tracing.engine.stop()
