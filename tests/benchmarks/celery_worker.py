"""A real Celery worker on a Redis of its own, for the benchmarks."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "ERROR")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def worker(pool: str, source: str, *options: str, **variables: str) -> Iterator[tuple[Any, Path]]:
    """(a console app, the folder ``BENCH_FOLDER``) while a worker with one process runs.

    ``source`` is the module with ``app``; it has a task ``ready`` that returns its pid.
    """
    import celery

    with contextlib.ExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory())
        folder, port = Path(name), free_port()
        (folder / "bench_app.py").write_text(source)
        url = f"redis://127.0.0.1:{port}/0"
        server = ["redis-server", "--port", str(port), "--save", "", "--dir", name]
        stack.callback(_ended, subprocess.Popen(server, stdout=subprocess.DEVNULL))
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        path = os.pathsep.join([name, str(ROOT), os.environ.get("PYTHONPATH", "")])
        words = ["-m", "celery", "-A", "bench_app", "worker", "-P", pool, "-c", "1"]
        process = subprocess.Popen(
            [sys.executable, *words, *QUIET, *options],
            env={
                **os.environ,
                "BENCH_URL": url,
                "BENCH_FOLDER": name,
                "PYTHONPATH": path,
                "PYTHONWARNINGS": "ignore",
                **variables,
            },
            cwd=name,
            stdout=subprocess.DEVNULL,
        )
        stack.callback(_ended, process)
        app = celery.Celery("console", broker=url, backend=url, set_as_current=False)
        app.send_task("ready").get(timeout=60)
        yield app, folder


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def celery_app() -> Any:
    """In the worker: its app, with the task ``ready``."""
    from celery import Celery

    url = os.environ["BENCH_URL"]
    app = Celery("bench", broker=url, backend=url)
    app.conf.update(
        worker_prefetch_multiplier=128,
        task_ignore_result=True,
        broker_connection_retry_on_startup=True,
    )

    def ready() -> int:
        return os.getpid()

    app.task(name="ready", ignore_result=False)(ready)
    return app


def wait_for(path: Path, seconds: float) -> str:
    deadline = time.monotonic() + seconds
    while not path.exists():
        if time.monotonic() > deadline:
            raise SystemExit(f"{path.name} has not come in {seconds:.0f} s")
        time.sleep(0.1)
    return path.read_text()
