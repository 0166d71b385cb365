"""Lines that are looked at together, where samples are spread over them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from leakhunt.judge.blame.families import blamed, families, with_lines
from leakhunt.judge.owners import Book
from leakhunt.judge.series.shape import LEAK
from leakhunt.model.snapshot import Facts, Frame
from tests.support.builders import history, snap, stack
from tests.support.growing import growth, rising, sampled
from tests.support.lives import held

TASKS, MODELS = "/srv/shop/tasks.py", "/srv/shop/models.py"
#: Two lines of one function, each called by the task; a line of another one; the library alone.
FIRST, SECOND = f"{MODELS}:10 < {TASKS}:40", f"{MODELS}:12 < {TASKS}:40"
OTHER = f"{TASKS}:41"
LIBRARY = "/usr/lib/python3.11/json/decoder.py:353"
FRAMES: dict[str, Any] = {
    MODELS: {10: ("Model.load", None), 12: ("Model.load.<locals>.<listcomp>", None)},
    TASKS: {40: ("take", None), 41: ("take", None), 90: ("send", None)},
}


def book(*places: str, **facts: Any) -> Book:
    return Book(sampled({place: rising(3) for place in places}, frames=FRAMES, **facts))


def test_a_functions_lines_are_one_family_and_what_a_task_calls_another() -> None:
    inner, outer = families(book(FIRST, SECOND, OTHER, LIBRARY))
    assert inner == {(MODELS, "Model.load", None): [stack(FIRST), stack(SECOND)]}
    assert {place: set(stacks) for place, stacks in outer.items()} == {
        (TASKS, "take", None): {stack(FIRST), stack(SECOND), stack(OTHER)}
    }


def test_what_two_containers_keep_is_not_one_family() -> None:
    """However few samples each of their lines has: a stack that nobody knows the keeper of goes with neither."""
    third, fourth = f"{TASKS}:42", f"{TASKS}:43"
    frames = {TASKS: dict.fromkeys((40, 41, 42, 43), ("take", None)), MODELS: FRAMES[MODELS]}
    places = (FIRST, SECOND, OTHER, third, fourth)
    made = sampled({place: rising(3) for place in places}, frames=frames)
    ways = {FIRST: 7, SECOND: 7, OTHER: 8, third: 8}
    newest = snap("x.py:1 1B x1")
    way = held("list", 900, None)
    facts = {
        stack(place): Facts(retention=(way._replace(mark=mark),)) for place, mark in ways.items()
    }
    known = Book(replace(made, newest=replace(newest, facts=facts)))
    _, outer = families(known)
    assert {key[2]: set(stacks) for key, stacks in outer.items()} == {
        7: {stack(FIRST), stack(SECOND)},
        8: {stack(OTHER), stack(third)},
    }
    for told in facts.values():
        facts[stack(OTHER)] = facts[stack(third)] = replace(told, retention=(way._replace(mark=7),))
    _, outer = families(known)
    assert {key[2]: len(stacks) for key, stacks in outer.items()} == {None: 5}


def test_one_line_alone_is_no_family_however_many_stacks_lead_to_it() -> None:
    found = families(book(FIRST, f"{MODELS}:10 < {TASKS}:90"))
    assert found[0] == {}


def test_functions_that_are_not_known_are_no_family() -> None:
    inner, outer = families(book(f"{MODELS}:300 < {TASKS}:500", f"{MODELS}:301 < {TASKS}:500"))
    assert inner == outer == {}


def test_functions_of_the_same_name_in_two_files_are_two() -> None:
    here, there = f"{TASKS}:40", f"{MODELS}:12"
    frames = {TASKS: {40: ("run", None), 90: ("run", None)}, MODELS: {12: ("run", None)}}
    known = Book(sampled({place: rising(3) for place in (here, there)}, frames=frames))
    assert families(known) == [{}, {}]


def test_the_line_with_most_of_the_growth_answers_and_what_shrinks_does_not() -> None:
    known = Book(
        history(
            (FIRST, rising(500), rising(1)),
            (SECOND, rising(9000)[::-1], rising(1)[::-1]),
            (OTHER, rising(400), rising(1)),
        )
    )
    found = blamed(known, map(stack, (SECOND, OTHER, FIRST)))
    assert (found.frame, found.ours) == (Frame(MODELS, 10), True)
    assert found.stacks == tuple(map(stack, (SECOND, OTHER, FIRST)))


def test_a_growth_tells_its_other_lines_the_largest_first() -> None:
    places = {FIRST: 500, SECOND: 900, OTHER: 700}
    known = Book(
        history(
            *((place, rising(each), rising(1)) for place, each in places.items()),
            (f"{TASKS}:90", [5000] * 8, [1] * 8),
        )
    )
    whole = growth(known, SECOND, FIRST, OTHER, f"{TASKS}:90", verdict=LEAK)
    found = with_lines(known, whole)
    assert found.parts == (Frame(TASKS, 41), Frame(MODELS, 10))  # line 90 does not grow
    assert found.blame == whole.blame
    assert with_lines(known, found) is found  # it is known already
