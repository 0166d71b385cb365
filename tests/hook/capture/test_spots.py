"""Functions and source lines for the frames of a capture."""

from __future__ import annotations

import textwrap
import time
from pathlib import Path

from leakhunt.hook.capture import spots
from leakhunt.hook.capture.sources import Sources
from tests.hook.capture.conftest import AsModule


def test_functions_and_lines(tmp_path: Path, as_module: AsModule) -> None:
    source = tmp_path / "shop.py"
    source.write_text(
        textwrap.dedent(
            """\
            CACHE = {}
            def outer():
                def inner():
                    return [n for n in range(3)]
                return inner()
            class Order:
                total = lambda self: 3
                def place(self):
                    CACHE[self] = self
            """
        )
    )
    as_module(source)
    frames = [(str(source), line) for line in (1, 2, 4, 5, 9, 400)]
    found = spots.spots(frames, 5.0, Sources(time.time() + 10), {})[str(source)]
    assert found[1] == ("<module>", "CACHE = {}")
    assert found[2] == ("<module>", "def outer():")
    assert found[4][0] in ("outer.inner", "outer.inner.<listcomp>")
    assert found[5] == ("outer", "return inner()")
    assert found[9] == ("Order.place", "CACHE[self] = self")
    assert found[400] == (None, None)
    assert spots.spots([(str(source), 3)], 5.0, Sources(time.time() + 10), {})[str(source)] == {
        3: ("outer", "def inner():")  # the line of a `def` is its parent's, however short it is
    }


def test_a_changed_or_missing_source_is_left_out(tmp_path: Path, as_module: AsModule) -> None:
    source = tmp_path / "shop.py"
    as_module(source)
    source.write_text("x = 1\n")
    frames = [(str(source), 1), ("<string>", 1), ("/no/such.py", 1)]
    assert spots.spots(frames, 5.0, Sources(time.time() - 3600), {}) == {}
    source.write_bytes(b"\xff\xfe broken \x00")
    assert spots.spots(frames, 5.0, Sources(time.time() + 10), {}) == {}
