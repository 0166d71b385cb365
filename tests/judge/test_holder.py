"""What keeps a growth, by a name of the code."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leakhunt.judge.births.life import lived
from leakhunt.judge.finding import Finding
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import judge
from leakhunt.model.retention import Retention, Step
from tests.support.lives import aged, held


@pytest.mark.parametrize(("size", "told"), [(34_000, "list"), (32_000, None)])
def test_a_container_is_told_that_keeps_a_good_part_of_what_has_a_keeper(
    size: int, told: str | None
) -> None:
    """Of the rest no two pieces are kept alike."""
    main = held("list", 900, None, size=size)
    (step, end), part = main.path, (100_000 - size) // 10
    others = [(step, end._replace(name=f"SET{at}")) for at in range(10)]
    ways = (main, *(
        held("set", 5, None, size=part)._replace(mark=2 + at, path=path, container_path=path)
        for at, path in enumerate(others)
    ))  # fmt: skip
    snapshot = aged(("/srv/shop/tasks.py:40", [10_000] * 12))
    facts = {frames: replace(each, retention=ways) for frames, each in snapshot.facts.items()}
    life = lived(replace(snapshot, facts=facts))
    assert life is not None
    (finding,) = judge([life]).findings
    assert (finding.holder and finding.holder.container_type) == told


def test_a_leak_is_not_kept_by_what_has_an_end() -> None:
    """A cache that is full has half of the line's objects, a list nearly as much."""
    full = held("functools._lru_cache_wrapper", 128, 128, size=50_000)._replace(mark=99)
    step, end = full.path
    full = full._replace(container_path=(step, end._replace(name="CACHE")))
    snapshot = aged(("/srv/shop/tasks.py:40", [10_000] * 12))
    facts = {
        frames: replace(each, retention=(full, held("list", 900, None, size=45_000)))
        for frames, each in snapshot.facts.items()
    }
    life = lived(replace(snapshot, facts=facts))
    assert life is not None
    (finding,) = judge([life]).findings
    assert finding.verdict == LEAK
    assert finding.holder is not None
    assert finding.holder.container_type == "list"


def found(*ways: Retention) -> Finding:
    """An even leak of one line, whose objects are held in these ways."""
    snapshot = aged(("/srv/shop/tasks.py:40", [10_000] * 12))
    facts = {frames: replace(each, retention=ways) for frames, each in snapshot.facts.items()}
    life = lived(replace(snapshot, facts=facts))
    assert life is not None
    (finding,) = judge([life]).findings
    return finding


def hanging(variable: str, *steps: str, size: int) -> Retention:
    """Without a container: through tracebacks and frames."""
    path = (
        Step("module", "shop.tasks", "module"),
        Step("attribute", variable, "shop.tasks.Refused"),
        *(Step("exception", name, "traceback") for name in steps),
    )
    return Retention(path, 10, size, None, None, None, 0)


@pytest.mark.parametrize(("size", "told"), [(61_000, True), (59_000, False)])
def test_a_variable_is_told_from_which_most_hangs_that_no_bound_ends(size: int, told: bool) -> None:
    full = held("functools._lru_cache_wrapper", 128, 128, size=40_000)._replace(mark=99)
    finding = found(
        full,
        hanging("REFUSED", "__traceback__", size=size - 20_000),
        hanging("REFUSED", "__traceback__", "tb_frame", size=20_000),
        hanging("OTHER", "__context__", size=100_000 - size),
    )
    assert finding.verdict == LEAK
    assert (finding.holder is not None) is told
    if finding.holder is not None:
        assert [step.name for step in finding.holder.container_path] == ["shop.tasks", "REFUSED"]
        assert (finding.holder.size, finding.holder.objects) == (size, 20)
        assert finding.holder.container_type == "shop.tasks.Refused"
        assert finding.holder.bound is None


def test_what_hangs_from_no_module_has_no_variable() -> None:
    way = hanging("REFUSED", "__traceback__", size=90_000)
    thread = way._replace(path=(Step("thread", None, "frame"), *way.path[1:]))
    assert found(thread).holder is None
