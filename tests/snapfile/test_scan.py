"""The C part of the reader says what the Python part says, or nothing at all.

More mutations, by hand: ``python -m tests.snapfile.test_scan SEED AMOUNT``.
"""

from __future__ import annotations

import io
import pickle
import random
import struct
import subprocess
import sys
import tempfile
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leakhunt.sites import fast
from leakhunt.snapfile import native as quick
from leakhunt.snapfile import untrusted
from leakhunt.snapfile.read import read
from leakhunt.snapfile.untrusted import Sums
from tests.sites.test_fast import LINES, stored
from tests.snapfile.test_fuzz import NASTY, boundaries, bytewise, opcodewise
from tests.support.places import SNAPSHOTS as RECORDED

pytestmark = pytest.mark.skipif(quick.native is None, reason="without the C part")

PLAIN = sorted(path.name for path in RECORDED.glob("py*.bin"))
OWN = sorted(path.name for path in RECORDED.glob("leakhunt*.bin"))


def scanned(content: bytes, detail: bool = True) -> Sums | None:
    """What the C part says of a file."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        return untrusted._scanned(file, len(content), detail)


def unpickled(content: bytes, detail: bool = True) -> Sums:
    """What the Python part says. Without limits: only for what the C part took."""
    file = io.BufferedReader(io.BytesIO(content))
    return untrusted._sum(untrusted._unpickle(file), len(content), detail)


def agreed(content: bytes) -> bool:
    """Whether the C part takes it; fails where it then says anything else."""
    taken = scanned(content)
    if taken is None:
        return False
    assert taken == unpickled(content)
    assert scanned(content, detail=False) == unpickled(content, detail=False)
    return True


# -- what tracemalloc writes is taken ------------------------------------------------------


@pytest.mark.parametrize("name", PLAIN)
def test_a_recorded_dump(name: str) -> None:
    assert agreed((RECORDED / name).read_bytes())


@pytest.mark.parametrize("name", OWN)
def test_own_files_are_for_the_unpickler(name: str) -> None:
    """Their facts are any plain values."""
    assert scanned((RECORDED / name).read_bytes()) is None


def test_a_dump_of_this_very_python(tmp_path: Path) -> None:
    path = tmp_path / "now.bin"
    program = (
        "import sys, tracemalloc\n"
        "tracemalloc.start(7)\n"
        "kept = [bytes(n) for n in range(3000)]\n"
        "def deeper(n): return [n, str(n)] if n == 0 else [deeper(n - 1)]\n"
        "kept += map(deeper, range(9))\n"
        "tracemalloc.take_snapshot().dump(sys.argv[1])\n"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True)
    assert agreed(path.read_bytes())
    theirs: Any = tracemalloc.Snapshot.load(str(path))
    raw = read(path)
    assert raw.tallies.totals == (sum(t.size for t in theirs.traces), len(theirs.traces))
    assert len(raw.tallies) == len({t[2] for t in theirs.traces._traces})


FILES = st.sampled_from(
    ["/srv/a.py", "b.py", "", "<string>", "ü/\ud800.py", "x" * 300, "y" * 70_000]
)
FRAMES = st.tuples(FILES, st.sampled_from([0, 1, 255, 256, 70_000, (1 << 31) - 1]))
STACKS = st.lists(FRAMES, min_size=1, max_size=5).map(tuple)
SIZES = st.sampled_from([0, 1, 255, 256, 65_535, 65_536, (1 << 31) - 1, 1 << 31, 1 << 40, 1 << 55])
BLOCKS = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 389_047, 1 << 33]),
        SIZES,
        st.integers(0, 5),  # which of the stacks
        st.sampled_from([1, 25, 300, 65_535]),
        st.booleans(),  # with the fourth field
    ),
    max_size=40,
)


def dumped(stacks: list[Any], blocks: list[Any], protocol: int, slow: bool) -> bytes:
    """As Snapshot.dump, in any protocol, by either pickler."""
    traces = [
        (domain, size, stacks[which % len(stacks)], total)[: 4 if whole else 3]
        for domain, size, which, total, whole in blocks
    ]
    snapshot = tracemalloc.Snapshot(traces, 5)
    file = io.BytesIO()
    (pickle._Pickler if slow else pickle.Pickler)(file, protocol).dump(snapshot)
    return file.getvalue()


@settings(max_examples=200, deadline=None)
@given(st.lists(STACKS, min_size=1, max_size=6), BLOCKS, st.integers(2, 5), st.booleans())
def test_any_dump(stacks: list[Any], blocks: list[Any], protocol: int, slow: bool) -> None:
    content = dumped(stacks, blocks, protocol, slow)
    taken = agreed(content)
    # A name longer than any path is left to the unpickler; so may a file be that is asked for more
    # than it needs to have, in mutations.
    assert taken or any(len(file) > 65_536 for frames in stacks for file, _ in frames)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_more_of_everything_than_one_window_or_portion_holds(protocol: int) -> None:
    dice = random.Random(protocol)
    stacks = [
        tuple(
            (f"/srv/{dice.randrange(400)}/{'m' * (n % 90)}.py", dice.randrange(900))
            for _ in range(12)
        )
        for n in range(3000)
    ]
    blocks = [
        (dice.choice((0, 389_047)), dice.randrange(600), dice.randrange(3000), 12, True)
        for _ in range(20_000)
    ]
    assert agreed(dumped(stacks, blocks, protocol, False))


def test_other_ways_to_write_the_same() -> None:
    """pickletools.optimize leaves PUTs out; a traceback may be as deep as CPython allows."""
    import pickletools

    content = (RECORDED / PLAIN[0]).read_bytes()
    assert agreed(pickletools.optimize(content))
    deep = tuple(("a.py", n % 7) for n in range(65_535))
    assert agreed(dumped([deep], [(0, 1, 0, 1, True)] * 3, 5, False))


# -- what is odd is declined ---------------------------------------------------------------

HEAD = (
    b"\x80\x04ctracemalloc\nSnapshot\n)\x81}(\x8c\x0ftraceback_limitK\x01\x8c\x06traces"
    b"ctracemalloc\n_Traces\n)\x81}\x8c\x07_traces"
)
ONE = b"K\x00K\x08\x8c\x04a.pyK\x01\x86\x85K\x01t"
END = b"sbub."

ODD = {
    "nothing": b"",
    "no protocol": HEAD[2:] + b"]" + END,
    "protocol 1": b"\x80\x01" + HEAD[2:] + b"]" + END,
    "protocol 6": b"\x80\x06" + HEAD[2:] + b"]" + END,
    "a cut": HEAD + b"](" + ONE,
    "an opcode of its own": HEAD + b"]N0" + END,
    "a hole in the memo": HEAD + b"]q\x07" + END,
    "a memo of gigabytes": HEAD + b"]r\xff\xff\xff\x7f" + END,
    "what the memo has not": HEAD + b"h\x00" + END,
    "a string longer than the file": HEAD + b"]X\xff\xff\x00\x00" + END,
    "a string of exabytes": HEAD + b"\x8d" + b"\xff" * 8 + END,
    "a frame in a frame": HEAD + (b"\x95" + struct.pack("<Q", 11)) * 2 + b"]" + END,
    "a frame that ends in an argument": HEAD + b"\x95" + struct.pack("<Q", 3) + b"](K\x00" + b"0" + END,
    "a frame that ends in a line": HEAD.replace(b"ctrace", b"\x95" + struct.pack("<Q", 21) + b"ctrace", 1) + b"]" + END,
    "a frame longer than the file": HEAD + b"\x95\xff\x00\x00\x00\x00\x00\x00\x00]" + END,
    "no UTF-8": HEAD + b"](" + ONE.replace(b"a.py", b"a.p\xff") + b"e" + END,
    "no UTF-8 where nobody looks": HEAD + b"](" + ONE + b"e" + END[:-1] + b"\x8c\x01\xff.",
    "a negative size": HEAD + b"](" + b"(" + ONE.replace(b"K\x08", b"J\xff\xff\xff\xff") + b"e" + END,
    "a size beyond memory": HEAD + b"](" + b"(" + ONE.replace(b"K\x08", b"\x8a\x08" + b"\xff" * 7 + b"\x40") + b"e" + END,
    "a size of nine bytes": HEAD + b"](" + b"(" + ONE.replace(b"K\x08", b"\x8a\x09" + b"\x00" * 9) + b"e" + END,
    "a line of five bytes": HEAD + b"](" + b"(" + ONE.replace(b"K\x01\x86", b"\x8a\x05\x00\x00\x00\x00\x01\x86") + b"e" + END,
    "a record of two": HEAD + b"](K\x00K\x01\x86e" + END,
    "a traceback in the list": HEAD + b"](\x8c\x04a.pyK\x01\x86\x85e" + END,
    "an empty traceback": HEAD + b"]((K\x00K\x01)K\x01te" + END,
    "an empty tuple by TUPLE": HEAD + b"]((te" + END,
    "a tuple without a mark": HEAD + b"]t" + END,
    "items from below the mark": HEAD + b"](\x85e" + END,
    "two lists": HEAD + b"]]" + END,
    "a list in itself": HEAD + b"]\x94h\x00a" + END,
    "a third dict": HEAD + b"]}" + END,
    "a key of its own": HEAD.replace(b"_traces", b"_troces") + b"]" + END,
    "no limit": HEAD.replace(b"\x8c\x0ftraceback_limitK\x01", b"") + b"]" + END,
    "a limit of 0": HEAD.replace(b"limitK\x01", b"limitK\x00") + b"]" + END,
    "a class as the traces": b"\x80\x04ctracemalloc\nSnapshot\n)\x81}(\x8c\x06tracesctracemalloc\n_Traces\nub.",
    "a class alone": b"\x80\x04ctracemalloc\nSnapshot\n.",
    "an object without a state": b"\x80\x04ctracemalloc\nSnapshot\n)\x81.",
    "another class": b"\x80\x04cos\nsystem\n.",
    "another class of its module": b"\x80\x04ctracemalloc\nStatistic\n.",
    "the same in another way": b"\x80\x04\x8c\x0btracemalloc\x8c\x06Filter\x93.",
    "a stack of marks": HEAD + b"(" * 100_000 + END,
    "a stack of numbers": HEAD + b"K\x00" * 200_000 + END,
    "more below the snapshot": b"\x80\x04K\x01" + HEAD[2:] + b"]" + END,
    "SETITEM without a dict": b"\x80\x04s.",
    "SETITEM with one value": b"\x80\x04K\x01s.",
    "APPEND without a list": b"\x80\x04a.",
    "APPENDS without a mark": b"\x80\x04e.",
    "BUILD of nothing": b"\x80\x04b.",
    "an odd number of items": HEAD + b"]" + b"s" + b"\x8c\x01x" + b"bub.",
}  # fmt: skip


def test_the_frame_around_them_is_sound() -> None:
    assert agreed(HEAD + b"]" + END)
    assert agreed(HEAD + b"]((" + ONE + b"e" + END)
    assert agreed(HEAD + b"](" + ONE + b"a" + END)
    assert agreed(HEAD + b"]((" + ONE + b"e" + END + b"anything behind it")


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_is_declined(name: str) -> None:
    assert scanned(ODD[name]) is None


@pytest.mark.parametrize("length", [0, 1, 50, 1000, 1 << 40])
def test_a_file_of_another_length_than_it_says(length: int) -> None:
    """It may grow or shrink while it is read."""
    content = (RECORDED / PLAIN[0]).read_bytes()
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        found = untrusted._scanned(file, length, False)
        assert found is None or found == unpickled(content, False)
        file.truncate(1000)
        assert untrusted._scanned(file, len(content), False) is None
        assert untrusted._scanned(file, 1000, False) is None


def test_wrong_arguments() -> None:
    native = quick.native
    assert native.scan(-1, 10, False) is None
    with pytest.raises(TypeError):
        native.scan("x", 10, False)
    with pytest.raises(ValueError, match="4 bytes"):
        native.largest(b"12345")
    with pytest.raises(ValueError, match="4 bytes"):
        native.largest(memoryview(b"12345678")[1:5])
    assert native.largest(b"") == 0
    assert native.largest(struct.pack("=4I", 3, 4_000_000_000, 0, 1)) == 4_000_000_000


# -- mutations -----------------------------------------------------------------------------


def one_more(content: bytearray, dice: Random, steps: list[int]) -> None:
    """An opcode that snapshots have, where it does not belong, or one twice."""
    usual = [b"K\x00", b"K\xff", b"M\x00\x01", b"\x94", b"(", b"t", b"\x85", b"\x86", b"\x87", b"]", b"}", b")",
             b"a", b"e", b"s", b"u", b"b", b"\x81", b"\x93", b".", b"h\x00", b"h\x0c", b"h\x15", b"j\x15\x00\x00\x00",
             b"\x8c\x04a.py", b"X\x00\x00\x00\x00", b"\x8a\x01\x05", b"q\x00", b"ctracemalloc\n_Traces\n"]  # fmt: skip
    at = dice.choice(steps)
    content[at:at] = dice.choice(usual)


def another_number(content: bytearray, dice: Random, steps: list[int]) -> None:
    """Another operand, or a part of the file twice or not at all: much of that means something."""
    start, end = sorted(dice.sample(range(len(steps)), 2))
    if dice.randrange(2):
        content[steps[start + 1] - 1 : steps[start + 1]] = bytes([dice.randrange(32)])
    else:
        part = content[steps[start] : steps[min(end, start + dice.choice((7, 8, 9, 14, 16)))]]
        content[steps[start] : steps[start]] = part


def storm(seed: int, amount: int) -> Counter[bool]:
    """How many of so many mutants the C part took."""
    dice = random.Random(seed)
    seeds = [(RECORDED / name).read_bytes() for name in PLAIN]
    seeds += [whole[:2] + whole[11:] for whole in seeds]  # without FRAME, which ends elsewhere then
    seeds += [dumped([(("a.py", 3),), (("b.py", 1), ("a.py", 3))], [(0, 9, n, 2, True) for n in range(5)], protocol, False)
              for protocol in (2, 3, 4, 5)]  # fmt: skip
    steps = {content: boundaries(content) for content in seeds}
    kinds: tuple[Callable[[bytearray, Random, list[int]], None], ...] = (
        bytewise, opcodewise, one_more, another_number,
    )  # fmt: skip
    ended: Counter[bool] = Counter()
    for turn in range(amount):
        whole = dice.choice(seeds)
        content = bytearray(whole)
        for _ in range(dice.choice((1, 1, 1, 2, 4))):
            if content:
                kinds[turn % 4](content, dice, steps[whole])
        ended[agreed(bytes(content))] += 1
    return ended


@pytest.mark.parametrize("seed", range(3))
def test_mutants_are_declined_or_mean_the_same_to_both(seed: int) -> None:
    ended = storm(seed, 1000)
    assert ended[True] > 70
    assert ended[False] > 300


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*NASTY, b"K\x01", ONE, b"\x94", b"h\x00"]), max_size=30))
def test_programs_made_of_traps(opcodes: list[bytes]) -> None:
    agreed(HEAD + b"".join(opcodes) + END)
    agreed(HEAD + b"](" + b"".join(opcodes) + b"e" + END)


# -- without it ----------------------------------------------------------------------------


@pytest.mark.parametrize("detail", [False, True])
@pytest.mark.parametrize("name", [*PLAIN, *OWN])
def test_everything_is_the_same_without(
    name: str, detail: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_it = read(RECORDED / name, detail)
    monkeypatch.setattr(quick, "native", None)
    without = read(RECORDED / name, detail)
    assert with_it == without
    assert list(with_it.tallies.steps) == list(without.tallies.steps)


# -- pairs of stacks -----------------------------------------------------------------------


@pytest.mark.once
@settings(max_examples=200, deadline=None)
@given(LINES, LINES)
def test_stacks_are_paired_as_by_their_frames(before: list[Any], after: list[Any]) -> None:
    old: Any = stored(before).tallies
    new: Any = stored(after).tallies
    stacks_old, stacks_new = old.stacks(), new.stacks()
    found = fast._paired(old, new)
    if len(set(stacks_old)) < len(stacks_old) or len(set(stacks_new)) < len(stacks_new):
        assert found is None
    else:
        assert found is not None
        partners, alone = map(list, found)
        assert [[*stacks_old, None][line] for line in partners] == [
            stack if stack in stacks_old else None for stack in stacks_new
        ]
        assert [stacks_old[line] for line in alone] == [
            stack for stack in stacks_old if stack not in stacks_new
        ]
    by_keys = fast._paired_by_keys(old, new, {f: n for n, f in enumerate(new.frames)})
    assert (None if by_keys is None else tuple(map(list, by_keys))) == (
        None if found is None else tuple(map(list, found))
    )


def test_columns_that_do_not_belong_together() -> None:
    def pairs(*numbers: list[int]) -> Any:
        return quick.native.pairs(*(struct.pack(f"={len(one)}I", *one) for one in numbers))

    assert pairs([], [], [], [], []) == (b"", b"")
    assert pairs([0], [1], [0], [1], [0]) == (b"\0\0\0\0", b"")
    assert pairs([0], [1], [0], [1], [1]) == (b"\1\0\0\0", b"\0\0\0\0")
    assert pairs([0, 0], [1, 1], [], [], []) is None
    assert pairs([], [], [0, 1], [1, 1], [5, 5]) is None
    assert pairs([0], [0, 1], [], [], []) == (b"\0" * 8, b"")
    wrong: tuple[list[int], ...]
    for wrong in (
        ([0], [2], [], [], []), ([0, 1], [1], [], [], []), ([], [], [0], [], [0]),
        ([], [], [1], [1], [0]), ([], [0xFFFFFFFF, 1], [], [], []),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="belong together"):
            pairs(*wrong)


if __name__ == "__main__":
    print(storm(int(sys.argv[1]), int(sys.argv[2])))
