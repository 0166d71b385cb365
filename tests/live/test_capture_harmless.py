"""Nothing that a capture does may block, corrupt or end the process, whatever its libraries do."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from leakhunt.hook.capture import fork
from tests.live import harness
from tests.support import sandboxes
from tests.support.native import compiled

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not fork.exact(), reason="installed without leakhunt's C part"),
]


def run(folder: Path, program: str, seconds: float = harness.HANGS, **variables: str) -> list[str]:
    """What the program prints; its snapshots go to ``folder/snapshots``."""
    environment = harness.environment(folder, **variables)
    environment["PYTHONPATH"] = os.pathsep.join([environment["PYTHONPATH"], str(folder)])
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout.splitlines()


# -- the fork handlers of libraries --------------------------------------------------------


def test_no_fork_handler_of_a_library_is_run_for_a_capture(tmp_path: Path) -> None:
    """Not even for the engine's test of itself: a handler that hangs would stop the worker's start."""
    compiled("fork_hooks", tmp_path)
    program = """
        import fork_hooks
        fork_hooks.hangs_before()
        fork_hooks.hangs_in_child()
        import leakhunt
        leakhunt.install(start="boot")
        for _ in range(3):
            leakhunt.dump()
        print("done")
    """
    assert run(tmp_path, program)[-1] == "done"


def test_sampling_never_waits_for_a_fork(tmp_path: Path) -> None:
    """A library's handler before a fork may give the GIL away: whoever gets it allocates."""
    pytest.importorskip("leakhunt.engine._sampler")
    compiled("fork_hooks", tmp_path)
    program = """
        import os, threading
        import fork_hooks
        from leakhunt.engine.sampled import Sampled
        from leakhunt.engine import _sampler
        fork_hooks.waits_before()
        engine = Sampled(1000)
        engine.start(25)
        stop = threading.Event()
        def work():
            kept = []
            while not stop.is_set():
                kept.append([str(i) * 3 for i in range(100)])
                if len(kept) > 100:
                    kept.clear()
        thread = threading.Thread(target=work)
        thread.start()
        bad = 0
        for _ in range(20):
            pid = os.fork()
            if not pid:
                os._exit(_sampler.problem() is not None or not engine.tracing)
            bad += os.waitpid(pid, 0)[1] != 0
        stop.set()
        thread.join()
        print(bad, _sampler.problem(), engine.tracing, engine.facts()["lost"]["ghosts"] < 50)
    """
    assert run(tmp_path, program)[-1] == "0 None True True"


def test_a_threaded_matrix_product_goes_on(tmp_path: Path) -> None:
    """OpenBLAS joins its threads before a fork, one of which may wait for the GIL."""
    pytest.importorskip("numpy")
    program = """
        import threading
        import numpy as np
        import leakhunt
        leakhunt.install(start="boot")
        a = np.random.rand(300, 300)
        done, stop = [0, 0], threading.Event()
        def multiply(at):
            while not stop.is_set():
                a @ a
                done[at] += 1
        threads = [threading.Thread(target=multiply, args=(at,)) for at in range(2)]
        for thread in threads:
            thread.start()
        for _ in range(10):
            leakhunt.dump()
        before = list(done)
        while not all(now > then for now, then in zip(done, before)):
            pass
        stop.set()
        for thread in threads:
            thread.join()
        print("goes on")
    """
    assert run(tmp_path, program, OPENBLAS_NUM_THREADS="4")[-1] == "goes on"


def test_the_hooks_of_another_threads_fork_are_kept(tmp_path: Path) -> None:
    """While the import lock is taken: logging's lock is made anew in each child, by such a hook."""
    program = """
        import _imp, logging, os, threading
        import leakhunt
        leakhunt.install(start="boot")
        release, taken = threading.Event(), threading.Event()
        answers = []
        def importer():
            _imp.acquire_lock()
            taken.set()
            release.wait()
            _imp.release_lock()
        def forker():
            calls = []
            os.register_at_fork(after_in_child=lambda: calls.append("child"))
            pid = os.fork()  # waits for the import lock
            if not pid:
                os._exit(len(calls))
            answers.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        threads = [threading.Thread(target=importer), threading.Thread(target=forker)]
        threads[0].start()
        taken.wait()
        threads[1].start()
        threading.Timer(1.0, release.set).start()
        leakhunt.dump()  # at its end it logs, for which it has to wait
        for thread in threads:
            thread.join()
        logging.getLogger("new")
        print(answers)
    """
    assert run(tmp_path, program)[-1] == "[1]"


def test_a_lock_of_tracemallocs_that_another_thread_had_is_tried_again(tmp_path: Path) -> None:
    """Threads that free without the GIL have it for a good part of the time: one of 300 forks meets it but
    with a probability below 1e-6 (each does with one of 0.05 at least). The next capture is made when they have stopped.
    """
    compiled("fork_hooks", tmp_path)
    program = """
        import fork_hooks
        import leakhunt
        from leakhunt.hook.capture import capture
        leakhunt.install(start="boot", engine="exact", walk="off")
        again = []
        real = capture.Capture._outcome
        def outcome(self, status):
            found = real(self, status)
            if found.again:
                again.append(found.problem)
                fork_hooks.frees_in_threads(0)
            return found
        capture.Capture._outcome = outcome
        fork_hooks.frees_in_threads(2)
        for number in range(300):
            path = leakhunt.dump()
            if again:
                break
        print(len(again), again[0], path.endswith("-code.bin"))
    """
    assert run(tmp_path, program)[-1] == (
        "1 no snapshot: another thread had tracemalloc's lock when it was forked True"
    )


# -- what the child may do -----------------------------------------------------------------


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's malloc is looked at")
@pytest.mark.parametrize("engine", ["sampled", "exact", "off"])
def test_the_child_asks_malloc_for_nothing(tmp_path: Path, engine: str) -> None:
    """Another thread may have had malloc's lock at the fork, or any other allocator's."""
    library = compiled("no_malloc", tmp_path)
    program = f"""
        import ctypes, mmap, os
        counts = (ctypes.c_int * 4).from_buffer(mmap.mmap(-1, 4096))
        import leakhunt
        leakhunt.install(start="boot", engine={engine!r})
        class Cycle:
            def __init__(self):
                self.me = self
        kept = [{{"a": [i]}} for i in range(5000)]
        for _ in range(500):
            Cycle()
        ctypes.CDLL(None).watch_children(counts)
        pid = os.fork()
        if not pid:
            bytearray(1 << 20)  # to see that it is counted
            os._exit(0)
        os.waitpid(pid, 0)
        seen, counts[:] = sum(counts), [0] * 4
        path = leakhunt.dump()
        print(seen > 0, sum(counts), os.path.getsize(path) > 1000)
    """
    told = run(tmp_path, program, LD_PRELOAD=str(library))
    assert told[-1] == "True 0 True"


def test_stacks_are_as_long_as_the_program_had_tracemalloc_trace_them(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
        import tracemalloc
        tracemalloc.start(17)
        import leakhunt
        leakhunt.install(engine="exact")
        def keep(deep):
            return keep(deep - 1) if deep else [str(n) * 9 for n in range(1000)]
        kept = keep(20)
        snapshot = tracemalloc.Snapshot.load(leakhunt.dump())
        stacks = [trace.traceback for trace in snapshot.traces]
        print(snapshot.traceback_limit, max(map(len, stacks)), tracemalloc.get_traceback_limit())
        print(sum(each[0].filename == "<unknown>" for each in stacks) <= 2)
        """,
    )
    assert told[-2:] == ["17 17 17", "True"]


@pytest.mark.skipif(
    platform.machine() not in sandboxes.MACHINES or not sys.platform.startswith("linux"),
    reason="calls are refused by seccomp(2)",
)
@pytest.mark.parametrize("engine", ["sampled", "exact"])
def test_what_a_sandbox_refuses_is_said_or_not_needed(tmp_path: Path, engine: str) -> None:
    told = run(
        tmp_path,
        f"""
        import leakhunt
        from leakhunt.errors import CaptureError
        from tests.support import sandboxes
        leakhunt.install(start="boot", engine={engine!r}, light="off")
        kept = [str(n) * 9 for n in range(1000)]
        sandboxes.refuse("process_vm_readv", "pipe2")
        def deep(n):
            return deep(n - 1) if n else leakhunt.dump()
        for calls in (1, 200):
            try:
                deep(calls)
                print("written")
            except CaptureError as error:
                print(error)
        """,
    )
    sandboxed = "a sandbox lets its process copy nothing of the worker's (process_vm_readv, pipe2)"
    told = [line for line in told if not line.startswith("leakhunt: ")]
    assert set(told[-2:]) <= {"written", f"no snapshot: {sandboxed}"}, told


def test_a_process_without_descriptors_is_captured(tmp_path: Path) -> None:
    program = """
        import os, resource
        import leakhunt
        leakhunt.install(start="boot")
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        held = []
        try:
            while True:
                held.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            pass
        path = leakhunt.dump()
        for descriptor in held:
            os.close(descriptor)
        import tracemalloc
        facts = tracemalloc.Snapshot.load(path).leakhunt
        print(facts["forked"], facts["rss"] > 1 << 20)
    """
    assert run(tmp_path, program)[-1] == "True True"


def test_nothing_in_the_child_is_green_or_starts_a_process(tmp_path: Path) -> None:
    pytest.importorskip("gevent")
    program = """
        from gevent import monkey
        monkey.patch_all()
        import gevent, os, subprocess, sys, threading
        import leakhunt
        leakhunt.install(start="boot")
        def refuse(event, args):
            if event.startswith(("subprocess", "os.posix_spawn", "os.exec", "os.fork", "os.system")):
                os._exit(3)  # in the child
        sys.addaudithook(refuse)
        beats = []
        def beat():
            while len(beats) < 10**6:
                beats.append(1)
                gevent.sleep(0)
        gevent.spawn(beat)
        gevent.sleep(0)
        for _ in range(3):
            before = len(beats)
            leakhunt.dump()
            gevent.sleep(0)
            assert len(beats) > before
        print("done")
    """
    assert run(tmp_path, program)[-1] == "done"


# -- objects that are wrong ------------------------------------------------------------------


@pytest.mark.parametrize(("how", "why"), [(2, "crashed (SIGSEGV)"), (1, "took too long")])
def test_a_capture_goes_on_without_a_walk_that_fails(tmp_path: Path, how: int, why: str) -> None:
    """A type's tp_traverse may be wrong. No core file; the process's log and the file say it."""
    pytest.importorskip("leakhunt.hook.capture._garbage")
    compiled("fork_hooks", tmp_path)
    program = f"""
        import gc, os, resource, tracemalloc
        import fork_hooks
        import leakhunt
        from leakhunt.hook.capture import fork
        fork.CENSUS_SECONDS = fork.SEARCH_AT_MOST = 0.5
        resource.setrlimit(resource.RLIMIT_CORE, resource.getrlimit(resource.RLIMIT_CORE)[1:] * 2)
        os.chdir({str(tmp_path)!r})
        leakhunt.install(start="boot")
        wrong, kept = fork_hooks.Wrong(), [bytes(5000) for _ in range(1000)]
        gc.disable()
        fork_hooks.go_wrong({how})
        path = leakhunt.dump()
        fork_hooks.go_wrong(0)
        facts = tracemalloc.Snapshot.load(path).leakhunt
        print(facts["walks"]["garbage"], facts["garbage"], len(tracemalloc.Snapshot.load(path).traces) > 0)
        print([name for name in os.listdir() if "core" in name])
    """
    told = run(tmp_path, program)
    assert told[-2:] == [f"{why} None True", "[]"]


def test_after_a_walk_that_ended_the_capture_the_next_goes_without(tmp_path: Path) -> None:
    """Some ends cannot be caught. The process's log says what is left out from then on."""
    pytest.importorskip("leakhunt.hook.capture._garbage")
    compiled("fork_hooks", tmp_path)
    program = """
        import gc, logging, tracemalloc
        import fork_hooks
        import leakhunt
        from leakhunt.errors import CaptureError
        logging.basicConfig(level=logging.INFO, format="%(message)s")
        leakhunt.install(start="boot")
        wrong = fork_hooks.Wrong()
        gc.disable()
        fork_hooks.go_wrong(3)
        try:
            leakhunt.dump()
        except CaptureError as error:
            print(error, flush=True)
        path = leakhunt.dump()
        fork_hooks.go_wrong(0)
        facts = tracemalloc.Snapshot.load(path).leakhunt
        print(facts["walks"], facts["garbage"], facts.get("heap"))
    """
    told = run(tmp_path, program)
    assert any("killed by signal 9 while it looked through the objects" in line for line in told)
    assert "left out: the last capture ended in them" in told[-1]
    assert told[-1].endswith("None None")
    assert any(
        "left out: all looks at the objects (the last capture ended in them)" in line
        for line in told
    ), "the log says so"


def test_a_child_takes_no_more_memory_than_its_limit(tmp_path: Path) -> None:
    program = """
        import leakhunt
        from leakhunt.errors import CaptureError
        from leakhunt.hook.capture import capture
        leakhunt.install(start="boot")
        kept = [{"n": n} for n in range(100_000)]
        guard = capture.guard
        capture.guard = lambda *given: guard(*given)._replace(memory=2 << 20)
        try:
            leakhunt.dump()
        except CaptureError as error:
            print(error, flush=True)
        capture.guard = guard
        leakhunt.dump()
        print("goes on")
    """
    told = run(tmp_path, program)
    assert "memory" in told[-2]
    assert told[-1] == "goes on"


def test_what_goes_wrong_in_the_child_is_said(tmp_path: Path) -> None:
    program = """
        import leakhunt
        from leakhunt.engine.retention import Walked
        leakhunt.install(start="boot", engine="exact")
        def fails(self):
            raise ValueError("no such luck")
        Walked.by_traceback = fails
        try:
            leakhunt.dump()
        except Exception as error:
            print(error)
    """
    assert "ValueError: no such luck" in run(tmp_path, program)[-1]


# -- Python 3.10 -------------------------------------------------------------------------------


def test_a_capture_leaves_the_cache_of_type_attributes_as_it_is(tmp_path: Path) -> None:
    """Python 3.10 trusts the numbers that clearing the cache begins anew: lookups went wrong."""
    program = """
        import gc
        import leakhunt
        leakhunt.install(start="boot")
        def read():
            scope = {}
            exec("def get(o): return o.x", scope)
            return scope["get"]
        wrong = 0
        for _ in range(12):
            get = read()
            leakhunt.dump()
            kind = type("T", (), {"__slots__": ("a", "b", "c", "d", "x")})
            thing = kind()
            thing.x = "old"
            for _ in range(3000):
                get(thing)
            del kind, thing
            gc.collect()
            leakhunt.dump()
            kind = type("T", (), {"__slots__": ("x", "y", "z", "za", "zb")})
            thing = kind()
            thing.x, thing.zb = "right", "wrong"
            wrong += any(get(thing) != "right" for _ in range(3))
            del kind, thing
            gc.collect()
        print("wrong:", wrong)
    """
    assert run(tmp_path, program)[-1] == "wrong: 0"


# -- the process afterwards --------------------------------------------------------------------


def test_the_process_is_as_it_was(tmp_path: Path) -> None:
    """The collector on, the signals' mask and handlers its own, no child left."""
    program = """
        import gc, os, signal
        import leakhunt
        leakhunt.install(start="boot")
        signal.signal(signal.SIGTERM, lambda *_: None)
        def state():
            names = ("SIGTERM", "SIGCHLD", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGPROF")
            return (gc.isenabled(), gc.get_threshold(), signal.pthread_sigmask(signal.SIG_BLOCK, ()),
                    [signal.getsignal(getattr(signal, name)) for name in names],
                    sorted(os.listdir("/proc/self/fd")), signal.getitimer(signal.ITIMER_REAL))
        before = state()
        for _ in range(3):
            leakhunt.dump()
        assert state() == before, (before, state())
        gc.disable()
        leakhunt.dump()
        print(gc.isenabled())
    """
    assert run(tmp_path, program)[-1] == "False"


def test_the_child_is_nothing_of_the_workers(tmp_path: Path) -> None:
    """First to be killed for memory, without its descriptors, deaf to its signals but not to SIGTERM."""
    with harness.worker(tmp_path, "-c", "1", SHOP_SLOW="20") as worker:
        child = worker.hooked("child")[0]
        os.kill(child["pid"], signal.SIGUSR1)
        process = psutil.Process(child["pid"])
        capture = worker.until(lambda: (process.children() or [None])[0], "the capture's process")
        series = Path(child["series"])
        worker.until(lambda: list(series.glob(".*.tmp")), "it writes")
        proc = Path(f"/proc/{capture.pid}")
        assert (proc / "oom_score_adj").read_text().strip() == "1000"
        files = {os.readlink(link) for link in (proc / "fd").iterdir()}
        assert not [name for name in files if name.startswith(("socket:", "pipe:", "anon_inode:"))]
        assert str(tmp_path / "worker.log") not in files
        limits = (proc / "limits").read_text()
        assert "Max core file size        0 " in limits
        os.kill(capture.pid, signal.SIGUSR1)
        os.kill(capture.pid, signal.SIGINT)
        assert capture.is_running()
        os.kill(capture.pid, signal.SIGTERM)
        worker.logged("no snapshot: its process was killed by signal 15")
        assert worker.do("leak", 3) == 3
