"""The figures of a process are the kernel's."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from leakhunt.hook.process import vitals


@pytest.mark.skipif(not vitals.LINUX, reason="reads /proc")
def test_vitals_agree_with_psutil() -> None:
    import psutil

    me = psutil.Process()
    found = vitals.memory()
    full = me.memory_full_info()
    assert found["rss"] == pytest.approx(full.rss, rel=0.05)
    assert found["uss"] == pytest.approx(full.uss, rel=0.05)
    assert found["pss"] == pytest.approx(full.pss, rel=0.05)
    facts = vitals.process(os.getpid())
    assert facts["threads"] == me.num_threads()
    assert facts["open_files"] == pytest.approx(me.num_fds(), abs=2)
    assert facts["rss_peak"] >= found["rss"]
    assert vitals.catches(os.getpid(), signal.SIGINT) is True
    assert vitals.catches(os.getpid(), signal.SIGUSR2) is False


@pytest.mark.parametrize(
    ("said", "together"), [("1\n", True), ("0\n", False), ("", False), (None, False)]
)
def test_a_group_ends_together_where_it_says_so(
    tmp_path: Path, said: str | None, together: bool
) -> None:
    if said is not None:
        (tmp_path / "memory.oom.group").write_text(said)
    group = vitals.Cgroup(str(tmp_path / "memory.max"), "", "", b"")
    assert group.ends_together() is together


def test_what_is_left_is_up_to_the_lower_of_the_limit_and_where_the_kernel_slows_down(
    tmp_path: Path,
) -> None:
    """What the kernel can drop is left as well; a group without a limit has no end."""
    limit, usage, statistics = (
        str(tmp_path / f"memory.{name}") for name in ("max", "current", "stat")
    )
    group = vitals.Cgroup(limit, usage, statistics, b"inactive_file")
    for name, text in (
        ("current", "700"),
        ("stat", "inactive_file 50"),
        ("max", "max"),
        ("high", "max"),
    ):
        (tmp_path / f"memory.{name}").write_text(f"{text}\n")
    assert group.left() is None
    (tmp_path / "memory.max").write_text("1000\n")
    assert group.left() == 350
    (tmp_path / "memory.high").write_text("800\n")
    assert group.left() == 150
    (tmp_path / "memory.max").write_text("max\n")
    assert group.left() == 150


def test_a_sum_of_which_a_part_is_not_told_is_not_known() -> None:
    told = b"Private_Clean:  4 kB\nPrivate_Dirty:  8 kB\n"
    assert vitals.summed(told, b"Private_Clean:", b"Private_Dirty:") == 12 << 10
    assert vitals.summed(told, b"Private_Clean:", b"Shared_Dirty:") is None
