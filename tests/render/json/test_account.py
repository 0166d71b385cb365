"""``leakhunt account`` as JSON."""

from __future__ import annotations

import json

from leakhunt.render.json.account import account
from leakhunt.report import account as reports
from tests.support.builders import snap

MIB = 1 << 20


def test_one_snapshot_has_no_before() -> None:
    document = json.loads(
        account(reports.account(None, snap("/srv/a.py:1 4MiB x9", rss=100 * MIB)))
    )
    assert document["schema"] == "leakhunt/account@1"
    assert (document["before"], document["tasks"]) == (None, None)
    assert sum(part["size"] for part in document["parts"]) == document["rss"] == 100 * MIB


def test_of_two_the_parts_are_the_growth() -> None:
    before = snap("/srv/a.py:1 4MiB x9", rss=100 * MIB, tasks_done=1, taken_at=1.0)
    after = snap("/srv/a.py:1 9MiB x9", rss=120 * MIB, tasks_done=11)
    document = json.loads(account(reports.account(before, after)))
    assert sum(part["size"] for part in document["parts"]) == document["rss"] == 20 * MIB
    assert document["tasks"] == 10
    assert document["before"]["tasks_done"] == 1
