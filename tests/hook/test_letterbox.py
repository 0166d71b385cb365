"""Records: names, what is believed of them, requests and their order, sweeping."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from leakhunt.hook import letterbox
from leakhunt.hook.letterbox import Record
from leakhunt.hook.process import alive


def facts(**more: Any) -> dict[str, Any]:
    """What this very process would say of itself."""
    return {
        "host": "web1",
        "pid": os.getpid(),
        "ticks": alive.start_ticks(os.getpid()),
        "space": alive.space(),
        "signal": 10,
        "captures": 0,
        "series": "/srv/snapshots/x",
        **more,
    }


def written(record: Record, folder: Path, **more: Any) -> Path:
    record.publish(folder, facts(**more))
    (path,) = (folder / "processes").glob(f"*-{more.get('pid', os.getpid())}-*.json")
    return path


def told(path: Path) -> dict[str, Any] | None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return letterbox.read(descriptor)
    finally:
        os.close(descriptor)


def test_a_record_is_private_and_says_what_was_published(tmp_path: Path) -> None:
    record = Record()
    before = os.umask(0)
    try:
        path = written(record, tmp_path / "a" / "b", node="celery@web1")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert {each.stat().st_mode & 0o777 for each in (tmp_path / "a", tmp_path / "a" / "b")} == {
        0o700
    }
    found = told(path)
    assert found is not None
    assert found["node"] == "celery@web1"
    assert found["pool"] is None
    record.withdraw()
    assert not path.exists()


def test_a_record_is_its_owners_to_read_whatever_the_umask(tmp_path: Path) -> None:
    record = Record()
    before = os.umask(0o777)
    try:
        path = written(record, tmp_path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    record.withdraw()


def test_requests_are_taken_once_in_their_order_and_none_is_lost(tmp_path: Path) -> None:
    record = Record()
    path = written(record, tmp_path)
    taken: list[tuple[str, str]] = []
    for number in range(5000):  # more than the box holds: it is emptied on the way
        with path.open("ab") as box:
            box.write(letterbox.line(f"{number:x}", "dump"))
        if number % 7 == 0:
            taken += record.take_requests()
        if number % 11 == 0:
            record.publish(tmp_path, facts(captures=number))
    taken += record.take_requests()
    assert taken == [(f"{number:x}", "dump") for number in range(5000)]
    assert path.stat().st_size < letterbox.RECORD + 3 * letterbox.REQUESTS
    assert record.take_requests() == []
    record.withdraw()


def test_half_a_line_and_nonsense_are_no_requests(tmp_path: Path) -> None:
    record = Record()
    path = written(record, tmp_path)
    with path.open("ab") as box:
        box.write(b"zz dump\n\x1b]0;x\x07\n12 dump; rm\x00\n12 du")
        box.flush()
        assert record.take_requests() == []
        box.write(b"mp\n" + b"x" * 200_000)
        box.flush()
        assert record.take_requests() == [("12", "dump")]
        box.write(b"\n13 disarm\n")
    found = [request for _ in range(10) for request in record.take_requests()]
    assert found == [("13", "disarm")]
    record.withdraw()


def test_two_namespaces_that_share_a_folder_and_a_host_name(tmp_path: Path) -> None:
    """pid 7 there is not pid 7 here: neither start removes the other's record."""
    mine, theirs, dead = Record(), Record(), Record()
    other = written(theirs, tmp_path, space="0badf00d-f0000001", pid=7, ticks=1)
    gone = written(dead, tmp_path, pid=(1 << 22) + 1, ticks=5)
    path = written(mine, tmp_path)
    assert other.exists()
    assert not gone.exists()  # of this namespace, and there is no such process
    again = Record()
    again.publish(tmp_path, facts(space="0badf00d-f0000002", pid=7, ticks=1))
    assert path.exists()
    assert other.exists()
    for record in (mine, theirs, again):
        record.withdraw()


def test_where_pids_are_counted_is_not_known_those_of_another_host_are_left_alone(
    tmp_path: Path,
) -> None:
    """A folder that hosts share, where nothing tells one's pids from another's."""
    mine, other = (
        tmp_path / letterbox.name(facts(host=host, space="", pid=(1 << 22) + 1, ticks=5))
        for host in ("web1", "web2")
    )
    for path in (mine, other):
        path.write_text("{}")
    letterbox.sweep(tmp_path, "web1", "")
    assert [each.name for each in tmp_path.iterdir()] == [other.name]


def test_sweeping_removes_nothing_that_the_hook_did_not_write(tmp_path: Path) -> None:
    folder = tmp_path / "processes"
    folder.mkdir(mode=0o700)
    target = tmp_path / "mine"
    target.write_text("mine")
    name = letterbox.name(facts(pid=(1 << 22) + 1, ticks=5))
    (folder / name).symlink_to(target)
    (folder / name.replace("web1", "web2")).mkdir()
    (folder / "notes.json").write_text("mine")
    record = Record()
    written(record, tmp_path)
    assert {each.name for each in folder.iterdir()} >= {name, "notes.json"}
    assert target.exists()
    record.withdraw()


@pytest.mark.parametrize("name", ["series", "problem", "note", "node", "answers"])
def test_a_text_of_any_length_leaves_the_process_to_be_found(name: str, tmp_path: Path) -> None:
    record = Record()
    long: Any = "\u4e2d\x01\udc80/" * 20_000
    if name == "answers":
        long = [("a" * 16, "f" * 200, "p" * 500, None)] * 200
    found = told(written(record, tmp_path, **{name: long}))
    assert found is not None
    assert found["pid"] == os.getpid()
    record.withdraw()


FORGED: list[Any] = [
    b"[" * 16384,
    b'{"schema": 2, "x": ' + b"[" * 8000 + b"]" * 8000 + b"}",
    b"\xff\xfe",
    b"null",
    json.dumps({"schema": 2, "pid": "7", "signal": 10, "captures": 0, "series": "x"}).encode(),
    json.dumps({"schema": 2, "pid": True, "signal": 10, "captures": 0, "series": "x"}).encode(),
    json.dumps({"schema": 2, "pid": 7, "signal": 10, "captures": -1, "series": "x"}).encode(),
    json.dumps({"schema": 2, "pid": 7, "signal": 10, "captures": 1 << 80, "series": "x"}).encode(),
    json.dumps({"schema": 2, "pid": 7, "signal": 10, "captures": 0, "series": ["x"]}).encode(),
    b'{"schema": 2, "pid": ' + b"9" * 10_000 + b"}",
]


@pytest.mark.parametrize("content", FORGED, ids=range(len(FORGED)))
def test_what_is_no_record_is_none(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "forged.json"
    path.write_bytes(content)
    assert told(path) is None


def test_values_of_a_wrong_type_count_as_not_said(tmp_path: Path) -> None:
    path = tmp_path / "forged.json"
    wrong = {
        **{key: {"a": [1]} for key in letterbox.FACTS},
        "schema": 2, "pid": 7, "signal": 10, "captures": 0, "series": "x", "armed_at": float("inf"),
        "answers": [None, ["a"], [1, 2, 3, 4], ["a", 2, "p", {}]],
    }  # fmt: skip
    path.write_text(json.dumps(wrong))
    found = told(path)
    assert found is not None
    assert found.pop("answers") == [("a", None, "p", None)]
    assert {key for key, value in found.items() if value is not None} == {
        "pid", "signal", "captures", "series"
    }  # fmt: skip


def test_of_answers_that_are_too_long_the_newest_is_kept(tmp_path: Path) -> None:
    record = Record()
    answers = [(f"{number:016x}", "f" * 200, "p" * 500, None) for number in range(200)]
    found = told(written(record, tmp_path, answers=answers))
    assert found is not None
    assert [identity for identity, *_ in found["answers"]] == [f"{199:016x}"]
    record.withdraw()
