"""Figures of another process, within a time."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil
import pytest

from leakhunt.hook.process import others

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@LINUX
def test_they_are_the_kernels() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "x = bytearray(30 << 20); print(len(x), flush=True); import sys; sys.stdin.read()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as child:  # fmt: skip
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdout.readline()
        found = others.figures(child.pid, time.monotonic() + 60)
        full = psutil.Process(child.pid).memory_full_info()
        child.stdin.close()
    assert set(found) == set(others.FIGURES)
    for name in (
        "rss",
        "pss",
        "uss",
    ):  # pages become shared and private as other processes come and go
        assert abs(found[name] - getattr(full, name)) < 1 << 20
    assert found["peak"] >= found["rss"] >= found["pss"] >= found["uss"] >= 30 << 20
    assert found["vms"] == full.vms
    assert found["parent"] == os.getpid()
    assert found["threads"] == 1
    assert found["cpu"] > 0


@LINUX
def test_no_mapping_is_walked_after_the_time() -> None:
    found = others.figures(os.getpid(), time.monotonic() - 1)
    assert found["rss"] > 0
    assert found["pss"] is found["uss"] is found["shared"] is None


def test_of_no_process_nothing_is_known() -> None:
    found = others.figures(2**22 - 1, time.monotonic() + 60)
    assert set(found.values()) == {None}
