"""What died: one reading of the engine's tables tells what a place held at any time."""

from __future__ import annotations

import struct
import textwrap
from typing import Any

import pytest

from leakhunt.engine import births
from leakhunt.engine.births import Clock, Periods
from leakhunt.snapfile.write import RawFrames
from tests.support.sampled_programs import run

#: Two blocks of each class of size per task; what each place really holds after each task.
PROGRAM = """
import random
draw = random.Random(3)
board, kept, queue = [], [], []
def replaced(n):
    if len(board) < 300: board.append(bytes(2000))
    else: board[draw.randrange(300)] = bytes(2000)
def leaked(n): kept.append(bytes(500))
def queued(n):
    queue.append(bytes(1000))
    if len(queue) > 1500: queue.pop(0)
def brief(n): return [bytes(700) for _ in range(20)]
_sampler.live(0.0, 0)
engine = begin(1024)
truth = []
for n in range(3000):
    _sampler.begin_task(1, None)
    replaced(n); leaked(n); queued(n); brief(n)
    _sampler.end_task(0, n + 1, None)
    truth.append((len(board) * 2033, len(kept) * 533, len(queue) * 1033))
raw = engine.read()
told = engine.harvest(raw, Life(("a",)))
fine()
places = {}
for name in ("replaced", "leaked", "queued", "brief"):
    of = lambda told_: [one for one in told_ if told.functions.get(one.frames[0]) == name]
    sizes = [0] * len(told.calendar.intervals)
    for one in of(told.births):
        for b in one.births: sizes[max(0, b.period)] += b.size
    gone = [[sum(column) for column in zip([0] * (len(sizes) - 1), *rows)] for rows in
            ([one.sizes for one in of(told.gone)], [[r * r for r in one.roots] for one in of(told.gone)])]
    places[name] = [sizes, *gone]
"""


def program(text: str) -> dict[str, Any]:
    return run(textwrap.dedent(PROGRAM) + textwrap.dedent(text))


def test_births_and_deaths_tell_what_a_place_held_at_the_end_of_each_period() -> None:
    """Of a container that replaces, a leak, a queue, and what lives for a moment.

    The samples of 1,024 bytes stand for 13 to 19 per cent more than they are at most; six standard errors of
    2,000 blocks are 5 per cent, the lists' own tables another 5.
    """
    said = program(
        "say(places=places, edges=told.calendar.edges, truth=truth, graves=len(raw[8]) // 32)"
    )
    edges, truth = said["edges"], said["truth"]
    for at, name in enumerate(("replaced", "leaked", "queued")):
        sizes, gone, squares = said["places"][name]
        alive = 0
        for period, size in enumerate(sizes[:-1]):
            alive += size
            end = edges[period + 1]
            held = truth[end - 1][at]
            error = 6 * (squares[period] + 1500 * alive) ** 0.5
            assert abs(alive + gone[period] - held) < error + 0.05 * held + 12_000, (name, end)
    assert said["places"]["brief"][1] == [0] * (len(edges) - 2)
    assert max(said["places"]["leaked"][1]) < 0.05 * truth[-1][1] + 12_000  # the list's old tables
    assert 500 < said["graves"] <= 4096


def test_graves_are_bounded_and_sums_stay_without_bias() -> None:
    """Thirty thousand deaths in four thousand graves: each stands for eight, in the end."""
    said = program("""
        def many(n):
            many.old = many.new
            many.new = [bytes(1000) for _ in range(2000)]
        many.new = many.old = None
        work = 3000
        for round_ in range(30):
            many(round_)
            for n in range(200):
                work += 1
                _sampler.end_task(0, work, None)
        raw = engine.read()
        told = engine.harvest(raw, Life(("a",)))
        fine()
        died = [one for one in told.gone if told.functions.get(one.frames[0], "").split(".")[-1] in ("<listcomp>", "many")]
        at = [sum(one.sizes[k] for one in died) for k in range(len(told.calendar.edges) - 2)]
        root = [sum(one.roots[k] ** 2 for one in died) ** 0.5 for k in range(len(at))]
        say(graves=len(raw[8]) // 32, at=at, root=root, edges=told.calendar.edges)
    """)
    assert said["graves"] <= 4096
    truth = 2 * 2000 * 1033  # two lists are there at any time, and all but the last two have died
    seen = [
        (size, root)
        for size, root, edge in zip(said["at"], said["root"], said["edges"][1:])
        if 3600 < edge < 8000
    ]
    assert seen
    for size, root in seen:
        assert abs(size - truth) < 6 * root + 0.05 * truth
        assert root < 0.2 * truth


def test_a_child_has_no_graves_of_its_parents() -> None:
    said = program("""
        pid = os.fork()
        if pid == 0:
            _sampler.live(0.0, 0)
            for n in range(300): _sampler.end_task(0, n + 1, None)
            del kept[:100]
            raw = engine.read()
            told = engine.harvest(raw, Life(("a",)))
            of = [one for one in told.gone if told.functions.get(one.frames[0]) == "leaked"]
            os.write(1, json.dumps({"graves": len(raw[8]) // 32, "sizes": [list(one.sizes) for one in of],
                                    "edges": told.calendar.edges}).encode() + b"\\n")
            os._exit(0)
        os.waitpid(pid, 0)
    """)
    assert said["graves"] <= 100
    (sizes,) = said["sizes"]  # they were there when it began, and died at the end
    assert sizes[0] > 0
    assert set(sizes) == {sizes[0]}


def test_a_realloc_that_fails_buries_nobody() -> None:
    said = program("""
        import ctypes
        realloc = ctypes.pythonapi.PyMem_Realloc
        realloc.restype, realloc.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_size_t]
        malloc = ctypes.pythonapi.PyMem_Malloc
        malloc.restype, malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        blocks = [malloc(100_000) for _ in range(20)]
        for n in range(300): _sampler.end_task(0, 3000 + n, None)
        before = len(engine.read()[8]) // 32
        failed = [realloc(block, 1 << 62) for block in blocks]
        after = len(engine.read()[8]) // 32
        fine()
        say(failed=[each is None for each in failed], before=before, after=after)
    """)
    assert said["failed"] == [True] * 20
    assert said["after"] == said["before"]


def graves(*rows: tuple[float, int, int, int, int, int, int]) -> bytes:
    return b"".join(struct.pack("=dIIIIII", *row) for row in rows)


def test_a_grave_counts_in_the_periods_whose_end_it_saw() -> None:
    """Edges 0, 1, …: in tasks where there are tasks, else in seconds."""
    stacks: list[RawFrames] = [(("a.py", 1),), (("b.py", 2),)]
    raw = graves(
        (100.0, 0, 1, 4, 0, 0, 0),
        (10.0, 0, 2, 3, 0, 0, 0),
        (7.0, 1, 4, 4, 0, 0, 0),  # born and died in one period
        (3.0, 0, 99, 2, 0, 0, 1),  # of before the fork: there since the beginning
    )
    (told,) = births.gone(
        raw, Periods(Clock(done=5, lived=9, life=1, armed_done=0, armed_lived=0)), stacks
    )
    assert told.frames == stacks[0]
    assert told.sizes == (3, 103, 110, 100, 0)
    assert told.roots == (3, 100, 100, 100, 0)
    seconds = graves((100.0, 1, 0, 0, 2, 5, 0))
    (told,) = births.gone(
        seconds, Periods(Clock(done=0, lived=6, life=1, armed_done=0, armed_lived=0)), stacks
    )
    assert told.sizes == (0, 0, 100, 100, 100, 0)


def test_those_of_which_most_has_died_are_told() -> None:
    many = births.MOST_GONE + 20
    stacks: list[RawFrames] = [((f"{n}.py", 1),) for n in range(many)]
    raw = graves(*((float(n + 1), n, 0, 3, 0, 0, 0) for n in range(many)))
    told = births.gone(raw, Periods(Clock(5, 9, 1, 0, 0)), stacks)
    assert len(told) == births.MOST_GONE
    assert {one.frames[0][0] for one in told} == {f"{n}.py" for n in range(20, many)}


@pytest.mark.parametrize("raw", [b""])
def test_nobody_dead_is_nothing_told(raw: bytes) -> None:
    assert births.gone(raw, Periods(Clock(5, 9, 1, 0, 0)), []) == []
