"""What the demo tells at its end: commands that exist, the one first that the README's first screen shows."""

from __future__ import annotations

import re

import pytest

from leakhunt.cli import COMMANDS
from leakhunt.cli.demo import NEXT, NEXT_ARMED, _verdict
from leakhunt.demo.shop import PRICES_KEPT
from leakhunt.model.query import Query
from leakhunt.report.tables import diff
from tests.support.builders import snap
from tests.support.places import ROOT


@pytest.mark.parametrize("text", [NEXT, NEXT_ARMED], ids=["from the start", "armed"])
def test_every_line_is_a_command_that_is_there(text: str) -> None:
    named = re.findall(r"^  leakhunt (\w+)", text, re.MULTILINE)
    assert "verdict" in named
    assert set(named) <= set(COMMANDS)
    assert "celery -A proj worker -I leakhunt.worker" in text


def test_the_next_step_is_the_readmes() -> None:
    """After a snapshot: its first screen, and the lines for one's own worker."""
    readme = (ROOT / "README.md").read_text()
    (screen,) = re.findall(r"```console\n\$ kill -USR1 \d+\n\$ leakhunt (\w+)\n", readme)
    steps = re.findall(
        r"^leakhunt (\w+)", readme.partition("## On your own worker")[2], re.MULTILINE
    )
    shown = re.findall(r"^  leakhunt (\w+)", NEXT, re.MULTILINE)
    assert shown[:2] == ["dump", screen]
    assert shown[1] == steps[0]


def test_the_guilty_line_and_the_cache_are_told_from_the_rows() -> None:
    frames = {"/srv/shop.py": {1: ("place_order", None), 2: ("quote", None)}}
    before = snap("/srv/shop.py:1 1KiB x1", "/srv/shop.py:2 1KiB x1", taken_at=1.0, frames=frames)
    after = snap("/srv/shop.py:1 301KiB x301", "/srv/shop.py:2 5KiB x5", frames=frames)
    leak, cache = _verdict(diff(before, after, Query()))
    assert leak.startswith("Line 1 is the leak: 300 orders kept 1.0 KiB each.")
    assert cache.startswith("Line 2 is a cache, and no leak")
    assert f"newest {PRICES_KEPT} prices" in cache
