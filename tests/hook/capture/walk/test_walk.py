"""The walk over the heap: every kind of holder is named, and no content is told."""

from __future__ import annotations

import collections
import functools
import gc
import pickle
import random
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from leakhunt.engine.retention import COUNT, TIE
from tests.hook.capture.walk import holders

_walk = pytest.importorskip("leakhunt.hook.capture.walk._walk")

pytestmark = pytest.mark.usefixtures("collector_off")

MEMORY = 1 << 30


def walked(blocks: bytes = b"", memory: int = MEMORY, traced: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = _walk.walk(blocks, 60.0, memory, "/nowhere", traced)
    return found


def path(found: dict[str, Any], number: int) -> list[tuple[str, Any, Any]]:
    """(kind, name, type) from the root on."""
    steps = []
    while number:
        parent, kind, name, type_name, *_ = found["shapes"][number]
        steps.append((kind, name, type_name))
        number = parent
    return steps[::-1]


def names(found: dict[str, Any], number: int) -> list[tuple[str, Any]]:
    return [(kind, name) for kind, name, _ in path(found, number)]


def container(found: dict[str, Any], length: int) -> tuple[Any, ...]:
    """The one container with that many entries."""
    (one,) = [each for each in found["containers"] if each[2] == length]
    return tuple(one)


@pytest.fixture(scope="module")
def kinds() -> dict[str, Any]:
    """A heap with a container for each kind of holder: see :mod:`holders`.

    In an interpreter of its own: only the largest containers are told, and a process that has
    run other tests may hold any number of larger ones.
    """
    script = (
        "import gc, pickle, sys\n"
        "from leakhunt.hook.capture.walk import _walk\n"
        "from tests.hook.capture.walk import holders\n"
        "gc.disable()\n"
        "with holders.held():\n"
        f"    found = _walk.walk(b'', 60.0, {MEMORY}, '/nowhere', 0)\n"
        "sys.stdout.buffer.write(pickle.dumps(found))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    found: dict[str, Any] = pickle.loads(done.stdout)
    return found


@pytest.mark.parametrize("kind", holders.KINDS, ids=lambda kind: kind.name)
def test_a_holder_is_named(kinds: dict[str, Any], kind: holders.Kind) -> None:
    assert kinds["whole"]
    found = container(kinds, kind.length)
    assert found[1] == kind.type
    assert found[3] == kind.bound
    assert names(kinds, found[0])[-len(kind.path) :] == list(kind.path)


def test_ways_that_differ_in_one_step_are_told_apart() -> None:
    """Every combination of a name, a kind of step and a type."""
    names_of = [f"a{number}" for number in range(20)]
    for number, name in enumerate(names_of):
        inner = list(range(100_000 + number))
        setattr(holders.INSTANCE, name, ({"k": inner},) if number % 2 else [{1: inner}, name])
    try:
        found = walked()
    finally:
        for name in names_of:
            delattr(holders.INSTANCE, name)
    for number, name in enumerate(names_of):
        told = names(found, container(found, 100_000 + number)[0])
        assert told[-3:] == [("attribute", name), ("item", None), ("item", None)]


#: Ends a program that has named LENGTHS: the ways to the containers that are as long as that.
TELLS_WAYS = """
gc.disable()
found = _walk.walk(b"", 60.0, 1 << 30, "/nowhere", 0)
for shape, _, length, *_ in found["containers"]:
    if length in LENGTHS:
        way = []
        while shape:
            shape, kind, name, *_ = found["shapes"][shape]
            way.insert(0, f"{kind} {name}")
        print(" > ".join(way))
"""

#: Callbacks that only C variables refer to, each with a list of its own.
CALLBACKS = """
import gc, signal
from leakhunt.hook.capture.walk import _walk
def keeps(length):
    kept = list(range(length))
    def callback():
        return kept
    return callback
class Service:
    def __init__(self):
        self.kept = list(range(5001))
    def close(self):
        pass
signal.signal(signal.SIGUSR1, keeps(5000))
signal.signal(signal.SIGUSR2, Service().close)
LENGTHS = (5000, 5001)
"""


def test_a_callback_that_only_c_code_holds_is_told_by_its_function() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CALLBACKS + TELLS_WAYS], capture_output=True, check=True, text=True
    )
    said = set(done.stdout.splitlines())
    if sys.version_info < (3, 11):  # a code object has no qualified name
        said = {way.replace("C code, callback", "C code, keeps.<locals>.callback") for way in said}
        said = {way.replace("C code, close", "C code, Service.close") for way in said}
    assert said == {
        "native held from C code, keeps.<locals>.callback (<string>:6) > closure kept",
        "native held from C code, Service.close (<string>:12) > attribute __self__ > attribute kept",
    }


#: Modules that a program has made of data, each with a list of its own.
MAKES_MODULES = """
import gc, sys, types
from leakhunt.hook.capture.walk import _walk
for number in range(int(sys.argv[1])):
    made = types.ModuleType(f"plugin_{number}")
    made.KEPT = list(range(5000))
    sys.modules[made.__name__] = made
del made
INNER = list(range(6000))
LENGTHS = (5000, 6000)
"""


@pytest.mark.parametrize(
    ("number", "ways"),
    [
        (20, {f"module plugin_{each} > attribute KEPT" for each in range(20)}),
        (200, {"module sys > attribute modules > item None > attribute KEPT"}),
    ],
)
def test_of_many_modules_that_no_import_made_the_names_are_contents(
    number: int, ways: set[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MAKES_MODULES + TELLS_WAYS, str(number)],
        capture_output=True,
        check=True,
        text=True,
    )
    assert set(done.stdout.splitlines()) == {*ways, "module __main__ > attribute INNER"}


def test_no_content_is_told(kinds: dict[str, Any]) -> None:
    """Keys, values, values of attributes, variables and closures all hold the secret."""
    assert holders.SECRET not in repr(kinds)


def test_what_waits_for_the_collector_is_told_by_type() -> None:
    class Cycle:
        pass

    for _ in range(37):
        one = Cycle()
        one.me = one  # type: ignore[attr-defined]
    del one
    garbage = {name: count for name, count, _ in walked()["garbage"][0]}
    (count,) = [count for name, count in garbage.items() if name.endswith(".Cycle")]
    assert count == 37


def test_what_is_told_by_its_type_is_no_part_of_the_rest() -> None:
    """The rest are the smallest types, and nothing where each type has a line."""
    one: list[Any] = []
    one.append(one)
    del one
    found = walked()
    for types, (left, count, size) in (found["types"], found["garbage"]):
        least = min(each for _, _, each in types)
        assert left <= count
        assert size <= left * least


def rows(number: int) -> None:
    KEPT.extend({"name": f"item {each}", "tags": [str(each)]} for each in range(number))


def bounded(number: int) -> None:
    """Its links are no objects that its traversal shows."""
    cached = functools.lru_cache(maxsize=number + 1)(lambda text: text + "!")
    for each in range(number):
        cached(f"key {each}")
    KEPT.append(cached)


def ordered(number: int) -> None:
    """Its nodes are no objects, and the table of them stands beside that of the dict."""
    made = collections.OrderedDict((f"key {each}", None) for each in range(number + 50))
    for _ in range(50):
        made.popitem(last=False)
    KEPT.append(made)


class Ranked(collections.OrderedDict):  # type: ignore[type-arg]
    """One of the application's own."""


def ranked(number: int) -> None:
    KEPT.append(Ranked((each, f"value {each}") for each in range(number)))


FIELDS = {f"field_{number}": None for number in range(60)}


def classes(number: int) -> None:
    """Each with a table for the names of its instances' attributes, and a text that says what it is. What their base
    has of each is freed as well, and not held by what holds them.
    """
    told = {"__doc__": "One of the application's own.", **FIELDS}
    KEPT.extend(type("Made", (), told) for _ in range(number))


@pytest.mark.parametrize("fill", [rows, bounded, ordered, ranked, classes])
def test_retained_bytes_are_those_that_are_freed(fill: Callable[[int], None]) -> None:
    """What tracemalloc sees freed, within 5 %."""
    tracemalloc.start()
    try:
        fill(30_001)
        one = container(walked(), 30_001)
        before = tracemalloc.get_traced_memory()[0]
        KEPT.clear()
        gc.collect()
        freed = before - tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        KEPT.clear()
    retained, own = one[5], one[6]
    assert freed > 1_000_000
    assert abs(retained - freed) < 0.05 * freed
    assert own < retained


KEPT: list[Any] = []


def test_blocks_are_tied_to_what_holds_the_objects_in_them() -> None:
    texts = [f"text {number}" for number in range(50)]
    KEPT.append({"texts": texts})
    try:
        blocks = struct.pack("=51Q", *map(id, texts), 16)
        found = walked(blocks)
        ties = list(TIE.iter_unpack(found["ties"]))
    finally:
        KEPT.clear()
    assert len(ties) == 51
    assert ties[50] == (0, 0, 0, 0, 0)  # nothing is there
    (shape,) = {tie[0] for tie in ties[:50]}
    assert names(found, shape)[-2:] == [("item", None)] * 2 or names(found, shape)[0][0] == "frame"
    assert [tie[4] for tie in ties[:50]] == list(map(sys.getsizeof, texts))


def block_of(one: Any) -> int:
    """The address that the allocator gave: the collector's words stand before an object."""
    return id(one) - (sys.getsizeof(one) - int(one.__sizeof__()))


def deques(*most: int | None) -> dict[str, Any]:
    return {
        f"key {number}": collections.deque([f"text {number}"], maxlen=each)
        for number, each in enumerate(most)
    }


def caches(*most: int | None) -> dict[str, Any]:
    made = {}
    for number, each in enumerate(most):
        made[f"key {number}"] = functools.lru_cache(maxsize=each)(lambda text: text + "!")
        made[f"key {number}"](f"text {number}")
    return made


@pytest.mark.parametrize("fill", [deques, caches])
@pytest.mark.parametrize(
    ("most", "told"),
    [
        ((8,) * 60, (None, 8)),
        ((8,), (1, 8)),
        ((8, 8, 9), (None, None)),
        ((None, 8, 8), (None, None)),
        ((8, 8, None), (None, None)),
        ((8, 9, 8), (None, None)),
        ((0, 0), (None, 0)),
    ],
)
def test_many_containers_on_one_path_have_the_bound_that_all_of_them_have(
    fill: Callable[..., dict[str, Any]], most: tuple[int | None, ...], told: tuple[Any, Any]
) -> None:
    KEPT.append(fill(*most))
    try:
        found = walked(struct.pack(f"={len(most)}Q", *map(block_of, KEPT[0].values())))
        numbers = {tie[0] for tie in TIE.iter_unpack(found["ties"])}
        types = {type(each) for each in KEPT[0].values()}
    finally:
        KEPT.clear()
    (shape,) = numbers
    (kind,) = types
    assert path(found, shape)[-1] == ("item", None, f"{kind.__module__}.{kind.__qualname__}")
    assert found["shapes"][shape][4:6] == told


def nested(depth: int) -> Any:
    """Each in the next, and no end of it."""
    made: Any = "text"
    for _ in range(depth):
        made = collections.deque([made], maxlen=2)
    return made


def nested_by_dicts(depth: int) -> Any:
    made: Any = "text"
    for _ in range(depth):
        made = {"next": collections.deque([made], maxlen=2)}
    return made


def innermost(outer: Any) -> int:
    """The block of the last container; no variable holds it on, which would be a shorter way."""
    inner = outer["next"] if isinstance(outer, dict) else outer[0]
    return block_of(outer) if isinstance(inner, str) else innermost(inner)


@pytest.mark.parametrize("fill", [nested, nested_by_dicts])
def test_a_chain_of_containers_has_no_bound_though_each_of_them_has(
    fill: Callable[[int], Any],
) -> None:
    KEPT.append(fill(20))
    try:
        found = walked(struct.pack("=Q", innermost(KEPT[0])))
    finally:
        KEPT.clear()
    ((number, *_),) = TIE.iter_unpack(found["ties"])
    steps = []
    while number:
        steps.append(found["shapes"][number])
        number = steps[-1][0]
    chain = [step for step in steps if step[3] == "collections.deque"]
    assert any(step[6] for step in steps)
    assert chain[0][5] is None
    assert all(step[5] is None for step in chain if step[4] is None)


class Row:
    """With two attributes of its own, one of them a container."""

    def __init__(self, number: int) -> None:
        self.label = f"row {number:>9}"
        self.parts = [float(number)] * (number % 2)


def counted(
    found: dict[str, Any],
) -> dict[tuple[tuple[tuple[str, Any], ...], str], tuple[int, int]]:
    """Objects and bytes by the names from KEPT on, and the type at the end."""
    sums = {}
    for shape, _, count, size in COUNT.iter_unpack(found["counts"]):
        way = path(found, shape)
        at = names(found, shape).index(("attribute", "KEPT"))
        sums[tuple(names(found, shape)[at + 1 :]), way[-1][2]] = (count, size)
    return sums


def test_all_that_is_held_like_the_blocks_asked_about_is_counted() -> None:
    """Whether they were asked about or not; ways that nobody asked about are not told."""
    KEPT.extend(Row(number) for number in range(700))
    KEPT.extend(f"a text of its own {number:>4}" for number in range(300))
    row, odd = KEPT[4], KEPT[5]
    asked = [block_of(row.label), block_of(odd.parts), block_of(KEPT[-1]), block_of(KEPT[-2])]
    text, label, parts = (sys.getsizeof(each) for each in (KEPT[-1], row.label, odd.parts))
    try:
        found = walked(struct.pack("=4Q", *asked))
    finally:
        KEPT.clear()
    own = f"{__name__}.Row" if __name__ in sys.modules else "Row"
    item = ("item", None)
    assert own
    assert counted(found) == {
        ((item,), "str"): (300, 300 * text),
        ((item, ("attribute", "label")), "str"): (700, 700 * label),
        ((item, ("attribute", "parts")), "list"): (700, 350 * parts + 350 * (parts - 8)),
    }


def test_of_two_lists_that_are_held_alike_each_has_its_own_count() -> None:
    """Ways are told apart by what holds: the outermost of the longest containers."""
    KEPT.extend([["a" * (20 + n) for n in range(500)], ["b" * (20 + n) for n in range(900)]])
    asked = [block_of(KEPT[0][7]), block_of(KEPT[1][7]), block_of(KEPT[1][8])]
    try:
        found = walked(struct.pack("=3Q", *asked))
    finally:
        KEPT.clear()
    counts = sorted(count for _, _, count, _ in COUNT.iter_unpack(found["counts"]))
    assert counts == [500, 900]


def test_with_however_little_memory_it_ends_and_counts_nothing_of_a_part() -> None:
    """Each of its rows may be the one that has no room any more."""
    KEPT.extend(f"a text of its own {number:>4}" for number in range(3000))
    asked = struct.pack("=Q", block_of(KEPT[5]))
    try:
        took = walked(asked)["memory"]
        for part in range(0, 101, 10):
            try:
                found = walked(asked, memory=took * part // 100)
            except MemoryError:
                continue
            assert found["whole"] == bool(found["counts"])
            assert found["full"] or found["whole"]
        assert walked(asked, memory=4 * took)["counts"]
    finally:
        KEPT.clear()
    assert walked()["counts"] == b""


def test_traced_blocks_are_tied_by_traceback() -> None:
    tracemalloc.start(1)
    try:
        KEPT.extend(f"a text of its own {number}" for number in range(500))
        found = walked(traced=10**7)
    finally:
        tracemalloc.stop()
        KEPT.clear()
    tracebacks, ties, interval = found["traced"]
    here = [
        tie
        for frames, tie in zip(tracebacks, TIE.iter_unpack(ties))
        if frames[0][0] == __file__
        and names(found, tie[0])[-2:] == [("attribute", "KEPT"), ("item", None)]
    ]
    assert interval == 0
    assert len(here) == 500
    assert {found["holders"][tie[1] - 1][2] for tie in here} == {500}


@pytest.mark.parametrize(
    ("number", "size", "holder"), [(500, 2000, "list"), (1, 1 << 20, "bytearray")]
)
def test_a_buffer_is_a_holder_where_it_outweighs_what_holds_it(
    number: int, size: int, holder: str
) -> None:
    """Many buffers in a list are the list's, one that has grown large is its own."""
    tracemalloc.start(1)
    try:
        KEPT.extend(bytearray(size) for _ in range(number))
        found = walked(traced=10**7)
    finally:
        tracemalloc.stop()
        KEPT.clear()
    tracebacks, ties, _ = found["traced"]
    held = {
        found["holders"][tie[1] - 1][1]
        for frames, tie in zip(tracebacks, TIE.iter_unpack(ties))
        if frames[0][0] == __file__ and tie[1] and names(found, tie[0])[-1] == ("item", None)
    }
    assert held == {holder}


def test_of_no_blocks_there_are_no_ties() -> None:
    """As at a baseline, before anything was traced."""
    found = walked(traced=10**7)
    assert found["ties"] == b""
    assert found["traced"] == ([], b"", 0)


@pytest.mark.parametrize("memory", [0, 100_000, 400_000, 1 << 20, 3 << 20, 10 << 20])
def test_little_memory_costs_a_part_of_the_walk(memory: int) -> None:
    KEPT.extend([number] for number in range(100_000))
    try:
        found = walked(memory=memory)
    except MemoryError:
        assert memory < 1 << 21
    else:
        assert not found["whole"]
        assert found["full"]
        assert found["points"] is None
        assert found["memory"] <= memory
    finally:
        KEPT.clear()


def test_no_time_costs_a_part_of_the_walk() -> None:
    found = _walk.walk(b"", 0.0, MEMORY, "/nowhere", 0)
    assert found["late"]
    assert not found["whole"]


def test_addresses_that_are_none_are_refused() -> None:
    with pytest.raises(TypeError):
        walked(b"123")


#: A heap type whose traversal jumps to nowhere (the slot stands 184 bytes into a type's struct).
CRASHES = """
import ctypes, gc, os, sys
from leakhunt.hook.capture.walk import _walk
gc.disable()
class Bad:
    pass
class Hangs:
    pass
BAD = [Bad() for _ in range(5)]
KEPT = [str(number) for number in range(1500)]
ctypes.c_void_p.from_address(id(Bad) + 184).value = 8
found = _walk.walk(b"", 2.0, 1 << 30, "/nowhere", 0)
print(found["crashed"], found["whole"], [each[2] for each in found["containers"]], found["points"])
sys.stdout.flush()
os._exit(0)
"""


def test_a_traversal_that_crashes_costs_the_objects_of_its_type() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CRASHES], capture_output=True, text=True, timeout=400, check=True
    )
    assert done.stdout.split(" ", 2)[:2] == ["__main__.Bad", "False"]
    assert "1500" in done.stdout
    assert done.stdout.strip().endswith("None")


# -- dominators against the definition ----------------------------------------------------------


class Node:
    """Held in a graph that is made at random."""

    __slots__ = ("links",)

    def __init__(self) -> None:
        self.links: list[Node] = []


def freed_without(nodes: list[Node], start: int, dropped: int) -> set[int]:
    """The nodes that only one of them keeps reachable, by the definition."""
    places = {id(node): place for place, node in enumerate(nodes)}

    def reached(without: int | None) -> set[int]:
        seen = set() if start == without else {start}
        todo = list(seen)
        while todo:
            for link in nodes[todo.pop()].links:
                place = places[id(link)]
                if place not in seen and place != without:
                    seen.add(place)
                    todo.append(place)
        return seen

    return reached(None) - reached(dropped)


@pytest.mark.parametrize("seed", range(12))
def test_retained_sizes_are_those_of_the_definition(seed: int) -> None:
    draw = random.Random(seed)
    nodes = [Node() for _ in range(40)]
    for place, node in enumerate(nodes):
        node.links = [nodes[draw.randrange(40)] for _ in range(draw.choice((0, 1, 1, 2, 4)))]
        if place and draw.random() < 0.5:
            nodes[place - 1].links.append(node)
    dropped = draw.randrange(1, 40)
    expected = freed_without(nodes, 0, dropped)
    if not expected:
        return
    sizes = {place: object_size(node) + object_size(node.links) for place, node in enumerate(nodes)}
    # The node in question is found by its list, which is far longer than any other: only the
    # longest are told.
    leaf = "a leaf"
    nodes[dropped].links.extend([leaf] * 200_003)  # type: ignore[list-item]
    KEPT.append(nodes[0])
    length, own = len(nodes[dropped].links), object_size(nodes[dropped].links)
    del node
    kept, nodes = nodes[0], []
    try:
        found = walked()
        (one,) = [each for each in found["containers"] if each[2] == length]
    finally:
        KEPT.clear()
    del kept
    below = sum(sizes[place] for place in expected - {dropped})
    assert one[5] == own + below


def object_size(thing: object) -> int:
    """With what stands before it, and after 3.9 as :func:`sys.getsizeof` has it."""
    return sys.getsizeof(thing)
