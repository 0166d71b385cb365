"""What a file tells of its process: time by the surest clock, a pid that is used again, what a unit is called."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leakhunt.model.meta import Meta

PLAIN = Meta(host="web1", pid=7, started_at=1.0, sequence=2, taken_at=100.0, monotonic=50.0)


@pytest.mark.parametrize(
    ("changed", "seconds"),
    [
        ({"taken_at": 40.0, "monotonic": 40.0, "sequence": 1}, 10.0),
        ({"taken_at": 40.0, "monotonic": None, "sequence": 1}, 60.0),
        ({"taken_at": 140.0, "monotonic": None, "sequence": 1}, None),
        ({"taken_at": 140.0, "monotonic": None, "sequence": None}, -40.0),
        ({"taken_at": None, "monotonic": None}, None),
        ({"pid": 8, "taken_at": 40.0}, 60.0),
        ({"pid": 8, "taken_at": None}, None),
    ],
)
def test_the_monotonic_clock_counts_then_the_wall_clock_unless_it_was_set(
    changed: dict[str, float | None], seconds: float | None
) -> None:
    assert PLAIN.since(replace(PLAIN, **changed)) == seconds  # type: ignore[arg-type]


def test_a_pid_that_is_used_again_is_another_process() -> None:
    assert PLAIN.same_process(replace(PLAIN, sequence=9))
    assert not PLAIN.same_process(replace(PLAIN, started_at=2.0))
    assert not PLAIN.same_process(replace(PLAIN, host="web2"))


def test_only_words_that_are_known_name_a_unit() -> None:
    assert PLAIN.unit == "task"
    assert replace(PLAIN, facts={"unit": "request"}).unit == "request"
    assert replace(PLAIN, facts={"unit": "\x1b[31m"}).unit == "task"
