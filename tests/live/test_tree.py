"""Which process is what: told by command lines, forks and the hook's word, over made-up tables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from leakhunt.live import memory, table, tree
from leakhunt.live.descriptors import Opened
from leakhunt.live.processes import Hooked
from leakhunt.live.rounds import Rounds
from leakhunt.live.table import Line
from leakhunt.live.tree import View
from leakhunt.model.process import Celery, Identity, Memory

WORKER = ("/usr/bin/python", "-m", "celery", "-A", "proj", "worker", "-c", "2")
PIPES, NO_PIPES = Opened(2, 1, 1, {}), Opened(1, 1, 0, {})


def line(
    pid: int,
    parent: int = 1,
    argv: tuple[str, ...] = WORKER,
    forked: bool | None = True,
    is_copy: bool = False,
    stack: int = 0,
) -> Line:
    return Line(
        Identity(pid, pid * 10), parent, argv, uid=0, state="S", cpu=0.0, started_at=0.0, threads=1,
        forked_only=forked, is_copy=is_copy, stack=stack,
    )  # fmt: skip


def carrier(pid: int, **record: Any) -> Hooked:
    return Hooked(pid, "/nowhere", {"pid": pid, "role": None, **record})


def view(*lines: Line, hooked: tuple[Hooked, ...] = (), **said: Celery) -> View:
    """``said``: what a command line says, by ``pid10=``; a worker's where nothing is given."""
    told = {
        each.identity.pid: said.get(f"pid{each.identity.pid}", Celery("worker", "w@h", pool="prefork"))
        for each in lines
        if "celery" in " ".join(each.argv) or f"pid{each.identity.pid}" in said
    }  # fmt: skip
    return View(
        {each.identity.pid: each for each in lines}, told, {each.pid: each for each in hooked}, {},
        told=lambda pid: b"",
    )  # fmt: skip


def roles(shown: View, opened: Opened = PIPES) -> dict[int, str]:
    return {
        pid: tree.role(pid, shown, opened)
        for pid in shown.lines
        if pid in shown.said or pid in shown.hooked
    }


def test_a_worker_and_its_forks() -> None:
    shown = view(line(10, forked=False), line(11, 10), line(12, 10), line(13, 12))
    assert roles(shown) == {10: "main", 11: "child", 12: "child", 13: "fork"}


@pytest.mark.parametrize("pool", sorted(tree.IN_PROCESS))
def test_in_pools_without_children_tasks_fork(pool: str) -> None:
    worker = Celery("worker", "w@h", pool=pool)
    shown = view(line(10, forked=False), line(11, 10), pid10=worker, pid11=worker)
    assert roles(shown) == {10: "main", 11: "fork"}
    assert roles(view(line(10, forked=False), pid10=worker)) == {10: "worker"}


def test_a_child_that_init_has_adopted_is_an_orphan_and_a_detached_worker_is_not() -> None:
    """Both have a worker's command line and init for a parent: only one was forked from a worker."""
    assert roles(view(line(11, 1))) == {11: "orphan"}
    assert roles(view(line(10, 1, forked=False))) == {10: "main"}
    # Where the kernel does not say, nothing is called an orphan, which would be ended.
    assert roles(view(line(10, 1, forked=None))) == {10: "main"}


def test_a_detached_main_process_with_children_is_no_orphan() -> None:
    """It forked itself from a worker's start, and has never run another program."""
    assert roles(view(line(10, 1), line(11, 10))) == {10: "main", 11: "child"}


@pytest.mark.parametrize("pool", sorted(tree.IN_PROCESS))
def test_a_forked_worker_without_a_pool_of_processes_is_no_orphan(pool: str) -> None:
    shown = view(line(10, 1), pid10=Celery("worker", "w@h", pool=pool))
    assert roles(shown) == {10: "worker"}


def test_two_workers_started_alike_by_one_shell_are_two_trees() -> None:
    shell = line(5, 1, ("bash",), forked=False)
    first, second = line(10, 5, forked=False), line(20, 5, forked=False)
    assert roles(view(shell, first, line(11, 10), second, line(21, 20))) == {
        10: "main", 11: "child", 20: "main", 21: "child",
    }  # fmt: skip


def test_a_worker_that_a_task_starts_is_no_fork_of_it() -> None:
    other = (*WORKER, "-n", "other")
    shown = view(line(10, forked=False), line(11, 10), line(30, 11, other, forked=False))
    assert roles(shown)[30] == "main"


def test_titles_name_their_node() -> None:
    """With setproctitle the command line is a title, the same for no two processes."""
    main, child = ("[celeryd: a@h:MainProcess]",), ("[celeryd: a@h:ForkPoolWorker-1]",)
    shown = view(
        line(10, 1, main, forked=False), line(11, 10, child), line(12, 10, child),
        pid10=Celery("worker", "a@h", pool="prefork"),
        pid11=Celery("child", "a@h", pool="prefork"),
        pid12=Celery("child", "b@h", pool="prefork"),
    )  # fmt: skip
    assert roles(shown) == {10: "main", 11: "child", 12: "orphan"}


def test_a_spawned_child_has_no_node_and_belongs_to_its_parent() -> None:
    spawned = ("python", "-c", "from billiard.spawn import spawn_main", "celery")
    child, tracker = Celery("child", pool="prefork"), Celery("tracker")
    shown = view(
        line(10, forked=False), line(11, 10, spawned, False), line(12, 10, spawned, False),
        pid11=child, pid12=tracker,
    )  # fmt: skip
    assert roles(shown) == {10: "main", 11: "child", 12: "tracker"}
    assert roles(view(line(11, 1, spawned, False), pid11=child)) == {11: "orphan"}


def test_the_embedded_beat_looks_like_a_child_but_for_its_pipes() -> None:
    worker = Celery("worker", "w@h", pool="prefork", has_beat=True)
    shown = view(line(10, forked=False), line(11, 10), pid10=worker, pid11=worker)
    assert roles(shown)[11] == "child"
    assert roles(shown, NO_PIPES)[11] == "beat"
    # What this user may not see is not taken for a sign.
    assert tree.role(11, shown, None) == "child"
    without = view(line(10, forked=False), line(11, 10))
    assert roles(without, NO_PIPES)[11] == "child"


def test_a_captures_child_is_no_child_of_the_pool_and_no_beat() -> None:
    """It was forked like one, from the main process, and has no pipes."""
    worker = Celery("worker", "w@h", pool="prefork", has_beat=True)
    lines = (line(10, forked=False), line(11, 10), line(12, 10, is_copy=True))
    shown = view(*lines, pid10=worker, pid11=worker, pid12=worker)
    for opened in (PIPES, NO_PIPES):
        assert roles(shown, opened)[12] == "fork"
    assert roles(shown)[11] == "child"


def test_a_captures_child_whose_parent_has_ended_is_no_orphan_and_makes_none_a_worker() -> None:
    """It ends by itself. A pool child that has one is a pool child still."""
    assert roles(view(line(12, 1, is_copy=True))) == {12: "fork"}
    assert roles(view(line(11, 1), line(12, 11, is_copy=True))) == {11: "orphan", 12: "fork"}


def test_the_hooks_word_counts_first() -> None:
    lines = (line(10, forked=False), line(11, 10))
    assert roles(view(*lines, hooked=(carrier(11, role="main"),)))[11] == "main"
    assert roles(view(*lines, hooked=(carrier(11, role="child"),)))[11] == "child"
    assert roles(view(line(11, 1), hooked=(carrier(11, role="child"),)))[11] == "orphan"


def test_a_hooked_child_of_a_program_that_starts_a_worker_in_itself_is_no_orphan() -> None:
    """``app.worker_main(…)``: no command line there is Celery's, and the child knows its main process."""
    program = ("python", "service.py")
    child = carrier(11, role="child", main=10)
    alive = (line(10, argv=program, forked=False), line(11, 10, program))
    assert roles(view(*alive, hooked=(carrier(10, role="main"), child))) == {
        10: "main",
        11: "child",
    }
    gone = (line(1, 0, ("init",)), line(11, 1, program))
    assert roles(view(*gone, hooked=(child,))) == {11: "orphan"}


def test_a_child_whose_main_process_calls_itself_something_else_is_no_orphan() -> None:
    """A fork has the stack of its parent, and what has adopted an orphan another one's."""
    title = ("[celeryd: a@h:ForkPoolWorker-1]",)
    child = Celery("child", "a@h", pool="prefork")
    for stack, role in ((4096, "child"), (8192, "orphan"), (0, "orphan")):
        parent = line(10, 1, ("our title",), forked=False, stack=stack)
        forked = line(11, 10, title, stack=4096 if stack else 0)
        assert roles(view(parent, forked, pid11=child)) == {11: role}
    # A program of its own, whatever its stack.
    other = line(11, 10, title, forked=False, stack=4096)
    assert roles(view(line(10, 1, ("x",), stack=4096), other, pid11=child)) == {11: "orphan"}


def test_a_worker_that_a_supervisor_forks_and_runs_itself_is_no_orphan() -> None:
    """It has never run another program, and has no child yet (or just none, with one to be replaced)."""
    title = ("[celeryd: a@h:MainProcess]",)
    main = Celery("worker", "a@h", pool="prefork", is_titled=True)
    assert roles(view(line(10, 1, title), pid10=main)) == {10: "main"}
    supervisor = line(5, 1, ("python", "supervisor.py"), forked=False, stack=4096)
    assert roles(view(supervisor, line(10, 5, stack=4096))) == {10: "main"}
    assert roles(view(supervisor, line(10, 5, stack=8192))) == {10: "orphan"}


def test_beat_and_flower_are_what_their_command_says_though_they_carry_the_hook() -> None:
    for role in ("beat", "flower"):
        shown = view(line(10), hooked=(carrier(10, role="program"),), pid10=Celery(role))
        assert roles(shown) == {10: role}


def test_any_other_hooked_process_is_a_program() -> None:
    shown = view(line(10, argv=("python", "job.py")), hooked=(carrier(10),))
    assert roles(shown) == {10: "program"}


def test_parents_in_a_circle_are_not_followed_for_ever() -> None:
    """A pid that was given anew while the table was read may be anybody's parent."""
    assert set(roles(view(line(10, 11), line(11, 10))).values()) == {"fork"}


def test_what_is_said_of_a_child_is_its_mains_and_the_hooks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shown = view(
        line(10, forked=False), line(11, 10), line(40, argv=("python", "job.py")),
        hooked=(carrier(11, role="child", node="real@h", pool="prefork", main=10, series="/s",
                        engine="exact", signal=12, heard="heard"),
                carrier(40, role="program", node=None, signal=10, heard="taken")),
        pid10=Celery("worker", None, "proj", "prefork", "2"), pid11=Celery("worker"),
    )  # fmt: skip
    monkeypatch.setattr(tree, "_view", lambda *_: shown)
    monkeypatch.setattr(memory, "counted", lambda *_: Memory(rss=1 << 20))
    monkeypatch.setattr(memory, "limit", lambda *_: (1 << 30, "/group"))
    monkeypatch.setattr(memory, "signals", lambda *_: (False, False))
    main, child, program = tree.celery_processes(tmp_path)
    assert (main.role, main.hooked, main.signal, main.signal_name) == (
        "main",
        False,
        "none",
        "SIGUSR1",
    )
    assert child.celery == Celery("worker", "real@h", "proj", "prefork", "2")
    assert (child.role, child.main, child.series, child.engine) == ("child", 10, "/s", "exact")
    assert (child.signal_name, child.limit, child.group) == ("SIGUSR2", 1 << 30, "/group")
    assert (program.celery, program.signal, program.readable) == (None, "taken", False)


def test_who_asks_is_not_told_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`leakhunt run -m celery worker` is Celery's; a console that looks is not."""
    me = os.getpid()
    shown = view(line(me), line(10, forked=False))
    monkeypatch.setattr(tree, "_view", lambda *_: shown)
    monkeypatch.setattr(memory, "counted", lambda *_: Memory(rss=1 << 20))
    assert [each.identity.pid for each in tree.celery_processes(tmp_path)] == [10]


def test_a_user_that_only_a_container_knows_is_a_number() -> None:
    assert tree.user_name(0) == "root"
    assert tree.user_name(3_999_999_999) == "3999999999"


def test_the_machine_is_this_one() -> None:
    now = tree.machine()
    assert now.cores == os.cpu_count()
    assert now.total == memory.total()


def test_a_process_that_has_ended_since_the_table_was_read_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no memory any more, and is nobody's that only another user could look at."""
    gone, own = 2**22 + 1, os.getppid()
    lines = {pid: line(pid) for pid in (gone, own)}
    monkeypatch.setattr(table, "table", lambda: lines)
    for rounds in (None, Rounds()):
        assert [each.pid for each in tree.celery_processes(tmp_path, rounds=rounds)] == [own]
