"""What keeps a place's objects, as a renderer gets it."""

from __future__ import annotations

from dataclasses import replace

from leakhunt.advice.rule import Advice
from leakhunt.model.query import Query
from leakhunt.model.snapshot import Snapshot
from leakhunt.report.trend import Judged
from leakhunt.report.why import of_finding, of_place
from leakhunt.sites.place import show
from tests.support.builders import stack
from tests.support.growing import finding
from tests.support.lives import aged, held

LINE = "/srv/shop/tasks.py:40"


def made(length: int = 100, **facts: object) -> Snapshot:
    return aged((LINE, [1000.0] * 12), retention={LINE: held("list", length, None)}, **facts)  # type: ignore[arg-type]


def test_a_place_is_titled_by_what_was_asked_for() -> None:
    report = of_place(show(made(), "tasks.py:40", Query(limit=0)), made(), [], 0)
    assert report.title == "tasks.py:40"
    assert report.site == stack(LINE)[-1]
    named = of_place(show(made(), "tasks.py", Query(limit=0)), made(), [], 0)
    assert named.title == "tasks.py: tasks.py:40"


def test_what_merely_is_there_gets_no_advice() -> None:
    assert of_place(show(made(), "tasks.py:40", Query(limit=0)), made(), [], 0).advice is None


def test_a_finding_brings_its_own_advice() -> None:
    advice = Advice(
        "unbounded list", "it is never emptied", "bound it", "https://example.org", "looks like it"
    )
    judged = Judged(finding(), advice)
    report = of_finding(2, judged, made(), [], 0)
    assert report.title == "finding 2 of leakhunt trend, leak: tasks.py:40"
    assert report.advice is advice
    assert of_finding(2, replace(judged, advice=None), made(), [], 0).advice is None


def test_ways_beyond_the_limit_are_counted() -> None:
    report = of_place(show(made(), "tasks.py:40", Query(limit=0)), made(), [], 0)
    assert report.more == 0
    assert len(report.answer.ways) == 1
