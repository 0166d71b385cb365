"""Workers on their hosts: sums over hosts, and who has told nothing."""

from __future__ import annotations

from leakhunt.report.fleet import HostReport, fleet
from leakhunt.report.ps import PsReport, ps
from tests.support.fleet import MIB, machine, process


def seen(*pids: int, pss: float | None = 30) -> PsReport:
    return ps([process(pid, pss=pss) for pid in pids], machine(), {}, ())


def test_sums_are_over_all_hosts() -> None:
    report = fleet(
        "proj",
        [HostReport("web1", ("a@web1",), seen(11, 12)), HostReport("web2", ("a@web2",), seen(13))],
        {},
    )
    assert (report.rss, report.pss) == (180 * MIB, 90 * MIB)
    assert report.notes == ()


def test_who_refuses_or_is_silent_is_noted_by_name() -> None:
    report = fleet("proj", [], {"a@web1": "no hook"}, ["b@web1"])
    assert report.notes == ("a@web1: no hook", "b@web1 has not answered")
    assert (report.rss, report.pss) == (0, 0)


def test_what_is_in_no_sum_is_noted() -> None:
    notes = fleet(
        "proj", [HostReport("web1", ("a@web1",), seen(11, pss=None))], {}, left_out=2
    ).notes
    assert notes[0].startswith("USS and PSS of 1 process were not read")
    assert notes[1] == "2 processes more did not fit a reply, and are in no sum"
