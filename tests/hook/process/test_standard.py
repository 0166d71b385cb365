"""Files of leakhunt's have no number of a standard stream."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from leakhunt.hook.process import standard
from tests.support.places import ROOT


def test_nothing_stays_open_and_the_lowest_free_number_is_given_again() -> None:
    before = sorted(os.listdir("/dev/fd"))
    with standard.spared():
        pass
    assert sorted(os.listdir("/dev/fd")) == before


def test_what_is_opened_where_streams_are_closed_lies_above_them() -> None:
    source = f"""
        import os, sys
        sys.path.insert(0, {str(ROOT)!r})
        from leakhunt.hook.process import standard
        os.close(0)
        os.close(2)
        with standard.spared():
            opened = os.open("/dev/null", os.O_RDONLY)
        again = os.open("/dev/null", os.O_RDONLY)
        print(opened > 2, again)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True 0\n"


def test_a_number_that_is_somebody_elses_by_now_is_left_alone(tmp_path: Path) -> None:
    """A daemon closes all descriptors; the next file that it opens has the lowest number."""
    theirs = os.open(tmp_path / "theirs", os.O_RDWR | os.O_CREAT)
    own = standard.kept(os.open(tmp_path / "own", os.O_RDWR | os.O_CREAT))
    assert own.links() == 1
    (tmp_path / "own").unlink()
    assert own.links() == 0
    os.close(own.number)
    assert own.links() is None
    os.dup2(theirs, own.number)
    assert own.links() is None
    own.close()
    os.fstat(own.number)
    for number in {theirs, own.number}:
        os.close(number)


def test_a_file_that_may_not_grow_is_an_error_and_no_signal(tmp_path: Path) -> None:
    """By default SIGXFSZ ends a process; Python ignores it, and a program may have set it back."""
    program = """
import os, resource, signal
from leakhunt.hook.process import standard
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
number = os.open("file", os.O_RDWR | os.O_CREAT)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
try:
    standard.pwrite(number, bytes(200), 0)
except OSError as error:
    print(error.strerror, os.fstat(number).st_size, signal.sigpending())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "File too large 100 set()\n"
