"""What a watch does of itself: once for each occasion, and again when there is a new one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from leakhunt.cli.watching.acts import Acts, dumping
from leakhunt.errors import LeakhuntError, SettingError
from leakhunt.model.process import Process
from leakhunt.report.watch import Limits, Sample, WatchReport, line, watch
from tests.support.fleet import MIB, NOW, machine, process


def seen(*processes: Process, limit: int = 100) -> WatchReport:
    lines = [
        line(each, (Sample(NOW, each.memory, None),), Limits(limit * MIB)) for each in processes
    ]
    return watch(machine(), NOW, lines, 0, False)


def of(rss: float, **facts: Any) -> Process:
    return process(7, rss=rss, hooked=True, **facts)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that it is."""
    moment = [1000.0]
    monkeypatch.setattr("leakhunt.cli.watching.acts.time.monotonic", lambda: moment[0])
    return moment


def noting() -> tuple[list[int], Callable[[Process], None]]:
    asked: list[int] = []
    return asked, lambda each: asked.append(each.pid)


def test_a_process_is_dumped_once_when_it_crosses_and_again_after_it_has_fallen_by_a_tenth() -> (
    None
):
    asked, dump = noting()
    doing = Acts(dump, 50 * MIB, None, None)
    for rss, times in ((50, 0), (51, 1), (60, 1), (46, 1), (51, 1), (44, 1), (51, 2)):
        doing.act(seen(of(rss)))
        assert len(asked) == times, rss
    doing.act(seen())  # it has ended: whoever has its pid next is another one
    doing.act(seen(of(51)))
    assert len(asked) == 3


def test_those_that_are_hooked_are_dumped_as_often_as_was_asked(clock: list[float]) -> None:
    asked, dump = noting()
    doing = Acts(dump, None, 60.0, None)
    for seconds, times in ((59, 0), (1, 1), (30, 1), (30, 2)):
        clock[0] += seconds
        doing.act(seen(of(1), process(8)))
        assert asked == [7] * times


def test_the_command_is_run_once_for_each_time_that_one_becomes_critical(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran: list[dict[str, str]] = []

    def start(words: list[str], env: dict[str, str], **_: Any) -> Any:
        assert words == ["notify", "on call"]
        ran.append({name: value for name, value in env.items() if name.startswith("WATCH_")})
        return SimpleNamespace(poll=lambda: 0)

    monkeypatch.setattr("leakhunt.cli.watching.acts.subprocess.Popen", start)
    doing = Acts(noting()[1], None, None, "notify 'on call'")
    for rss, times in ((50, 0), (97, 1), (98, 1), (50, 1), (97, 2)):
        doing.act(seen(of(rss)))
        assert len(ran) == times
    assert ran[0] == {"WATCH_PID": "7", "WATCH_RSS": str(97 * MIB), "WATCH_NODE": "w@h"}


def test_a_command_that_has_ended_is_no_zombie() -> None:
    doing = Acts(noting()[1], None, None, f"{sys.executable} -c pass")
    doing.act(seen(of(97)))
    (started,) = doing._started
    started.wait()
    doing.reap()
    assert doing._started == []


@pytest.mark.parametrize("words", ["'unclosed", " "])
def test_what_is_no_command_is_said_before_the_first_look(words: str) -> None:
    with pytest.raises(SettingError, match="--exec"):
        Acts(noting()[1], None, None, words)


def test_of_an_app_the_worker_of_the_process_is_asked_and_what_it_refuses_is_said() -> None:
    asked: list[Any] = []

    def dump(pids: list[int], nodes: list[str]) -> tuple[list[str], list[str]]:
        asked.append((pids, nodes))
        return [], ["w@h: remote control is off"]

    fleet: Any = SimpleNamespace(dump=dump)
    with pytest.raises(LeakhuntError, match="remote control is off"):
        dumping(Path("/"), fleet)(of(1))
    assert asked == [([7], ["w@h"])]
    dumping(Path("/"), fleet)(of(1, celery=None))  # no worker to ask
    assert len(asked) == 1


def test_what_cannot_be_dumped_is_told_and_the_watch_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(each: Process) -> None:
        raise LeakhuntError(f"{each.pid} is busy")

    doing = Acts(refuse, 50 * MIB, None, None)
    doing.act(seen(of(60)))
    assert capsys.readouterr().err == "leakhunt: 7 is busy\n"
