"""What a tired person reads at 80 columns and 24 lines: the answer is there, without scrolling."""

from __future__ import annotations

from typing import Any

import pytest

from leakhunt.model.query import Query
from leakhunt.render import formats
from leakhunt.render.screen import TABLE, Screen
from leakhunt.report import tables
from leakhunt.report.ps import ps
from leakhunt.report.trend import trend
from leakhunt.snapshots import load
from tests.support.builders import history, snap
from tests.support.checking import report as checked
from tests.support.doctoring import crew
from tests.support.fleet import machine
from tests.support.places import ROOT

MIB = 1 << 20
N = 10
COUNTS = [100 * (i + 1) for i in range(N)]
SNAPSHOTS = ROOT / "fixtures" / "snapshots"
DEEP = "/srv/shop/" + "a_long_folder_name/" * 5


def screen(report: object) -> list[str]:
    return formats.text(report, TABLE, Screen(80)).splitlines()


def leaking(place: str, **facts: Any) -> object:
    sizes = [7000 * count + 977 * (i % 3) for i, count in enumerate(COUNTS)]
    code = {40: ("process", "ORDERS.append(json.loads(text))")}
    file = place.rpartition(":")[0]
    made = history(
        (f"{place} < /srv/shop/app.py:1", sizes, COUNTS), frames={file: code},
        rss=[100 * MIB + 8 * 1024 * 100 * i for i in range(N)],
        limits={"max_memory_per_child": 207 * MIB}, **facts,
    )  # fmt: skip
    return trend([made])


@pytest.mark.parametrize(
    "place", ["/srv/shop/tasks.py:40", f"{DEEP}tasks.py:40"], ids=["near", "deep"]
)
def test_a_leak_says_where_how_fast_until_when_and_what_to_do(place: str) -> None:
    lines = screen(leaking(place))
    assert len(lines) <= 24, "\n".join(lines)
    said = " ".join(" ".join(lines).split())
    assert said.startswith("Leak: +6.8 KiB per task at ")
    assert "tasks.py:40 (process)" in said
    assert "the child reaches its 207.0 MiB limit in " in said
    assert "fix Take out what is done" in said


def test_a_verdict_of_many_leaks_is_a_line_for_each() -> None:
    lines = [
        (f"/srv/shop/m{n}/tasks.py:40", [(7000 + 500 * n) * c for c in COUNTS], COUNTS)
        for n in range(6)
    ]
    made = screen(trend([history(*lines)]))
    assert sum(" leak " in line for line in made) == 6
    assert len(made) <= 24, "\n".join(made)


def test_no_leak_and_too_little_to_tell_are_a_few_lines() -> None:
    flat = trend([history(("/srv/shop/tasks.py:40", [1000] * N, [10] * N))])
    few = trend([history(("/srv/shop/tasks.py:40", [100_000, 900_000], [100, 900]))])
    for report in (flat, few):
        assert len(screen(report)) <= 12, "\n".join(screen(report))


def test_the_first_rows_of_a_table_are_there() -> None:
    before, after = (load.load(SNAPSHOTS / f"leakhunt-{side}.bin") for side in ("before", "after"))
    for report in (tables.top(after, Query()), tables.diff(before, after, Query())):
        lines = screen(report)[:24]
        assert sum(line.lstrip()[:2].rstrip().isdigit() for line in lines) >= 6, "\n".join(lines)


def test_no_number_is_parted_from_its_unit() -> None:
    text = "\n".join(screen(leaking("/srv/shop/tasks.py:40", rss_peak=1)))
    for unit in ("KiB", "MiB", "B", "%", "tasks", "snapshots"):
        assert f"\n{unit} " not in text


def test_nothing_and_one_row() -> None:
    nothing = screen(tables.top(snap(), Query()))
    assert "nothing is alive here" in nothing
    assert len(nothing) <= 8
    one = screen(tables.top(snap("/srv/shop/tasks.py:40 1MiB x1"), Query()))
    assert "1  1.0 MiB       1  1.0 MiB  100 %  tasks.py:40" in one


def test_the_processes_of_a_worker_and_what_is_wrong_with_them() -> None:
    lines = screen(ps(list(crew(uss=100, count=8)), machine()))
    assert len(lines) <= 24
    assert lines[0].split()[:3] == ["process", "age", "RSS"]


def test_a_check_says_what_is_kept_and_what_to_do() -> None:
    lines = screen(checked(200))
    assert len(lines) <= 24
    assert lines[0].startswith("Leak: ")
    assert any(line.startswith("   fix  ") for line in lines)
