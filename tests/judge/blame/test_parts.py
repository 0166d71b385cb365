"""Which growths are parts of one leak, where the walk tells what holds them."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from leakhunt.judge.blame.parts import merged
from leakhunt.judge.owners import Book
from leakhunt.judge.whose import Blame
from leakhunt.model.retention import Retention, Step
from leakhunt.model.snapshot import UNTOLD, Block, Frame
from tests.support.builders import history, snap, stack

TASKS, PRICES = "/srv/shop/tasks.py:14", "/srv/shop/pricing.py:11"
SIZES = [1000 * step for step in range(1, 9)]
COUNTS = [10 * step for step in range(1, 9)]
FRAMES = {
    "/srv/shop/tasks.py": {14: ("take", "order = json.loads(text)")},
    "/srv/shop/pricing.py": {11: ("quote", "SEEN[key] = text * 20")},
}


def way(name: str, mark: int, size: int) -> Retention:
    path = (Step("module", "shop", None), Step("attribute", name, "dict"))
    return Retention(path, 10, size, "dict", 80, None, mark, size, path)


@pytest.mark.parametrize(("marks", "leaks"), [((1, 2), 2), ((1, 1), 1), ((0, 2), 1)])
def test_what_different_containers_hold_is_two_leaks_however_well_it_goes_in_step(
    marks: tuple[int, int], leaks: int
) -> None:
    table = [8 * count for count in COUNTS]
    past = history(
        (TASKS, SIZES, COUNTS), (PRICES, [a + b for a, b in zip(SIZES, table)], COUNTS),
        frames=FRAMES,
    )  # fmt: skip
    facts = {
        stack(place): replace(UNTOLD, retention=(way(f"KEPT{mark}", mark, 600), way("A", 0, 100)))
        for place, mark in zip((TASKS, PRICES), marks)
    }
    newest = replace(
        snap(f"{TASKS} 8000B x80", f"{PRICES} 8640B x80"), facts=MappingProxyType(facts)
    )
    blocks = {stack(PRICES): (Block(0, 640, 1),)}
    book = Book(replace(past, newest=newest, last_blocks=blocks))
    found = merged(
        book,
        [
            book.of(Blame(Frame(file, int(line)), True, (stack(f"{file}:{line}"),)))
            for file, _, line in (place.rpartition(":") for place in (TASKS, PRICES))
        ],
    )
    assert len(found) == leaks
    assert sum(len(growth.blame.stacks) for growth in found) == 2


def test_lines_that_feed_one_container_are_one_leak_though_nothing_else_joins_them() -> None:
    """A freelist hands on what one line has freed: the other keeps it."""
    lines = {"/srv/shop/tasks.py:14": 3, "/srv/other/rows.py:50": 2}
    past = history(
        *((place, [times * size for size in SIZES], COUNTS) for place, times in lines.items())
    )
    here = way("KEPT", 7, 900)
    desk = replace_bound(way("DESK", 8, 5000), 24)
    facts = {stack(place): replace(UNTOLD, retention=(here, desk)) for place in lines}
    newest = replace(
        snap(*(f"{place} 8000B x80" for place in lines)), facts=MappingProxyType(facts)
    )
    book = Book(replace(past, newest=newest))
    growths = [
        book.of(Blame(Frame(file, int(line)), True, (stack(f"{file}:{line}"),)))
        for file, _, line in (place.rpartition(":") for place in lines)
    ]
    (growth,) = merged(book, growths)
    assert growth.blame.frame == Frame("/srv/shop/tasks.py", 14)  # most of it
    assert growth.parts == (Frame("/srv/other/rows.py", 50),)
    assert growth.sizes[-1] == 5 * SIZES[-1]


def replace_bound(way: Retention, bound: int) -> Retention:
    path = (way.path[0], way.path[1]._replace(bound=bound))
    return way._replace(path=path, container_path=path, bound=bound)
