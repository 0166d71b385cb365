"""What holds an object: found among all that are alive, by addresses, without touching one."""

from __future__ import annotations

import collections
import ctypes
import functools
import gc
import struct
import sys
import time
import types
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

_holders = pytest.importorskip("leakhunt.hook.capture._holders")

pytestmark = pytest.mark.usefixtures("collector_off")

HEAD = 16
VERSION = sys.version_info[:2]
#: In front of instances with a dict of their own, from 3.11 on (``Py_TPFLAGS_PREHEADER``).
BEFORE = (1 << 4 if VERSION == (3, 11) else 3 << 3) if VERSION >= (3, 11) else 0


def block(thing: object) -> int:
    """Where an object's memory begins."""
    flags = type(thing).__flags__
    is_gc = flags & 1 << 14
    return id(thing) - (HEAD if is_gc else 0) - (16 if flags & BEFORE else 0)


def word(address: int) -> int:
    return ctypes.c_uint64.from_address(address).value


def table(thing: Any) -> int:
    """Where a container's own table is."""
    if isinstance(thing, list):
        return word(id(thing) + 24)
    if isinstance(thing, dict):
        return word(id(thing) + 32)
    if isinstance(thing, (set, frozenset)):
        return word(id(thing) + 40)
    assert isinstance(thing, collections.deque)
    return word(id(thing) + 32)  # the rightmost block


class Answer(NamedTuple):
    holder: int
    kind: int
    told: int


NOTHING = Answer(0, 0, 0)


def asked(wanted: list[int], trusted: list[int], seconds: float = 60.0) -> list[Answer]:
    answers, passes, whole = _holders.find(packed(wanted), packed(trusted), seconds)
    assert whole
    assert 0 <= passes <= 6
    return [Answer(*each) for each in struct.iter_unpack("=QQQ", answers)]


def packed(addresses: list[int]) -> bytes:
    return struct.pack(f"={len(addresses)}Q", *addresses)


def is_by(answer: Answer, holder: object, told: int) -> bool:
    return answer == (block(holder), id(type(holder)), told)


class Order:
    pass


class Slotted:
    __slots__ = ("rate",)


def rate(number: float = 1.1) -> float:
    """A float that nobody else has."""
    return number * 3.7


# -- one holder ------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [list, collections.deque, set, frozenset, dict.fromkeys])
def test_a_container_tells_by_its_table(make: Any) -> None:
    pairs = [(number, rate(number)) for number in range(100)]
    kept = make(pairs)
    place = [
        kept
    ]  # since 3.15 the collector lists no frozenset of such pairs, and knows it by this
    wanted = [block(pairs[7]), block(pairs[99])]
    del pairs
    for answer in asked(wanted, [table(kept)]):
        assert is_by(answer, kept, table(kept))
    assert place == [kept]


@pytest.mark.skipif(sys.version_info < (3, 15), reason="there is no frozendict")
def test_a_frozendict_is_a_dict() -> None:
    values = [rate(number) for number in range(100)]
    place = [frozendict(zip(range(100), values))]  # type: ignore[name-defined,unused-ignore]  # noqa: F821
    wanted = [block(values[7])]
    del values
    (answer,) = asked(wanted, [])
    assert is_by(answer, place[0], 0)


def test_a_dict_holds_keys_and_values() -> None:
    kept = {(number, "x"): rate(number) for number in range(100)}
    key, value = next(iter(kept.items()))
    found = asked([block(key), block(value)], [table(kept)])
    assert [is_by(answer, kept, table(kept)) for answer in found] == [True, True]


@pytest.mark.parametrize("kind", [collections.OrderedDict, collections.Counter])
def test_other_dicts_do_as_well(kind: Any) -> None:
    kept = kind({(number,): rate(number) for number in range(100)})
    answer = asked([block(next(iter(kept)))], [table(kept)])[0]
    assert is_by(answer, kept, table(kept))


def test_a_block_far_from_the_end_of_a_deque_tells_too() -> None:
    kept = collections.deque((number,) for number in range(3000))
    older = word(table(kept))  # the block left of the rightmost
    answer = asked([block(kept[5])], [older])[0]
    assert is_by(answer, kept, older)


def test_a_small_table_of_keys_is_found_by_its_dict() -> None:
    kept = [{"k": number} for number in range(200)]
    answer = asked([table(kept[33])], [table(kept)])[0]
    assert is_by(answer, kept, table(kept))

    class Row(dict):  # type: ignore[type-arg]
        pass

    row = Row(k=1)
    rows = [row]
    answer = asked([table(row)], [block(row), table(rows)])[0]
    assert is_by(answer, row, block(row))


@pytest.mark.parametrize("kind", [Order, Slotted])
def test_an_instance_tells_by_its_own_block(kind: Any) -> None:
    order = kind()
    order.rate = rate()
    answer = asked([block(order.rate)], [block(order)])[0]
    assert is_by(answer, order, block(order))


def test_the_results_of_a_bounded_cache_are_held_by_it() -> None:
    @functools.lru_cache(maxsize=500)
    def cached(number: int) -> tuple[float, int]:
        return rate(number), number

    for number in range(200):
        cached(number)
    (cache,) = [each for each in gc.get_referents(cached) if type(each) is dict and len(each) > 100]
    answer = asked([block(cached(77))], [table(cache)])[0]
    assert is_by(answer, cached, table(cache))


# -- chains ------------------------------------------------------------------------------------


def test_a_float_in_a_tuple_in_a_dict_in_a_list() -> None:
    kept: list[dict[str, Any]] = [{"pair": (rate(number), [number])} for number in range(100)]
    answer = asked([block(kept[50]["pair"][0])], [table(kept)])[0]
    assert is_by(answer, kept, table(kept))


def test_what_the_collector_does_not_track_is_looked_into() -> None:
    kept = [((rate(number), number), number) for number in range(100)]
    atoms = [{"a": rate(number), "b": {"c": rate(number)}} for number in range(100)]
    gc.collect()
    assert not gc.is_tracked(kept[3][0])
    found = asked(
        [block(kept[3][0][0]), block(kept[3]), block(atoms[3]["a"])], [table(kept), table(atoms)]
    )
    assert is_by(found[0], kept, table(kept))
    assert is_by(found[1], kept, table(kept))
    assert is_by(found[2], atoms, table(atoms))


def test_a_large_untracked_dict_is_a_holder() -> None:
    kept = [{number: rate(number) for number in range(300)}]
    gc.collect()
    answer = asked([block(kept[0][7])], [table(kept[0]), table(kept)])[0]
    assert is_by(answer, kept[0], table(kept[0]))


def test_an_untracked_tuple_with_two_holders_is_told_by_the_better_one() -> None:
    pair = (rate(), 5)
    kept: list[Any] = [pair, *range(300)]
    order = Order()
    order.pair = pair  # type: ignore[attr-defined]
    gc.collect()
    wanted = [block(pair[0]), block(pair)]
    del pair
    for answer in asked(wanted, [table(kept)]):
        assert is_by(answer, kept, table(kept))


def test_closures_generators_and_methods_lead_on() -> None:
    def closure(value: Any) -> Any:
        return lambda: value

    def generate(value: Any) -> Iterator[Any]:
        yield 1
        yield value

    class Bound:
        def __init__(self) -> None:
            self.pair = (rate(), [])  # type: ignore[var-annotated]

        def method(self) -> Any:
            return self.pair

    kept = [closure({"k": [number]}) for number in range(80)]
    waiting: list[Any] = [generate({"k": [number]}) for number in range(80)]
    for each in waiting:
        next(each)
    bound: list[Any] = [Bound().method for _ in range(80)]
    wanted = [
        block(kept[3]()), block(waiting[3].gi_frame.f_locals["value"]), block(bound[3].__self__.pair)
    ]  # fmt: skip
    found = asked(wanted, [table(kept), table(waiting), table(bound)])
    for answer, holder in zip(found, (kept, waiting, bound)):
        assert is_by(answer, holder, table(holder))


# -- which of several ----------------------------------------------------------------------------


def test_the_container_that_grows_goes_before_an_instance_and_the_nearer_one_before_others() -> (
    None
):
    pair = (rate(), [])  # type: ignore[var-annotated]
    order = Order()
    order.pair = pair  # type: ignore[attr-defined]
    kept = [pair] * 10 + [None] * 500
    outer = [[kept]] + [None] * 5000
    found = asked([block(pair)], [block(order), table(kept), table(outer)])[0]
    assert is_by(found, kept, table(kept))


def test_a_module_holds_one_thing_by_each_name_and_does_not_tell() -> None:
    module = types.ModuleType("of_this_test")
    sys.modules["of_this_test"] = module
    try:
        module.last = {"k": [1]}  # type: ignore[attr-defined]
        names = vars(module)
        for number in range(300):
            names[f"name{number}"] = None
        wanted = [block(module.last), table(module.last)]
        assert asked(wanted, [table(names)]) == [NOTHING, NOTHING]
        kept = [module.last]
        assert is_by(asked(wanted, [table(names), table(kept)])[0], kept, table(kept))
    finally:
        del sys.modules["of_this_test"]


def test_of_two_large_containers_it_is_the_same_one_whatever_is_known_of_them() -> None:
    pairs = [(number, [number]) for number in range(100)]
    by_number = dict(enumerate(pairs))
    wanted = [block(pairs[5])]
    for trusted in ([], [table(pairs)], [table(by_number)], [table(pairs), table(by_number)]):
        told = table(by_number) if table(by_number) in trusted else 0
        assert is_by(asked(wanted, trusted)[0], by_number, told)


def test_what_many_hold_is_told_by_one_of_the_largest() -> None:
    shared = (rate(), [])  # type: ignore[var-annotated]
    small = [[shared] for _ in range(500)]
    kept = [shared, *range(1000)]
    answer = asked([block(shared)], [table(kept)])[0]
    assert is_by(answer, kept, table(kept))
    assert len(small) == 500


# -- the ends ----------------------------------------------------------------------------------------


def test_a_large_container_is_the_holder_even_where_nothing_tells_where_it_grew() -> None:
    kept = [{"k": number} for number in range(100)]
    order = Order()
    order.kept = kept  # type: ignore[attr-defined]
    answer = asked([block(kept[3])], [block(order)])[0]
    assert is_by(answer, kept, 0)


def test_where_a_large_container_was_made_does_not_tell_where_it_grew() -> None:
    kept = collections.defaultdict(list, {number: [number] for number in range(100)})
    answer = asked([block(kept[3])], [block(kept)])[0]
    assert is_by(answer, kept, 0)
    small = collections.defaultdict(list, {1: [1]})
    assert is_by(asked([block(small[1])], [block(small)])[0], small, block(small))


def test_cycles_and_what_only_a_frame_holds_are_not_told() -> None:
    ring: list[Any] = [(rate(), [])]
    ring[0][1].append(ring)
    alone = {"k": [1]}
    found = asked([block(ring[0]), block(alone), table(alone), 0, 4096], [4096, 0])
    if VERSION >= (3, 11):  # before, frames are objects of their own
        assert found == [NOTHING] * 5
    assert found[3:] == [NOTHING] * 2


def test_what_was_put_aside_from_the_collector_holds_too() -> None:
    kept = [{"k": number} for number in range(100)]
    gc.freeze()
    try:
        answer = asked([block(kept[3])], [table(kept)])[0]
    finally:
        gc.unfreeze()
    assert is_by(answer, kept, table(kept))


def test_time_runs_out() -> None:
    kept = [{"k": number} for number in range(100)]
    many = [[number] for number in range(200_000)]  # more than between two looks at the clock
    answers, _, whole = _holders.find(packed([block(kept[3])]), packed([table(kept)]), 0.0)
    assert not whole
    assert answers == bytes(24)
    assert len(many) == 200_000


def test_no_more_time_is_taken_than_was_given() -> None:
    """A millisecond of CPU, in which no machine looks at a million objects several times."""
    kept = [{"k": number} for number in range(100)]
    many = [[number] for number in range(1_000_000)]
    wanted, trusted = packed([block(kept[3])]), packed([table(kept)])
    began = time.process_time()
    _, _, whole = _holders.find(wanted, trusted, 60.0)
    assert whole
    assert time.process_time() - began > 0.01
    assert not _holders.find(wanted, trusted, 0.001)[2]
    assert len(many) == 1_000_000


def test_nothing_is_changed() -> None:
    pair = (rate(), 5)
    kept = [pair, {"k": (1.5, pair)}]
    things = [pair, kept, kept[1], rate, Order]
    before = [(sys.getrefcount(thing), gc.is_tracked(thing)) for thing in things]
    asked([block(pair), block(kept[1])], [table(kept)])
    after = [(sys.getrefcount(thing), gc.is_tracked(thing)) for thing in things]
    assert after == before


@pytest.mark.parametrize(
    "arguments", [(b"1234567", b"", 1.0), (b"", b"1", 1.0), ("", b"", 1.0), (b"", b""), ()]
)
def test_wrong_arguments_are_refused(arguments: Any) -> None:
    with pytest.raises(TypeError):
        _holders.find(*arguments)


def test_nothing_is_found_of_nothing() -> None:
    assert _holders.find(b"", b"", 1.0) == (b"", 0, True)
