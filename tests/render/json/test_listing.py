"""``leakhunt ls`` as JSON."""

from __future__ import annotations

import json

from leakhunt.render.json.listing import listing
from leakhunt.report import listing as reports
from leakhunt.report.listing import Waiting
from tests.support.growing import hourly

MIB = 1 << 20


def test_series_and_waiting_processes_are_told() -> None:
    slow, fast = hourly(10 * MIB, 11 * MIB), hourly(10 * MIB, 46 * MIB, alive=True)
    waiting = Waiting(7, "w@h", "child", None, "SIGUSR1", None)
    document = json.loads(listing(reports.listing("/snaps", (slow, fast), (waiting,), ("note",))))
    assert (document["schema"], document["dir"]) == ("leakhunt/ls@1", "/snaps")
    assert [each["fastest"] for each in document["series"]] == [False, True]
    assert document["series"][1]["growth"] == 36 * MIB
    assert document["series"][1]["growth_per_second"] == 36 * MIB / 3600
    assert [len(each["snapshots"]) for each in document["series"]] == [2, 2]
    assert document["hooked"] == [
        {"pid": 7, "node": "w@h", "role": "child", "armed_at": None, "signal": "SIGUSR1"}
    ]
