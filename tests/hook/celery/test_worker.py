"""What the hook adds to a process that runs a worker."""

from __future__ import annotations

import subprocess
import sys
import textwrap

from tests.support.places import ROOT


def test_the_worker_pays_for_little() -> None:
    """In a process that runs a prefork worker, the hook adds itself and tracemalloc only."""
    program = """
        import sys
        import celery.concurrency.prefork, celery.apps.worker, celery.worker.consumer, kombu.transport.filesystem
        before = set(sys.modules)
        import leakhunt.worker
        from leakhunt.hook.celery import worker
        print(sorted(m for m in set(sys.modules) - before if not m.startswith("leakhunt")))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    added = set(eval(done.stdout))
    assert added <= {
        "tracemalloc",
        "_tracemalloc",
        "psutil",
        "_interpreters",
        "_xxsubinterpreters",
    }, added
