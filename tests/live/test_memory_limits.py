"""What limits a process's memory: written trees of control groups, of both versions."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from leakhunt.hook.process import vitals
from leakhunt.live import memory

MIB = 1 << 20


@pytest.fixture
def under(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of a tree of control groups; its ``cgroup`` is what the kernel says of every process."""
    monkeypatch.setattr(vitals, "LINUX", True)
    read = vitals.read

    def told(path: str, size: int = 4096) -> bytes | None:
        if path.startswith("/proc/") and path.endswith("/cgroup"):
            path = str(tmp_path / "cgroup")
        return read(path, size)

    monkeypatch.setattr(vitals, "read", told)
    return tmp_path


def group(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(f"{text}\n")


def test_the_least_limit_of_version_2_is_that_of_any_group_above(under: Path) -> None:
    (under / "cgroup").write_text("0::/kubepods/pod7/worker\n")
    group(under / "kubepods", memory__max=str(900 * MIB), memory__current="1")
    group(under / "kubepods/pod7", memory__max=str(500 * MIB), memory__current="1")
    group(under / "kubepods/pod7/worker", memory__max="max", memory__current="1")
    assert memory.limit(os.getpid(), str(under)) == (500 * MIB, str(under / "kubepods/pod7"))


def test_a_group_of_version_1_without_a_limit_says_a_huge_number(under: Path) -> None:
    (under / "cgroup").write_text("9:name=systemd:/\n5:cpu,memory:/docker/abc\n0::/\n")
    group(
        under / "memory/docker/abc",
        memory__limit_in_bytes=str(300 * MIB),
        memory__usage_in_bytes="1",
    )
    (under / "memory/memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert memory.limit(1, str(under)) == (300 * MIB, str(under / "memory/docker/abc"))


def test_no_limit_anywhere(under: Path) -> None:
    (under / "cgroup").write_text("0::/a\n")
    group(under / "a", memory__max="max")
    assert memory.limit(1, str(under)) is None
    (under / "cgroup").unlink()
    assert memory.limit(1, str(under)) is None


def test_a_path_that_leads_out_of_the_tree_is_not_followed(under: Path) -> None:
    (under / "cgroup").write_text("0::/../../outside\n")
    group(under / "inside" / "outside", memory__max=str(MIB))
    group(under / "outside", memory__max=str(2 * MIB))
    assert memory.limit(1, str(under / "inside")) == (MIB, str(under / "inside/outside"))


def test_what_is_left_counts_the_cache_that_can_be_dropped(under: Path) -> None:
    (under / "cgroup").write_text("0::/a\n")
    group(
        under / "a", memory__max=str(100 * MIB), memory__current=str(90 * MIB),
        memory__stat=f"anon 5\nfile 6\ninactive_file {30 * MIB}\nother 1",
    )  # fmt: skip
    (only,) = vitals.cgroups("self", str(under))
    assert only.left() == 40 * MIB
