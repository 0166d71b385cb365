"""Looks at workers of other hosts: those that fall silent, that never answer, and whose figures are older."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from leakhunt.cli.watching.looks import PATIENCE, afar
from leakhunt.live.replies import Answers, Host
from leakhunt.model.process import Celery, Memory, Process
from tests.support.fleet import MIB, machine, process


def of(node: str, pid: int) -> Process:
    return process(pid, "main", celery=Celery("worker", node))


def asked(look: Callable[[], Answers], *destination: str) -> Any:
    """A fleet of which these nodes are asked."""
    return SimpleNamespace(
        name="shop", look=look, silent=lambda seen: sorted({*destination} - {*seen})
    )


def test_a_worker_that_falls_silent_stays_for_some_looks_without_new_samples() -> None:
    def host(*nodes: str) -> Answers:
        return Answers((Host("h", machine(), nodes, tuple(of(n, ord(n[0])) for n in nodes), {}),))

    answers = [host("a", "b"), *[host("a")] * (PATIENCE + 1), host("a", "b")]
    fleet = asked(lambda: answers.pop(0))
    look = afar(fleet, ())
    first = look()
    assert len(first.processes) == 2
    assert first.old == frozenset()
    for missed in range(1, PATIENCE + 1):
        seen = look()
        assert seen.old == {of("b", ord("b")).identity}
        assert len(seen.processes) == 2
        times = "look" if missed == 1 else "looks"
        assert seen.notes == (
            f"b has not answered the last {missed} {times}: its figures are older",
        )
    assert [p.celery.node for p in look().processes if p.celery] == ["a"]
    again = look()
    assert len(again.processes) == 2
    assert again.notes == ()


def test_the_memory_of_several_hosts_is_no_one_limit() -> None:
    hosts = tuple(Host(n, machine(), (n,), (of(n, 7),), {}) for n in ("a", "b"))
    fleet = asked(lambda: Answers(hosts, {"c": "no hook"}))
    seen = afar(fleet, ())()
    assert seen.machine.total is None
    assert seen.machine.cores == 8
    assert seen.notes == ("c: no hook",)


def test_nodes_that_never_answer_are_told_and_that_nobody_does() -> None:
    fleet = asked(lambda: Answers((), {"c": "no hook"}), "a", "c")
    assert afar(fleet, ())().notes == ("c: no hook", "a has not answered")
    nobody = afar(asked(lambda: Answers(())), ())()
    (note,) = nobody.notes
    assert nobody.processes == []
    assert note.startswith("no worker of shop has answered")


def test_processes_whose_pss_did_not_come_with_a_reply_are_told() -> None:
    light = (of("a", 7), replace(of("a", 8), memory=Memory(rss=MIB)))
    fleet = asked(lambda: Answers((Host("a", machine(), ("a",), light, {}),)))
    (note,) = afar(fleet, ())().notes
    assert note.startswith("USS and PSS of 1 process were not read")
