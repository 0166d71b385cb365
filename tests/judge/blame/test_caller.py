"""Which line answers for a growth, and which lines are one leak: the parts by themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

import pytest

from leakhunt.judge import growths
from leakhunt.judge.blame.caller import helper_or_caller, together
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book
from leakhunt.judge.whose import Blame, Paths
from leakhunt.model.paths import prefixes
from leakhunt.model.retention import Path, Retention, Step
from leakhunt.model.snapshot import Facts, Frame, Spot, Stack
from tests.support.builders import FACTS, history, snap, stack

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


EVENTS = (Step("module", "shop", "module"), Step("attribute", "EVENTS", "list", 90))
ITEMS = (EVENTS[0], Step("attribute", "BUFFER", "shop.Buffer"), Step("attribute", "items", "list"))
NATIVE = (Step("native", "held from C code", "list"), Step("attribute", "EVENTS", "str"))


@pytest.mark.parametrize(
    ("code", "ways", "stays"),
    [
        ("EVENTS.append({'n': n})", {EVENTS: 900}, True),
        ("MORE_EVENTS.append({'n': n})", {EVENTS: 900}, False),
        ("self.items.append(n)", {ITEMS: 900}, False),  # with each object another's
        ("BUFFER.items.append(n)", {ITEMS: 900}, True),
        ("EVENTS.append(n)", {EVENTS: 400, ITEMS: 500}, False),  # most is kept elsewhere
        ("EVENTS.append(n)", {EVENTS: 400, NATIVE: 500}, True),  # or by nobody known
        ("EVENTS.append(n)", {}, False),
        (None, {EVENTS: 900}, False),
    ],
)
def test_a_line_that_names_what_keeps_is_where_it_is_kept(
    code: str | None, ways: dict[Path, int], stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through whichever caller most of it comes."""
    sizes, steps = [1000 * index for index in range(10)], list(range(10))
    by_40, by_50 = f"{SHOP}:5 < {SHOP}:40", f"{SHOP}:5 < {SHOP}:50"
    spots = {} if code is None else {Frame(SHOP, 5): Spot("remember", code)}
    held = tuple(
        Retention(path, 9, size, "list", 90, None, 1, None, path) for path, size in ways.items()
    )
    newest = replace(snap(f"{by_40} 9000B x9"), facts={stack(by_40): Facts(retention=held)})
    made = replace(
        history((by_40, sizes, steps), (by_50, [0] * 10, steps)), spots=spots, newest=newest
    )
    blame, moved = (Blame(Frame(SHOP, line), True, (stack(by_40),)) for line in (5, 40))
    monkeypatch.setattr(growths, "helper_or_caller", lambda *arguments: moved)
    assert growths._responsible(Book(made), blame) == (blame if stays else moved)


def test_what_is_made_at_the_callers_own_line_is_that_callers() -> None:
    """Two lines feed one container: the helper's, and the line that calls it."""
    own = stack(f"{SHOP}:40 < {SHOP}:1")
    blame = blamed({BY_40: 80.0, own: 15.0, BY_50: 5.0})
    assert (blame.frame.line, set(blame.stacks)) == (40, {BY_40, own})


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


# -- the helper or its caller, either side of each condition ---------------------------

HELPER = Frame(SHOP, 5)
BY_40, BY_50, ALONE = (
    stack(f"{SHOP}:5 < {SHOP}:40 < {SHOP}:1"),
    stack(f"{SHOP}:5 < {SHOP}:50 < {SHOP}:1"),
    stack(f"{SHOP}:5"),
)


def blamed(
    grown: dict[Stack, float],
    siblings: Iterable[Stack] = (),
    grows: Collection[Stack] = (),
    absent: Collection[Stack] = (),
    ours: bool = True,
) -> Blame:
    """Where the blame goes, of stacks that grew by so many bytes beside some that did not."""
    blame = Blame(HELPER, ours, tuple(grown))
    siblings = tuple(siblings)
    return helper_or_caller(
        blame, siblings, Paths(prefixes(FACTS), {}, [*grown, *siblings]),
        lambda some: sum(grown.get(each, 0.0) for each in some),
        lambda some: any(each in grows for each in some),
        lambda some: any(each not in absent for each in some),
    )  # fmt: skip


@pytest.mark.parametrize(("beside", "line"), [(0.0, 40), (0.001, 5)])
def test_a_caller_answers_from_its_part_of_the_growth_on(beside: float, line: int) -> None:
    part = LEVELS.blames.caller - beside
    assert blamed({BY_40: 1000 * part, BY_50: 1000 * (1 - part)}).frame.line == line


def test_the_blame_moves_with_the_stacks_of_the_caller_only() -> None:
    moved = blamed({BY_40: 90.0, BY_50: 10.0})
    assert (moved.frame, moved.ours, moved.stacks) == (Frame(SHOP, 40), True, (BY_40,))


def test_the_helper_answers_where_there_is_no_other_caller_to_compare_with() -> None:
    assert blamed({BY_40: 100.0}).frame == HELPER
    assert blamed({BY_40: 100.0}, [BY_50]).frame.line == 40
    assert blamed({BY_40: 100.0}, [BY_50], absent=[BY_50]).frame == HELPER  # hardly ever there


def test_the_helper_answers_where_another_caller_leaks_too() -> None:
    assert blamed({BY_40: 90.0, BY_50: 10.0}, grows=[BY_50]).frame == HELPER


def test_the_helper_answers_where_most_comes_without_a_caller() -> None:
    assert blamed({ALONE: 100.0}, [BY_40]).frame == HELPER
    assert blamed({BY_40: 100.0}, [ALONE]).frame.line == 40


def test_a_library_and_what_does_not_grow_stay_blamed_where_they_are() -> None:
    assert blamed({BY_40: 100.0}, [BY_50], ours=False).frame == HELPER
    assert blamed({BY_40: 0.0}, [BY_50]).frame == HELPER


def test_the_blame_moves_on_outwards_as_long_as_a_caller_makes_the_difference() -> None:
    mine, its = stack(f"{SHOP}:5 < {SHOP}:40 < {SHOP}:1"), stack(f"{SHOP}:5 < {SHOP}:40 < {SHOP}:2")
    assert blamed({mine: 100.0}, [its]).frame == HELPER  # both by line 40: no other caller
    assert blamed({mine: 100.0}, [its, BY_50]).frame == Frame(SHOP, 1)


# -- which lines are one leak ----------------------------------------------------------


def parted(
    *places: str,
    alike: bool = True,
    holds: Collection[int] = (),
    functions: dict[int, str] | None = None,
) -> list[list[int]]:
    """The groups of lines, each blamed with one stack."""
    stacks = [stack(place) for place in places]
    spots = {Frame(SHOP, line): Spot(name, None) for line, name in (functions or {}).items()}
    paths = Paths(prefixes(FACTS), spots, stacks)
    blames = [Blame(each[-1], True, (each,)) for each in stacks]
    return together(blames, paths, lambda a, b: alike, holds.__contains__)


def test_lines_of_one_function_in_step_are_one_leak() -> None:
    places = f"{SHOP}:100", f"{SHOP}:300"
    assert parted(*places, functions={100: "take", 300: "take.<locals>.<listcomp>"}) == [[0, 1]]
    assert parted(*places, functions={100: "take.<lambda>", 300: "take"}) == [[0, 1]]
    assert parted(*places, functions={100: "take", 300: "send"}) == [[0], [1]]
    assert parted(*places, functions={100: "take", 300: "take"}, alike=False) == [[0], [1]]


@pytest.mark.parametrize(("apart", "groups"), [(0, [[0, 1]]), (1, [[0], [1]])])
def test_lines_that_are_near_are_one_functions_where_none_is_known(
    apart: int, groups: list[list[int]]
) -> None:
    line = 100 + LEVELS.blames.near + apart
    assert parted(f"{SHOP}:100", f"{SHOP}:{line}") == groups
    assert parted(f"{SHOP}:{line}", f"{SHOP}:100") == groups
    assert parted(f"{SHOP}:100", f"/srv/shop/other.py:{line}") == [[0], [1]]


def test_lines_in_step_called_from_one_line_are_one_leak() -> None:
    mine, its = f"{SHOP}:100 < {SHOP}:1", f"/srv/shop/b.py:7 < {SHOP}:1"
    assert parted(mine, its) == [[0, 1]]
    assert parted(mine, f"/srv/shop/b.py:7 < {SHOP}:2") == [[0], [1]]
    assert parted(mine, its, alike=False) == [[0], [1]]


def test_a_line_called_from_anothers_is_its_part_in_step_or_not() -> None:
    assert parted(f"{SHOP}:100", f"/srv/shop/b.py:7 < {SHOP}:100", alike=False) == [[0, 1]]
    assert parted(f"/srv/shop/b.py:7 < {SHOP}:100", f"{SHOP}:100", alike=False) == [[0, 1]]


def test_mostly_called_from_there_is_by_the_part_of_the_stacks() -> None:
    caller, part = Frame(SHOP, 100), LEVELS.blames.caller
    inside = [stack(f"/srv/shop/b.py:7 < /srv/shop/c{n}.py:1 < {SHOP}:100") for n in range(8)]
    beside = [stack(f"/srv/shop/b.py:7 < /srv/shop/d{n}.py:1") for n in range(3)]
    assert 8 / 10 >= part > 8 / 11
    for others, groups in ((2, [[0, 1]]), (3, [[0], [1]])):
        stacks = (*inside, *beside[:others])
        blames = [
            Blame(caller, True, (stack(f"{SHOP}:100"),)),
            Blame(inside[0][-1], True, stacks),
        ]
        paths = Paths(prefixes(FACTS), {}, stacks)
        assert together(blames, paths, lambda a, b: False, lambda index: False) == groups


@pytest.mark.parametrize("ours", [(False, False), (True, False), (False, True)])
def test_lines_of_a_library_are_put_together_nowhere(ours: tuple[bool, bool]) -> None:
    places = [stack("/usr/lib/python3.11/a.py:1"), stack("/usr/lib/python3.11/a.py:2")]
    blames = [Blame(each[-1], is_ours, (each,)) for each, is_ours in zip(places, ours)]
    paths = Paths(prefixes(FACTS), {}, places)
    assert together(blames, paths, lambda a, b: True, lambda index: False) == [[0], [1]]


def test_a_line_does_not_call_itself() -> None:
    assert parted(f"{SHOP}:100", f"{SHOP}:100 < {SHOP}:1", alike=False) == [[0], [1]]


def test_lines_that_share_one_caller_of_several_are_not_called_from_one_line() -> None:
    other = "/srv/shop/b.py:7"
    stacks = [stack(f"{other} < {SHOP}:1"), stack(f"{other} < {SHOP}:2"), stack(f"{SHOP}:100 < {SHOP}:1")]  # fmt: skip
    blames = [Blame(stacks[0][-1], True, tuple(stacks[:2])), Blame(stacks[2][-1], True, (stacks[2],))]  # fmt: skip
    paths = Paths(prefixes(FACTS), {}, stacks)
    assert together(blames, paths, lambda a, b: True, lambda index: False) == [[0], [1]]


def test_a_part_must_be_one_with_every_other_of_its_group() -> None:
    """The first and the last are too far apart, though the middle one is near both."""
    near = LEVELS.blames.near
    lines = [100, 100 + near, 100 + 2 * near]
    assert parted(*(f"{SHOP}:{line}" for line in lines)) == [[0, 1], [2]]


def test_of_lines_in_one_file_each_goes_with_the_next_below_it_that_holds() -> None:
    """What is made is put away further down; what comes after the last goes with the last."""
    places = [f"{SHOP}:{line}" for line in (1, 5, 6, 10, 15)]
    assert parted(*places, holds=[1, 3]) == [[0, 1], [2, 3, 4]]
    assert parted(*places, holds=[1]) == [[0, 1, 2, 3, 4]]


def test_two_holders_in_different_files_share_their_parts() -> None:
    """Which feeds which is not to be told by lines."""
    mine, its = f"{SHOP}:100 < {SHOP}:1", f"/srv/shop/b.py:7 < {SHOP}:1"
    assert parted(mine, its, holds=[0, 1]) == [[0, 1]]
