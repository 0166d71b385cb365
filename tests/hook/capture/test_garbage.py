"""What only waits for the collector: tracked objects, and what these alone keep."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("leakhunt.hook.capture._garbage")

#: Prints how many objects wait that its lines have made.
PROGRAM = """
import gc, tracemalloc
from leakhunt.hook.capture import _garbage

class Node:
    __slots__ = ("itself", "kept")

def forget(kept):
    node = Node()
    node.itself, node.kept = node, kept

def pairs():
    return [(number + 10_000, number + 50_000) for number in range(100)]

gc.collect()
gc.disable()
tracemalloc.start(1)
MADE
_garbage.look(10**7)
print(sum(n for (frame, *_), n in _garbage.unreachable()[1].items() if frame[0] == "<string>"))
"""
#: A node, a list, a hundred pairs of two numbers each.
PAIRS, ALL = 100, 1 + 1 + 100 * 3


def waiting(*made: str) -> int:
    program = PROGRAM.replace("MADE", "\n".join(made))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_a_cycle_waits_with_all_that_it_alone_keeps() -> None:
    assert waiting("forget(pairs())") == ALL


def test_tuples_that_the_collector_has_let_out_of_its_lists_keep_their_numbers_waiting() -> None:
    """It no more looks at a tuple in which it has found nothing but numbers (``untrack_tuples`` of gcmodule.c)."""
    assert waiting("kept = pairs()", "gc.collect()", "forget(kept)", "del kept") == ALL


def test_what_something_else_keeps_too_does_not_wait() -> None:
    kept = "kept = pairs()", "gc.collect()"
    assert waiting(*kept, "first = kept[:50]", "forget(kept)", "del kept") == ALL - 50 * 3
    numbers = "first = [pair[0] for pair in kept]"
    assert waiting(*kept, numbers, "forget(kept)", "del kept") == ALL - PAIRS
    assert waiting(*kept, "forget(kept)") == 1  # the node alone


def test_what_two_forgotten_objects_share_waits_once() -> None:
    shared = "kept = pairs()", "gc.collect()", "forget((kept, [kept[0]]))", "del kept"
    assert waiting(*shared) == ALL + 2
