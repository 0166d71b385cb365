"""Arrays of numpy in the walk: their data are theirs, and what they hold is followed."""

from __future__ import annotations

import gc
import struct
import tracemalloc
from typing import Any

import pytest

from leakhunt.engine.retention import TIE

numpy = pytest.importorskip("numpy")
_walk = pytest.importorskip("leakhunt.hook.capture.walk._walk")

pytestmark = pytest.mark.usefixtures("collector_off")

KEPT: list[Any] = []


def walked(blocks: bytes = b"", traced: int = 0) -> dict[str, Any]:
    told: dict[str, Any] = _walk.walk(blocks, 60.0, 1 << 30, "/nowhere", traced)
    return told


def steps(told: dict[str, Any], number: int) -> list[tuple[str, Any]]:
    """(kind, name) from the root on."""
    path = []
    while number:
        parent, kind, name, *_ = told["shapes"][number]
        path.append((kind, name))
        number = parent
    return path[::-1]


def test_data_are_tied_to_the_array_and_to_what_keeps_it() -> None:
    arrays = [
        numpy.zeros(shape, dtype)
        for shape, dtype in ((1000, float), ((30, 40), "u1"), ((5, 6, 7), complex))
    ]
    arrays.append(numpy.asfortranarray(numpy.ones((50, 60))))
    arrays.append(numpy.zeros((1, 1), dtype="S3000"))
    KEPT.append(arrays)
    try:
        told = walked(
            struct.pack("=5Q", *(array.__array_interface__["data"][0] for array in arrays))
        )
    finally:
        KEPT.clear()
    ties = list(TIE.iter_unpack(told["ties"]))
    assert [tie[4] for tie in ties] == [array.nbytes for array in arrays]
    assert {told["holders"][tie[1] - 1][2] for tie in ties} == {5}


def test_a_view_keeps_the_array_that_it_shows() -> None:
    whole = numpy.zeros((200, 300))
    block = whole.__array_interface__["data"][0]
    KEPT.append({n: whole[n : n + 2, :3] for n in range(1500)})
    del whole
    try:
        told = walked(struct.pack("=Q", block))
    finally:
        KEPT.clear()
    (tie,) = TIE.iter_unpack(told["ties"])
    assert tie[4] == 200 * 300 * 8
    assert steps(told, tie[0])[-2:] == [("item", None), ("attribute", "base")]
    assert told["holders"][tie[1] - 1][2] == 1500


def test_the_objects_of_an_array_are_held_by_it() -> None:
    texts = [f"a text of its own {n}" for n in range(300)]
    addresses = struct.pack("=300Q", *map(id, texts))
    KEPT.append(numpy.array(texts, dtype=object))
    del texts
    try:
        told = walked(addresses)
    finally:
        KEPT.clear()
    ways = {tuple(steps(told, tie[0])[-2:]) for tie in TIE.iter_unpack(told["ties"])}
    assert ways == {(("item", None), ("item", None))}


def test_what_would_be_freed_counts_the_data() -> None:
    """Within 5 % of what tracemalloc sees freed."""
    tracemalloc.start()
    try:
        KEPT.append([numpy.full(1000, n) for n in range(1200)])
        told = walked(traced=10**7)
        (one,) = [each for each in told["containers"] if each[2] == 1200]
        before = tracemalloc.get_traced_memory()[0]
        KEPT.clear()
        gc.collect()
        freed = before - tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        KEPT.clear()
    assert freed > 9_000_000
    assert abs(one[5] - freed) < 0.05 * freed
    tracebacks, ties, _ = told["traced"]
    here = [tie for frames, tie in zip(tracebacks, TIE.iter_unpack(ties)) if tie[4] == 8000]
    assert len(here) == 1200


def test_odd_arrays_harm_nothing() -> None:
    """Of no dimension, of no entries, with strides of nought, without data of their own, of a class of one's own."""

    class Named(numpy.ndarray):  # type: ignore[misc,name-defined]
        """With attributes."""

    named = numpy.zeros(4000).view(Named)
    named.label = ["a list of its own"]
    KEPT.extend(
        [
            numpy.array(3.0),
            numpy.empty((0, 5)),
            numpy.broadcast_to(numpy.zeros(3), (1000, 3)),
            numpy.frombuffer(b"12345678" * 10, dtype=float),
            numpy.zeros(100)[::-1],
            numpy.empty(50, dtype=object),
            numpy.zeros(10, dtype=[("number", "i4"), ("any", "O")]),
            named,
        ]
    )
    try:
        told = walked(struct.pack("=Q", id(named.label[0])))
    finally:
        KEPT.clear()
    assert told["whole"]
    assert told["crashed"] is None
    (tie,) = TIE.iter_unpack(told["ties"])
    assert ("attribute", "label") in steps(told, tie[0])
