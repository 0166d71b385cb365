"""Fixtures for all tests; the first one proves that each test left the process clean."""

from __future__ import annotations

import os
import signal
import threading
import tracemalloc
from collections.abc import Callable, Iterator

import psutil
import pytest
from hypothesis import settings

from tests.support.places import FIXTURES

WATCHED = [signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD, signal.SIGTERM]

# A shared machine may stand still for a second: no property is a matter of time.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite the golden files from what is printed"
    )
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


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares text with ``fixtures/golden/NAME``, or rewrites it with --update-golden."""
    folder = FIXTURES / "golden"

    def compare(name: str, text: str) -> None:
        path = folder / name
        if request.config.getoption("--update-golden"):
            folder.mkdir(exist_ok=True)
            path.write_text(text)
        assert text == path.read_text()

    return compare
