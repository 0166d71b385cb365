"""What freelists serve, held against this very interpreter."""

from __future__ import annotations

import sys

import pytest

from leakhunt.cpython.freelists import DEAD, KEYS_SIZE, SERVED, _sizes, is_free, may_be_recycled


@pytest.mark.parametrize("kind", [dict, list, float])
def test_a_block_of_a_type_that_is_served_may_be_recycled(kind: type) -> None:
    assert may_be_recycled(kind.__name__, sys.getsizeof(kind()), 0)


def test_long_tuples_and_large_ints_are_not() -> None:
    assert may_be_recycled(
        "tuple", 16 + sys.getsizeof((0,) * 20) - sys.getsizeof(()) + tuple.__basicsize__, 0
    )
    assert not may_be_recycled("tuple", 16 + tuple.__basicsize__ + 8 * 21, 0)
    assert not may_be_recycled("int", sys.getsizeof(2**200), 0)


def test_what_is_not_served_is_told_apart() -> None:
    assert not may_be_recycled("shop.Order", 64, 0)
    assert not may_be_recycled(None, 64, 0)


def test_the_smallest_table_of_keys_is_known_by_its_second_word() -> None:
    mark = 0x010303 if sys.version_info >= (3, 11) else 8
    assert may_be_recycled(None, KEYS_SIZE, mark)
    assert not may_be_recycled(None, KEYS_SIZE, mark + 1)
    assert not may_be_recycled(None, KEYS_SIZE + 8, mark)


def test_a_block_is_free_where_what_was_in_it_has_died() -> None:
    named = {0x7000: "tuple", 0x8000: "shop.Order"}
    assert is_free(named, 56, (DEAD, DEAD | 0x7000, 0x7000))
    assert not is_free(named, 56, (DEAD, 0x7000, 0x7000))  # it lives
    assert not is_free(named, 560, (DEAD, DEAD | 0x7000, 0))  # no free list takes that
    assert not is_free(named, 56, (DEAD, DEAD | 0x8000, 0))  # nor such an object
    assert not is_free(named, 56, (DEAD, DEAD, DEAD))
    mark = 0x010303 if sys.version_info >= (3, 11) else 8
    assert is_free(named, KEYS_SIZE, (DEAD | mark, 0, 0))
    assert not is_free(named, KEYS_SIZE, (mark, 0, 0))


def test_newer_versions_serve_more() -> None:
    assert "frame" in _sizes((3, 9))
    assert "frame" not in _sizes((3, 11))
    assert set(_sizes((3, 12))) < set(_sizes((3, 14))) < set(_sizes((3, 15)))
    assert set(SERVED) == set(_sizes(sys.version_info[:2]))
