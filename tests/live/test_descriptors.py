"""What processes hold open, read once however many questions it answers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from leakhunt.hook.celery.pulse import Pulse
from leakhunt.live import descriptors, memory, processes, pulse, tree

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="there is no /proc")


def test_they_stand_for_what_is_open(tmp_path: Path) -> None:
    path = tmp_path / "open"
    with path.open("w") as file:
        targets = descriptors.held(os.getpid())
        assert targets is not None
        assert targets[file.fileno()] == str(path)
        assert memory.files(targets)[0] == len(targets)


def test_of_one_that_has_gone_nothing_is_known() -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    assert descriptors.held(done.pid) is None
    assert done.pid not in descriptors.everybody()


def test_a_look_reads_each_of_them_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child keeps its siblings' pipes: four readings of each are what a large worker would pay for."""
    page = Pulse()
    page.begins("1", "proj.add")
    read: list[str] = []
    readlink = os.readlink

    def counted(path: str) -> str:
        if str(path).startswith(f"/proc/{os.getpid()}/fd/"):
            read.append(str(path))
        return readlink(path)

    monkeypatch.setattr(os, "readlink", counted)
    view = tree.look(tmp_path)
    first = list(read)
    assert first
    assert len(first) == len({*first})
    targets = view.opened[os.getpid()]
    assert memory.files(targets)[0] is not None
    told = pulse.pulse(os.getpid(), os.getpid(), targets)
    assert told is not None
    assert told.task == "proj.add"
    assert processes.hooked(tmp_path, view.opened) == list(view.hooked.values())
    assert read == first
