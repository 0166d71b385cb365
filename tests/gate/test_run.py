"""The one that runs the target: orders in, answers out, whatever the target does."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from leakhunt.errors import CaptureError
from leakhunt.gate import celery_task, run, runner, target
from leakhunt.gate.orders import (
    ARGUMENTS,
    EXHAUSTED,
    FAILED,
    IMPORT,
    LOOK,
    RAN,
    RUN,
    STOP,
    TARGET,
    Answer,
    Order,
    answer,
    line,
)  # fmt: skip
from leakhunt.gate.run import Runner
from leakhunt.gate.target import TargetError
from tests.support.places import ROOT


class Observer:
    """In the place of tracing: what was asked for, in order."""

    def __init__(self, *made: Any, error: Exception | None = None) -> None:
        self.made = made
        self.events: list[Any] = []
        self.error = error

    def begin(self) -> None:
        self.events.append("begin")

    def ran(self) -> None:
        self.events.append("ran")

    def take(self, full: bool) -> str:
        if self.error is not None:
            raise self.error
        self.events.append("full" if full else "look")
        return f"{len(self.events)}.bin"


def made(
    function: Callable[..., Any] = lambda: None, arguments: Any = None, **looks: Any
) -> tuple[Runner, Observer]:
    shown: Any = Observer(**looks)
    return Runner(shown, function, iter(arguments or itertools.repeat(((), {})))), shown


def test_runs_add_up_and_a_look_is_taken_after_them() -> None:
    calls: list[tuple[Any, ...]] = []
    one, observer = made(lambda *a, **k: calls.append((a, k)), [((n,), {"b": n}) for n in range(9)])
    first = one.carry_out(Order(RUN, 2))
    assert (first.kind, first.runs, first.path) == (RAN, 2, None)
    second = one.carry_out(Order(RUN, 3, look=True))
    assert (second.kind, second.runs) == (RAN, 5)
    assert second.seconds >= 0
    assert one.carry_out(Order(RUN, 0, look=True, full=True)).runs == 5
    assert calls == [((n,), {"b": n}) for n in range(5)]
    # Tracing begins after the first order's runs, which import things; a look is never before it.
    assert observer.events == [
        "ran",
        "ran",
        "begin",
        *["ran"] * 3,
        "begin",
        "look",
        "begin",
        "full",
    ]


def test_the_end_of_the_arguments_is_told_with_the_runs_that_were_made() -> None:
    one, _ = made(lambda n: None, [((n,), {}) for n in range(3)])
    last = one.carry_out(Order(RUN, 10, look=True))
    assert (last.kind, last.runs) == (EXHAUSTED, 3)
    assert last.path is not None


def test_what_the_target_raises_is_told_with_its_traceback() -> None:
    def fails() -> None:
        raise ValueError("no stock")

    one, observer = made(fails)
    told = one.carry_out(Order(RUN, 1, look=True))
    assert (told.kind, told.where) == (FAILED, TARGET)
    assert "ValueError: no stock" in str(told.message)
    assert "in fails" in str(told.traceback)
    assert observer.events == []


def test_a_look_that_fails_is_told_as_that() -> None:
    one, _ = made(error=CaptureError("no space left"))
    told = one.carry_out(Order(RUN, 1, look=True))
    assert (told.kind, told.where, told.message, told.runs) == (FAILED, LOOK, "no space left", 1)


def test_only_who_interrupts_it_gets_through() -> None:
    def stops() -> None:
        raise KeyboardInterrupt

    one, _ = made(stops)
    with pytest.raises(KeyboardInterrupt):
        one.carry_out(Order(RUN, 1))


# -- over pipes ------------------------------------------------------------------------


class Conversation:
    """A runner in a process of its own."""

    def __init__(self, folder: Path, name: str, args: str | None = None) -> None:
        theirs, self.asks = os.pipe()
        answers, says = os.pipe()
        settings = runner.settings_of(
            target=name, args=args, eager=False, engine="exact", nframe=None, dir=str(folder / "looks"),
            orders=theirs, answers=says,
        )  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, str(Path(runner.__file__)), settings],
            cwd=folder, pass_fds=(theirs, says), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        os.close(theirs)
        os.close(says)
        self._answers = os.fdopen(answers, "rb")

    def hear(self) -> Answer | None:
        text = self._answers.readline()
        return answer(text) if text else None

    def order(self, wanted: Order) -> Answer | None:
        os.write(self.asks, line(wanted))
        return self.hear()

    def end(self) -> tuple[int, str]:
        """How it ended, and what it printed."""
        os.close(self.asks)
        self._answers.close()
        printed, _ = self.process.communicate(timeout=300)
        return self.process.returncode, printed.decode()


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Callable[..., Conversation]]:
    started: list[Conversation] = []

    def begin(text: str, *arguments: Any) -> Conversation:
        (tmp_path / "shop.py").write_text(text)
        started.append(Conversation(tmp_path, *arguments))
        return started[-1]

    yield begin
    for each in started:
        each.process.kill()
        each.process.communicate()


def test_it_says_that_it_is_ready_does_as_told_and_ends_without_farewells(
    talk: Any, tmp_path: Path
) -> None:
    one = talk(
        "import atexit\natexit.register(print, 'farewell')\nKEPT = []\n"
        "def take():\n    KEPT.append(3)\n    print(len(KEPT))\n",
        "shop:take",
    )
    assert one.hear() == Answer(RAN, at=(str(tmp_path / "shop.py"), 4))
    assert one.order(Order(RUN, 2)).runs == 2
    looked = one.order(Order(RUN, 1, look=True))
    assert looked.runs == 3
    assert Path(looked.path).is_file()
    assert one.order(Order(STOP)) is None
    status, printed = one.end()
    assert status == 0
    assert "farewell" not in printed


def test_what_the_target_prints_is_no_answer(talk: Any) -> None:
    one = talk("def take():\n    print('{}', flush=True)\n", "shop:take")
    assert one.hear().kind == RAN
    assert one.order(Order(RUN, 2)).runs == 2
    assert one.end() == (0, "{}\n{}\n")


@pytest.mark.parametrize("words", ["none.jsonl", "shop:none"])
def test_arguments_that_are_not_there_are_told_with_the_first_run(talk: Any, words: str) -> None:
    one = talk("def take(n):\n    pass\n", "shop:take", words)
    assert one.hear().kind == RAN
    told = one.order(Order(RUN, 1))
    assert (told.kind, told.where) == (FAILED, ARGUMENTS)
    assert "none" in told.message


def test_whoever_ordered_and_has_gone_ends_it(talk: Any) -> None:
    one = talk("def take():\n    pass\n", "shop:take")
    assert one.hear().kind == RAN
    assert one.end()[0] == 0


@pytest.mark.parametrize(
    ("text", "words", "where", "said"),
    [
        ("import nowhere_at_all", ("shop:take",), IMPORT, "nowhere_at_all"),
        ("def take():\n    pass", ("shop:give",), IMPORT, "give"),
    ],
)
def test_what_cannot_begin_is_told_before_any_order(
    talk: Any, text: str, words: tuple[str, ...], where: str, said: str
) -> None:
    told = talk(text, *words).hear()
    assert (told.kind, told.where) == (FAILED, where)
    assert said in told.message


def test_a_child_that_the_target_forks_and_that_comes_back_says_nothing(talk: Any) -> None:
    one = talk("import os\ndef take():\n    os.fork()\n", "shop:take")
    one.hear()
    told = one.order(Order(RUN, 5))
    assert (told.kind, told.runs) == (RAN, 5)


# -- which target ------------------------------------------------------------------------


def prepared(
    monkeypatch: pytest.MonkeyPatch,
    loaded: Any,
    task: bool,
    eager: bool,
    engine: str | None = "exact",
) -> Runner:
    monkeypatch.setattr(run, "Observer", Observer)
    monkeypatch.setattr(target, "load", lambda name: loaded)
    monkeypatch.setattr(target, "is_task", lambda found: task)
    monkeypatch.setattr(celery_task, "Worker", lambda task, folder, done: SimpleNamespace(
        batches=lambda arguments: lambda runs: runs * 10))  # fmt: skip
    return run._prepared(run.Settings("shop:take", None, eager, engine, None, "/nowhere", 0, 0))


def test_a_task_runs_in_a_worker_or_eagerly_and_a_function_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    applied: list[Any] = []
    task = SimpleNamespace(run=len, apply=lambda *a, **k: applied.append((a, k)))
    assert prepared(monkeypatch, task, task=True, eager=False).carry_out(Order(RUN, 2)).runs == 20
    prepared(monkeypatch, task, task=True, eager=True).carry_out(Order(RUN, 1))
    assert applied == [(((), {}), {"throw": True})]
    called: list[int] = []
    prepared(monkeypatch, lambda: called.append(1), task=False, eager=False).carry_out(
        Order(RUN, 2)
    )
    assert called == [1, 1]


@pytest.mark.parametrize(
    ("task", "eager", "engine", "used"),
    [
        (True, False, None, "sampled"),
        (True, True, None, "exact"),
        (False, False, None, "exact"),
        (True, False, "exact", "exact"),
        (False, False, "sampled", "sampled"),
    ],
)
def test_a_task_in_a_worker_is_sampled_unless_somebody_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, task: bool, eager: bool, engine: str | None, used: str
) -> None:
    target_of = SimpleNamespace(run=len, apply=len) if task else len
    observer: Any = prepared(monkeypatch, target_of, task, eager, engine).observer
    assert observer.made[1] == used


def test_the_settings_are_those_that_the_console_passes() -> None:
    said = json.loads(runner.settings_of(**dict.fromkeys(run.Settings._fields, 1)))
    assert run.Settings(**said)._asdict() == said


def test_a_failure_is_where_it_was() -> None:
    one, _ = made()
    told = one._failed(TargetError(ARGUMENTS, "it has no line 3", "Traceback"))
    assert (told.where, told.message, told.traceback) == (
        ARGUMENTS,
        "it has no line 3",
        "Traceback",
    )
