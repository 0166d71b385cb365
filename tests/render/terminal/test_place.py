"""A place on a page: never more than a screen, the place itself always in it."""

from __future__ import annotations

import pytest

from leakhunt.model.query import Query
from leakhunt.report.place import place
from leakhunt.sites.place import show
from tests.support.builders import snap
from tests.support.pages import page

SITE = "/srv/venv/lib/python3.11/site-packages"
BOOT = " < ".join(f"{SITE}/{package}/app.py:{line}" for package in ("celery", "billiard", "celery") for line in range(1, 9))  # fmt: skip


def shown(
    *lines: str,
    location: str = "tasks.py:8",
    verbose: bool = False,
    width: int = 80,
    height: int = 24,
) -> str:
    made = snap(*lines, nframe=100)
    return page(
        place(show(made, location, Query(limit=10)), made, None), width, verbose, height=height
    )


def test_the_frameworks_own_frames_are_one_line() -> None:
    text = shown(f"/srv/shop/tasks.py:8 < /srv/shop/app.py:1 < {BOOT} 1KiB x1")
    assert "… 24 frames of billiard and celery (-v shows them)" in text
    assert "site-packages" not in text
    whole = shown(f"/srv/shop/tasks.py:8 < /srv/shop/app.py:1 < {BOOT} 1KiB x1", verbose=True)
    assert "celery/app.py:8" in whole


def test_recursion_is_one_line() -> None:
    deep = " < ".join(f"/srv/shop/tree.py:{line}" for _ in range(40) for line in (5, 6))
    text = shown(f"/srv/shop/tasks.py:8 < {deep} < /srv/shop/app.py:1 1KiB x1")
    assert "… 78 frames of the same recursion (-v shows them)" in text
    assert "app.py:1" in text


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("height", [12, 24, 50])
def test_a_page_is_no_more_than_a_screen(width: int, height: int) -> None:
    """The prompt below it has its line too."""
    lines = [
        f"/srv/lib/x{x}.py:{y} < /srv/shop/tasks.py:8 < /srv/shop/c{y}.py:{x} < {BOOT} 1KiB x{x + 1}"
        for x in range(1, 20)
        for y in range(1, 20)
    ]
    text = shown(*lines, width=width, height=height)
    assert len(text.splitlines()) < height
    assert "tasks.py:8" in text.splitlines()[3]
    assert "more (-v shows all)" in text


def test_names_that_fold_do_not_make_it_longer_than_a_screen() -> None:
    """Lines that are wrapped count as what they take."""
    long = "/srv/" + "/".join(["a_folder_with_a_long_name"] * 6)
    lines = [
        f"{long}/x{x}.py:{y} < /srv/shop/tasks.py:8 < {long}/c{y}.py:{x} 1KiB x{x + 1}"
        for x in range(1, 20)
        for y in range(1, 20)
    ]
    text = shown(*lines)
    assert len(text.splitlines()) < 24
    assert "-v shows all" in text
    assert len(shown(*lines, verbose=True).splitlines()) > 24
