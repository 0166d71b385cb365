"""Mutations of real files end in an answer or one clear message, whatever they hit.

More of them, by hand: ``python -m tests.snapfile.test_fuzz SEED AMOUNT``.
"""

from __future__ import annotations

import pickletools
import random
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leakhunt.errors import SnapshotError
from leakhunt.snapfile.read import read, read_facts
from tests.support.costs import spent
from tests.support.places import SNAPSHOTS as RECORDED

SEEDS = {
    name: (RECORDED / name).read_bytes()
    for name in ("leakhunt-before.bin", "py3.9-nframe5-before.bin", "py3.13-nframe1-before.bin")
}

#: Opcodes with arguments that ask for much, or that no snapshot needs.
NASTY = [
    b"r\xff\xff\xff\x7f", b"j\xff\xff\xff\x7f", b"\x8e\xff\xff\xff\xff\xff\xff\xff\x00",
    b"\x8d\xff\xff\xff\xff\x00\x00\x00\x00", b"\x96\xff\xff\xff\xff\x00\x00\x00\x00",
    b"\x95\xff\xff\xff\xff\xff\xff\xff\x7f", b"B\xff\xff\xff\x7f", b"T\xff\xff\xff\x7f",
    b"\x8a\xff" + b"\xff" * 255, b"\x8b\xff\xff\xff\x7f", b"cos\nsystem\n", b"ios\nsystem\n",
    b"cbuiltins\nlist\n", b"citertools\nrepeat\n", b"citertools\nchain\n", b"\x82\x01", b"P1\n",
    b"Q", b"R", b"b", b"\x81", b"\x92", b"\x93", b"o", b"e", b"u", b"\x90", b"\x91", b"s", b"a",
    b"(", b"0", b"1", b"2", b"t", b"\x85", b"\x86", b"\x87", b"]", b"}", b")", b"\x8f", b"N",
    b"\x88", b"\x94", b"Gx\x7f\xf0\x00\x00\x00\x00\x00", b"J\xff\xff\xff\xff", b"I99999\n",
    b"L" + b"9" * 400 + b"L\n", b"F1e999\n", b"\x97", b"\x98", b".", b"\x80\x05", b"\x80\xff",
]  # fmt: skip


def boundaries(content: bytes) -> list[int]:
    """Where the opcodes of the pickle begin, and where the last one ends."""
    found = [position or 0 for _, _, position in pickletools.genops(content)]
    return [*found, found[-1] + 1]


STEPS = {name: boundaries(content) for name, content in SEEDS.items()}


def bytewise(content: bytearray, dice: Random, _: list[int]) -> None:
    position = dice.randrange(len(content))
    how = dice.randrange(4)
    if how == 0:
        content[position] ^= 1 << dice.randrange(8)
    elif how == 1:
        content[position] = dice.choice((0, 1, 127, 128, 255, dice.randrange(256)))
    elif how == 2:
        del content[position : position + dice.choice((1, 2, 4, 8, 64))]
    else:
        content[position:position] = dice.randbytes(dice.randrange(1, 5))


def opcodewise(content: bytearray, dice: Random, steps: list[int]) -> None:
    index = dice.randrange(len(steps) - 1)
    start, end = steps[index], steps[index + 1]
    how = dice.randrange(5)
    if how == 0:
        del content[start:end]
    elif how == 1:
        content[start:start] = content[start:end] * dice.choice((1, 2, 1000))
    elif how == 2:
        content[start:start] = dice.choice(NASTY)
    elif how == 3:
        content[start:end] = dice.choice(NASTY)
    else:
        other = dice.randrange(len(steps) - 1)
        content[start:end] = content[steps[other] : steps[other + 1]]


def mutant(dice: Random, change: Callable[[bytearray, Random, list[int]], None]) -> bytes:
    name = dice.choice(sorted(SEEDS))
    content = bytearray(SEEDS[name])
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        change(content, dice, STEPS[name])  # later changes hit where opcodes used to be
        if not content:
            break
    return bytes(content)


def outcome(path: Path, content: bytes) -> str:
    """Read a file in every way; anything but an answer or one message fails."""
    path.write_bytes(content)
    before = spent()
    try:
        raw = read(path, detail=True)
    except SnapshotError as error:
        said = str(error)
        assert said.startswith(f"{path}: ")
        assert said.isprintable()
        assert len(said) < len(str(path)) + 300
        ended = "refused"
    else:
        for stack, tally in raw.tallies.items():
            assert min(tally) >= 0
            assert all(type(frame.file) is str and type(frame.line) is int for frame in stack)
            assert sum(size * count for _, size, count in raw.blocks[stack]) == tally.size
        ended = "read"
    assert spent() - before < 30
    return ended


def storm(seed: int, amount: int, path: Path) -> Counter[str]:
    """``amount`` mutations of both kinds."""
    dice = random.Random(seed)
    kinds = (bytewise, opcodewise)
    return Counter(outcome(path, mutant(dice, kinds[turn % 2])) for turn in range(amount))


@pytest.mark.parametrize("seed", range(4))
def test_a_storm_of_mutations(seed: int, tmp_path: Path) -> None:
    before = largest()  # of whatever has run here so far
    ended = storm(seed, 400, tmp_path / "mutant.bin")
    assert ended["refused"] > 40
    assert ended["read"] > 10
    assert largest() <= max(600 << 10, before) or sys.platform == "darwin"  # KiB; bytes on macOS


def largest() -> int:
    """The largest resident size that this process or one of its children has had."""
    return max(resource.getrusage(who).ru_maxrss for who in (-1, 0))


@pytest.mark.parametrize("name", SEEDS)
def test_every_kind_of_truncation(name: str, tmp_path: Path) -> None:
    steps, content = STEPS[name], SEEDS[name]
    path = tmp_path / "cut.bin"
    dice = random.Random(7)
    for length in [*dice.sample(steps[1:-1], 60), *dice.sample(range(1, steps[-1]), 60)]:
        path.write_bytes(content[:length])
        for reader in (read, read_facts):
            with pytest.raises(SnapshotError):
                reader(path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(NASTY), max_size=30), st.binary(max_size=20))
def test_programs_made_of_nothing_but_traps(opcodes: list[bytes], noise: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        outcome(Path(folder, "x.bin"), b"\x80\x04" + b"".join(opcodes) + noise + b".")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 2**64 - 1))
def test_any_trailer(content: bytes, length: int) -> None:
    good = SEEDS["leakhunt-before.bin"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.bin")
        for told in (length, len(content)):
            path.write_bytes(good[:-16] + content + told.to_bytes(8, "little") + good[-8:])
            assert isinstance(read_facts(path), dict)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        print(storm(int(sys.argv[1]), int(sys.argv[2]), Path(place, "mutant.bin")))
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10, "MiB at most")
