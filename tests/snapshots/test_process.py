"""What a file says of its process: what is malformed counts as not said."""

from __future__ import annotations

from typing import Any

import pytest

from leakhunt.model.account import Sharing
from leakhunt.model.meta import Meta
from leakhunt.model.resources import Open, Resource
from leakhunt.snapshots import process


def meta(**facts: Any) -> Meta:
    return Meta(facts=facts)


def test_mappings_are_resident_bytes_by_kind() -> None:
    assert process.maps(meta(maps={"heap": (4096, 8192), "stacks": [100, 200]})) == {
        "heap": 4096,
        "stacks": 100,
    }


@pytest.mark.parametrize("said", [None, [], "heap", {"heap": ()}, {"heap": ("x", 1)}, {1: (1, 2)}])
def test_malformed_mappings_are_none_at_all(said: Any) -> None:
    assert process.maps(meta(maps=said)) is None


def test_figures_of_allocators_are_the_numbers_among_what_is_said() -> None:
    said = meta(allocators={"malloc_used": 10, "malloc": "glibc", "pymalloc": None, "free": 2.0})
    assert process.allocators(said) == {"malloc_used": 10, "free": 2}
    assert process.allocators(meta(allocators=["x"])) == {}


def test_whose_malloc_it_is() -> None:
    assert process.malloc(meta(allocators={"malloc": "jemalloc"})) == "jemalloc"
    assert (
        process.malloc(meta(allocators={"malloc_used": 10})) == "glibc"
    )  # a file from before it was told
    assert process.malloc(meta(allocators={"pymalloc": 10})) is None
    assert process.malloc(meta()) is None
    assert (
        len(process.malloc(meta(allocators={"malloc": "x" * 9999})) or "") == process.LONGEST_NAME
    )


def test_shared_pages_are_anonymous_ones_less_shared_memory() -> None:
    assert process.sharing(meta(anonymous=100, shared_dirty=60)) == Sharing(60, 40)
    beside = meta(anonymous=100, shared_dirty=60, maps={"shared": (20, 20), "sysv": (10, 10)})
    assert process.sharing(beside) == Sharing(30, 70)
    assert process.sharing(meta(anonymous=10, shared_dirty=60)) == Sharing(10, 0)
    assert process.sharing(meta(anonymous=10)) is None


def test_what_is_open_is_summed_by_kind_with_its_states() -> None:
    said = [
        ("socket", "tcp", 5432, "close-wait", 3), ("socket", "tcp", 5432, "established", 9),
        ("file", "", 0, "", 5), ("file", "", 0, "", 1),
    ]  # fmt: skip
    assert process.resources(meta(resources=said)) == {
        Resource("socket", "tcp", 5432): Open(12, (("established", 9), ("close-wait", 3))),
        Resource("file", ""): Open(6),
    }


def test_hostile_records_of_what_is_open_are_left_out_one_by_one() -> None:
    said = [
        ("file", "", 0, "", 5),
        ("", "", 0, "", 5),
        ("pipe", 7, 0, "", 5),
        "x",
        ("pipe", "", 0, "", "many"),
    ]
    assert process.resources(meta(resources=said)) == {Resource("file", ""): Open(5)}
    assert process.resources(meta(resources={"file": 3})) is None
    many = [("thread", f"t{number}", 0, "", 1) for number in range(process.MOST_KINDS + 5)]
    assert len(process.resources(meta(resources=many)) or ()) == process.MOST_KINDS
