"""Workers of an app for the eye, host by host."""

from __future__ import annotations

from leakhunt.render.screen import Screen
from leakhunt.render.terminal.fleet import fleet
from leakhunt.report import fleet as reports
from leakhunt.report.fleet import HostReport
from leakhunt.report.ps import PsReport, ps
from tests.support.fleet import machine, process


def seen(*pids: int) -> PsReport:
    return ps([process(pid) for pid in pids], machine(), {}, ())


def test_each_host_has_a_heading_and_the_sum_stands_below() -> None:
    hosts = [
        HostReport("web1", ("a@web1",), seen(11)),
        HostReport("web2", ("a@web2", "b@web2"), seen(22)),
    ]
    text = fleet(reports.fleet("proj", hosts, {"c@web2": "no hook"}), Screen(100))
    assert text.index("web1: 1 worker") < text.index("11") < text.index("web2: 2 workers")
    assert "3 workers on 2 hosts: PSS 60.0 MiB, RSS 120.0 MiB" in text
    assert "c@web2: no hook" in text


def test_nobody_who_answers_is_told_with_what_may_be_wrong() -> None:
    assert "no worker of proj has answered" in fleet(reports.fleet("proj", [], {}), Screen(100))


def test_who_has_answered_and_tells_nothing_is_not_said_to_be_silent() -> None:
    text = fleet(reports.fleet("proj", [], {"c@web2": "no hook"}, ["d@web2"]), Screen(100))
    assert text.splitlines()[0] == "no worker that has answered tells anything"
    assert "note: c@web2: no hook" in text
