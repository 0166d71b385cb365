"""``leakhunt ls``: the series of a folder."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from leakhunt.cli import ls
from leakhunt.live import processes
from tests.support.builders import FACTS
from tests.support.console import grown, inside, store


def test_every_process_is_a_series_and_the_fastest_is_told(tmp_path: Path) -> None:
    for pid, each in ((1, 5), (2, 50)):
        grown(tmp_path / f"celery@web1-{pid}-x", 3, each, pid=pid, rss=None)
    document = json.loads(inside("ls", "--dir", str(tmp_path), "--json")[1])
    assert [len(each["snapshots"]) for each in document["series"]] == [3, 3]
    assert {each["snapshots"][0]["pid"] for each in document["series"]} == {1, 2}


def test_a_folder_without_any_says_so_and_one_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    status, out, _ = inside("ls", "--dir", str(tmp_path))
    assert status == 0
    assert "no snapshots yet" in out
    assert inside("ls", "--dir", str(tmp_path / "none"))[0] == 2


def test_what_would_be_pruned_is_shown_and_nothing_is_removed(tmp_path: Path) -> None:
    grown(tmp_path / "celery@web1-1-x", 3)
    before = sorted(tmp_path.rglob("*.bin"))
    inside("ls", "--dir", str(tmp_path), "--prune", "--keep", "1")
    assert sorted(tmp_path.rglob("*.bin")) == before


def test_another_engine_is_shown_with_its_first_snapshot_and_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`arm --engine exact` makes no snapshot: until there is one, the process itself says it."""
    folder = tmp_path / "celery@web1-4242-x"
    for number in (1, 2):
        store(
            folder / f"00000{number}.bin",
            10 * number,
            sequence=number,
            engine="sampled",
            armed_at=1.0,
        )

    def told() -> tuple[str, str]:
        text = inside("ls", "--dir", str(tmp_path))[1]
        (line,) = json.loads(inside("ls", "--dir", str(tmp_path), "--json")[1])["series"]
        return text, line["engine"]

    assert told()[1] == "sampled"
    record = {
        "pid": FACTS["pid"], "started_at": FACTS["started_at"], "series": str(folder), "engine": "exact",
        "armed_at": 2.0,
    }  # fmt: skip
    hooked = processes.Hooked(FACTS["pid"], str(folder), record)
    monkeypatch.setattr(processes, "hooked", lambda home: [hooked])
    text, engine = told()
    assert engine == "exact"
    assert "exact now, and no snapshot of it yet: the newest is of sampled" in " ".join(
        text.split()
    )
    monkeypatch.undo()
    store(folder / "000003.bin", 30, sequence=3, engine="exact", armed_at=2.0)
    text, engine = told()
    assert engine == "exact"
    assert "sampled" not in text


def test_an_engine_that_does_not_track_is_not_shown() -> None:
    said = {"pid": 7, "started_at": 5.0, "engine": "exact"}
    for armed, shown in ((2.0, {(7, 5.0): "exact"}), (None, {})):
        process: Any = SimpleNamespace(record={**said, "armed_at": armed})
        assert ls._engines([process]) == shown
