"""pprof: strings, functions and locations once each; the same snapshot, the same bytes."""

from __future__ import annotations

import gzip
import io
from typing import Any

import pytest

from leakhunt.model.snapshot import Snapshot
from leakhunt.render.export.formats import write_diff
from tests.support.builders import snap
from tests.support.exporting import exported

pytest.importorskip("google.protobuf")

ONE = snap("/srv/shop/b.py:1 < /srv/shop/tasks.py:40 3000B x3", "/srv/shop/tasks.py:40 1000B x1", taken_at=1.0,
           frames={"/srv/shop/tasks.py": {40: ("take", None)}}, interval=8192)  # fmt: skip
TWO = snap("/srv/shop/tasks.py:40 1000B x1", "/srv/shop/c.py:1 10B x1")


def parsed(content: bytes) -> Any:
    from leakhunt.render.export.profile_schema import profile_class

    made = profile_class()()
    made.ParseFromString(gzip.decompress(content))
    return made


def profile(snapshot: Snapshot) -> Any:
    return parsed(exported("pprof", snapshot))


def test_samples_are_stacks_with_bytes_and_blocks_the_newest_call_first() -> None:
    made = profile(ONE)
    strings = made.string_table
    assert [strings[kind.unit] for kind in made.sample_type] == ["bytes", "count"]
    locations = {each.id: each.line[0] for each in made.location}
    functions = {each.id: strings[each.name] for each in made.function}
    told = {
        tuple(functions[locations[at].function_id] for at in sample.location_id): list(sample.value)
        for sample in made.sample
    }
    assert told == {("b.py:1", "take"): [3000, 3], ("take",): [1000, 1]}


def test_everything_is_there_once() -> None:
    made = profile(ONE)
    assert made.string_table[0] == ""
    assert len(set(made.string_table)) == len(made.string_table)
    assert (len(made.location), len(made.function), len(made.mapping)) == (2, 2, 1)


def test_when_and_at_which_interval_it_was_taken() -> None:
    made = profile(ONE)
    assert (made.time_nanos, made.period) == (10**9, 8192)
    assert "celery@web1, child 4242" in made.string_table[made.comment[0]]


def test_the_same_snapshot_gives_the_same_bytes() -> None:
    assert exported("pprof", ONE) == exported("pprof", ONE)


def test_a_diff_has_signed_changes_alone() -> None:
    out = io.BytesIO()
    write_diff("pprof", out, ONE, TWO)
    made = parsed(out.getvalue())
    assert sorted(tuple(sample.value) for sample in made.sample) == [(-3000, -3), (10, 1)]
    assert any(made.string_table[at].startswith("change since") for at in made.comment)
