"""The engine of a process: begun once, given up where that is safe, and another in its place."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import pytest

from leakhunt.engine import choice
from leakhunt.engine.interface import Counters
from leakhunt.errors import EngineRefusedError
from leakhunt.hook import config, tracing
from leakhunt.hook.process import vitals
from leakhunt.hook.tracing import Tracing


class Engine:
    """As much of one as is switched: what was asked of it, in order."""

    default_nframe = 7

    def __init__(self, name: str, refuses: str | None = None, stays: str | None = None) -> None:
        self.name, self.why, self.refuses, self.stays = name, None, refuses, stays
        self.default_start = "boot" if name == "sampled" else "signal"
        self.tracing = False
        self.nframe = 0
        self.lived: list[Any] = []

    def start(self, nframe: int) -> None:
        if self.refuses:
            raise EngineRefusedError(self.refuses)
        self.tracing, self.nframe = True, nframe

    def stop(self) -> None:
        self.tracing = False

    def stop_refused(self, threads: int) -> str | None:
        return self.stays

    def live(self, age: float | None, done: int = 0) -> None:
        self.lived.append((age, done))

    def counters(self) -> Counters:
        return Counters(100, 200, 30)

    def facts(self) -> dict[str, Any]:
        return {"interval": 512}


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> dict[str, Engine]:
    """The engines by name; the clock stands at 1,000 s, and the process has 5 MiB."""
    made = {name: Engine(name) for name in choice.ENGINES}
    monkeypatch.setattr(choice, "choose", lambda name, *_: made[name or choice.DEFAULT])
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    monkeypatch.setattr(vitals, "rss", lambda: 5 << 20)
    return made


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(tracing, "say", lambda level, text: found.append(text))
    return found


def settings(tmp_path: Path, **given: Any) -> config.Settings:
    return config.settings({"dir": str(tmp_path), **given}, {})


def test_it_is_armed_once_and_says_since_when(engines: dict[str, Engine], tmp_path: Path) -> None:
    one: Any = Tracing(settings(tmp_path))
    assert one.traced() is None
    assert one.arm(40)
    assert not one.arm(50)
    assert (one.armed_at, one.armed_tasks, one.armed_rss) == (1000.0, 40, 5 << 20)
    assert one.traced() == 100
    assert one.published() == {
        "engine": "sampled", "nframe": 7, "start": "boot", "armed_at": 1000.0, "armed_rss": 5 << 20,
    }  # fmt: skip
    assert one.facts() == {**one.published(), "armed_tasks": 40, "interval": 512}
    assert one.figures() == {"traced": 100, "traced_peak": 200, "tracer": 30}


def test_an_engine_that_is_off_is_not_armed(engines: dict[str, Engine], tmp_path: Path) -> None:
    one: Any = Tracing(settings(tmp_path, engine="off"))
    assert not one.arm(0)
    assert one.armed_at is None


def test_what_the_settings_say_goes_before_the_engines_own(
    engines: dict[str, Engine], tmp_path: Path
) -> None:
    one: Any = Tracing(settings(tmp_path, nframe=3, start="signal"))
    one.arm(0)
    assert (one.nframe, one.engine.nframe, one.start) == (3, 3, "signal")


@pytest.mark.parametrize(("boot", "begun"), [(False, True), (True, False)])
def test_where_the_sampled_engine_refuses_the_exact_one_comes_at_the_first_trigger(
    engines: dict[str, Engine], said: list[str], tmp_path: Path, boot: bool, begun: bool
) -> None:
    """Not at the start of a worker, whose CPU it would multiply unasked."""
    engines["sampled"].refuses = "PYTHONMALLOC=malloc"
    one: Any = Tracing(settings(tmp_path))
    assert one.arm(0, boot=boot) is begun
    assert (one.engine.name, one.engine.tracing) == ("exact", begun)
    assert said == ["the sampled engine does not work here: PYTHONMALLOC=malloc; using exact"]
    assert one.arm(0) is not begun


def test_in_a_fork_what_runs_has_run_since_its_parent_armed_it(
    engines: dict[str, Engine], tmp_path: Path
) -> None:
    one: Any = Tracing(settings(tmp_path))
    one.inherit(900.0)
    assert one.armed_at is None
    assert engines["sampled"].lived == [(100.0, 0)]
    one.arm(40)
    one.inherit(990.0)
    assert one.published()["armed_at"] == 1000.0
    assert (one.armed_tasks, one.armed_rss) == (0, None)
    assert engines["sampled"].lived[-1] == (10.0, 0)
    one.inherit(None)
    assert engines["sampled"].lived[-1] == (None, 0)


def test_it_is_disarmed_where_that_is_safe(engines: dict[str, Engine], tmp_path: Path) -> None:
    one: Any = Tracing(settings(tmp_path))
    assert one.disarm(7) == "process 7 is not tracing: nothing to stop"
    one.arm(0)
    engines["sampled"].stays = "9 threads run"
    assert one.disarm(7) == "tracing goes on: 9 threads run"
    assert one.traced() == 100
    engines["sampled"].stays = None
    assert "tracing stopped in process 7" in one.disarm(7)
    assert (one.traced(), one.armed_at, one.armed_rss) == (None, None, None)


def test_it_is_switched_and_says_what_is_not_seen(
    engines: dict[str, Engine], tmp_path: Path
) -> None:
    one: Any = Tracing(settings(tmp_path))
    one.inherit(900.0)
    one.arm(10)
    told = one.switch(7, 50, "exact", None)
    assert told == (
        "the exact engine traces process 7 from now on (nframe 7); what was allocated before is not seen"
    )
    assert [engines[name].tracing for name in ("sampled", "exact")] == [False, True]
    assert engines["exact"].lived == [(100.0, 50)]
    assert one.armed_tasks == 50
    assert one.switch(7, 60, "exact", 7) == "the exact engine traces process 7 already"
    assert "(nframe 12)" in one.switch(7, 60, "exact", 12)


def test_an_engine_that_may_not_stop_goes_on(engines: dict[str, Engine], tmp_path: Path) -> None:
    one: Any = Tracing(settings(tmp_path))
    one.arm(0)
    engines["sampled"].stays = "9 threads run"
    assert one.switch(7, 0, "exact", None) == "the sampled engine goes on: 9 threads run"
    assert one.engine is engines["sampled"]
    assert not engines["exact"].tracing


def test_why_it_is_another_engine_is_said(
    engines: dict[str, Engine], said: list[str], tmp_path: Path
) -> None:
    one: Any = Tracing(settings(tmp_path))
    one.say_engine()
    assert said == []
    one.engine.why = "it is not compiled"
    one.say_engine()
    assert said == ["using the sampled engine: it is not compiled"]


def test_a_baseline_says_what_it_has_not_seen(
    engines: dict[str, Engine], said: list[str], tmp_path: Path
) -> None:
    one: Any = Tracing(settings(tmp_path, start="signal"))
    one.arm(0)
    one.say_armed(7)
    assert "process 7 (nframe 7)" in said[0]
    assert "what was allocated before (5.0 MiB RSS) is not seen" in said[0]
    one.armed_rss = None
    one.say_armed(7)
    assert "what was allocated before is not seen" in said[1]


def test_the_log_is_told_as_a_warning(
    engines: dict[str, Engine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels: list[int] = []
    monkeypatch.setattr(tracing, "say", lambda level, text: levels.append(level))
    Tracing(settings(tmp_path)).say_armed(7)
    assert levels == [logging.WARNING]
