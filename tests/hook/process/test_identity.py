"""Who a process is: its folder, its facts, and those that only itself can tell."""

from __future__ import annotations

import os
import sys

import pytest

from leakhunt.hook.process import alive, identity, vitals
from leakhunt.hook.process.identity import Process, Work
from leakhunt.hook.process.ledger import Ledger
from leakhunt.snapfile import folders


def test_its_folder_is_named_by_its_node_else_by_its_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node = Process("child", node="celery@web1")
    assert node.series == folders.series_name("celery@web1", os.getpid(), node.started_at)
    monkeypatch.setattr(sys, "argv", ["/srv/shop/manage.py", "run"])
    assert Process("program").series.startswith(f"manage-{os.getpid()}-")
    monkeypatch.setattr(sys, "argv", [""])
    assert Process("program").series.startswith(f"python-{os.getpid()}-")


def test_it_tells_itself_from_others() -> None:
    parent = Process("main", node="celery@web1", pool="prefork")
    parent.host = "web1"
    child = Process("child", parent, "celery@web1", "prefork", main=7)
    told = child.who()
    assert (told["host"], told["role"], told["node"], told["pool"]) == (
        "web1", "child", "celery@web1", "prefork",
    )  # fmt: skip
    assert (told["pid"], told["parent"]) == (os.getpid(), os.getppid())
    assert (told["ticks"], told["space"]) == (alive.start_ticks(os.getpid()), alive.space())
    assert child.main == 7


@pytest.mark.parametrize(
    ("pool", "one"),
    [("prefork", True), ("solo", True), (None, True), ("threads", False), ("gevent", False), ("eventlet", False)],
)  # fmt: skip
def test_growth_during_a_task_is_that_tasks_where_tasks_run_one_at_a_time(
    pool: str | None, one: bool
) -> None:
    assert Process("worker", pool=pool).runs_one_at_a_time is one


@pytest.mark.parametrize(
    ("limit", "cgroup", "limits"),
    [
        (None, None, {}),
        (200 << 20, None, {"max_memory_per_child": 200 << 20}),
        (None, 1 << 30, {"cgroup": 1 << 30}),
        (200 << 20, 1 << 30, {"max_memory_per_child": 200 << 20, "cgroup": 1 << 30}),
    ],
)
def test_its_limits_are_the_pools_and_the_control_groups(
    limit: int | None, cgroup: int | None, limits: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vitals, "memory_limit", lambda groups: cgroup)
    process = Process("child", work=Work(running=lambda: ["shop.take"], limit=lambda: limit))
    told = process.late_facts(Ledger())
    assert told["limits"] == limits
    assert told["running"] == ["shop.take"]
    assert told["tasks_done"] == 0
    assert told["frozen"] >= 0


def test_its_platform_is_told_without_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> str:
        raise ValueError("another libc")

    monkeypatch.setattr(os, "confstr", refused)
    system = os.uname()
    assert identity.software({}, [])["platform"] == "-".join(
        (system.sysname, system.release, system.machine)
    )
