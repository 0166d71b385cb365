"""The hook's parts, without a worker: settings, places, ownership, ledger, guard, keeping."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from leakhunt.engine.exact import Exact
from leakhunt.engine.interface import choose
from leakhunt.errors import CaptureError, SettingError
from leakhunt.hook import config
from leakhunt.hook.capture import capture, fork, own, spots
from leakhunt.hook.capture.sources import Sources
from leakhunt.hook.celery.ledger import Ledger
from leakhunt.hook.process import vitals
from leakhunt.hook.quiet import held, is_a_handlers
from leakhunt.hook.schedule import Schedule
from leakhunt.snapfile import folders
from leakhunt.snapfile.write import Run
from tests.support.places import ROOT

# -- settings ----------------------------------------------------------------------------


def test_defaults() -> None:
    found = config.settings({}, {"LEAKHUNT_DIR": "/tmp/x"})
    assert (found.signal, found.every, found.keep, found.fork) == (signal.SIGUSR1, 0, 16, True)
    assert (found.engine, found.nframe, found.start) == (None, None, None)
    assert found.dir == Path("/tmp/x")


def test_keywords_win_over_variables() -> None:
    environ = {"LEAKHUNT_EVERY": "100", "LEAKHUNT_RSS": "400MiB", "LEAKHUNT_SIGNAL": "usr2"}
    found = config.settings({"every": 7, "at_exit": True}, environ)
    assert (found.every, found.rss, found.at_exit) == (7, 400 << 20, True)
    assert found.signal == signal.SIGUSR2
    assert found.signal_name == "SIGUSR2"
    assert config.settings({"fork": False}, {"LEAKHUNT_FORK": "1"}).fork is False


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("signal", "SIGKILL", "meaning of its own"),
        ("signal", "SIGTERM", "meaning of its own"),
        ("signal", "SIGNOSUCH", "no such signal"),
        ("signal", "9999", "no such signal"),
        ("every", "often", "not a whole number"),
        ("every", "-1", "between 0"),
        ("interval", "12", "between 64 B and 1 GiB"),
        ("budget", "much", "not a share"),
        ("budget", "90%", "between 0.01% and 50%"),
        ("engine", "magic", "one of sampled, exact, off"),
        ("nframe", "0", "between 1"),
        ("start", "later", "one of signal, boot"),
        ("keep", "1", "cannot be compared"),
        ("rss", "lots", "not a size"),
        ("at_exit", "maybe", "use 1 or 0"),
    ],
)
def test_a_bad_value_names_its_variable(name: str, value: str, message: str) -> None:
    with pytest.raises(SettingError, match=message) as raised:
        config.settings({}, {f"LEAKHUNT_{name.upper()}": value})
    assert name in str(raised.value).lower()
    assert value in str(raised.value)


def test_an_unknown_keyword_is_refused() -> None:
    with pytest.raises(SettingError, match="no setting 'evry'"):
        config.settings({"evry": 3}, {})


# -- places ------------------------------------------------------------------------------


def test_the_state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    if sys.platform.startswith("linux"):
        assert folders.state_dir() == tmp_path / ".local" / "state" / "leakhunt"
        monkeypatch.setenv("XDG_STATE_HOME", "/srv/state")
        assert folders.state_dir() == Path("/srv/state/leakhunt")
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert folders.state_dir().name == f"leakhunt-{os.getuid()}"


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(SettingError, match="others may write"):
        folders.make_private(shared)
    made = folders.make_private(tmp_path / "a" / "b")
    assert made.stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match="cannot use"):
        folders.make_private(tmp_path / "file")


def test_names_sort_and_are_safe() -> None:
    assert folders.series_name("../../x y", 5, 0.0) == "_.._x_y-5-19700101T000000Z"
    names = [folders.snapshot_name(n, 1e9 + n, "signal") for n in (1, 9, 10, 100)]
    assert names == sorted(names)


# -- ownership ---------------------------------------------------------------------------

HERE = own.PACKAGE


def test_leakhunt_is_left_out_and_the_user_is_not() -> None:
    known = {"stdlib": ["/usr/lib/python3"], "site": ["/srv/site-packages"]}
    user = ("/srv/shop/tasks.py", 3)
    ours = (HERE + "hook/trigger.py", 9)
    stdlib = ("/usr/lib/python3/random.py", 1)
    launcher = (own.LAUNCHER, 40)

    def kept(*frames: tuple[str, int]) -> Any:
        runs: list[Run] = [((0, 8, frames, len(frames)), 2)]
        return [trace[2] for trace, _ in own.without_own(runs, own.judge(known))]

    assert kept(user) == [(user,)]
    assert kept(ours, user) == []
    assert kept(stdlib, ours, user) == []
    assert kept(("/srv/site-packages/psutil/__init__.py", 1), ours) == []
    assert kept(user, ours, user) == [(user, ours, user)]  # a handler chained behind ours
    assert kept(stdlib, user, ours) == [(stdlib, user, ours)]
    assert kept(user, launcher, ("<frozen runpy>", 1)) == [(user,)]
    assert kept(launcher) == []
    assert kept(stdlib, ours, launcher) == []


# -- explaining --------------------------------------------------------------------------


def test_functions_and_lines(tmp_path: Path) -> None:
    source = tmp_path / "shop.py"
    source.write_text(
        textwrap.dedent(
            """\
            CACHE = {}
            def outer():
                def inner():
                    return [n for n in range(3)]
                return inner()
            class Order:
                total = lambda self: 3
                def place(self):
                    CACHE[self] = self
            """
        )
    )
    frames = [(str(source), line) for line in (1, 2, 4, 5, 9, 400)]
    found = spots.spots(frames, 5.0, Sources(time.time() + 10), {})[str(source)]
    assert found[1] == ("<module>", "CACHE = {}")
    assert found[2] == ("<module>", "def outer():")
    assert found[4][0] in ("outer.inner", "outer.inner.<listcomp>")
    assert found[5] == ("outer", "return inner()")
    assert found[9] == ("Order.place", "CACHE[self] = self")
    assert found[400] == (None, None)


def test_a_changed_or_missing_source_is_left_out(tmp_path: Path) -> None:
    source = tmp_path / "shop.py"
    source.write_text("x = 1\n")
    frames = [(str(source), 1), ("<string>", 1), ("/no/such.py", 1)]
    assert spots.spots(frames, 5.0, Sources(time.time() - 3600), {}) == {}
    source.write_bytes(b"\xff\xfe broken \x00")
    assert spots.spots(frames, 5.0, Sources(time.time() + 10), {}) == {}


# -- ledger ------------------------------------------------------------------------------


def test_the_ledger_charges_growth_to_the_task_that_ended() -> None:
    ledger = Ledger()
    ledger.armed(100)
    traced = iter([150, 150, 190])
    for name in ("a", "b", "a"):
        ledger.count(name, lambda: next(traced))
    assert ledger.done == 3
    assert ledger.facts() == {"a": {"runs": 2, "kept": 90}, "b": {"runs": 1, "kept": 0}}


def test_the_ledger_keeps_no_growth_where_tasks_overlap() -> None:
    ledger = Ledger(alone=False)
    ledger.count("a", lambda: 5)
    assert ledger.facts() == {"a": {"runs": 1, "kept": None}}


# -- guard and keeping -------------------------------------------------------------------


def test_a_capture_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    for name, text in (
        ("max", "1000000\n"),
        ("current", "900000\n"),
        ("stat", "anon 5\ninactive_file 300\n"),
    ):
        (tmp_path / name).write_text(text)
    limit, usage, statistics = (str(tmp_path / name) for name in ("max", "current", "stat"))
    group = vitals.Cgroup(limit, usage, statistics, b"\ninactive_file ")
    assert group.left() == 100300
    needy = Exact()
    needy.bytes_needed = lambda: 100301  # type: ignore[method-assign]
    with pytest.raises(CaptureError, match="of memory is left"):
        capture.guard(needy, [group])
    needy.bytes_needed = lambda: 100300  # type: ignore[method-assign]
    capture.guard(needy, [group])
    (tmp_path / "max").write_text("max\n")
    assert group.left() is None


def test_the_first_and_the_newest_are_kept(tmp_path: Path) -> None:
    for number in range(1, 21):
        (tmp_path / f"{number:06d}-x.bin").write_text("")
    (tmp_path / ".000009-x.tmp").write_text("")
    capture.prune(tmp_path, 0)
    assert len(list(tmp_path.glob("*.bin"))) == 20
    capture.prune(tmp_path, 8)
    kept = [int(path.name[:6]) for path in sorted(tmp_path.iterdir())]
    assert kept == [1, 2, 15, 16, 17, 18, 19, 20]
    capture.prune(tmp_path, 2)
    assert [int(path.name[:6]) for path in sorted(tmp_path.iterdir())] == [1, 20]


# -- vitals ------------------------------------------------------------------------------


@pytest.mark.skipif(not vitals.LINUX, reason="reads /proc")
def test_vitals_agree_with_psutil() -> None:
    import psutil

    me = psutil.Process()
    found = vitals.memory()
    full = me.memory_full_info()
    assert found["rss"] == pytest.approx(full.rss, rel=0.05)
    assert found["uss"] == pytest.approx(full.uss, rel=0.05)
    assert found["pss"] == pytest.approx(full.pss, rel=0.05)
    assert vitals.started_at(os.getpid()) == pytest.approx(me.create_time(), abs=1.1)
    facts = vitals.process(os.getpid())
    assert facts["threads"] == me.num_threads()
    assert facts["open_files"] == pytest.approx(me.num_fds(), abs=2)
    assert facts["rss_peak"] >= found["rss"]
    assert vitals.catches(os.getpid(), signal.SIGINT) is True
    assert vitals.catches(os.getpid(), signal.SIGUSR2) is False


# -- signals -----------------------------------------------------------------------------


def test_what_a_held_signal_raises_leaves_the_block() -> None:
    seen = []

    def handler(signum: int, frame: object) -> None:
        seen.append("handled")
        raise TimeoutError

    def work() -> None:
        signal.raise_signal(signal.SIGUSR2)
        seen.append("inside")

    previous = signal.signal(signal.SIGUSR2, handler)
    try:
        with pytest.raises(TimeoutError) as raised:
            held(work)
        assert is_a_handlers(raised.value)
    finally:
        signal.signal(signal.SIGUSR2, previous)
    assert seen == ["inside", "handled"]


def test_no_signal_stays_held_however_early_one_strikes() -> None:
    """A time limit may fire in the very call that holds the signals back.

    And in the middle of the work, where other threads take signals that this one holds.
    """

    def handler(signum: int, frame: object) -> None:
        raise TimeoutError

    dice = random.Random(1)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    leave = threading.Event()
    other = threading.Thread(target=leave.wait)
    other.start()
    previous = signal.signal(signal.SIGALRM, handler)
    try:
        for _ in range(2000):
            with pytest.raises(TimeoutError):  # noqa: PT012 - wherever it strikes
                signal.setitimer(signal.ITIMER_REAL, 1e-6 + dice.random() * 1e-5)
                held(lambda: None)
                while True:
                    pass
            assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        leave.set()
        other.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# -- engines and imports -----------------------------------------------------------------


def test_an_engine_is_chosen_by_name() -> None:
    assert choose("exact").name == "exact"
    assert choose(None).name == choose("sampled").name
    assert (choose(None).name == "sampled") == (choose(None).why is None)
    assert choose("off").name == "off"


def test_stopping_is_refused_where_it_may_crash() -> None:
    engine = Exact()
    assert engine.stop_refused(1) is None
    safe = sys.version_info >= (3, 14) or sys.version_info[:3] >= {
        (3, 12): (3, 12, 9),
        (3, 13): (3, 13, 2),
    }.get(sys.version_info[:2], (9,))
    assert (engine.stop_refused(3) is None) == safe


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
    assert added <= {"tracemalloc", "_tracemalloc", "psutil"}, added


@pytest.mark.parametrize("every", [1, 3, 8, 100])
def test_every_n_tasks_is_jittered_and_never_early_by_more_than_an_eighth(
    every: int, tmp_path: Path
) -> None:
    schedule = Schedule(config.settings({"dir": str(tmp_path), "every": every}, {}))
    for multiple in range(1, 50):
        due = schedule.due
        assert 0 <= multiple * every - due <= every // 8
        assert schedule.after_task(due - 1) is None
        assert schedule.after_task(due) == "tasks"


@pytest.mark.skipif(not fork.exact(), reason="installed without leakhunt's C part")
def test_nobody_is_called_for_a_capture_and_no_lock_is_waited_for() -> None:
    """A signal may arrive while its thread holds a lock that a hook of os.fork() takes."""
    program = """
        import os, sys, threading
        from concurrent.futures import thread
        from leakhunt.hook.capture import fork
        lock, called = threading.Lock(), []
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release)
        os.register_at_fork(
            before=lambda: called.append("before"),
            after_in_parent=lambda: called.append("parent"),
            after_in_child=lambda: called.append("child"),
        )
        with lock, thread._global_shutdown_lock:
            pid, raw = fork.fork(list, 10)
            if pid == 0:
                os._exit(len(called))
        assert os.waitpid(pid, 0) == (pid, 0)
        assert called == []
        if os.fork() == 0:  # they are only put aside
            os._exit(called != ["before", "child"])
        assert os.wait()[1] == 0
        assert called == ["before", "parent"]
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, timeout=60)


def test_without_the_c_part_a_fork_that_would_wait_for_its_own_thread_is_refused() -> None:
    program = """
        import sys
        sys.modules["leakhunt.hook.capture._fork"] = None
        from concurrent.futures import thread
        from leakhunt.hook.capture import fork
        with thread._global_shutdown_lock:
            try:
                fork.fork(list, 10)
            except fork.ForkRefusedError as refused:
                print(refused)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        check=True, timeout=60, capture_output=True, text=True,
    )  # fmt: skip
    assert "without its C part" in done.stdout


def test_our_own_failures_are_not_taken_for_a_handlers() -> None:
    with pytest.raises(ValueError, match="ours") as raised:
        held(lambda: _fail("ours"))
    assert not is_a_handlers(raised.value)


def _fail(what: str) -> None:
    raise ValueError(what)
