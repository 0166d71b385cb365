"""A pool of processes, of each of which one snapshot's births are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from leakhunt.judge import verdict
from leakhunt.judge.history import History, choose, history
from leakhunt.judge.informed import informed
from leakhunt.judge.owners import Growth
from leakhunt.judge.pool import _beliefs, doubted, named
from leakhunt.judge.series.shape import LEAK, NOISE
from leakhunt.judge.verdict import Verdict
from leakhunt.snapshots.columns import Columns
from leakhunt.snapshots.series import Entry
from tests.support.lives import BLOCK, aged

PLACE = "/srv/shop/tasks.py:40"
N = 20


def child(pid: int, sizes: list[int], lumps: bool = False) -> History:
    """``lumps``: all that a period brought came at once, as one event."""
    snapshot = aged((PLACE, sizes), pid=pid, role="child")
    if lumps:
        facts = {
            place: replace(
                told,
                births=tuple(
                    birth._replace(runs=1, squares=birth.size**2) for birth in told.births
                ),
            )
            for place, told in snapshot.facts.items()
        }
        snapshot = replace(snapshot, facts=facts)
    columns = Columns(
        (snapshot.meta,), (snapshot.totals.size,), {}, {}, {}, {}, ({},), snapshot, snapshot
    )
    return history(choose([Entry(Path(f"{pid}.bin"), snapshot.meta)]), columns)


def judged(*children: list[int]) -> Verdict:
    return verdict.judge(
        [child(4000 + number, sizes, True) for number, sizes in enumerate(children)]
    )


def sparse(*at: int) -> list[int]:
    """A hundred blocks born in each of these periods."""
    return [100 * BLOCK if period in at else 0 for period in range(N)]


def test_children_with_too_few_births_each_tell_together() -> None:
    each = sparse(2, 9, 15, 18)
    assert judged(each).verdict != LEAK
    pool = judged(*[each] * 6)
    (finding,) = (f for f in pool.findings if f.verdict == LEAK)
    assert finding.together
    assert finding.of == 6
    assert [part.verdict for part in finding.parts] == [NOISE] * 6


def test_most_processes_must_have_the_place() -> None:
    pool = judged(sparse(2, 9, 15, 18), sparse(2, 9, 15, 18), *[[0] * N] * 4)
    assert pool.verdict != LEAK


def test_what_one_process_hardly_believes_the_others_refute() -> None:
    even = child(4000, [10_000] * N)
    growth = informed(even)[1][0]
    shape = growth.shape
    assert shape.verdict == LEAK

    def part(*beliefs: float) -> tuple[History, Growth]:
        best = max(beliefs)
        kind = (LEAK, "warm-up", "turnover")[beliefs.index(best)]
        return even, replace(
            growth, shape=replace(shape, verdict=kind, belief=best, beliefs=beliefs)
        )

    unsure, other, sure = part(0.7, 0.1, 0.2), part(0.02, 0.03, 0.95), part(0.99, 0.005, 0.005)
    assert [g.shape.verdict for _, g in doubted([unsure, other], 2)] == [NOISE, "turnover"]
    assert [g.shape.verdict for _, g in doubted([sure, other], 2)] == [LEAK, "turnover"]
    assert [g.shape.verdict for _, g in doubted([unsure, unsure], 2)] == [LEAK, LEAK]


def test_beliefs_of_all_add_up_to_one() -> None:
    growth = informed(child(1, [10_000] * N))[1][0]
    assert abs(sum(growth.shape.beliefs) - 1) < 1e-9
    assert abs(sum(_beliefs([(child(1, [10_000] * N), growth)] * 3)) - 1) < 1e-9


def leaking(pid: int, line: int, *stacks: str) -> tuple[History, list[Growth]]:
    """A process with one leak of some stacks, which bears the name of that line."""
    snapshot = aged(*((where, [10_000] * N) for where in stacks), pid=pid, role="child")
    of = Columns(
        (snapshot.meta,), (snapshot.totals.size,), {}, {}, {}, {}, ({},), snapshot, snapshot
    )
    made, growths = informed(history(choose([Entry(Path(f"{pid}.bin"), snapshot.meta)]), of))
    (growth, *others) = growths
    every = tuple(stack for each in growths for stack in each.blame.stacks)
    frame = growth.blame.frame._replace(line=line)
    assert all(each.shape.verdict == LEAK for each in (growth, *others))
    return made, [replace(growth, blame=replace(growth.blame, frame=frame, stacks=every))]


def test_a_leak_has_one_name_in_all_processes() -> None:
    """Where it is allocated by the same stacks: samples may make another line the largest in each."""
    wide = leaking(1, 62, PLACE, "/srv/shop/tasks.py:41", "/srv/shop/tasks.py:42")
    part = leaking(2, 63, PLACE, "/srv/shop/tasks.py:41")
    for grown in ([wide, part], [part, wide]):
        lines = [each.blame.frame.line for _, of in named(grown) for each in of]
        assert lines == [62, 62]
    alone = leaking(2, 63, "/srv/shop/tasks.py:70")
    assert [each.blame.frame.line for _, of in named([wide, alone]) for each in of] == [62, 63]
    twin = leaking(3, 64, PLACE, "/srv/shop/tasks.py:41")
    assert len({each.blame.frame for _, of in named([part, twin]) for each in of}) == 1
