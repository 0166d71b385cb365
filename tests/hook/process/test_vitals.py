"""The figures of a process are the kernel's."""

from __future__ import annotations

import os
import signal

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
    assert vitals.started_at(os.getpid()) == pytest.approx(me.create_time(), abs=1.1)
    facts = vitals.process(os.getpid())
    assert facts["threads"] == me.num_threads()
    assert facts["open_files"] == pytest.approx(me.num_fds(), abs=2)
    assert facts["rss_peak"] >= found["rss"]
    assert vitals.catches(os.getpid(), signal.SIGINT) is True
    assert vitals.catches(os.getpid(), signal.SIGUSR2) is False
