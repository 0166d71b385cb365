"""What processes hold open, read once however many questions it answers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from leakhunt.hook.celery.pulse import Pulse
from leakhunt.live import descriptors, processes, pulse, tree

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="there is no /proc")


def test_they_stand_for_what_is_open(tmp_path: Path) -> None:
    """And of those whose targets nobody asks for, how many there are of each kind is kept."""
    before = descriptors.held(os.getpid())
    assert before is not None
    (tmp_path / "processes").mkdir()
    path = tmp_path / "processes" / "h-1.json"
    reads, writes = os.pipe()
    try:
        with path.open("w") as file, socket.socket(), (tmp_path / "other").open("w"):
            held = descriptors.held(os.getpid())
            assert held is not None
            assert held.telling == {**before.telling, file.fileno(): str(path)}
            assert held.files == before.files + 5
            assert held.sockets == before.sockets + 1
            assert held.pipes == before.pipes + 2
            assert descriptors.tells_still(os.getpid(), held)
            moved = os.dup(file.fileno())
        assert not descriptors.tells_still(os.getpid(), held), "its descriptor is closed"
        os.dup2(moved, file_was := max(held.telling))
        assert descriptors.tells_still(os.getpid(), held)
        os.dup2(reads, file_was)
        assert not descriptors.tells_still(os.getpid(), held), "it is another one's"
        os.close(file_was)
        os.close(moved)
    finally:
        os.close(reads)
        os.close(writes)
    assert descriptors.tells_still(os.getpid(), None)


def test_standard_streams_are_no_pipes_of_a_pool() -> None:
    reads, writes = os.pipe()
    try:
        for more in ((), (reads,), (reads, writes)):
            with subprocess.Popen(
                [sys.executable, "-c", "print(flush=True); input()"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=more,
            ) as child:  # fmt: skip
                assert child.stdout is not None
                child.stdout.readline()
                held = descriptors.held(child.pid)
                child.communicate(b"\n")
            assert held is not None
            assert held.pipes == len(more)
    finally:
        os.close(reads)
        os.close(writes)


def test_of_one_that_has_gone_nothing_is_known() -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    assert descriptors.held(done.pid) is None
    assert descriptors.everybody([done.pid]) == {done.pid: None}


def test_a_look_reads_each_of_them_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child keeps its siblings' pipes: four readings of each are what a large worker would pay for."""
    page = Pulse()
    page.begins("1", "proj.add")
    read: list[str] = []
    readlink = os.readlink

    def counted(path: str, *, dir_fd: int | None = None) -> str:
        whole = path if dir_fd is None else f"{readlink(f'/proc/self/fd/{dir_fd}')}/{path}"
        if str(whole).startswith(f"/proc/{os.getpid()}/fd/"):
            read.append(str(whole))
        return readlink(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "readlink", counted)
    view = tree.look(tmp_path)
    first = list(read)
    assert first
    assert len(first) == len({*first})
    held = view.opened[os.getpid()]
    assert held is not None
    assert held.files
    told = pulse.pulse(os.getpid(), os.getpid(), held)
    assert told is not None
    assert told.task == "proj.add"
    again = {each.pid for each in processes.hooked(tmp_path, view.opened)}
    assert again <= set(view.hooked)  # others may have ended meanwhile
    assert read == first
