"""``leakhunt doctor``: what is looked at, the exit status for a pipeline, and what is no app."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from leakhunt.live import surroundings, tree
from leakhunt.model.configuration import Surroundings
from leakhunt.model.process import Process
from tests.support.console import inside
from tests.support.fleet import process

#: Of two processes of one worker, one has lost its main process.
WORKER = [process(10, "main", hooked=True), process(11, parent=10, hooked=True)]
APP = """
from celery import Celery
app = Celery("shop", broker="redis://:hunter2@nowhere.invalid/0")
app.conf.update(task_acks_late={late}, task_reject_on_worker_lost={late}, worker_concurrency=2, worker_max_tasks_per_child=500,
                task_ignore_result=True)
"""


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[Process]:
    """What runs on this host, whose own settings are no matter."""
    running: list[Process] = []
    monkeypatch.setattr(tree, "celery_processes", lambda home, **_: running)
    monkeypatch.setattr(surroundings, "surroundings", lambda home, pids: Surroundings())
    return running


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A module that a test writes, in the folder where doctor is run."""
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)
    yield tmp_path / "doctored_app.py"
    sys.path[:] = before
    sys.modules.pop("doctored_app", None)


def test_nothing_to_complain_of(here: list[Process]) -> None:
    status, out, err = inside("doctor", "--check")
    assert (status, err) == (0, "")
    assert out.startswith("looked at 0 running processes; no app was named (-A)")
    document = json.loads(inside("doctor", "--json")[1])
    assert (document["schema"], document["findings"]) == ("leakhunt/doctor@1", [])


@pytest.mark.parametrize(("late", "status"), [(True, 3), (False, 0)])
def test_what_is_serious_fails_a_pipeline_that_asks(
    late: bool, status: int, here: list[Process], app: Path
) -> None:
    app.write_text(APP.format(late=late))
    done, out, err = inside("doctor", "-A", "doctored_app", "--json")
    assert (done, err) == (0, "")
    assert "hunter2" not in out
    severities = {each["severity"] for each in json.loads(out)["findings"]}
    assert ("serious" in severities) is bool(status)
    done, out, _ = inside("doctor", "-A", "doctored_app", "--check")
    assert done == status
    assert "hunter2" not in out


def test_why_is_told_to_who_asks(here: list[Process], app: Path) -> None:
    app.write_text(APP.format(late=True))
    short, long = (inside("doctor", "-A", "doctored_app", *more)[1] for more in ((), ("-v",)))
    assert "https://" not in short
    assert "https://" in long


def test_pids_narrow_the_look(here: list[Process]) -> None:
    here += [*WORKER, process(30, "main", hooked=True)]
    assert inside("doctor")[1].startswith("looked at 3 running processes")
    assert inside("doctor", "10")[1].startswith("looked at 2 running processes")
    status, out, err = inside("doctor", "10", "12")
    assert (status, out) == (2, "")
    assert err == "leakhunt: there is no process 12\n"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise RuntimeError('no such luck')", "cannot be loaded: RuntimeError: no such luck"),
        ("app = 3", "cannot be"),
        ("import sys; sys.exit(7)", "cannot be loaded: SystemExit: 7"),
    ],
)
def test_what_is_no_app_is_an_error_without_a_traceback(
    source: str, said: str, here: list[Process], app: Path
) -> None:
    app.write_text(source)
    status, out, err = inside("doctor", "-A", "doctored_app")
    assert (status, out) == (2, "")
    assert said in err
    assert "Traceback" not in err
