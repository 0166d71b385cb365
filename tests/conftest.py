"""Fixtures for all tests; the first one proves that each test left the process clean."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support import apart, browsing

#: Seconds in which a thread ends that is about to.
ENDS = 20.0
WATCHED = [signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD, signal.SIGTERM]

#: Whether the reports that tests make are held against the laws.
LAWS = pytest.StashKey[bool]()

#: Of a test that is run in another session than this one: who runs it.
SESSIONS = pytest.StashKey[apart.Apart]()


def pytest_configure(config: pytest.Config) -> None:
    asks = config.args_source is config.ArgsSource.ARGS
    if not (asks or config.option.markexpr or config.option.keyword):
        config.option.markexpr = "not thorough"
    # A shell ignores it for what it runs in the background, and so do all that are started from there.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        with contextlib.suppress(ValueError):  # not in the main thread
            signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Before a module is imported; what has no properties is tested without hypothesis in memory (see ``GUESTS``)."""
    if isinstance(collector, pytest.Module) and "hypothesis" in collector.path.read_text("utf-8"):
        _untimed()


@functools.cache
def _untimed() -> None:
    """A shared machine may stand still for a second: no property is a matter of time."""
    from hypothesis import HealthCheck, settings

    settings.register_profile(
        "untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        choices=("sampled", "exact"),
        help="the engine of the live tests' workers (without: the default one)",
    )
    parser.addoption(
        "--update", action="store_true", help="write down what tests/test_outputs.py sees printed"
    )


#: Files and folders of tests that ask nothing of the interpreter and take long.
ONCE = (
    "judge/series", "judge/births", "judge/test_collection.py", "judge/test_sampled.py", "gate", "advice",
    "snapfile/test_fuzz.py", "snapfile/test_index.py", "sites/test_fast.py", "render/export", "render/html",
    "cli/watching", "cli/test_console.py", "cli/test_hostile.py", "plugin", "report/test_laws.py",
    "render/test_github.py", "render/test_sarif.py", "test_house.py", "test_contracts.py",
    "test_newest.py", "cli/test_completion.py", "wheels",
)  # fmt: skip


#: Files of few tests that take minutes: they are begun with, so that in the end no process is left alone with one.
#: (xdist would begin with the files that have the most tests, if .ci/run let it.)
LONG = (
    "engine/test_cpython_suite.py", "engine/test_estimates.py", "plugin/test_frameworks.py",
    "plugin/test_pytest_plugin.py", "live/test_kept.py",
    "live/test_demo.py", "live/test_misbehaving.py", "live/test_account.py", "live/test_check.py", "live/test_sampled.py",
    "live/test_triggers.py", "live/test_signals.py", "live/test_remote.py", "live/test_ps.py", "judge/series/test_errors.py",
)  # fmt: skip


#: Files, and tests by how their names begin, that ask for minutes what others ask for seconds: every case of what is
#: tried in one elsewhere, storms, sessions of pytest inside pytest, what needs servers, browsers or the package index.
#: Left out where nobody names a path, a mark or a word; .ci/run names paths.
THOROUGH = (
    "engine/test_cpython_suite.py::test_cpython_passes_its_own_tests[text", "engine/test_cpython_suite.py::test_cpython_passes_its_own_tests[libraries",
    "engine/test_cpython_suite.py::test_cpython_passes_its_own_tests[dear", "engine/test_cpython_suite.py::test_cpython_passes_its_own_tests[containers",
    "engine/test_estimates.py::test_estimates_agree_with_tracemalloc_and_errors_cover_the_truth[512",
    "engine/test_estimates.py::test_what_a_young_process_spends", "engine/test_estimates.py::test_no_interval_waits",
    "cli/test_export.py::test_many_snapshots", "cli/test_hostile.py::test_odd_facts_are_answered_or_refused[1",
    "cli/test_hostile.py::test_odd_facts_are_answered_or_refused[2", "cli/test_hostile.py::test_odd_facts_are_answered_or_refused[3",
    "cli/test_hostile.py::test_odd_facts_are_answered_or_refused[4", "cli/test_hostile.py::test_odd_facts_are_answered_or_refused[5",
    "snapfile/test_fuzz.py::test_a_storm_of_mutations[1", "snapfile/test_fuzz.py::test_a_storm_of_mutations[2",
    "snapfile/test_fuzz.py::test_a_storm_of_mutations[3",
    "plugin/test_frameworks.py", "plugin/test_pytest_plugin.py::test_workers_of_xdist",
    "plugin/test_pytest_plugin.py::test_what_pytest", "plugin/test_pytest_plugin.py::test_coroutines",
    "plugin/test_pytest_plugin.py::test_a_baseline",
    "gate/test_rates.py", "judge/test_collection.py", "wheels",
    "live/test_account.py", "live/test_check.py::test_a_baseline", "live/test_check.py::test_a_healthy", "live/test_check.py::test_arguments",
    "live/test_check.py::test_what_keeps_nothing_passes[bounded", "live/test_check.py::test_what_keeps_nothing_passes[forks",
    "live/test_check.py::test_what_keeps_nothing_passes[desk", "live/test_check.py::test_what_keeps_nothing_passes[imports",
    "live/test_check.py::test_what_keeps_nothing_passes[turns_over", "live/test_check.py::test_a_celery_task_runs_in_a_worker_or_eagerly[way1",
    "live/test_check.py::test_what_may_be_kept", "live/test_check.py::test_with_samples",
    "live/test_containers.py", "live/test_demo.py::test_an_interrupted", "live/test_demo.py::test_what_the_user", "live/test_demo.py::test_a_terminal",
    "live/test_demo.py::test_a_closed", "live/test_kept.py", "live/test_light.py", "live/test_misbehaving.py", "live/test_orphans.py",
    "live/test_ps.py::test_sixty", "live/test_released.py", "live/test_remote.py", "live/test_report.py",
    "live/test_births.py::test_each_line_is_its_tasks[threads", "live/test_births.py::test_each_line_is_its_tasks[solo",
    "live/test_births.py::test_each_line_is_its_tasks[eventlet",
    "live/test_sampled.py::test_a_pool[eventlet", "live/test_sampled.py::test_a_pool[solo", "live/test_sampled.py::test_captures_and_forks_under_load",
    "live/test_servers.py", "live/test_transports.py", "live/test_watch_screen.py",
    "live/test_pools.py::test_a_pool[spawn", "live/test_pools.py::test_a_pool[eventlet", "live/test_pools.py::test_a_pool[threads",
    "live/test_pools.py::test_redis", "live/test_capture_harmless.py::test_a_threaded_matrix",
    "live/test_capture_harmless.py::test_a_capture_goes_on_without_a_walk_that_fails[1", "live/test_capture_harmless.py::test_a_lock",
    "live/test_capture_harmless.py::test_a_capture_leaves_the_cache", "plugin/test_pytest_plugin.py::test_the_fixture",
    "render/export/test_importer.py", "render/export/test_streaming.py", "engine/test_estimates.py::test_the_interval_follows",
)  # fmt: skip

#: Rooms of the worker's side, which know no report (the contracts in pyproject.toml). A process that tests nothing else
#: has no report in memory, nor all that draws one: to walk over its heap, and to fork it, takes half as long.
GUESTS = ("cpython", "engine", "hook", "snapfile")

#: Files of theirs that walk over the heap of the tests' process, or fork it, hundreds of times. Among others such a file
#: has a session of its own (``tests/support/apart.py``), in which that takes a third to a tenth of the time.
APART = (
    "hook/capture/test_holders.py", "hook/capture/walk/test_arrays.py", "hook/capture/walk/test_bounds.py",
    "hook/capture/walk/test_places.py", "hook/capture/walk/test_walk.py", "snapfile/test_fuzz.py",
    "snapfile/test_index.py", "snapfile/test_snapfile.py",
)  # fmt: skip


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    root = Path(__file__).parent
    if any(item.path.relative_to(root).parts[0] not in GUESTS for item in items):
        from tests.support import lawful

        config.stash[LAWS] = True
        lawful.note()
        subprocess.run = lawful.run
    items.sort(key=lambda item: item.path.relative_to(root).as_posix() not in LONG)
    for item in items:
        place = item.path.relative_to(root).as_posix()
        if any(place == one or place.startswith(f"{one}/") for one in ONCE):
            item.add_marker("once")
        name = f"{place}::{item.nodeid.partition('::')[2]}"
        if any(
            name.startswith((f"{one}::", f"{one}/")) or ("::" in one and name.startswith(one))
            for one in THOROUGH
        ):
            item.add_marker("thorough")
    if len({item.path for item in items}) > 1:
        sessions = apart.Apart(config)
        for item in items:
            if item.path.relative_to(root).as_posix() in APART:
                item.stash[SESSIONS] = sessions
                item.add_marker(pytest.mark.timeout(0))  # the child has one for each test


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """What is to be run in a session of its own is not run here."""
    sessions = item.stash.get(SESSIONS, None)
    if sessions is None:
        return None
    sessions.run(item, nextitem)
    return True


def ended(thread: threading.Thread) -> None:
    """Wait for the end of a thread; one that threading did not start, as that which writes a line to the log, takes itself
    out of its list.
    """
    if not isinstance(thread, threading._DummyThread):
        thread.join(ENDS)
        return
    deadline = time.monotonic() + ENDS
    while thread in threading.enumerate() and time.monotonic() < deadline:
        time.sleep(0.01)


def children() -> set[psutil.Process]:
    """What this process has started, and what that has, as long as it lives."""
    try:
        below = pids_below(os.getpid())
    except OSError:  # no such file on this system
        return set(psutil.Process().children(recursive=True))
    found = set()
    for pid in below:
        with contextlib.suppress(psutil.Error):
            found.add(psutil.Process(pid))
    return found


def pids_below(pid: int) -> list[int]:
    """As the kernel lists them: to look at every process of the machine, twice a test, takes half a minute.

    Raises OSError where it does not list them.
    """
    found = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/children") as listed:
            found += [int(child) for child in listed.read().split()]
    for child in set(found) - browsing.STANDING:
        with contextlib.suppress(OSError):  # it has ended since
            found += pids_below(child)
    return found


def end(left: set[psutil.Process]) -> None:
    """Kill what a test has left: one failure must not become the failure of those after it."""
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left)


@pytest.fixture(autouse=True)
def _lawful(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every report that a test makes obeys the laws, in every format."""
    if not request.config.stash.get(LAWS, False):
        yield
        return
    from tests.support import lawful

    with lawful.noted() as reports:
        yield
        if request.node.get_closest_marker("lawless") is None:
            lawful.look(reports)


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    """No tracing, handler, thread, child or LEAKHUNT_ variable may outlive a test."""
    for name in [name for name in os.environ if name.startswith("LEAKHUNT_")]:
        del os.environ[name]
    handlers = {number: signal.getsignal(number) for number in WATCHED}
    threads = set(threading.enumerate())
    before = children()
    yield
    left = children() - before
    end(left)
    was_tracing = tracemalloc.is_tracing()
    if was_tracing:
        tracemalloc.stop()
    assert not was_tracing, "the test left tracemalloc running"
    assert {number: signal.getsignal(number) for number in WATCHED} == handlers
    for thread in set(threading.enumerate()) - threads:
        if thread.daemon:  # asyncio has one that waits for each child, which has ended by now
            ended(thread)
    assert {thread for thread in threading.enumerate() if thread.is_alive()} <= threads
    assert not [name for name in os.environ if name.startswith("LEAKHUNT_")]
    assert not left, "the test left a process"
