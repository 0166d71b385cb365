"""Births that freelists have handed on, booked to the line that makes their holder grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt.judge.births.handed import Booked, _without, booked, less
from leakhunt.judge.births.life import lived
from leakhunt.judge.growths import growths
from leakhunt.judge.informed import informed
from leakhunt.judge.kept import Kept
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.whose import Paths
from leakhunt.model.paths import prefixes
from leakhunt.model.retention import Container, Retention, Step
from leakhunt.model.snapshot import Birth, Facts, Handed, Snapshot, Spot, Stack, Tally
from leakhunt.retention.ways import why
from tests.support.builders import stack
from tests.support.lives import BLOCK, aged

CHORES, KEEP, OTHER = (f"/srv/shop/{each}" for each in ("chores.py:57", "queue.py:33", "api.py:70"))
LIBRARY = "/srv/venv/lib/python3.11/site-packages/celery/app/trace.py:477"
N = 20


def container(
    kind: str = "list", mark: int = 7, bound: int | None = None, name: str = "KEPT"
) -> Container:
    way = (Step("module", "shop.queue", "module"), Step("attribute", name, kind, 900, bound))
    return Container(way, kind, 900, bound, mark, None, 7200)


def way(holder: Container, size: int) -> Retention:
    return Retention(
        holder.path, size // BLOCK, size, holder.type, holder.length, holder.bound, holder.mark,
        None, holder.path,
    )  # fmt: skip


def part(
    sizes: Sequence[float], holder: Container | None = None, grower: str | None = None
) -> Handed:
    births = tuple(
        Birth(period, "shop.take", max(1, round(size / BLOCK)), max(1, round(size / BLOCK)), float(size), size * BLOCK,
              size / BLOCK, float(size))
        for period, size in enumerate(sizes)
        if size > 0
    )  # fmt: skip
    return Handed(holder or container(), None if grower is None else stack(grower), births)


def handing(
    snapshot: Snapshot, parts: Mapping[str, Sequence[Handed]], ways: Mapping[str, Sequence[Retention]] = MappingProxyType({}),
) -> Snapshot:  # fmt: skip
    """The snapshot, of which so much may have been handed on; all of these births are recycled."""
    facts: dict[Stack, Facts] = dict(snapshot.facts)
    for where in {*parts, *ways}:
        told = facts[stack(where)]
        recycled: dict[int, float] = {}
        for one in parts.get(where, ()):
            for birth in one.births:
                recycled[birth.period] = recycled.get(birth.period, 0.0) + birth.size
        facts[stack(where)] = replace(
            told,
            handed=tuple(parts.get(where, ())),
            births=tuple(b._replace(recycled=recycled.get(b.period, 0.0)) for b in told.births),
            recycled=round(sum(recycled.values())),
            retention=tuple(ways.get(where, ())),
        )
    return replace(snapshot, facts=MappingProxyType(facts))


def book(snapshot: Snapshot) -> Booked:
    return booked(snapshot, Paths(prefixes(snapshot.meta.facts), snapshot.spots, snapshot.tallies))


def sizes(facts: Mapping[Stack, Facts], where: str) -> list[float]:
    by_period = [0.0] * N
    for birth in facts[stack(where)].births:
        by_period[birth.period] += birth.size
    return by_period


def two(grower: str | None = KEEP) -> Snapshot:
    """Of what chores has asked for, a list keeps most, that another line makes grow."""
    snapshot = aged((CHORES, [10_000] * N), (KEEP, [2000] * N))
    held = container()
    return handing(
        snapshot,
        {CHORES: [part([9000] * N, held, grower)]},
        {CHORES: [way(held, 9000 * N)], KEEP: [way(held, 2000 * N)]},
    )


def test_types_go_with_the_births() -> None:
    """Of what freelists hand on: the others stay where they are."""
    snapshot = two()
    told = snapshot.facts[stack(CHORES)]
    typed = replace(told, types={"tuple": 9000 * N + 500, "str": 400 * N})
    facts, *_ = book(
        replace(snapshot, facts=MappingProxyType({**snapshot.facts, stack(CHORES): typed}))
    )
    assert facts[stack(CHORES)].types == {"tuple": 500, "str": 400 * N}


@pytest.mark.parametrize("grower", [KEEP, None])
def test_births_go_to_the_line_that_makes_their_holder_grow(grower: str | None) -> None:
    """The one that enlarged the table last; else the one with most bytes that came through no freelist."""
    facts, _, kept, _ = book(two(grower))
    assert sizes(facts, CHORES) == [1000] * N
    assert sizes(facts, KEEP) == [11_000] * N
    assert kept == {stack(KEEP): (Kept("list", 9000 * N),)}
    assert facts[stack(CHORES)].recycled == 0
    assert sum(birth.recycled for birth in facts[stack(KEEP)].births) == 9000 * N
    assert facts[stack(CHORES)].retention == ()
    assert sum(each.size for each in facts[stack(KEEP)].retention) == 11_000 * N


def test_the_line_that_keeps_is_accused_and_says_what_others_made() -> None:
    snapshot = two()
    life = lived(snapshot)
    assert life is not None
    leak, *rest = growths(life)
    assert (leak.blame.frame.file, leak.shape.verdict) == ("/srv/shop/queue.py", LEAK)
    assert [growth.shape.verdict for growth in rest].count(LEAK) <= 1
    assert life.kept[stack(KEEP)] == (Kept("list", 9000 * N),)
    assert life.sizes[-1] == pytest.approx(snapshot.totals.size, abs=2)


def test_without_a_walk_all_stays_as_it_was() -> None:
    snapshot = aged((CHORES, [10_000] * N), (KEEP, [2000] * N))
    assert book(snapshot) == (snapshot.facts, snapshot.tallies, {}, {})


def test_the_applications_own_line_comes_before_a_librarys() -> None:
    snapshot = aged((CHORES, [10_000] * N), (KEEP, [2000] * N), (LIBRARY, [4000] * N))
    held = container()
    made = handing(
        snapshot,
        {CHORES: [part([9000] * N, held)]},
        {KEEP: [way(held, 100)], LIBRARY: [way(held, 4000 * N)]},
    )
    assert sizes(book(made).facts, KEEP) == [11_000] * N
    alone = handing(snapshot, {CHORES: [part([9000] * N, held)]}, {LIBRARY: [way(held, 4000 * N)]})
    assert sizes(book(alone).facts, LIBRARY) == [13_000] * N


def test_what_came_through_a_freelist_makes_no_line_the_owner() -> None:
    """Both lines have blocks in the list, of which all of the one's are recycled."""
    snapshot = aged((CHORES, [10_000] * N), (KEEP, [2000] * N), (OTHER, [9000] * N))
    held = container()
    parts = {CHORES: [part([9000] * N, held)], OTHER: [part([9000] * N, held)]}
    ways = {
        CHORES: [way(held, 9000 * N)], OTHER: [way(held, 9000 * N)], KEEP: [way(held, 2000 * N)],
    }  # fmt: skip
    facts, _, kept, _ = book(handing(snapshot, parts, ways))
    assert sizes(facts, KEEP) == [20_000] * N
    assert kept == {stack(KEEP): (Kept("list", 18_000 * N),)}


def test_where_nobody_is_known_to_make_it_grow_it_stays_and_may_be_anybodys() -> None:
    snapshot = handing(aged((CHORES, [10_000] * N)), {CHORES: [part([9000] * N)]})
    facts, _, kept, _ = book(snapshot)
    assert (facts, kept) == (snapshot.facts, {})


@pytest.mark.parametrize("grower", [CHORES, "/srv/shop/chores.py:60"])
def test_a_line_that_is_as_good_keeps_its_births(grower: str) -> None:
    """Its own container, or one that grows in the same function: all that changes is that it is known."""
    snapshot = aged((CHORES, [10_000] * N), ("/srv/shop/chores.py:60", [2000] * N))
    spots = {stack(where)[-1]: Spot("chore", None) for where in (CHORES, "/srv/shop/chores.py:60")}
    made = handing(replace(snapshot, spots=spots), {CHORES: [part([9000] * N, grower=grower)]})
    facts, _, kept, _ = book(made)
    assert sizes(facts, CHORES) == [10_000] * N
    assert kept == {}
    assert facts[stack(CHORES)].recycled == 0


DESK, RANK = (
    f"/srv/shop/chores.py:57 < /srv/shop/{each}" for each in ("chores.py:69", "board.py:27")
)


@pytest.mark.parametrize("makes", [True, False])
def test_a_helper_in_common_fills_the_container_of_the_caller_that_makes_it_grow(
    makes: bool,
) -> None:
    """Rows for the desk leave blocks on a freelist, and rows for the board take them. Where the desk's rows
    hang from the board's list themselves, the helper's two callers fill it.
    """
    snapshot = aged((DESK, [10_000] * N), (RANK, [2000] * N))
    held = container()
    ways = {RANK: [way(held, 2000 * N)], DESK: [way(held, (9500 if makes else 9000) * N)]}
    facts, *_ = book(handing(snapshot, {DESK: [part([9000] * N, held)]}, ways))
    assert sizes(facts, DESK) == [10_000 if makes else 1000] * N
    assert sizes(facts, RANK) == [2000 if makes else 11_000] * N


@pytest.mark.parametrize("owner", [KEEP, None])
@pytest.mark.parametrize("kind", ["collections.deque", "celery.utils.collections.LimitedSet"])
def test_what_a_bound_ends_is_moved_to_nobody_and_accuses_nobody(
    kind: str, owner: str | None
) -> None:
    held = container(kind, bound=1000 if kind == "collections.deque" else None)
    snapshot = aged((CHORES, [10_000] * N), (KEEP, [2000] * N))
    made = handing(
        snapshot, {CHORES: [part([9000] * N, held, owner)]}, {CHORES: [way(held, 9000 * N)]}
    )
    facts, _, kept, _ = book(made)
    assert sizes(facts, CHORES) == [1000] * N
    assert sizes(facts, KEEP) == [2000] * N
    assert kept == {}
    life = lived(made)
    assert life is not None
    assert life.sizes[-1] == pytest.approx(made.totals.size, abs=2)


def test_the_application_fills_none_of_celerys_own_sets() -> None:
    """Some of its other blocks hang from it as well: a message's id."""
    held = container("celery.utils.collections.LimitedSet")
    made = handing(
        aged((CHORES, [10_000] * N)), {CHORES: [part([9000] * N, held)]},
        {CHORES: [way(held, 9500 * N)]},
    )  # fmt: skip
    assert sizes(book(made).facts, CHORES) == [1000] * N


def test_a_line_that_fills_its_own_bounded_container_is_judged_with_all_of_it() -> None:
    held = container("collections.deque", bound=1000)
    made = handing(
        aged((CHORES, [10_000] * N)), {CHORES: [part([9000] * N, held, CHORES)]},
        {CHORES: [way(held, 9000 * N)]},
    )  # fmt: skip
    facts = book(made).facts
    assert sizes(facts, CHORES) == [10_000] * N
    assert facts[stack(CHORES)].retention == (way(held, 9000 * N),)


def test_a_line_without_births_of_its_own_may_be_the_owner() -> None:
    snapshot = two()
    facts = {**snapshot.facts, stack(KEEP): Facts(retention=snapshot.told(stack(KEEP)).retention)}
    found, *_ = book(replace(snapshot, facts=facts))
    assert sizes(found, KEEP) == [9000] * N


def test_the_task_is_the_keepers_not_that_of_whoever_asked_for_the_block() -> None:
    snapshot = aged(
        (CHORES, [10_000] * N), (KEEP, [2000] * N), tasks={CHORES: "shop.chores", KEEP: "shop.keep"}
    )
    chores = tuple(b._replace(task="shop.chores") for b in part([9000] * N).births)
    made = handing(snapshot, {CHORES: [Handed(container(), stack(KEEP), chores)]})
    life = lived(made)
    assert life is not None
    from leakhunt.judge.births.runs import brought

    assert life.newest is not None
    found = brought(life.newest, [stack(KEEP)], 0.0)
    assert found is not None
    assert (found.task, found.share) == ("shop.keep", 1.0)


# -- sums -----------------------------------------------------------------------------------

BIRTHS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(1, 9), st.integers(1, 9), st.integers(1, 5000), st.integers(1, 40)),
    max_size=5, unique_by=lambda each: each[0],
)  # fmt: skip


def birth(period: int, runs: int, more: int, size: int, blocks: int) -> Birth:
    """Of equal runs."""
    return Birth(period, "shop.take", runs, runs + more, float(size), size**2 / runs, float(blocks), float(size))  # fmt: skip


@given(BIRTHS, st.lists(st.floats(0.0, 1.0), min_size=5, max_size=5))
def test_nothing_is_lost_and_no_period_is_negative(
    drawn: list[tuple[int, int, int, int, int]], shares: list[float]
) -> None:
    births = [birth(*each) for each in drawn]
    parts = [
        each._replace(
            size=each.size * share, recycled=each.size * share, blocks=each.blocks * share,
            runs=1 + int((each.runs - 1) * share), samples=1 + int((each.samples - 1) * share),
            squares=each.squares * share,
        )
        for each, share in zip(births, shares)
        if share > 0
    ]  # fmt: skip
    left = {each.period: each for each in less(births, parts)}
    taken = {each.period: each for each in parts}
    for whole in births:
        rest, gone = left.get(whole.period), taken.get(whole.period)
        size = (rest.size if rest else 0.0) + (gone.size if gone else 0.0)
        assert size == pytest.approx(whole.size)
        if rest is not None:
            assert rest.size > 0
            assert rest.blocks >= 0
            assert 0 <= rest.recycled <= rest.size
            assert 1 <= rest.runs <= rest.samples <= whole.samples
            assert rest.squares >= rest.size**2 / rest.runs * (1 - 1e-9)
            assert rest.squares <= whole.squares * (1 + 1e-9)


@given(st.lists(st.integers(0, 10_000), min_size=N, max_size=N), st.floats(0.0, 1.0))
def test_sums_over_all_lines_stay_in_each_period(born: list[int], share: float) -> None:
    snapshot = aged((CHORES, [each + 50 for each in born]), (KEEP, [2000] * N))
    moved = part([each * share for each in born], grower=KEEP)
    facts, _, kept, _ = book(handing(snapshot, {CHORES: [moved]}))
    after = [a + b for a, b in zip(sizes(facts, CHORES), sizes(facts, KEEP))]
    assert after == pytest.approx([each + 2050 for each in born])
    assert sum(each.size for several in kept.values() for each in several) == pytest.approx(
        moved.size, abs=1
    )
    assert min(sizes(facts, CHORES)) >= 0


def test_several_snapshots_are_informed_by_births_that_are_booked() -> None:
    """With one snapshot alone the births speak; the history is that of the booked ones."""
    snapshot = two()
    life = lived(snapshot)
    assert life is not None
    history, found = informed(replace(life, lived=False, metas=life.metas[-1:], newest=snapshot))
    assert history.lived
    assert found[0].blame.frame.file == "/srv/shop/queue.py"


def test_a_stack_that_the_snapshot_does_not_have_moves_nothing() -> None:
    snapshot = two()
    tallies = {stack(KEEP): Tally(2000 * N, 40 * N)}
    found = book(replace(snapshot, tallies=tallies))
    assert found.kept == {}


def test_what_holds_the_objects_of_a_line_is_no_more_than_the_line_has() -> None:
    """With its births a line gets the bytes and blocks: nothing is lost, and `why` adds up."""
    snapshot = two()
    life = lived(snapshot)
    assert life is not None
    assert life.newest is not None
    assert life.newest.totals == snapshot.totals
    for where, size in ((CHORES, 1000 * N), (KEEP, 11_000 * N)):
        assert life.newest.tallies[stack(where)].size == size
    answer = why(life.newest, [stack(KEEP)])
    assert (answer.size, answer.tied) == (11_000 * N, 11_000 * N)
    assert sum(each.held.size for each in answer.ways) == answer.size


# -- where nothing but freelists has served ------------------------------------------------


def named(code: str | None, ours: int = 0, file: str = KEEP) -> Stack | None:
    """Who gets what a list keeps of chores' blocks: nobody else has put anything into it but a library, and a
    line of the application with so many bytes.
    """
    snapshot = aged((CHORES, [10_000] * N), (LIBRARY, [2000] * N), (file, [2000] * N))
    held = container()
    snapshot = handing(
        snapshot,
        {CHORES: [part([9000] * N, held)]},
        {
            CHORES: [way(held, 9000 * N)], LIBRARY: [way(held, 2000 * N)],
            file: [way(held, ours)._replace(size=ours)],
        },
    )  # fmt: skip
    spots = {} if code is None else {stack(file)[-1]: Spot("put", code)}
    facts, *_ = book(replace(snapshot, spots=MappingProxyType(spots)))
    grown = [
        where
        for where in (LIBRARY, file)
        if sum(birth.size for birth in facts[stack(where)].births) > 2000 * N
    ]
    return stack(grown[0]) if grown else None


def test_the_line_that_names_the_variable_and_puts_something_there_gets_it() -> None:
    assert named("KEPT.append(row)") == stack(KEEP)
    assert named("KEPT[number] = row") == stack(KEEP)


@pytest.mark.parametrize("code", [None, "KEPT.pop()", "UNKEPT.append(row)", "KEPT2.append(row)"])
def test_who_does_not_name_it_or_puts_nothing_there_does_not(code: str | None) -> None:
    assert named(code) == stack(LIBRARY)


@pytest.mark.parametrize(("ours", "who"), [(15, LIBRARY), (16, KEEP)])
def test_what_rounding_leaves_is_nothing_that_a_line_has_put_there(ours: int, who: str) -> None:
    assert named(None, ours) == stack(who)


def test_of_lines_that_name_it_those_of_its_module_come_first() -> None:
    there = "/srv/shop/api.py:70"
    snapshot = aged((CHORES, [10_000] * N), (KEEP, [20] * N), (there, [2000] * N))
    held = container()
    snapshot = handing(
        snapshot, {CHORES: [part([9000] * N, held)]}, {CHORES: [way(held, 9000 * N)]}
    )
    spots = {stack(each)[-1]: Spot("put", "KEPT.append(row)") for each in (KEEP, there)}
    facts, *_ = book(replace(snapshot, spots=MappingProxyType(spots)))
    assert sum(birth.size for birth in facts[stack(KEEP)].births) > 9000 * N


@pytest.mark.parametrize(("more", "left"), [(15, 0), (16, 1)])
def test_what_rounding_leaves_of_a_way_is_none(more: int, left: int) -> None:
    assert len(_without([way(container(), 500)._replace(size=500 + more)], 7, 500.0)) == left
