"""Mappings by kind: what the kernel says, summed."""

from __future__ import annotations

import mmap
import os
import threading

import pytest

from leakhunt.hook.process import maps, vitals


def entry(
    start: int,
    size: int,
    what: str,
    inode: int = 0,
    name: str = "",
    rss: int = 4,
    anonymous: int = 0,
) -> str:
    """One entry of smaps, as Linux 6 writes it; sizes in KiB."""
    return (
        f"{start:x}-{start + (size << 10):x} {what} 00000000 08:01 {inode}{' ' * 20}{name}\n"
        f"Size:             {size} kB\nKernelPageSize:        4 kB\nRss:                {rss} kB\n"
        f"Pss:                {rss} kB\nPss_Dirty:             0 kB\nShared_Clean:          0 kB\n"
        f"Anonymous:          {anonymous} kB\nKSM:                   0 kB\nVmFlags: rd wr mr mw me ac sd\n"
    )


HEAP = maps.HEAP


def summed(*entries: str, threads: tuple[int, ...] = ()) -> dict[str, tuple[int, int]]:
    found = list(maps.mappings("".join(entries).encode()))
    assert len(found) == len(entries)
    return maps.summed(found, threads)


def test_each_mapping_is_of_one_kind() -> None:
    found = summed(
        entry(0x10000, 64, "r-xp", 7, "/usr/bin/python3"),
        entry(0x30000, 64, "rw-p", 7, "/usr/bin/python3", anonymous=4),
        entry(0x50000, 64, "r--p", 8, "/srv/prices.dat"),
        entry(0x70000, 64, "rw-p", 0, "[heap]"),
        entry(0x90000, 64, "rw-s", 9, "/dev/shm/psm_1 (deleted)"),
        entry(0xB0000, 64, "rw-s", 10, "/memfd:x (deleted)"),
        entry(0xD0000, 64, "rw-s", 11, "/dev/zero (deleted)"),
        entry(0xF0000, 64, "rw-s", 12, "/SYSV00000000 (deleted)"),
        entry(HEAP, 1024, "rw-p"),
        entry(HEAP + (1024 << 10), 63 << 10, "---p", rss=0),
        entry(3 * HEAP + 0x1000, 64, "rw-p"),
        entry(0x7FFC00000000, 64, "rw-p", 0, "[stack]"),
        entry(0x7FFD00000000, 8, "r-xp", 0, "[vdso]", rss=0),
    )
    four = 4 << 10
    assert found == {
        "libraries": (2 * four, 2),
        "files": (four, 1),
        "heap": (four, 1),
        "shared": (3 * four, 3),
        "sysv": (four, 1),
        "arenas": (four, 1),
        "anonymous": (four, 2),
        "stacks": (four, 1),
        "special": (0, 1),
    }


def test_stacks_are_found_by_their_threads_and_others_by_the_like() -> None:
    at = 0x7F0000001000
    step = (8192 + 4) << 10
    stacks = [
        each
        for number in range(3)
        for each in (
            entry(at + number * step, 4, "---p", rss=0),
            entry(at + number * step + 4096, 8192, "rw-p", rss=100),
        )
    ]
    other = entry(at + 4 * step, 8192, "rw-p", rss=1000)
    known = at + 4096 + (8192 << 10) - 2000
    found = summed(*stacks, other, threads=(known,))
    assert found["stacks"] == (3 * 100 << 10, 3)
    assert found["anonymous"] == (1000 << 10, 4)
    assert "stacks" not in summed(*stacks, other)


@pytest.mark.skipif(not vitals.LINUX, reason="reads /proc")
def test_a_process_by_the_kernel() -> None:
    before = maps.maps(os.getpid(), [])
    with mmap.mmap(-1, 8 << 20) as shared:  # anonymous, and shared with children
        shared.write(b"x" * (8 << 20))
        after = maps.maps(os.getpid(), [threading.get_ident()])
        rss = vitals.rss()
    assert before is not None
    assert after is not None
    assert after["shared"][0] - before.get("shared", (0, 0))[0] == 8 << 20
    assert sum(size for size, _ in after.values()) == pytest.approx(rss, rel=0.05)
    assert set(after) <= set(maps.KINDS)


@pytest.mark.skipif(not vitals.LINUX, reason="reads /proc")
def test_a_thread_that_python_has_made_has_its_stack_found() -> None:
    begun, done = threading.Event(), threading.Event()

    def run() -> None:
        begun.set()
        done.wait(400)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        begun.wait(400)
        without = maps.maps(os.getpid(), [])
        found = maps.maps(os.getpid(), [thread.ident or 0])
    finally:
        done.set()
        thread.join()
    assert without is not None
    assert found is not None
    assert found["stacks"][1] > without["stacks"][1]


def test_a_process_that_is_gone_has_none() -> None:
    assert maps.maps(2**22 + 1) is None
