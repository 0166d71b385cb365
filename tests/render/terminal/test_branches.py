"""Runs of frames that tell nothing new are one line; the place itself always stays."""

from __future__ import annotations

from rich.text import Text

from leakhunt.model.paths import prefixes
from leakhunt.model.snapshot import Frame, Tally
from leakhunt.render.terminal.branches import Line, folded
from tests.support.builders import FACTS

ROOTS = prefixes(FACTS)
SITE = "/srv/venv/lib/python3.11/site-packages"
HERE, LOOP = Frame("/srv/shop/tasks.py", 40), Frame("/srv/shop/tree.py", 7)
CELERY = [Frame(f"{SITE}/celery/app/trace.py", number) for number in (1, 2, 3)]


def line(frame: Frame | None, lead: str = "") -> Line:
    return Line(Tally(10, 1), lead, lead, Text(str(frame)), frame)


def texts(*frames: Frame | None) -> list[str]:
    return [each.text.plain for each in folded([line(frame) for frame in frames], ROOTS)]


def test_the_frameworks_frames_are_one_line() -> None:
    assert texts(HERE, *CELERY) == [str(HERE), "… 3 frames of celery (-v shows them)"]


def test_recursion_is_one_line() -> None:
    assert texts(HERE, LOOP, LOOP, LOOP) == [
        str(HERE), str(LOOP), "… 2 frames of the same recursion (-v shows them)",
    ]  # fmt: skip


def test_one_frame_is_no_run() -> None:
    assert texts(HERE, CELERY[0], LOOP) == [str(HERE), str(CELERY[0]), str(LOOP)]


def test_the_place_itself_stays_even_where_it_is_the_frameworks() -> None:
    assert texts(*CELERY)[0] == str(CELERY[0])


def test_a_remainder_ends_a_run() -> None:
    assert texts(HERE, *CELERY[:2], None, *CELERY[:2]) == [
        str(HERE), "… 2 frames of celery (-v shows them)", "None", "… 2 frames of celery (-v shows them)",
    ]  # fmt: skip


def test_runs_of_two_branches_are_two() -> None:
    lines = [
        line(HERE),
        *(line(frame, "├ ") for frame in CELERY[:2]),
        *(line(frame, "└ ") for frame in CELERY[:2]),
    ]
    assert len(list(folded(lines, ROOTS))) == 3
