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


@pytest.mark.parametrize("keep", [2, 3])
def test_of_however_few_that_stay_the_first_is_one(keep: int) -> None:
    """Without it there is nothing to compare the newest with."""
    assert folders.surplus(range(1, 6), keep) == list(range(2, 7 - keep))


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    for mode in (0o777, 0o770, 0o702):
        shared.chmod(mode)
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


def test_a_folder_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner could swap what is written there. Root's may hold a folder of one's own, and be none."""
    folder = folders.make_private(tmp_path / "snapshots")
    owner = folder.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(SettingError, match=f"it belongs to uid {owner}"):
        folders.make_private(folder, own=True)
    if owner == 0:
        assert folders.make_private(folder) == folder
        os.chown(folder, 12345, -1)
    with pytest.raises(SettingError, match="it belongs to uid"):
        folders.make_private(folder)


def test_a_link_that_somebody_else_has_made_is_refused_wherever_it_leads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folders.make_private(tmp_path / "snapshots")
    link = tmp_path / "link"
    link.symlink_to(folder)
    assert folders.make_private(link) == link
    if os.geteuid() == 0:
        os.lchown(link, 12345, -1)
    else:
        own = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: own + 1)
    with pytest.raises(SettingError, match="it is a link"):
        folders.make_private(link)
