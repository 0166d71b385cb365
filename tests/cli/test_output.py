"""Files that a command writes: whole or not at all, and never over another one unasked."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import click
import pytest

from leakhunt.cli.output import refuse, writing, wrote


def test_a_file_gets_its_name_when_all_is_written(tmp_path: Path) -> None:
    target = tmp_path / "x.json"
    with writing(str(target), force=False) as out:
        out.write(b"whole")
        assert not target.exists()
    assert target.read_bytes() == b"whole"
    assert os.listdir(tmp_path) == ["x.json"]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no folder that nobody may write to")
def test_what_cannot_be_written_is_called_by_the_name_that_was_asked_for() -> None:
    with pytest.raises(OSError, match=r"x\.json") as told, writing("/proc/x.json", force=False):
        raise AssertionError("nothing was opened")
    assert told.value.filename == "/proc/x.json"


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "x.json"
    target.write_bytes(b"old")
    with contextlib.suppress(KeyError), writing(str(target), force=True) as out:
        out.write(b"half")
        raise KeyError
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x.json"]


def test_what_exists_is_written_over_only_by_force(tmp_path: Path) -> None:
    target = tmp_path / "x.json"
    target.write_bytes(b"old")
    with pytest.raises(click.UsageError, match="--force writes over it"):
        refuse(str(target), force=False)
    with pytest.raises(click.UsageError), writing(str(target), force=False):
        pass
    with writing(str(target), force=True) as out:
        out.write(b"new")
    assert target.read_bytes() == b"new"


def test_a_folder_that_is_not_there_is_told_beforehand(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in ("none", "file"):
        with pytest.raises(click.UsageError, match="there is no folder"):
            refuse(str(tmp_path / folder / "x.json"), force=True)
    refuse("x.json", force=False)
    refuse("-", force=False)


def test_a_name_that_was_taken_meanwhile_is_not_taken_away(tmp_path: Path) -> None:
    target = tmp_path / "x.json"

    def write() -> None:
        with writing(str(target), force=False) as out:
            out.write(b"ours")
            target.write_bytes(b"theirs")

    with pytest.raises(click.UsageError):
        write()
    assert target.read_bytes() == b"theirs"
    assert os.listdir(tmp_path) == ["x.json"]


def test_a_link_that_leads_nowhere_is_somebodys_name(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(click.UsageError):
        refuse(str(tmp_path / "link"), force=False)


def test_a_device_is_written_to_and_stays(tmp_path: Path) -> None:
    with writing(os.devnull, force=False) as out:
        out.write(b"gone")
    assert Path(os.devnull).is_char_device()


def test_a_pipe_is_not_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    wrote("-", "1 snapshot")
    assert capsys.readouterr() == ("", "")
    wrote("x\x1b.json", "1 snapshot")
    assert capsys.readouterr().err == "leakhunt: wrote x\\x1b.json: 1 snapshot\n"
