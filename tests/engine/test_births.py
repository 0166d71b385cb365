"""When survivors were born, and in which task: conserved whatever happens to the samples."""

from __future__ import annotations

import math
import textwrap
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leakhunt.engine import births
from leakhunt.engine.births import Clock, Periods
from leakhunt.engine.holders import Sample
from leakhunt.engine.interface import Life, Mark
from leakhunt.snapfile.records import Births
from tests.support.sampled_programs import run

#: What the programs below tell: the births of a function's stacks, and that all add up.
BORN = """
def born(told, function):
    "(period, task, runs, samples, size, root, blocks) of the stacks whose innermost frame is in it."
    totals = {}
    for trace, n in told.runs:
        size, blocks = totals.get(trace[2], (0, 0))
        totals[trace[2]] = size + trace[1] * n, blocks + n
    samples = {e.frames: e.samples for e in told.estimates}
    assert {b.frames for b in told.births} == set(totals)
    for one in told.births:
        assert (sum(b.size for b in one.births), sum(b.blocks for b in one.births)) == totals[one.frames]
        assert sum(b.samples for b in one.births) == samples[one.frames]
        for b in one.births:
            assert 1 <= b.runs <= b.samples and b.size / b.runs ** 0.5 - 2 <= b.root <= b.size, b
            assert max(b.recycled, b.waiting, b.free) <= b.size, b
    return [tuple(b)[:7] for one in told.births if told.functions.get(one.frames[0], "").split(".")[-1] == function
            for b in one.births]

def work(tasks, body, start=0):
    for n in range(start, start + tasks):
        _sampler.begin_task(1 + n % 2, None)
        body(n)
        _sampler.end_task(0, n + 1, None)
"""


def program(text: str) -> dict[str, Any]:
    return run(BORN + textwrap.dedent(text))


def test_a_leak_is_even_a_warm_up_early_and_each_is_its_tasks() -> None:
    said = program("""
        leaked, table = [], {}
        def leak(n): leaked.append(bytes(2000))
        def warm(n):
            if n < 100: table[n] = bytes(5000)
        def body(n):
            if n % 2: leak(n)
            else: warm(n)
        _sampler.live(0.0, 0)
        engine = begin(1024)
        work(2000, body)
        told = harvest(engine, "ship", "bill")
        fine()
        say(leak=born(told, "leak"), warm=born(told, "warm"), calendar=told.calendar._asdict())
    """)
    calendar = said["calendar"]
    assert calendar["unit"] == "task"
    assert calendar["armed"] == 0
    assert calendar["edges"][0] == 0
    assert calendar["edges"][-1] == 2001
    assert calendar["tasks"] == ["ship", "bill"]
    assert {birth[1] for birth in said["leak"]} == {2}
    assert {birth[1] for birth in said["warm"]} == {1}
    edges = calendar["edges"]
    for period, _, runs, samples, size, root, blocks in said["leak"]:
        tasks = (edges[period + 1] - edges[period]) / 2
        assert runs <= samples <= runs + 2  # one each, and the list's table
        # A sample of 2,000 bytes at 1 KiB is one with p = 0.86: five standard deviations.
        assert abs(size - 2033 * tasks) <= 2033 * (5 * math.sqrt(0.17 * tasks) + 2)
        assert root <= size
        assert blocks <= tasks * 2
    assert all(edges[birth[0]] < 100 for birth in said["warm"])
    assert all(each is None or each == 1024 for each in calendar["intervals"])


def test_births_live_through_thinning() -> None:
    """More samples than there is room for: the interval grows, births keep their shares."""
    said = program("""
        kept = []
        def leak(n): kept.extend(bytes(2000) for _ in range(20))
        engine = Sampled(None, 0.5)
        _sampler.live(0.0, 0)
        engine.start(5)
        work(4000, leak)
        told = harvest(engine, "a", "b")
        fine()
        say(leak=born(told, "<genexpr>") + born(told, "leak"), edges=told.calendar.edges,
            intervals=told.calendar.intervals, samples=_sampler.stats()["samples"], truth=sum(map(sys.getsizeof, kept)))
    """)
    assert said["samples"] <= 16384
    edges = said["edges"]
    sizes: dict[int, list[float]] = {}
    for birth in said["leak"]:
        period, _, _, _, size, root, _ = birth
        one = sizes.setdefault(period, [0.0, 0.0])
        one[0] += size
        one[1] += root * root
    for period, (size, squares) in sizes.items():
        tasks = edges[period + 1] - edges[period]
        if tasks > 50:
            assert abs(size - 20 * 2033 * tasks) < 6 * math.sqrt(squares) + 5000, (
                period,
                size,
                tasks,
            )
    total = sum(size for size, _ in sizes.values())
    assert abs(total - said["truth"]) < 6 * math.sqrt(sum(squares for _, squares in sizes.values()))
    assert all(interval >= 256 for interval in said["intervals"] if interval)


def test_what_has_died_and_lies_in_a_free_list_is_told_from_what_lives() -> None:
    """Of each kind as many die as there is room for in CPython's free list, and as many live."""
    said = program("""
        def rows(n): return [tuple([each] * 11) for each in range(n)]
        def lists(n): return [[] for _ in range(n)]
        def tables(n): return [{"k": each} for each in range(n)]
        def free(told, function):
            stacks = [one for one in told.births if function in told.functions.get(one.frames[0], "")]
            births = [birth for one in stacks for birth in one.births]
            return sum(birth.free for birth in births), sum(birth.size for birth in births)
        gc.collect()  # empties the free lists; to harvest fills them, but hardly with such tuples
        gc.disable()
        engine = begin(64)
        kept = rows(1900), lists(70), tables(70)
        before = harvest(engine)
        found = {name: free(before, name) for name in ("rows", "lists", "tables")}
        lost = rows(1900), lists(70), tables(70)
        del lost
        after = harvest(engine)
        say(before=found, after={name: free(after, name) for name in found})
    """)
    for name, size in (("rows", 1900 * 128), ("lists", 70 * 56), ("tables", 70 * 64)):
        alive, dead = said["before"][name], said["after"][name]
        assert alive[0] <= 0.2 * size, name
        assert dead[0] - alive[0] > 0.6 * size, (name, said)
        assert dead[1] - dead[0] > 0.9 * (alive[1] - size * 0.2), (name, said)


def test_a_block_that_is_realloced_is_born_again() -> None:
    said = program("""
        arrays = [bytearray(700) for _ in range(3000)]
        def grow(n):
            for array in arrays[n * 30 : n * 30 + 30]: array.extend(b"x" * 3000)
        _sampler.live(0.0, 0)
        engine = begin(512)
        work(100, grow)
        told = harvest(engine, "a", "b")
        first = born(told, "grow")
        def regrow(n):
            for array in arrays[:300]: array.extend(b"x" * 3000)
        work(1, regrow, 100)
        told = harvest(engine, "a", "b")
        fine()
        say(first=first, old=born(told, "grow"), new=born(told, "regrow"), edges=told.calendar.edges)
    """)
    edges = said["edges"]
    assert sum(birth[3] for birth in said["old"]) < sum(birth[3] for birth in said["first"])
    assert {edges[birth[0]] for birth in said["new"]} == {100}
    assert not any(edges[birth[0] + 1] <= 10 for birth in said["old"])  # these came anew
    assert sum(birth[6] for birth in said["new"]) == pytest.approx(300, rel=0.1)


def test_a_forked_child_inherits_what_was_born_before() -> None:
    said = program("""
        kept = []
        def leak(n): kept.append(bytes(3000))
        _sampler.live(100.0, 0)
        engine = begin(512)
        work(300, leak)
        receive, send = os.pipe()
        if os.fork() == 0:
            read_before = engine.harvest(engine.read(), Life(("a", "b")))  # as a capture's child
            _sampler.live(0.0, 0)
            work(100, leak)
            told = harvest(engine, "a", "b")
            fine()
            os.write(send, json.dumps([born(read_before, "leak"), born(told, "leak"), told.calendar.edges]).encode())
            os._exit(0)
        os.close(send)
        content = b"".join(iter(lambda: os.read(receive, 65536), b""))
        os.wait()
        told = harvest(engine, "a", "b")
        fine()
        say(parent=born(told, "leak"), child=json.loads(content))
    """)
    as_capture, child, edges = said["child"]
    assert as_capture == said["parent"]
    assert not any(birth[0] < 0 for birth in said["parent"])
    before = [birth for birth in child if birth[0] < 0]
    # The table of the list, which has grown since, is another.
    assert 0 <= sum(birth[3] for birth in said["parent"]) - sum(b[3] for b in before) <= 1
    assert {birth[1] for birth in before} == {0}
    assert edges[-1] == 101
    assert sum(birth[6] for birth in child if birth[0] >= 0) == pytest.approx(100, rel=0.1)


def test_disarm_and_re_arm_and_compaction() -> None:
    """Tracking that begins again begins at that task; stacks that are forgotten take no birth along."""
    said = program("""
        kept = []
        def leak(n): kept.append(bytes(3000))
        _sampler.live(0.0, 0)
        engine = begin(512)
        work(50, leak)
        engine.stop()
        work(50, leak, 50)
        engine = begin(512)
        work(100, leak, 100)
        space = {}
        for n in range(30000):
            exec(compile(f"def gone{n}(): return bytes(900)\\ngone{n}()", f"{n}.py", "exec"), space)
            space.clear()
        told = harvest(engine, "a", "b")
        fine()
        say(leak=born(told, "leak"), calendar=told.calendar._asdict(), compactions=_sampler.stats()["compactions"])
    """)
    assert said["compactions"] >= 1
    assert said["calendar"]["armed"] == 100
    assert said["calendar"]["edges"][0] == 100
    assert said["calendar"]["edges"][-1] == 201
    assert sum(birth[6] for birth in said["leak"]) == pytest.approx(100, rel=0.1)


def test_rates_are_without_bias_and_their_errors_honest() -> None:
    """200 seeds: births of a period estimate what was born there, as surely as they say."""
    said = program("""
        import random
        answers = []
        for seed in range(200):
            kept = []
            draw = random.Random(5)
            sizes = [draw.choice((40, 200, 700, 3000)) for _ in range(400)]
            def leak(n): kept.extend([bytes(sizes[n]), bytes(90)])
            engine = begin(4096, 3, seed + 1)
            _sampler.live(0.0, 0)
            work(400, leak)
            told = harvest(engine, "a", "b")
            late = [b for b in born(told, "leak") if told.calendar.edges[b[0]] >= 200]
            answers.append((sum(b[4] for b in late), sum(b[5] ** 2 for b in late)))
            first = min(told.calendar.edges[b[0]] for b in late)
            end = told.calendar.edges[-1]
            engine.stop()
        edge = min(e for e in told.calendar.edges if e >= 200)
        truth = sum(len(bytes(sizes[n])) + 33 + 90 + 33 for n in range(edge, 400))
        say(answers=answers, truth=truth)
    """)
    sizes = [size for size, _ in said["answers"]]
    mean = sum(sizes) / len(sizes)
    spread = math.sqrt(sum((size - mean) ** 2 for size in sizes) / (len(sizes) - 1))
    # The list's own growth is booked to the same line.
    assert abs(mean - said["truth"]) < 5 * spread / math.sqrt(len(sizes)) + 0.03 * said["truth"]
    said_to_be = math.sqrt(sum(squares for _, squares in said["answers"]) / len(sizes))
    assert 0.75 < said_to_be / spread < 1.5


def test_threads_work_for_their_own_tasks_and_others_for_none() -> None:
    said = program("""
        kept = [[] for _ in range(4)]
        def one(n): kept[0].extend(bytes(2000) for _ in range(5))
        def two(n): kept[1].extend(bytes(2000) for _ in range(5))
        def three(n): kept[2].extend(bytes(2000) for _ in range(5))
        def body(number, function):
            for n in range(200):
                if number: _sampler.begin_task(number, None)
                function(n)
                time.sleep(0)
                if number: _sampler.end_task(0, n, None)
        _sampler.live(0.0, 0)
        engine = begin(1024)
        threads = [threading.Thread(target=body, args=each) for each in ((1, one), (2, two), (0, three))]
        for t in threads: t.start()
        for t in threads: t.join()
        told = harvest(engine, "a", "b")
        fine()
        who = {}
        for b in told.births:
            for frame in b.frames[:2]:
                name = told.functions.get(frame, "").split(".")[0]
                if name in ("one", "two", "three"):
                    who.setdefault(name, set()).update(each.task for each in b.births)
        say(who={name: sorted(tasks) for name, tasks in who.items()})
    """)
    assert said["who"] == {"one": [1], "two": [2], "three": [0]}


def test_a_thread_that_tells_late_takes_no_unit_back() -> None:
    """Two threads book a unit each, and the one that was first tells of it last."""
    said = program("""
        _sampler.live(0.0, 0)
        engine = begin(1024)
        kept = []
        for done in (1, 2, 4, 3):
            _sampler.begin_task(1, None)
            kept.append(bytes(9000))
            _sampler.end_task(0, done, None)
        late = harvest(engine, "a").calendar.edges[-1]
        _sampler.live(0.0, 0)  # another process's count begins anew, as after a fork
        say(late=late, anew=harvest(engine, "a").calendar.unit)
    """)
    assert said == {"late": 4 + 1, "anew": "second"}


# -- the calendar -----------------------------------------------------------------------


@given(st.integers(0, 10**9), st.integers(1, 10**8))
def test_edges_rise_cover_all_and_are_few(first: int, length: int) -> None:
    edges = births.edges(first, first + length)
    assert edges == sorted(set(edges))
    assert (edges[0], edges[-1]) == (first, first + length)
    assert len(edges) - 1 == min(length, len(edges) - 1) <= 32
    if length <= 32:
        assert len(edges) - 1 == length
    else:  # the newest is the finest
        assert edges[-1] - edges[-2] <= max(1, length // 1000)
        assert max(b - a for a, b in zip(edges, edges[1:])) <= length / 24 + 1


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 5000), st.integers(0, 500), st.integers(0, 3)),
        min_size=1,
        max_size=60,
    ),
    st.integers(1, 500),
)
def test_births_add_up_whatever_was_sampled(
    drawn: list[tuple[int, int, int, int]], done: int
) -> None:
    samples = [
        Sample(n, size, 1 - math.exp(-size / 900), stack, False, 900.0, task, min(born, done), 0, born % 7 // 6)
        for n, (stack, size, born, task) in enumerate(drawn)
    ]  # fmt: skip
    stacks = [((f"{n % 3}.py", 1),) for n in range(4)]  # two numbers, one stack
    sizes: dict[object, float] = {}
    for sample in samples:
        key = stacks[sample.stack]
        sizes[key] = sizes.get(key, 0.0) + sample.size / sample.chance
    totals = {
        key: (max(1, int(size * 1.03)), max(1, int(size / 700))) for key, size in sizes.items()
    }
    found = births.by_stack(samples, Periods(Clock(done, 9, 0, 0, 0)), totals, stacks)  # type: ignore[arg-type]
    told = {one.frames: one.births for one in found}
    assert set(told) == set(totals)
    for frames, several in told.items():
        assert (sum(b.size for b in several), sum(b.blocks for b in several)) == totals[frames]
        assert len({(b.period, b.task) for b in several}) == len(several)
        assert all(b.task == 0 for b in several if b.period < 0)
        assert all(1 <= b.runs <= b.samples and 0 <= b.root <= b.size for b in several)
    everything = births.trimmed(found, 3)
    assert sum(b.size for one in everything for b in one.births) == sum(
        size for size, _ in totals.values()
    )
    assert sum(b.samples for one in everything for b in one.births) == len(samples)
    assert sum(len(one.births) for one in everything if one.frames) <= 3
    assert [one for one in everything if not one.frames] == everything[-1:] or all(
        one.frames for one in everything
    )


def test_what_waits_for_the_collector_is_as_much_as_its_samples_stand_for() -> None:
    samples = [Sample(n, 100, 0.5, 0, False, 144.0, 0, 3, 0, 0) for n in range(4)]
    frames = (("a.py", 1),)
    periods = Periods(Clock(9, 9, 0, 0, 0))
    for waiting, size in (([True, False, False, True], 400), ([], 0), ([True] * 4, 800)):
        ((_, (birth,)),) = births.by_stack(samples, periods, {frames: (800, 8)}, [frames], waiting)
        assert (birth.size, birth.waiting) == (800, size)
    # Put right to what was rounded, as all of it is.
    ((_, (birth,)),) = births.by_stack(samples, periods, {frames: (600, 6)}, [frames], [True] * 4)
    assert (birth.size, birth.waiting) == (600, 600)


def test_the_rest_has_no_frames() -> None:
    one = Births((("a.py", 1),), ())
    assert births.trimmed([one]) == [one]


def test_moments_lie_between_marks() -> None:
    periods = Periods(Clock(100, 50, 0, 0, 0))
    marks = (
        Mark(0, 1000.0, 0.0),
        Mark(50, 1010.0, 10.0),
        Mark(50, 1040.0, 40.0),
        Mark(100, 1050.0, 50.0),
    )
    calendar = periods.calendar([], Life(("a",), marks))
    told = dict(zip(calendar.edges, calendar.moments))
    assert calendar.edges[0] == 0
    assert told[0] == 1000.0
    assert told[101] == 1050.0
    assert all(1000 <= (moment or 0) <= 1050 for moment in calendar.moments)
    assert list(calendar.moments) == sorted(calendar.moments)  # type: ignore[type-var]
    seconds = Periods(Clock(0, 50, 0, 0, 10)).calendar([], Life((), marks))
    assert seconds.unit == "second"
    assert (seconds.edges[0], seconds.edges[-1]) == (10, 51)
    assert (seconds.moments[0], seconds.moments[-1]) == (1010.0, 1050.0)
    assert set(Periods(Clock(9, 9, 0, 0, 0)).calendar([], Life()).moments) == {None}
