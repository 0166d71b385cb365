"""What happens to a process: it is asked, runs tasks, is forked, and nothing of the hook's goes out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from leakhunt.hook import asking
from leakhunt.hook import hook as module
from leakhunt.hook.captures import PATIENCE
from leakhunt.hook.hook import Hook
from leakhunt.snapfile import folders
from tests.hook.conftest import Hooking
from tests.hook.test_captures import ends, written
from tests.hook.test_presence import told
from tests.support.places import ROOT
from tests.support.unbuilt import needs_parts


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(module, "say", lambda level, text: lines.append(text))
    return lines


def ask(hook: Hook, request: str) -> str:
    """Leave it in the letter box, as the console does; the request's name."""
    if hook.record._file is None:
        hook.presence.publish()
    path = next((hook.settings.dir / folders.PROCESSES).glob("*.json"))
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        return asking.leave(descriptor, request)
    finally:
        os.close(descriptor)


def answer(hook: Hook, request: str) -> tuple[str | None, str | None, str | None]:
    """File, problem and note of its answer in the record."""
    (found,) = [each[1:] for each in told(hook)["answers"] if each[0] == request]
    file, problem, note = found
    return file, problem, note


# -- asked ------------------------------------------------------------------------------------


def test_a_look_without_a_request_does_nothing(hooking: Hooking) -> None:
    hook = hooking()
    hook.presence.publish()
    assert not hook.look()
    assert hook.captures.under_way is None


@pytest.mark.parametrize("request_", ["dump", "dump full"])
def test_a_dump_is_answered_with_its_file(request_: str, hooking: Hooking) -> None:
    hook = hooking()
    name = ask(hook, request_)
    assert hook.look()
    ends(hook.captures)
    assert written(hook) == ["dump"]
    file, problem, note = answer(hook, name)
    assert (file is not None, problem, note) == (True, None, None)
    assert (hook.state.series / str(file)).exists()


def test_a_trigger_that_is_due_as_well_gives_the_capture_its_name(hooking: Hooking) -> None:
    hook = hooking()
    name = ask(hook, "dump")
    assert hook.look("tasks")
    ends(hook.captures)
    assert written(hook) == ["tasks"]
    assert answer(hook, name)[0] is not None


def test_a_question_is_answered_without_a_snapshot(hooking: Hooking) -> None:
    hook = hooking()
    looks, stacks = ask(hook, "look"), ask(hook, "stacks")
    assert hook.look()
    assert hook.captures.under_way is None
    assert answer(hook, looks) == answer(hook, stacks) == (None, None, None)
    assert "test_a_question_is_answered_without_a_snapshot" in told(hook)["stacks"]


def test_the_engine_is_switched_and_given_up_by_request(hooking: Hooking, said: list[str]) -> None:
    hook = hooking()
    arms = ask(hook, "arm exact 3")
    hook.look()
    assert (hook.tracing.engine.name, hook.tracing.engine.nframe) == ("exact", 3)
    assert hook.tracing.engine.tracing
    note = f"the exact engine traces process {os.getpid()} from now on (nframe 3)"
    assert str(answer(hook, arms)[2]).startswith(note)
    stops = ask(hook, "disarm")
    hook.look()
    assert answer(hook, stops)[2] == said[-1]
    hook.tracing.engine.stop()  # before 3.12.9 it may be refused


@pytest.mark.parametrize("request_", ["arm", "arm nothing", "arm exact many", "sing"])
def test_what_nobody_understands_is_answered_so_and_changes_nothing(
    request_: str, hooking: Hooking, said: list[str]
) -> None:
    hook = hooking()
    name = ask(hook, request_)
    assert hook.look()
    file, problem, note = answer(hook, name)
    assert (file, note) == (None, None)
    assert str(problem).startswith(f"{request_}: ValueError: ")
    assert said == [problem]
    assert not hook.tracing.engine.tracing


def test_on_its_way_out_a_process_takes_no_requests(hooking: Hooking) -> None:
    hook = hooking()
    ask(hook, "dump")
    hook.state.leaving = True
    assert not hook.look()


# -- signals ----------------------------------------------------------------------------------


def test_a_signal_from_outside_captures_and_is_passed_on(hooking: Hooking) -> None:
    hook, passed = hooking(), []
    hook.process.work = hook.process.work._replace(tell_others=lambda: passed.append(1))
    assert hook.signalled()
    ends(hook.captures)
    assert (written(hook), passed) == (["signal"], [1])


@pytest.mark.parametrize("second", [False, True])
def test_a_signal_with_a_request_is_the_consoles_and_is_not_passed_on(
    second: bool, hooking: Hooking
) -> None:
    hook, passed = hooking(), []
    hook.process.work = hook.process.work._replace(tell_others=lambda: passed.append(1))
    ask(hook, "dump")
    assert not hook.signalled(second)
    ends(hook.captures)
    assert (written(hook), passed) == (["dump"], [])


def test_the_second_signal_alone_takes_no_snapshot(hooking: Hooking) -> None:
    hook = hooking()
    hook.presence.publish()
    assert not hook.signalled(second=True)
    assert hook.captures.under_way is None


def test_a_signal_takes_what_a_thread_has_left_for_the_main_one(
    hooking: Hooking, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = hooking()
    monkeypatch.setattr(hook.handlers, "wake_main", lambda: True)
    hook.captures.fire_soon("rss")
    assert not hook.signalled(second=True)
    ends(hook.captures)
    assert written(hook) == ["rss"]


def test_what_goes_wrong_in_a_handler_is_made_up_for_after_the_next_task(
    hooking: Hooking, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = hooking()

    def fail(*_: object) -> None:
        raise RecursionError("as deep as it may go")

    with monkeypatch.context() as deep:
        deep.setattr(hook.record, "take_requests", fail)
        assert not hook.signalled()
    assert hook.handlers.missed
    assert hook.captures.under_way is None
    hook.task_done("shop.pay")
    assert not hook.handlers.missed
    ends(hook.captures)
    assert written(hook) == ["signal"]


def test_a_child_that_ends_lets_nothing_out(
    hooking: Hooking, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = hooking()

    def fail() -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(hook.captures, "poll", fail)
    hook.child_ended()


# -- tasks ------------------------------------------------------------------------------------


def test_a_task_is_booked_and_takes_the_snapshot_that_is_due(hooking: Hooking) -> None:
    hook = hooking(every=2)
    hook.task_begins("shop.pay")
    hook.task_done("shop.pay", wall=0.5, cpu=0.25, failed=True)
    assert hook.captures.under_way is None
    assert hook.ledger.facts()["shop.pay"]["failed"] == 1
    hook.task_done("shop.pay")
    ends(hook.captures)
    assert written(hook) == ["tasks"]


@needs_parts
def test_after_three_failures_only_what_was_asked_for_is_tried(hooking: Hooking) -> None:
    hook = hooking(every=1)
    hook.captures.failures = PATIENCE
    hook.task_done("shop.pay")
    assert hook.captures.under_way is None
    ask(hook, "dump")
    hook.task_done("shop.pay")
    ends(hook.captures)
    assert written(hook) == ["dump"]


@needs_parts
def test_a_task_reaps_the_capture_that_has_ended(hooking: Hooking) -> None:
    hook = hooking()
    hook.captures.fire("signal")
    under_way: Any = hook.captures.under_way
    os.waitid(os.P_PID, under_way.pid, os.WEXITED | os.WNOWAIT)
    hook.handlers.release_child()
    hook.task_done("shop.pay")
    assert hook.captures.under_way is None
    assert hook.answers.captures == 1


def test_a_record_that_somebody_removed_comes_back_with_the_next_task(hooking: Hooking) -> None:
    hook = hooking()
    hook.presence.publish()
    (path,) = (hook.settings.dir / folders.PROCESSES).glob("*.json")
    path.unlink()
    hook.task_done("shop.pay")
    assert path.exists()


# -- other settings, other processes, the end -------------------------------------------------


def test_newer_settings_count_from_what_is_done(hooking: Hooking) -> None:
    hook = hooking()
    for _ in range(6):
        hook.task_done("shop.pay")
    hook.take(hook.settings._replace(every=4, light="off"))
    assert hook.captures.making.budget.setting == "off"
    hook.task_done("shop.pay")
    assert hook.captures.under_way is None
    hook.task_done("shop.pay")
    ends(hook.captures)
    assert written(hook) == ["tasks"]


def test_it_leaves_no_record(hooking: Hooking) -> None:
    hook = hooking()
    hook.presence.publish()
    hook.leave()
    assert list((hook.settings.dir / folders.PROCESSES).glob("*.json")) == []


def test_a_forked_process_begins_anew_beside_its_parent(tmp_path: Path) -> None:
    program = """
import json, os, sys
from leakhunt.hook import config
from leakhunt.hook.hook import Hook
hook = Hook(config.settings({"dir": sys.argv[1], "engine": "off"}, {}))
hook.adopt("main", node="celery@web1")
hook.task_done("shop.pay")
hook.captures.dump()
pid = os.fork()
if not pid:
    hook.adopt("child", main=os.getppid())
    hook.captures.dump()
else:
    assert os.waitpid(pid, 0)[1] == 0
records = sorted(name for name in os.listdir(sys.argv[1] + "/processes") if name.endswith(".json"))
print(json.dumps([hook.process.role, hook.ledger.done, hook.answers.captures, len(records), str(hook.state.series)]), flush=True)
hook.leave()
os._exit(0)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    child, parent = (json.loads(line) for line in done.stdout.splitlines())
    assert child[:4] == ["child", 0, 1, 2]
    assert parent[:4] == ["main", 1, 1, 1]
    assert child[4] != parent[4]
    assert [len(list(Path(series).glob("[0-9]*"))) for series in (child[4], parent[4])] == [1, 1]
