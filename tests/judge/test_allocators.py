"""What grows outside Python is native code's, or free and not returned, as the allocators' figures say."""

from __future__ import annotations

import pytest

from leakhunt.judge.allocators import FRAGMENTATION, NATIVE
from leakhunt.judge.rss import outside
from tests.judge.test_rss import BASE, MIB, RESIDENT, N, allocators, line, process


@pytest.mark.parametrize(
    ("series", "kind"),
    [
        ({"malloc_used": line(50 * MIB, MIB)}, NATIVE),
        ({"malloc_mapped": line(50 * MIB, MIB)}, NATIVE),
        ({"malloc_free": line(50 * MIB, MIB)}, FRAGMENTATION),
        ({"pymalloc_free": line(50 * MIB, MIB)}, FRAGMENTATION),
        ({"pymalloc_used": line(50 * MIB, MIB // 4), "malloc_free": line(0, 3 * MIB // 4)}, FRAGMENTATION),
        ({"pymalloc_used": line(50 * MIB, 3 * MIB // 4), "malloc_free": line(0, MIB // 4)}, NATIVE),
        ({}, NATIVE),  # in neither allocator: mapped by native code itself
    ],
)  # fmt: skip
def test_the_allocators_tell_native_memory_from_what_is_free(
    series: dict[str, list[int]], kind: str
) -> None:
    found = outside(process(line(BASE, MIB), allocators=allocators(**series)))
    assert found.kind == kind
    assert found.grows


def test_what_is_handed_out_to_python_is_not_native() -> None:
    """Traced memory is all that malloc hands out more of, and more than what lies free."""
    own, free = line(10 * MIB, 45 * MIB // 100), line(0, 40 * MIB // 100)
    figures = allocators(malloc_used=own, malloc_free=free)
    found = outside(process(line(BASE, MIB), own, allocators=figures))
    assert found.kind == FRAGMENTATION
    assert found.free == 40 * MIB // 100 * (N - 1)


def test_native_memory_that_malloc_shows_counts_under_whatever_else_the_process_does() -> None:
    """Python gives as much back: the resident set stands still meanwhile, or jumps about."""
    rss = [BASE + (index % 2) * MIB for index in range(N)]
    used = [10 * MIB + 10 * MIB + MIB * index for index in range(N)]
    found = outside(process(rss, allocators=allocators(malloc_used=used)))
    assert (found.grows, found.kind) == (True, NATIVE)
    assert found.rest == pytest.approx(MIB / 100)
    less = [20 * MIB + (RESIDENT.least // (N - 1) - 1) * index for index in range(N)]
    assert not outside(process(rss, allocators=allocators(malloc_used=less))).grows


def test_nothing_is_told_of_kinds_where_python_explains_the_growth() -> None:
    own = line(10 * MIB, MIB)
    found = outside(process(line(BASE, MIB), own, allocators=allocators(malloc_used=own)))
    assert (found.kind, found.grows) == (None, False)


def test_python_objects_are_no_part_of_what_is_private_beside_them() -> None:
    rss = [50 * MIB] * 3 + [60 * MIB] * 7
    sizes = [10 * MIB] * 3 + [13 * MIB] * 7
    made = outside(process(rss, sizes, [0] * 3 + [MIB] * 7, anonymous=[each - MIB for each in rss]))
    assert made.private == 6 * MIB
