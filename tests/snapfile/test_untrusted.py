"""What a file from anybody may hold: plain values in bounds, and no name but a snapshot's own."""

from __future__ import annotations

import io
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt.snapfile.untrusted import (
    IMPOSSIBLE,
    LARGEST_NUMBER,
    BadError,
    _numbered,
    _Unpickler,
    is_plain,
)

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(PLAIN)
def test_values_that_are_plain_are_plain(value: Any) -> None:
    assert is_plain(value, budget=1000, deepest=20)


@pytest.mark.parametrize(
    "value", [object(), b"x", {1.5: 2}, {None: 1}, [[print]], IMPOSSIBLE, -IMPOSSIBLE, {1, 2}]
)
def test_anything_else_is_not(value: Any) -> None:
    assert not is_plain(value, budget=1000)


def test_depth_and_number_are_bounded() -> None:
    deep: Any = 1
    for _ in range(9):
        deep = [deep]
    assert not is_plain(deep, budget=1000, deepest=8)
    assert is_plain(deep, budget=1000, deepest=9)
    assert not is_plain([0] * 1001, budget=1000)


def test_a_value_that_refers_to_itself_ends() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert not is_plain(endless, budget=1000)
    doubling: list[Any] = []
    for _ in range(60):
        doubling = [doubling, doubling]
    assert not is_plain(doubling, budget=1000, deepest=100)


@pytest.mark.parametrize(
    "name", [b"cos\nsystem\n.", b"cbuiltins\neval\n.", b"ccopyreg\n_reconstructor\n."]
)
def test_a_name_that_no_snapshot_needs_is_refused(name: bytes) -> None:
    with pytest.raises(BadError, match="which no snapshot needs"):
        _Unpickler(io.BytesIO(name)).load()


def test_names_of_a_snapshot_become_values_that_do_nothing() -> None:
    made = _Unpickler(io.BytesIO(pickle.dumps(list(range(3))))).load()
    assert made == [0, 1, 2]
    inert = _Unpickler(io.BytesIO(b"ctracemalloc\nSnapshot\n)R.")).load()
    assert type(inert).__name__ == "_Snapshot"
    assert inert.arguments == ()


@pytest.mark.parametrize(
    "frame",
    [
        ("x.py",),
        ("x.py", 1, 2),
        (b"x.py", 1),
        ("x.py", -1),
        ("x.py", LARGEST_NUMBER),
        ("x.py", "1"),
        ["x.py", 1],
    ],
)
def test_a_frame_is_a_file_and_a_line(frame: Any) -> None:
    with pytest.raises(BadError, match="one of its frames"):
        _numbered([(frame,)])


def test_a_line_may_be_as_large_as_an_unsigned_number_of_c() -> None:
    largest = ("x.py", 2**32 - 1)
    assert _numbered([(largest,)])[0] == [largest]


def test_stacks_are_turned_round_and_frames_told_once() -> None:
    inner, outer = ("b.py", 2), ("a.py", 1)
    frames, steps, depths = _numbered([(inner, outer), (outer,)])
    assert frames == [outer, inner]
    assert list(memoryview(steps).cast("I")) == [0, 1, 0]
    assert list(memoryview(depths).cast("I")) == [2, 1]
