"""``leakhunt report``: the file that is written, what it was written of, and what is refused before any work."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from leakhunt.cli.judging import Asked, look
from leakhunt.render.html.page import document
from leakhunt.report.page import page
from leakhunt.report.words import page as said
from tests.support.console import grown, inside, store


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Two processes that leak: one of 10 KiB a task, one of 1 KiB."""
    grown(tmp_path / "home" / "celery@web1-1-x", 6, 10, pid=1)
    grown(tmp_path / "home" / "celery@web1-2-x", 6, 1, pid=2)
    return tmp_path / "home"


def test_the_page_is_written_and_told(home: Path, tmp_path: Path) -> None:
    page = tmp_path / "leak.html"
    status, out, err = inside("report", str(home), "-o", str(page))
    assert (status, out) == (0, "")
    assert err == f"leakhunt: wrote {page}: Leak\n"
    text = page.read_text()
    assert text.lower().startswith("<!doctype html>")
    assert "tasks.py" in text
    assert sorted(os.listdir(tmp_path)) == ["home", "leak.html"]


def test_standard_output_gets_the_page_and_nothing_else(home: Path) -> None:
    status, out, err = inside("report", "1", "-o", "-", "--dir", str(home))
    assert (status, err) == (0, "")
    assert out.lower().startswith("<!doctype html>")
    assert out.rstrip().endswith("</html>")


def test_filters_leave_findings_out(home: Path) -> None:
    whole = inside("report", "1", "-o", "-", "--dir", str(home))[1]
    without = inside("report", "1", "-o", "-", "-x", "shop.tasks", "--dir", str(home))[1]
    only = inside("report", "1", "-o", "-", "-f", "shop.tasks", "--dir", str(home))[1]
    summary = "10.0 KiB per task"
    assert summary in whole
    assert summary in only
    assert summary not in without


def test_what_exists_is_written_over_only_by_force(home: Path, tmp_path: Path) -> None:
    page = tmp_path / "leak.html"
    page.write_text("mine")
    status, out, err = inside("report", str(home), "-o", str(page))
    assert (status, out) == (2, "")
    assert "exists; --force writes over it" in err
    assert page.read_text() == "mine"
    assert inside("report", str(home), "-o", str(page), "--force")[0] == 0
    assert page.read_text() != "mine"


def test_that_is_told_before_any_work(tmp_path: Path) -> None:
    """There is nothing to report here either, and no process is asked for a snapshot: the file is what is told."""
    page = tmp_path / "leak.html"
    page.write_text("mine")
    for words in ([], ["none.bin"], [str((1 << 31) - 1)]):
        arguments = ["report", *words, "-o", str(page), "--dir", str(tmp_path)]
        status, out, err = inside(*arguments)
        assert (status, out) == (2, "")
        assert f"{page} exists; --force writes over it" in err
        assert "exists" not in inside(*arguments, "--force")[2]


def test_a_folder_that_is_not_there_is_told_before_any_work(tmp_path: Path) -> None:
    """There is nothing to report here either: the file's folder is what is told."""
    page = tmp_path / "none" / "leak.html"
    status, out, err = inside("report", "-o", str(page), "--dir", str(tmp_path))
    assert (status, out) == (2, "")
    assert f"{page}: there is no folder {page.parent}" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "."], "is a directory"),
        ([], "Missing option '-o'"),
        (["-o", "-", "--timeout", "nan"], "not a valid number of seconds"),
        (["-o", "-"], "there are no snapshots here"),
        (["-o", "-", "²"], "²: there is no such file"),
        (["-o", "-", str((1 << 31) - 1)], "2147483647: there is no such file"),
    ],
)
def test_what_cannot_be_reported_is_exit_two(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    status, out, err = inside("report", *arguments, "--dir", str(tmp_path))
    assert (status, out) == (2, "")
    assert said in err


def test_a_bad_file_is_a_line_or_an_error(home: Path, tmp_path: Path) -> None:
    bad = home / "celery@web1-1-x" / "000009.bin"
    bad.write_bytes(b"torn")
    status, _, err = inside("report", "1", "-o", "-", "--dir", str(home))
    assert status == 0
    assert "000009.bin" in err
    page = tmp_path / "leak.html"
    assert inside("report", str(bad.parent), "-o", str(page), "--strict")[0] == 2
    assert not page.exists()


def test_one_snapshot_makes_a_page_too(tmp_path: Path) -> None:
    only = store(tmp_path / "one.bin", 10)
    status, out, _ = inside("report", str(only), "-o", "-")
    assert (status, out.rstrip()[-7:]) == (0, "</html>")


def test_one_snapshot_is_not_said_to_show_that_nothing_grows(home: Path, tmp_path: Path) -> None:
    _, one, _ = inside("report", str(store(tmp_path / "one.bin", 10)), "-o", "-")
    assert said.ONE_MOMENT in one
    assert said.NOTHING_GROWS not in one
    _, several, _ = inside("report", str(home), "-o", "-", "-f", "nowhere.py")
    assert said.ONE_MOMENT not in several


def test_no_collection_walks_over_what_the_page_is_made_of(home: Path) -> None:
    """All of it stays alive until the page is written: with the collector on, a third of the time went there."""
    starts = 0

    def looking(phase: str, told: dict[str, int]) -> None:
        nonlocal starts
        starts += phase == "start"

    def made() -> str:
        judged = look([str(home)], Asked(), quiet=True, command="verdict")
        return document(page(judged, 1_800_000_900.0, "1.2.3"))

    made()  # what is imported on the way
    threshold = gc.get_threshold()
    gc.callbacks.append(looking)
    try:
        gc.enable()
        gc.set_threshold(10, 5, 5)
        assert made()
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(looking)
    # One may begin behind each of the three steps, and text is made of what was drawn: not one each ten values.
    assert starts < 200, starts
