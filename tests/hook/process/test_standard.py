"""Files of leakhunt's have no number of a standard stream."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

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
