"""A trend as JSON: what the contract names, by the names that it has."""

from __future__ import annotations

import json
from typing import Any

from leakhunt.judge.finding import Since
from leakhunt.judge.history import History
from leakhunt.render.json.trend import finding_of, trend
from leakhunt.report import trend as reports
from leakhunt.report.labels import Labels
from leakhunt.report.trend import Judged
from tests.support.builders import history
from tests.support.growing import finding, rising
from tests.support.lives import held

TASKS = "/srv/shop/tasks.py:40"


def leaking() -> History:
    frames = {"/srv/shop/tasks.py": {40: ("take", "ORDERS.append(order)")}}
    return history((TASKS, rising(50_000), rising(100)), frames=frames)


def document(**options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(trend(reports.trend([leaking()], **options)))
    return found


def test_it_has_what_the_contract_names() -> None:
    made = document()
    assert {
        "schema",
        "series",
        "unit",
        "verdict",
        "summary",
        "rss",
        "traced",
        "explained",
        "findings",
    } <= set(made)
    assert (made["schema"], made["unit"], made["verdict"]) == ("leakhunt/trend@1", "task", "leak")
    assert set(made["traced"]) == {"first", "last", "per_unit"}
    assert document(command="verdict")["schema"] == "leakhunt/verdict@1"


def test_a_finding_has_what_the_contract_names() -> None:
    (one,) = document()["findings"]
    assert {
        "rank", "verdict", "site", "stack", "sites", "size_first", "size_last", "bytes_per_unit", "ci95",
        "blocks_per_unit", "share", "series", "task", "advice", "since", "bytes_per_run", "born", "holder",
    } <= set(one)  # fmt: skip
    assert one["series"] == rising(50_000)
    assert (one["size_first"], one["size_last"]) == (50_000, 400_000)
    assert one["bytes_per_unit"] == 500
    assert set(one["advice"]) == {"pattern", "why", "fix", "source", "because"}


def test_snapshots_are_told_in_their_order() -> None:
    assert [each["tasks_done"] for each in document()["series"]] == [100 * n for n in range(1, 9)]


def test_each_snapshot_has_the_path_of_its_file() -> None:
    assert [each["path"] for each in document()["series"]] == [f"{n}.bin" for n in range(8)]


def test_what_is_not_shown_is_not_in_it() -> None:
    assert document(excludes=["tasks"])["findings"] == []


def of(**changed: Any) -> dict[str, Any]:
    return finding_of(Labels(leaking()), 1, Judged(finding(**changed), None))


def test_what_is_not_known_of_a_finding_is_null() -> None:
    plain = of()
    assert (plain["bytes_per_unit"], plain["ci95"], plain["blocks_per_unit"]) == (10, [9, 11], 0.01)
    assert (plain["advice"], plain["holder"], plain["since"], plain["born"]) == (None,) * 4
    assert "stderr" not in plain


def test_what_is_known_of_a_finding_is_told_whole() -> None:
    one = of(
        holder=held("list", 100, None),
        holder_grew=7,
        since=Since(12, None),
        born=((0.0, 9.6), (5.0,)),
    )
    assert one["holder"]["path"] == ["module shop.tasks", "KEPT: list[100]"]
    assert (one["holder"]["length"], one["holder"]["grew"]) == (100, 7)
    assert one["since"] == {"unit": 12, "time": None}
    assert one["born"] == {"edges": [0, 10], "bytes": [5.0]}
    assert one["because"] == {"code": "from-the-first"}
