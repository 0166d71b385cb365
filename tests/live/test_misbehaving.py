"""Programs that do what few programs should, beside a hook that they do not harm, and that does not harm them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from leakhunt.hook.capture import fork
from tests.live import harness
from tests.live.harness import leakhunt
from tests.live.test_odd_states import program, source
from tests.support.places import ROOT

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not fork.exact(), reason="installed without leakhunt's C part"),
]

#: A light capture as well as one that forks.
WAYS = ("off", "always")


def snapshots(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("snapshots/*/*.bin"))


@contextlib.contextmanager
def talking(folder: Path, text: str) -> Iterator[tuple[subprocess.Popen[str], IO[str], IO[str]]]:
    """As :func:`program`, while it runs: with what it prints, and what it is told."""
    with subprocess.Popen(
        [sys.executable, "-c", source(folder, text)], env=harness.environment(folder), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as started:  # fmt: skip
        assert started.stdout is not None
        assert started.stdin is not None
        yield started, started.stdout, started.stdin


# -- the stack, the interpreter's settings, functions that are others' ----------------------------


def test_a_task_that_is_as_deep_as_it_may_go_is_not_ended_by_a_signal(tmp_path: Path) -> None:
    """A handler that does nothing needs a call or two itself. What could not be done then is done after the
    next unit; a little higher the capture is made there, in whose child there is room.
    """
    told = program(
        tmp_path,
        """
        leakhunt.install(start="boot")
        hook = current.hook()
        def deep(calls, work):
            return work() if calls <= 0 else deep(calls - 1, work)
        def ended(signum, left):
            try:
                deep(sys.getrecursionlimit() - left - 2, lambda: signal.raise_signal(signum))
            except RecursionError:
                return left
        signal.signal(signal.SIGUSR2, lambda *_: None)
        def without(signum):
            return [left for left in range(1, 60) if ended(signum, left)]
        print(without(signal.SIGUSR1) == without(signal.SIGUSR2))
        until(lambda: hook.captures.under_way is None)
        hook.handlers.missed, hook.captures.failures = False, 0
        before = hook.answers.captures
        deep(sys.getrecursionlimit() - 8, lambda: signal.raise_signal(signal.SIGUSR1))
        print(hook.handlers.missed or hook.answers.captures > before)
        if hook.handlers.missed:
            leakhunt.count("unit")
        until(lambda: hook.captures.under_way is None)
        print(os.path.exists(deep(sys.getrecursionlimit() - 120, leakhunt.dump)))
        """,
        waits=False,
    )
    assert told[-3:] == ["True"] * 3


@pytest.mark.parametrize("light", WAYS)
def test_an_audit_hook_that_refuses_is_an_error_of_the_capture(tmp_path: Path, light: str) -> None:
    """And none of the task that a signal interrupts, of a unit that ends, or of another kind than is said."""
    told = program(
        tmp_path,
        f"""
        leakhunt.install(start="boot", light={light!r}, every=1)
        refuses = False
        def audit(event, args):
            if refuses and not event.startswith(("import", "compile", "exec", "object", "code", "sys.unraisable")):
                raise RuntimeError("not here: " + event)
        sys.addaudithook(audit)
        refuses = True
        signal.raise_signal(signal.SIGUSR1)  # os.kill is audited itself
        leakhunt.count("unit")
        with leakhunt.unit("another"):
            pass
        try:
            leakhunt.dump()
            said = "written"
        except CaptureError as error:
            said = str(error)
        refuses = False
        print("not here" in said or said)
        print(os.path.exists(leakhunt.dump()))
        """,
        waits=False,
    )
    assert told[-1] == "True"
    assert told[-2] in ("True", "written")


@pytest.mark.parametrize("light", WAYS)
def test_functions_that_tools_replace_are_not_called(tmp_path: Path, light: str) -> None:
    """gevent and eventlet replace these by green ones, others by ones that count, forbid or pretend."""
    told = program(
        tmp_path,
        f"""
        import builtins, io, socket, subprocess, select
        leakhunt.install(start="boot", light={light!r})
        def not_to_be_called(*_, **__):
            raise SystemError("called")
        held = {{}}
        for module, names in (
            (builtins, "open print"), (io, "open"), (time, "sleep"), (subprocess, "Popen run"),
            (socket, "socket gethostname"), (select, "select poll"),
            (os, "open read write close fdopen waitpid kill fork posix_spawn dup dup2 pipe mkdir unlink rename "
                 "fsync lseek listdir _exit"),
        ):
            for name in names.split():
                held[module, name] = getattr(module, name)
                setattr(module, name, not_to_be_called)
        path = leakhunt.dump()
        for (module, name), function in held.items():
            setattr(module, name, function)
        print(os.path.exists(path))
        """,
        waits=False,
    )
    assert told[-1] == "True"


def test_what_nobody_expects_in_the_child_is_said(tmp_path: Path) -> None:
    """Before and after the capture proper as well: its process never ends without a word."""
    told = program(
        tmp_path,
        """
        leakhunt.install(start="boot")
        @contextlib.contextmanager
        def turn(folder):
            raise ZeroDivisionError("who would have thought")
            yield True
        capture.turns.turn = turn
        try:
            leakhunt.dump()
        except CaptureError as error:
            print(error)
        """,
        waits=False,
    )
    assert told[-1] == "no snapshot: ZeroDivisionError: who would have thought"


MODES: dict[str, tuple[list[str], dict[str, str]]] = {
    "warnings are errors": (["-W", "error"], {}),
    "development mode": ([], {"PYTHONDEVMODE": "1"}),
    "debug allocators": ([], {"PYTHONMALLOC": "debug"}),
    "malloc alone": ([], {"PYTHONMALLOC": "malloc"}),
    "import times": (["-X", "importtime"], {}),
    "optimized": (["-OO"], {}),
    "an ASCII locale": ([], {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
}


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_of_the_interpreter_changes_nothing(tmp_path: Path, mode: str) -> None:
    options, variables = MODES[mode]
    (tmp_path / "odd.py").write_text(
        "def make():\n    '\\d' is 1\n    return [bytearray(900) for _ in range(900)]\n"
    )
    text = """
        import sys, warnings
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import odd
        import leakhunt
        leakhunt.install(start="boot")
        kept = odd.make()
        path = leakhunt.dump()
        import tracemalloc
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            facts = tracemalloc.Snapshot.load(path).leakhunt
        print(facts["walks"], any("odd.py" in file for file in facts["frames"]))
    """
    environment = harness.environment(tmp_path, **variables)
    environment["PYTHONPATH"] += os.pathsep + str(tmp_path)
    del environment["PYTHONWARNINGS"]
    done = subprocess.run(
        [sys.executable, *options, "-c", textwrap.dedent(text)],
        env=environment, capture_output=True, text=True, timeout=harness.HANGS,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "{} True\n"), done.stderr
    if mode != "import times":
        assert "leakhunt" not in done.stderr, done.stderr


def test_without_streams_of_pythons_nothing_is_said_and_all_goes_on(tmp_path: Path) -> None:
    program(
        tmp_path,
        """
        sys.stdin = sys.stdout = sys.stderr = sys.__stdin__ = sys.__stdout__ = sys.__stderr__ = None
        leakhunt.install(start="boot")
        leakhunt.dump()
        os.kill(os.getpid(), signal.SIGUSR1)
        until(lambda: current.hook().answers.captures == 2)
        """,
        waits=False,
    )
    assert len(snapshots(tmp_path)) == 2


# -- descriptors, files and folders ------------------------------------------------------------------


@pytest.mark.parametrize("light", WAYS)
def test_no_file_of_the_programs_is_closed(tmp_path: Path, light: str) -> None:
    """A program closes all descriptors (a daemon does) while a capture and a judgement are under way, and opens
    its own, which get their numbers.
    """
    told = program(
        tmp_path,
        f"""
        leakhunt.install(start="boot", summary=1, light={light!r}, engine="sampled")
        hook = current.hook()
        lost, mine = 0, []
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGUSR1)
            os.closerange(3, 500)
            mine = [os.open("mine", os.O_RDWR | os.O_CREAT) for _ in range(100)]
            taken = hook.answers.captures
            until(lambda: hook.captures.poll() or hook.captures.under_way is None)
            os.closerange(3, 500)
            mine = [os.open("mine", os.O_RDWR | os.O_CREAT) for _ in range(100)]
            until(lambda: leakhunt.count("unit") or not hook.summary._child)
            for each in mine:
                try:
                    os.fstat(each)
                except OSError:
                    lost += 1
        print(lost, hook.answers.captures, hook.answers.last.problem)
        """,
        waits=False,
    )
    assert told[-1].startswith("0 3 None"), told


@pytest.mark.parametrize("mask", [0o777, 0])
def test_files_are_their_owners_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    """Nothing for others, and for whoever runs the console all that it takes to read."""
    program(
        tmp_path,
        f"""
        os.umask({mask})
        leakhunt.install(start="boot")
        leakhunt.dump()
        modes = [os.stat(each).st_mode & 0o777 for folder, _, names in os.walk("snapshots")
                 for each in (folder, *(os.path.join(folder, name) for name in names))]
        os.umask(0o22)
        with open("modes", "w") as file:
            print(*map(oct, sorted(modes)), file=file)
        """,
        waits=False,
    )
    assert set((tmp_path / "modes").read_text().split()) == {"0o600", "0o700"}


def test_a_process_whose_folder_was_removed_is_still_asked(tmp_path: Path) -> None:
    """And makes it again; after a unit without having been asked."""
    text = """
        leakhunt.install(start="boot")
        print(os.getpid(), flush=True)
        for line in sys.stdin:
            leakhunt.count("unit")
            print("counted", flush=True)
    """
    with talking(tmp_path, text) as (_, heard, said):
        pid = heard.readline().strip()
        shutil.rmtree(tmp_path / "snapshots")
        done = leakhunt(tmp_path, "dump", pid)
        assert (done.returncode, len(snapshots(tmp_path))) == (0, 1), done.stderr
        shutil.rmtree(tmp_path / "snapshots")
        said.write("once\n")
        said.flush()
        assert heard.readline() == "counted\n"
        assert list(tmp_path.glob("snapshots/processes/*.json"))
        said.close()


@pytest.mark.parametrize("light", WAYS)
@pytest.mark.parametrize("most", [100, 18000])
def test_a_limit_of_files_ends_nobody_who_does_not_ignore_its_signal(
    tmp_path: Path, light: str, most: int
) -> None:
    told = program(
        tmp_path,
        f"""
        import resource
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        leakhunt.install(start="boot", engine="sampled", light={light!r})
        import asyncio, email.mime.text, xml.dom.minidom  # many lines that keep memory
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, hard))
        try:
            leakhunt.dump()
            said = "written"
        except CaptureError as error:
            said = str(error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        print(said)
        print(os.path.exists(leakhunt.dump()), current.hook().presence.unwritable)
        """,
        waits=False,
    )
    assert "File too large" in told[-2] or (told[-2] == "written" and most > 10000)
    assert told[-1] == "True None"


# -- signals and time ----------------------------------------------------------------------------------


@pytest.mark.parametrize("instead", ["SIG_DFL", "SIG_IGN"])
def test_the_end_of_a_capture_is_heard_though_sigchld_was_taken_meanwhile(
    tmp_path: Path, instead: str
) -> None:
    """By another signal: else an idle process would never answer whoever has asked."""
    told = program(
        tmp_path,
        f"""
        leakhunt.install(start="boot")
        os.kill(os.getpid(), signal.SIGUSR1)
        until(lambda: os.path.exists(GO + ".waiting"))
        assert not current.hook().captures.under_way.order.notify
        signal.signal(signal.SIGCHLD, signal.{instead})
        go()
        until(lambda: current.hook().answers.captures)
        print(os.path.exists(current.hook().answers.last.path), signal.getsignal(signal.SIGCHLD) == signal.{instead})
        """,
    )
    assert told[-1] == "True True"


def test_a_clock_that_is_set_back_makes_no_growth_negative(tmp_path: Path) -> None:
    told = program(
        tmp_path,
        """
        leakhunt.install(start="boot")
        real, kept, off = time.time, [], 0
        time.time = lambda: real() + off
        for off in (0, -86400, 3600, -7200):
            kept += [bytearray(4000) for _ in range(2000)]
            path = leakhunt.dump()
        print(os.path.dirname(path))
        """,
        waits=False,
    )
    assert len(snapshots(tmp_path)) == 4
    for command in ("trend", "verdict", "diff", "top"):
        done = leakhunt(tmp_path, command, told[-1])
        assert done.returncode in (0, 1), done.stderr
        assert "Traceback" not in done.stderr
        assert " -" not in done.stdout.replace(" - ", ""), done.stdout


def test_a_task_that_leaves_at_once_leaves_its_capture_to_end_by_itself(tmp_path: Path) -> None:
    """os._exit() in a pool child: the main process makes another, and nothing is left of either."""
    with harness.worker(tmp_path, "-c", "1", SHOP_SLOW="5") as worker:
        child = worker.hooked("child")[0]
        worker.send("crash")
        os.kill(child["pid"], signal.SIGUSR1)
        worker.until(
            lambda: [each for each in worker.records() if each["role"] == "child" and each["pid"] != child["pid"]],
            "another child",
        )  # fmt: skip
        assert worker.do("leak", 3) == 3


# -- limits and tracers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("light", WAYS)
@pytest.mark.parametrize("hard", [False, True])
def test_little_address_space_is_no_harm(tmp_path: Path, light: str, hard: bool) -> None:
    """A limit that the process could lift is lifted for the child; else there is one sentence, or a snapshot."""
    told = program(
        tmp_path,
        f"""
        import resource
        leakhunt.install(start="boot", engine="sampled", light={light!r})
        leakhunt.dump()
        with open("/proc/self/statm") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
        before = resource.getrlimit(resource.RLIMIT_AS)
        for mebibytes in (64, 8, 1):
            limit = now + (mebibytes << 20)
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit if {hard} else before[1]))
            try:
                leakhunt.dump()
                print("written")
            except CaptureError as error:
                print(error)
        print("goes on", len([str(n) for n in range(1000)]))
        """,
        waits=False,
    )
    told = [line for line in told if not line.startswith("leakhunt: ")]
    expected = {"written", "no snapshot: no memory for its process"} if hard else {"written"}
    assert told[-1] == "goes on 1000"
    assert set(told[-4:-1]) <= expected, told
    assert told[-4] == "written"


@contextlib.contextmanager
def traced(pid: int, follow: bool) -> Iterator[None]:
    """As ``strace -p PID`` and ``strace -f -p PID`` do: whatever stops goes on."""
    source = f"""
        import ctypes, os, signal
        libc = ctypes.CDLL(None, use_errno=True)
        libc.ptrace.argtypes = [ctypes.c_long] * 4
        SEIZE, CONT, LISTEN = 0x4206, 7, 0x4208
        if libc.ptrace(SEIZE, {pid}, 0, {0b11110 if follow else 0}):
            print("refused", flush=True)
            raise SystemExit
        print("traces", flush=True)
        while True:
            try:
                pid, status = os.waitpid(-1, 0x40000000)
            except ChildProcessError:
                break
            if os.WIFSTOPPED(status):
                number, event = os.WSTOPSIG(status), status >> 16
                stays = event == 128 and number in (signal.SIGSTOP, signal.SIGTSTP)
                libc.ptrace(LISTEN if stays else CONT, pid, 0, 0 if event else number)
    """
    tracer = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(source)], stdout=subprocess.PIPE, text=True
    )
    assert tracer.stdout is not None
    try:
        if tracer.stdout.readline() != "traces\n":
            pytest.skip("nobody may trace here")
        yield
        tracer.wait(harness.HANGS)
    finally:
        tracer.kill()
        tracer.wait()
        tracer.stdout.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ptrace(2)")
@pytest.mark.parametrize("light", WAYS)
@pytest.mark.parametrize("follow", [False, True])
def test_under_a_tracer_all_is_as_it_is_without(tmp_path: Path, light: str, follow: bool) -> None:
    text = f"""
        leakhunt.install(start="boot", light={light!r})
        stop = threading.Event()
        threading.Thread(target=stop.wait).start()
        print("ready", flush=True)
        sys.stdin.readline()
        paths = [leakhunt.dump()]
        os.kill(os.getpid(), signal.SIGUSR1)
        until(lambda: current.hook().answers.captures == 2)
        paths.append(current.hook().answers.last.path)
        stop.set()
        import tracemalloc
        facts = [tracemalloc.Snapshot.load(each).leakhunt for each in paths]
        print([(each["light"], each["threads"] >= 2) for each in facts])
    """
    with talking(tmp_path, text) as (started, heard, _):
        assert heard.readline() == "ready\n"
        with traced(started.pid, follow):
            out, _ = started.communicate("go\n", timeout=harness.HANGS)
    light_ones = light == "always"
    assert (started.returncode, out) == (0, f"[({light_ones}, True), ({light_ones}, True)]\n")


@pytest.mark.parametrize("preload", [False, True])
def test_processes_of_a_forkserver(tmp_path: Path, preload: bool) -> None:
    """Each has its own series, whether it installs the hook or has it from the server."""
    (tmp_path / "served.py").write_text(
        "import leakhunt, os\n"
        + ("leakhunt.install(start='boot')\n" if preload else "")
        + "def work(told):\n"
        + ("" if preload else "    leakhunt.install(start='boot')\n")
        + "    kept = [bytearray(1000) for _ in range(1000)]\n"
        "    told.put((os.getpid(), leakhunt.dump()))\n"
    )
    (tmp_path / "main.py").write_text(
        "import multiprocessing, leakhunt\n"
        "if __name__ == '__main__':\n"
        "    leakhunt.install(start='boot')\n"
        "    context = multiprocessing.get_context('forkserver')\n"
        "    context.set_forkserver_preload(['served'])\n"
        "    import served\n"
        "    told = context.Queue()\n"
        "    each = [context.Process(target=served.work, args=(told,)) for _ in range(3)]\n"
        "    for one in each:\n"
        "        one.start()\n"
        "    paths = [told.get() for _ in each]\n"
        "    for one in each:\n"
        "        one.join()\n"
        "    print([one.exitcode for one in each], len({path.split('-')[-3] for _, path in paths}),\n"
        "          all(f'-{pid}-' in path for pid, path in paths), bool(leakhunt.dump()))\n"
    )
    done = subprocess.run(
        [sys.executable, "main.py"], cwd=tmp_path, timeout=harness.HANGS, capture_output=True, text=True,
        env=harness.environment(tmp_path, PYTHONPATH=os.pathsep.join([str(ROOT), str(tmp_path)])),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[0, 0, 0]"), done.stdout
    assert done.stdout.endswith("True True\n"), done.stdout


@pytest.mark.skipif(
    os.getuid() != 0
    or shutil.which("unshare") is None
    or subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode != 0,
    reason="only root may mount",
)
def test_a_disk_that_fills_up_in_the_middle_of_a_write(tmp_path: Path) -> None:
    """One sentence, nothing torn, and when there is room again the next is written."""
    text = """
        leakhunt.install(start="boot", engine="exact")
        import asyncio, email.mime.text, xml.dom.minidom  # many lines that keep memory
        ballast = os.open("snapshots/ballast", os.O_WRONLY | os.O_CREAT)
        def fill(left):
            status = os.statvfs("snapshots")
            with contextlib.suppress(OSError):
                os.write(ballast, bytes(max(0, status.f_bavail * status.f_bsize - left)))
        fill(20000)
        try:
            print(leakhunt.dump())
        except CaptureError as error:
            print(error)
        print(sorted(os.listdir(current.hook().state.series)))
        os.ftruncate(ballast, 0)
        print(os.path.exists(leakhunt.dump()), current.hook().presence.unwritable)
    """
    (tmp_path / "program.py").write_text(source(tmp_path, text))
    (tmp_path / "snapshots").mkdir(mode=0o700)
    script = 'mount -t tmpfs -o size=4m,mode=700 none snapshots && exec "$0" program.py'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, sys.executable],
        cwd=tmp_path, env=harness.environment(tmp_path), capture_output=True, text=True, timeout=harness.HANGS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    assert "No space left on device" in told[-3], told
    assert told[-2:] == ["[]", "True None"]
