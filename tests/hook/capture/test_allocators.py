"""What the allocators hold, by their own figures."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from leakhunt.hook.capture import allocators as module
from leakhunt.hook.capture.allocators import allocators, pymalloc

TOLD = """\
class   size   num pools   blocks in use  avail blocks
    0     16           1              33             220

# arenas allocated total           =                   65
5 arenas * 1048576 bytes/arena     =            5,242,880

# bytes in allocated blocks        =            4,000,000
# bytes in available blocks        =              900,000
"""


def test_arenas_less_what_is_in_use_is_free() -> None:
    assert pymalloc(TOLD) == {"pymalloc_used": 4_000_000, "pymalloc_free": 1_242_880}


def test_no_more_is_free_than_there_is() -> None:
    more = TOLD.replace("4,000,000", "6,000,000")
    assert pymalloc(more) == {"pymalloc_used": 6_000_000, "pymalloc_free": 0}


@pytest.mark.parametrize("missing", ["arenas *", "# bytes in allocated"])
def test_what_is_not_said_is_not_known(missing: str) -> None:
    assert pymalloc(TOLD.replace(missing, "x")) == {}


@pytest.mark.parametrize(
    ("measured", "told"),
    [
        (None, None),
        (
            (10, 20, 30, TOLD, "glibc", ((100, 30), (50, 0))),
            {
                "malloc": "glibc", "malloc_used": 10, "malloc_mapped": 20, "malloc_free": 30,
                "malloc_arenas": ((100, 30), (50, 0)), "pymalloc_used": 4_000_000, "pymalloc_free": 1_242_880,
            },
        ),
        ((None, None, None, "", "musl", None), {"malloc": "musl"}),
    ],
)  # fmt: skip
def test_figures_have_their_names_and_unknown_ones_none(
    measured: Any, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_fork", SimpleNamespace(allocators=lambda: measured))
    assert allocators() == told


def test_without_the_compiled_part_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_fork", None)
    assert allocators() is None
