"""What a snapshot says beside its objects; what the kernel does not tell is None, and nothing raises."""

from __future__ import annotations

import os
from typing import Any

import pytest

from leakhunt.hook.process import look as looks
from leakhunt.hook.process import maps, resources, vitals
from leakhunt.hook.process.threads import Thread

KEYS = {"open_files", "sockets", "threads", "rss_peak", "maps", "resources"}


@pytest.mark.skipif(not vitals.LINUX, reason="reads /proc")
def test_of_this_process_the_kernel_tells_all() -> None:
    with open("/dev/null"):
        one = looks.look(os.getpid(), [])
        with open("/dev/null"):
            two = looks.look(os.getpid(), [])
    assert set(one) == KEYS
    assert two["open_files"] == one["open_files"] + 1
    assert one["threads"] >= 1
    assert one["rss_peak"] > 0
    assert one["maps"]
    assert one["resources"]


def test_mappings_are_left_out_where_nobody_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def walked(*_: Any) -> None:
        raise AssertionError("the kernel walks all page tables for them")

    monkeypatch.setattr(maps, "maps", walked)
    assert looks.look(os.getpid(), [], mapped=False)["maps"] is None


@pytest.mark.parametrize("error", [OSError(13, "refused"), ValueError("x"), LookupError("Rss")])
def test_tables_that_cannot_be_read_are_not_told_and_the_rest_is(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_: Any) -> None:
        raise error

    monkeypatch.setattr(resources, "resources", fails)
    told = looks.look(os.getpid(), [])
    assert set(told) == KEYS
    assert told["resources"] is None
    monkeypatch.setattr(maps, "maps", fails)
    assert looks.look(os.getpid(), [])["maps"] is None


def test_stacks_of_threads_are_looked_for_by_their_idents(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(maps, "maps", lambda pid, idents: asked.append((pid, idents)))
    monkeypatch.setattr(resources, "resources", lambda *_: {})
    monkeypatch.setattr(resources, "plain", lambda told: told)
    threads = [Thread("a", 11, 12), Thread("b", None, None)]
    looks.look(7, threads, child=9)
    assert asked == [(7, [11])]
