"""What a worker answers from afar: never an error into its consumer, and no file but its own snapshots."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from leakhunt.hook import letterbox
from leakhunt.hook.celery import remote
from leakhunt.hook.hook import Hook
from tests.hook.conftest import Hooking

SERIES = "celery@web1-4242-20270115T080000Z"
FILE = "000001-20270115T080000Z-signal.bin"
STATE = SimpleNamespace(consumer=SimpleNamespace(controller=SimpleNamespace(pool=None)))


@pytest.fixture
def hook(hooking: Hooking, monkeypatch: pytest.MonkeyPatch) -> Hook:
    """The hook of a worker that is this process, with one snapshot."""
    made = hooking()
    monkeypatch.setattr(remote, "session", SimpleNamespace(hook=made))
    folder = Path(made.settings.dir) / SERIES
    folder.mkdir(parents=True, mode=0o700)
    (folder / FILE).write_bytes(b"0123456789")
    return made


def test_a_piece_is_so_many_bytes_from_an_offset_on(hook: Hook) -> None:
    told = remote.piece(STATE, series=SERIES, file=FILE, at=4)
    assert (told["at"], told["size"]) == (4, 10)
    assert base64.b64decode(told["content"]) == b"456789"
    assert remote.piece(STATE, series=SERIES, file=FILE, at=10)["content"] == ""


@pytest.mark.parametrize(
    ("series", "file"),
    [
        ("../x", FILE),
        (SERIES, "../processes/x.json"),
        (SERIES, "x.bin"),
        ("", ""),
        (f"../{SERIES}", FILE),
    ],
)
def test_what_is_no_name_of_a_snapshot_is_refused(series: str, file: str, hook: Hook) -> None:
    assert remote.piece(STATE, series=series, file=file) == {
        "error": "that is no name of a snapshot"
    }


def test_a_link_and_a_file_that_is_gone_are_refused(hook: Hook, tmp_path: Path) -> None:
    folder = Path(hook.settings.dir) / SERIES
    (tmp_path / "secret").write_text("hunter2")
    link = FILE.replace("000001", "000002")
    (folder / link).symlink_to(tmp_path / "secret")
    for name in (link, FILE.replace("000001", "000003")):
        told = remote.piece(STATE, series=SERIES, file=name)
        assert set(told) == {"error"}
        assert told["error"].startswith(f"{SERIES}/{name}: ")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_what_another_user_has_put_there_is_neither_sent_nor_believed(hook: Hook) -> None:
    snapshot = Path(hook.settings.dir) / SERIES / FILE
    assert "content" in remote.piece(STATE, series=SERIES, file=FILE)
    os.chown(snapshot, 12345, 12345)
    told = remote.piece(STATE, series=SERIES, file=FILE)
    assert told == {"error": "that is no snapshot of this worker's user"}
    record = Path(remote._record_path(hook, os.getpid()))
    record.parent.mkdir(mode=0o700, exist_ok=True)
    facts = {"pid": os.getpid(), "signal": 10, "captures": 0, "series": "/s"}
    record.write_bytes(letterbox.packed(facts))
    assert remote._record(hook, os.getpid()) is not None
    os.chown(record, 12345, 12345)
    assert remote._record(hook, os.getpid()) is None
    with pytest.raises(remote.RefusedError, match="it has no hook"):
        remote._ask(hook, os.getpid(), "dump")
    assert record.read_bytes() == letterbox.packed(facts), "nothing is asked there"


def test_a_large_file_is_not_sent(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "LARGEST", 9)
    assert "no more than 9 are sent" in remote.piece(STATE, series=SERIES, file=FILE)["error"]


@pytest.mark.parametrize("allowed", ["off", "look"])
def test_a_worker_may_refuse(
    allowed: str, hooking: Hooking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "session", SimpleNamespace(hook=hooking(remote=allowed)))
    refused = {"error": f"LEAKHUNT_REMOTE={allowed} does not allow that here"}
    assert remote.piece(STATE, series=SERIES, file=FILE) == refused
    assert remote.dump(STATE) == refused
    assert remote.dumped(STATE, requests=[(1, "a")]) == refused
    if allowed == "off":
        assert remote.figures(STATE) == refused


def test_without_the_hook_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "session", SimpleNamespace(hook=None))
    assert remote.figures(STATE) == {"error": "this worker runs without leakhunt's hook"}


def test_what_goes_wrong_is_the_answer_and_bounded(hook: Hook) -> None:
    told = remote.dumped(STATE, requests=[("x" * 5000, "a")])
    assert told["error"].startswith("ValueError: ")
    assert len(told["error"]) <= 500


def test_only_processes_of_this_worker_are_asked(hook: Hook) -> None:
    told = remote.dump(STATE, pids=[1])
    assert (told["asked"], told["problems"]) == ([], ["process 1 is none of this worker's"])
    assert remote.dumped(STATE, requests=[(1, "a")])["answers"] == [
        {"pid": 1, "request": "a", "gone": True}
    ]


def test_pool_children_are_the_pools_own() -> None:
    crew = [SimpleNamespace(pid=7), SimpleNamespace(pid=None), SimpleNamespace()]
    pool: Any = SimpleNamespace(_pool=SimpleNamespace(_pool=crew))
    assert remote.pool_children(SimpleNamespace(pool=pool)) == [7]
    assert remote.pool_children(SimpleNamespace()) == []
    assert os.getpid() not in remote.pool_children(SimpleNamespace(pool=pool))


def test_growth_is_what_there_is_less_what_there_was_at_first(hook: Hook) -> None:
    hook.answers.first = 5.0, 1 << 20
    hook.presence.publish()
    told = remote._process(hook, hook.pid, 0.0)
    assert told["grown_since"] == 5.0
    assert told["grown"] == told["rss"] - (1 << 20) > 0
