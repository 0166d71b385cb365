"""The sentence above a report, from a verdict that is made up: one clause for each thing that is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from leakhunt.judge import codes
from leakhunt.judge.allocators import FRAGMENTATION, NATIVE
from leakhunt.judge.codes import because
from leakhunt.judge.finding import Since
from leakhunt.judge.resources import Change, Rising
from leakhunt.judge.rss import UNKNOWN
from leakhunt.judge.series.shape import LEAK, NOISE, SAWTOOTH
from leakhunt.judge.verdict import INCONCLUSIVE, NO_LEAK, UNEXPLAINED, Finding, Verdict, judge
from leakhunt.model.resources import Open, Resource
from leakhunt.report.labels import Labels
from leakhunt.report.words import verdicts as words
from tests.support.builders import history
from tests.support.growing import finding, rising

MIB = 1 << 20
MADE = history(("/srv/shop/tasks.py:40", rising(1000), rising(1)))


def verdict(word: str, *findings: Finding, **changed: Any) -> Verdict:
    return replace(judge([MADE]), verdict=word, findings=findings, outside=None, **changed)


def said(
    of: Verdict,
    *leaks: Finding,
    ended: bool = False,
    rising: tuple[Rising, ...] = (),
    unsure: tuple[Change, ...] = (),
) -> str:
    return words.summary(of, leaks, Labels(MADE), ended, rising, unsure)


def test_a_leak_says_how_fast_and_where() -> None:
    leak = finding()
    assert said(verdict(LEAK, leak), leak) == "Leak: +10 B per task at tasks.py:40."


@pytest.mark.parametrize(
    ("changed", "clause"),
    [
        ({"since": Since(1200, None)}, ", since task 1,200"),
        ({"since": Since(0, None)}, ""),
        ({"task": "shop.take", "task_runs": 0.5}, ", in shop.take"),
        ({"share": 0.5}, ", 50 % of the growth of traced memory"),
        ({"share": 0.001}, ""),
        ({"role": "main"}, ", in the main process"),
    ],
)
def test_a_leak_has_a_clause_for_what_is_known_besides(
    changed: dict[str, Any], clause: str
) -> None:
    leak = finding(**changed)
    assert said(verdict(LEAK, leak), leak) == f"Leak: +10 B per task at tasks.py:40{clause}."


def test_of_several_the_fastest_is_named() -> None:
    leaks = (finding(), finding(rate=5.0))
    assert ", the fastest of 2." in said(verdict(LEAK, *leaks), *leaks)


def test_of_several_limits_the_least_is_reached_first() -> None:
    """The child is replaced at its own limit long before the container is full."""
    limits = {"cgroup": 4096 * MIB, "max_memory_per_child": 200 * MIB}
    last = replace(MADE.last, facts={**MADE.last.facts, "limits": limits}, rss=120 * MIB)
    known = replace(MADE, metas=(*MADE.metas[:-1], last))
    leak = replace(finding(rate=float(MIB)), history=known)
    assert " At this rate the child reaches its 200.0 MiB limit in 80 tasks" in said(
        verdict(LEAK, leak), leak
    )


def test_a_limit_is_reached_at_the_faster_of_two_rates() -> None:
    """More grows than the leak, or the leak grows where other memory shrinks."""
    last = replace(MADE.last, facts={**MADE.last.facts, "limits": {"cgroup": 200 * MIB}}, rss=120 * MIB)  # fmt: skip
    known = replace(MADE, metas=(*MADE.metas[:-1], last))
    leak = replace(finding(rate=float(MIB)), history=known)
    for rss_rate, tasks in ((2.0 * MIB, 40), (0.5 * MIB, 80)):
        grows = replace(UNKNOWN, told=True, grows_at_all=True, keeps=True, rss_rate=rss_rate)
        of = replace(verdict(LEAK, leak), outside=grows, main=known)
        assert f"memory limit in {tasks} tasks" in said(of, leak)


def test_outside_python_the_kind_is_told_where_it_is_known() -> None:
    for kind, text in ((NATIVE, "native memory, held by"), (FRAGMENTATION, "cannot be returned"),
                       (None, "do not tell which")):  # fmt: skip
        outside = replace(UNKNOWN, told=True, grows=True, rss_rate=2048.0, explained=0.1, kind=kind)
        text_of = said(replace(verdict(UNEXPLAINED), outside=outside))
        assert text_of.startswith(
            "Unexplained: RSS grows by 2.0 KiB per task, and Python objects explain 10 % of it: "
        )
        assert text in text_of
    stays = replace(UNKNOWN, told=True, held=30 * MIB)
    assert "RSS stays 30.0 MiB above" in said(replace(verdict(UNEXPLAINED), outside=stays))


def test_inconclusive_says_what_is_missing_unless_the_process_is_gone() -> None:
    open_one = finding(verdict=NOISE, is_open=True)
    text = said(verdict(INCONCLUSIVE, open_one, more=3))
    assert text.startswith(
        "Inconclusive: 8 snapshots over 700 tasks do not tell a leak from a warm-up; tasks.py:40 has grown by 6.8 KiB, and may go on"
    )
    shrunk = replace(open_one, sizes=(900.0, 200.0))
    assert "tell a leak from a warm-up. Take" in said(verdict(INCONCLUSIVE, shrunk, more=3))
    assert ". Take 3 more, with tasks in between." in text
    gone = said(verdict(INCONCLUSIVE, open_one, more=3), ended=True)
    assert gone.endswith(". The process has ended: look at the one that took its place.")
    assert "Take" not in gone


def test_of_an_engine_that_is_off_it_is_said_how_to_switch_it_on() -> None:
    line = ("/srv/shop/tasks.py:40", [0] * 9, [0] * 9)
    off = judge([history(line, engine="off", pid=4242)])
    why = "Inconclusive: the engine is off, so that nothing tells what Python allocates: "
    assert said(off) == why + "`leakhunt arm 4242 --engine sampled` switches it on."
    assert said(off, ended=True) == why + "start it with LEAKHUNT_ENGINE=sampled."


def test_no_leak_names_what_grew_most_or_varies() -> None:
    assert (
        said(verdict(NO_LEAK)) == "No leak: nothing grows for good over 8 snapshots and 700 tasks."
    )
    saw = finding(verdict=SAWTOOTH)
    assert said(verdict(NO_LEAK, saw)).endswith(" The largest growth is a sawtooth at tasks.py:40.")
    noise = finding(verdict=NOISE, reason=because(codes.NO_DIRECTION))
    assert said(verdict(NO_LEAK, noise)).endswith(" tasks.py:40 varies most, in no direction.")


def test_what_opens_ever_more_is_no_leak_in_memory() -> None:
    change = Change(Resource("socket", "tcp", 5432), 12, Open(1012))
    sockets = Rising(change, (12, 1012), 1.0, "task", 0.0)
    assert said(verdict(NO_LEAK), rising=(sockets,)) == (
        "No leak in memory: no object grows for good over 8 snapshots and 700 tasks. It opens ever more: sockets "
        "to :5432 (PostgreSQL) 12 → 1,012, 1 per task."
    )
    both = said(verdict(LEAK, finding()), finding(), rising=(sockets, sockets))
    assert both.startswith("Leak: +10 B per task at tasks.py:40. It opens ever more: ")
    assert both.endswith(", 1 per task, and 1 more kind.")


def test_the_word_before_the_colon() -> None:
    assert words.head(said(verdict(LEAK, finding()), finding())) == "Leak"
    assert words.head(said(verdict(NO_LEAK))) == "No leak"
    more = Change(Resource("pipe", "", 0), 10, Open(80))
    assert words.head(said(verdict(NO_LEAK), unsure=(more,))) == "No leak in memory"


def test_what_may_go_on_is_told_as_that() -> None:
    more = Change(Resource("pipe", "", 0), 10, Open(80))
    told = said(verdict(LEAK, finding()), finding(), unsure=(more, more))
    assert told == (
        "Leak: +10 B per task at tasks.py:40. More are open than at first: pipes 10 → 80, and 1 more kind; "
        "more snapshots would tell whether that goes on."
    )


@pytest.mark.parametrize(
    ("explained", "part"), [(0.0, "none"), (0.0001, "none"), (0.1, "10 %"), (1.2, "100 %")]
)
def test_what_python_explains_of_the_growth(explained: float, part: str) -> None:
    outside = replace(UNKNOWN, told=True, grows=True, rss_rate=2048.0, explained=explained)
    text = said(replace(verdict(UNEXPLAINED), outside=outside))
    assert f"Python objects explain {part} of it" in text
