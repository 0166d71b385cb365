"""The index says what the pickle says, or nothing; a forged one does no harm."""

from __future__ import annotations

import os
import random
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leakhunt.errors import SnapshotError
from leakhunt.model.snapshot import Tallies
from leakhunt.snapfile import index
from leakhunt.snapfile.read import Raw, read
from leakhunt.snapfile.write import Run, write
from leakhunt.snapshots.load import load
from tests.support.builders import FACTS

NAMES = st.sampled_from(["/a.py", "/b\u00e9.py", "<string>", "\udce9.py", "", "/x\x1b[1m.py"])
FRAMES = st.lists(st.tuples(NAMES, st.integers(0, 2**32 - 1)), max_size=4).map(tuple)
SPOTS = st.dictionaries(
    NAMES,
    st.dictionaries(
        st.integers(0, 99), st.tuples(st.none() | st.text(max_size=3), st.none() | st.text(max_size=3)),
        min_size=1, max_size=3,
    ),
    max_size=3,
)  # fmt: skip


@st.composite
def some_runs(draw: Any) -> list[Run]:
    known = draw(st.lists(FRAMES, min_size=1, max_size=5))
    traces = st.tuples(
        st.tuples(
            st.sampled_from([0, 7]), st.integers(0, 9999), st.sampled_from(known), st.just(4)
        ),
        st.integers(1, 50),
    )
    runs: list[Run] = draw(st.lists(traces, max_size=20))
    return runs


def both(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Raw, Raw]:
    """What the index says, and what the pickle says."""
    quick = read(path)
    with monkeypatch.context() as patch:
        patch.setattr(index, "ending_at", lambda *_: None)
        return quick, read(path)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(some_runs(), SPOTS)
def test_both_ways_of_reading_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: list[Run], spots: Any
) -> None:
    path = tmp_path / "x.bin"
    path.unlink(missing_ok=True)
    estimates = [(trace[2], number, 0.5 * number) for trace, number in runs]
    garbage = {"objects": 3, "stacks": [(trace[2], number) for trace, number in runs]}
    scopes = {"/a.py": {"run": ("@task\ndef run():", ["KEPT", "app"]), "stop": ((), [])}}
    long = {
        "frames": spots,
        "scopes": scopes,
        "estimates": estimates,
        "garbage": garbage if spots else None,
    }
    write(path, runs, 4, {"schema": 1, **long})
    descriptor = os.open(path, os.O_RDONLY)
    trailer = path.read_bytes().rindex(b'{"schema"')
    assert index.ending_at(descriptor, trailer) is not None
    os.close(descriptor)
    quick, slow = both(path, monkeypatch)
    assert quick.tallies == slow.tallies
    assert quick.tallies.totals == slow.tallies.totals
    assert (quick.nframe, quick.facts) == (slow.nframe, slow.facts)
    assert list(quick.tallies) == list(slow.tallies)
    assert isinstance(load(path).tallies, Tallies)  # what reports are quick with


def small(tmp_path: Path) -> tuple[Path, bytes]:
    path = tmp_path / "x.bin"
    shared = [(("/srv/shop/tasks.py", line), ("/srv/shop/main.py", 3)) for line in range(9)]
    runs: list[Run] = [((0, size, shared[size % 9], 2), size) for size in range(1, 60)]
    write(path, runs, 5, {**FACTS, "frames": {"/srv/shop/tasks.py": {4: ("f", "x = 1")}}})
    return path, path.read_bytes()


def test_damage_anywhere_is_seen(tmp_path: Path) -> None:
    path, good = small(tmp_path)
    right = dict(read(path).tallies)
    trailer = good.rindex(b'{"schema"')
    dice = random.Random(5)
    for _ in range(150):
        position = dice.randrange(trailer)
        damaged = bytearray(good)
        damaged[position] ^= 1 << dice.randrange(8)
        path.write_bytes(damaged)
        descriptor = os.open(path, os.O_RDONLY)
        assert index.ending_at(descriptor, trailer) is None
        os.close(descriptor)
    _, pickled, _, _ = index.END.unpack(good[trailer - index.END.size : trailer])
    path.write_bytes(good[:pickled] + b"?" + good[pickled + 1 :])
    assert read(path).tallies == right  # the pickle is whole
    path.write_bytes(b"\x80\x04N." + good[4:])
    with pytest.raises(SnapshotError, match="pickle of something else"):
        read(path)


def forged(good: bytes, content: bytes) -> bytes:
    """A file with another index whose end is right."""
    trailer = good.rindex(b'{"schema"')
    _, pickled, _, _ = index.END.unpack(good[trailer - index.END.size : trailer])
    checksum = zlib.crc32(content, zlib.crc32(good[:pickled]))
    end = index.END.pack(len(content), pickled, checksum, index.MAGIC)
    return good[:pickled] + content + end + good[trailer:]


@pytest.mark.parametrize("seed", range(4))
def test_a_forged_index_is_read_or_left(tmp_path: Path, seed: int) -> None:
    path, good = small(tmp_path)
    trailer = good.rindex(b'{"schema"')
    length, pickled, _, _ = index.END.unpack(good[trailer - index.END.size : trailer])
    content = good[pickled : pickled + length]
    right = dict(read(path).tallies)
    path.write_bytes(forged(good, content))
    assert read(path).tallies == right
    dice = random.Random(seed)
    for _ in range(100):
        mutated = bytearray(content)
        for _ in range(dice.randrange(1, 4)):
            position = dice.choice((dice.randrange(32), dice.randrange(len(content))))
            mutated[position] = dice.choice((0, 1, 127, 255, dice.randrange(256)))
        if dice.random() < 0.3:
            del mutated[dice.randrange(len(mutated)) :]
        path.write_bytes(forged(good, bytes(mutated)))
        raw = read(path)
        found = list(raw.tallies.values())
        assert sum(tally.size for tally in found) == raw.tallies.totals.size
        assert all(tally.size >= 0 and tally.count >= 0 for tally in found)
        load(path)


def test_sums_that_no_process_has_are_left(tmp_path: Path) -> None:
    path, good = small(tmp_path)
    right = dict(read(path).tallies)
    head = index._HEAD
    for numbers in (
        (2**32 - 1,) * 8,
        (0, 0, 0, 0, 2**31, 0, 5, 0),
        (0, 0, 0, 0, 0, 0, 0, 0),
        (0, 0, 0, 0, 0, 0, 5, 9),
    ):
        path.write_bytes(forged(good, head.pack(*numbers)))
        assert read(path).tallies == right
    path.write_bytes(forged(good, head.pack(0, 0, 0, 0, 1, 0, 5, 0) + b"\xff" * 16 + bytes(4)))
    assert read(path).tallies == right
    for facts in (
        b"[]",
        b'{"a":' + b"9" * 99 + b"}",
        b'{"a":' + b"[" * 50_000,
        b"{",
        b'{"a":[]}',
        b'{"a":["x",1]}',
        b'{"a":[[],1]}',
        b'{"a":["s"]}',
        b'{"a":["s",0]}',
        b'{"a":["s",-1]}',
        b'{"a":["s","x"]}',
        b'{"a":["s",[]]}',
    ):
        path.write_bytes(forged(good, head.pack(0, 0, 0, 0, 0, 0, 5, len(facts)) + facts))
        assert read(path).tallies == right
    path.write_bytes(forged(good, b""))
    assert read(path).tallies == right


def test_frames_that_facts_share_with_the_traces_are_written_once(tmp_path: Path) -> None:
    """A stack of 25 long paths is told of by several facts."""
    stacks = [tuple((f"/srv/{'x' * 90}/{n}.py", line) for n in range(25)) for line in range(40)]
    runs: list[Run] = [((0, 100, stack, 25), 3) for stack in stacks]
    sizes = []
    for several in (0, 4):
        facts = {name: [(stack, 1, 2.0) for stack in stacks] for name in ("estimates", "births", "types", "holders")[:several]}  # fmt: skip
        path = tmp_path / f"{several}.bin"
        sizes.append(write(path, runs, 25, {"schema": 1, **facts}))
        assert {name: read(path).facts[name] for name in facts} == facts
    assert sizes[1] - sizes[0] < 4 * 40 * 60


def test_what_does_not_fit_goes_without_an_index() -> None:
    frames = (("/a.py", 1),)
    assert index.packed([((0, 1, frames, 1), 1)], 1, {})
    assert index.packed([((0, 1, (("/a.py", 2**32),), 1), 1)], 1, {}) == b""
    assert index.packed([((0, 2**64, frames, 1), 1)], 1, {}) == b""
    assert index.packed([((0, 1, frames, 1), 1)], 1, {"frames": {"/a.py": 7}}) == b""
    assert index.packed([((0, 1, frames, 1), 1)], 1, {"estimates": {b"": 7}}) == b""
