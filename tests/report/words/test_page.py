"""What the page says to somebody who was not there."""

from __future__ import annotations

from dataclasses import replace

from leakhunt import units
from leakhunt.judge.births.life import lived
from leakhunt.judge.verdict import judge
from leakhunt.report.words import page as words
from leakhunt.sites.flame import Flame, Node, Weight
from tests.support.builders import history
from tests.support.growing import finding, rising
from tests.support.lives import aged

LINE = "/srv/shop/tasks.py:40"


def made(number: int = 8, **facts: object) -> object:
    return history((LINE, rising(1000, number), rising(1, number)), **facts)  # type: ignore[arg-type]


def test_which_process_how_many_snapshots_over_how_long() -> None:
    verdict = judge([made()])  # type: ignore[list-item]
    said = words.where(verdict, ended=False)
    assert said == (
        "celery@web1, child 4242 (prefork), Python 3.11.7: 8 snapshots over 700 tasks, 1 min 10 s, the newest "
        "of 2027-01-15 08:01:10Z."
    )
    assert words.where(verdict, ended=True) == f"{said} It has ended since."


def test_of_several_processes_the_figures_are_of_one() -> None:
    verdict = judge([made(pid=1), made(pid=2)])  # type: ignore[list-item]
    said = words.where(verdict, ended=True)
    assert said.startswith("2 processes; the figures are of celery@web1, child ")
    assert said.endswith("All of them have ended since.")


def test_a_rate_is_reckoned_for_a_day_where_the_pace_was_seen() -> None:
    """700 tasks in 70 s are 864,000 a day, at 10 bytes each."""
    assert words.per_day(finding()) == ("8.2 MiB a day, at the pace seen: 860,000 tasks a day.")
    several = finding()
    several = replace(several, parts=several.parts * 2)
    assert words.per_day(several) == (
        "8.2 MiB a day for each process, at the pace seen: 860,000 tasks a day."
    )
    short = history((LINE, rising(1000, 1), rising(1, 1)))
    assert words.per_day(finding(history=short)) is None


def test_one_snapshot_tells_the_pace_by_its_calendar() -> None:
    """Eight periods of a minute."""
    look = aged((LINE, [1000.0] * 8))
    once = lived(look)
    assert once is not None
    pace = once.spent / (8 * 60) * 86400
    said = words.per_day(finding(history=once))
    assert said is not None
    assert said.endswith(f"{units.forecast(pace, 'task')} a day.")
    assert look.calendar is not None
    clockless = replace(look, calendar=replace(look.calendar, moments=(None,) * 9))
    assert words.per_day(finding(history=replace(once, newest=clockless))) is None


def test_sentences_have_a_capital_and_one_full_stop() -> None:
    assert words.sentence("it grows") == "It grows."
    assert words.sentence("it grows.") == "It grows."


def test_tables_and_stacks_say_what_they_show() -> None:
    assert words.stack(1) == "The stack, most recent call last"
    assert words.stack(1200) == "The heaviest of 1,200 stacks, most recent call last"
    assert words.table("child 7", True) == (
        "What grew in child 7, first snapshot to newest, by the line that allocated it."
    )
    assert words.table("child 7", False).startswith("What is alive in child 7, ")
    assert words.spread(8, 8, "child 7") == "Snapshots of child 7"
    assert words.spread(50, 1200, "child 7") == "Snapshots of child 7; 50 of 1,200, evenly spread"


def test_what_is_hidden_or_drawn_together_is_told_only_where_there_is_some() -> None:
    assert words.hidden(0) == ""
    assert words.hidden(2048).startswith("2.0 KiB of tracing and import machinery")
    weight = Weight(10, 0, 0)
    whole = Node(-1, None, 0, (weight,))
    assert words.cut(Flame((whole,), (weight,))) == ""
    for number, text in (
        (1, "1 of the smallest stack is drawn"),
        (7, "7 of the smallest stacks are drawn"),
    ):
        assert words.cut(Flame((whole, Node(0, None, number, (weight,))), (weight,))).startswith(
            text
        )


def test_how_sizes_were_measured() -> None:
    assert words.sampled(made(engine="exact")).startswith("Sizes are exact")  # type: ignore[arg-type]
    assert "no traces" in words.sampled(made(engine="off"))  # type: ignore[arg-type]
    estimated = words.sampled(made(engine="sampled", interval=65536))  # type: ignore[arg-type]
    assert "one in about 64.0 KiB" in estimated
    assert words.depth(made(nframe=1)) == "Stacks are recorded 1 frame deep at most."  # type: ignore[arg-type]


def test_the_page_says_by_what_and_when_it_was_made() -> None:
    assert words.made("9.9", 1_800_000_000.0) == (
        "Made by leakhunt 9.9 at 2027-01-15 08:00:00Z. Sizes are binary: 1 KiB = 1,024 B."
    )
