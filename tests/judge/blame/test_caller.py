"""Which line answers for a growth, and which lines are one leak: the parts by themselves."""

from __future__ import annotations

import pytest

from leakhunt.judge import growths
from leakhunt.judge.blame.caller import helper_or_caller, together
from leakhunt.judge.owners import Book
from leakhunt.judge.whose import Blame, Paths
from leakhunt.model.paths import prefixes
from leakhunt.model.snapshot import Frame
from tests.support.builders import FACTS, history, stack

SHOP = "/srv/shop/tasks.py"


def test_lines_that_hold_and_are_the_same_line_are_one_part() -> None:
    """A line may be blamed twice: by its own stacks, and as the caller that others are traced to."""
    stacks = [stack(f"{SHOP}:5 < {SHOP}:40"), stack(f"{SHOP}:40")]
    blames = [Blame(Frame(SHOP, 40), True, (each,)) for each in stacks]
    blames.append(Blame(Frame(SHOP, 38), True, (stack(f"{SHOP}:38"),)))
    paths = Paths(prefixes(FACTS), {}, stacks)
    groups = together(blames, paths, lambda a, b: True, lambda index: True)
    assert all(groups)
    assert sorted(index for group in groups for index in group) == [0, 1, 2]


@pytest.mark.parametrize("steady", [True, False])
def test_a_blame_moves_to_a_caller_that_leaks_by_itself_only(
    steady: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [1000 * index for index in range(10)]
    flat = [9000] * 10
    helper, caller = f"{SHOP}:5 < {SHOP}:40", f"{SHOP}:5 < {SHOP}:50"
    book = Book(
        history(
            (helper, whole if steady else flat, list(range(10))), (caller, whole, list(range(10)))
        )
    )
    blame = Blame(Frame(SHOP, 5), True, (stack(helper), stack(caller)))
    moved = Blame(Frame(SHOP, 40), True, (stack(helper),))
    monkeypatch.setattr(growths, "helper_or_caller", lambda *arguments: moved)
    assert growths._responsible(book, blame) == (moved if steady else blame)


def test_a_caller_of_half_the_growth_is_not_to_blame() -> None:
    """It must make four fifths of it; what grows beside it may be unsure for itself."""
    whole = (stack(f"{SHOP}:5 < {SHOP}:40"), stack(f"{SHOP}:5 < {SHOP}:50"))
    grown = {whole[0]: 60.0, whole[1]: 40.0}
    paths = Paths(prefixes(FACTS), {}, whole)
    blame = Blame(Frame(SHOP, 5), True, whole)

    def moved() -> Frame:
        return helper_or_caller(
            blame, (), paths, lambda some: sum(grown[each] for each in some),
            lambda some: False, lambda some: True,
        ).frame  # fmt: skip

    assert moved() == Frame(SHOP, 5)
    grown = {whole[0]: 90.0, whole[1]: 10.0}
    assert moved() == Frame(SHOP, 40)


def test_a_growth_in_step_with_two_containers_stays_by_itself() -> None:
    stacks = [stack(f"/srv/shop/{name}.py:{line}") for name, line in (("a", 1), ("b", 1), ("c", 1))]
    blames = [Blame(each[-1], True, (each,)) for each in stacks]
    paths = Paths(prefixes(FACTS), {}, stacks)
    assert sorted(together(blames, paths, lambda a, b: True, lambda index: index > 0)) == [
        [0],
        [1],
        [2],
    ]
    beside = together(blames[:2], paths, lambda a, b: True, lambda index: index == 1)
    assert [sorted(group) for group in beside] == [[0, 1]]
