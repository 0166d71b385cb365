"""What a process has open, by name."""

from __future__ import annotations

import pytest

from leakhunt.model.resources import Open, Resource
from leakhunt.report.words import resources as words


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (Resource("file", ""), "open files"),
        (Resource("socket", "tcp", 5432), "sockets to :5432 (PostgreSQL)"),
        (Resource("socket", "tcp", 54321), "sockets to :54321"),
        (Resource("socket", "tcp from", 8000), "accepted sockets at :8000"),
        (Resource("socket", "tcp listening", 8000), "listening sockets at :8000"),
        (Resource("socket", "udp", 53), "UDP sockets to :53"),
        (Resource("socket", "udp"), "UDP sockets"),
        (Resource("socket", "unix"), "Unix sockets"),
        (Resource("socket", "netlink"), "other sockets"),
        (Resource("thread", "shop.tasks.poll"), "threads in shop.tasks.poll"),
        (Resource("native thread", ""), "native threads"),
        (Resource("subprocess", "ffmpeg"), "subprocesses ffmpeg"),
        (Resource("of the future", ""), "of the future"),
    ],
)
def test_the_name_of_a_kind(one: Resource, said: str) -> None:
    assert words.name(one) == said


def test_a_rise_has_a_rate_where_there_is_a_unit() -> None:
    sockets = Resource("socket", "tcp", 6379)
    assert (
        words.risen(sockets, 12, 1012, 1.0, "task")
        == "sockets to :6379 (Redis) 12 → 1,012, 1 per task"
    )
    assert words.risen(sockets, 12, 1012, None, None) == "sockets to :6379 (Redis) 12 → 1,012"


def test_only_states_that_are_not_as_they_should_be_are_told() -> None:
    assert words.states(Open(3, (("established", 3),))) == ""
    assert words.states(Open(9, (("close-wait", 5), ("established", 3), ("ended", 1)))) == (
        "5 in close-wait, 1 ended"
    )
