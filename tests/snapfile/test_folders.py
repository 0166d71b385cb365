"""Where snapshots go: the state folder, private folders, names that sort."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from leakhunt.errors import SettingError
from leakhunt.snapfile import folders


def test_the_state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    if sys.platform.startswith("linux"):
        assert folders.state_dir() == tmp_path / ".local" / "state" / "leakhunt"
        monkeypatch.setenv("XDG_STATE_HOME", "/srv/state")
        assert folders.state_dir() == Path("/srv/state/leakhunt")
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert folders.state_dir().name == f"leakhunt-{os.getuid()}"


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(SettingError, match="others may write"):
        folders.make_private(shared)
    made = folders.make_private(tmp_path / "a" / "b")
    assert made.stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match="cannot use"):
        folders.make_private(tmp_path / "file")


def test_names_sort_and_are_safe() -> None:
    assert folders.series_name("../../x y", 5, 0.0) == "_.._x_y-5-19700101T000000Z"
    names = [folders.snapshot_name(n, 1e9 + n, "signal") for n in (1, 9, 10, 100)]
    assert names == sorted(names)
