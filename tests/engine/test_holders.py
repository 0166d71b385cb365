"""From the addresses of holders to stacks: the engine's half of the search, and both together."""

from __future__ import annotations

import pytest

from leakhunt.engine import holders
from leakhunt.engine.holders import ANSWER, Sample
from leakhunt.hook.capture import fork
from leakhunt.snapfile.write import RawFrames
from tests.support.sampled_programs import run

CHURN: RawFrames = (("a.py", 10),)
KEEP: RawFrames = (("a.py", 40),)
STACKS = [(("<unknown>", 0),), CHURN, KEEP]
KINDS = {900: "list"}


def draw(frames: RawFrames, size: int) -> float:
    return 0.5


def samples(number: int, chance: float = 0.3) -> list[Sample]:
    """Some of a recycled size on the line that churns, and a list's body on the one that keeps."""
    made = [Sample(0x1000 + 64 * at, 56, chance, 1, True) for at in range(number)]
    return [*made, Sample(0x9000, 5000, 1.0, 2, False), Sample(0xA000, 5000, 1.0, 0, False)]


def test_what_is_looked_for_and_what_tells() -> None:
    seen: list[tuple[bytes, bytes]] = []

    def find(wanted: bytes, known: bytes) -> bytes:
        seen.append((wanted, known))
        return bytes(3 * len(wanted))

    answers = holders.answers(samples(2), find)
    assert answers == [bytes(24)] * 2
    wanted = (0x1000).to_bytes(8, "little") + (0x1040).to_bytes(8, "little")
    assert seen == [(wanted, (0x9000).to_bytes(8, "little"))]  # not what nobody asked for
    assert holders.answers(samples(0), find) == []
    assert holders.held(samples(2), answers, STACKS, KINDS, draw) == []


def test_parts_are_rounded_as_the_whole_is() -> None:
    """Ten of a third of a block each, by two holders and nobody: never more than the stack's runs."""
    some = samples(10)
    answers = [ANSWER.pack(0x500, 900, 0x9000)] * 3 + [ANSWER.pack(0x700, 1, 0)] * 6 + [bytes(24)]
    told = holders.held(some, answers, STACKS, KINDS, draw)
    assert [each.kind for each in told] == ["object", "list"]
    assert [each.grower for each in told] == [None, KEEP]
    assert [each.samples for each in told] == [6, 3]
    assert told[0].mark != told[1].mark
    numbers = [number for each in told for _, number in each.blocks]
    assert sum(numbers) == int(9 / 0.3 + 0.5) <= int(10 / 0.3 + 0.5)
    assert all(each.frames == CHURN for each in told)
    assert told[0].stderr == pytest.approx((6 * 56**2 * 0.7) ** 0.5 / 0.3)
    again = holders.held(some, answers, STACKS, KINDS, draw)
    assert [each.mark for each in again] == [each.mark for each in told]


def test_without_its_c_part_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fork, "_holders", None)
    assert holders.answers(samples(3), fork.Walks().holders) == []


def test_the_parts_of_a_real_heap_add_up() -> None:
    pytest.importorskip("leakhunt.hook.capture._holders")
    said = run("""
        from leakhunt.hook.capture import fork
        kept = []
        def leak(number): kept.append({"k": (number, number * 1.5)})
        def churn(): return [({"k": n}, (n, n), n * 1.5) for n in range(200)]
        engine = begin(256, 6)
        for number in range(6000):
            leak(number)
            if number % 20 == 0: churn()
        raw = engine.read()
        told = engine.holders(raw, fork.Walks().holders)
        numbers, names = {}, {}
        shared = set()
        all_told = engine.harvest(raw)
        for trace, n in all_told.runs:
            shared.add(id(trace[2]))
            numbers[trace[2], trace[1]] = numbers.get((trace[2], trace[1]), 0) + n
        names, recycled = all_told.functions, dict(all_told.recycled)
        over, size, mine = 0, {}, 0
        for held in told:
            for each, n in held.blocks:
                numbers[held.frames, each] -= n
                size[held.frames] = size.get(held.frames, 0) + each * n
                if held.grower is not None and names[held.grower[0]] == "leak" and held.kind == "list":
                    mine += each * n
        truth = sum(sys.getsizeof(one) + sys.getsizeof(one["k"]) + 24 for one in kept)
        same = [id(frames) for frames in map(lambda held: held.frames, told)]
        say(least=min(numbers.values()), ratio=mine / truth, beyond=max(size[f] - recycled[f] for f in size),
            shared=all(one in shared for one in same), others=len(told))
    """)
    assert said["least"] >= 0
    assert said["ratio"] == pytest.approx(1, abs=0.1)
    assert said["beyond"] < 500  # both are rounded
    assert said["shared"]
