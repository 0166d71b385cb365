"""``leakhunt why`` as JSON: every way, and the same advice as everywhere."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from leakhunt.advice.rule import Advice
from leakhunt.model.query import Query
from leakhunt.render.json.why import why
from leakhunt.report.trend import Judged
from leakhunt.report.why import of_finding, of_place
from leakhunt.sites.place import show
from tests.support.growing import finding
from tests.support.lives import aged, held

LINE = "/srv/shop/tasks.py:40"
SNAPSHOT = aged((LINE, [1000.0] * 12), retention={LINE: held("list", 100, None)})


def document() -> dict[str, Any]:
    shown = show(SNAPSHOT, "tasks.py:40", Query(limit=0))
    found: dict[str, Any] = json.loads(why(of_place(shown, SNAPSHOT, [], 1)))
    return found


def test_a_way_is_told_step_by_step() -> None:
    made = document()
    assert {
        "schema",
        "snapshot",
        "site",
        "objects",
        "size",
        "tied",
        "whole",
        "paths",
        "advice",
    } <= set(made)
    (way,) = made["paths"]
    assert [(step["kind"], step["name"], step["type"], step["length"]) for step in way["path"]] == [
        ("module", "shop.tasks", "module", None), ("attribute", "KEPT", "list", 100),
    ]  # fmt: skip
    assert (way["size"], way["grew"]) == (10_000, None)


def test_advice_says_what_it_rests_on() -> None:
    advice = Advice(
        "unbounded list", "it is never emptied", "bound it", "https://example.org", "looks like it"
    )
    made = json.loads(why(of_finding(1, Judged(finding(), advice), SNAPSHOT, [], 0)))
    assert made["advice"]["because"] == "looks like it"
    assert document()["advice"] is None


def test_what_a_container_gained_is_told() -> None:
    shown = show(SNAPSHOT, "tasks.py:40", Query(limit=0))
    report = of_place(shown, SNAPSHOT, [], 1)
    assert report.answer is not None
    (way,) = report.answer.ways
    grown = replace(report, answer=replace(report.answer, ways=(replace(way, grew=(40, 100)),)))
    assert json.loads(why(grown))["paths"][0]["grew"] == 60
