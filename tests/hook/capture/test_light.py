"""What a light capture leaves for the process beside it, and what that makes of it."""

from __future__ import annotations

import os
import posix
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from leakhunt.engine.interface import Life
from leakhunt.engine.off import Off
from leakhunt.errors import CaptureError
from leakhunt.hook.capture import capture, fork, light
from leakhunt.hook.capture.order import Order
from leakhunt.hook.capture.page import PAGE, shared_page
from leakhunt.hook.process import vitals
from tests.support.places import ROOT

pytestmark = pytest.mark.skipif(not vitals.LINUX, reason="light captures are made on Linux")


TABLES = [b"samples", b"", b"x" * 300_000, b"frames", b"texts", b"letters", b"intervals", b"clock"]


class Still(Off):
    """An engine whose tables never change."""

    read = staticmethod(lambda: TABLES)
    salt: int | None = 7


def order(folder: Path, **facts: Any) -> Order:
    return Order(
        path=folder / "p" / "000001-20260101T000000Z-signal.bin",
        series=folder / "p",
        engine=Still("of a test"),
        signum=10,
        keep=4,
        source="masked",
        walk="auto",
        notify=False,
        facts={"pid": os.getpid(), **facts},
        late_facts=lambda: {"tasks_done": 3},
        life=Life(("shop.pay",), ()),
        limits=fork.Limits(1, 2, 3, 4, 5),
    )


@pytest.mark.parametrize("has_memfd", [True, False])
def test_what_is_left_is_what_is_found(
    has_memfd: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_memfd:
        monkeypatch.delattr(posix, "memfd_create", raising=False)
    told_of = order(tmp_path, name="naïve \udc80")
    descriptor = light._memory(told_of)
    try:
        light._write(descriptor, light._message(told_of, 1.5), TABLES)
        told, tables = light.received(descriptor)
        assert not os.get_inheritable(descriptor)
        link = os.readlink(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
    assert tables == TABLES
    assert vitals.is_left(link)
    assert told["facts"]["name"] == "naïve \udc80"
    assert told["work"] == {"tasks_done": 3}
    assert told["kinds"][str(id(dict))] == "dict"
    assert told["kinds"][str(id(deque))] == "collections.deque"
    assert told["began"] == 1.5
    assert "leakhunt.hook.capture.light" in told["modules"].split("\n")
    assert list(tmp_path.iterdir()) == []


def test_a_message_that_was_cut_is_none(tmp_path: Path) -> None:
    descriptor = light._memory(order(tmp_path))
    try:
        light._write(descriptor, b"{}", TABLES)
        os.ftruncate(descriptor, os.fstat(descriptor).st_size - 1)
        with pytest.raises(ValueError, match="too early"):
            light.received(descriptor)
    finally:
        os.close(descriptor)


def test_standard_streams_that_are_closed_are_nobodys_memory(tmp_path: Path) -> None:
    """The number of the memory is above those that the process beside gets for its own streams."""
    program = """
import os, sys
from pathlib import Path
from tests.hook.capture.test_light import light, order
os.close(0)
print(light._memory(order(Path(sys.argv[1]))))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 2


@pytest.mark.parametrize(
    "path", ["", None, "/usr/bin/uwsgi", "/opt/app/server", "/usr/bin/pythonize"]
)
def test_an_interpreter_that_is_no_python_by_its_name_is_not_run(
    path: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", path)
    with pytest.raises(light.RefusedError):
        light.interpreter()


@pytest.mark.parametrize("name", ["python", "python3", "python3.11", "python3.13-dbg", "pypy3.10"])
def test_pythons_are_known_by_their_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", f"/usr/bin/{name}")
    assert light.interpreter() == f"/usr/bin/{name}"


def test_an_interpreter_that_is_gone_is_a_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python3"))
    before = sorted(os.listdir("/proc/self/fd"))
    with pytest.raises(light.RefusedError, match="python3"):
        light.begin(order(tmp_path), 0.0)
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_one_that_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vitals, "memory_left", lambda groups: light.NEEDS - 1)
    with pytest.raises(CaptureError, match="of memory is left"):
        light.guard(Off("of a test"), ())
    monkeypatch.setattr(vitals, "memory_left", lambda groups: light.NEEDS)
    light.guard(Off("of a test"), ())


def test_what_is_said_fits_the_page_or_is_cut(tmp_path: Path) -> None:
    page = shared_page()
    said = {"path": "x", "problem": None, "without": "y" * PAGE}
    capture.tell(page, said, order(tmp_path))
    outcome = light.Light(order(tmp_path), 0, page, 0.0)._outcome(None)
    assert (outcome.path, outcome.refused) == ("x", False)


@pytest.mark.parametrize(
    ("began", "status", "refused"),
    [(False, 1 << 8, True), (False, None, True), (False, 9, False), (True, 1 << 8, False), (True, 9, False)],
)  # fmt: skip
def test_one_that_could_not_begin_is_made_another_way(
    began: bool, status: int | None, refused: bool, tmp_path: Path
) -> None:
    """An ended interpreter, another release of leakhunt on the disk: not one that was killed."""
    page = shared_page()
    page[1] = fork.WRITING if began else 0
    outcome = light.Light(order(tmp_path), 0, page, 0.0)._outcome(status)
    assert outcome.path is None
    assert outcome.refused is refused
