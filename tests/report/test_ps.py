"""What ``leakhunt ps`` says, from processes made up for it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt.model.process import Celery, Process
from leakhunt.render.json import ps as jsonout
from leakhunt.render.screen import Screen
from leakhunt.render.terminal import ps as terminal
from leakhunt.report.ps import Growth, PsReport, ps
from tests.support.fleet import MIB, NOW, machine, process


def crew(*children: Process, main: int = 10) -> list[Process]:
    return [process(main, "main"), *(replace(child, parent=main) for child in children)]


def codes(report: PsReport) -> dict[int, list[str]]:
    return {row.process.pid: [p.code for p in row.problems] for row in report.rows if row.problems}


def test_a_healthy_worker_has_no_problem() -> None:
    report = ps(crew(process(11), process(12), process(13)), machine())
    assert codes(report) == {}
    assert report.crowds == ()
    assert report.notes == ()
    assert [(row.process.pid, row.depth) for row in report.rows] == [
        (10, 0),
        (11, 1),
        (12, 1),
        (13, 1),
    ]
    assert report.rows[0].children == 3


def test_an_orphan_says_what_it_holds() -> None:
    report = ps([process(11, "orphan", uss=38, open_files=12, sockets=3, main=10)], machine())
    (problem,) = report.rows[0].problems
    assert problem.what == (
        "an orphan: its main process 10 is gone, process 1 has adopted it and it still holds "
        "38.0 MiB that nobody else uses, 12 open files, 3 sockets among them"
    )


def test_workers_stand_by_their_nodes_then_by_age_and_orphans_last() -> None:
    def main(pid: int, node: str, age: float) -> Process:
        return process(pid, "main", age=age, celery=Celery("main", node))

    found = [
        process(5, "orphan", age=9000), main(10, "b@h", 8000), main(12, "a@h", 60), main(11, "a@h", 7000),
        process(21, parent=12, age=10), process(20, parent=12, age=20), process(22, parent=21, age=5),
    ]  # fmt: skip
    told = [(row.process.pid, row.depth) for row in ps(found, machine()).rows]
    assert told == [(11, 0), (12, 0), (20, 1), (21, 1), (22, 2), (10, 0), (5, 0)]


def test_an_outsized_child_is_held_against_the_youngest_beside_it() -> None:
    found = crew(process(11, uss=200, age=7200), process(12, uss=40, age=60), process(13, uss=60))
    assert codes(ps(found, machine())) == {11: ["outsized"]}
    assert "5 times" in ps(found, machine()).rows[1].problems[0].what
    small = crew(process(11, uss=20), process(12, uss=4))
    assert codes(ps(small, machine())) == {}


@pytest.mark.parametrize(
    ("since", "last", "finished", "is_hung"),
    [(300, 5, 20, True), (300, 400, 20, False), (30, 5, 20, False), (300, 5, 3, False)],
)
def test_a_hung_child(since: float, last: float, finished: int, is_hung: bool) -> None:
    found = crew(
        process(11, pulse=(4, 2.0, NOW - since - 1, "proj.sync", NOW - since)),
        process(12, pulse=(finished, 0.5 * finished, NOW - last, None, None)),
    )
    assert codes(ps(found, machine())) == ({11: ["hung"]} if is_hung else {})


def test_a_task_that_takes_long_as_a_rule_is_not_hung() -> None:
    found = crew(
        process(11, pulse=(4, 400.0, NOW - 301, "proj.sync", NOW - 300)),
        process(12, pulse=(20, 2000.0, NOW - 5, None, None)),
    )
    assert codes(ps(found, machine())) == {}


def test_a_hook_that_lost_its_signal() -> None:
    found = crew(process(11, hooked=True, signal="none"), process(12, hooked=True, signal="heard"))
    assert codes(ps(found, machine())) == {11: ["deaf"]}


def test_a_peak_above_the_limit_per_child() -> None:
    limited = Celery("worker", "w@h", max_memory_per_child=100 * MIB)
    found = crew(
        process(11, peak=120, rss=60, celery=limited), process(12, peak=90, celery=limited)
    )
    assert codes(ps(found, machine())) == {11: ["over-limit"]}


def test_too_many_children_are_told_from_a_leak() -> None:
    def worker(sizes: list[tuple[float, float]], concurrency: str | None = None) -> PsReport:
        celery = Celery("worker", "w@h", "proj", "prefork", concurrency)
        children = [
            process(20 + n, uss=uss, pss=uss + 10, rss=uss + 60, age=age, celery=celery)
            for n, (uss, age) in enumerate(sizes)
        ]
        return ps(
            [process(10, "main", celery=celery), *(replace(c, parent=10) for c in children)],
            machine(1000),
        )

    (flat,) = worker([(220, 9000), (222, 8000), (221, 60), (220, 7000)]).crowds
    assert flat.what.startswith(
        "w@h: 4 children of 280.5 MiB RSS (230.5 MiB PSS) are 923.0 MiB, 92 % of"
    )
    assert "no leak" in flat.what
    assert "unless the app sets worker_concurrency" in flat.todo
    assert "--concurrency=3" in flat.todo
    (asked,) = worker([(220, 9000), (222, 8000), (221, 60), (220, 7000)], "4").crowds
    assert "sets worker_concurrency" not in asked.todo
    (same_age,) = worker([(220, 9000), (222, 8990), (221, 8995), (220, 9001)]).crowds
    assert "no leak" not in same_age.what
    assert worker([(320, 9000), (300, 8000), (40, 60), (310, 7000)]).crowds == ()  # that is growth
    assert worker([(20, 9000), (22, 8000)]).crowds == ()


def test_those_of_other_users_are_in_no_sum() -> None:
    mine, other = (
        process(11),
        process(12, uss=None, pss=None, shared=None, readable=False, user="www"),
    )
    report = ps([mine, replace(other, uid=33)], machine())
    assert report.pss == mine.memory.pss
    assert report.sums[0].processes == 1
    assert report.notes == (
        "1 process with 60.0 MiB RSS belongs to www: USS, PSS and open files need that user or "
        "root, and are in no sum",
    )


def test_each_limit_has_its_sum() -> None:
    found = [
        process(11, limit=512 * MIB, group="/a"),
        process(12, limit=256 * MIB, group="/b"),
        process(13),
    ]
    report = ps(found, machine())
    assert sorted(s.limit or 0 for s in report.sums) == [256 * MIB, 512 * MIB, machine().total]
    assert report.limit == machine().total
    assert ps(found[:1], machine()).limit == 512 * MIB


def test_only_those_that_were_named() -> None:
    found = [*crew(process(11), process(12)), process(30, "main"), replace(process(31), parent=30)]
    assert [row.process.pid for row in ps(found, machine(), pids=[30]).rows] == [30, 31]
    assert [row.process.pid for row in ps(found, machine(), pids=[11]).rows] == [11]


TREES = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 500)), min_size=1, max_size=12)


@given(TREES)
def test_the_tree_holds_every_process_once_and_the_sums_add_up(
    shape: list[tuple[int, int]],
) -> None:
    found = [
        process(
            100 + n, "child", parent=100 + above if above < n else 1, pss=size, uss=size, rss=size
        )
        for n, (above, size) in enumerate(shape)
    ]
    report = ps(found, machine())
    assert sorted(row.process.pid for row in report.rows) == [p.pid for p in found]
    assert report.pss == sum(s.pss for s in report.sums) == sum(size * MIB for _, size in shape)
    seen: dict[int, int] = {}
    for row in report.rows:
        assert row.depth == (seen[row.process.parent] + 1 if row.process.parent in seen else 0)
        seen[row.process.pid] = row.depth


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160, 250])
def test_the_table_fits_the_screen(width: int) -> None:
    found = crew(
        process(11, uss=200, hooked=True, signal="heard", engine="sampled",
                pulse=(1234567, 9.0, NOW - 1, "proj.a.very.long.name.of.a.task_that_never_ends", NOW - 70)),
        process(12, state="D", swap=12),
    )  # fmt: skip
    grown = {found[1].identity: Growth(-5 * MIB, 3600.0, None, 3)}
    text = terminal.ps(ps(found, machine(), grown), Screen(width))
    assert max(len(line) for line in text.splitlines()) <= width
    assert "child 11" in text
    if width >= 80:
        assert "PSS" in text
        assert "USS" in text
    if width >= 160:
        assert "-5.0 MiB/h" in text
        assert "1 min 10 s" in text


def test_nobody_is_there() -> None:
    assert "no Celery process" in terminal.ps(ps([], machine()), Screen(80))


def test_json_has_what_the_table_has_and_nothing_made_up() -> None:
    found = crew(
        process(11, uss=None, pss=None, readable=False), process(12, pulse=(3, 1.0, None, "t", NOW))
    )
    document = json.loads(jsonout.ps(ps(found, machine())))
    assert document["schema"] == "leakhunt/ps@1"
    assert [row["pid"] for row in document["processes"]] == [10, 11, 12]
    assert document["processes"][1]["pss"] is None
    assert document["processes"][1]["tasks_done"] is None
    assert document["processes"][2]["running"] == {"task": "t", "since": NOW, "tasks": 1}
    assert document["totals"] == {"rss": 180 * MIB, "pss": 60 * MIB}
    assert document["limit"] == machine().total


@pytest.mark.parametrize(
    ("parents", "shown"),
    [
        ([(10, 11), (11, 10)], [(10, 0), (11, 1)]),
        ([(10, 10)], [(10, 0)]),
        ([(12, 1), (10, 11), (11, 10)], [(12, 0), (10, 0), (11, 1)]),
    ],
)
def test_what_goes_round_is_shown_once(
    parents: list[tuple[int, int]], shown: list[tuple[int, int]]
) -> None:
    """As another host may tell it."""
    told = [process(pid, parent=parent) for pid, parent in parents]
    assert [(row.process.pid, row.depth) for row in ps(told, machine()).rows] == shown


@pytest.mark.lawless
def test_a_chain_may_be_long() -> None:
    told = [process(pid, parent=pid - 1) for pid in range(10, 1510)]
    assert [row.depth for row in ps(told, machine()).rows] == list(range(1500))
