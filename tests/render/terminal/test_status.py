"""Where one stands, for the eye: four lines and the next step."""

from __future__ import annotations

import pytest

from leakhunt.render.screen import Screen
from leakhunt.render.terminal.status import status
from leakhunt.report.status import StatusReport
from leakhunt.report.trend import trend
from tests.support.builders import history
from tests.support.growing import hourly, rising


def test_nothing_yet() -> None:
    assert status(StatusReport("/snaps", (), (), None), Screen(100)).splitlines() == [
        "folder     /snaps",
        "hooked     no process of this host that you may signal",
        "snapshots  none yet",
        "",
        "next  leakhunt demo                             watch it find a leak, in 20 seconds",
        "next  celery -A proj worker -I leakhunt.worker  hook a worker",
        "next  leakhunt --help                           every command",
    ]


@pytest.mark.parametrize("width", [40, 80])
def test_with_a_verdict_it_fits_the_window(width: int) -> None:
    leaks = trend([history(("/srv/shop/tasks.py:40", rising(50_000), rising(100)))])
    report = StatusReport("/snaps", ("child 7",), (hourly(10 << 20, 20 << 20),), leaks)
    text = status(report, Screen(width))
    assert max(map(len, text.splitlines())) <= width
    assert "verdict    Leak: +500 B per task" in text
