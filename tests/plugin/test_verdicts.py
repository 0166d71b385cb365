"""A check as the judge goes through it: answers in, orders out, and a result that pytest can show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from leakhunt.gate import baseline
from leakhunt.gate.decision import LIMIT
from leakhunt.gate.orders import FAILED, RAN, RUN
from leakhunt.plugin import verdicts
from leakhunt.plugin.words import RESULT
from leakhunt.snapfile.write import Run, write
from tests.support.builders import FACTS
from tests.support.console import store

NAME = "test_shop.py::test_it"


def begun(**said: Any) -> verdicts.Check:
    return verdicts.Check(
        {"name": NAME, "root": "/srv/shop", "baseline": None, "limit": None, "at_most": 600.0,
         "runs": None, "warm_up": None, **said}
    )  # fmt: skip


def judged(folder: Path, blocks: float, **said: Any) -> dict[str, Any]:
    """The result of a test that keeps so many blocks of 1 KiB per run; a run takes a millisecond."""
    check = begun(**said)
    order, runs, elapsed, looks = check.first(), 0, 0.0, 0
    while order["do"] == RUN:
        runs += order["runs"]
        elapsed += order["runs"] * 1e-3
        path = None
        if order["look"]:
            looks += 1
            path = str(
                store(folder / f"{looks:06d}.bin", 100 + round(blocks * runs), tasks_done=runs, sequence=looks,
                      taken_at=1_800_000_000.0 + elapsed)
            )  # fmt: skip
        order = check.next(
            {"kind": RAN, "runs": runs, "seconds": order["runs"] * 1e-3, "path": path, "elapsed": elapsed}
        )  # fmt: skip
    return order


def test_what_keeps_a_block_each_run_fails_with_the_line_and_its_rate(tmp_path: Path) -> None:
    result = judged(tmp_path, 1)
    assert result["do"] == RESULT
    document = result["document"]
    assert (document["schema"], document["verdict"]) == ("leakhunt/check@1", "leak")
    assert document["target"] == NAME
    assert document["bytes_per_run"] == pytest.approx(1024, rel=0.01)
    assert "json/decoder.py:353" in result["failure"] or "tasks.py:40" in result["failure"]
    assert max(map(len, result["failure"].splitlines())) <= verdicts.WIDTH
    assert "\x1b" not in result["failure"]
    assert [each["ruleId"] for each in result["sarif"]["results"]] == ["memory-leak"]
    assert len(result["baseline"]) == 1
    assert result["summary"]


def test_what_keeps_nothing_passes_and_has_nothing_to_write_down(tmp_path: Path) -> None:
    result = judged(tmp_path, 0)
    assert result["failure"] is None
    assert result["document"]["verdict"] == "no-leak"
    assert (result["baseline"], result["sarif"]["results"]) == ([], [])


def test_a_limit_is_kept_to(tmp_path: Path) -> None:
    assert LIMIT < 1024
    (tmp_path / "allowed").mkdir()
    assert judged(tmp_path / "allowed", 1, limit=4096)["failure"] is None
    (tmp_path / "more").mkdir()
    assert judged(tmp_path / "more", 8, limit=4096)["failure"] is not None


def test_a_baseline_lets_pass_what_it_has_of_this_test_alone(tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    growths = baseline.parsed(judged(tmp_path / "before", 1)["baseline"])
    file = tmp_path / "leaks.json"
    for target, passes in ((NAME, True), ("test_shop.py::test_other", False)):
        file.write_text(baseline.text(baseline.read(tmp_path / "none").with_check(target, growths)))
        folder = tmp_path / str(passes)
        folder.mkdir()
        assert (judged(folder, 1, baseline=str(file))["failure"] is None) is passes


def test_as_many_runs_as_are_allowed_are_made(tmp_path: Path) -> None:
    result = judged(tmp_path, 1, runs=90)
    assert result["document"]["runs"] <= 90


def test_what_failed_is_a_result_without_a_verdict() -> None:
    result = begun().next({"kind": FAILED, "where": "target", "message": "it raised"})
    assert result["do"] == RESULT
    assert result["document"]["verdict"] == "unsure"
    assert result["baseline"] == []


@pytest.mark.parametrize(("blocks", "passes"), [(3, True), (5, False)])
def test_a_block_may_leave_so_many_bytes_and_no_more(
    tmp_path: Path, blocks: int, passes: bool
) -> None:
    looks = [str(store(tmp_path / f"{n}.bin", 10 + n * blocks, sequence=n + 1)) for n in (0, 1)]
    result = verdicts.block(NAME, looks, 4096)
    if passes:
        assert result == {"do": RESULT, "failure": None}
    else:
        assert NAME in result["failure"]
        assert "5.0 KiB" in result["failure"]
        assert "json/decoder.py:353" in result["failure"] or "tasks.py:40" in result["failure"]


def test_what_a_block_has_freed_is_no_growth(tmp_path: Path) -> None:
    looks = [str(store(tmp_path / f"{n}.bin", 100 - n * 90, sequence=n + 1)) for n in (0, 1)]
    assert verdicts.block(NAME, looks, 0)["failure"] is None


@pytest.mark.parametrize(("blocks", "passes"), [(4, True), (5, False)])
def test_what_importing_left_is_none_of_the_block_s_growth(
    tmp_path: Path, blocks: int, passes: bool
) -> None:
    """Neither for it nor against it: lines that reports hide count in no direction."""
    leak = (("/srv/shop/tasks.py", 40),)
    imported = (("<frozen importlib._bootstrap_external>", 672),)
    looks = []
    for number in (0, 1):
        path = tmp_path / f"{number}.bin"
        runs: list[Run] = [
            ((0, 1024, leak, 1), 10 + number * blocks),
            ((0, 1024, imported, 1), 1 + 100 * number),
        ]
        write(path, runs, 5, {**FACTS, "sequence": number + 1})
        looks.append(str(path))
    assert (verdicts.block(NAME, looks, 4096)["failure"] is None) is passes
