"""What many places keep a little of is no leak; what hangs from one is, whatever lies between."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leakhunt.judge import codes
from leakhunt.judge.births.life import lived
from leakhunt.judge.growths import growths
from leakhunt.judge.owners import Growth
from leakhunt.judge.series.shape import LEAK, NOISE
from leakhunt.model.retention import Retention, Step
from tests.support.builders import stack
from tests.support.lives import aged

LINE = "/srv/shop/tasks.py:40"
SIZE = 40_000


def way(module: str, name: str, size: int, mark: int, *below: Step) -> Retention:
    path = (Step("module", module, "module"), Step("attribute", name, "dict", 500), *below)
    return Retention(path, size // 50, size, "dict", 500, None, mark, size, path[:2])


def judged(*ways: Retention) -> Growth:
    snapshot = aged((LINE, [SIZE // 20] * 20))
    place = stack(LINE)
    facts = {place: replace(snapshot.told(place), retention=ways)}
    life = lived(replace(snapshot, facts=facts))
    assert life is not None
    return growths(life)[0]


def test_many_small_holders_end_an_accusation() -> None:
    growth = judged(*(way(f"lib{n}", "CACHE", SIZE // 5, n + 1) for n in range(5)))
    assert growth.shape.verdict == NOISE
    assert growth.why is not None
    assert growth.why.code == codes.SCATTERED
    assert not growth.shape.open


@pytest.mark.parametrize(("largest", "verdict"), [(0.4, LEAK), (0.3, NOISE)])
def test_a_place_that_holds_a_good_part_is_a_pile(largest: float, verdict: str) -> None:
    rest = [way(f"lib{n}", "CACHE", round((1 - largest) / 7 * SIZE), n + 2) for n in range(7)]
    growth = judged(way("shop.tasks", "KEPT", round(largest * SIZE), 1), *rest)
    assert growth.shape.verdict == verdict


def test_containers_below_one_place_are_one_pile() -> None:
    """A list for each of ten customers."""
    item = Step("item", None, "list", 1000)
    growth = judged(*(way("shop.tasks", "CUSTOMERS", SIZE // 10, n + 1, item) for n in range(10)))
    assert growth.shape.verdict == LEAK


def test_what_is_hardly_tied_is_not_excused() -> None:
    growth = judged(*(way(f"lib{n}", "CACHE", SIZE // 12, n + 1) for n in range(5)))
    assert growth.shape.verdict == LEAK
