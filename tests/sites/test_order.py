"""The short way to the first rows gives the same rows as sorting everything."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leakhunt.sites.order import by_amount, by_growth, in_order

NUMBER = st.integers(0, 4)
FOUR = st.tuples(NUMBER, NUMBER, NUMBER, NUMBER)


@given(st.lists(FOUR, max_size=30), st.sampled_from(["size", "count"]), st.integers(0, 40))
def test_the_first_rows_are_the_first_of_all(
    rows: list[tuple[int, ...]], sort: str, limit: int
) -> None:
    for measure in (by_growth, by_amount):
        keys = list(map(measure(sort), rows))

        def exact(index: int) -> tuple[object, ...]:
            return (rows[index], index)

        everything = in_order(keys, exact, None)
        assert sorted(everything) == list(range(len(rows)))
        assert in_order(keys, exact, limit) == everything[:limit]


@given(FOUR, FOUR, st.sampled_from(["size", "count"]))
def test_growth_then_shrinkage_then_nothing(
    one: tuple[int, ...], two: tuple[int, ...], sort: str
) -> None:
    def story(four: tuple[int, ...]) -> tuple[int, int]:
        size, count = four[2] - four[0], four[3] - four[1]
        first, second = (size, count) if sort == "size" else (count, size)
        sort_of = 0 if (first, second) > (0, 0) else 1 if (first, second) < (0, 0) else 2
        return sort_of, -abs(first)

    key = by_growth(sort)
    if story(one) < story(two):
        assert key(one) < key(two)
    elif story(one) == story(two):
        assert key(one) == key(two)
