"""Fixtures for all tests; the first one proves that each test left the process clean."""

from __future__ import annotations

import os
import signal
import threading
import tracemalloc
from collections.abc import Iterator

import psutil
import pytest
from hypothesis import settings

WATCHED = [signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD, signal.SIGTERM]

# A shared machine may stand still for a second: no property is a matter of time.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        choices=("sampled", "exact"),
        help="the engine of the live tests' workers (without: the default one)",
    )


def child_pids() -> set[int]:
    return {process.pid for process in psutil.Process().children()}


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    """No tracing, handler, thread, child or LEAKHUNT_ variable may outlive a test."""
    for name in [name for name in os.environ if name.startswith("LEAKHUNT_")]:
        del os.environ[name]
    handlers = {number: signal.getsignal(number) for number in WATCHED}
    threads = set(threading.enumerate())
    children = child_pids()
    yield
    was_tracing = tracemalloc.is_tracing()
    if was_tracing:
        tracemalloc.stop()
    assert not was_tracing, "the test left tracemalloc running"
    assert {number: signal.getsignal(number) for number in WATCHED} == handlers
    assert {thread for thread in threading.enumerate() if thread.is_alive()} <= threads
    assert not [name for name in os.environ if name.startswith("LEAKHUNT_")]
    assert child_pids() <= children, "the test left a process"
