"""Live tests: real workers, real signals."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import harness
from tests.support import consoles

#: What depends on the interpreter more than on the pool or the console: run on every Python, the
#: rest of the live tests on the first one and, with the other engine, on the oldest.
EVERY_PYTHON = (
    "test_exact", "test_program", "test_sampled", "test_signals", "test_holders", "test_births", "test_why", "test_demo",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.stem in EVERY_PYTHON and item.path.parent == Path(__file__).parent:
            item.add_marker("every_python")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Before it is looked which processes there are before a test."""
    if harness.CONSOLES is None or harness.CONSOLES.ended():
        harness.CONSOLES = consoles.Consoles()


def pytest_sessionfinish() -> None:
    if harness.CONSOLES is not None:
        harness.CONSOLES.close()


@pytest.fixture(scope="session", autouse=True)
def _engine(request: pytest.FixtureRequest) -> None:
    harness.ENGINE = request.config.getoption("--engine")


@pytest.fixture(scope="module")
def prefork(tmp_path_factory: pytest.TempPathFactory) -> Iterator[harness.Worker]:
    """One prefork worker with two children that the tests of a module share.

    Its captures do not walk over the heap, which takes as long as all else that they do: what is asked of it is what
    becomes of the worker. Those of the workers that tests start walk.
    """
    with harness.worker(
        tmp_path_factory.mktemp("prefork"), "-c", "2", LEAKHUNT_WALK="off"
    ) as found:
        found.hooked("child", 2)
        yield found


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    """A real Redis of this test's own."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
    # A socket in a folder of its own: a port that is free now may be another test's in a moment.
    # Not below tmp_path: the kernel takes a hundred characters.
    with tempfile.TemporaryDirectory(prefix="leakhunt-") as folder:
        path = f"{folder}/redis"
        server = subprocess.Popen(
            [program, "--port", "0", "--unixsocket", path, "--save", "", "--dir", folder],
            stdout=subprocess.DEVNULL,
        )

        def answers() -> bool:
            assert server.poll() is None, "redis has ended"
            with socket.socket(socket.AF_UNIX) as client:
                return client.connect_ex(path) == 0

        try:
            harness.until(answers, "redis answers")
            yield f"redis+socket://{path}"
        finally:
            server.kill()
            server.wait()
