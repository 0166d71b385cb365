"""What is wrong with a process, from processes made up for it: either side of each limit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leakhunt.model.process import Celery, Process
from leakhunt.report.problems import Problem, crowds, problems
from tests.support.fleet import MIB, NOW, machine, process


def wrong(*processes: Process) -> dict[int, list[Problem]]:
    """Of those that stand beside each other."""
    told = {each.pid: list(problems(each, processes, machine())) for each in processes}
    return {pid: each for pid, each in told.items() if each}


def codes(*processes: Process) -> dict[int, list[str]]:
    return {pid: [each.code for each in told] for pid, told in wrong(*processes).items()}


def test_healthy_children_have_no_problem() -> None:
    assert codes(process(11), process(12), process(13)) == {}


def test_an_orphan_says_what_it_holds() -> None:
    (problem,) = wrong(process(11, "orphan", uss=38, open_files=12, sockets=3, main=10))[11]
    assert problem.what == (
        "an orphan: its main process 10 is gone, process 1 has adopted it and it still holds "
        "38.0 MiB that nobody else uses, 12 open files, 3 sockets among them"
    )


def test_an_outsized_child_is_held_against_the_youngest_beside_it() -> None:
    found = (process(11, uss=200, age=7200), process(12, uss=40, age=60), process(13, uss=60))
    assert codes(*found) == {11: ["outsized"]}
    assert "5 times" in wrong(*found)[11][0].what
    small = (process(11, uss=20), process(12, uss=4))
    assert codes(*small) == {}


@pytest.mark.parametrize(
    ("since", "last", "finished", "is_hung"),
    [(300, 5, 20, True), (300, 400, 20, False), (30, 5, 20, False), (300, 5, 3, False)],
)
def test_a_hung_child(since: float, last: float, finished: int, is_hung: bool) -> None:
    found = (
        process(11, pulse=(4, 2.0, NOW - since - 1, "proj.sync", NOW - since)),
        process(12, pulse=(finished, 0.5 * finished, NOW - last, None, None)),
    )
    assert codes(*found) == ({11: ["hung"]} if is_hung else {})


def test_a_task_that_takes_long_as_a_rule_is_not_hung() -> None:
    found = (
        process(11, pulse=(4, 400.0, NOW - 301, "proj.sync", NOW - 300)),
        process(12, pulse=(20, 2000.0, NOW - 5, None, None)),
    )
    assert codes(*found) == {}


def test_a_hook_that_lost_its_signal() -> None:
    found = (process(11, hooked=True, signal="none"), process(12, hooked=True, signal="heard"))
    assert codes(*found) == {11: ["deaf"]}


def test_a_peak_above_the_limit_per_child() -> None:
    limited = Celery("worker", "w@h", max_memory_per_child=100 * MIB)
    found = (process(11, peak=120, rss=60, celery=limited), process(12, peak=90, celery=limited))
    assert codes(*found) == {11: ["over-limit"]}


def test_too_many_children_are_told_from_a_leak() -> None:
    def worker(sizes: list[tuple[float, float]], concurrency: str | None = None) -> list[Problem]:
        celery = Celery("worker", "w@h", "proj", "prefork", concurrency)
        children = [
            process(20 + n, uss=uss, pss=uss + 10, rss=uss + 60, age=age, celery=celery)
            for n, (uss, age) in enumerate(sizes)
        ]
        return list(
            crowds(
                [process(10, "main", celery=celery), *(replace(c, parent=10) for c in children)],
                machine(1000),
            )
        )

    (flat,) = worker([(220, 9000), (222, 8000), (221, 60), (220, 7000)])
    assert flat.what.startswith(
        "w@h: 4 children of 280.5 MiB RSS (230.5 MiB PSS) are 923.0 MiB, 92 % of"
    )
    assert "no leak" in flat.what
    assert "unless the app sets worker_concurrency" in flat.todo
    assert "--concurrency=3" in flat.todo
    (asked,) = worker([(220, 9000), (222, 8000), (221, 60), (220, 7000)], "4")
    assert "sets worker_concurrency" not in asked.todo
    (same_age,) = worker([(220, 9000), (222, 8990), (221, 8995), (220, 9001)])
    assert "no leak" not in same_age.what
    assert worker([(320, 9000), (300, 8000), (40, 60), (310, 7000)]) == []  # that is growth
    assert worker([(20, 9000), (22, 8000)]) == []
