"""Command lines of Celery's, and those that only look like it."""

from __future__ import annotations

import pytest

from leakhunt.live.recognise import node_name, recognise
from leakhunt.model.process import Celery

HOST = "web1.example.com"


def told(line: str) -> Celery | None:
    return recognise(line.split(), HOST)


@pytest.mark.parametrize(
    "line",
    [
        "/usr/bin/python3 /usr/bin/celery -A proj worker -c 8 -Q a,b -n w1@%h -P prefork",
        "python3.11 -m celery --app=proj worker --concurrency=8 --queues=a,b --hostname=w1@%h --pool prefork",
        "python -X dev -W ignore -m celery -b redis://x worker -A proj -c8 -Qa,b -nw1@%h -Pprocesses",
        "/venv/bin/celery -q -C -A proj --workdir /srv worker -l INFO -c 8 -Q a,b -n w1@%h -P prefork",
        "python /venv/bin/coverage run -m celery -A proj worker -c 8 -Q a,b -n w1@%h -P prefork",
        "python -m leakhunt run -m celery -A proj worker -c 8 -Q a,b -n w1@%h -P prefork",
    ],
)
def test_workers(line: str) -> None:
    found = told(line)
    assert found == Celery("worker", f"w1@{HOST}", "proj", "prefork", "8", "a,b")


@pytest.mark.parametrize(
    "line",
    [
        "grep celery worker",
        "sh -c celery -A proj worker",
        "python watchmedo auto-restart -- celery -A proj worker",
        "sudo -u www celery -A proj worker",
        "python -c import celery; worker",
        "python -m celery -A proj inspect ping",
        "python manage.py celery",
        "vim celery",
        "celery",
        "python",
        "",
    ],
)
def test_what_is_no_worker(line: str) -> None:
    assert told(line) is None


def test_the_rest_of_what_a_line_says() -> None:
    found = told(
        "celery -A proj worker -B --autoscale=10,3 --max-memory-per-child=200000 --max-tasks-per-child 50"
    )
    assert found is not None
    assert (found.has_beat, found.concurrency) == (True, "10,3")
    assert (found.max_memory_per_child, found.max_tasks_per_child) == (200_000 << 10, 50)
    assert found.node == f"celery@{HOST}"
    assert found.without == frozenset()
    assert (found.prefetch, found.has_no_prefetch) == (None, False)
    ahead = told("celery -A proj worker --prefetch-multiplier=0 --disable-prefetch")
    assert ahead is not None
    assert (ahead.prefetch, ahead.has_no_prefetch) == (0, True)
    quiet = told("celery -A proj worker --without-gossip -c 2 --without-mingle")
    assert quiet is not None
    assert quiet.without == {"gossip", "mingle"}
    assert quiet.concurrency == "2"
    assert found.pool is None
    beat, flower = (
        told("celery -A proj beat -S x"),
        told("python -m celery -A proj flower --port=5"),
    )
    assert beat == Celery("beat", app="proj")
    assert flower == Celery("flower", app="proj")


def test_titles_of_setproctitle() -> None:
    main = told("[celeryd: w1@web1:MainProcess] -active- (-A proj worker -c 2)")
    child = told("[celeryd: w1@web1:ForkPoolWorker-3]")
    assert main == Celery("worker", "w1@web1", "proj", None, "2", is_titled=True)
    assert child == Celery("child", "w1@web1", pool="prefork")
    assert told("[celery beat] -A proj") == Celery("beat")


def test_spawned_children() -> None:
    line = [
        "python",
        "-c",
        "from billiard.spawn import spawn_main; spawn_main(pipe_handle=7)",
        "--billiard-fork",
    ]
    assert recognise(line, HOST) == Celery("child", pool="prefork")
    tracker = ["python", "-c", "from billiard.semaphore_tracker import main;main(5)"]
    assert recognise(tracker, HOST) == Celery("tracker")


def test_node_names() -> None:
    assert node_name(None, "h") == "celery@h"
    assert node_name("w", "h") == "celery@w"
    assert node_name("a@%h", HOST) == f"a@{HOST}"
    assert node_name("%n@%d", HOST) == "web1@example.com"
    assert node_name("100%%@x", HOST) == "100%@x"
