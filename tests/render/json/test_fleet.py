"""``leakhunt ps -A`` as JSON: processes of all hosts, each with its host."""

from __future__ import annotations

import json

from leakhunt.render.json.fleet import fleet
from leakhunt.report import fleet as reports
from leakhunt.report.fleet import HostReport
from leakhunt.report.ps import PsReport, ps
from tests.support.fleet import MIB, machine, process


def seen(*pids: int) -> PsReport:
    return ps([process(pid) for pid in pids], machine(), {}, ())


def test_every_process_names_its_host() -> None:
    hosts = [
        HostReport("web1", ("a@web1",), seen(11, 12)),
        HostReport("web2", ("a@web2",), seen(11)),
    ]
    document = json.loads(fleet(reports.fleet("proj", hosts, {"b@web1": "no hook"})))
    assert (document["schema"], document["app"]) == ("leakhunt/ps@1", "proj")
    assert [(each["host"], each["pid"]) for each in document["processes"]] == [
        ("web1", 11), ("web1", 12), ("web2", 11),
    ]  # fmt: skip
    assert document["totals"]["rss"] == 180 * MIB
    assert document["limit"] is None  # each host has its own
    assert document["notes"] == ["b@web1: no hook"]
