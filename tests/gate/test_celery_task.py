"""A task as a target: what it raises gets out, and nothing leaves the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import celery
import pytest
from celery import Celery
from celery.backends.base import DisabledBackend

from leakhunt.gate.celery_task import QUEUE, Worker, eagerly
from leakhunt.hook.celery.outbox import deliver


def test_messages_go_through_a_folder_and_results_nowhere(tmp_path: Path) -> None:
    """Also where ``Celery(backend=...)`` names one."""
    before = celery.current_app._get_current_object()
    nowhere = "redis://nobody.invalid"
    app = Celery("shop", broker=nowhere, backend=nowhere, set_as_current=False)
    app.conf.task_always_eager = True

    @app.task  # type: ignore[untyped-decorator]
    def take() -> None:
        """Does nothing."""

    worker = Worker.__new__(Worker)
    worker.task = take
    worker._folder = tmp_path / "broker"
    try:
        worker._configure()
    finally:
        before.set_current()
    assert type(app.backend) is DisabledBackend
    with app.connection_for_write() as connection:
        assert connection.transport_cls == "filesystem"
    take.apply_async(queue=QUEUE)
    (message,) = (tmp_path / "broker" / "in").iterdir()
    assert QUEUE in message.name
    message.unlink()
    written = {"data_folder_out": str(tmp_path / "broker" / "out")}
    with app.connection_for_write(transport_options=written) as connection:
        take.apply_async(queue=QUEUE, producer=app.amqp.Producer(connection))
    assert list((tmp_path / "broker" / "in").iterdir()) == []  # the worker sees what is whole
    deliver(tmp_path / "broker" / "out", tmp_path / "broker" / "in")
    (message,) = (tmp_path / "broker" / "in").iterdir()
    assert QUEUE in message.name
    for name in ("in", "out", "control"):
        assert (tmp_path / "broker" / name).stat().st_mode & 0o777 == 0o700


def test_eagerly_a_task_runs_here_and_raises_here() -> None:
    app = Celery("shop", set_as_current=False)
    seen: list[Any] = []

    @app.task(name="take", bind=True)  # type: ignore[untyped-decorator]
    def take(self: Any, number: int, *, fails: bool = False) -> None:
        seen.append((number, self.request.called_directly))
        if fails:
            raise KeyError(number)

    run = eagerly(take)
    assert run(1) is None
    assert seen == [(1, False)]
    with pytest.raises(KeyError, match="2"):
        run(2, fails=True)
