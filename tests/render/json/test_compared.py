"""``leakhunt compare`` as JSON."""

from __future__ import annotations

import json
from typing import Any

from leakhunt.render.json.compared import compare
from leakhunt.report import compared as reports
from tests.support.builders import history
from tests.support.growing import rising

TASKS = "/srv/shop/tasks.py:40"


def document() -> dict[str, Any]:
    leaking = history((TASKS, rising(50_000, 12), rising(100, 12)))
    flat = history((TASKS, [50_000] * 12, [100] * 12))
    found: dict[str, Any] = json.loads(compare(reports.compare(leaking, flat, ("note",))))
    return found


def test_both_sides_and_every_place_are_told() -> None:
    made = document()
    assert (made["schema"], made["change"], made["unit"]) == ("leakhunt/compare@1", "fixed", "task")
    assert made["unit_name"] == "task"
    assert (made["before"]["verdict"], made["after"]["verdict"]) == ("leak", "no-leak")
    (place,) = made["places"]
    assert place["change"] == "fixed"
    assert place["before"]["bytes_per_unit"] == 500
    assert place["after"]["bytes_per_unit"] == 0
    assert (place["before"]["site"]["file"], place["before"]["site"]["line"]) == (
        *tuple(TASKS.split(":")[:1]),
        40,
    )
    assert made["notes"] == ["note"]


def test_json_has_no_infinity() -> None:
    short = history((TASKS, [50_000], [100]))
    text = compare(reports.compare(short, short))
    assert "Infinity" not in text
    assert json.loads(text)["before"]["traced"]["ci95"] == [None, None]
