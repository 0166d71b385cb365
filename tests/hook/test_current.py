"""One hook in a process, whoever claims it first."""

from __future__ import annotations

from pathlib import Path

import pytest

from leakhunt.errors import SettingError
from leakhunt.hook import config, current


@pytest.fixture(autouse=True)
def _none_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current, "_hook", None)


def settings(tmp_path: Path, **said: object) -> config.Settings:
    return config.settings({"dir": str(tmp_path), **said}, {})


def test_the_first_claim_makes_it_and_the_same_again_changes_nothing(tmp_path: Path) -> None:
    assert current.hook() is None
    made = current.claim(settings(tmp_path))
    assert current.hook() is made
    assert made.settings == settings(tmp_path)
    assert current.claim(settings(tmp_path)) is made


def test_newer_settings_are_taken(tmp_path: Path) -> None:
    made = current.claim(settings(tmp_path, every=100))
    assert current.claim(settings(tmp_path, every=500)) is made
    assert made.settings.every == 500


@pytest.mark.parametrize("other", [{"signal": "SIGUSR2"}, {"engine": "exact"}])
def test_another_signal_or_engine_is_refused_and_the_hook_stays(
    other: dict[str, str], tmp_path: Path
) -> None:
    made = current.claim(settings(tmp_path, signal="SIGUSR1", engine="sampled"))
    with pytest.raises(SettingError, match="another signal or engine"):
        current.claim(settings(tmp_path, **{"signal": "SIGUSR1", "engine": "sampled", **other}))
    assert current.hook() is made
    assert made.settings == settings(tmp_path, signal="SIGUSR1", engine="sampled")
