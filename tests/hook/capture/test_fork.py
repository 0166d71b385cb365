"""The fork of a capture calls nobody and waits for no lock."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from leakhunt.hook.capture import fork


@pytest.mark.skipif(not fork.exact(), reason="installed without leakhunt's C part")
def test_nobody_is_called_for_a_capture_and_no_lock_is_waited_for() -> None:
    """A signal may arrive while its thread holds a lock that a hook of os.fork() takes."""
    program = """
        import os, sys, threading
        from mmap import mmap
        from concurrent.futures import thread
        from leakhunt.engine.off import Off
        from leakhunt.hook.capture import fork
        lock, called = threading.Lock(), []
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release)
        os.register_at_fork(
            before=lambda: called.append("before"),
            after_in_parent=lambda: called.append("parent"),
            after_in_child=lambda: called.append("child"),
        )
        with lock, thread._global_shutdown_lock:
            pid = fork.fork(Off(""), fork.Limits(10, 10, 20, 1 << 30, 10**6), mmap(-1, 4096)).pid
            if pid == 0:
                os._exit(len(called))
        assert os.waitpid(pid, 0) == (pid, 0)
        assert called == []
        if os.fork() == 0:  # they are only put aside
            os._exit(called != ["before", "child"])
        assert os.wait()[1] == 0
        assert called == ["before", "parent"]
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, timeout=400)


def test_without_the_c_part_a_fork_that_would_wait_for_its_own_thread_is_refused() -> None:
    program = """
        import sys
        sys.modules["leakhunt.hook.capture._fork"] = None
        from concurrent.futures import thread
        from mmap import mmap
        from leakhunt.engine.off import Off
        from leakhunt.hook.capture import fork
        with thread._global_shutdown_lock:
            try:
                fork.fork(Off(""), fork.Limits(10, 10, 20, 1 << 30, 10**6), mmap(-1, 4096))
            except fork.ForkRefusedError as refused:
                print(refused)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        check=True, timeout=400, capture_output=True, text=True,
    )  # fmt: skip
    assert "without its C part" in done.stdout
