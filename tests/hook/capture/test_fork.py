"""The fork of a capture calls nobody and waits for no lock."""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
import textwrap

import pytest

from leakhunt.cpython import parts
from leakhunt.hook.capture import fork
from tests.support import sandboxes
from tests.support.places import ROOT


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


@pytest.mark.skipif(not fork.exact(), reason="installed without leakhunt's C part")
def test_with_more_libraries_than_can_be_covered_it_forks_as_usual() -> None:
    """What was not covered would ask malloc in the child, whose lock may be another thread's."""
    program = """
        import ctypes, os, shutil, sys, tempfile
        from mmap import mmap
        from leakhunt.engine.off import Off
        from leakhunt.hook.capture import _garbage, fork
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "leakhunt"))
            for number in range(260):
                copy = os.path.join(folder, "leakhunt", f"{number}.so")
                shutil.copy(_garbage.__file__, copy)
                ctypes.CDLL(copy)
                os.remove(copy)
        assert not fork.prepare()
        pid = fork.fork(Off(""), fork.Limits(10, 10, 20, 1 << 30, 10**6), mmap(-1, 4096)).pid
        if pid == 0:
            os._exit(7)
        assert os.waitpid(pid, 0)[1] >> 8 == 7
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, timeout=400)


@pytest.mark.skipif(not fork.exact(), reason="installed without leakhunt's C part")
def test_other_threads_stand_as_they_were_and_the_walk_names_what_they_hold() -> None:
    """Nobody clears their states: a variable of a call of theirs is named, and a threading.local lives on."""
    program = """
        import gc, os, sys, threading
        from mmap import mmap
        from leakhunt.engine.off import Off
        from leakhunt.hook.capture import fork
        from leakhunt.hook.capture.walk import _walk
        fork.prepare()
        begun, ends, local = threading.Event(), threading.Event(), threading.local()
        parent = os.getpid()
        class Loud(list):
            def __del__(self):
                if os.getpid() != parent:
                    os._exit(9)
        def serve():
            serving = list(range(123_457))
            local.kept = Loud(range(123_458))
            begun.set()
            ends.wait()
        threading.Thread(target=serve, daemon=True).start()
        begun.wait()
        gc.disable()
        forked = fork.fork(Off(""), fork.Limits(20, 60, 120, 1 << 30, 10**6), mmap(-1, 4096))
        if forked.pid:
            done = os.waitstatus_to_exitcode(os.waitpid(forked.pid, 0)[1])
            assert done == 0, done
            ends.set()
        else:
            try:
                assert len(fork.others()) == 8
                assert len(sys._current_frames()) == 1
                found = _walk.walk(b"", 60.0, 1 << 30, "/nowhere", 0, fork.others())
                def way(length):
                    (one,) = [each for each in found["containers"] if each[2] == length]
                    steps, shape = [], one[0]
                    while shape:
                        parent, kind, name, *_ = found["shapes"][shape]
                        steps.insert(0, (kind, name))
                        shape = parent
                    return steps
                frame, variable = way(123_457)
                assert frame[0] == "frame" and frame[1].startswith("serve ("), frame
                assert variable == ("local", "serving")
                assert way(123_458)[-2:] == [("attribute", "local"), ("attribute", "kept")]
                os._exit(0)
            except BaseException:
                import traceback
                traceback.print_exc(file=open(sys.argv[1], "w"))
                os._exit(1)
    """
    with tempfile.NamedTemporaryFile("r") as said:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program), said.name],
            check=False, timeout=400, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, said.read() + done.stderr


@pytest.mark.skipif(not fork.exact(), reason="installed without leakhunt's C part")
def test_arena_by_arena_malloc_holds_what_it_says_in_all() -> None:
    """malloc_info(3) in the child, after threads have got arenas of their own."""
    program = """
        import ctypes, os, sys, threading
        from mmap import mmap
        from leakhunt.engine.off import Off
        from leakhunt.hook.capture import fork
        from leakhunt.hook.capture.allocators import allocators
        fork.prepare()
        libc = ctypes.CDLL(None)
        libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, (ctypes.c_size_t,)
        ready, ends = threading.Semaphore(0), threading.Event()
        def takes():
            kept = [libc.malloc(10_000) for _ in range(20)]
            ready.release()
            ends.wait()
        for _ in range(4):
            threading.Thread(target=takes, daemon=True).start()
        for _ in range(4):
            ready.acquire()
        forked = fork.fork(Off(""), fork.Limits(20, 60, 120, 1 << 30, 10**6), mmap(-1, 4096), False)
        if forked.pid:
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(forked.pid, 0)[1]))
        told = allocators()
        if told["malloc"] != "glibc" or "malloc_free" not in told:
            os._exit(77)
        arenas = told["malloc_arenas"]
        whole = told["malloc_used"] + told["malloc_free"]
        # What is free is counted bin by bin, in ranges of sizes.
        fits = abs(sum(free for _, free in arenas) - told["malloc_free"]) < 4096
        fits = fits and sum(system for system, _ in arenas) == whole
        os._exit(0 if fits and len(arenas) >= 2 and all(f <= s for s, f in arenas) else 1)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], check=False, timeout=400
    )
    if done.returncode == 77:
        pytest.skip("this malloc does not tell")
    assert done.returncode == 0


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
    why = parts.refused() or "it was not compiled"
    assert f"without its C part that forks beside threads: {why}" in done.stdout


@pytest.mark.skipif(
    not fork.exact()
    or not sys.platform.startswith("linux")
    or platform.machine() not in sandboxes.MACHINES,
    reason="calls are refused by seccomp(2)",
)
@pytest.mark.parametrize(
    "refused", [(), ("process_vm_readv", "memfd_create"), ("process_vm_readv", "pipe2")]
)
def test_a_block_of_the_process_that_grows_in_the_child_is_copied_or_that_is_said(
    refused: tuple[str, ...],
) -> None:
    """Whatever the sandbox: how long a block is only its allocator knows, so the kernel copies. A limit of files
    cuts nothing off."""
    program = f"""
        import os, resource
        from mmap import mmap
        from leakhunt.engine.off import Off
        from leakhunt.hook.capture import fork
        from tests.support import sandboxes
        fork.prepare()
        if {refused!r}:
            sandboxes.refuse(*{refused!r})
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        kept, parent = (list(range(50_001)), list(range(20))), os.getpid()
        try:
            forked = fork.fork(Off(""), fork.Limits(20, 60, 120, 1 << 30, 10**6), mmap(-1, 4096), False)
            if forked.pid:
                os._exit(os.waitstatus_to_exitcode(os.waitpid(forked.pid, 0)[1]))
            for each in kept:
                number = len(each)
                each.extend(range(number, 3 * number))
                if each != list(range(3 * number)):
                    os._exit(1)
        except MemoryError:  # up to 3.10 a frame may be such a block
            said = fork.out_of_memory()
            os._exit(2 if os.getpid() != parent and said.startswith("a sandbox lets its process copy nothing") else 3)
        os._exit(0 if fork.out_of_memory() == "out of memory while capturing" else 4)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], check=False, timeout=400, capture_output=True, text=True,
        cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == (2 if "pipe2" in refused else 0), done.stderr


@pytest.mark.skipif(
    not fork.exact()
    or not sys.platform.startswith("linux")
    or platform.machine() not in sandboxes.MACHINES,
    reason="calls are refused by seccomp(2)",
)
def test_memory_that_the_kernel_does_not_take_back_is_cleared_before_it_is_used_again() -> None:
    program = """
        import ctypes, os
        from mmap import mmap
        from leakhunt.engine.off import Off
        from leakhunt.hook.capture import fork
        from tests.support import sandboxes
        fork.prepare()
        calloc = ctypes.pythonapi.PyMem_RawCalloc
        calloc.restype, calloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t, ctypes.c_size_t]
        free = ctypes.pythonapi.PyMem_RawFree
        free.argtypes = [ctypes.c_void_p]
        sandboxes.refuse("madvise")
        forked = fork.fork(Off(""), fork.Limits(20, 60, 120, 1 << 30, 10**6), mmap(-1, 4096), False)
        if forked.pid:
            os._exit(os.waitstatus_to_exitcode(os.waitpid(forked.pid, 0)[1]))
        first = calloc(1, 1 << 20)
        ctypes.memset(first, 7, 1 << 20)
        free(first)
        second = calloc(1, 1 << 20)
        os._exit(2 if second != first else ctypes.string_at(second, 1 << 20) != bytes(1 << 20))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], check=False, timeout=400, capture_output=True, text=True,
        cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
