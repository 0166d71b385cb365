"""``leakhunt watch`` as JSON: the processes as ``ps`` has them, and what watching adds."""

from __future__ import annotations

import json

from leakhunt.model.process import Memory
from leakhunt.render.json.ps import process as row_of
from leakhunt.render.json.watch import watch
from leakhunt.report.ps import Row
from leakhunt.report.watch import Limits, Sample, line
from leakhunt.report.watch import watch as report
from tests.support.fleet import MIB, NOW, machine, process

#: Not quite a line: the rate has an interval.
GROWN = [Sample(NOW + 10 * n, Memory(rss=(50 + n) * MIB + n % 3 * 900_000), n) for n in range(30)]


def test_growth_has_an_interval_and_the_limit_a_time() -> None:
    made = line(process(11), GROWN, Limits(limit=200 * MIB))
    document = json.loads(watch(report(machine(), NOW - 60, [made], 2, True)))
    (row,) = document["processes"]
    low, high = row["per_minute"]["ci95"]
    assert low < row["per_minute"]["value"] < high
    soonest, latest = row["lasts"]["ci95"]
    assert soonest < row["lasts"]["seconds"] < latest
    assert (row["samples"], row["threshold"]) == (30, 200 * MIB)
    assert (document["schema"], document["ended"]) == ("leakhunt/watch@1", 2)


def test_a_process_is_told_as_ps_tells_it() -> None:
    made = line(process(11), GROWN[:2], Limits())
    (row,) = json.loads(watch(report(machine(), NOW, [made], 0, False)))["processes"]
    plain = row_of(Row(made.process, 0, None, (), 0))
    assert {key: row[key] for key in plain} == plain
    assert (row["per_minute"], row["lasts"]) == (None, None)
