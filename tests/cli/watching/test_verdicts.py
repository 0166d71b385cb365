"""Verdicts meanwhile: of new snapshots only, within their share of the time."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from leakhunt.cli.watching import verdicts
from leakhunt.cli.watching.verdicts import Verdicts
from tests.support.fleet import process


def test_verdicts_are_made_of_new_snapshots_only_and_keep_to_their_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[str] = []
    clock = [0.0]

    def look(files: list[str], *_: Any, **__: Any) -> Any:
        judged.append(files[0])
        clock[0] += 1.0  # it takes a second
        return SimpleNamespace(verdict=SimpleNamespace(verdict="leak"))

    monkeypatch.setattr("leakhunt.cli.judging.look", look)
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    present = []
    for pid in (1, 2, 3):
        folder = tmp_path / str(pid)
        folder.mkdir()
        if pid < 3:
            (folder / "000001.bin").touch()
        present.append(process(pid, hooked=True, series=str(folder)))
    found = Verdicts()
    found.look(present)
    assert judged == [str(tmp_path / "1")]
    assert found.of(present[0]) == "leak"
    found.look(present)
    assert len(judged) == 1  # not yet: it would take more than its share
    for _ in range(3):
        clock[0] += 1 / verdicts.SHARE
        found.look(present)
    assert judged == [str(tmp_path / "1"), str(tmp_path / "2")]
    (tmp_path / "1" / "000002.bin").touch()
    clock[0] += 1 / verdicts.SHARE
    found.look(present)
    assert judged[-1] == str(tmp_path / "1")
    found.look(present[1:])
    assert found.of(present[0]) is None  # it has ended, and is forgotten


def test_once_it_is_over_all_are_judged_while_there_is_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]

    def look(*_: Any, **__: Any) -> Any:
        clock[0] += 0.4 * verdicts.LAST
        return SimpleNamespace(verdict=SimpleNamespace(verdict="leak"))

    monkeypatch.setattr("leakhunt.cli.judging.look", look)
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    present = []
    for pid in range(1, 6):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "000001.bin").touch()
        present.append(process(pid, hooked=True, series=str(tmp_path / str(pid))))
    found = Verdicts()
    found.look(present)
    assert [found.of(each) for each in present] == ["leak", None, None, None, None]
    found.finish(present)
    assert [found.of(each) for each in present] == ["leak"] * 4 + [None]


def test_a_series_too_large_to_judge_has_no_verdict(tmp_path: Path) -> None:
    with (tmp_path / "000001.bin").open("wb") as file:
        file.truncate(verdicts.LARGEST + 1)
    found, one = Verdicts(), process(1, series=str(tmp_path))
    found.look([one])
    assert found.of(one) is None
