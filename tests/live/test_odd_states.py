"""Processes in odd states: interrupted, replaced, limited, traced, leaving. A capture harms none of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from leakhunt.hook.capture import fork
from leakhunt.hook.process import alive
from leakhunt.live import processes
from tests.live import harness
from tests.live.harness import leakhunt
from tests.live.test_capture_harmless import run
from tests.support.places import ROOT

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not fork.exact(), reason="installed without leakhunt's C part"),
]

#: A capture's child waits until there is a file of the name ``go``: with it the moment is the test's to choose.
WAITS = """
import contextlib, os, signal, sys, threading, time
import leakhunt
from leakhunt.errors import CaptureError
from leakhunt.hook import current
from leakhunt.hook.capture import capture, fork
GO = os.path.join(os.getcwd(), "go")
@contextlib.contextmanager
def waits(folder):
    open(GO + ".waiting", "w").close()  # it has let go of the process's files
    while not os.path.exists(GO):
        fork.rest()
        signal.sigtimedwait((), 0.02)
    yield True
def go():
    open(GO, "w").close()
def until(look):
    while not look():
        time.sleep(0.005)
"""


def program(folder: Path, text: str, waits: bool = True, **variables: str) -> list[str]:
    """What the program prints, run in ``folder``."""
    before = "capture.turns.turn = waits\n" if waits else ""
    return run(folder, source(folder, before + textwrap.dedent(text)), harness.HANGS, **variables)


def source(folder: Path, text: str) -> str:
    """The program, with what all of them begin with."""
    return f"import os\nos.chdir({str(folder)!r})\n{WAITS}{textwrap.dedent(text)}"


# -- on top of itself ----------------------------------------------------------------------


def test_a_handler_that_asks_in_the_middle_of_a_capture_is_told(tmp_path: Path) -> None:
    """It runs in the thread that captures: to wait for that would be for ever."""
    told = program(
        tmp_path,
        """
        leakhunt.install(start="boot")
        told = []
        def handler(*_):
            try:
                leakhunt.dump()
            except CaptureError as error:
                told.append(str(error))
        signal.signal(signal.SIGALRM, handler)
        real = capture.Capture.wait
        def wait(self):
            signal.raise_signal(signal.SIGALRM)
            return real(self)
        capture.Capture.wait = wait
        print(os.path.exists(leakhunt.dump()), *told)
        """,
        waits=False,
    )
    assert told[-1].startswith("True no snapshot: this thread is taking one")


def test_the_log_may_be_anybodys_when_a_signal_is_handled(tmp_path: Path) -> None:
    """A handler of the log takes a lock that the interrupted code may hold, and that is not reentrant."""
    told = program(
        tmp_path,
        """
        import logging
        lock, lines = threading.Lock(), []
        class Exports(logging.Handler):
            def emit(self, record):
                with lock:
                    lines.append(record.getMessage())
        logging.basicConfig(level=logging.INFO, handlers=[Exports()])
        leakhunt.install(start="boot")
        with lock:
            os.kill(os.getpid(), signal.SIGUSR1)
            until(lambda: current.hook().answers.captures)
        until(lambda: any("wrote" in line for line in lines))
        print("goes on")
        """,
        waits=False,
    )
    assert told[-1] == "goes on"


@pytest.mark.parametrize("how", ["settrace", "setprofile", "monitoring"])
def test_a_debugger_does_not_follow_into_the_child(tmp_path: Path, how: str) -> None:
    """Its Python code would wait there for a thread that is gone."""
    if how == "monitoring" and sys.version_info < (3, 12):
        pytest.skip("no sys.monitoring before 3.12")
    told = program(
        tmp_path,
        f"""
        me, taken = os.getpid(), threading.Lock()
        taken.acquire()
        def trace(*_):
            if os.getpid() != me:
                taken.acquire()
            return trace
        leakhunt.install(start="boot")
        def main():
            return leakhunt.dump()
        if {how!r} == "monitoring":
            tool = sys.monitoring
            tool.use_tool_id(1, "debugger")
            tool.register_callback(1, tool.events.LINE, trace)
            tool.register_callback(1, tool.events.PY_START, trace)
            tool.set_events(1, tool.events.LINE | tool.events.PY_START)
        else:
            getattr(sys, {how!r})(trace)
        path = main()
        sys.settrace(None)
        sys.setprofile(None)
        print(os.path.exists(path))
        """,
        waits=False,
    )
    assert told[-1] == "True"


# -- threads that fork, and processes that become others ---------------------------------------


def test_a_process_that_is_forked_beside_a_capture_is_hooked(tmp_path: Path) -> None:
    told = program(
        tmp_path,
        """
        leakhunt.install(start="boot")
        thread = threading.Thread(target=leakhunt.dump)
        thread.start()
        until(lambda: current.hook().captures.under_way is not None)
        pid = os.fork()
        if not pid:
            os._exit(current.hook().pid != os.getpid())
        print("hooked" if os.waitpid(pid, 0)[1] == 0 else "not hooked")
        go()
        thread.join()
        """,
    )
    assert told[-1] == "hooked"


def test_a_process_that_becomes_another_program_gets_no_signal_of_the_captures_child(
    tmp_path: Path,
) -> None:
    """Where SIGCHLD is not to be had the child tells by a signal, of which another program dies."""
    told = program(
        tmp_path,
        """
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        leakhunt.install(start="boot")
        os.kill(os.getpid(), signal.SIGUSR1)
        until(lambda: current.hook().captures.under_way is not None)
        child = current.hook().captures.under_way.pid
        assert current.hook().captures.under_way.order.notify
        os.execv("/bin/sh", ["sh", "-c", f"touch {GO}; while kill -0 {child} 2>/dev/null; do :; done; echo lives"])
        """,
    )
    assert told[-1] == "lives"
    assert list(tmp_path.glob("snapshots/*/*.bin"))


def test_a_process_that_became_another_program_carries_the_hook_no_more(tmp_path: Path) -> None:
    """Its record lies there, its pid and its start are the same; what it does on SIGUSR1 is its own."""
    other = (
        "import signal, sys\n"
        "signal.signal(signal.SIGUSR1, lambda *_: sys.stdout.write('signalled\\\\n'))\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
    )
    source = f"""
        import os, sys, leakhunt
        leakhunt.install()
        os.execv(sys.executable, [sys.executable, "-c", '''{other}'''])
    """
    started = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(source).replace("\n" + " " * 8, "\n")],
        env=harness.environment(tmp_path), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    assert list(tmp_path.glob("snapshots/processes/*.json")), "its record is there"
    assert not [
        each for each in processes.hooked(tmp_path / "snapshots") if each.pid == started.pid
    ]
    done = leakhunt(tmp_path, "dump", str(started.pid))
    assert (done.returncode, "does not carry the hook" in done.stderr) == (2, True)
    out, _ = started.communicate()
    assert (started.returncode, out) == (0, "")


def test_a_child_that_takes_its_time_to_exit_keeps_nobody_waiting(tmp_path: Path) -> None:
    """It has told that it is done; the pages of a large heap are given back after that."""
    told = program(
        tmp_path,
        """
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        leakhunt.install(start="boot")
        import posix
        me, leave = os.getpid(), posix._exit
        def lingers(status):
            while os.getpid() != me and not os.path.exists(GO):
                fork.rest()
                signal.sigtimedwait((), 0.02)
            leave(status)
        posix._exit = lingers
        os.kill(me, signal.SIGUSR1)
        until(lambda: current.hook().answers.captures)
        print(os.path.exists(current.hook().answers.last.path), len(current.hook().captures.exiting), flush=True)
        go()
        until(lambda: current.hook().captures.poll() or not current.hook().captures.exiting)
        print("reaped")
        """,
        waits=False,
    )
    assert told[-2:] == ["True 1", "reaped"]


# -- on the way out ---------------------------------------------------------------------------


def test_where_no_python_can_start_beside_it_a_capture_forks(tmp_path: Path) -> None:
    told = program(
        tmp_path,
        """
        import resource
        leakhunt.install(start="boot", light="always")
        resource.setrlimit(resource.RLIMIT_STACK, (1 << 16, 1 << 16))
        print(os.path.exists(leakhunt.dump()), flush=True)
        """,
        waits=False,
    )
    assert told[-1] == "True"


def test_an_answer_that_is_none_is_an_error_of_that_capture_alone(tmp_path: Path) -> None:
    """The page is shared with a child in which a walk may go astray."""
    told = program(
        tmp_path,
        """
        from leakhunt.hook.capture.page import LENGTH, LENGTH_AT, SAID_AT
        leakhunt.install(start="boot")
        real = capture.tell
        def garbles(page, said, order):
            page[SAID_AT : SAID_AT + 5] = b"\\xff{]nx"
            LENGTH.pack_into(page, LENGTH_AT, 5)
        capture.tell = garbles
        try:
            leakhunt.dump()
        except CaptureError as error:
            print(error)
        capture.tell = real
        print(os.path.exists(leakhunt.dump()), flush=True)
        """,
        waits=False,
    )
    assert told[-2:] == ["no snapshot: its process ended without a word", "True"]


def test_no_cleanup_of_a_librarys_runs_in_a_child_that_cpython_ends(tmp_path: Path) -> None:
    """Where it cannot go on after a fork, as without memory, it calls exit(3)."""
    (tmp_path / "precious").touch()
    told = program(
        tmp_path,
        """
        import ctypes
        class Status(ctypes.Structure):
            _fields_ = [("kind", ctypes.c_int), ("function", ctypes.c_char_p), ("message", ctypes.c_char_p), ("code", ctypes.c_int)]
        libc = ctypes.CDLL(None)
        libc.__cxa_atexit(libc.unlink, b"precious", None)
        @contextlib.contextmanager
        def ends(folder):
            ctypes.pythonapi.Py_ExitStatusException(Status(2, None, None, 3))
            yield True
        capture.turns.turn = ends
        leakhunt.install(start="boot")
        try:
            leakhunt.dump()
        except CaptureError as error:
            print(error, os.path.exists("precious"), flush=True)
        os._exit(0)
        """,
        waits=False,
    )
    assert told[-1] == "no snapshot: its process ended without a word True"


def test_a_child_that_is_stopped_is_let_go_on(tmp_path: Path) -> None:
    told = program(
        tmp_path,
        """
        leakhunt.install(start="boot")
        hook = current.hook()
        os.kill(os.getpid(), signal.SIGUSR1)
        until(lambda: os.path.exists(GO + ".waiting"))
        os.kill(hook.captures.under_way.pid, signal.SIGSTOP)
        go()
        until(lambda: hook.answers.captures)
        print(os.path.exists(hook.answers.last.path))
        """,
    )
    assert told[-1] == "True"


def test_one_that_is_stopped_again_and_again_is_ended(tmp_path: Path) -> None:
    told = program(
        tmp_path,
        """
        leakhunt.install(start="boot")
        hook = current.hook()
        os.kill(os.getpid(), signal.SIGUSR1)
        until(lambda: os.path.exists(GO + ".waiting"))
        child = hook.captures.under_way.pid
        while not hook.answers.captures:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGSTOP)
            time.sleep(0.001)
        print(hook.answers.last.problem)
        """,
    )
    assert "its process was stopped 4 times (SIGSTOP), and was ended" in told[-1]


def test_nobody_waits_at_the_end_for_another_threads_capture(tmp_path: Path) -> None:
    """Which goes on alone, and writes its file when it is done."""
    told = program(
        tmp_path,
        """
        leakhunt.install(start="boot")
        threading.Thread(target=leakhunt.dump, daemon=True).start()
        until(lambda: current.hook().captures.under_way is not None)
        print("ends")
        """,
    )
    assert any("goes on alone" in line for line in told)
    (tmp_path / "go").touch()
    harness.until(lambda: list(tmp_path.glob("snapshots/*/*.bin")), "the snapshot")


def test_nor_for_one_of_its_own_that_stands_still(tmp_path: Path) -> None:
    """Its process was stopped (a debugger, a frozen control group)."""
    told = program(
        tmp_path,
        """
        leakhunt.install(start="boot")
        os.kill(os.getpid(), signal.SIGUSR1)
        until(lambda: os.path.exists(GO + ".waiting"))
        os.kill(current.hook().captures.under_way.pid, signal.SIGSTOP)
        print("ends", current.hook().captures.under_way.pid)
        """,
    )
    assert any("goes on alone" in line for line in told)
    pid = next(int(line.split()[1]) for line in told if line.startswith("ends "))
    (tmp_path / "go").touch()
    os.kill(pid, signal.SIGCONT)
    harness.until(lambda: list(tmp_path.glob("snapshots/*/*.bin")), "the snapshot")


def test_a_fork_at_the_end_is_a_process_like_any_other(tmp_path: Path) -> None:
    told = program(
        tmp_path,
        """
        import atexit
        def last():
            pid = os.fork()
            if not pid:
                os._exit(0)
            print("ended", os.waitpid(pid, 0)[1], flush=True)
        atexit.register(last)
        leakhunt.install(start="boot", at_exit=True)
        atexit.register(last)
        """,
        waits=False,
    )
    assert [line for line in told if line.startswith("ended")] == ["ended 0"] * 2
    assert list(tmp_path.glob("snapshots/*/*-exit.bin"))


# -- limits --------------------------------------------------------------------------------------


def test_a_file_that_may_not_grow_is_an_error_of_the_write(tmp_path: Path) -> None:
    told = program(
        tmp_path,
        """
        import resource
        leakhunt.install(start="boot", engine="exact")
        import asyncio, email.mime.text, xml.dom.minidom  # many lines that keep memory
        resource.setrlimit(resource.RLIMIT_FSIZE, (20480, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        try:
            leakhunt.dump()
        except CaptureError as error:
            print(error)
        """,
        waits=False,
    )
    assert "File too large" in told[-1]
    assert not list(tmp_path.glob("snapshots/*/.*.tmp"))


def test_a_working_folder_that_is_gone(tmp_path: Path) -> None:
    told = program(
        tmp_path,
        """
        os.mkdir("gone")
        os.chdir("gone")
        os.rmdir("../gone")
        sys.path.insert(0, "")
        leakhunt.install(start="boot")
        print(os.path.exists(leakhunt.dump()))
        """,
        waits=False,
    )
    assert told[-1] == "True"


def test_without_standard_streams_nothing_of_leakhunts_takes_their_numbers(tmp_path: Path) -> None:
    """Whatever prints would write into the record, or the log's lines into somebody's file."""
    (tmp_path / "program.py").write_text(
        textwrap.dedent(
            f"""
            import os, sys
            sys.path.insert(0, {str(ROOT)!r})
            import leakhunt
            leakhunt.install()
            taken = []
            for number in range(3):
                try:
                    taken.append(os.readlink(f"/proc/self/fd/{{number}}"))
                except OSError:
                    taken.append("closed")
            mine = os.open("mine.txt", os.O_RDWR | os.O_CREAT)
            os.dup2(mine, 2)
            path = leakhunt.dump()
            with open("told.txt", "w") as file:
                print(taken, os.path.exists(path), os.path.getsize("mine.txt"), file=file)
            """
        )
    )
    subprocess.run(
        ["/bin/sh", "-c", f"exec {sys.executable} program.py <&- >&- 2>&-"],
        cwd=tmp_path, env=harness.environment(tmp_path, LEAKHUNT_START="signal"), timeout=harness.HANGS, check=True,
    )  # fmt: skip
    told = (tmp_path / "told.txt").read_text()
    assert "snapshots" not in told.partition("]")[0]
    assert told.endswith(" True 0\n")


def test_a_real_time_priority_is_the_workers_alone(tmp_path: Path) -> None:
    told = program(
        tmp_path,
        """
        try:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        except OSError:
            print("refused")
            sys.exit()
        @contextlib.contextmanager
        def policy(folder):
            with open("policy", "w") as file:
                file.write(str(os.sched_getscheduler(0)))
            yield True
        capture.turns.turn = policy
        leakhunt.install(start="boot")
        leakhunt.dump()
        print(open("policy").read(), os.sched_getscheduler(0))
        """,
        waits=False,
    )
    if told[-1] == "refused":
        pytest.skip("no real-time priorities here")
    assert told[-1] == f"{os.SCHED_OTHER} {os.SCHED_RR}"


def test_no_memory_is_promised_to_the_child_that_it_does_not_use(tmp_path: Path) -> None:
    """Where the kernel promises no more than there is, the process would ask in vain meanwhile."""
    told = program(
        tmp_path,
        """
        def writable():
            with open("/proc/self/status") as status:
                return next(int(line.split()[1]) >> 10 for line in status if line.startswith("VmData"))
        @contextlib.contextmanager
        def notes(folder):
            told = str(writable())
            with open("mebibytes", "w") as file:
                file.write(told)
            yield True
        capture.turns.turn = notes
        leakhunt.install(start="boot")
        before = writable()
        leakhunt.dump()
        print(int(open("mebibytes").read()) - before)
        """,
        waits=False,
    )
    assert int(told[-1]) < 512


# -- where there is no bare fork ---------------------------------------------------------------------


@pytest.mark.parametrize("threads", [False, True])
def test_without_a_bare_fork_a_process_with_threads_is_captured_in_place(
    tmp_path: Path, threads: bool
) -> None:
    """The fork handlers of a library may wait for one of the threads; alone there is nobody to wait for."""
    told = program(
        tmp_path,
        f"""
        import tracemalloc
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        fork.prepare = lambda: False
        leakhunt.install(start="boot")
        stop = threading.Event()
        thread = threading.Thread(target=stop.wait)
        if {threads}:
            thread.start()
        path = leakhunt.dump()
        stop.set()
        print(tracemalloc.Snapshot.load(path).leakhunt["forked"])
        """,
        waits=False,
    )
    assert told[-1] == str(not threads)
    said = any("no fork without those" in line for line in told)
    assert said is threads


def test_an_older_libc_forks_by_the_system_call(tmp_path: Path) -> None:
    """glibc before 2.34 and musl before 1.2.2 have no _Fork(): no handler is run all the same."""
    from tests.support.native import compiled

    compiled("fork_hooks", tmp_path)
    part = Path(fork.__file__).with_name("_fork.c")
    if not part.exists():
        pytest.skip("installed without leakhunt's sources")
    built = compiled(part.stem, tmp_path, part, "-D_Fork=no_such_function")
    told = program(
        tmp_path,
        f"""
        import importlib.util, tracemalloc
        spec = importlib.util.spec_from_file_location("leakhunt.hook.capture._fork", {str(built)!r})
        fork._fork = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(fork._fork)
        import fork_hooks
        fork_hooks.hangs_before()
        fork_hooks.hangs_in_child()
        leakhunt.install(start="boot", engine="exact")
        stop = threading.Event()
        thread = threading.Thread(target=stop.wait)
        thread.start()
        for _ in range(3):
            path = leakhunt.dump()
        stop.set()
        print(tracemalloc.Snapshot.load(path).leakhunt["forked"])
        """,
        waits=False,
    )
    assert told[-1] == "True"


# -- where there may be no child, or no folder --------------------------------------------------------


def test_with_a_live_subinterpreter_the_capture_is_made_in_place(tmp_path: Path) -> None:
    """A forked child would wait for ever (on 3.11), as one of os.fork() does."""
    told = program(
        tmp_path,
        """
        import tracemalloc
        try:
            import _xxsubinterpreters as interpreters
        except ImportError:
            import _interpreters as interpreters
        leakhunt.install(start="boot", engine="off")
        other = interpreters.create()
        path = leakhunt.dump()
        interpreters.destroy(other)
        print(tracemalloc.Snapshot.load(path).leakhunt["forked"])
        print(tracemalloc.Snapshot.load(leakhunt.dump()).leakhunt["forked"])
        """,
        waits=False,
    )
    assert told[-2:] == ["False", "True"]
    assert any("the process has subinterpreters" in line for line in told)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="namespaces(7)")
@pytest.mark.parametrize("light", ["off", "always"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_no_child_of_leakhunts_becomes_the_init_of_a_namespace(
    tmp_path: Path, when: str, light: str
) -> None:
    """With its end the worker could fork no more: unshare(2), CLONE_NEWPID."""
    told = program(
        tmp_path,
        f"""
        import ctypes
        def unshare():
            if ctypes.CDLL(None).unshare(0x20000000):
                print("refused")
                raise SystemExit
        if {when!r} == "before":
            unshare()
        leakhunt.install(start="boot", light={light!r}, summary=1)
        if {when!r} == "after":
            unshare()
        print(os.path.exists(leakhunt.dump()))
        number, goes = os.pipe(), os.pipe()
        pid = os.fork()
        if not pid:
            os.close(goes[1])  # whose other end goes with the parent: an init is deaf to SIGTERM
            os.write(number[1], str(os.getpid()).encode())
            os.read(goes[0], 1)
            os._exit(0)
        print(os.read(number[0], 10).decode())
        print(os.path.exists(leakhunt.dump()))
        os.write(goes[1], b".")
        os.waitpid(pid, 0)
        """,
        waits=False,
    )
    if told[-1] == "refused":
        pytest.skip("only root may make a pid namespace")
    assert [line for line in told if "leakhunt: " not in line] == ["True", "1", "True"]
    assert any("begin in another pid namespace" in line for line in told)


def test_without_a_folder_to_write_to_a_worker_starts_without_the_hook(tmp_path: Path) -> None:
    told = program(
        tmp_path,
        """
        import tempfile
        def none():
            raise FileNotFoundError(2, "No usable temporary directory found")
        tempfile.gettempdir = none
        del os.environ["LEAKHUNT_DIR"]
        os.environ["HOME"] = "/proc/nobody"
        import leakhunt.worker
        print("starts")
        try:
            leakhunt.install()
        except leakhunt.errors.SettingError as error:
            print(error)
        """,
        waits=False,
    )
    assert any("runs without the hook: there is no folder" in line for line in told)
    assert told[-2] == "starts"
    assert "set LEAKHUNT_DIR" in told[-1]


def test_a_worker_without_standard_error_starts_though_the_hook_does_not(tmp_path: Path) -> None:
    told = program(
        tmp_path,
        """
        sys.modules["leakhunt.hook.install"] = None
        sys.stderr = None
        import leakhunt.worker
        print("starts")
        """,
        waits=False,
    )
    assert told[-1] == "starts"


def test_a_child_that_hangs_ends_by_itself_whoever_is_left(tmp_path: Path) -> None:
    """Its process was killed meanwhile: nobody watches over it but the kernel and itself."""
    told = program(
        tmp_path,
        """
        capture.PATIENCE = 2
        fork.rest = lambda: None
        @contextlib.contextmanager
        def for_ever(folder):
            while True:
                signal.sigtimedwait((), 5.0)
            yield True
        capture.turns.turn = for_ever
        pid = os.fork()
        if not pid:
            leakhunt.install(start="boot")
            os.kill(os.getpid(), signal.SIGUSR1)
            until(lambda: current.hook().captures.under_way is not None)
            print(current.hook().captures.under_way.pid, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(pid, 0)
        """,
        waits=False,
    )
    child = int(told[-1])
    harness.until(lambda: not alive.runs(child), "the capture's child to end")
