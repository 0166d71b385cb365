"""Why a growth is judged so: every code has its words, and the figures in them are those of the code."""

from __future__ import annotations

import pytest

from leakhunt.judge import codes
from leakhunt.judge.codes import because
from leakhunt.judge.finding import Part, Since
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.series.shape import LEAK, NOISE, WARM_UP
from leakhunt.model.snapshot import Frame
from leakhunt.report.words import growths as words
from leakhunt.snapshots.objects import Holder, Kinds
from tests.support.growing import finding

#: Codes of what was left out of a series: notes tell those.
LEFT_OUT = {codes.OTHER_STRETCH, codes.READ_IN_PART, codes.IDLE}


def test_every_code_of_a_growth_has_words() -> None:
    names = {
        value for name, value in vars(codes).items() if name.isupper() and isinstance(value, str)
    }
    assert set(words.SAID) == names - LEFT_OUT


@pytest.mark.parametrize(
    ("reason", "unit", "said"),
    [
        (because(codes.STEADY, since=3, of=12), "task", "steady since snapshot 3 of 12"),
        (because(codes.ONE_JUMP, size=2048, at=4, of=9), "task", "one jump of 2.0 KiB at snapshot 4, flat since"),
        (because(codes.ONE_JUMP, size=2048, at=9, of=9), "task", "one jump of 2.0 KiB at snapshot 9, the last one"),
        (because(codes.FALLS_BACK, size=1024), "task", "falls back to 1.0 KiB"),
        (because(codes.FALLS_BACK, size=1024, apart=0.2), "task", "falls back to 1.0 KiB, several in each task"),
        (because(codes.FALLS_BACK, size=1024, apart=1.2), "task", "falls back to 1.0 KiB, seen about every task"),
        (because(codes.FALLS_BACK, size=1024, apart=200), "second", "falls back to 1.0 KiB, seen about every 3 min 20 s"),
        (because(codes.SLOWS_DOWN), "task", "slows down"),
        (because(codes.SLOWS_DOWN, late=0.25), "task", "slows down: the second half at 25 % of the first"),
        (because(codes.TOO_FEW_SAMPLES, samples=7, size=1 << 20, units=1234), "task",
         "too few samples yet: 7; at this interval about 1.0 MiB (or 1,200 tasks) more are needed"),
        (because(codes.HARDLY_SAMPLED, samples=0), "task", "no more samples than at first: too few to tell"),
        (because(codes.HARDLY_SAMPLED, samples=1), "task", "1 sample more than at first: too few to tell"),
        (because(codes.BORN_EVENLY, since=0), "task", "what lives was born evenly"),
        (because(codes.BORN_EVENLY, since=1200), "task", "what lives was born evenly since task 1,200"),
        (because(codes.BORN_EVENLY, since=0, entries=1844), "task", "its 1,844 entries came evenly"),
        (because(codes.BORN_EVENLY, since=1200, entries=1), "task", "its 1 entry came evenly since task 1,200"),
        (because(codes.BORN_AT_ONCE, size=4096, at=99.6), "task", "4.0 KiB of it born at once, about task 100"),
        (because(codes.BOUNDED, bound=100), "task", "kept in a container of at most 100 entries"),
        (because(codes.BOUNDED, bound=100, length=100), "task", "kept in a container that is full: 100 entries"),
        (because(codes.BOUNDED, bound=1000, length=7), "task",
         "kept in a container of 7 entries that takes at most 1,000"),
        (because(codes.TRIFLE, rate=0.4), "task", "rises by 0.4 B per task only"),
    ],
)  # fmt: skip
def test_the_words_of_a_code(reason: codes.Reason, unit: str, said: str) -> None:
    assert words.because(reason, unit) == said


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (9_900, ""),
        (10_000, "; 10 % made by others and kept by the list that grows at cache.py:7"),
        (60_000, "; 60 % made by others and kept by the list that grows at cache.py:7"),
    ],
)
def test_who_keeps_what_others_made_is_told_from_a_tenth_of_it_on(size: int, said: str) -> None:
    kinds = Kinds((), 0, 100_000, (Holder("list", Frame("/srv/shop/cache.py", 7), size),))
    assert words.reason(finding(kinds=kinds)) == f"since the first snapshot{said}"


def test_where_it_was_seen() -> None:
    parts = tuple(Part(pid, 10.0, LEAK) for pid in (1, 2, 3))
    assert words.where(finding(of=1)) == ""
    assert words.where(finding(parts=parts[:1], of=2)) == "in 1 of 2 children (only 1)"
    assert words.where(finding(role="main", of=4)) == "in the main process"
    assert words.where(finding(parts=parts, of=4)) == "in 3 of 4 children"
    assert words.where(finding(parts=parts[:1], of=4)) == "in 1 of 4 children (only 1)"
    assert words.where(finding(parts=parts, of=4, role="worker")) == "in 3 of 4 processes"
    assert words.where(finding(parts=parts, of=4, samples=50)) == "seen in 3 of 4 children"
    assert words.where(finding(parts=parts, of=4, together=True)) == "in 3 of 4 children"


def test_each_process_is_told_by_its_rate_or_its_verdict() -> None:
    parts = (Part(1, 2048.0, LEAK), Part(2, 0.0, NOISE))
    assert words.by_process(finding(parts=parts)) == "by process: 1: +2.0 KiB, 2: noise"


def test_a_task_is_named_only_beside_others() -> None:
    assert words.task(finding(task="shop.take")) == ""
    named = finding(task="shop.take", task_runs=0.12, per_run=1945.6)
    assert words.task(named) == "in shop.take, +1.9 KiB per run, 12 % of the runs"
    warm = finding(task="shop.take", task_runs=0.12, per_run=1945.6, verdict=WARM_UP)
    assert words.task(warm) == "in shop.take, 12 % of the runs"


def test_since_when() -> None:
    assert words.since(Since(12_000, None), "task") == "since task 12,000"
    assert words.since(Since(1, 1_800_000_000.0), "task") == "since task 1 (2027-01-15 08:00:00Z)"


def test_how_fast_and_in_how_many_blocks() -> None:
    assert words.blocks(finding(blocks_rate=1.0)) == "1 block"
    assert words.blocks(finding(blocks_rate=0.25)) == "0.25 blocks"
    assert words.figures(finding()) == "+10 B per task (95 %: 9 B to 11 B), 0.01 blocks per task"
    assert words.figures(finding(samples=400)).endswith(", by 400 samples")
    assert "samples" not in words.figures(finding(samples=400, together=True))


def test_fewer_samples_than_a_leak_needs_are_not_told_beside_a_rate() -> None:
    """ "by 2 samples" would contradict the leak above it."""
    for number in range(LEVELS.samples.fewest):
        assert "sample" not in words.figures(finding(samples=number))
    least = LEVELS.samples.fewest
    assert words.figures(finding(samples=least)).endswith(f", by {least} samples")
