"""A copy of the sampled engine's tables: how sizes are rounded, and whose blocks can be looked at."""

from __future__ import annotations

import struct

import pytest

from leakhunt.engine import tables
from leakhunt.engine.holders import Sample
from leakhunt.engine.interface import UNKNOWN_LIFE
from tests.support.sampled_programs import run


def test_a_process_that_is_not_there_cannot_be_looked_at() -> None:
    said = run("""
        engine = begin(2048)
        kept = [bytes(500) for _ in range(1000)]
        pid = os.fork()
        if not pid:
            os._exit(0)
        os.waitpid(pid, 0)
        try:
            _sampler.heads(engine.read()[0], pid)
        except OSError as error:
            say(error=type(error).__name__)
    """)
    assert said == {"error": "ProcessLookupError"}


def test_the_error_of_an_estimate_is_that_of_its_samples() -> None:
    """A block of 100 bytes that is sampled by a chance of p: a variance of 100^2 (1 - p) / p^2 for each."""
    frames = (("/srv/shop/tasks.py", 40),)
    samples: list[tuple[Sample, str | None]] = [
        (Sample(n, 100, 0.5, 0, False, 144.0, 0, 3, 0, 0), None) for n in range(4)
    ]
    raw = {tables.CLOCK: struct.pack("=IIIII", 9, 9, 0, 0, 0), tables.GRAVES: b""}
    told = tables.Tables([frames], {}, samples, {})
    (estimate,) = tables.harvest(raw, told, UNKNOWN_LIFE, lambda frames, size: 0.0).estimates or ()
    assert (estimate.frames, estimate.samples) == (frames, 4)
    assert estimate.stderr == pytest.approx((4 * 100**2 * 0.5 / 0.5**2) ** 0.5)


def test_draws_are_even_and_each_processs_own() -> None:
    frames = [((f"/srv/shop/file{n}.py", n), ("/srv/run.py", 7)) for n in range(2000)]
    draw = tables.drawing(11)
    drawn = [draw(each, size) for each in frames for size in (24, 64, 120, 1000)]
    assert all(0 <= each < 1 for each in drawn)
    # 8,000 even draws: their mean is within five standard errors of a half, a tenth lies in each tenth.
    assert abs(sum(drawn) / len(drawn) - 0.5) < 5 * (1 / 12 / len(drawn)) ** 0.5
    for tenth in range(10):
        part = sum(tenth <= 10 * each < tenth + 1 for each in drawn)
        assert abs(part - 800) < 5 * (8000 * 0.1 * 0.9) ** 0.5
    again, other = tables.drawing(11), tables.drawing(12)
    assert [again(each, 64) for each in frames] == [draw(each, 64) for each in frames]
    assert sum(other(each, 64) == draw(each, 64) for each in frames) < 5
