"""What children of the prefork pool get from the main process. With real pools: ``tests/live/test_pools.py``."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from celery.concurrency import prefork as celerys

from leakhunt.hook.celery import prefork, worker
from leakhunt.hook.celery.session import session


def test_a_spawned_child_learns_what_the_main_process_was_told() -> None:
    """Unpickled in the process that made it, it connects nothing: only a child does."""
    told = prefork.Initializer(
        celerys.process_initializer, worker.connect, {"engine": "off"}, os.getpid(), 41, 2.5
    )
    again = pickle.loads(pickle.dumps(told))
    assert vars(again) == vars(told)
    assert again.connect is worker.connect
    assert session.keywords == {}


#: What a child that is spawned does before Celery's own initializer runs in it.
SPAWNED = """
import pickle, signal, sys
from leakhunt.hook.celery.session import session
pickle.loads(bytes.fromhex(sys.argv[1]))
soft = signal.getsignal(session.soft_signal) is not signal.SIG_DFL
print(session.pool, session.main, session.soft_signal, session.soft_limit, session.hook is not None, soft)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGRTMIN"), reason="no real-time signals")
def test_a_spawned_child_has_its_hook_and_the_signal_of_soft_limits(tmp_path: Path) -> None:
    told = prefork.Initializer(
        celerys.process_initializer, worker.connect, {"engine": "off", "dir": str(tmp_path)},
        os.getpid(), signal.SIGRTMIN + 3, 2.5,
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", SPAWNED, pickle.dumps(told).hex()],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == [
        "prefork",
        str(os.getpid()),
        str(signal.SIGRTMIN + 3),
        "2.5",
        "True",
        "True",
    ]


@pytest.mark.parametrize(
    ("role", "limit", "size"),
    [("child", 100, 102400), ("main", 100, None), ("child", 0, None), ("child", None, None)],
)
def test_the_limit_of_memory_is_a_childs_and_in_bytes(
    role: str, limit: int | None, size: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "hook", SimpleNamespace(process=SimpleNamespace(role=role)))
    monkeypatch.setattr(session, "memory_limit", limit)
    assert prefork.memory_limit() == size


@pytest.mark.parametrize("module", ["celery.apps.worker", "billiard.pool", "signal", ""])
def test_a_handler_is_the_users_where_its_module_is(module: str) -> None:
    def handler() -> None: ...

    handler.__module__ = module
    assert prefork._is_users(handler) is (module == "")
    assert not prefork._is_users(None)
