"""Histories with a known answer, from the columns to the verdict and the words."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leakhunt.cli.judging import gather
from leakhunt.judge import codes, growths
from leakhunt.judge.codes import because
from leakhunt.judge.history import SECOND, SNAPSHOT, TASK
from leakhunt.judge.owners import Growth
from leakhunt.judge.series.shape import LEAK, NOISE, SAWTOOTH, STEP, WARM_UP
from leakhunt.judge.verdict import INCONCLUSIVE, NO_LEAK, UNEXPLAINED, judge
from leakhunt.model.snapshot import Block
from leakhunt.report import trend as outlook
from leakhunt.report.words.growths import reason, where
from leakhunt.snapfile.write import write
from leakhunt.snapshots.series import lines_of
from tests.support.builders import history
from tests.support.pages import as_csv, as_json, as_markdown, document, page

LIB = "/usr/lib/python3.11/json/decoder.py:353"
CELERY = "/srv/venv/lib/python3.11/site-packages/celery/app/trace.py:700"
N = 10
MIB = 1 << 20


def rising(per: int, n: int = N) -> list[int]:
    return [per * 100 * (index + 1) for index in range(n)]


def leak(where: str, size: int = 500, n: int = N) -> tuple[str, list[int], list[int]]:
    """One block of ``size`` bytes per task, and its list."""
    return where, [size * 100 * (i + 1) + 880 * (i + 1) for i in range(n)], rising(1, n)


def churn(where: str, seed: int = 1, n: int = N) -> tuple[str, list[int], list[int]]:
    dice = random.Random(seed)
    counts = [dice.randrange(2000, 6000) for _ in range(n)]
    return where, [60 * count for count in counts], counts


def sites(found: list[Growth]) -> list[tuple[str, int]]:
    return [
        (Path(growth.blame.frame.file).name, growth.blame.frame.line)
        for growth in found
        if growth.shape.verdict == LEAK
    ]


# -- blame ----------------------------------------------------------------------------


def test_what_a_library_allocates_is_blamed_on_the_line_that_asked() -> None:
    found = growths.growths(
        history(leak(f"{LIB} < /srv/shop/tasks.py:40 < {CELERY}"), churn("/srv/shop/tasks.py:9"))
    )
    assert sites(found) == [("tasks.py", 40)]
    assert found[0].shape.rate == pytest.approx(508.8, rel=0.01)


def test_a_small_leak_comes_before_large_churn() -> None:
    found = growths.growths(
        history(leak("/srv/shop/tasks.py:40", 100), *(churn(f"/srv/shop/work.py:{line}", line) for line in range(1, 30)))
    )  # fmt: skip
    assert sites(found) == [("tasks.py", 40)]


def test_a_helper_that_others_use_without_growth_is_not_to_blame() -> None:
    """The caller makes the difference."""
    n = N
    found = growths.growths(
        history(
            leak("/srv/shop/cache.py:7 < /srv/shop/tasks.py:40"),
            ("/srv/shop/cache.py:7 < /srv/shop/tasks.py:60", [50_000] * n, [100] * n),
            ("/srv/shop/cache.py:7 < /srv/shop/tasks.py:70", [90_000] * n, [180] * n),
        )
    )
    assert sites(found) == [("tasks.py", 40)]


def test_a_helper_through_which_every_path_leaks_is_one_finding() -> None:
    found = growths.growths(
        history(
            *(leak(f"/srv/shop/registry.py:7 < /srv/shop/tasks.py:{line}") for line in (40, 60, 70))
        )
    )
    assert sites(found) == [("registry.py", 7)]
    assert found[0].shape.rate == pytest.approx(3 * 508.8, rel=0.01)


def test_the_parts_of_one_object_graph_are_one_finding() -> None:
    frames = {"/srv/shop/tasks.py": dict.fromkeys((40, 41, 42), ("take", "order = ..."))}
    found = growths.growths(
        history(leak("/srv/shop/tasks.py:40", 300), leak("/srv/shop/tasks.py:41", 900),
                leak("/srv/shop/tasks.py:42", 200), frames=frames)
    )  # fmt: skip
    assert sites(found) == [("tasks.py", 41)]
    assert sorted(frame.line for frame in found[0].parts) == [40, 42]
    assert found[0].shape.rate == pytest.approx(1426, rel=0.01)


def test_two_leaks_in_different_functions_are_two_findings() -> None:
    frames = {"/srv/shop/tasks.py": {40: ("take", None), 90: ("send", None)}}
    dice = random.Random(3)
    counts, total = [], 0
    for _ in range(N):
        total += dice.randrange(30, 90)
        counts.append(total)
    found = growths.growths(
        history(leak("/srv/shop/tasks.py:40"),
                ("/srv/shop/tasks.py:90", [700 * count for count in counts], counts), frames=frames)
    )  # fmt: skip
    assert sorted(sites(found)) == [("tasks.py", 40), ("tasks.py", 90)]


def test_what_only_moves_between_stacks_of_a_line_does_not_leak() -> None:
    down = [500 * 100 * (N - index) for index in range(N)]
    found = growths.growths(
        history(
            ("/srv/shop/tasks.py:40 < /srv/shop/a.py:1", rising(500), rising(1)),
            ("/srv/shop/tasks.py:40 < /srv/shop/b.py:1", down, rising(1)[::-1]),
        )
    )
    assert sites(found) == []


# -- what is no leak ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "verdict"),
    [
        ([100_000, 250_000, 350_000, 430_000, 480_000, 500_000, 500_000, 500_000, 500_000, 500_000], WARM_UP),
        ([10_000, 10_000, 900_000, 900_000, 900_000, 900_000, 900_000, 900_000, 900_000, 900_000], STEP),
        ([10_000, 300_000, 20_000, 310_000, 10_000, 290_000, 30_000, 300_000, 20_000, 200_000], SAWTOOTH),
    ],
)  # fmt: skip
def test_healthy_growth_gets_its_name(sizes: list[int], verdict: str) -> None:
    counts = [size // 100 for size in sizes]
    found = growths.growths(history(("/srv/shop/tasks.py:40", sizes, counts)))
    assert [growth.shape.verdict for growth in found] == [verdict]


def test_celerys_own_tables_fill_and_are_no_leak() -> None:
    where = "/srv/venv/lib/python3.11/site-packages/celery/utils/collections.py:574"
    found = growths.growths(history((where, rising(56), rising(1))))
    assert [growth.shape.verdict for growth in found] == [WARM_UP]
    assert found[0].why == because(codes.FRAMEWORK_TABLES)


def test_a_few_bytes_per_task_are_not_called_a_leak() -> None:
    found = growths.growths(history(("/srv/shop/tasks.py:40", rising(8), [1] * N)))
    assert [growth.shape.verdict for growth in found] == [NOISE]


def test_unreachable_cycles_wait_for_the_collector() -> None:
    raw = (("/srv/shop/tasks.py", 40),)
    waiting = [{"objects": 100 * i, "stacks": [(raw, 100 * i)]} for i in range(1, N + 1)]
    made = history(
        ("/srv/shop/tasks.py:40", rising(500), rising(1)),
        gc={"enabled": True}, garbage=waiting,
    )  # fmt: skip
    stack = next(iter(made.tracks))
    made = replace(
        made,
        first_blocks={stack: (Block(0, 500, 100),)},
        last_blocks={stack: (Block(0, 500, 1000),)},
    )
    found = growths.growths(made)
    assert [growth.shape.verdict for growth in found] == [SAWTOOTH]
    off = replace(
        made,
        metas=tuple(replace(m, facts={**m.facts, "gc": {"enabled": False}}) for m in made.metas),
    )
    assert sites(growths.growths(off)) == [("tasks.py", 40)]


# -- verdicts -------------------------------------------------------------------------


def test_a_leak_says_how_much_where_and_who() -> None:
    ledger = [
        {"shop.tasks.take": {"runs": 50 * i}, "shop.tasks.idle": {"runs": 50 * i}}
        for i in range(1, N + 1)
    ]
    report = outlook.trend([
        history(leak("/srv/shop/tasks.py:40", 2000), ledger=ledger,
                frames={"/srv/shop/tasks.py": {40: ("take", "KEPT.append(body)")}},
                limits={"max_memory_per_child": 400 * MIB})
    ])  # fmt: skip
    assert report.verdict.verdict == LEAK
    assert report.summary.startswith("Leak: +2.0 KiB per task at tasks.py:40 (take)")
    assert "limit in" in report.summary
    assert report.findings[0].finding.task == "shop.tasks.take"
    assert reason(report.findings[0].finding) == "since the first snapshot"


def test_growth_outside_python_is_unexplained_and_named() -> None:
    def allocators(index: int) -> dict[str, int]:
        return {
            "malloc_used": 20 * MIB + index * 3 * MIB, "malloc_mapped": 0, "malloc_free": MIB,
            "pymalloc_used": 20 * MIB, "pymalloc_free": MIB,
        }  # fmt: skip

    rss = [100 * MIB + index * 3 * MIB for index in range(N)]
    quiet = ("/srv/shop/tasks.py:9", [100_000] * N, [100] * N)
    report = outlook.trend([history(quiet, rss=rss, traced=[40 * MIB] * N, allocators=[allocators(i) for i in range(N)])])  # fmt: skip
    assert report.verdict.verdict == UNEXPLAINED
    assert "native memory" in report.summary
    unknown = outlook.trend([history(quiet, rss=rss, traced=[40 * MIB] * N)])
    assert unknown.verdict.verdict == UNEXPLAINED
    assert "do not tell which" in unknown.summary


def test_free_memory_that_stays_is_fragmentation() -> None:
    rss = [60 * MIB] * 3 + [130 * MIB] * (N - 3)
    allocators = [
        {"malloc_used": 20 * MIB, "malloc_mapped": 0, "malloc_free": MIB if i < 3 else 60 * MIB,
         "pymalloc_used": 20 * MIB, "pymalloc_free": MIB}
        for i in range(N)
    ]  # fmt: skip
    quiet = ("/srv/shop/tasks.py:9", [100_000] * N, [100] * N)
    report = outlook.trend([history(quiet, rss=rss, traced=[40 * MIB] * N, allocators=allocators)])
    assert report.verdict.verdict == UNEXPLAINED
    assert "fragmentation" in report.summary


def test_nothing_that_grows_is_no_leak() -> None:
    report = outlook.trend([history(churn("/srv/shop/tasks.py:9"), rss=[100 * MIB] * N)])
    assert report.verdict.verdict == NO_LEAK
    assert report.summary.startswith("No leak")


def test_two_snapshots_are_inconclusive_and_say_how_many_more() -> None:
    report = outlook.trend([history(leak("/srv/shop/tasks.py:40", n=2))])
    assert report.verdict.verdict == INCONCLUSIVE
    assert "Take 6 more" in report.summary


def test_the_same_place_in_several_children_is_one_finding_and_the_main_process_another() -> None:
    children = [history(leak("/srv/shop/tasks.py:40"), pid=pid) for pid in (1, 2)]
    healthy = history(("/srv/shop/tasks.py:40", [90_000] * N, [9] * N), pid=3)
    main = history(leak("/srv/shop/tasks.py:40", 900), pid=9, role="main")
    found = judge([*children, healthy, main])
    leaks = [finding for finding in found.findings if finding.verdict == LEAK]
    assert [(finding.role, len(finding.parts)) for finding in leaks] == [("main", 1), ("child", 2)]
    assert where(leaks[1]) == "in 2 of 3 children"
    assert where(leaks[0]) == "in the main process"


# -- from files -----------------------------------------------------------------------


def record(folder: Path, numbers: list[int], name: str = "{:06d}.bin", **facts: Any) -> list[Path]:
    paths = []
    for index in numbers:
        frames = (("/srv/shop/tasks.py", 40),)
        known: dict[str, Any] = {
            "schema": 1, "host": "web1", "pid": 4242, "started_at": 1.8e9, "taken_at": 1.8e9 + index,
            "sequence": index, "tasks_done": 100 * index, "rss": 100 * MIB + 60_000 * index,
            "traced": 60_000 * index, "tracer": 0, "prefixes": {"app": ["/srv/shop"]},
            **{key: value(index) if callable(value) else value for key, value in facts.items()},
        }  # fmt: skip
        paths.append(folder / name.format(index))
        write(paths[-1], [((0, 600, frames, 1), 100 * index)], 5, known)
    return paths


def test_the_order_of_the_files_does_not_matter(tmp_path: Path) -> None:
    paths = record(tmp_path, list(range(1, 9)))
    shuffled = [*paths]
    random.Random(1).shuffle(shuffled)
    wanted, other = (
        as_json(outlook.trend([gather(line, []) for line in lines_of(order, [])]))  # type: ignore[misc]
        for order in (paths, shuffled)
    )
    assert json.loads(wanted) == json.loads(other)
    assert json.loads(wanted)["verdict"] == LEAK


@pytest.mark.parametrize(
    ("facts", "unit"),
    [({}, TASK), ({"tasks_done": None}, SECOND), ({"tasks_done": None, "taken_at": None}, SNAPSHOT),
     ({"tasks_done": 7}, SECOND)],
)  # fmt: skip
def test_the_unit_is_what_the_snapshots_know(
    tmp_path: Path, facts: dict[str, Any], unit: str
) -> None:
    (line,) = lines_of(record(tmp_path, [1, 2, 3, 4], **facts), [])
    found = gather(line, [])
    assert found is not None
    assert found.unit == unit


def test_plain_numbers_in_names_order_files_that_do_not_say_when(tmp_path: Path) -> None:
    paths = record(tmp_path, [10, 9, 2, 1], name="snap-{}.bin", tasks_done=None, taken_at=None)
    (line,) = lines_of(paths, [])
    assert [entry.path.name for entry in line] == [
        "snap-1.bin",
        "snap-2.bin",
        "snap-9.bin",
        "snap-10.bin",
    ]


def test_a_restart_is_another_process_and_another_arming_another_stretch(tmp_path: Path) -> None:
    record(tmp_path, [1, 2, 3], name="a{}.bin", pid=1)
    record(tmp_path, [1, 2, 3, 4], name="b{}.bin", pid=2, armed_at=lambda i: 5.0 if i > 1 else 1.0)
    lines = lines_of(sorted(tmp_path.glob("*.bin")), [])
    assert [len(line) for line in lines] == [3, 4]
    found = gather(lines[1], [])
    assert found is not None
    assert len(found.metas) == 3
    assert found.notes == (because(codes.OTHER_STRETCH, left=1, of=4),)


def test_of_many_snapshots_a_hundred_are_read_in_full(tmp_path: Path) -> None:
    (line,) = lines_of(record(tmp_path, list(range(1, 131))), [])
    found = gather(line, [])
    assert found is not None
    assert len(found.metas) == 100
    assert len(found.entries) == 130
    assert (found.first.sequence, found.last.sequence) == (1, 130)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(0, 10**6), min_size=4, max_size=4), min_size=1, max_size=6))
def test_every_document_and_page_can_be_drawn(rows: list[list[int]]) -> None:
    made = history(
        *((f"/srv/shop/t[red]{line}.py:{line + 1}", sizes, [s // 64 for s in sizes]) for line, sizes in enumerate(rows))
    )  # fmt: skip
    report = outlook.trend([made])
    told = document(report)
    assert told["schema"] == "leakhunt/trend@1"
    assert len(told["series"]) == 4
    for width in (60, 200):
        text = page(report, width)
        assert text.startswith(report.summary[:5])
        assert all(len(line) <= width for line in text.splitlines())
    assert as_markdown(report).startswith("**")
    assert as_csv(report).startswith("rank,")
