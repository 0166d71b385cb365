"""What a verdict rests on, in lines whose parts do not contradict each other."""

from __future__ import annotations

from dataclasses import replace

from leakhunt.judge.rss import UNKNOWN
from leakhunt.judge.verdict import Course, Verdict, judge
from leakhunt.report.words import supports as words
from tests.support.builders import history
from tests.support.growing import finding, rising

MIB = 1 << 20


def verdict(number: int = 8, **facts: object) -> Verdict:
    made = history(("/srv/shop/tasks.py:40", rising(100_000, number), rising(1, number)), **facts)  # type: ignore[arg-type]
    return judge([made])


def told(of: Verdict, gone: bool = False) -> list[str]:
    return [line for line, _ in words.lines(of, gone)]


def test_first_the_snapshots_then_the_memory() -> None:
    first, memory, *_ = told(verdict())
    assert first == (
        "from 8 snapshots, 700 tasks, 1 min 10 s: celery@web1, child 4242 (prefork), Python 3.11.7"
    )
    assert memory.startswith(
        "RSS 120.1 MiB to 120.8 MiB, +1000 B per task; traced 97.7 KiB to 781.2 KiB"
    )
    assert told(verdict(), gone=True)[0].endswith("; ended after 2027-01-15 08:01:10Z")


def test_one_snapshot_without_births_tells_of_no_span_of_tasks() -> None:
    assert told(verdict(1, tasks=[1200]))[0].startswith("from 1 snapshot after 1,200 tasks: celery")
    assert told(verdict(1, tasks=[1]))[0].startswith("from 1 snapshot after 1 task: celery")


def test_without_the_rss_it_is_said_so() -> None:
    mute = verdict(rss=[0] * 8)
    mute = replace(mute, rss=Course(None, None, None))
    assert told(mute)[1].endswith("; the files do not say the RSS")


def test_a_rate_that_the_ends_contradict_is_not_told() -> None:
    base = verdict()
    honest = replace(base, rss=Course(MIB, 2 * MIB, MIB / 700))
    assert ", +1.5 KiB per task; " in told(honest)[1]
    apart = replace(base, rss=Course(MIB, 2 * MIB, 10 * MIB / 700))
    assert told(apart)[1].startswith("RSS 1.0 MiB to 2.0 MiB; ")


def test_what_the_account_says_below_is_not_said_twice() -> None:
    grows = replace(UNKNOWN, told=True, grows_at_all=True, explained=0.4)
    base = replace(verdict(), outside=grows, findings=())
    assert any("explain 40 %" in line for line, _ in words.lines(base, False))
    assert not any("explain" in line for line, _ in words.lines(base, False, accounted=True))


def test_what_is_explained_is_not_told_beside_leaks_that_are_more() -> None:
    base = verdict()
    grows = replace(UNKNOWN, told=True, grows_at_all=True, explained=0.4)
    leaks = tuple(finding(share=share) for share in (0.3, 0.05))
    assert words.explained(replace(base, outside=grows, findings=leaks)) == 0.4
    more = tuple(finding(share=share) for share in (0.6, 0.3))
    assert words.explained(replace(base, outside=grows, findings=more)) is None
    assert words.explained(replace(base, outside=None)) is None


def test_a_share_is_said_of_what_it_is_of() -> None:
    said = words.figures(replace(verdict(), outside=None), finding(share=0.5))
    assert said.endswith(", 50 % of the growth of traced memory")


def test_what_is_left_out_is_counted() -> None:
    assert words.more(1, verbose=False) == "1 more growth (-v shows all)"
    assert words.more(3, verbose=True) == "3 more growths (-n 0 shows all)"
    assert words.hidden(2) == "dropped by filters: 2 findings"


def test_other_lines_of_a_leak() -> None:
    assert words.with_it(["a.py:1"], 3) == "with it grows a.py:1"
    assert (
        words.with_it(["a.py:1", "b.py:2", "c.py:3"], 2) == "with it grow a.py:1, b.py:2 and 1 more"
    )
