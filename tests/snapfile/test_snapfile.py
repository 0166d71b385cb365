"""The file: written compactly, opened by anyone's tools, read without trust."""

from __future__ import annotations

import io
import os
import pickle
import random
import struct
import sys
import tempfile
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leakhunt.errors import SnapshotError
from leakhunt.snapfile import NAMES, index
from leakhunt.snapfile.read import read, read_facts
from leakhunt.snapfile.write import Run, dump, temporary, write
from tests.support.costs import at_most

FRAMES = st.lists(
    st.tuples(st.text(min_size=1, max_size=12), st.integers(0, 9999)), min_size=1, max_size=4
).map(tuple)
RUNS = st.lists(
    st.tuples(
        st.tuples(st.integers(0, 3), st.integers(0, 10**9), FRAMES, st.integers(1, 100)),
        st.integers(1, 50),
    ),
    max_size=12,
)


def sums(runs: list[Run]) -> dict[Any, tuple[int, int]]:
    found: dict[Any, tuple[int, int]] = {}
    for (_, size, frames, _), number in runs:
        before = found.get(frames[::-1], (0, 0))
        found[frames[::-1]] = (before[0] + size * number, before[1] + number)
    return found


def stdlib_snapshot(runs: list[Run]) -> tracemalloc.Snapshot:
    traces = [trace for trace, number in runs for _ in range(number)]
    return tracemalloc.Snapshot(traces, 5)


@settings(max_examples=60, deadline=None)
@given(RUNS)
def test_what_is_written_is_read_by_us_and_by_the_standard_library(runs: list[Run]) -> None:
    file = io.BytesIO()
    dump(file, runs, 5, {"schema": 1, "pid": 7, "frames": {"a.py": {3: ("f", "x = 1")}}})
    path = Path(tempfile.gettempdir(), f"leakhunt-test-{os.getpid()}.bin")
    path.write_bytes(file.getvalue())
    try:
        raw = read(path, detail=True)
        theirs = tracemalloc.Snapshot.load(str(path))
        facts = read_facts(path)
    finally:
        path.unlink()
    assert raw.tallies == sums(runs)
    for stack, blocks in raw.blocks.items():
        assert sum(size * number for _, size, number in blocks) == raw.tallies[stack].size
        assert sum(number for _, _, number in blocks) == raw.tallies[stack].count
    assert raw.facts["frames"] == {"a.py": {3: ("f", "x = 1")}}
    assert facts == {"schema": 1, "pid": 7}
    assert sorted(theirs.traces._traces) == sorted(stdlib_snapshot(runs).traces._traces)  # type: ignore[attr-defined]
    assert theirs.traceback_limit == raw.nframe == 5


@settings(max_examples=40, deadline=None)
@given(RUNS)
def test_a_plain_dump_is_read_alike(runs: list[Run]) -> None:
    path = Path(tempfile.gettempdir(), f"leakhunt-test-{os.getpid()}.bin")
    stdlib_snapshot(runs).dump(str(path))
    try:
        raw = read(path)
    finally:
        path.unlink()
    assert raw.tallies == sums(runs)
    assert raw.facts == {}


def small_file(tmp_path: Path) -> bytes:
    frames = (("/srv/shop/tasks.py", 40), ("/srv/shop/main.py", 3))
    runs: list[Run] = [((0, size, frames, 2), size) for size in range(1, 30)]
    path = tmp_path / "good.bin"
    write(
        path,
        runs,
        5,
        {"schema": 1, "host": "web1", "frames": {"/srv/shop/tasks.py": {40: ("f", "x")}}},
    )
    return path.read_bytes()


def test_only_five_names_occur(tmp_path: Path) -> None:
    names = set()

    class Collecting(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            names.add((module, name))
            return super().find_class(module, name)

    Collecting(io.BytesIO(small_file(tmp_path))).load()
    assert names == NAMES


def test_a_file_is_private_whole_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "one.bin"
    size = write(path, [((0, 8, (("a.py", 1),), 1), 3)], 1, {"schema": 1})
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_size == size
    assert [entry.name for entry in tmp_path.iterdir()] == ["one.bin"]


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> Any:
        yield (0, 8, (("a.py", 1),), 1), 3
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write(tmp_path / "one.bin", broken(), 1, {"schema": 1})
    assert list(tmp_path.iterdir()) == []
    assert temporary(tmp_path / "one.bin").name.startswith(".")


# -- hostile and damaged files -----------------------------------------------------------


class Shell:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> Any:
        return os.system, (self.command,)


NAN_SIZE = (0, float("nan"), (("a.py", 1),), 1)


def snapshot_of(traces: Any, **state: Any) -> bytes:
    inner = tracemalloc._Traces.__new__(tracemalloc._Traces)  # type: ignore[attr-defined]
    inner.__dict__["_traces"] = traces
    outer = tracemalloc.Snapshot.__new__(tracemalloc.Snapshot)
    outer.__dict__.update({"traces": inner, "traceback_limit": 1, **state})
    return pickle.dumps(outer, 4)


#: Since 3.15 the unpickler takes no room on a file's word (``Modules/_pickle.c``): then another fault is told.
BEYOND = "memory" if sys.version_info < (3, 15) else ""
BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "text": (b"hello, this is no pickle", "not a pickle"),
    "protocol 0": (b"cos\nsystem\n(S'true'\ntR.", "not a pickle"),
    "something else": (pickle.dumps([1, 2]), "pickle of something else"),
    "shell": (pickle.dumps(Shell("touch PWNED")), "posix.system"),
    "getattr": (b"\x80\x04cbuiltins\ngetattr\n.", "builtins.getattr"),
    "memo bomb": (b"\x80\x04Nr\xff\xff\xff\x7f.", BEYOND),
    "length bomb": (b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"x", ""),
    "bytearray bomb": (b"\x80\x05\x96" + struct.pack("<Q", 1 << 40) + b"x", BEYOND),
    "frame bomb": (b"\x80\x04\x95" + struct.pack("<Q", 1 << 40) + b"N.", ""),
    "deep hash": (b"\x80\x04})" + b"\x85" * 3_000_000 + b"Ns.", ""),
    "negative size": (snapshot_of([(0, -5, (("a.py", 1),), 1)]), "impossible size"),
    "huge size": (snapshot_of([(0, 1 << 70, (("a.py", 1),), 1)]), "impossible size"),
    "nan": (snapshot_of([NAN_SIZE]), "whole number"),
    "bool": (snapshot_of([(0, True, (("a.py", 1),), 1)]), "whole number"),
    "frame of three": (snapshot_of([(0, 1, (("a.py", 1, 2),), 1)]), "frames"),
    "line as text": (snapshot_of([(0, 1, (("a.py", "1"),), 1)]), "frames"),
    "negative line": (snapshot_of([(0, 1, (("a.py", -1),), 1)]), "line"),
    "no list": (snapshot_of({"a": 1}), "not a list"),
    "no limit": (snapshot_of([], traceback_limit="many"), "traceback limit"),
    "object in facts": (snapshot_of([], leakhunt={"x": {1, 2}}), "plain"),
    "newer schema": (snapshot_of([], leakhunt={"schema": 99}), "upgrade leakhunt"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_gets_one_clear_message(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    content, message = BAD[name]
    path = tmp_path / "bad.bin"
    path.write_bytes(content)
    with at_most(30), pytest.raises(SnapshotError) as raised:
        read(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "PWNED").exists()
    assert capfd.readouterr() == ("", "")


def test_a_repeat_bomb_is_counted_or_refused_but_never_expanded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.bin"
    trace = (0, 1, (("a.py", 1),), 1)
    write(path, [(trace, 10**15)], 1, {"schema": 1})
    assert [tally.count for tally in read(path).tallies.values()] == [10**15]
    write(path, [(trace, 10**30)], 1, {"schema": 1})
    with pytest.raises(SnapshotError, match=r"impossible count|no snapshot"):
        read(path)
    write(path, [(trace, 1 << 61), ((0, 2, *trace[2:]), 1 << 61)], 1, {"schema": 1})
    with pytest.raises(SnapshotError, match="more memory than exists"):
        read(path)


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    good = small_file(tmp_path)
    trailer = good.index(b'{"schema"')
    stop = index.END.unpack(good[trailer - index.END.size : trailer])[1] - 1  # the pickle's own end
    path = tmp_path / "cut.bin"
    for length in range(1, stop, 97):
        path.write_bytes(good[:length])
        with pytest.raises(SnapshotError):
            read(path)


# Beside the storms of test_fuzz.py, over real files: each Python reads its own files whole, cut and forged above, one is
# asked for hundreds.
@pytest.mark.once
def test_hundreds_of_mutations_end_in_an_answer_or_one_message(tmp_path: Path) -> None:
    good = small_file(tmp_path)
    dice = random.Random(20)
    path = tmp_path / "mutant.bin"
    outcomes: Counter[str] = Counter()
    for _ in range(500):
        mutant = bytearray(good)
        for _ in range(dice.choice((1, 1, 2, 5, 20))):
            position = dice.randrange(len(mutant))
            how = dice.randrange(4)
            if how == 0:
                mutant[position] ^= 1 << dice.randrange(8)
            elif how == 1:
                mutant[position] = dice.randrange(256)
            elif how == 2:
                del mutant[position : position + dice.randrange(1, 9)]
            else:
                mutant[position:position] = bytes(
                    dice.choice(b"()}]0123NRb\x81\x85\x93\x94rj") for _ in range(3)
                )
        path.write_bytes(mutant)
        try:
            raw = read(path)
        except SnapshotError as error:
            outcomes["refused"] += str(error).startswith(f"{path}: ")
        else:
            assert all(tally.size >= 0 for tally in raw.tallies.values())
            outcomes["read"] += 1
    assert sum(outcomes.values()) == 500
    assert outcomes["refused"] > 100
    assert outcomes["read"] > 10


def test_the_trailer_is_only_believed_when_it_fits(tmp_path: Path) -> None:
    good = small_file(tmp_path)
    path = tmp_path / "x.bin"
    path.write_bytes(good[:-8] + b"LKHUNT?\n")
    assert read_facts(path)["host"] == "web1"
    path.write_bytes(good[:-16] + struct.pack("<Q", 1 << 60) + good[-8:])
    assert read_facts(path)["host"] == "web1"
