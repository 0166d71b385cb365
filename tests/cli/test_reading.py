"""What a word means: one snapshot, two, or an error that says what to name."""

from __future__ import annotations

import threading
from pathlib import Path

import click
import pytest

from leakhunt.cli import reading
from leakhunt.errors import SnapshotError
from tests.support.console import grown, store


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Three snapshots of one process."""
    folder = tmp_path / "celery@web1-4242-20270115T080000Z"
    folder.mkdir()
    grown(folder, 3)
    return tmp_path


def test_without_a_word_the_newest_is_meant(home: Path) -> None:
    path, chosen = reading.one(None, str(home), [])
    assert path.name == "000003.bin"
    assert chosen is not None


def test_a_file_is_itself_and_a_process_its_newest(home: Path) -> None:
    first = next(home.rglob("000001.bin"))
    assert reading.one(str(first), str(home), []) == (first, None)
    path, chosen = reading.one("4242", str(home), [])
    assert path.name == "000003.bin"
    assert chosen is not None


def test_two_are_the_ends_of_a_process(home: Path) -> None:
    for words in ([], ["4242"]):
        before, after, chosen = reading.two(words, str(home), [])
        assert (before.name, after.name) == ("000001.bin", "000003.bin")
        assert chosen is not None
    named = [str(next(home.rglob(f"00000{number}.bin"))) for number in (1, 2)]
    before, after, chosen = reading.two(named, str(home), [])
    assert (before.name, after.name, chosen) == ("000001.bin", "000002.bin", None)


def test_two_are_of_one_stretch(tmp_path: Path) -> None:
    """What one engine has estimated and another has counted is not compared."""
    folder = tmp_path / "celery@web1-4242-20270115T080000Z"
    for number in (1, 2, 3, 4):
        engine, armed = ("sampled", 1.0) if number < 3 else ("exact", 2.0)
        store(folder / f"{number:06d}.bin", number, sequence=number, engine=engine, armed_at=armed)
    for words in ([], ["4242"], [str(folder)]):
        before, after, _ = reading.two(words, str(tmp_path), [])
        assert (before.name, after.name) == ("000003.bin", "000004.bin")


def test_one_snapshot_cannot_be_compared(home: Path) -> None:
    with pytest.raises(click.UsageError, match="compares two snapshots and 1 was given"):
        reading.two([str(next(home.rglob("000001.bin")))], str(home), [])
    with pytest.raises(click.UsageError, match="3 were given"):
        reading.two([str(path) for path in sorted(home.rglob("*.bin"))], str(home), [])


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="no snapshots"):
        reading.one(None, str(tmp_path), [])


def test_a_bar_that_nobody_needs_leaves_nothing_behind(capsys: pytest.CaptureFixture[str]) -> None:
    with reading.waiting("reading"):
        pass
    with reading.progress([]):
        pass
    assert capsys.readouterr() == ("", "")


def test_where_nobody_looks_there_is_no_bar_however_long_it_takes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log of CI would get an empty line of it."""
    monkeypatch.setattr(reading, "PATIENCE", 0.0)
    with reading.waiting("reading"):
        assert not [each for each in threading.enumerate() if isinstance(each, threading.Timer)]
    assert capsys.readouterr() == ("", "")
