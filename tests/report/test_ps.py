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


def test_only_pool_children_are_counted_as_children() -> None:
    beat = replace(process(14, "beat"), parent=10)
    report = ps([*crew(process(11), process(12)), beat], machine())
    assert report.rows[0].children == 2


def test_a_child_is_held_against_those_of_its_own_worker_and_its_row_says_so() -> None:
    large, small = process(11, uss=200, age=7200), process(12, uss=40, age=60)
    report = ps([*crew(large), *crew(small, main=20)], machine())
    assert codes(report) == {}
    assert codes(ps(crew(large, small), machine())) == {11: ["outsized"]}


def test_workers_stand_by_their_nodes_then_by_age_and_orphans_last() -> None:
    def main(pid: int, node: str, age: float) -> Process:
        return process(pid, "main", age=age, celery=Celery("main", node))

    found = [
        process(5, "orphan", age=9000), main(10, "b@h", 8000), main(12, "a@h", 60), main(11, "a@h", 7000),
        process(21, parent=12, age=10), process(20, parent=12, age=20), process(22, parent=21, age=5),
    ]  # fmt: skip
    told = [(row.process.pid, row.depth) for row in ps(found, machine()).rows]
    assert told == [(11, 0), (12, 0), (20, 1), (21, 1), (22, 2), (10, 0), (5, 0)]


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
