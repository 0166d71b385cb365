"""A bound that a container enforces ends an accusation; a length that stands still does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leakhunt.judge import codes
from leakhunt.judge.births.life import lived
from leakhunt.judge.births.survivors import Survivors
from leakhunt.judge.blame.families import families
from leakhunt.judge.codes import because
from leakhunt.judge.excuses import bounded
from leakhunt.judge.growths import growths
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book, Growth
from leakhunt.judge.series.shape import LEAK, NOISE, WARM_UP
from leakhunt.model.retention import Retention, Step
from leakhunt.model.snapshot import Facts, Frame, Spot
from tests.support.builders import history, snap, stack
from tests.support.growing import growth, rising
from tests.support.lives import aged, held

LINE = "/srv/shop/tasks.py:40"
FRAMEWORKS = "/srv/venv/lib/python3.11/site-packages/celery/worker/request.py:10"


def judged(retention: Retention | None, where: str = LINE) -> Growth:
    life = lived(aged((where, [2_000] * 20), retention={where: retention} if retention else {}))
    assert life is not None
    return growths(life)[0]


@pytest.mark.parametrize(
    ("kind", "bound", "verdict"),
    [
        ("collections.deque", 5000, WARM_UP),
        ("functools._lru_cache_wrapper", 1000, WARM_UP),
        ("list", None, LEAK),
        ("functools._lru_cache_wrapper", None, LEAK),
    ],
)
def test_what_a_bound_ends_is_no_leak(kind: str, bound: int | None, verdict: str) -> None:
    growth = judged(held(kind, 800, bound))
    assert growth.shape.verdict == verdict
    if bound is not None:
        assert growth.why is not None
        assert (growth.why.code, dict(growth.why.figures)) == (
            codes.BOUNDED,
            {"length": 800, "bound": bound},
        )


PATTERNS = (
    Step("module", "re", "module"),
    Step("attribute", "_cache", "dict", 460),
    Step("item", None, "re.Pattern"),
)


@pytest.mark.parametrize(
    ("freed", "verdict"), [(10_000, WARM_UP), (9_000, WARM_UP), (3_000, LEAK), (None, WARM_UP)]
)
def test_what_is_kept_elsewhere_as_well_stays_when_a_bound_drops_it(
    freed: int | None, verdict: str
) -> None:
    """Compiled patterns are in the cache of ``re`` and in the filters of ``warnings``: without the cache little is freed."""
    cache = Retention(
        PATTERNS, 200, 10_000, "dict", 460, None, 1, freed, container_path=PATTERNS[:2]
    )
    assert judged(cache).shape.verdict == verdict
    own = held("collections.deque", 800, 1000)._replace(retained=freed)
    assert judged(own).shape.verdict == verdict
    of_a_library = held("functools._lru_cache_wrapper", 800, 1000)._replace(retained=freed)
    assert judged(of_a_library).shape.verdict == WARM_UP


def test_nothing_known_of_the_holder_excuses_nothing() -> None:
    assert judged(None).shape.verdict == LEAK


def test_the_framework_is_excused_for_what_it_keeps_only() -> None:
    """A stack of Celery's own: until the walk says that another module holds what it allocates."""
    assert judged(None, FRAMEWORKS).shape.verdict == WARM_UP
    kept = held("dict", 800, None, module="celery.worker.state", size=40_000)
    assert judged(kept, FRAMEWORKS).shape.verdict == WARM_UP
    others = held("dict", 800, None, module="opentelemetry.instrumentation", size=40_000)
    assert judged(others, FRAMEWORKS).shape.verdict == LEAK


def test_a_bounded_cache_is_no_part_of_what_leaks_beside_it() -> None:
    """Called from one function of the application: the cache's line would be blamed for both."""
    cache, leak = (
        "/srv/shop/pricing.py:17 < /srv/shop/pricing.py:22",
        "/srv/shop/pricing.py:11 < /srv/shop/pricing.py:23",
    )
    full = held("functools._lru_cache_wrapper", 300, 300, size=20_000)
    kept = held("dict", 800, None, size=18_000)._replace(mark=2)
    life = lived(
        aged((cache, [5_000] * 20), (leak, [4_500] * 20), retention={cache: full, leak: kept})
    )
    assert life is not None
    named = replace(life, spots={
        Frame("/srv/shop/pricing.py", line): Spot("quote", None) for line in (11, 17, 22, 23)
    })  # fmt: skip
    book = Survivors(named)
    assert not any(stack(cache) in each for groups in families(book) for each in groups.values())
    found = {growth.blame.frame.line: growth.shape.verdict for growth in growths(named)}
    assert found == {11: LEAK, 17: WARM_UP}


def test_what_a_framework_itself_calls_a_leak_is_one_in_spite_of_its_bound() -> None:
    """Django keeps 9,000 statements of each connection where DEBUG is on."""
    path = (
        Step("module", "django.db", "module"),
        Step("attribute", "default", "django.db.backends.sqlite3.base.DatabaseWrapper"),
        Step("attribute", "queries_log", "collections.deque", 2000, 9000),
    )
    way = Retention(path, 40, 40_000, "collections.deque", 2000, 9000, 1, 90_000, path)
    assert judged(way).shape.verdict == LEAK
    other = (*path[:2], path[2]._replace(name="recent"))
    assert judged(way._replace(path=other, container_path=other)).shape.verdict == WARM_UP


# -- most of it, either side of the level ----------------------------------------------


def kept_so(*ways: Retention) -> tuple[Book, Growth]:
    """A line whose newest snapshot says these ways."""
    made = history((LINE, rising(1000), rising(1)))
    newest = replace(snap(f"{LINE} 8000B x8"), facts={stack(LINE): Facts(retention=ways)})
    book = Book(replace(made, newest=newest))
    return book, growth(book, LINE)


@pytest.mark.parametrize(("short", "most"), [(0, True), (1, False)])
def test_a_bound_ends_what_it_holds_most_of(short: int, most: bool) -> None:
    part = round(LEVELS.excuses.bounded * 10_000) - short
    ways = held("deque", 7, 9, size=part), held("dict", 5, None, size=10_000 - part)
    book, judged = kept_so(*ways)
    assert bounded.holds(book, stack(LINE)) is most
    assert (bounded.bound(book, judged) is not None) is most


def test_the_largest_of_the_bounded_containers_is_told() -> None:
    book, judged = kept_so(
        held("deque", 1, 2, size=3000), held("deque", 7, 9, size=5000), held("dict", 5, None, size=100)
    )  # fmt: skip
    assert bounded.bound(book, judged) == because(codes.BOUNDED, length=7, bound=9)
    assert [way.size for way in bounded.kept_by(book, judged)] == [5000, 3000, 100]


def test_what_ties_nothing_has_no_bound_and_no_container() -> None:
    book, judged = kept_so()
    assert not bounded.holds(book, stack(LINE))
    assert bounded.bound(book, judged) is None
    assert bounded.container(book, judged) is None
    blind = Book(replace(book.history, newest=None))
    assert bounded.kept_by(blind, judged) == ()
    assert not bounded.holds(blind, stack(LINE))


@pytest.mark.parametrize(("short", "mark"), [(0, 5), (1, None)])
def test_a_container_is_named_where_it_holds_most(short: int, mark: int | None) -> None:
    """Its ways add up; what no container holds counts against it."""
    part = round(LEVELS.excuses.bounded * 10_000) - short
    ways = (
        held("dict", 5, None, size=part - 100)._replace(mark=5),
        held("dict", 5, None, size=100)._replace(mark=5),
        held("dict", 5, None, size=10_000 - part)._replace(mark=0),
    )
    assert bounded.container(*kept_so(*ways)) == mark
    nobody = held("dict", 5, None, size=10_000)._replace(mark=0)
    assert bounded.container(*kept_so(nobody)) is None


def test_what_celerys_own_sets_keep_is_nobodys_leak() -> None:
    """They drop their oldest entries; a freelist hands them the application's tuples."""
    path = (
        Step("module", "celery.worker.state", "module"),
        Step("attribute", "successful_requests", "celery.utils.collections.LimitedSet"),
        Step("attribute", "_data", "dict", 1000),
        Step("item", None, "tuple"),
    )
    growth = judged(Retention(path, 800, 40_000, "dict", 1000, None, 1, 52_000, path[:3]))
    assert growth.shape.verdict == WARM_UP
    assert growth.why is not None
    assert growth.why.code == codes.FRAMEWORK_TABLES


@pytest.mark.parametrize(("length", "full"), [(999, False), (1000, True)])
def test_what_lies_deeper_turns_over_where_the_container_above_it_is_full(
    length: int, full: bool
) -> None:
    """Of one with room the entries stay, and what grows in them grows on."""
    path = (
        Step("module", "shop", "module"),
        Step("attribute", "WINDOW", "collections.deque", length, 1000),
        Step("item", None, "dict"),
        Step("item", None, "list"),
    )
    way = Retention(path, 800, 40_000, "list", None, None, 3)
    assert bounded.is_below_a_full_one(way) is full


def test_a_bound_that_holds_nothing_of_it_ends_nothing() -> None:
    book, judged = kept_so(held("deque", 7, 9, size=0))
    assert not bounded.holds(book, stack(LINE))
    assert bounded.bound(book, judged) is None


# -- several containers with a bound each ------------------------------------------------

OUTER = Step("attribute", "HISTORY", "collections.defaultdict", 60)
EACH = Step("item", None, "collections.deque", None, 8)


def below(*inner: Step, size: int = 10_000) -> Retention:
    """Objects that a module's dict keeps by way of these steps."""
    start = (Step("module", "shop.tasks", "module"), OUTER)
    return Retention((*start, *inner), size // 50, size, OUTER.type, 60, None, 7, size, start)


ENTRY = Step("item", None, "dict")


@pytest.mark.parametrize(
    ("inner", "excused"),
    [
        ((EACH, ENTRY), True),
        ((EACH, ENTRY, Step("item", None, "str")), True),
        ((EACH,), False),  # the containers themselves: nothing bounds their number
        ((EACH._replace(bound=None), ENTRY), False),
        ((EACH._replace(length=3), ENTRY), False),  # one of them: not even half is known of the others
        ((Step("item", None, "django.db.backends.sqlite3.base.DatabaseWrapper"),
          Step("attribute", "queries_log", "collections.deque", None, 9000), ENTRY), False),
    ],
)  # fmt: skip
def test_one_snapshot_does_not_accuse_what_several_bounds_may_end(
    inner: tuple[Step, ...], excused: bool
) -> None:
    growth = judged(below(*inner))
    if not excused:
        assert growth.shape.verdict == LEAK
        return
    assert (growth.shape.verdict, growth.shape.open) == (NOISE, True)
    assert growth.why == because(codes.EACH_BOUNDED, bound=8, stands=0)


@pytest.mark.parametrize(("last", "verdict"), [(60, WARM_UP), (61, LEAK)])
def test_whether_there_are_more_and_more_of_them_decides(last: int, verdict: str) -> None:
    newest = aged((LINE, [2_000] * 20), retention={LINE: below(EACH, ENTRY)})
    made = history((LINE, [2_000 * at for at in range(1, 11)], [40 * at for at in range(1, 11)]))
    found = growths(replace(made, newest=newest, lengths={7: (*[None] * 8, 60, last)}))[0]
    assert found.shape.verdict == verdict
    if verdict == WARM_UP:
        assert found.why == because(codes.EACH_BOUNDED, bound=8, stands=1)


def test_most_must_lie_below_a_bound() -> None:
    ways = (below(EACH, ENTRY, size=4_000), below(ENTRY, size=6_000))
    snapshot = aged((LINE, [2_000] * 20))
    told = {each: replace(one, retention=ways) for each, one in snapshot.facts.items()}
    life = lived(replace(snapshot, facts=told))
    assert life is not None
    assert growths(life)[0].shape.verdict == LEAK
