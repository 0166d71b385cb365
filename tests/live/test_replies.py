"""Replies of workers are believed in nothing: whatever comes, it is values or left out, and files stay inside."""

from __future__ import annotations

import binascii
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt.errors import CaptureError, SettingError
from leakhunt.hook.celery.remote import PIECE
from leakhunt.live import remote, replies
from leakhunt.render.json import fleet as jsonout
from leakhunt.render.screen import Screen
from leakhunt.render.terminal import fleet as terminal
from leakhunt.report.fleet import HostReport, fleet
from leakhunt.report.ps import ps
from tests.support.console import store

SERIES = "celery@web1-4242-20270115T080000Z"
FILE = "000001-20270115T080000Z-dump.bin"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
KEYS = st.sampled_from(
    ["schema", "host", "space", "now", "memory", "cores", "limit", "app", "pool", "concurrency",
     "queues", "max_memory_per_child", "dir", "processes", "left_out", "error"]
)  # fmt: skip
OF_PROCESS = st.sampled_from(
    ["pid", "ticks", "started_at", "role", "state", "parent", "cpu", "threads", "rss", "uss", "pss",
     "hooked", "engine", "signal", "grown", "grown_since", "snapshots", "pulse"]
)  # fmt: skip
PROCESS = st.dictionaries(OF_PROCESS, JSON | st.integers(0, 9)).map(
    lambda told: {"pid": 7, "started_at": 5.0, **told}
)


@given(
    st.dictionaries(KEYS, JSON).flatmap(
        lambda told: st.lists(PROCESS, max_size=3).map(
            lambda processes: {"schema": 1, **told, "processes": processes}
        )
    )
)
def test_any_reply_can_be_shown(told: dict[str, Any]) -> None:
    found = replies.answers({"one@h": told})
    hosts = [HostReport(h.name, h.nodes, ps(h.processes, h.machine)) for h in found.hosts]
    report = fleet("proj", hosts, found.refused)
    for text in (terminal.fleet(report, Screen(80)), jsonout.fleet(report)):
        assert "\x1b" not in text
        assert "\x07" not in text


def told(**facts: Any) -> dict[str, Any]:
    return {
        "schema": 1, "host": "h1", "space": "b-1", "now": 1000.0, "memory": 1 << 30, "cores": 2,
        "processes": [
            {"pid": 10, "parent": 1, "ticks": 5, "started_at": 900.0, "role": "main", "rss": 50, "pss": 20, "uss": 10},
            {"pid": 11, "parent": 10, "ticks": 6, "started_at": 910.0, "role": "child", "rss": 60, "pss": 30,
             "uss": 20, "grown": 8, "grown_since": 940.0, "snapshots": 2,
             "pulse": [7, 1.5, 990.0, 1, "proj.add", 995.0]},
        ],
        **facts,
    }  # fmt: skip


def test_two_workers_of_a_machine_are_one_host_and_equal_pids_of_two_are_two() -> None:
    second = told(processes=[{"pid": 20, "started_at": 900.0, "role": "main", "rss": 1}])
    found = replies.answers(
        {"a@h1": told(), "b@h1": second, "c@h2": told(host="h2"), "d@h1": told(space="c-2")}
    )
    assert [(host.name, host.nodes) for host in found.hosts] == [
        ("h1", ("a@h1", "b@h1")), ("h1", ("d@h1",)), ("h2", ("c@h2",)),
    ]  # fmt: skip
    every = [process for host in found.hosts for process in host.processes]
    assert len({process.identity for process in every}) == len(every) == 7
    child = found.hosts[0].processes[1]
    assert (child.celery and child.celery.node, child.role, child.memory.pss) == (
        "a@h1",
        "child",
        30,
    )
    assert child.pulse is not None
    assert (child.pulse.done, child.pulse.task) == (7, "proj.add")
    assert found.hosts[0].grown[child.identity] == (8, 60.0, 2)


def test_what_is_too_much_for_the_replies_of_several_is_added_up() -> None:
    found = replies.answers({"a@h1": told(left_out=3), "b@h1": told(left_out=4), "c@h2": told()})
    assert found.left_out == 7


def test_a_worker_is_of_the_app_that_it_says_and_of_no_other() -> None:
    found = replies.answers({"a@h1": told(app="shop"), "b@h2": told(host="h2", app=7)})
    apps = [{process.celery and process.celery.app for process in h.processes} for h in found.hosts]
    assert apps == [{"shop"}, {None}], "whoever shares the broker answers, whichever app asks"


def test_who_refuses_and_who_speaks_another_version_is_told() -> None:
    found = replies.answers({"a@h": {"error": "no hook"}, "b@h": {"schema": 99}, "c@h": told()})
    assert found.refused == {
        "a@h": "no hook",
        "b@h": "its leakhunt speaks another version than this one",
    }
    assert len(found.hosts) == 1


@pytest.mark.parametrize(
    "answer",
    [
        {"series": "../../etc", "file": FILE, "size": 1},
        {"series": SERIES, "file": "../../x.bin", "size": 1},
        {"series": SERIES, "file": "/etc/passwd", "size": 1},
        {"series": f"../{SERIES}", "file": FILE, "size": 1},
        {"series": f".{SERIES}", "file": FILE, "size": 1},
        {"series": "", "file": FILE, "size": 1},
        {"series": SERIES, "file": FILE, "size": -1},
        {"series": SERIES, "file": FILE, "size": "1"},
        {"series": SERIES, "file": 7, "size": 1},
        {"series": SERIES, "file": "evil\n.bin", "size": 1},
        {},
    ],
)
def test_a_name_that_is_none_of_leakhunts_is_no_snapshot(answer: dict[str, Any]) -> None:
    asked = replies.Asked("a@h", "h", "b-1", "/d", 7, "r")
    assert isinstance(replies.outcome(asked, answer), CaptureError)


class Liar(remote.Fleet):
    """A fleet of one worker that sends what the test says."""

    def __init__(self, *replies: Any) -> None:
        super().__init__(None, "proj", None, [], 1)
        self.replies = list(replies)

    def _one(self, node: str, command: str, **arguments: Any) -> dict[str, Any]:
        found = self.replies.pop(0) if self.replies else {}
        return found(arguments["at"]) if callable(found) else found


def piece(content: bytes, at: int = 0) -> dict[str, Any]:
    return {"schema": 1, "at": at, "content": binascii.b2a_base64(content).decode()}


def written(size: int) -> replies.Written:
    return replies.Written(replies.Asked("a@h", "h", "b-1", "/d", 7, "r"), SERIES, FILE, size)


def test_a_snapshot_in_pieces(tmp_path: Path) -> None:
    whole = store(tmp_path / "there.bin", 7).read_bytes()
    half = len(whole) // 2
    fleet = Liar(piece(whole[:half]), piece(whole[half:], half))
    path = fleet.collect(written(len(whole)), tmp_path / "into", 1 << 20)
    assert path == tmp_path / "into" / SERIES / FILE
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("replies", "said"),
    [
        ([], "no reply"),
        ([{"error": "gone"}], "gone"),
        ([piece(b"x" * 101)], "a reply is wrong"),
        ([piece(b"")], "a reply is wrong"),
        ([piece(b"x" * 50, at=7)], "a reply is wrong"),
        ([piece(b"x" * 50), piece(b"x" * 51, at=50)], "a reply is wrong"),
        ([{"schema": 1, "at": 0, "content": "?" * 8}], "a reply is wrong"),
        ([{"schema": 1, "at": 0, "content": ["x"]}], "a reply is wrong"),
        ([piece(b"cos\nsystem\n(S'x'\ntR.".ljust(100))], "is no snapshot"),
    ],
)
def test_what_is_no_snapshot_leaves_nothing(replies: list[Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=said):
        Liar(*replies).collect(written(100), tmp_path / "into", 1000)
    assert [path for path in (tmp_path / "into").rglob("*") if path.is_file()] == []


def test_a_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside, into = tmp_path / "outside", tmp_path / "into"
    outside.mkdir()
    into.mkdir(mode=0o700)
    (into / SERIES).symlink_to(outside)
    with pytest.raises(SettingError, match="link"):
        Liar(piece(b"x" * 100)).collect(written(100), into, 1000)
    (into / SERIES).unlink()
    (into / SERIES).mkdir(mode=0o700)
    (into / SERIES / FILE).symlink_to(outside / "planted")
    with pytest.raises(CaptureError, match="there already"):
        Liar(piece(b"x" * 100)).collect(written(100), into, 1000)
    assert list(outside.iterdir()) == []


def test_a_piece_is_no_more_than_the_worker_sends(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="a reply is wrong"):
        Liar(piece(b"x" * (PIECE + 1))).collect(written(1 << 20), tmp_path / "into", 1 << 20)


def test_the_page_ends_where_it_ends() -> None:
    def page(**told: Any) -> str:
        found = replies.answers(told)
        hosts = [HostReport(h.name, h.nodes, ps(h.processes, h.machine)) for h in found.hosts]
        return terminal.fleet(fleet("proj", hosts, found.refused), Screen(100))

    one = page(a=told())
    assert one.startswith("h1: 1 worker\n")
    assert not one.endswith("\n\n")
    two = page(a=told(), b=told(host="h2"), c={"error": "no hook"})
    assert "\n\nh2: 1 worker\n" in two
    assert "2 workers on 2 hosts: PSS 100 B, RSS 220 B" in two
    assert two.endswith("note: c: no hook\n")
    assert "no worker of proj has answered" in " ".join(page().split())
